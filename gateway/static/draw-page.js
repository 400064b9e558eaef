// The page that explains a draw: recomputes the place of a number in the visitor's own browser.

var facts = JSON.parse(d.getElementById('facts').getAttribute('data-draw'));
var field = d.getElementById('own'), result = d.getElementById('result');

function typed() {
  var digits = field.value.toUpperCase().replace(/[\s\-]/g, '');
  // As people read it, the last digit is a check digit; with # it is the bare number.
  return digits.charAt(0) === '#' ? +digits.slice(1) : Math.floor(digits.replace(/^A/, '') / 10);
}

function recompute() {
  var number = typed(), text = '', place;
  if (!facts.secret) { return; }
  if (!keepsCommitment(facts)) { text = result.getAttribute('data-broken'); }
  else if (number > 0 && number < 9007199254740992) {
    place = drawnPlace(facts, number);
    text = result.getAttribute(number > facts.size ? 'data-behind' : 'data-place').replace('{place}', String(place));
  }
  result.textContent = text;
}

field.addEventListener('input', recompute);
recompute();
