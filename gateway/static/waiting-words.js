// The waiting page's script: three files, joined in one function (words, line, show). ES5 and XMLHttpRequest only:
// phones of 2014 are welcome. page_minify.py makes it small at start: `var` and named functions only, every
// statement ends in a semicolon. C, defined before it by the build, has the room, its base path and all texts.
// Times are in seconds unless a name ends in _ms.

// ---- Pure functions. page_words.py has the same; a test holds both to one table.

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, function (whole, name) { return name in values ? values[name] : whole; });
}

function form(key, n) {
  var forms = C.t[key];
  return forms[Math.min(C.plural(n), forms.length - 1)];
}

function viewOf(state, phase, numbered) {
  if (/^(admitted|late|finished|expired|withdrawn|left|closed)$/.test(state)) { return state; }
  if (phase === 'bypass') { return 'bypass'; }
  if (!numbered) { return 'trouble'; }
  if (phase === 'paused') { return 'paused'; }
  if (phase === 'scheduled' || phase === 'drawn') { return 'scheduled'; }
  if (state === 'called') { return 'called'; }
  return phase === 'last-call' ? phase : 'waiting';
}

function about(people) {
  var step = people >= 1e5 ? 1000 : people >= 1e4 ? 100 : people >= 1000 ? 10 : 1;
  return Math.ceil(people / step) * step;
}

function numberWords(n) {
  var whole = String(Math.floor(n)).replace(/\B(?=(\d{3})+$)/g, C.group);
  return n === Math.floor(n) ? whole : whole + C.decimal + '5';
}

function waitSteps(low, high) {
  var unit = 'minutes', size = 60, step = 1;
  if (high > 129600) { unit = 'days'; size = 86400; }
  else if (high > 5400) { unit = 'hours'; size = 3600; step = 0.5; }
  else if (high > 1200) { step = 5; }
  return [Math.floor(low / size / step) * step, Math.max(Math.ceil(high / size / step), 1) * step, unit];
}

function waitWords(low, high) {
  var steps = waitSteps(low, high);
  var key = steps[0] <= 0 ? 'wait.less' : steps[0] === steps[1] ? 'wait.about' : 'wait.range';
  return fill(C.t[key], {
    low: numberWords(steps[0]), high: numberWords(steps[1]), unit: form('unit.' + steps[2], Math.ceil(steps[1]))
  });
}

function two(n) { return (n < 10 ? '0' : '') + n; }

function timeWords(at, seconds) {
  return two(at.getHours()) + C.time + two(at.getMinutes()) + (seconds ? C.time + two(at.getSeconds()) : '');
}

// WIB, WITA or WIT where the browser says it is in Indonesia (or cannot say, and speaks Indonesian).
function zoneName(at) {
  var place = '', known = C.zones[-at.getTimezoneOffset() / 60];
  try { place = Intl.DateTimeFormat().resolvedOptions().timeZone || ''; } catch (e) { }
  if (place ? !/^Asia\/(Jakarta|Pontianak|Makassar|Ujung_Pandang|Jayapura)$/.test(place) : C.lang !== 'id') { return ''; }
  return known ? ' ' + known : '';
}

function clockWords(now_ms, low, high) {
  if (high > 518400) { return ''; }
  var step = high <= 1200 ? 60 : 300;
  var first = new Date(Math.floor((now_ms / 1000 + low) / step) * step * 1000);
  var last = new Date(Math.ceil((now_ms / 1000 + high) / step) * step * 1000);
  var start = timeWords(first), end = timeWords(last);
  if (first.toDateString() !== new Date(now_ms).toDateString()) { start = C.days[first.getDay()] + ' ' + start; }
  if (last.toDateString() !== first.toDateString()) { end = C.days[last.getDay()] + ' ' + end; }
  return fill(C.t['clock.range'], { range: start === end ? start : start + '–' + end }) + zoneName(last);
}

function dateWords(at_ms) {
  var at = new Date(at_ms);
  return fill(C.t['clock.date'], {
    weekday: C.days[at.getDay()], day: at.getDate(), month: C.months[at.getMonth()], time: timeWords(at)
  }) + zoneName(at);
}

function countdownWords(left) {
  left = Math.max(0, Math.ceil(left));
  var days = Math.floor(left / 86400), rest = left % 86400;
  var clock = two(Math.floor(rest / 3600)) + ':' + two(Math.floor(rest % 3600 / 60)) + ':' + two(rest % 60);
  return days ? days + ' ' + form('unit.days', days) + ' ' + clock : clock;
}

// How long until the next pulse: a tenth of the wait, within 2 s and the room's longest; hidden, once a minute.
function pulseInterval(wait, most, hidden) {
  var law = Math.min(Math.max(wait / 10, 2), most);
  return hidden ? Math.max(law, Math.min(60, Math.max(most, 2))) : law;
}

// Called: as the server asks; hidden, within a minute, so that a presence window of 75 s never misses us.
// A very short answer means that a place is being held for us this moment: then hidden makes no difference.
function checkInterval(poll, hidden) {
  poll = Math.min(Math.max(poll || 10, 2), 60);
  return hidden && poll > 3 ? 50 : poll;
}

function retryInterval(failures, called) {
  return Math.min(Math.pow(2, Math.min(failures, 10)), called ? 20 : 60);
}

// ±20 % for r in [0, 1).
function jitter(seconds, r) { return seconds * (0.8 + 0.4 * r); }

// As domain/estimate.py has it: the tickets before ours, present or not.
function peopleAhead(position, serving, skipped) {
  var ahead = position - serving - 1, i;
  for (i = 0; skipped && i < skipped.length; i++) {
    ahead -= Math.max(0, Math.min(position - 1, skipped[i][1]) - Math.max(serving, skipped[i][0] - 1));
  }
  return Math.max(0, ahead);
}

function waitRange(ahead, density, rate) {
  var expected = ahead * density * 60 / rate;
  return rate > 0 ? { low_s: Math.floor(expected * 0.9), high_s: Math.floor(expected * 1.15) + 20 } : null;
}

// Only a path of this site; never //elsewhere, never a scheme.
function safePath(path) { return typeof path === 'string' && /^\/(?![\/\\])[^\\\s]*$/.test(path) ? path : null; }
