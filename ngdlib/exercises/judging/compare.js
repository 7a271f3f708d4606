/* Points of a domain, and the verdict on two formulas: compare.py and dice.py. */
// --- random numbers and numbers in words --------------------------------------------------------
function dice(seed) {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(seed)) state = Math.imul(state ^ byte, 0x01000193);
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = state;
    t = Math.imul(t ^ t >>> 15, t | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}
function show(x, digits = 4) {
  if (x === 0) return '0';
  if (!Number.isFinite(x)) return x < 0 ? '−∞' : '∞';
  const [m, e] = Math.abs(x).toExponential(digits - 1).split('e'), k = parseInt(e, 10), sign = x < 0 ? '−' : '';
  const figures = m.replace('.', ''), trim = s => s.includes('.') ? s.replace(/0+$/, '').replace(/\.$/, '') : s;
  if (k < -4 || k >= 6) return sign + trim(m) + 'e' + k;
  if (k < 0) return sign + trim('0.' + '0'.repeat(-k - 1) + figures);
  const all = figures.padEnd(k + 1, '0');
  return sign + trim(all.slice(0, k + 1) + '.' + all.slice(k + 1));
}
const UNITS = [['', 1], ['π', Math.PI], ['√2', Math.sqrt(2)], ['√π', Math.sqrt(Math.PI)], ['e', Math.E]];
function nice(x) {
  if (x < 0) return '−' + nice(-x);
  for (const [name, unit] of UNITS) for (let below = 1; below < 25; below++) {
    const above = Math.floor(x / unit * below + 0.5);
    if (0 < above && above <= 1000 && Math.abs(x / unit * below - above) < 1e-11 * above) {
      const number = below === 1 ? '' + above : above + '/' + below;
      if (name && number === '1') return name;
      return below === 1 || !name ? number + name : `(${number})${name}`;
    }
  }
  return show(x);
}

// --- comparison ---------------------------------------------------------------------------------
const TIGHT = 300, CORE = 10, SPREAD = 8, ROUNDED = 2e-3, CROSSINGS = 8, AMPLE = 1e9;
const EXTREMES = [2 ** -60, 2 ** -30, 2 ** -10, 1000.25, 2 ** 20 + 0.5];
const TOO_MUCH = 'it takes too many operations to evaluate', TOO_VAGUE = 'its value cannot be told exactly enough';
const NICE = [[0.27, 0.66, 0.42, 0.83, 0.55, 0.15], [0.71, 0.34, 0.86, 0.2, 0.46, 0.6]];
const STRIDES = [0.6180339887498949, 0.7548776662466927, 0.8191725133961645, 0.8566748838545029];
const SPECIAL = [0, 0.5, 1, -1, 2, 23.75, -23.75];

