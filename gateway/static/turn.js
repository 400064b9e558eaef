// Only where a turn has come while nobody looks: calls back, and counts the minutes that the turn is kept. By wall
// time, which goes on while the machine sleeps; only a difference of it is used. ES5.

var C = w.C, T = TEXTS[C.lang], began = Date.now(), shown = 0;

function put(name, text) { d.getElementById(name).textContent = text; }

function minutesWords(n) {
  var forms = C.t['unit.minutes'];
  return n + ' ' + forms[Math.min(C.plural(n), forms.length - 1)];
}

function show() {
  var left = Math.ceil((KEPT_S - (Date.now() - began) / 1000) / 60), words;
  if (!d.hidden || left === shown) { return; }
  shown = left;
  if (left > 0) {
    words = minutesWords(left);
    put('lead', T.kept.replace('{minutes}', words));
    d.title = words + ' · ' + T['admitted.label'] + ' · ' + C.name;
    return;
  }
  clearInterval(again);
  put('label', T['late.label']);
  put('heading', T['late.heading']);
  put('lead', T['late.lead']);
  d.title = T['late.label'] + ' · ' + C.name;
  put('say', T['late.heading'] + '. ' + T['late.lead']);
}

var again = w.setInterval(show, 1000);
show();
