// The part that runs: asks, remembers, shows. What it decides by is in waiting.js, before it in the same function.

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
  var seconds = opening() ? (pulse.opens_ms - server_ms()) / 1000 : wait ? (wait.low_s + wait.high_s) / 2 : 1e9;
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
  if (!lead(seconds)) { schedule(jitter(Math.min(seconds, 10) + 2, Math.random())); return; }
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
  pulse = body;
  pulse.density = Math.min(Math.max(+pulse.density || 1, 0.01), 1);
  pulse.poll_max_s = Math.min(Math.max(+pulse.poll_max_s || 60, 2), 600);
  pulseAt = now();
  pulse.opens_ms = moment_ms(pulse.opens_at);
  if (again || (checking() && !asking) || (body.phase === 'bypass' && (!before || before.phase !== 'bypass'))) {
    setTimeout(function () { soon(again ? 4 : 2); }, 0);
  }
  draw();
}

function forget() { seen = {}; remember('seen', null); }

function noTicket() {
  // Once: a browser that drops every cookie must not take a number at each try.
  if (cookies() && !joined) { joined = true; join(); return; }
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

// Visible: at once. Hidden: when looked at, or after a minute, so that the turn is used in time.
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
  var wait = setTimeout(go, hidden() ? 60000 : 400);
  on(d, 'visibilitychange', function () { if (!hidden()) { go(); } });
  function go() { clearTimeout(wait); if (path) { w.location.replace(path); } else { w.location.reload(); } }
}

// ---- Between replies the page moves its own numbers, a little slower than the known rate: "at most" stays true.

function opening() { return !!pulse && pulse.opens_ms > server_ms() && /^(scheduled|drawn)$/.test(pulse.phase); }

function rate() { return expectedRate(pulse.rate_per_minute, pulse.delivered_per_minute); }

// Whether the ticket's own reply is as good as the last pulse.
function fresh() { return number(me.ahead) && (!pulse || ticketAt >= pulseAt - 5); }

function ahead() {
  if (!me || !(me.position > 0)) { return null; }
  var fromTicket = fresh();
  if (!fromTicket && !pulse) { return null; }
  var known = fromTicket ? me.ahead : peopleAhead(me.position, pulse.serving);
  var since = Math.min(now() - (fromTicket ? ticketAt : pulseAt), 90);
  if (pulse && /^(open|last-call)$/.test(pulse.phase) && !broken) { known = Math.max(known - 0.8 * rate() / 60 / pulse.density * since, 0); }
  known = Math.ceil(known);
  if (seen.number !== me.number || !(seen.first > 0)) { seen = { line: seen.line, number: me.number, first: Math.max(known, 1), least: known, done: 0 }; }
  seen.least = Math.min(seen.least, known);
  seen.done = Math.max(seen.done, Math.round(1000 * (1 - seen.least / seen.first)));
  return seen.least;
}

function estimate() {
  var left = ahead();
  if (left === null) { return null; }
  if (fresh() && me.eta && number(me.eta.low_s) && number(me.eta.high_s)) {
    // The server's own estimate, moved on by the people who have gone since.
    var share = me.ahead > 0 ? Math.min(left / me.ahead, 1) : 1;
    return { low_s: me.eta.low_s * share, high_s: me.eta.high_s * share };
  }
  return pulse ? waitRange(left, pulse.density, rate()) : null;
}

// ---- Showing.

// Text is written only when it differs, so that nothing selected, focused or being read is disturbed.
function put(name, text) { var node = el(name); if (node.textContent !== text) { node.textContent = text; } }

// Several things said in one turn are spoken as one.
function say(text) {
  if (!unsaid) { setTimeout(function () { el('say').textContent = unsaid; unsaid = ''; }, 100); }
  unsaid += (unsaid ? ' ' : '') + text;
}

function show(name) {
  if (name !== view) {
    var words = C.v[name];
    view = name;
    page.className = words[0];
    put('label', words[1]);
    put('heading', words[2]);
    put('lead', words[3]);
    say(words[2] + '. ' + words[3]);
    spoken = null;
  }
  d.title = (view === 'waiting' || view === 'last-call' ? el('wait').textContent : el('label').textContent) + ' · ' + C.name;
}

function figures() {
  var left = ahead(), wait = view === 'paused' ? null : estimate(), words;
  put('number', me && me.shown || '…');
  put('ahead', left === null ? '…' : left ? fill(C.t['ahead.most'], { n: numberWords(about(left)) }) : C.t['ahead.none']);
  if (opening()) {
    put('wait-caption', C.t['wait.opens']);
    put('wait', countdownWords((pulse.opens_ms - server_ms()) / 1000));
    put('clock', dateWords(pulse.opens_ms));
  } else {
    words = wait ? waitWords(wait.low_s, wait.high_s) : C.t['wait.unknown'];
    put('wait-caption', C.t['wait.caption']);
    put('wait', words);
    put('clock', wait ? clockWords(server_ms(), wait.low_s, wait.high_s) : '\u00a0');
    speakProgress(left, words);
  }
  if (seen.number) { el('progress').setAttribute('value', Math.max(seen.done, 20)); }
}