function rangeOf(where) {
  if (!Array.isArray(where)) {
    if (where.values) return { values: where.values.map(Number) };
    const [a, b] = where.integers.map(Number);
    return { values: range(b - a + 1).map(i => a + i) };
  }
  const [low, high] = where.map(v => v === 'inf' ? Infinity : v === '-inf' ? -Infinity : Number(v));
  return { low, high };
}
function grid(width, parts) {
  let g = 1;
  while (g > width / parts) g /= 2;
  while (g * 2 <= width / parts) g *= 2;
  return g;
}
function place({ values, low, high }, u, parts) {
  if (values) return values[Math.floor(u * values.length)];
  let x, g = 4 / parts;
  if (low === -Infinity && high === Infinity) { const v = (2 * u - 1) * 0.875; x = v / (1 - Math.abs(v)); }
  else if (high === Infinity) { const v = 0.125 + 0.75 * u; x = low + v / (1 - v); }
  else if (low === -Infinity) { const v = 0.875 - 0.75 * u; x = high - v / (1 - v); }
  else { x = low + (high - low) * u; g = grid(high - low, parts); }
  x = Math.floor(x / g) * g || g; // 0 is a special point, tried by itself
  while (x <= low) x += g;
  while (x >= high) x -= g;
  return x > low ? x : (low + high) / 2;
}
function sample(domain, where = [], seed = '', within = null) {
  const names = Object.keys(domain), ranges = names.map(n => rangeOf(domain[n])), roll = dice(seed);
  const fixedNames = within ? names.filter(n => !within.includes(n)) : [], points = [], base = [];
  function accept(values, group) {
    const point = {};
    names.forEach((n, i) => { point[n] = group < points.length && fixedNames.includes(n) ? points[group][n] : values[i]; });
    try {
      const budget = { left: WORK };
      if (!where.every(w => low(enclose(w, point, PRECISIONS[0], budget)) > 0n)) return 0;
    } catch (stop) { expected(stop); return 0; }
    base.push(Math.min(group, points.length));
    points.push(point);
    return 1;
  }
  const group = () => fixedNames.length ? points.length - points.length % 4 : 0;
  for (const u of NICE) accept(ranges.map((r, i) => place(r, u[i % 6], 8)), group());
  for (let tries = 0; points.length < CORE && tries < 500; tries++) accept(ranges.map(r => place(r, roll(), 2 ** 20)), group());
  const core = points.length;
  if (!core || !names.length) return { points: points.slice(0, 1), core: Math.min(core, 1), base: base.slice(0, 1) };
  for (const near of [10, 20]) for (const u of [2 ** -near, 1 - 2 ** -near]) accept(ranges.map(r => place(r, u, 2 ** (near + 10))), 0);
  let special = 0;
  ranges.forEach((r, i) => {
    if (r.values) return;
    const put = (from, x) => { special += accept(names.map((n, j) => j === i ? x : points[from][n]), 0); };
    for (const x of SPECIAL) if (r.low < x && x < r.high && special < 12) put((2 + i) % core, x);
    for (let j = 0; j < i; j++)
      if (!ranges[j].values && ranges[j].low === r.low && ranges[j].high === r.high && special < 15) put(2 % core, points[2 % core][names[j]]);
  });
  for (let k = 1; k <= SPREAD; k++)
    accept(ranges.map((r, i) => place(r, (0.5 + k * STRIDES[i % 4] + 0.37 * Math.floor(i / 4)) % 1, 2 ** 12)), 0);
  let extreme = 0;
  for (const size of EXTREMES) ranges.forEach((r, i) => {
    for (const x of [size, -size])
      if (!r.values && r.low < x && x < r.high && extreme < 16) extreme += accept(names.map((n, j) => j === i ? x : points[i % core][n]), 0);
  });
  return { points, core, base, box: !where.length && ranges.every(r => !r.values) };
}
const partsOf = tree => tree.filter(Array.isArray);
/* [what must not be zero for a formula to be defined, what it would be], taken apart into factors */
function vanishing(tree) {
  const [kind, a, b] = tree, found = partsOf(tree).flatMap(vanishing), zero = 'a division by zero';
  const put = (of, reason) => factors(of).forEach(d => found.push([d, reason]));
  if (kind === '/') put(b, zero);
  else if (kind === '^' && b[0] === 'neg') put(a, zero);
  else if (kind === 'fn' && (a === 'tan' || a === 'cot')) found.push([['fn', a === 'tan' ? 'cos' : 'sin', b], zero]);
  else if (kind === 'fn' && a === 'log') put(b, 'the logarithm of zero');
  return found;
}
function factors([kind, a, b]) { // |x-1| (x+2)^2 vanishes with x-1 and with x+2
  if (kind === '*') return [...factors(a), ...factors(b)];
  if (kind === '/' || kind === '^' || kind === 'neg') return factors(a);
  return kind === 'fn' && (a === 'abs' || a === 'sqrt') ? factors(b) : [[kind, a, ...(b === undefined ? [] : [b])]];
}
const variables = tree => tree[0] === 'var' ? [tree[1]] : [...new Set(partsOf(tree).flatMap(variables))];
function sums(tree) {
  const found = partsOf(tree).flatMap(sums);
  return '+-'.includes(tree[0]) && variables(tree).length ? [...found, tree] : found;
}
/* points at, beside and between the zeros of sums: there |x - 0.1| takes another branch */
function crossings(trees, sampled, domain, budget) {
  const ranges = {}, found = new Map(trees.flatMap(sums).map(s => [JSON.stringify(s), s])), zeros = new Map(), out = [];
  for (const n in domain) ranges[n] = rangeOf(domain[n]);
  const start = sampled.points[0], other = sampled.points[Math.min(1, sampled.core - 1)], inside = (n, x) => ranges[n].low < x && x < ranges[n].high;
  const pairs = [...found.values()].flatMap(s => variables(s).filter(n => !ranges[n].values).map(n => [s, n]));
  for (const [tree, n] of pairs.slice(0, CROSSINGS)) {
    const x = softly(() => zeroOf(tree, n, start, other[n], x => inside(n, x), budget), null);
    if (x === null) continue;
    if (!zeros.has(n)) zeros.set(n, []);
    if (!zeros.get(n).includes(x)) zeros.get(n).push(x);
  }
  for (const [n, at] of zeros) {
    at.sort((a, b) => a - b);
    const near = at.flatMap(x => [0, 2 ** -7, -(2 ** -7), 2 ** -24, -(2 ** -24)].map(step => x * (1 + step)));
    for (const x of [...near, ...at.slice(1).map((b, k) => (at[k] + b) / 2)]) if (inside(n, x)) out.push({ ...start, [n]: x });
  }
  return out;
}
function zeroOf(tree, name, start, second, inside, budget) { // to twelve digits, by the secant from two points
  const at = x => toDouble(enclose(tree, { ...start, [name]: x }, ROUGH, budget));
  let a = start[name], b = second, f = at(a), g = at(b);
  for (let k = 0; k < 8; k++) {
    if (!g || f === g) return done(b, g);
    [a, f, b] = [b, g, b - g * (b - a) / (g - f)];
    if (!inside(b) || !(Math.abs(b) > 1e-30 && Math.abs(b) < 1e30)) return null;
    g = at(b);
    if (Math.abs(b - a) <= 1e-11 * Math.abs(b)) return done(b, g);
  }
  return null;
}
const done = (x, value) => Math.abs(value) < 1e-6 && x ? Number(x.toPrecision(12)) : null;
function sign(tree, point, budget) { // 0 where it is not certain
  return softly(() => {
    const v = enclose(tree, point, ROUGH, budget);
    return containsZero(v) ? 0 : low(v) > 0n ? 1 : -1;
  }, 0);
}

