/* What to say to a formula that is wrong and has no name: tutor.py. */

const TERMS = 24, PRODUCTS = 400, DEGREE = 12;
/* {kind, score, text} or null */
function explain(reference, mine) {
  for (const way of [byCoefficients, byTerms, byPower, byLimit]) {
    let part = null;
    try { part = way(reference, mine); } catch (stop) { expected(stop); }
    if (part) return part;
  }
  return null;
}
const part = (kind, score, text) => ({ kind, score, text });
const listed = things => [things.slice(0, -1).join(', '), ...things.slice(-1)].filter(Boolean).join(' and ');
const sentence = text => text[0].toUpperCase() + text.slice(1) + '.';

/* Map from the powers of the names, '1,0,2', to the coefficient; null for what is no polynomial */
function polynomial(tree, names) {
  let left = PRODUCTS;
  const P = PRECISIONS[0], budget = { left: 2000 }, unit = names.map(() => 0).join();
  const put = (out, p, c) => out.set(p, add(out.get(p) || ZERO, c, P));
  const mapped = (terms, f) => new Map([...terms].map(([p, c]) => [p, f(c)]));
  function product(a, b) {
    left -= a.size * b.size;
    if (left < 0) throw new OutOfBudget();
    const out = new Map();
    for (const [p, c] of a) for (const [q, d] of b) {
      const other = q.split(',').map(Number);
      put(out, p.split(',').map((x, i) => +x + other[i]).join(), multiply(c, d, P));
    }
    if (out.size > TERMS) throw new OutOfBudget();
    return out;
  }
  function of(t) {
    const [kind, a, b] = t;
    if (!variables(t).length) return new Map([[unit, enclose(t, {}, P, budget)]]);
    if (kind === 'var') return new Map([[names.map(n => +(n === a)).join(), ONE]]);
    if (kind === 'neg') return mapped(of(a), negative);
    if (kind === '+' || kind === '-') {
      const out = new Map(of(a));
      for (const [p, c] of of(b)) put(out, p, kind === '+' ? c : negative(c));
      return out;
    }
    if (kind === '*') return product(of(a), of(b));
    if (kind === '/' && !variables(b).length) {
      const below = enclose(b, {}, P, budget);
      return mapped(of(a), c => divide(c, below, P));
    }
    if (kind === '^' && b[0] === 'num' && /^[0-9]+$/.test(b[1]) && Number(b[1]) <= DEGREE) {
      const base = of(a);
      let out = new Map([[unit, ONE]]);
      for (let k = 0; k < Number(b[1]); k++) out = product(out, base);
      return out;
    }
    unknownHere();
  }
  try { return new Map([...of(tree)].filter(([, c]) => !containsZero(c))); } catch (stop) { expected(stop); return null; }
}
/* "Blank 1 and Blank 4 are right." */
const stated = (labels, words) => labels.length ? listed(labels) + (labels.length > 1 ? ' are ' : ' is ') + words : '';
function byCoefficients(reference, mine) {
  if (reference.condition) return null;
  const names = Object.keys(reference.domain), right = polynomial(reference.values.tree, names), yours = right && right.size ? polynomial(mine.tree, names) : null;
  if (!yours || !yours.size || right.size + yours.size < 3 || ![...right.keys()].some(p => /[1-9]/.test(p))) return null;
  const powers = p => p.split(',').map(Number), degree = p => powers(p).reduce((s, x) => s + x, 0);
  const order = (p, q) => degree(p) - degree(q) || powers(p).map((x, i) => powers(q)[i] - x).find(d => d) || 0;
  const good = [], said = [];
  for (const p of [...new Set([...right.keys(), ...yours.keys()])].sort(order)) {
    const x = yours.get(p), y = right.get(p), factors = names.map((n, i) => [latexName(n), powers(p)[i]]).filter(([, k]) => k).map(([n, k]) => n + (k > 1 ? `^{${k}}` : ''));
    const name = factors.length ? `the term in $${factors.join(' ')}$` : 'the constant term';
    if (!y) said.push(`${name} does not belong here`);
    else if (!x) said.push(`${name} is missing`);
    else if (tight(x, y)) good.push(name);
    else said.push(`${name} ${offBy(toDouble(x) / toDouble(y))}`);
  }
  if (!said.length) return null;
  return part('terms', good.length < said.length ? 0 /* by chance */ : good.length / (good.length + said.length), sentence([stated(good, 'right'), ...said.slice(0, 3)].filter(Boolean).join('; ')));
}
function offBy(ratio) {
  if (!ratio || !Number.isFinite(ratio)) unknownHere();
  return ratio === -1 ? 'has the wrong sign' : `is ${nice(ratio)} times what is asked`;
}

