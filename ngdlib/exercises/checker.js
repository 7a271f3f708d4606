/* Reading and checking answers in the page: the grammar, verdicts and feedback of ngdlib.exercises.
   It needs no library and runs no text as code. Values are enclosed in balls (middle, radius, exponent) of BigInts, so a
   verdict is as sure here as with Python's intervals. tests/exercise_vectors.json holds both to the
   same answers. book/scripts.py puts page.js behind it and makes one script of the two; in node it
   is a module. */
'use strict';

// --- grammar ------------------------------------------------------------------------------------
const MAX_LENGTH = 400, MAX_DEPTH = 40, MAX_NODES = 250, MAX_DIGITS = 20;
const words = s => s.split(' ');
const table = (keys, values) => new Map([...keys].map((k, i) => [k, values[i]]));
const GREEK = words('alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega');
const LETTERS = table('αβγδεζηθικλμνξοπρστυφχψωϕϑϵϱςµΔ∆',
  [...GREEK, ...words('phi theta epsilon rho sigma mu Delta Delta')]);
const COMMANDS = new Map([...GREEK, 'Delta', 'phi', 'theta', 'epsilon', 'rho'].map((n, i) => [i > 24 ? 'var' + n : n, n]));
const FUNCTIONS = new Map([
  ...words('exp log sqrt abs sin cos tan cot sinh cosh tanh arcsin arccos arctan logistic logit').map(n => [n, n]),
  ['ln', 'log'], ['sigma', 'logistic'], ['sigmoid', 'logistic'], ['expit', 'logistic'],
  ['asin', 'arcsin'], ['acos', 'arccos'], ['atan', 'arctan']]);
const CONSTANTS = ['e', 'pi'];
const set = s => new Set([...s]);
const MINUS = set('-−–—‐‑‒﹣'), TIMES = set('*·×⋅∙•∗'), OVER = set('/÷∕⁄');
const SPACE = set(' \t\n\r\v\f\xa0\u200b\u202f\u205f\u3000\ufeff\u2061\u2062\u2063\u2064\u2060' +
  '\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a');
const SUPER = table('⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺', '0123456789-+'), SUB = table('₀₁₂₃₄₅₆₇₈₉', '0123456789');
const FRACTIONS = table('½⅓⅔¼¾⅕⅛', words('1/2 1/3 2/3 1/4 3/4 1/5 1/8'));
const CLOSING = { '(': ')', '[': ']', '{': '}' };
const SKIPPED = new Set(words('left right displaystyle quad qquad big Big bigl bigr'));
const WORDY = new Set(words('operatorname mathrm mathit text textrm'));
const NOTHING = 'Nothing is written yet.', REST = 'Leave the rest term out.';
const PLAIN = 'Write letters without bars or accents: the question says which names to use.';
const COMPLAINTS = new Map([
  ['…', REST],
  ['=', 'Write only the formula, without an equals sign.'],
  ['%', 'Write a percentage as a number: 0.05 for 5 percent.'],
  ['!', 'Factorials are not used here.'],
  [';', 'One formula is expected: what is the semicolon for?'],
  [',', 'One formula is expected: what is the comma for?'],
  ['<', 'Write a formula, not an inequality.'],
  ['>', 'Write a formula, not an inequality.'],
  ['±', 'Give one formula: choose the sign.'],
  ["'", 'Quotation marks and primes are not used here.'],
  ['"', 'Quotation marks and primes are not used here.']]);
const LOG_BASE = 'log is the natural logarithm here; for another base divide: log(p)/log(2).';

class AnswerError extends Error {
  constructor(message, position) { super(message); this.position = position; }
}
const fail = (message, position) => { throw new AnswerError(message, position); };
const isLetter = c => /^[A-Za-z]$/.test(c), isDigit = c => /^[0-9]$/.test(c);
const canonical = name => [...name].map(c => LETTERS.get(c) || SUB.get(c) || c).join('').replace(/[_{}\s]/g, '');
const cut = (word, n = 20) => [...word].slice(0, n).join('');

/* canonical spelling → name as declared; the author's validator has seen to it that these are names */
const declared = names => new Map(names.map(n => [canonical(n), n]));

function single(c) {
  const k = c.codePointAt(0);
  if ((k >= 0x1d400 && k <= 0x1d7ff) || (k >= 0xff01 && k <= 0xff5e)) {
    const plain = [...c.normalize('NFKC')];
    return plain.length === 1 ? plain[0] : c;
  }
  return c;
}

function quoted(c) {
  const k = c.codePointAt(0);
  return k < 33 || (k >= 127 && k <= 160) || (k >= 0xd800 && k <= 0xdfff)
    ? 'the character U+' + k.toString(16).toUpperCase().padStart(4, '0') : `“${c}”`;
}

