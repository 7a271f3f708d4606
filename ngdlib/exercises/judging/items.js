/* An answer to an item: score, kind, feedback: items.py. In node the whole is a module. */
// --- items --------------------------------------------------------------------------------------
const FEEDBACK = {
  equal: 'Correct.',
  domain: 'This agrees with the answer wherever it is defined, but at {point} it is not defined: {detail}.',
  undefined: 'This is not defined at {point}, which belongs to the question: {detail}.',
  'no value': 'This has no value: {detail}.',
  partial: 'This agrees with the answer at some points, but not everywhere. {witness}',
  sign: 'The sign is the wrong way round. {witness}',
  factor: 'A constant factor is off: this is {detail} times the answer. {witness}',
  reciprocal: 'This is one over the answer. {witness}',
  square: 'This is the square of the answer. {witness}',
  root: 'This is the square root of the answer. {witness}',
  offset: 'This differs from the answer by the constant {detail}. {witness}',
  rounded: 'This is close to the answer, but not the same: give the exact form.',
  different: 'Not yet. {witness}',
  terms: '{detail}',
  power: '{detail}',
  limit: '{detail}',
  unknown: 'I cannot tell whether this is right: {detail}. Try a simpler form.',
  reference: 'This question cannot be checked: its answer is not defined. Please report it.',
  close: 'This is close, but not close enough: keep more digits on the way.',
  digits: 'Right as far as it goes: give more digits.',
  shape: 'The shape is {detail}.',
  transposed: 'This is the transpose: rows and columns are exchanged.',
  inverse: 'This is the inverse of the answer.',
  entry: '{good}{place} is not right. {detail}',
  incomplete: '{detail}',
  order: '{detail}',
  notebook: 'This one is for the notebook: its answer is a function.',
};
const result = (score, kind, feedback, witness = null, position = null, wrong = []) => ({ score, kind, feedback, witness, position, wrong });
const pointText = point => Object.keys(point).map(n => `${n} = ${show(point[n], 6)}`).join(', ');
function describe(w) {
  if (!w || w.yours === null || w.expected === null) return '';
  const yours = show(w.yours), right = show(w.expected);
  if (yours === right) return '';
  if (w.since) return `From ${pointText(w.since)} to ${pointText(w.point)} the answer changes by ${right}, yours by ${yours}.`;
  return Object.keys(w.point).length ? `At ${pointText(w.point)} the answer is ${right}, yours is ${yours}.` : '';
}
function say(item, kind, witness = null, more = {}) {
  if (kind === 'undefined' && !(witness && Object.keys(witness.point).length)) kind = 'no value';
  let score = item.partial && item.partial[kind] !== undefined ? item.partial[kind] : more.score || 0, text = FEEDBACK[kind];
  if (kind === 'equal') { score = 1; text = item.right || text; }
  else if (kind === 'unknown' || kind === 'reference' || kind === 'notebook') score = null;
  for (const [name, value] of Object.entries({ detail: '', ...more })) text = text.split(`{${name}}`).join(value);
  text = text.split('{point}').join(witness ? pointText(witness.point) : '').split('{witness}').join(describe(witness));
  return result(score, kind, text.split(': .').join('.').trim(), witness);
}
const knownMistake = (m, share = 0) => result(Number(m.score ?? share), 'known:' + m.id, m.feedback.trim());
/* the words for a verdict; where it has no name, what is right and what is off */
function judged(item, v, reference, mine) {
  const part = v.kind === 'different' ? explain(reference, mine) : null;
  return part ? say(item, part.kind, v.witness, { detail: part.text, score: part.score }) : say(item, v.kind, v.witness, { detail: v.detail });
}