function termsOf([kind, a, b]) {
  if (kind === 'neg') return termsOf(a).map(t => ['neg', t]);
  if (kind === '+') return [...termsOf(a), ...termsOf(b)];
  if (kind === '-') return [...termsOf(a), ...termsOf(b).map(t => ['neg', t])];
  return [[kind, a, b].filter(x => x !== undefined)];
}
function byTerms(reference, mine) {
  const terms = termsOf(reference.values.tree), answer = reference.values, P0 = PRECISIONS[0];
  if (reference.condition || reference.constant || terms.length < 2 || terms.length > 6) return null;
  const core = reference.defined(), score = (terms.length - 1) / terms.length;
  for (const tree of terms) {
    const values = new Values(tree, answer.points, { left: AMPLE }), term = (i, P) => values.at(i, P);
    const rest = (i, P) => add(subtract(mine.at(i, P), answer.at(i, P), P), term(i, P), P);
    if (everywhere(rest, () => ZERO, core)) return part('terms', score, 'One term is missing; the rest is right.');
    const ratio = constantRatio(rest, term, core, core.map(i => toDouble(rest(i, P0))), core.map(i => toDouble(term(i, P0))));
    if (ratio !== null) return part('terms', score, `One term ${offBy(ratio)}; the rest is right.`);
  }
  return null;
}
function basesOf(tree) { // the factors of a product, above and below the line, without their powers
  const [kind, a, b] = tree;
  if (kind === '*' || kind === '/') return [...basesOf(a), ...basesOf(b)];
  if (kind === '^' || kind === 'neg') return basesOf(a);
  return variables(tree).length ? [tree] : [];
}
/* a name, or a name and a number, as q and 1 - q */
const plain = ([kind, a, b]) => kind === 'var' || ((kind === '+' || kind === '-') && [a[0], b[0]].sort().join() === 'num,var');
function byPower(reference, mine) {
  if (reference.condition || reference.constant) return null;
  const core = reference.defined(), answer = reference.values, P0 = PRECISIONS[0];
  const names = [...new Set([...variables(answer.tree), ...variables(mine.tree)])].sort();
  const own = basesOf(mine.tree).map(b => JSON.stringify(b)); // a factor that is nowhere in the formula would be given away
  if (!own.length) return null;
  const right = basesOf(answer.tree).filter(b => own.includes(JSON.stringify(b)) || plain(b));
  const bases = [...new Map([...right, ...names.map(n => ['var', n])].map(b => [JSON.stringify(b), b])).values()];
  const x = core.map(i => toDouble(mine.at(i, P0)));
  for (const base of bases.slice(0, 6)) {
    const factor = new Values(base, answer.points, { left: AMPLE });
    for (const power of [1, -1, 2, -2]) {
      const shifted = (i, P) => {
        let v = answer.at(i, P);
        for (let k = 0; k < Math.abs(power); k++) v = (power > 0 ? multiply : divide)(v, factor.at(i, P), P);
        return v;
      };
      const ratio = constantRatio((i, P) => mine.at(i, P), shifted, core, x, core.map(i => toDouble(shifted(i, P0))));
      if (ratio !== null)
        return part('power', 0, `Only the power of $${latex(base)}$ is off; the rest is right${Math.abs(ratio - 1) < 1e-9 ? '' : ', up to a constant factor'}.`);
    }
  }
  return null;
}
function byLimit(reference, mine) {
  if (reference.condition || !reference.sample.box) return null;
  const start = reference.sample.points[0], typeset = x => show(x).replace('−', '-');
  for (const name of Object.keys(reference.domain).slice(0, 3)) {
    if (!variables(reference.values.tree).includes(name)) continue; // the answer goes nowhere as this changes
    const { low, high } = rangeOf(reference.domain[name]), width = Number.isFinite(high - low) ? high - low : 1;
    for (const [end, side] of [[low, 1], [high, -1]]) {
      const endless = !Number.isFinite(end), near = endless ? [12, 20].map(k => -side * 2 ** k) : [16, 24].map(k => end + side * width * 2 ** -k);
      if (!near.every(x => low < x && x < high)) continue;
      const points = near.map(x => ({ ...start, [name]: x }));
      const right = trend(reference.values.tree, points, { left: AMPLE }), yours = trend(mine.tree, points, mine.budget);
      if (!right || !yours || right === yours || !telling(end, right, yours)) continue;
      const seen = [...variables(reference.values.tree), ...variables(mine.tree)];
      const others = Object.keys(start).filter(n => n !== name && seen.includes(n)).map(n => `$${latexName(n)} = ${typeset(start[n])}$`);
      const to = endless ? (end < 0 ? '-' : '') + '\\infty' : typeset(end);
      return part('limit', 0, `As $${latexName(name)} \\to ${to}$${others.length ? ` (at ${others.join(', ')})` : ''} the answer ${right}, yours ${yours}.`);
    }
  }
  return null;
}
/* whether an end of the domain says more than a point inside it */
function telling(end, right, yours) {
  const unbounded = way => way.endsWith('without bound');
  return end === 0 || !Number.isFinite(end) || right === 'goes to 0' || unbounded(right) || unbounded(yours);
}
function trend(tree, points, budget) { // where a formula goes along two points near an end, in words
  const [a, b] = points.map(p => new Values(tree, [p], budget).double(0));
  if (a === null || b === null) return null;
  if (Math.abs(b) > 1e3 && Math.abs(b) > 2 * Math.abs(a)) return b > 0 ? 'grows without bound' : 'falls without bound';
  if (Math.abs(b) < 1e-3 && Math.abs(b) <= Math.abs(a) / 2) return 'goes to 0';
  return Math.abs(a - b) <= 1e-3 * Math.abs(b) || a === b ? `goes to ${show(b, 3)}` : null;
}