/* tokens: [{kind, text, start, end, spaced}], kind: num name op frac root sup end */
function tokenise(text) {
  const c = [...text].map(single), out = [];
  let i = 0, spaced = false;
  const at = k => c[k] === undefined ? '' : c[k];
  const rest = () => c.slice(i, i + 60).join('');
  const add = (kind, text, start) => { out.push({ kind, text, start, end: i, spaced }); spaced = false; };
  function number() {
    let text = rest().match(/^[0-9]*\.?[0-9]*/)[0];
    const power = rest().slice(text.length).match(/^[eE][+-]?[0-9]+/);
    if (power) text += power[0];
    const start = i;
    i += text.length;
    const [mantissa, exponent = ''] = text.toLowerCase().split('e');
    if (mantissa.replace('.', '').replace(/^0+/, '').length > MAX_DIGITS || exponent.replace(/^[+-]+/, '').length > 2)
      fail('This number has too many digits: give the exact form.', start);
    if (at(i) === ',' && isDigit(at(i + 1))) fail('Write a decimal point, not a comma: 0.5.', i);
    add('num', text, start);
  }
  function subscript() {
    const m = rest().match(/^(?:[₀-₉]+|_\{(?:\\(?:mathrm|text)\{[A-Za-z0-9]+\}|[A-Za-z0-9]+)\}|_?[0-9]+|_+[A-Za-z0-9_]+)/);
    if (!m) return '';
    i += [...m[0]].length;
    return [...m[0].replace(/\\(?:mathrm|text)/, '')].filter(x => x !== '{' && x !== '}').map(x => SUB.get(x) || x).join('');
  }
  function word() {
    const start = i;
    while (isLetter(at(i)) || isDigit(at(i))) i++;
    const word = c.slice(start, i).join('');
    if (/^(np|numpy|math|sp|sympy)$/.test(word) && at(i) === '.')
      fail(`Write log(p), not ${word}.log(p): no module names here.`, start);
    if (/^(log2|log10|lg)$/.test(word) || (word === 'log' && at(i) === '_')) fail(LOG_BASE, start);
    if (!word) fail('An index needs a name before it and digits after it: mu_1.', start);
    add('name', word + subscript(), start);
  }
  function command() {
    const start = i++;
    while (isLetter(at(i))) i++;
    const word = c.slice(start + 1, i).join('');
    if (!word) {
      if (at(i) === '|') sign('|');
      else if (at(i) && ',;:! ()[]'.includes(at(i))) { i++; spaced = true; }
      else fail('A backslash needs a name after it, such as \\frac.', start);
    } else if (SKIPPED.has(word)) spaced = true;
    else if (/^[dt]?frac$/.test(word)) {
      add('frac', word, start);
      if (isDigit(at(i)) && isDigit(at(i + 1))) for (let k = 0; k < 2; k++) { i++; add('num', c[i - 1], i - 1); }
    } else if (/^(cdot|times|ast)$/.test(word)) add('op', '*', start);
    else if (word === 'div') add('op', '/', start);
    else if (/^(lvert|rvert|vert|mid)$/.test(word)) add('op', '|', start);
    else if (/^[lc]?dots$/.test(word)) fail(REST, start);
    else if (/^(bar|overline|hat|tilde)$/.test(word)) fail(PLAIN, start);
    else if (WORDY.has(word)) {
      const inner = c.slice(i).join('').match(/^ *\{ *([A-Za-z][A-Za-z0-9]*) *\}/);
      if (!inner) fail(`\\${word} needs one name in braces.`, start);
      i += inner[0].length;
      add('name', inner[1] + subscript(), start);
    } else if (COMMANDS.has(word)) add('name', COMMANDS.get(word) + subscript(), start);
    else if (FUNCTIONS.has(word)) {
      if (word === 'sqrt' && at(i) === '[') fail('Write other roots as powers: x^(1/3).', start);
      if (at(i) === '_') fail(LOG_BASE, start);
      add('name', word, start);
    } else fail(`\\${cut(word)} is not known here.`, start);
  }
  function sign(x) {
    const start = i++;
    if (MINUS.has(x)) add('op', '-', start);
    else if (TIMES.has(x)) {
      const power = x === '*' && at(i) === '*';
      if (power) i++;
      add('op', power ? '^' : '*', start);
    } else if (OVER.has(x)) add('op', '/', start);
    else if ('+^()[]{}|'.includes(x)) add('op', x, start);
    else if (SUPER.has(x)) {
      while (SUPER.has(at(i))) i++;
      const text = c.slice(start, i).map(y => SUPER.get(y)).join('');
      if (!/^[+-]?[0-9]{1,3}$/.test(text)) fail('This superscript is not a number; write powers as p^2.', start);
      add('sup', text, start);
    } else if (FRACTIONS.has(x)) add('num', FRACTIONS.get(x), start);
    else if (x === '√') add('root', x, start);
    else if (COMPLAINTS.has(x)) fail(COMPLAINTS.get(x), start);
    else if (x === '.' && at(i) === '.') fail(REST, start);
    else if (/[\xc0-\u024f\u0300-\u036f]/.test(x)) fail(PLAIN, start); // ȳ, and what makes it of y
    else fail(`I do not know what to do with ${quoted(x)}.`, start);
  }
  while (i < c.length) {
    const x = c[i];
    if (SPACE.has(x) || x === '$') { i++; spaced = true; }
    else if (isDigit(x) || (x === '.' && isDigit(at(i + 1)))) number();
    else if (isLetter(x) || x === '_') word();
    else if (LETTERS.has(x)) { const start = i++; add('name', LETTERS.get(x) + subscript(), start); }
    else if (x === '\\') command();
    else sign(x);
  }
  add('end', '', i);
  return out;
}