// Spoken when the people ahead have halved, at most once a minute; never at each poll.
function speakProgress(left, words) {
  if (left === null || broken) { return; }
  if (spoken === null) { spoken = left; said = now(); }
  if (left > 0 && left <= spoken / 2 && now() - said > 60) {
    spoken = left;
    said = now();
    say(fill(C.t['say.ahead'], { n: numberWords(about(left)), wait: words }));
  }
}

function announce() {
  var message = pulse && pulse.message || '';
  if (typeof message === 'object') {
    var texts = message;
    message = texts[C.lang] || '';
    for (var code in texts) { if (!message) { message = texts[code]; } }
  }
  message = String(message);
  if (message !== news && pulse) {
    news = message;
    put('message', message);
    el('news').hidden = !message;
    if (message) { say(message); }
  }
}

function footer() {
  var at = pulse ? new Date(pulse.now_ms + (heardAt - pulseAt) * 1000) : null;
  if (broken) {
    var seconds = Math.max(1, Math.ceil(dueAt - now()));
    put('updated', (at ? fill(C.t['offline.since'], { time: timeWords(at) }) + ' ' : '') +
      fill(form('offline.next', seconds), { n: seconds }));
  } else if (at) { put('updated', fill(C.t['updated.at'], { time: timeWords(at, true) })); }
}

function draw() {
  if (!pinned) {
    // One lost reply is nothing to worry anybody with; the second in a row is shown.
    if (broken && failures > 1) { show(broken === 'trouble' && !(me && me.number) ? 'trouble' : 'offline'); }
    else if (me && !broken) { show(viewOf(me.state === 'waiting' && checking() ? 'called' : me.state, pulse ? pulse.phase : '', me.number > 0)); }
  }
  announce();
  if (!over && / has-w/.test(page.className) && me) { figures(); show(view); }
  else if (me && me.shown) { put('number', me.shown); }
  footer();
}

function wake() {
  if (over || hidden()) { return; }
  if (now() - Math.max(heardAt, 0) > 2 || !leading) { soon(0.5); }
}

function start() {
  var ticket = null;
  try { ticket = JSON.parse(page.getAttribute('data-ticket')); } catch (e) { }
  links();
  if (view === 'overloaded') { setTimeout(function () { w.location.reload(); }, jitter(30, Math.random()) * 1000); return; }
  if (/^(cookies|left|withdrawn|finished|elsewhere)$/.test(view) && !ticket) { over = true; }
  listen();
  if (view === 'closed' && !ticket) { me = { state: 'closed' }; }
  if (ticket && ticket.state) { take(ticket); }
  if (!over) { schedule(Math.random()); }
  w.setInterval(function () {
    if (!hidden()) { draw(); }
    // A timer that slept with the machine is made up for at once.
    if (!over && !busy && now() - dueAt > 5) { soon(2); }
    if (seen.number && leading) { remember('seen', seen); }
  }, 1000);
}

// The other language keeps the rest of the address; the choice itself is kept in a cookie, not in the address.
function links() {
  var chosen = /[?&]antrean-lang=(\w+)/.exec(w.location.search), i, all = d.querySelectorAll('nav a');
  var rest = w.location.search.replace(/([?&])antrean-lang=\w*&?/, '$1').replace(/[?&]$/, '');
  for (i = 0; i < all.length; i += 1) {
    all[i].href = w.location.pathname + rest + (rest ? '&' : '?') + 'antrean-lang=' + all[i].hreflang;
  }
  if (chosen && w.history && history.replaceState) {
    d.cookie = 'antrean-lang=' + chosen[1] + '; path=/; Max-Age=31536000; SameSite=Lax';
    history.replaceState(null, '', w.location.pathname + rest + w.location.hash);
  }
}

function listen() {
  on(el('join'), 'submit', function (event) { event.preventDefault(); if (!busy) { join(); } });
  on(el('leave'), 'submit', function (event) { event.preventDefault(); if (!busy) { leave(); } });
  on(el('check'), 'click', function (event) {
    if (over) { return; }
    event.preventDefault();
    if (!busy) { leading = true; resign(); turn(); }
  });
  on(d, 'visibilitychange', function () {
    if (!hidden()) { wake(); } else if (!over && !busy) { if (leading) { lead(interval()); } next(); }
  });
  on(w, 'pageshow', wake);
  on(w, 'online', function () { soon(3); });
  on(w, 'pagehide', resign);
  on(w, 'storage', function (event) {
    if (event.key !== 'antrean.' + C.room + '.news') { return; }
    var note = recall('news');
    if (!note || note.from === id || entering) { return; }
    answered();
    if (note.kind === 'pulse') { takePulse(note.body); }
    else if (note.body.state === 'admitted') {
      // One place lets in once: the tab that asked goes in.
      me = note.body;
      el('enter').setAttribute('href', safePath(me.location) || '');
      pin('elsewhere');
    } else { over = false; take(note.body); if (!over) { next(); } }
  });
}

start();