function expected(stop) { // rethrow what is not one of the three
  if (!(stop instanceof Undefined || stop instanceof Unknown || stop instanceof OutOfBudget)) throw stop;
}
class Values {
  constructor(tree, points, budget = { left: WORK }, known = new Map()) { Object.assign(this, { tree, points, budget, known }); }
  at(i, P) {
    const key = i * 4096 + P;
    if (!this.known.has(key)) {
      let v;
      try { v = enclose(this.tree, this.points[i], P, this.budget); }
      catch (stop) { expected(stop); if (stop instanceof OutOfBudget) throw stop; v = stop; }
      this.known.set(key, v);
    }
    const v = this.known.get(key);
    if (v instanceof Error) throw v;
    return v;
  }
  attempt(i, f, otherwise) { // f(value) at the first precision that gives one
    for (const P of PRECISIONS) {
      try { return f(this.at(i, P)); } catch (stop) {
        if (stop instanceof Undefined) return otherwise(stop);
        if (!(stop instanceof Unknown)) throw stop;
      }
    }
    return null;
  }
  double(i) {
    try { return this.attempt(i, v => { const x = toDouble(v); return Number.isFinite(x) ? x : null; }, () => null); } catch (stop) { expected(stop); return null; }
  }
  defined(i) { return this.attempt(i, () => true, () => false); }
  reason(i) { return this.attempt(i, () => '', stop => stop.message) || ''; }
}
function settle(f, g, i, precisions = PRECISIONS) {
  for (const P of precisions) {
    let x, y;
    try { x = f(i, P); y = g(i, P); } catch (stop) {
      if (stop instanceof Undefined) return 'undefined';
      if (stop instanceof Unknown) continue;
      throw stop;
    }
    if (disjoint(x, y)) return 'differ';
    if (tight(x, y)) return 'agree';
  }
  return 'unknown';
}
function apart(f, g, i) { // by the highest precision
  try { return disjoint(f(i, PRECISIONS[1]), g(i, PRECISIONS[1])); } catch (stop) { expected(stop); return false; }
}
const everywhere = (f, g, at) => at.every(i => settle(f, g, i) === 'agree');
function softly(f, otherwise) {
  try { return f(); } catch (stop) {
    if (stop instanceof Undefined || stop instanceof Unknown) return otherwise;
    throw stop;
  }
}
function constantRatio(f, g, at, x, y) {
  const pivot = y.findIndex(v => v !== 0);
  if (pivot < 0 || !x[pivot]) return null;
  const p = at[pivot], c = x[pivot] / y[pivot];
  if (Math.abs(c + 1) < 1e-9 && everywhere(f, (i, P) => negative(g(i, P)), at)) return -1;
  return everywhere((i, P) => multiply(f(i, P), g(p, P), P), (i, P) => multiply(g(i, P), f(p, P), P), at) ? c : null;
}
const verdict = (equal, kind, witness = null, detail = '') => ({ equal, kind, witness, detail });