/* Trees are arrays: ['num', '0.5'] ['var', 'p'] ['const', 'pi'] ['neg', a] ['fn', 'log', a] ['+', a, b] ... */
function parse(text, names = []) {
  const known = declared(names), chars = [...text];
  if (chars.length > MAX_LENGTH) fail(`This is too long: at most ${MAX_LENGTH} characters.`, MAX_LENGTH);
  let t = [], i = 0, depth = 0, nodes = 0, bars = 0;
  const peek = () => t[i];
  const isOp = ops => t[i].kind === 'op' && ops.includes(t[i].text);
  const slice = (a, b) => {
    while (a < b && SPACE.has(chars[a])) a++;
    while (b > a && SPACE.has(chars[b - 1])) b--;
    return chars.slice(a, b).join('');
  };
  function node(...parts) {
    if (++nodes > MAX_NODES) fail('This formula is too long: simplify it.', peek().start);
    return parts;
  }
  function down() { if (++depth > MAX_DEPTH) fail('This is nested too deeply.', peek().start); }

  function ways(word, beforeBracket) {
    const pieces = [...known.keys(), ...CONSTANTS.filter(c => !known.has(c))];
    const found = Array.from({ length: word.length + 1 }, () => []);
    found[word.length] = [[]];
    for (let k = word.length - 1; k >= 0; k--) {
      for (const p of pieces)
        if (word.startsWith(p, k)) found[k].push(...found[k + p.length].map(r => [p, ...r]).slice(0, 2));
      if (beforeBracket && FUNCTIONS.has(word.slice(k))) found[k].push([word.slice(k)]);
      found[k] = found[k].slice(0, 2);
    }
    return found[0];
  }
  function unknown(word) {
    const said = `“${cut(word)}” is not known here.`, stem = word.replace(/[0-9]+$/, '');
    if (stem !== word && known.has(stem)) {
      const rest = word.slice(stem.length);
      return `${said} Did you mean ${stem}^${rest} or ${stem}*${rest}?`;
    }
    const f = [...FUNCTIONS.keys()].sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
      .find(f => word.startsWith(f) && word.length > f.length);
    if (f) return `${said} Did you mean ${f}(${cut(word.slice(f.length))})?`;
    if (known.has(word.toLowerCase())) return `${said} Did you mean ${word.toLowerCase()}?`;
    return known.size ? `${said} Write the formula in ${[...known.keys()].sort().join(', ')}.` : 'A number is asked, without letters or units.';
  }
  function split(tokens) {
    const out = [];
    tokens.forEach((k, n) => {
      const word = canonical(k.text);
      if (k.kind !== 'name' || known.has(word) || CONSTANTS.includes(word) || FUNCTIONS.has(word.toLowerCase()) || COMMANDS.has(word)) {
        out.push(k);
        return;
      }
      const called = tokens[n + 1].text === '(';
      if (/^o$/i.test(word) && called) fail(REST, k.start); // + O(eta^3)
      const found = word === k.text ? ways(word, called) : [];
      if (found.length > 1) fail(`“${cut(word)}” can be read in several ways: put * between the factors.`, k.start);
      if (!found.length) fail(unknown(word), k.start);
      let { start, spaced } = k;
      for (const piece of found[0]) {
        out.push({ kind: 'name', text: piece, start, end: start + piece.length, spaced });
        start += piece.length;
        spaced = false;
      }
    });
    return out;
  }

  function sum() {
    let a;
    if (isOp('+-')) {
      const minus = isOp('-');
      i++;
      a = product();
      if (minus) a = node('neg', a);
    } else a = product();
    while (isOp('+-')) {
      const op = peek().text;
      i++;
      a = node(op, a, product());
    }
    return a;
  }
  const startsFactor = () => ['num', 'name', 'frac', 'root'].includes(peek().kind) || isOp('([{') || (isOp('|') && !bars);
  function product() {
    const begin = peek().start;
    let a = signed(), slash = 0;
    for (;;) {
      if (isOp('*/')) {
        const op = peek().text;
        slash = op === '/' ? peek().start : 0;
        i++;
        a = node(op, a, signed());
      } else if (startsFactor()) {
        const k = peek();
        if (k.kind === 'num') fail('Something is missing before this number: * or ^?', k.start);
        const end = t[i - 1].end, b = power();
        if (slash) {
          const factor = slice(k.start, t[i - 1].end), above = slice(begin, slash), below = slice(slash + 1, end);
          fail(`This can be read in two ways: (${above}/${below})*${factor} or ${above}/(${below}*${factor})?`, k.start);
        }
        a = node('*', a, b);
      } else return a;
    }
  }
  function signed() {
    if (!isOp('+-')) return power();
    const minus = isOp('-');
    down();
    i++;
    const a = signed();
    depth--;
    return minus ? node('neg', a) : a;
  }
  function power() {
    const begin = peek().start, a = atom();
    if (peek().kind === 'sup') {
      const k = peek();
      i++;
      if (isOp('^') || peek().kind === 'sup') fail('Two powers in a row: add brackets.', peek().start);
      return node('^', a, number(k.text));
    }
    if (!isOp('^')) return a;
    const hat = peek();
    i++;
    down();
    const first = i, b = signed();
    depth--;
    const bare = !t.slice(first, i).some(k => '([{|'.includes(k.text) || k.kind === 'frac'), k = peek();
    if (bare && k.kind === 'name' && !k.spaced && (a[0] === 'num' || a[0] === 'const' || b[0] !== 'num')) {
      const base = slice(begin, hat.start), exponent = slice(hat.end, t[i - 1].end), factor = slice(k.start, k.end);
      fail(`This can be read in two ways: ${base}^(${exponent}*${factor}) or ${base}^(${exponent})*${factor}?`, k.start);
    }
    return node('^', a, b);
  }
  function number(text) {
    if (text.includes('/')) {
      const [above, below] = text.split('/');
      return node('/', node('num', above), node('num', below));
    }
    const a = node('num', text.replace(/^[+-]+/, ''));
    return text[0] === '-' ? node('neg', a) : a;
  }
  function group() {
    const opening = peek(), outer = bars;
    i++;
    down();
    bars = 0;
    if (isOp(')]}')) fail('Nothing is written in these brackets.', peek().start);
    const a = sum(), closing = CLOSING[opening.text];
    if (!isOp(closing)) notClosed(opening, closing);
    i++;
    bars = outer;
    depth--;
    return a;
  }
  function notClosed(opening, closing) {
    const k = peek();
    if (k.kind === 'end') fail(`This ${opening.text} is never closed.`, opening.start);
    if (isOp(')]}')) fail(`Expected ${closing} here, to close ${opening.text}.`, k.start);
    fail('An operation is missing here.', k.start);
  }
  function bar() {
    const opening = peek();
    i++;
    down();
    bars++;
    const a = sum();
    if (!isOp('|')) notClosed(opening, '|');
    i++;
    bars--;
    depth--;
    return node('fn', 'abs', a);
  }
  function fraction() {
    i++;
    const parts = [];
    down();
    for (let n = 0; n < 2; n++) {
      if (isOp('{')) parts.push(group());
      else if (peek().kind === 'num' && peek().text.length === 1) {
        parts.push(number(peek().text));
        i++;
      } else fail('\\frac needs two parts in braces: \\frac{1}{2}.', peek().start);
    }
    depth--;
    return node('/', ...parts);
  }
  function atom() {
    const k = peek();
    if (k.kind === 'num') { i++; return number(k.text); }
    if (k.kind === 'name') return name(k);
    if (k.kind === 'frac') return fraction();
    if (k.kind === 'root') return rootSign();
    if (isOp('([{')) return group();
    if (isOp('|')) return bar();
    if (k.kind === 'end') fail('The formula ends too early.', k.start);
    if (isOp(')]}') && !depth) fail(`This ${k.text} closes nothing.`, k.start);
    fail('Something is missing here.', k.start);
  }
  function rootSign() {
    i++;
    const bracketed = isOp('([{|');
    down();
    const a = atom();
    depth--;
    if (!bracketed && peek().kind === 'name' && !peek().spaced) fail('How far does the root reach? Write √(…).', peek().start);
    return node('fn', 'sqrt', a);
  }
  function name(k) {
    i++;
    const word = canonical(k.text), f = FUNCTIONS.get(word) || FUNCTIONS.get(word.toLowerCase());
    if (f && (!known.has(word) || isOp('('))) {
      if (word === 'sigma' && !isOp('([{')) fail('σ alone is not a name in this question; the logistic function is σ(z).', k.start);
      return call(k, f);
    }
    if (known.has(word)) return node('var', known.get(word));
    if (CONSTANTS.includes(word)) return node('const', word);
    fail(unknown(word), k.start);
  }
  function call(k, f) {
    let exponent = null, argument;
    if (isOp('^') || peek().kind === 'sup') exponent = functionPower(k);
    if (isOp('([{')) argument = group();
    else if (isOp('|')) { down(); argument = bar(); depth--; }
    else if (peek().kind === 'frac') argument = fraction();
    else fail(`Write ${k.text}(${slice(peek().start, peek().end) || '…'}), with brackets.`, peek().start);
    const a = node('fn', f, argument);
    return exponent ? node('^', a, exponent) : a;
  }
  function functionPower(k) {
    const sign = peek();
    let text = '-';
    if (sign.kind === 'sup') { i++; text = sign.text; }
    else if (t[i + 1].kind === 'num' && /^[0-9]+$/.test(t[i + 1].text)) { i += 2; text = t[i - 1].text; }
    if (text[0] === '-') fail(`Write a power of a function outside the brackets: (${k.text}(…))^2.`, sign.start);
    return number(text);
  }

  t = split(tokenise(text));
  if (t[0].kind === 'end') fail(NOTHING, 0);
  const tree = sum(), end = peek();
  if (end.kind !== 'end') fail(isOp(')]}') ? `This ${end.text} closes nothing.` : 'An operation is missing here.', end.start);
  return tree;
}

