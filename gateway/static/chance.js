// Only where the room has a closing time or its quota is used up: whether this visitor goes in.

// As page_words.py has it: served, yes, no or maybe. Times in seconds.
function chanceOf(left, low, high, cut) {
  return !cut ? 'served' : high <= left ? 'yes' : low > left ? 'no' : 'maybe';
}

// The words; none while the wait is unknown and the line will be cut. `wait` has low_s and high_s, or is null.
w.antreanChance = function (pulse, full, wait, now, dateWords) {
  var texts = TEXTS[C.lang], closes = pulse.closes_at, left = (closes - now) / 1000, cut = pulse.ending === 'cut';
  // A line that is cut at its closing time goes on no other day.
  if (full) { return texts[cut && left > 0 ? 'no' : pulse.quota.kind].replace('{date}', dateWords(closes)); }
  if (left < 0 || cut && !wait) { return ''; }
  return texts[chanceOf(left, wait && wait.low_s, wait && wait.high_s, cut)].replace('{date}', dateWords(closes));
};
