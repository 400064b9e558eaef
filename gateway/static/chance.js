// Only where the room has a closing time: whether this visitor goes in before it.

// As page_words.py has it: served, yes, no or maybe. Times in seconds.
function chanceOf(left, low, high, cut) {
  return !cut ? 'served' : high <= left ? 'yes' : low > left ? 'no' : 'maybe';
}

// The words; none while the wait is unknown and the line will be cut. `wait` has low_s and high_s, or is null.
w.antreanChance = function (left, wait, cut, date) {
  if (cut && !wait) { return ''; }
  return TEXTS[C.lang][chanceOf(left, wait && wait.low_s, wait && wait.high_s, cut)].replace('{date}', date);
};