// --- LaTeX --------------------------------------------------------------------------------------
function latexName(name) {
  const plain = [...name].map(c => LETTERS.get(c) || SUB.get(c) || c).join('').replace(/[{}]/g, '');
  const cutAt = plain.indexOf('_');
  let base = cutAt < 0 ? plain : plain.slice(0, cutAt), index = cutAt < 0 ? '' : plain.slice(cutAt + 1);
  const digits = base.match(/^([A-Za-z]+)([0-9]+)$/);
  if (digits && !index) { base = digits[1]; index = digits[2]; }
  if (COMMANDS.has(base)) base = '\\' + base;
  else if (base.length > 1) base = `\\mathrm{${base}}`;
  if (!index) return base;
  return index.length === 1 || /^[0-9]+$/.test(index) ? `${base}_{${index}}` : `${base}_{\\mathrm{${index}}}`;
}

function latex(tree, names = []) {
  const sigma = [...names].some(n => canonical(n) === 'sigma');
  function show(t, level) {
    const [text, own] = render(t);
    return own >= level ? text : `\\left(${text}\\right)`;
  }
  function render(t) {
    const [kind, a, b] = t;
    switch (kind) {
      case 'num': return number(a);
      case 'var': return [latexName(a), 5];
      case 'const': return [a === 'pi' ? '\\pi' : 'e', 5];
      case 'neg': return ['-' + show(a, 2), 1];
      case 'fn': return call(a, show(b, 0));
      case '+': case '-': return [`${show(a, 1)} ${kind} ${show(b, 2)}`, 1];
      case '*': {
        const left = show(a, 2), right = show(b, 3);
        return [left + (isDigit(right[0]) || left.endsWith('\\sigma') ? ' \\cdot ' : ' ') + right, 2];
      }
      case '/': return [`\\frac{${show(a, 0)}}{${show(b, 0)}}`, 3];
      default: return [`${show(a, 5)}^{${show(b, 0)}}`, 4];
    }
  }
  function call(name, inner) {
    if (name === 'sqrt') return [`\\sqrt{${inner}}`, 5];
    if (name === 'abs') return [`\\left|${inner}\\right|`, 5];
    const command = name === 'logistic' && !sigma ? '\\sigma'
      : name === 'logistic' || name === 'logit' ? `\\operatorname{${name}}` : '\\' + name;
    return [`${command}\\left(${inner}\\right)`, 4];
  }
  function number(text) {
    const [m, exponent] = text.toLowerCase().split('e'), [whole, decimals] = m.split('.');
    const mantissa = (whole || '0') + (decimals ? '.' + decimals : '');
    if (!exponent) return [mantissa, 5];
    const power = `10^{${parseInt(exponent, 10)}}`;
    return mantissa === '1' ? [power, 4] : [`${mantissa} \\cdot ${power}`, 2];
  }
  return show(tree, 0);
}