function allChoices(spec) {
  if (spec.choices) return spec.choices.map(String);
  const texts = spec.range.map(String), places = Math.max(...texts.map(t => (t.split('.')[1] || '').length));
  const [low, high, step] = texts.map(t => Math.round(Number(t) * 10 ** places)), out = [];
  for (let k = low; k <= high; k += step) {
    let text = String(Math.abs(k)).padStart(places + 1, '0');
    if (places) text = (text.slice(0, -places) + '.' + text.slice(-places)).replace(/0+$/, '').replace(/\.$/, '');
    out.push(k < 0 ? '-' + text : text);
  }
  const leftOut = (spec.except || []).map(Number);
  return out.filter(text => !leftOut.includes(Number(text)));
}
function draw(item, seed) {
  const roll = dice(`${item.id}/${seed}`), variant = item.variant || {}, out = {};
  for (const name of Object.keys(variant).sort()) {
    const values = allChoices(variant[name]);
    out[name] = values[Math.floor(roll() * values.length)];
  }
  return out;
}
function substituted(tree, values) {
  if (tree[0] === 'var' && Object.hasOwn(values, tree[1])) {
    const text = values[tree[1]];
    return text[0] === '-' ? ['neg', ['num', text.slice(1)]] : ['num', text];
  }
  return tree.map(part => Array.isArray(part) ? substituted(part, values) : part);
}
const constantOf = tree => new Values(tree, [{}]).double(0);
function fill(text, values) {
  return text.replace(/\{\{([^{}]+)\}\}/g, (_, inside) => {
    const inner = inside.trim();
    if (Object.hasOwn(values, inner)) return values[inner];
    const n = constantOf(substituted(parse(inner, Object.keys(values)), values));
    return n === null ? '?' : show(n);
  });
}
function trees(item, values, field) {
  if (Array.isArray(field)) return field.map(f => trees(item, values, f));
  return substituted(parse(String(field), [...Object.keys(item.vars || {}), ...Object.keys(values)]), values);
}
function sampleOf(item, values, upTo) {
  const within = upTo && typeof upTo === 'object' ? Object.values(upTo)[0] : null;
  return sample(item.vars || {}, (item.where || []).map(w => trees(item, values, w)), item.id || '', within);
}

/* What a reader may write: the variables, and names that stand for a formula of them. */
const readable = item => [...Object.keys(item.vars || {}), ...Object.keys(item.also || {})];
const replaced = (tree, also) => tree[0] === 'var' ? also[tree[1]] || tree : tree.map(x => Array.isArray(x) ? replaced(x, also) : x);
function valuesOf(item, answer, values, sampled, budget) {
  const also = {}, tree = parse(answer, readable(item), item.polynomial);
  for (const n in item.also || {}) also[n] = trees(item, values, item.also[n]);
  return new Values(replaced(tree, also), sampled.points, budget);
}
function checkFormula(item, answer, values, budget) {
  const vars = item.vars || {}, upTo = item.up_to || null, sampled = sampleOf(item, values, upTo);
  const reference = field => new Reference(trees(item, values, field), vars, upTo, sampled);
  const mine = valuesOf(item, answer, values, sampled, budget), right = reference(item.answer), v = right.compare(mine);
  if (v.equal !== true) {
    const m = (item.mistakes || []).find(m => reference(m.match).matches(mine));
    if (m) return { ...knownMistake(m), witness: v.witness };
  }
  return judged(item, v, right, mine);
}

function checkNumeric(item, answer, values, budget) {
  const tree = parse(answer), mine = new Values(tree, [{}], budget), right = constantOf(trees(item, values, item.answer));
  if (right === null) return say(item, 'reference');
  const x = mine.double(0), rtol = Number(item.rtol ?? 1e-3), atol = Number(item.atol ?? 0);
  if (x === null) {
    if (softly(() => mine.defined(0), null) === false) return say(item, 'no value', null, { detail: mine.reason(0) });
    return say(item, 'unknown', null, { detail: TOO_VAGUE });
  }
  const close = (y, r = rtol, a = atol) => y !== null && Math.abs(x - y) <= a + r * Math.abs(y);
  if (close(right)) {
    const r = say(item, 'equal');
    if (item.exact !== undefined && (tree[0] === 'num' || tree[0] === 'neg')) r.feedback += ` Exactly: ${item.exact}.`;
    return r;
  }
  const known = is => (item.mistakes || []).find(m => is(constantOf(trees(item, values, m.match))));
  let m = known(close);
  if (!m && roundsTo(tree, right)) return say(item, 'digits');
  m = m || known(y => roundsTo(tree, y)); // a mistake is one too when it is rounded
  if (m) return knownMistake(m);
  if (close(right, Math.min(3 * rtol, 0.005), 3 * atol)) return say(item, 'close');
  if (close(-right)) return say(item, 'sign');
  const factor = [2, 0.5, 10, 0.1, 100, 0.01, 1000, 0.001].find(k => close(k * right));
  if (factor) return say(item, 'factor', null, { detail: nice(factor) });
  return say(item, right && close(1 / right) ? 'reciprocal' : 'different');
}

