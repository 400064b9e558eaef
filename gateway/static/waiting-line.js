// Asking, remembering, understanding replies. What it decides by is in waiting-words.js, before it in the same function.

var page = d.getElementById('page');
var me = null, pulse = null, pulseAt = 0, ticketAt = 0, heardAt = 0;
var failures = 0, broken = '', busy = false, timer = 0, dueAt = 0, again = false, over = false, leading = true;
var view = page.className.split(' ')[0], pinned = false, said = 0, spoken = null, unsaid = '', news = '';
var entering = false, joined = false, joinedAt = -1e9;
var id = String(Math.random()).slice(2);
var seen = recall('seen') || {};

function on(target, event, act) { target.addEventListener(event, act); }
function el(name) { return d.getElementById(name); }
function number(value) { return typeof value === 'number' && isFinite(value); }
function hidden() { return !!d.hidden; }

// Monotonic, so that a clock set by a day changes nothing here.
function now() { return w.performance && performance.now ? performance.now() / 1000 : Date.now() / 1000; }
// The server's clock, carried on by our monotonic one.
function server_ms() { return pulse ? pulse.now_ms + (now() - pulseAt) * 1000 : Date.now(); }
// A moment as milliseconds, whether it came as seconds, milliseconds or ISO 8601; 0 for none.
function moment_ms(value) { return typeof value === 'string' ? Date.parse(value) || 0 : value < 1e11 ? value * 1000 : +value || 0; }

// ---- What this browser remembers; storage may be forbidden, and then each tab is on its own.

function recall(key) {
  try { return JSON.parse(w.localStorage.getItem('antrean.' + C.room + '.' + key)); } catch (e) { return null; }
}

function remember(key, value) {
  try { w.localStorage.setItem('antrean.' + C.room + '.' + key, JSON.stringify(value)); return true; } catch (e) { return false; }
}

// ---- One tab asks for all. The lease is short and by wall time, which tabs share.

function lead(interval) {
  var lease = recall('lead'), left = lease ? lease.until - Date.now() : 0;
  if (lease && lease.id !== id && left > 0 && left < 200000 && (lease.seen || hidden())) { leading = false; return false; }
  leading = true;
  remember('lead', { id: id, until: Date.now() + (interval + 15) * 1000, seen: !hidden() });
  return true;
}

function resign() {
  var lease = recall('lead');
  if (lease && lease.id === id) { remember('lead', { id: '', until: 0, seen: false }); }
}

function tell(kind, body) { remember('news', { kind: kind, body: body, from: id, at: Date.now() }); }

// ---- Asking.

function ask(method, name, done) {
  var request = new XMLHttpRequest(), ended = false;
  function end() {
    if (ended) { return; }
    ended = true;
    clearTimeout(guard);
    var body = null;
    // A captive portal answers 200 with HTML; a cut reply is half an object. Neither is an answer.
    try { body = JSON.parse(request.responseText); } catch (e) { }
    if (!body || typeof body !== 'object') { body = null; }
    done(body, request.status, +request.getResponseHeader('Retry-After') || 0);
  }
  var guard = setTimeout(function () { request.abort(); end(); }, 10000);
  request.onreadystatechange = function () { if (request.readyState === 4) { end(); } };
  request.open(method, C.base + name, true);
  request.setRequestHeader('Accept', 'application/json');
  request.send(null);
}

function checking() {
  return !!me && (me.state === 'called' || me.state === 'late' ||
    (me.state === 'waiting' && !!pulse && me.position > 0 && me.position <= pulse.called));
}

function interval() {
  if (broken) { return retryInterval(failures, checking()); }
  if (!me || !pulse) { return 3; }
  if (checking()) { return checkInterval(me.poll_s, hidden()); }
  if (view === 'closed') { return pulse.poll_max_s; }
  if (view === 'trouble' || view === 'bypass') { return 10; }
  var wait = estimate();
  var middle = wait && (wait.low_s + wait.high_s) / 2;
  // Who knows a place far back does not ask every two seconds because the doors are about to open for others.
  var seconds = opening() ? (pulse.opens_ms - server_ms()) / 1000 + middle : wait ? middle : 1e9;
  return pulseInterval(seconds, pulse.poll_max_s, hidden());
}

function schedule(seconds) {
  clearTimeout(timer);
  if (over) { return; }
  dueAt = now() + seconds;
  timer = setTimeout(turn, seconds * 1000);
}

function next(least) {
  var seconds = interval();
  // The longest check-in of a hidden tab gets no upward jitter: the server's presence window is fixed.
  var spread = checking() && hidden() && !broken ? seconds * (0.8 + 0.2 * Math.random()) : jitter(seconds, Math.random());
  schedule(Math.max(spread, least || 0));
}

function turn() {
  if (busy || over) { return; }
  var seconds = interval();
  if (me && pulse && !lead(seconds)) { schedule(jitter(Math.min(seconds, 10) + 2, Math.random())); return; }
  busy = true;
  if (!me || again) { ask('GET', 'ticket', onTicket); }
  else if (checking() || view === 'bypass' || view === 'trouble') { ask('POST', 'check-in', onTicket); }
  else { ask('GET', 'pulse', onPulse); }
}

function soon(most) {
  if (!over && !busy) { schedule(Math.random() * most); }
}

function answered() {
  busy = false;
  if (broken) { broken = ''; say(C.t['say.back']); }
  failures = 0;
  heardAt = now();
}

// The gateway itself says no, and not only for now.
function refused(body, status) { return body && status >= 400 && status < 500 && status !== 429; }

