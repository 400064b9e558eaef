// What the page shows, and its start. The last part of the one function that the page's script is.

// ---- Between replies the page moves its own numbers, a little slower than the known rate: "at most" stays true.

function opening() { return !!pulse && pulse.opens_ms > server_ms() && /^(scheduled|drawn)$/.test(pulse.phase); }

// What the main lane can reckon with, or what is configured where that is not said.
function rate() { return pulse.expected_per_minute || pulse.rate_per_minute; }

// Whether the ticket's own reply is as good as the last pulse.
function fresh() { return number(me.ahead) && (!pulse || ticketAt >= pulseAt - 5); }

function ahead() {
  if (!me || !(me.position > 0)) { return null; }
  var fromTicket = fresh();
  if (!fromTicket && !pulse) { return null; }
  var known = fromTicket ? me.ahead : peopleAhead(me.position, pulse.serving, pulse.skipped);
  var since = Math.min(now() - (fromTicket ? ticketAt : pulseAt), 90);
  if (pulse && /^(open|last-call)$/.test(pulse.phase) && !broken) { known = Math.max(known - 0.8 * rate() / 60 / pulse.density * since, 0); }
  known = Math.ceil(known);
  if (seen.number !== me.position || !(seen.first > 0)) { seen = { line: seen.line, number: me.position, first: Math.max(known, 1), least: known, done: 0 }; }
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
  var left = ahead(), words;
  // Also without a connection: what was paused when it was last heard of has no known end.
  // No place of the quota is left for this one, who holds no offer.
  var full = pulse && pulse.quota && me.position > pulse.serving && left * pulse.density * 0.9 >= pulse.quota.left;
  var wait = full || view === 'paused' || pulse && pulse.phase === 'paused' ? null : estimate();
  if (!pulse || !(full || pulse.closes_at) || opening()) { put('chance', ''); }
  else if (w.antreanChance) { put('chance', w.antreanChance(pulse, full, wait, server_ms(), dateWords)); }
  else if (w.antreanChance !== 0) { w.antreanChance = 0; load('chance'); }
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
    if (broken && failures > 1) { show(broken === 'offline' ? broken : me && me.number ? 'recovering' : 'trouble'); }
    else if (me && !broken) { show(viewOf(me.state === 'waiting' && checking() ? 'called' : me.state, pulse ? pulse.phase : '', me.number > 0)); }
  }
  announce();
  if (!over && / w/.test(page.className) && me) { figures(); show(view); }
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
  on(el('tell'), 'click', function () { if (!w.antreanAlert) { load('alert'); } });
  on(el('check'), 'click', function (event) {
    if (over) { return; }
    event.preventDefault();
    if (!busy) { leading = true; resign(); turn(); }
  });
  on(d, 'visibilitychange', function () {
    if (!hidden()) { wake(); } else if (!over && !busy) { if (leading) { lead(interval()); } next(); }
  });
  // Kept whole by the browser while its place may have gone elsewhere: it asks for its ticket.
  on(w, 'pageshow', function (event) { again = again || event.persisted; wake(); });
  on(w, 'online', function () { soon(3); });
  on(w, 'pagehide', resign);
  on(w, 'storage', function (event) {
    if (event.key !== 'antrean.' + C.room + '.news') { return; }
    // Not what is kept by now: this tab may have told something since.
    var note = JSON.parse(event.newValue);
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
