// Only for who pressed "tell me when it is my turn": sound, vibration, screen kept awake, notification. Each has a
// button of its own, where this browser knows it, and nothing happens before that is pressed. ES5.

w.antreanAlert = 1;
var T = TEXTS[C.lang] || TEXTS.en, box = d.getElementById('tell'), page = d.getElementById('page');
var Sound = w.AudioContext || w.webkitAudioContext, sound = null, vibrates = false, awake = null, notifies = false;
var view = page.className.split(' ')[0], offered = 0, ringing = 0;

// press(done): does it, and says with done(true or false) whether it is on now.
function offer(name, press) {
  var button = d.createElement('button');
  offered += 1;
  button.type = 'button';
  button.style.color = 'inherit';
  button.style.margin = '.5rem 0';
  function show(isOn) {
    button.setAttribute('aria-pressed', isOn ? 'true' : 'false');
    button.textContent = (isOn ? '✓ ' : '') + T[name];
  }
  show(false);
  button.onclick = function () { press(show); };
  box.appendChild(button);
}

function beep() {
  if (!sound) { return; }
  for (var i = 0; i < 3; i += 1) {
    var tone = sound.createOscillator(), gain = sound.createGain(), at = sound.currentTime + i * 0.35;
    tone.frequency.value = 660 + 110 * i;
    gain.gain.setValueAtTime(0.0001, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.03);
    gain.gain.linearRampToValueAtTime(0.0001, at + 0.3);
    tone.connect(gain);
    gain.connect(sound.destination);
    tone.start(at);
    tone.stop(at + 0.32);
  }
}

function shake() { if (vibrates) { navigator.vibrate([300, 150, 300, 150, 300]); } }

function keepAwake(done) {
  navigator.wakeLock.request('screen').then(function (lock) { awake = lock; done(true); }, function () { done(false); });
}

function notify() {
  // Some browsers want a service worker for this: then there is none.
  try { new w.Notification(T.turn, { body: C.name }).onclick = function () { w.focus(); }; } catch (e) { }
}

// While nobody looks it goes on, for as long as the page waits to be looked at.
function ring() {
  beep();
  shake();
  ringing += 1;
  if (d.hidden && ringing < 6) { w.setTimeout(ring, 10000); }
}

function look() {
  var now = page.className.split(' ')[0];
  if (now !== view && (now === 'admitted' || now === 'bypass')) {
    ringing = 0;
    ring();
    if (notifies) { notify(); }
  }
  view = now;
}

while (box.lastChild !== box.firstChild) { box.removeChild(box.lastChild); }
if (Sound) {
  offer('sound', function (done) {
    if (sound) { sound.close(); sound = null; done(false); return; }
    sound = new Sound();
    if (sound.resume) { sound.resume(); }
    beep();
    done(true);
  });
}
if (navigator.vibrate) {
  offer('vibrate', function (done) { vibrates = !vibrates; shake(); done(vibrates); });
}
if (navigator.wakeLock) {
  offer('awake', function (done) {
    if (awake) { awake.release(); awake = null; done(false); return; }
    keepAwake(done);
  });
  // The lock ends whenever the page is hidden.
  d.addEventListener('visibilitychange', function () { if (awake && !d.hidden) { keepAwake(function () { }); } });
}
if (w.Notification && w.Notification.permission !== 'denied' && !/Android/.test(navigator.userAgent)) {
  offer('notify', function (done) {
    if (notifies) { notifies = false; done(false); return; }
    w.Notification.requestPermission(function (answer) { notifies = answer === 'granted'; done(notifies); });
  });
}
var note = d.createElement('p');
note.textContent = offered ? T.note : T.none;
box.appendChild(note);
if (w.MutationObserver) { new MutationObserver(look).observe(page, { attributes: true }); }
else { w.setInterval(look, 1000); }