/* a typed decimal that is this number, rounded or cut off at its own last digit */
function roundsTo(tree, right) {
  const [kind, text] = tree[0] === 'neg' ? tree[1] : tree;
  if (kind !== 'num' || /e/i.test(text) || !right || (right < 0) !== (tree[0] === 'neg')) return false;
  const places = (text.split('.')[1] || '').length, digits = text.replace('.', '').replace(/^0+/, '').length;
  if (digits < 2 || digits > 12) return false;
  const [n, d] = exactly(Math.abs(right)), scaled = n * 10n ** BigInt(places), typed = BigInt(text.replace('.', ''));
  return typed === scaled / d || typed === (2n * scaled + d) / (2n * d);
}
function exactly(x) { // a double as a fraction of whole numbers
  const [m, , e] = fromDouble(x);
  return e < 0 ? [m, 1n << BigInt(-e)] : [m << BigInt(e), 1n];
}
function checkMatrix(item, answer, values, budget) {
  const nested = f => Array.isArray(f[0]) ? f : f.map(x => [x]), shape = f => [nested(f).length, nested(f)[0].length];
  let rows = Array.isArray(answer[0]) ? answer : [answer];
  const [n, m] = shape(item.answer);
  let got = [rows.length, rows[0].length];
  if (rows.some(row => row.length !== got[1])) fail('Every row needs as many entries.', 0);
  if (m === 1 && got[0] === 1 && got[1] === n) { rows = rows[0].map(x => [x]); got = [n, 1]; }
  const vars = item.vars || {}, sampled = sampleOf(item, values, null), part = Math.floor(budget.left / rows.flat().length), mine = rows.flat().map(text => valuesOf(item, text, values, sampled, { left: part }));
  if (got[0] !== n || got[1] !== m) return say(item, 'shape', null, { detail: `${got[0]} × ${got[1]}; ${n} × ${m} is expected` });
  const references = f => nested(f).flat().map(x => new Reference(trees(item, values, x), vars, null, sampled));
  const right = references(item.answer);
  const verdicts = right.map((r, k) => r.compare(mine[k]));
  const good = verdicts.map(v => v.kind === 'equal');
  if (good.every(ok => ok)) return say(item, 'equal');
  const counted = good.filter((ok, k) => !(ok && right[k].values.tree[0] === 'num' && right[k].values.tree[1] === '0')), share = item.up_to ? 0 : counted.filter(ok => ok).length / counted.length;
  /* all entries are these numbers, typed to three digits */
  const close = refs => refs.every((r, k) => { const x = mine[k].double(0), y = r.values.double(0); return x !== null && y !== null && Math.abs(x - y) <= 5e-3 * Math.abs(y); });
  const numbers = !Object.keys(vars).length && !close(right);
  for (const mistake of item.mistakes || []) {
    const [p, q] = shape(mistake.match);
    if (p !== n || q !== m) continue;
    const known = references(mistake.match);
    if (known.every((r, k) => r.matches(mine[k])) || (numbers && close(known))) return knownMistake(mistake, share);
  }
  const wrong = verdicts.findIndex(v => v.equal === false), vague = verdicts.findIndex(v => v.equal === null);
  if (wrong < 0) return judged(item, verdicts[vague], right[vague], mine[vague]);
  const found = matrixRelation(n, m, right, mine, verdicts);
  if (found) {
    const [kind, detail] = found;
    if (item.up_to === 'constant factor' ? kind === 'factor' || kind === 'sign'
      : item.up_to === 'positive factor' && kind === 'factor' && detail[0] !== '−') return say(item, 'equal');
    return say(item, kind, kind === 'factor' ? verdicts[wrong].witness : null, { detail });
  }
  const detail = judged({}, verdicts[wrong], right[wrong], mine[wrong]).feedback.replace(/^Not yet\./, '').trim();
  return say(item, 'entry', verdicts[wrong].witness, { detail, score: share, ...places(n, m, good, wrong) });
}
const ORDINALS = words('first second third fourth fifth sixth');
/* what is right, and the place that is not: components of a vector, entries of a matrix */
function places(n, m, right, wrong) {
  const count = right.filter(ok => ok).length, are = count > 1;
  if ((n === 1 || m === 1) && right.length <= ORDINALS.length) {
    const names = ORDINALS.filter((_, k) => right[k]);
    return { good: count ? `The ${listed(names)} component${are ? 's are' : ' is'} right. ` : '', place: `The ${ORDINALS[wrong]} component` };
  }
  const good = count === right.length - 1 ? 'All entries but one are right. ' : count ? `${count} of ${right.length} entries ${are ? 'are' : 'is'} right. ` : '';
  return { good, place: `The entry in row ${Math.floor(wrong / m) + 1}, column ${wrong % m + 1}` };
}
function matrixRelation(n, m, right, mine, verdicts) {
  if (verdicts.some(v => ['unknown', 'domain', 'undefined', 'reference'].includes(v.kind))) return null;
  const cells = n * m, { core } = right[0].sample;
  if (n === m && n > 1 && mine.every((v, k) => right[(k % m) * m + Math.floor(k / m)].matches(v))) return ['transposed', ''];
  const f = (k, P) => mine[k % cells].at(Math.floor(k / cells), P), g = (k, P) => right[k % cells].values.at(Math.floor(k / cells), P);
  const at = range(cells * core), x = at.map(k => mine[k % cells].double(Math.floor(k / cells)));
  const y = at.map(k => right[k % cells].values.double(Math.floor(k / cells)));
  if (x.includes(null) || y.includes(null)) return null;
  const ratio = constantRatio(f, g, at, x, y);
  if (ratio !== null) return ratio === -1 ? ['sign', ''] : ['factor', nice(ratio)];
  if (n !== m || n < 2) return null;
  const product = (k, P) => {
    const i = Math.floor(k / cells) * cells, row = Math.floor(k / n) % n, column = k % n;
    return range(n).reduce((total, j) => add(total, multiply(f(i + row * n + j, P), g(i + j * n + column, P), P), P), ZERO);
  };
  return everywhere(product, k => Math.floor(k / n) % n === k % n ? ONE : ZERO, at) ? ['inverse', ''] : null;
}

