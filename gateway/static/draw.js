// The order of a fair draw, as domain/draw.py has it, bit for bit; ES5, for phones of 2014. A part of its own: only
// pages of drawn rooms carry it. SHA-256 (FIPS 180-4) and HMAC (RFC 2104) on arrays of bytes.

function sha256(bytes) {
  var h = START.slice(), m = bytes.slice(), length = bytes.length, w = [], s, t1, t2, i, j, at;
  m.push(128);
  while (m.length % 64 !== 56) { m.push(0); }
  m.push(0, 0, 0, length / 536870912 & 255, length >>> 21 & 255, length >>> 13 & 255, length >>> 5 & 255, length << 3 & 255);
  for (at = 0; at < m.length; at += 64) {
    s = h.slice();
    for (i = 0; i < 64; i += 1) {
      j = at + i * 4;
      if (i < 16) { w[i] = m[j] << 24 | m[j + 1] << 16 | m[j + 2] << 8 | m[j + 3]; }
      else {
        t1 = w[i - 15];
        t2 = w[i - 2];
        w[i] = (turn(t1, 7) ^ turn(t1, 18) ^ t1 >>> 3) + (turn(t2, 17) ^ turn(t2, 19) ^ t2 >>> 10) + w[i - 7] + w[i - 16] | 0;
      }
      t1 = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + (s[4] & s[5] ^ ~s[4] & s[6]) + ROUND[i] + w[i] | 0;
      t2 = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + (s[0] & s[1] ^ s[0] & s[2] ^ s[1] & s[2]) | 0;
      s.unshift(t1 + t2 | 0);
      s.pop();
      s[4] = s[4] + t1 | 0;
    }
    for (i = 0; i < 8; i += 1) { h[i] = h[i] + s[i] | 0; }
  }
  for (i = 0, w = []; i < 8; i += 1) { w.push(h[i] >>> 24, h[i] >>> 16 & 255, h[i] >>> 8 & 255, h[i] & 255); }
  return w;
}

function hmac(key, message) {
  var inner = [], outer = [], i;
  if (key.length > 64) { key = sha256(key); }
  for (i = 0; i < 64; i += 1) { inner.push(key[i] ^ 54); outer.push(key[i] ^ 92); }
  return sha256(outer.concat(sha256(inner.concat(message))));
}

function fromHex(text) {
  var bytes = [], i;
  for (i = 0; i < text.length; i += 2) { bytes.push(parseInt(text.substr(i, 2), 16)); }
  return bytes;
}

function toHex(bytes) {
  return bytes.map(function (byte) { return (byte < 16 ? '0' : '') + byte.toString(16); }).join('');
}

function fromText(text) {
  return unescape(encodeURIComponent(text)).split('').map(function (each) { return each.charCodeAt(0); });
}

function word(seed, round, x) {
  var found = hmac(seed, [round, x >>> 24, x >>> 16 & 255, x >>> 8 & 255, x & 255]);
  return (found[0] << 24 | found[1] << 16 | found[2] << 8 | found[3]) >>> 0;
}

function network(seed, bits, value) {
  var mask = (1 << bits) - 1, left = Math.floor(value / (mask + 1)), right = value & mask, round, old;
  for (round = 0; round < 4; round += 1) {
    old = left;
    left = right;
    right = old ^ word(seed, round, right) & mask;
  }
  return left * (mask + 1) + right;
}

function shuffled(seed, size) {
  var order = [], i, other, old;
  for (i = 0; i < size; i += 1) { order.push(i); }
  for (i = size - 1; i > 0; i -= 1) {
    other = word(seed, 4, i) % (i + 1);
    old = order[i];
    order[i] = order[other];
    order[other] = old;
  }
  return order;
}

// Place in line of a number, both from 1.
function drawnPlace(draw, number) {
  var seed = hmac(fromHex(draw.secret), fromText(draw.entropy)), size = draw.size, bits, value = number - 1;
  if (number > size) { return number; }
  if (size < 64) { return shuffled(seed, size)[value] + 1; }
  bits = Math.ceil((size - 1).toString(2).length / 2);
  do { value = network(seed, bits, value); } while (value >= size);
  return value + 1;
}

function keepsCommitment(draw) { return toHex(sha256(fromHex(draw.secret))) === draw.commitment; }

// Says on the waiting page in which order people enter, and why. TEXTS comes from the build, by language.
function notice(pulse) {
  var line = d.getElementById('notice'), lead = d.getElementById('lead'), texts = TEXTS[w.C.lang], link;
  var reason = pulse.reason && (pulse.reason[w.C.lang] || pulse.reason.id || pulse.reason.en) || '';
  var said = (pulse.draw ? texts.notice : texts.fifo) + ' ' + (reason && reason + ' ');
  if (line && line.firstChild.data === said) { return; }
  if (line) { line.parentNode.removeChild(line); }
  line = d.createElement('p');
  line.id = 'notice';
  line.className = 'lead';
  line.appendChild(d.createTextNode(said));
  if (pulse.draw) {
    link = d.createElement('a');
    link.href = w.C.base + 'draw';
    link.appendChild(d.createTextNode(texts.how));
    line.appendChild(link);
  }
  lead.parentNode.insertBefore(line, lead.nextSibling);
}

// Completes what the waiting page knows of its ticket, unless a reply of the gateway has said it already.
function tell(draw, ticket) {
  if (w.antreanPulse) { notice(w.antreanPulse); }
  if (draw && draw.secret && ticket && ticket.number && !ticket.position) { ticket.position = drawnPlace(draw, ticket.number); }
}

w.antreanDraw = tell;
