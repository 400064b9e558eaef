// Solves the riddle of the page that it is in, piece by piece so that the page stays awake; ES5, for phones of 2014.
// Which number, written after the nonce, has the SHA-256 that is asked for? (FIPS 180-4, one block, nothing allocated.)

var work = d.getElementById('work'), bar = d.getElementById('bar'), said = d.getElementById('said'), w16 = [];
var nonce = data('nonce'), target = words8(data('target')), most = +data('most'), at = 0, told = 0;

function data(name) { return work.getAttribute('data-' + name); }

function words8(hex) {
  var found = [], i;
  for (i = 0; i < 64; i += 8) { found.push(parseInt(hex.substr(i, 8), 16) | 0); }
  return found;
}

function solves(number) {
  var text = nonce + number, length = text.length, i, x, y;
  var a = START[0], b = START[1], c = START[2], e = START[4], f = START[5], g = START[6], h = START[7], k = START[3];
  for (i = 0; i < 16; i += 1) { w16[i] = 0; }
  for (i = 0; i < length; i += 1) { w16[i >> 2] |= text.charCodeAt(i) << 24 - (i & 3) * 8; }
  w16[length >> 2] |= 128 << 24 - (length & 3) * 8;
  w16[15] = length * 8;
  for (i = 0; i < 64; i += 1) {
    if (i > 15) {
      x = w16[i - 15];
      y = w16[i - 2];
      w16[i] = ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10) + w16[i - 7] + w16[i - 16] | 0;
    }
    x = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + ROUND[i] + w16[i] | 0;
    y = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
    h = g;
    g = f;
    f = e;
    e = k + x | 0;
    k = c;
    c = b;
    b = a;
    a = x + y | 0;
  }
  return (a + START[0] | 0) === target[0] && (b + START[1] | 0) === target[1] && (e + START[4] | 0) === target[4];
}

// Spoken and written four times at most: a screen reader is not to talk all the while.
function show() {
  var quarter = Math.floor(at / most * 4);
  bar.value = Math.floor(at / most * 100);
  if (quarter > told) {
    told = quarter;
    said.firstChild.data = data('said').replace('{percent}', quarter * 25);
  }
}

function step() {
  var until = new Date().getTime() + (d.hidden ? 400 : 40), i;
  do {
    for (i = 0; i < 100 && at < most; i += 1) {
      if (solves(at)) { w.location.replace(data('go') + ':' + at); return; }
      at += 1;
    }
  } while (at < most && new Date().getTime() < until);
  show();
  if (at < most) { w.setTimeout(step, 0); }
}

work.hidden = false;
w.setTimeout(step, 0);