// trouble: the gateway itself answered that something of ours is wrong; else nobody sensible answered.
function failed(trouble, retry_after) {
  busy = false;
  failures += 1;
  broken = trouble ? 'trouble' : 'offline';
  draw();
  next(Math.min(retry_after, 120));
}

// ---- What came back.

function onTicket(body, status, retry_after) {
  if (body && typeof body.state === 'string') { answered(); take(body); tell('ticket', body); }
  else if (refused(body, status)) { busy = false; noTicket(); return; }
  else { failed(!!body && status >= 400, retry_after); return; }
  if (over) { return; }
  if (!pulse || now() - pulseAt > 30) { busy = true; ask('GET', 'pulse', onPulse); return; }
  next();
}

function onPulse(body, status, retry_after) {
  if (!body || body.room !== C.room || !number(body.now_ms) || !number(body.called) || !number(body.serving)) { failed(!!body && status >= 500, retry_after); return; }
  answered();
  takePulse(body);
  tell('pulse', body);
  if (!over) { next(); }
}

function take(body) {
  me = body;
  again = false;
  ticketAt = now();
  if (me.state === 'admitted') { enter(safePath(me.location)); return; }
  if (me.state === 'moved') { stop(); w.location.replace(C.base + 'move'); return; }
  if (me.state === 'expired' && now() - joinedAt > 30) {
    // A new line has started: everyone takes a new number, spread over a few seconds.
    setTimeout(join, jitter(2.5, Math.random()) * 1000);
    stop();
  } else if (/^(finished|withdrawn|left|expired)$/.test(me.state)) { stop(); }
  draw();
}

function takePulse(body) {
  var asking = checking(), line = body.instance + '/' + body.generation, before = pulse;
  if (seen.line && seen.line !== line) { again = true; seen = {}; }
  seen.line = line;
  // Closing and reopening change what our ticket is: ask for it.
  if (before && before.phase !== body.phase && (before.phase === 'closed' || body.phase === 'closed')) { again = true; }
  if (me && me.state === 'closed' && /^(scheduled|drawn|open|paused)$/.test(body.phase)) { again = true; }
  pulse = w.antreanPulse = body; // what parts that are fetched later begin with
  pulse.density = Math.min(Math.max(+pulse.density || 1, 0.01), 1);
  pulse.poll_max_s = Math.min(Math.max(+pulse.poll_max_s || 60, 2), 600);
  pulseAt = now();
  pulse.opens_ms = moment_ms(pulse.opens_at);
  if (pulse.draw || opening()) { drawn(); }
  if (again || (checking() && !asking) || (body.phase === 'bypass' && (!before || before.phase !== 'bypass'))) {
    setTimeout(function () { soon(again ? 4 : 2); }, 0);
  }
  draw();
}

// In which order people enter, and a drawn place, from the pulse alone: by a script that only an opening's pages fetch.
function drawn() {
  if (w.antreanDraw) { w.antreanDraw(pulse.draw, me); }
  else { load('draw'); }
}

// A part of the script that few pages need.
function load(name) {
  ask('GET', name + '-script', function (body) { page.appendChild(d.createElement('script')).text = body && body.script; });
}

function forget() { seen = {}; remember('seen', null); }

function noTicket() {
  // Once: a browser that drops every cookie must not take a number at each try.
  if (cookies() && !joined) { join(); return; }
  pin('cookies');
}

// A view that no further reply changes.
function pin(name) { broken = ''; stop(); pinned = true; show(name); }

function cookies() {
  try {
    d.cookie = 'antrean-check=1; path=/; SameSite=Lax';
    var kept = d.cookie.indexOf('antrean-check=1') >= 0;
    d.cookie = 'antrean-check=; path=/; Max-Age=0';
    return kept;
  } catch (e) { return false; }
}

function join() {
  joinedAt = now();
  busy = true;
  ask('POST', 'join', function (body, status, retry_after) {
    busy = false;
    if (body && typeof body.state === 'string') {
      forget();
      over = pinned = false;
      joined = true;
      answered();
      take(body);
      tell('ticket', body);
      if (!over) { next(); }
    } else if (refused(body, status)) {
      if (!cookies()) { pin('cookies'); return; }
      me = { state: 'closed' };
      over = false;
      draw();
      next();
    }
    else { me = null; over = false; failed(!!body, retry_after); }
  });
}

function leave() {
  busy = true;
  ask('POST', 'leave', function (body, status, retry_after) {
    busy = false;
    if (status >= 200 && status < 300) {
      forget();
      take({ state: 'left' });
      tell('ticket', { state: 'left' });
      el('heading').focus();
    } else { failed(!!body, retry_after); }
  });
}

function stop() { over = true; clearTimeout(timer); resign(); }

// Visible: at once. Hidden: when looked at; a script of its own says how long the turn is kept.
function enter(path) {
  stop();
  el('enter').setAttribute('href', path || '');
  show('admitted');
  if (entering) { return; }
  entering = true;
  var tries = (recall('entered') || []).filter(function (at) { return Math.abs(Date.now() - at) < 60000; });
  tries.push(Date.now());
  remember('entered', tries);
  // Let in three times within a minute and still here: the pass is a cookie that is not kept.
  if (tries.length > 3) { pin('cookies'); return; }
  // After a bypass nothing is lost by coming late.
  if (hidden() && (!pulse || pulse.phase !== 'bypass')) { load('turn'); }
  setTimeout(go, 400);
  on(d, 'visibilitychange', go);
  function go() { if (!hidden()) { if (path) { w.location.replace(path); } else { w.location.reload(); } } }
}