class Reference {
  constructor(tree, domain, upTo = null, sampled = null, where = [], seed = '') {
    this.condition = upTo && typeof upTo === 'object' ? Object.keys(upTo)[0] : upTo || null;
    const within = upTo && typeof upTo === 'object' ? upTo[this.condition] : null;
    Object.assign(this, { domain, upTo });
    this.constant = !Object.keys(domain).length;
    this.sample = sampled || sample(domain, where, seed, within);
    this.values = new Values(tree, this.sample.points, { left: AMPLE });
  }
  read(student) { return student instanceof Values ? student : new Values(student, this.sample.points); }
  defined() { return range(this.sample.core).filter(i => this.values.defined(i)); }
  compare(student) {
    const mine = this.read(student);
    try { return this.decide(mine); } catch (stop) {
      expected(stop);
      return verdict(null, 'unknown', null, stop instanceof OutOfBudget ? TOO_MUCH : TOO_VAGUE);
    }
  }
  matches(student) {
    const mine = this.read(student);
    try {
      const core = this.condition ? this.defined() : [], { f, g, at } = this.conditioned(mine, core);
      if (core.some(i => at[i] !== i && settle(f, g, i) !== 'agree')) return false;
      if (!this.condition)
        for (let i = 0; i < this.sample.core; i++) if (this.values.defined(i) && settle(f, g, i) !== 'agree') return false;
    } catch (stop) { expected(stop); return false; }
    return this.compare(mine).equal === true;
  }
  conditioned(a, core) {
    const { base } = this.sample, b = this.values, mine = (i, P) => a.at(i, P), right = (i, P) => b.at(i, P);
    if (!this.condition) return { f: mine, g: right, at: base.map(() => -1) };
    const additive = this.condition === 'additive constant', starts = new Map();
    for (const i of core)
      if (!starts.has(base[i]) && a.defined(i) !== false && (additive || !containsZero(b.at(i, PRECISIONS[1])))) starts.set(base[i], i);
    const at = base.map(group => starts.has(group) ? starts.get(group) : null), combine = additive ? subtract : divide;
    const relative = v => (i, P) => combine(v(i, P), v(at[i], P), P);
    return { f: relative(mine), g: relative(right), at };
  }
  decide(a) {
    const b = this.values, { points, core: size } = this.sample, core = this.defined();
    if (core.length < (this.constant ? 1 : 3)) return verdict(null, 'reference');
    const { f, g, at } = this.conditioned(a, core);
    if (this.condition && this.condition !== 'additive constant')
      for (const i of core)
        if (at[i] === i && a.defined(i) && containsZero(a.at(i, PRECISIONS[1])))
          return verdict(false, 'different', { point: points[i], yours: 0, expected: b.double(i), since: null });
    const status = new Map();
    for (const i of core) if (at[i] !== null) status.set(i, settle(f, g, i));
    const seen = [...status.values()];
    if (seen.every(s => s === 'undefined')) {
      let bad = core.find(i => a.defined(i) === false);
      if (bad === undefined) bad = core[0];
      return verdict(false, 'undefined', this.witness(a, bad), a.reason(bad));
    }
    if (seen.includes('differ')) return this.withDifference(a, f, g, at, core, status);
    if (!seen.includes('agree')) return this.withoutDifference(a, at, status, seen);
    const [wide, mine] = this.widened(a), pairs = wide.conditioned(mine, core), hole = wide.hole(mine);
    try {
      for (let i = size; i < wide.sample.points.length; i++) if (pairs.at[i] !== null && wide.values.defined(i)) {
        status.set(i, settle(pairs.f, pairs.g, i, [PRECISIONS[0]]));
        if (['differ', 'undefined'].includes(status.get(i))) break;
      }
    } catch (stop) { if (!(stop instanceof OutOfBudget)) throw stop; } // a long answer that agrees at the core points
    const last = Math.max(...core), agreed = [...status.values()].every(s => s === 'agree' || s === 'unknown');
    if (at[last] !== null && agreed && !seen.includes('unknown') && apart(pairs.f, pairs.g, last)) // p + 10^-200 is not p
      return verdict(false, 'rounded', wide.witness(mine, last, pairs.at[last]));
    return wide.withoutDifference(mine, pairs.at, status, seen, hole);
  }
  widened(a) { // the same, with points at the zeros of the sums that stand in the two formulas
    const s = this.sample;
    let more = [];
    try { more = crossings([this.values.tree, a.tree], s, this.domain, a.budget); } catch (stop) { if (!(stop instanceof OutOfBudget)) throw stop; }
    if (!s.box || !more.length || new Set(s.base).size > 1) return [this, a];
    const points = [...s.points, ...more], wide = new Reference(this.values.tree, this.domain, this.upTo, { ...s, points, base: [...s.base, ...more.map(() => 0)] });
    wide.values.known = new Map(this.values.known);
    return [wide, new Values(a.tree, points, a.budget, a.points === s.points ? a.known : new Map())];
  }
  witness(a, i, since = -1) {
    const { points } = this.sample, yours = a.double(i), expected = this.values.double(i);
    const plain = { point: points[i], yours, expected, since: null };
    if (since === null || since === -1 || since === i) return plain;
    const x = a.double(since), y = this.values.double(since);
    if ([yours, expected, x, y].includes(null) || !x || !y) return plain;
    const additive = this.condition === 'additive constant';
    return { point: points[i], yours: additive ? yours - x : yours / x, expected: additive ? expected - y : expected / y, since: points[since] };
  }
  withoutDifference(a, at, status, seen, hole = null) {
    const first = kind => [...status.keys()].find(i => status.get(i) === kind), d = first('differ'), u = first('undefined');
    if (d !== undefined) return verdict(false, 'partial', this.witness(a, d, at[d]));
    if (u !== undefined && seen.includes('agree')) return verdict(false, 'domain', this.witness(a, u), a.reason(u));
    if (seen.includes('unknown') || u !== undefined) return verdict(null, 'unknown', null, TOO_VAGUE);
    if (this.condition === 'positive factor')
      for (const i of this.defined()) {
        const mine = a.double(i);
        if (mine !== null && mine * this.values.double(i) < 0) return verdict(false, 'sign', this.witness(a, i));
      }
    if (hole && !this.hole(new Values(this.values.tree, this.sample.points, { left: AMPLE }))) {
      const [point, reason] = hole;
      return verdict(false, 'domain', { point, yours: null, expected: new Values(this.values.tree, [point]).double(0), since: null }, reason);
    }
    return verdict(true, 'equal');
  }
  hole(a) {
    try { return this.holeIn(a); } catch (stop) {
      if (!(stop instanceof OutOfBudget)) throw stop;
      return null;
    }
  }
  holeIn({ tree: whole, budget }) {
    const { points, box } = this.sample;
    for (const [tree, reason] of box ? vanishing(whole) : []) {
      if (['num', 'const', 'var'].includes(tree[0])) continue;
      const signs = points.map(point => sign(tree, point, budget));
      if (!signs.includes(-1) || !signs.includes(1)) continue;
      let below = points[signs.indexOf(-1)], above = points[signs.indexOf(1)];
      for (let k = 0; k < 30; k++) {
        const middle = {};
        for (const n in below) middle[n] = (below[n] + above[n]) / 2;
        const s = sign(tree, middle, budget);
        if (!s) return [middle, reason];
        if (s < 0) below = middle; else above = middle;
      }
      return [below, reason];
    }
    return null;
  }
  withDifference(a, f, g, at, core, status) {
    const zero = i => softly(() => containsZero(g(i, PRECISIONS[0])), false);
    const seen = [...status.keys()].filter(i => at[i] !== i && !(status.get(i) === 'agree' && zero(i))).map(i => status.get(i));
    const count = kind => seen.filter(s => s === kind).length;
    const first = core.find(i => status.get(i) === 'differ'), witness = this.witness(a, first, at[first]);
    if (count('agree') >= 2) return verdict(false, 'partial', witness);
    if (count('differ') < seen.length) return verdict(false, 'different', witness);
    const [kind, detail] = this.relation(f, g, core.filter(i => at[i] !== null && at[i] !== i));
    return verdict(false, kind, witness, detail);
  }
  relation(f, g, at) {
    const none = ['different', ''], P0 = PRECISIONS[0], square = h => (i, P) => multiply(h(i, P), h(i, P), P);
    const doubles = softly(() => [at.map(i => toDouble(f(i, P0))), at.map(i => toDouble(g(i, P0)))], null);
    if (!doubles) return none;
    const [x, y] = doubles;
    if (![...x, ...y].every(Number.isFinite)) return none;
    const additive = this.condition === 'additive constant';
    if (x.every((u, k) => Math.abs(u - y[k]) <= ROUNDED * Math.abs(y[k]))) return ['rounded', ''];
    if (!this.condition || additive) {
      const ratio = constantRatio(f, g, at, x, y);
      if (ratio === -1) return ['sign', ''];
      if (ratio !== null && (!this.constant || Math.abs(ratio) === 2 || Math.abs(ratio) === 0.5)) return ['factor', nice(ratio)];
    }
    if (!additive) {
      if (everywhere((i, P) => multiply(f(i, P), g(i, P), P), () => ONE, at)) return ['reciprocal', ''];
      if (everywhere(f, square(g), at)) return ['square', ''];
      if (Math.min(...x) >= 0 && everywhere(square(f), g, at)) return ['root', ''];
    }
    if (!this.condition && !this.constant) {
      const s = at[0];
      if (everywhere((i, P) => add(f(i, P), g(s, P), P), (i, P) => add(g(i, P), f(s, P), P), at)) return ['offset', nice(x[0] - y[0])];
    }
    return none;
  }
}
const range = n => Array.from({ length: n }, (_, i) => i);

