// The page that shows the code: stays a check-in, so that nobody loses a turn by looking at it.

var base = '/_queue/' + ROOM + '/', began = new Date().getTime();

function ask() {
  var request = new XMLHttpRequest();
  request.onreadystatechange = function () { if (request.readyState === 4) { answered(request.responseText); } };
  request.open('POST', base + 'check-in', true);
  request.setRequestHeader('Accept', 'application/json');
  request.send(null);
}

function answered(text) {
  var me = null;
  try { me = JSON.parse(text); } catch (e) { }
  if (me && me.state === 'moved') { tell(me); w.location.reload(); return; }
  if (me && me.state === 'admitted' && /^\/(?![\/\\])[^\\\s]*$/.test(me.location)) { w.location.replace(me.location); return; }
  // The code is good for five minutes: a new one in time.
  if (new Date().getTime() - began > 270000) { w.location.reload(); return; }
  later();
}

// The other tabs of this browser stop as well.
function tell(me) {
  try { w.localStorage.setItem('antrean.' + ROOM + '.news', JSON.stringify({ kind: 'ticket', body: me, from: 'move', at: began })); } catch (e) { }
}

function later() { w.setTimeout(ask, (d.hidden ? 40000 : 4000) + 2000 * Math.random()); }

later();