// --- balls: [m, r, e] is every number within r of m, times 2^e -------------------------------------
const PRECISIONS = [384, 1536], WORK = 40000, MAX_POWER = 1024n, MAX_MAGNITUDE = 1 << 18;
const COST = { num: 1, var: 0, const: 1, neg: 0, '+': 1, '-': 1, '*': 1, '/': 2, '^': 8, fn: 10 };
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
function ball(m, r, e, P) { // rounded to P bits; radius rounded up
  const n = bits(mag(m)) - P;
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
function cosSin(x, P) {
  if (isZero(x)) return [ONE, ZERO];
  if (magnitude(x) > 40) unknownHere();
  const W = P + 128, w = BigInt(W), half = constant('pi', W) >> 1n, X = fixed(x, W), k = near(X, half), y = X - k * half;
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
  if (magnitude(x) > 200) return subtract(multiply(pi(P + 16), [x[0] > 0n ? 1n : -1n, 0n, -1], P), arctan(divide(ONE, x, P), P), P);
  const W = P + 64, w = BigInt(W), d = toDouble(x), y0 = BigInt(Math.round(Math.atan(d) * 2 ** 50));
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
  exp, log, sqrt, logit, arctan, arcsin, abs: absolute,
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
  budget.left -= COST[kind] * (P === PRECISIONS[0] ? 1 : 6);
  if (budget.left < 0) throw new OutOfBudget();
  if (kind === 'num') return literal(a, P);
  if (kind === 'var') return fromDouble(point[a]);
  if (kind === 'const') return a === 'pi' ? pi(P) : exp(ONE, P);
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
const TIGHT = 300, CORE = 10, SPREAD = 16, ROUNDED = 2e-3;
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
  return { points, core, base, box: !where.length && ranges.every(r => !r.values) };
}
function divisors(tree) {
  const [kind, a, b] = tree, found = [a, b].filter(Array.isArray).flatMap(divisors);
  if (kind === '/') found.push(b);
  else if (kind === '^' && b[0] === 'neg') found.push(a);
  else if (kind === 'fn' && (a === 'tan' || a === 'cot')) found.push(['fn', a === 'tan' ? 'cos' : 'sin', b]);
  return found;
}
function sign(tree, point, budget) { // 0 where it is not certain
  return softly(() => {
    const v = enclose(tree, point, PRECISIONS[0], budget);
    return containsZero(v) ? 0 : low(v) > 0n ? 1 : -1;
  }, 0);
}

function expected(stop) { // rethrow what is not one of the three
  if (!(stop instanceof Undefined || stop instanceof Unknown || stop instanceof OutOfBudget)) throw stop;
}
class Values {
  constructor(tree, points) { this.tree = tree; this.points = points; this.budget = { left: WORK }; this.known = new Map(); }
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
function settle(f, g, i) {
  for (const P of PRECISIONS) {
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
    this.constant = !Object.keys(domain).length;
    this.sample = sampled || sample(domain, where, seed, within);
    this.values = new Values(tree, this.sample.points);
  }
  read(student) { return student instanceof Values ? student : new Values(student, this.sample.points); }
  defined() { return range(this.sample.core).filter(i => this.values.defined(i)); }
  compare(student) {
    const mine = this.read(student);
    try { return this.decide(mine); } catch (stop) {
      if (!(stop instanceof OutOfBudget)) throw stop;
      return verdict(null, 'unknown', null, 'it takes too many operations to evaluate');
    }
  }
  matches(student) {
    const mine = this.read(student);
    try {
      const core = this.defined(), { f, g, at } = this.conditioned(mine, core);
      if (core.some(i => at[i] !== i && settle(f, g, i) !== 'agree')) return false;
    } catch (stop) {
      if (!(stop instanceof OutOfBudget)) throw stop;
      return false;
    }
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
    if (seen.includes('agree'))
      for (let i = size; i < points.length; i++) if (at[i] !== null && b.defined(i)) status.set(i, settle(f, g, i));
    return this.withoutDifference(a, f, g, at, status, seen);
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
  withoutDifference(a, f, g, at, status, seen) {
    const first = kind => [...status.keys()].find(i => status.get(i) === kind), d = first('differ'), u = first('undefined');
    if (d !== undefined) return verdict(false, 'partial', this.witness(a, d, at[d]));
    if (u !== undefined && seen.includes('agree')) return verdict(false, 'domain', this.witness(a, u), a.reason(u));
    if (seen.includes('unknown') || u !== undefined) return verdict(null, 'unknown', null, 'its value cannot be told exactly enough');
    if (this.condition === 'positive factor')
      for (const i of this.defined()) {
        const mine = a.double(i);
        if (mine !== null && mine * this.values.double(i) < 0) return verdict(false, 'sign', this.witness(a, i));
      }
    const last = Math.max(...this.defined()), P1 = PRECISIONS[1];
    if (at[last] !== null && softly(() => disjoint(f(last, P1), g(last, P1)), false)) return verdict(false, 'rounded', this.witness(a, last, at[last]));
    const hole = this.hole(a);
    if (hole && !this.hole(this.values))
      return verdict(false, 'domain', { point: hole, yours: null, expected: new Values(this.values.tree, [hole]).double(0), since: null }, 'a division by zero');
    return verdict(true, 'equal');
  }
  hole(a) {
    const { points, box } = this.sample, budget = { left: WORK };
    for (const tree of box ? divisors(a.tree) : []) {
      const signs = points.map(point => sign(tree, point, budget));
      if (!signs.includes(-1) || !signs.includes(1)) continue;
      let below = points[signs.indexOf(-1)], above = points[signs.indexOf(1)];
      for (let k = 0; k < 30; k++) {
        const middle = {};
        for (const n in below) middle[n] = (below[n] + above[n]) / 2;
        const s = sign(tree, middle, budget);
        if (!s) return middle;
        if (s < 0) below = middle; else above = middle;
      }
      return below;
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
  unknown: 'I cannot tell whether this is right: {detail}. Try a simpler form.',
  reference: 'This question cannot be checked: its answer is not defined. Please report it.',
  close: 'This is close, but not close enough: keep more digits on the way.',
  shape: 'The shape is {detail}.',
  transposed: 'This is the transpose: rows and columns are exchanged.',
  inverse: 'This is the inverse of the answer.',
  entry: 'The entry in row {row}, column {column} is not right. {detail}',
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
  let score = (item.partial && item.partial[kind]) || 0, text = FEEDBACK[kind];
  if (kind === 'equal') { score = 1; text = item.right || text; }
  else if (kind === 'unknown' || kind === 'reference' || kind === 'notebook') score = null;
  for (const [name, value] of Object.entries({ detail: '', ...more })) text = text.split(`{${name}}`).join(value);
  text = text.split('{point}').join(witness ? pointText(witness.point) : '').split('{witness}').join(describe(witness));
  return result(score, kind, text.split(': .').join('.').trim(), witness);
}
const knownMistake = m => result(Number(m.score || 0), 'known:' + m.id, m.feedback.trim());
const judged = (item, v) => say(item, v.kind, v.witness, { detail: v.detail });

function allChoices(spec) {
  if (spec.choices) return spec.choices.map(String);
  const texts = spec.range.map(String), places = Math.max(...texts.map(t => (t.split('.')[1] || '').length));
  const [low, high, step] = texts.map(t => Math.round(Number(t) * 10 ** places)), out = [];
  for (let k = low; k <= high; k += step) {
    let text = String(Math.abs(k)).padStart(places + 1, '0');
    if (places) text = (text.slice(0, -places) + '.' + text.slice(-places)).replace(/0+$/, '').replace(/\.$/, '');
    out.push(k < 0 ? '-' + text : text);
  }
  return out;
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

function checkFormula(item, answer, values) {
  const vars = item.vars || {}, upTo = item.up_to || null, sampled = sampleOf(item, values, upTo);
  const reference = field => new Reference(trees(item, values, field), vars, upTo, sampled);
  const mine = new Values(parse(answer, Object.keys(vars)), sampled.points), v = reference(item.answer).compare(mine);
  if (v.equal !== true) {
    const m = (item.mistakes || []).find(m => reference(m.match).matches(mine));
    if (m) return { ...knownMistake(m), witness: v.witness };
  }
  return judged(item, v);
}

function checkNumeric(item, answer, values) {
  const tree = parse(answer), mine = new Values(tree, [{}]), right = constantOf(trees(item, values, item.answer));
  if (right === null) return say(item, 'reference');
  const x = mine.double(0), rtol = Number(item.rtol ?? 1e-3), atol = Number(item.atol ?? 0);
  if (x === null) {
    if (softly(() => mine.defined(0), null) === false) return say(item, 'no value', null, { detail: mine.reason(0) });
    return say(item, 'unknown', null, { detail: 'its value cannot be told exactly enough' });
  }
  const close = (y, r = rtol, a = atol) => y !== null && Math.abs(x - y) <= a + r * Math.abs(y);
  if (close(right)) {
    const r = say(item, 'equal');
    if (item.exact !== undefined && (tree[0] === 'num' || tree[0] === 'neg')) r.feedback += ` Exactly: ${item.exact}.`;
    return r;
  }
  const m = (item.mistakes || []).find(m => close(constantOf(trees(item, values, m.match))));
  if (m) return knownMistake(m);
  if (close(right, Math.min(20 * rtol, 0.02), 20 * atol)) return say(item, 'close');
  if (close(-right)) return say(item, 'sign');
  const factor = [2, 0.5, 10, 0.1, 100, 0.01, 1000, 0.001].find(k => close(k * right));
  if (factor) return say(item, 'factor', null, { detail: nice(factor) });
  return say(item, right && close(1 / right) ? 'reciprocal' : 'different');
}

function checkMatrix(item, answer, values) {
  const nested = f => Array.isArray(f[0]) ? f : f.map(x => [x]), shape = f => [nested(f).length, nested(f)[0].length];
  let rows = Array.isArray(answer[0]) ? answer : [answer];
  const [n, m] = shape(item.answer);
  let got = [rows.length, rows[0].length];
  if (rows.some(row => row.length !== got[1])) return say(item, 'shape', null, { detail: 'not that of a matrix: its rows differ in length' });
  if (m === 1 && got[0] === 1 && got[1] === n) { rows = rows[0].map(x => [x]); got = [n, 1]; }
  if (got[0] !== n || got[1] !== m) return say(item, 'shape', null, { detail: `${got[0]} × ${got[1]}; ${n} × ${m} is expected` });
  const vars = item.vars || {}, sampled = sampleOf(item, values, null);
  const references = f => nested(f).flat().map(x => new Reference(trees(item, values, x), vars, null, sampled));
  const right = references(item.answer), mine = rows.flat().map(text => new Values(parse(text, Object.keys(vars)), sampled.points));
  const verdicts = right.map((r, k) => r.compare(mine[k]));
  if (verdicts.every(v => v.kind === 'equal')) return say(item, 'equal');
  for (const mistake of item.mistakes || []) {
    const [p, q] = shape(mistake.match);
    if (p === n && q === m && references(mistake.match).every((r, k) => r.matches(mine[k]))) return knownMistake(mistake);
  }
  const wrong = verdicts.findIndex(v => v.equal === false);
  if (wrong < 0) return judged(item, verdicts.find(v => v.equal === null));
  const found = matrixRelation(n, m, right, mine, verdicts);
  if (found) {
    const [kind, detail] = found;
    if (item.up_to === 'constant factor' ? kind === 'factor' || kind === 'sign'
      : item.up_to === 'positive factor' && kind === 'factor' && detail[0] !== '−') return say(item, 'equal');
    return say(item, kind, kind === 'factor' ? verdicts[wrong].witness : null, { detail });
  }
  const inside = judged({}, verdicts[wrong]).feedback.replace(/^Not yet\./, '').trim();
  return say(item, 'entry', verdicts[wrong].witness, { row: Math.floor(wrong / m) + 1, column: wrong % m + 1, detail: inside });
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
  if (taken.length > 1) r.feedback += ` Of your ${taken.length} choices ${wrong.length} ${wrong.length > 1 ? 'are' : 'is'} wrong${more ? ', and there is more to choose' : ''}.`;
  return { ...r, wrong: [wrong[0].id] };
}

function checkDerivation(item, answer, values) {
  if (item.mode === 'fill') return checkBlanks(item, answer, values);
  const steps = item.steps.map(s => s.id), wrong = item.distractors || [];
  if (!Array.isArray(answer) || !answer.every(a => steps.includes(a) || wrong.some(d => d.id === a))) fail('A list of steps is expected.', 0);
  if (!answer.length) fail('No step is placed yet.', 0);
  const orders = [steps, ...(item.alternatives || [])];
  const common = order => { let k = 0; while (k < answer.length && k < order.length && answer[k] === order[k]) k++; return k; };
  if (orders.some(o => o.length === answer.length && common(o) === o.length)) return say(item, 'equal');
  const good = Math.max(...orders.map(common)), distractor = wrong.find(d => d.id === answer[good]);
  if (distractor) return knownMistake(distractor);
  if (good === answer.length) return say(item, 'incomplete', null, { detail: `Right so far: ${good} of ${steps.length} steps.` });
  if (!good) return say(item, 'order', null, { detail: 'The first line is not where the derivation starts.' });
  const before = good > 1 ? `The first ${good} of ${steps.length} steps are right.` : 'Step 1 is right.';
  return say(item, 'order', null, { detail: `${before} Step ${good + 1} does not follow from what stands before it.` });
}
function blankItem(item, blank) {
  const shared = {};
  for (const k of ['vars', 'where', 'variant']) if (item[k]) shared[k] = item[k];
  return { kind: 'formula', ...shared, ...blank, id: `${item.id}.${blank.id}` };
}
/* "Blank 1 and Blank 4 are right." */
const listed = (labels, words) => labels.length ? [labels.slice(0, -1).join(', '), ...labels.slice(-1)].filter(Boolean).join(' and ') + (labels.length > 1 ? ' are ' : ' is ') + words : '';
function checkBlanks(item, answer, values) {
  const right = [], empty = [], said = [], wrong = [];
  let score = 0, first = null;
  for (const blank of item.blanks) {
    const r = check(blankItem(item, blank), answer[blank.id] || '', values), label = fill(blank.label, values);
    if (r.feedback === NOTHING) { empty.push(label); continue; }
    if (r.score === null) return { ...r, feedback: `${label}: ${r.feedback}` };
    score += r.score / item.blanks.length;
    if (r.kind === 'equal') { right.push(label); continue; }
    first = first || r;
    wrong.push(blank.id);
    said.push(`${label}: ${r.feedback}`);
  }
  if (empty.length === item.blanks.length) fail(NOTHING, 0);
  const feedback = [listed(right, 'right.'), ...said, listed(empty, 'still empty.')].filter(Boolean).join(' ');
  if (empty.length) return result(null, 'incomplete', feedback, null, null, wrong);
  return first ? { ...first, score, feedback, wrong } : say(item, 'equal');
}

const CHECKS = { formula: checkFormula, numeric: checkNumeric, matrix: checkMatrix, choice: checkChoice, derivation: checkDerivation,
  function: item => say(item, 'notebook') };
/* {score, kind, feedback, witness, position}; never throws because of the answer. */
function check(item, answer, values = {}) {
  let r;
  try { r = CHECKS[item.kind](item, answer, values); } catch (error) {
    if (!(error instanceof AnswerError)) throw error;
    return result(null, 'unreadable', error.message, null, error.position);
  }
  return r.kind === 'equal' || r.kind.startsWith('known:') ? { ...r, feedback: fill(r.feedback, values) } : r;
}
const points = (item, r, hints = 0) =>
  Math.max(0, item.points * (r.score || 0) - (item.hints || []).slice(0, hints).reduce((s, h) => s + (h.cost || 0), 0));
const compare = (student, answer, domain, where = [], upTo = null, seed = '') =>
  new Reference(answer, domain, upTo, null, where, seed).compare(student);

if (typeof document === 'undefined') module.exports = { parse, latex, compare, check, draw, fill, points, AnswerError };