function checkChoice(item, answer) {
  const chosen = typeof answer === 'string' ? [answer] : answer, ids = item.options.map(o => o.id);
  if (!Array.isArray(chosen) || !chosen.every(c => ids.includes(c))) fail(`Choose among ${ids.join(', ')}.`, 0);
  if (!chosen.length) fail('Nothing is chosen yet.', 0);
  const taken = item.options.filter(o => chosen.includes(o.id)), wrong = taken.filter(o => !o.right);
  const more = item.options.some(o => o.right && !taken.includes(o));
  if (!wrong.length) return more ? say(item, 'incomplete', null, { detail: 'Right so far, but there is more to choose.' }) : say(item, 'equal');
  const r = knownMistake(wrong[0]);
  if (taken.length > 1) r.feedback = [...wrong.map(o => `${o.id}: ${o.feedback.trim()}`),
    `Of your ${taken.length} choices ${wrong.length} ${wrong.length > 1 ? 'are' : 'is'} wrong${more ? ', and there is more to choose' : ''}.`].join(' ');
  return { ...r, wrong: wrong.map(o => o.id) };
}

function checkDerivation(item, answer, values, budget) {
  if (item.mode === 'fill') return checkBlanks(item, answer, values, budget);
  const lures = item.distractors || [], line = id => [...item.steps, ...lures].find(s => s.id === id), of = item.steps.length;
  if (!Array.isArray(answer)) fail('A list of steps is expected.', 0);
  for (const id of answer) if (!line(id)) fail(`“${id}” is not known here.`, 0);
  if (!answer.length) fail('No step is placed yet.', 0);
  if (new Set(answer).size < answer.length) fail('Each line can stand only once.', 0);
  const [good, needed] = inOrder(item, answer), next = answer[good], step = line(next);
  const score = good / Math.max(of, answer.length); // the share of the lines up to the first that is wrong
  if (score === 1) return say(item, 'equal');
  if (lures.includes(step)) return { ...knownMistake(step, score), wrong: [next] };
  const said = (kind, detail, wrong = []) => ({ ...say(item, kind, null, { detail, score }), wrong });
  if (good === answer.length) return said('incomplete', `Right so far: ${good} of ${of} steps.`);
  const at = (good > 1 ? `The first ${good} of ${of} steps are right. ` : good ? 'Step 1 is right. ' : '') + `Step ${good + 1}`;
  if (needed)
    return said('order', `${at}, “${step.because || next}”, uses “${line(needed).because || needed}”, which is not there yet. ${step.without || ''}`, [next, needed]);
  return said('order', good ? `${at} does not follow from what stands before it.` : 'The first line is not where the derivation starts.');
}
/* [how many lines stand right, what the next one needs that does not stand before it] */
function inOrder(item, order) {
  const steps = item.steps.map(s => s.id);
  if (item.steps.some(s => s.needs)) {
    for (const [k, id] of order.entries()) {
      const step = item.steps.find(s => s.id === id), missing = step && (step.needs || []).find(n => !order.slice(0, k).includes(n));
      if (!step || missing) return [k, missing ?? null];
    }
    return [order.length, null];
  }
  const common = other => { let k = 0; while (k < order.length && k < other.length && order[k] === other[k]) k++; return k; };
  return [Math.max(...[steps, ...(item.alternatives || [])].map(common)), null];
}
function blankItem(item, blank) {
  const shared = {};
  for (const k of ['vars', 'where', 'variant', 'also']) if (item[k]) shared[k] = item[k];
  return { kind: 'formula', ...shared, ...blank, id: `${item.id}.${blank.id}` };
}
function checkBlanks(item, answer, values, budget) {
  const right = [], empty = [], said = [], wrong = [];
  let score = 0, first = null;
  for (const blank of item.blanks) {
    const r = check(blankItem(item, blank), answer[blank.id] || '', values, { left: Math.floor(budget.left / item.blanks.length) }), label = fill(blank.label, values);
    if (r.feedback === NOTHING) { empty.push(label); continue; }
    if (r.score === null) return { ...r, feedback: `${label}: ${r.feedback}` };
    score += r.score / item.blanks.length;
    if (r.kind === 'equal') { right.push(label); continue; }
    first = first || r;
    wrong.push(blank.id);
    said.push(`${label}: ${r.feedback}`);
  }
  if (empty.length === item.blanks.length) fail(NOTHING, 0);
  const feedback = [stated(right, 'right.'), ...said, stated(empty, 'still empty.')].filter(Boolean).join(' ');
  if (empty.length) return result(null, 'incomplete', feedback, null, null, wrong);
  return first ? { ...first, score, feedback, wrong } : say(item, 'equal');
}

