/* Values at a point, enclosed in balls of BigInts: as sure as the intervals of intervals.py. */
// --- balls: [m, r, e] is every number within r of m, times 2^e -------------------------------------
const PRECISIONS = [384, 1536], ROUGH = 64, WORK = 15000, MAX_POWER = 1024n, MAX_MAGNITUDE = 1 << 18;
const COST = { num: [8, 10, 15], const: [8, 10, 15], var: [1, 1, 1], neg: [1, 1, 1], '+': [3, 4, 6], '-': [3, 4, 6], '*': [3, 4, 6], '/': [6, 10, 25],
  square: [12, 20, 40], '^': [25, 70, 700], fn: [25, 70, 600] }, LEVELS = { 64: 0, 384: 1, 1536: 2 };
const SLOW = { arctan: 3, arcsin: 4, arccos: 4, arsinh: 2, arcosh: 2, artanh: 2 };
class Undefined extends Error {}
class Unknown extends Error {}
class OutOfBudget extends Error {}
const undefinedFor = why => { throw new Undefined(why); };
const unknownHere = () => { throw new Unknown(); };

const mag = n => n < 0n ? -n : n;
function bits(n) { // of n >= 0
  if (n === 0n) return 0;
  const hex = n.toString(16);
  return 4 * hex.length - Math.clz32(parseInt(hex[0], 16)) + 28;
}
const shl = (n, k) => k >= 0 ? n << BigInt(k) : n >> BigInt(-k);
function ball(m, r, e, P) { // rounded to P bits, the radius up to 64: neither grows without end
  const n = Math.max(bits(mag(m)) - P, bits(r) - 64);
  if (n > 0) {
    const kept = m >> BigInt(n), lost = (kept << BigInt(n)) !== m;
    r = r || lost ? (r >> BigInt(n)) + (r ? 2n : 1n) : 0n;
    m = kept;
    e += n;
  }
  return [m, r, e];
}
const whole = n => [BigInt(n), 0n, 0], ZERO = whole(0), ONE = whole(1);
const isExact = x => x[1] === 0n, isZero = x => x[0] === 0n && x[1] === 0n;
const low = x => x[0] - x[1], high = x => x[0] + x[1]; // their signs are those of the ends
const containsZero = x => mag(x[0]) <= x[1];
const magnitude = x => isZero(x) ? -1e9 : bits(mag(x[0]) + x[1]) + x[2];
function fromDouble(x) {
  let e = 0;
  while (!Number.isInteger(x)) { x *= 2; e--; }
  return [BigInt(x), 0n, e];
}
function toDouble([m, r, e]) {
  if (mag(m) <= r) return 0;
  const n = bits(mag(m)), k = Math.max(n - 54, 0), odd = (mag(m) >> BigInt(k)) << BigInt(k) !== mag(m);
  const top = Number(((mag(m) >> BigInt(k)) << 1n) | (odd ? 1n : 0n)), s = e + k - 1; // sticky bit: one rounding
  const size = s < -1000 ? top * 2 ** -1000 * 2 ** (s + 1000) : s > 900 ? top * 2 ** 900 * 2 ** (s - 900) : top * 2 ** s;
  return m < 0n ? -size : size;
}
const negative = x => [-x[0], x[1], x[2]];
function add(x, y, P) {
  if (isZero(x)) return y;
  if (isZero(y)) return x;
  if (magnitude(x) < magnitude(y)) [x, y] = [y, x];
  const floor = magnitude(x) - P - 16;
  if (magnitude(y) < floor) { // y is below the last bit of x: it goes into the radius
    const e = Math.min(x[2], floor);
    return ball(shl(x[0], x[2] - e), shl(x[1], x[2] - e) + shl(1n, floor - e), e, P);
  }
  const e = Math.min(x[2], y[2]);
  return ball(shl(x[0], x[2] - e) + shl(y[0], y[2] - e), shl(x[1], x[2] - e) + shl(y[1], y[2] - e), e, P);
}
const subtract = (x, y, P) => add(x, negative(y), P);
const multiply = (x, y, P) =>
  ball(x[0] * y[0], mag(x[0]) * y[1] + mag(y[0]) * x[1] + x[1] * y[1], x[2] + y[2], P);
