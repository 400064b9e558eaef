// The constants of SHA-256 (FIPS 180-4), computed; ES5. Goes before each script that hashes.

function words(count, bits) {
  // The fractional parts of roots of the first primes: what the standard's constants are.
  var found = [], n = 2, i, prime;
  for (; found.length < count; n += 1) {
    prime = true;
    for (i = 2; i * i <= n; i += 1) { if (n % i === 0) { prime = false; } }
    if (prime) { found.push(Math.pow(n, 1 / bits) % 1 * 4294967296 | 0); }
  }
  return found;
}

var START = words(8, 2), ROUND = words(64, 3);

function turn(x, n) { return x >>> n | x << (32 - n); }