const CHECKS = { formula: checkFormula, numeric: checkNumeric, matrix: checkMatrix, choice: checkChoice, derivation: checkDerivation,
  function: item => say(item, 'notebook') };
/* {score, kind, feedback, witness, position}; never throws because of the answer. */
/* feedback without what the verdict above it says already */
function undoubled(text) {
  const whole = text.trim(), rest = whole.replace(/^(Correct|Not yet)[.:,!]\s*/, '');
  return rest === whole || !rest ? rest : rest[0].toUpperCase() + rest.slice(1);
}
function check(item, answer, values = {}, budget = { left: WORK }) {
  let r;
  try { r = CHECKS[item.kind](item, answer, values, budget); } catch (error) {
    if (!(error instanceof AnswerError)) {
      expected(error);
      return say(item, 'unknown', null, { detail: error instanceof OutOfBudget ? TOO_MUCH : TOO_VAGUE });
    }
    return result(null, 'unreadable', error.message, null, error.position);
  }
  return r.kind === 'equal' || r.kind.startsWith('known:') ? { ...r, feedback: fill(r.feedback, values) } : r;
}
const points = (item, r, hints = 0) =>
  Math.max(0, item.points * (r.score || 0) - (item.hints || []).slice(0, hints).reduce((s, h) => s + (h.cost || 0), 0));
const compare = (student, answer, domain, where = [], upTo = null, seed = '') =>
  new Reference(answer, domain, upTo, null, where, seed).compare(student);

if (typeof document === 'undefined') module.exports = { parse, latex, compare, check, draw, fill, points, AnswerError };