function divide(x, y, P) {
  if (containsZero(y)) isExact(y) ? undefinedFor('a division by zero') : unknownHere();
  if (isZero(x)) return ZERO;
  const k = BigInt(Math.max(P + 8 + bits(mag(y[0])) - bits(mag(x[0])), 0)), top = x[0] << k, q = top / y[0];
  let r = q * y[0] === top ? 0n : 1n;
  if (x[1] || y[1]) r += (((x[1] * mag(y[0]) + mag(x[0]) * y[1]) << k) / (mag(y[0]) * (mag(y[0]) - y[1]))) + 1n;
  return ball(q, r, x[2] - y[2] - Number(k), P);
}
const fromEnds = (a, b, e, P) => { const m = (a + b + 1n) >> 1n; return ball(m, m - a, e, P); };
function absolute(x, P) {
  if (!containsZero(x)) return [mag(x[0]), x[1], x[2]];
  return fromEnds(0n, mag(x[0]) + x[1], x[2], P);
}
function isqrt(n) {
  if (n < 2n) return n;
  let x = 1n << BigInt((bits(n) + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}
function sqrt(x, P) {
  if (high(x) < 0n) undefinedFor('the square root of a negative number');
  if (low(x) < 0n) unknownHere();
  let k = Math.max(2 * P + 8 - bits(x[0]), 0);
  if ((x[2] - k) & 1) k++;
  const a = low(x) << BigInt(k), b = high(x) << BigInt(k), s = isqrt(a), top = a === b ? s : isqrt(b);
  return fromEnds(s, top * top === b ? top : top + 1n, (x[2] - k) / 2, P);
}

/* Elementary functions, in fixed point with W = P + 64 bits after the point. SLACK bounds what the
   series and roundings lose (a few thousand units at most). */
const SLACK = 1n << 24n, cache = new Map();
function constant(name, W) {
  const key = name + W;
  if (!cache.has(key)) {
    const G = W + 32, one = 1n << BigInt(G);
    const series = (n, sign) => { // atan(1/n) or atanh(1/n)
      let term = one / n, total = term, k = 1n;
      while (term) { term /= n * n * sign; k += 2n; total += term / k; }
      return total;
    };
    const value = name === 'pi' ? 4n * (4n * series(5n, -1n) - series(239n, -1n))
      : 18n * series(26n, 1n) - 2n * series(4801n, 1n) + 8n * series(8749n, 1n);
    cache.set(key, value >> 32n);
  }
  return cache.get(key);
}
const pi = P => ball(constant('pi', P + 64), SLACK, -P - 64, P);
const fixed = (x, W) => shl(x[0], x[2] + W);
const near = (x, y) => x < 0n ? -near(-x, y) : (x + y / 2n) / y; // the integer next to x/y
function spreadOf(x, W) { // the radius of an argument in fixed point, rounded up
  if (x[1] && bits(x[1]) + x[2] > -1) unknownHere();
  return shl(x[1], x[2] + W) + (x[1] ? 2n : 1n);
}
function expFixed(X, W) { // [mantissa, power of two]
  const w = BigInt(W), ln2 = constant('ln2', W), k = near(X, ln2), y = (X - k * ln2) >> 8n;
  let term = 1n << w, total = term;
  for (let n = 1n; mag(term) > 1n; n++) { term = (term * y >> w) / n; total += term; }
  for (let n = 0; n < 8; n++) total = total * total >> w;
  return [total, Number(k)];
}
function exp(x, P) {
  if (isZero(x)) return ONE;
  if (magnitude(x) > 16) unknownHere();
  const W = P + 64, spread = spreadOf(x, W), [m, k] = expFixed(fixed(x, W), W);
  return ball(m, SLACK * 4096n + (m * spread >> BigInt(W - 1)) + 1n, k - W, P);
}
function log(x, P) {
  if (high(x) <= 0n) undefinedFor(isZero(x) ? 'the logarithm of zero' : 'the logarithm of a negative number');
  if (low(x) <= 0n) unknownHere();
  const W = P + 64, w = BigInt(W), n = bits(x[0]), f = shl(x[0], W - n); // f in [1/2, 1) times 2^W
  if (isExact(x) && x[0] === 1n << BigInt(n - 1) && n - 1 + x[2] === 0) return ZERO;
  const y = BigInt(Math.round(Math.log(Number(f >> (w - 53n)) / 2 ** 53) * 2 ** 50)) << (w - 50n);
  const [m, k] = expFixed(-y, W), t = shl(f * m, k - W) - (1n << w); // f e^-y - 1, tiny
  let term = t, total = y + t;
  for (let j = 2n; mag(term) > 1n; j++) { term = -(term * t >> w); total += term / j; }
  const spread = (x[1] << (w + 1n)) / low(x) + 1n;
  return ball(total + BigInt(n + x[2]) * constant('ln2', W), SLACK * 4096n + (isExact(x) ? 0n : spread), -W, P);
}
const tiny = (x, P) => Math.max(0, Math.min(-magnitude(x), P));
const nearOne = P => [1n << BigInt(P), 1n, -P]; // more bits for what is near 0
function cosSin(x, P) {
  if (isZero(x)) return [ONE, ZERO];
  if (magnitude(x) < -P) return [nearOne(P), multiply(x, nearOne(P), P)];
  if (magnitude(x) > 40) unknownHere();
  const W = P + 128 + tiny(x, P), w = BigInt(W), near0 = magnitude(x) < 0, half = near0 ? 1n : constant('pi', W) >> 1n, X = fixed(x, W), k = near0 ? 0n : near(X, half), y = X - k * half;
  let term = 1n << w, c = 0n, s = 0n;
  for (let n = 1n; mag(term) > 1n; n++) {
    if (n & 1n) c += n & 2n ? -term : term; else s += n & 2n ? term : -term;
    term = (term * y >> w) / n;
  }
  // n = 1: 1, 2: y, 3: -y²/2, 4: -y³/6
  const r = spreadOf(x, W) + (SLACK << 44n), quarter = Number(((k % 4n) + 4n) % 4n);
  const values = [[c, s], [-s, c], [-c, -s], [s, -c]][quarter];
  return values.map(v => ball(v, r, -W, P));
}
function arctan(x, P) {
  if (isZero(x)) return ZERO;
  if (magnitude(x) < -P) return multiply(x, nearOne(P), P);
  if (magnitude(x) > 200) return subtract(multiply(pi(P + 16), [x[0] > 0n ? 1n : -1n, 0n, -1], P), arctan(divide(ONE, x, P), P), P);
  const W = P + 64 + tiny(x, P), w = BigInt(W), d = toDouble(x), y0 = BigInt(Math.round(Math.atan(d) * 2 ** 50));
  const start = [y0, 0n, -50], [c, s] = cosSin(start, P + 64), middle = [x[0], 0n, x[2]];
  const t3 = divide(subtract(multiply(middle, c, P + 64), s, P + 64), add(c, multiply(middle, s, P + 64), P + 64), P + 64);
  const t = fixed(t3, W);
  let power = t, total = (y0 << (w - 50n)) + t;
  for (let j = 3n; mag(power) > 1n; j += 2n) { power = -((power * t >> w) * t >> w); total += power / j; }
  return ball(total, SLACK + shl(t3[1], t3[2] + W) + 1n + spreadOf(x, W), -W, P);
}
function arcsin(x, P) {
  const rest = subtract(ONE, multiply(x, x, P), P);
  if (high(rest) < 0n) undefinedFor('the arcsine of a number outside [-1, 1]');
  if (isZero(rest)) return multiply(pi(P), [x[0] > 0n ? 1n : -1n, 0n, -1], P);
  if (low(rest) <= 0n) unknownHere();
  return arctan(divide(x, sqrt(rest, P), P), P);
}
function coshSinh(x, P) {
  const grow = exp(x, P), fall = exp(negative(x), P), half = [1n, 0n, -1];
  return [multiply(half, add(grow, fall, P), P), multiply(half, subtract(grow, fall, P), P)];
}
function arsinh(x, P) {
  if (high(x) < 0n) return negative(arsinh(negative(x), P));
  return log(add(x, sqrt(add(multiply(x, x, P), ONE, P), P), P), P);
}
function arcosh(x, P) {
  const less = subtract(x, ONE, P);
  if (high(less) < 0n) undefinedFor('the inverse cosh of a number below 1');
  return log(add(x, sqrt(multiply(less, add(x, ONE, P), P), P), P), P);
}
function artanh(x, P) {
  const above = add(ONE, x, P), below = subtract(ONE, x, P);
  if (high(above) <= 0n || high(below) <= 0n) undefinedFor('the inverse tanh of a number outside (-1, 1)');
  return multiply([1n, 0n, -1], log(divide(above, below, P), P), P);
}
function logit(x, P) {
  const rest = subtract(ONE, x, P);
  if (high(x) < 0n || high(rest) < 0n) undefinedFor('the log-odds of a number outside (0, 1)');
  return log(divide(x, rest, P), P);
}
function power(a, b, P) {
  const n = toInteger(b);
  if (n !== null) return integerPower(a, n, P);
  if (isZero(a) && low(b) > 0n) return ZERO;
  if (high(a) < 0n) {
    const floor = v => shl(v, b[2]);
    if (floor(low(b)) !== floor(high(b)) || (b[2] >= 0) || shl(floor(low(b)), -b[2]) === low(b)) unknownHere();
    undefinedFor('a fractional power of a negative number');
  }
  if (isZero(a) && high(b) < 0n) undefinedFor('a negative power of zero');
  if (low(a) <= 0n) unknownHere();
  return exp(multiply(b, log(a, P), P), P);
}
function toInteger(b) {
  if (!isExact(b) || magnitude(b) >= 64) return null;
  const n = shl(b[0], b[2]);
  return b[2] >= 0 || shl(n, -b[2]) === b[0] ? n : null;
}
function integerPower(a, n, P) {
  if (n < 0n) {
    if (containsZero(a)) isExact(a) ? undefinedFor('a negative power of zero') : unknownHere();
    return divide(ONE, integerPower(a, -n, P), P);
  }
  if (n > MAX_POWER) {
    if (containsZero(a)) return isExact(a) ? ZERO : unknownHere();
    const v = exp(multiply([n, 0n, 0], log(absolute(a, P), P), P), P);
    return n & 1n && a[0] < 0n ? negative(v) : v;
  }
  let base = n & 1n ? a : absolute(a, P), value = ONE;
  const even = !(n & 1n);
  while (n) {
    if (n & 1n) value = multiply(value, base, P);
    n >>= 1n;
    if (n) base = multiply(base, base, P);
    if (magnitude(base) > MAX_MAGNITUDE) unknownHere();
  }
  return even && low(value) < 0n ? fromEnds(0n, high(value), value[2], P) : value;
}
const CALLS = {
  exp, log, sqrt, logit, arctan, arcsin, arsinh, arcosh, artanh, abs: absolute,
  sin: (x, P) => cosSin(x, P)[1],
  cos: (x, P) => cosSin(x, P)[0],
  tan: (x, P) => { const [c, s] = cosSin(x, P); return divide(s, c, P); },
  cot: (x, P) => { const [c, s] = cosSin(x, P); return divide(c, s, P); },
  sinh: (x, P) => coshSinh(x, P)[1],
  cosh: (x, P) => coshSinh(x, P)[0],
  tanh: (x, P) => { const [c, s] = coshSinh(x, P); return divide(s, c, P); },
  logistic: (x, P) => divide(ONE, add(ONE, exp(negative(x), P), P), P),
  arccos: (x, P) => subtract(multiply(pi(P), [1n, 0n, -1], P), arcsin(x, P), P),
};
const OPERATIONS = { '+': add, '-': subtract, '*': multiply, '/': divide, '^': power };

function literal(text, P) {
  const [mantissa, exponent = '0'] = text.toLowerCase().split('e'), [a, b = ''] = mantissa.split('.');
  const k = parseInt(exponent, 10) - b.length, n = BigInt(a + b || '0');
  return k >= 0 ? ball(n * 10n ** BigInt(k), 0n, 0, P) : divide([n, 0n, 0], [10n ** BigInt(-k), 0n, 0], P);
}
function enclose(tree, point, P, budget) {
  const [kind, a, b] = tree;
  const simple = kind === '^' && b[0] === 'num' && /^[0-9]+$/.test(b[1]);
  budget.left -= COST[simple ? 'square' : kind][LEVELS[P]] * (kind === 'fn' && SLOW[a] || 1);
  if (budget.left < 0) throw new OutOfBudget();
  if (kind === 'num') return literal(a, P);
  if (kind === 'var') return fromDouble(point[a]);
  if (kind === 'const') {
    if (!cache.has(a + P)) cache.set(a + P, a === 'pi' ? pi(P) : exp(ONE, P));
    return cache.get(a + P);
  }
  if (kind === 'neg') return negative(enclose(a, point, P, budget));
  let value;
  if (kind === 'fn') value = CALLS[a](enclose(b, point, P, budget), P);
  else {
    const x = enclose(a, point, P, budget);
    value = OPERATIONS[kind](x, enclose(b, point, P, budget), P);
  }
  for (const end of [low(value), high(value)])
    if (end && Math.abs(bits(mag(end)) + value[2]) > MAX_MAGNITUDE) unknownHere();
  return value;
}
const disjoint = (x, y) => !containsZero(subtract(x, y, 4096));
function tight(x, y) {
  const d = subtract(x, y, 64), gap = magnitude(d);
  if (containsZero(x) && containsZero(y)) return gap <= -TIGHT;
  return gap <= Math.max(magnitude(x), magnitude(y)) - TIGHT;
}

