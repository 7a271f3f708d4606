/* Reading answers in the page: the grammar of grammar.py, with the same complaints at the same places.
   The page's checker is this file, then judging/intervals.js, compare.js, items.js and page/page.js,
   one behind the other (`ngdlib.exercises.judging.node.SCRIPTS`): no library, and no text is run as
   code. tests/exercise_vectors.json holds Python and JavaScript to the same answers. */
'use strict';

// --- grammar ------------------------------------------------------------------------------------
const MAX_LENGTH = 400, MAX_DEPTH = 40, MAX_NODES = 250, MAX_DIGITS = 20;
const words = s => s.split(' ');
const table = (keys, values) => new Map([...keys].map((k, i) => [k, values[i]]));
const GREEK = words('alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega');
const CAPITALS = words('Gamma Delta Theta Lambda Xi Phi Psi Omega'); // not those of sums and products
const LETTERS = table('αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΦΨΩϕϑϵϱςµ∆',
  [...GREEK, ...CAPITALS, ...words('phi theta epsilon rho sigma mu Delta')]);
const COMMANDS = new Map([...[...GREEK, ...CAPITALS].map(n => [n, n]), ...words('phi theta epsilon rho').map(n => ['var' + n, n])]);
const FUNCTIONS = new Map([
  ...words('exp log sqrt abs sin cos tan cot sinh cosh tanh arcsin arccos arctan arsinh arcosh artanh logistic logit').map(n => [n, n]),
  ['ln', 'log'], ['sigma', 'logistic'], ['sigmoid', 'logistic'], ['expit', 'logistic'],
  ['asin', 'arcsin'], ['acos', 'arccos'], ['atan', 'arctan'],
  ['arcsinh', 'arsinh'], ['arccosh', 'arcosh'], ['arctanh', 'artanh'], ['asinh', 'arsinh'], ['acosh', 'arcosh'], ['atanh', 'artanh'],
  ['sec', '1/cos'], ['csc', '1/sin'], ['sech', '1/cosh'], ['csch', '1/sinh'], ['coth', '1/tanh'], ['log1p', 'log1p'], ['expm1', 'expm1']]);
const CONSTANTS = ['e', 'pi'];
const set = s => new Set([...s]);
const MINUS = set('-−–—‐‑‒﹣'), TIMES = set('*·×⋅∙•∗'), OVER = set('/÷∕⁄'), POWER = set('^ˆ⌃↑');
const INVISIBLE = /[\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufffc]/;
const SPACE = set(' \t\n\r\v\f\xa0\u1680\u2028\u2029\u202f\u205f\u3000' +
  '\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a');
const SUPER = table('⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺', '0123456789-+'), SUB = table('₀₁₂₃₄₅₆₇₈₉', '0123456789');
const FRACTIONS = table('½⅓⅔¼¾⅕⅛', words('1/2 1/3 2/3 1/4 3/4 1/5 1/8'));
const CLOSING = { '(': ')', '[': ']', '{': '}' };
const SKIPPED = /^(left|right|middle|displaystyle|textstyle|scriptstyle|limits|nonumber|q?quad|thinspace|[bB]igg?[lr]?)$/;
const WORDY = new Set(words('operatorname mathrm mathit mathbf mathsf mathtt boldsymbol bm text textrm textit'));
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
  const typed = [...text], out = [], places = [...typed.keys()].filter(k => !INVISIBLE.test(typed[k])), c = places.map(k => single(typed[k]));
  places.push(typed.length);
  let i = 0, spaced = false;
  const at = k => c[k] === undefined ? '' : c[k];
  const rest = () => c.slice(i, i + 60).join('');
  const add = (kind, text, start) => { out.push({ kind, text, start: places[start], end: places[i - 1] + 1, spaced }); spaced = false; };
  const fail = (message, position) => { throw new AnswerError(message, places[position]); };
  function number() {
    let text = rest().match(/^[0-9]*\.?[0-9]*/)[0];
    const power = rest().slice(text.length).match(/^[eE][+-]?[0-9]+/);
    if (power) text += power[0];
    const start = i;
    i += text.length;
    const [mantissa, exponent = ''] = text.toLowerCase().split('e');
    if (mantissa.replace('.', '').replace(/^0+/, '').length > MAX_DIGITS || exponent.replace(/^[+-]+/, '').length > 2)
      fail('This number has too many digits: give the exact form.', start);
    if (at(i) === ',' && isDigit(at(i + 1))) fail('Write no comma in a number: 0.5 with a point, 8729 without a break.', i);
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
    } else if (SKIPPED.test(word)) spaced = true;
    else if (/^[dtc]?frac$/.test(word)) {
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
    else if (POWER.has(x)) add('op', '^', start);
    else if ('+()[]{}|'.includes(x)) add('op', x, start);
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
  out.push({ kind: 'end', text: '', start: typed.length, end: typed.length, spaced });
  return out;
}

/* Trees are arrays: ['num', '0.5'] ['var', 'p'] ['const', 'pi'] ['neg', a] ['fn', 'log', a] ['+', a, b] ... */
function parse(text, names = [], polynomial = false) { // a polynomial is asked: 5/3 h^3 is (5/3)*h^3
  const known = declared(names), chars = [...text];
  if (chars.length > MAX_LENGTH) fail(`This is too long: at most ${MAX_LENGTH} characters.`, MAX_LENGTH);
  let t = [], i = 0, depth = 0, nodes = 0, bars = 0, lastSlash = 0;
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
      a = term();
      if (minus) a = node('neg', a);
    } else a = term();
    while (isOp('+-')) {
      const op = peek().text;
      i++;
      a = node(op, a, term());
    }
    return a;
  }
  function term() { // e^z/1+e^z: who divides by 1, or a thing by itself, has left out brackets
    const begin = peek().start, a = product(), slash = lastSlash;
    if (slash && a[0] === '/' && isOp('+-') && [['num', '1'], a[1]].some(b => JSON.stringify(b) === JSON.stringify(a[2]))) {
      const sign = peek(), above = slice(begin, slash), below = slice(slash + 1, t[i - 1].end);
      fail(`This can be read in two ways: (${above}/${below})${sign.text}… or ${above}/(${below}${sign.text}…)?`, sign.start);
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
        if (slash && polynomial && isNumber(a)) { a = node('*', a, power()); slash = 0; continue; }
        const end = t[i - 1].end, b = power();
        if (slash) {
          const factor = slice(k.start, t[i - 1].end), above = slice(begin, slash), below = slice(slash + 1, end);
          fail(`This can be read in two ways: (${above}/${below})*${factor} or ${above}/(${below}*${factor})?`, k.start);
        }
        a = node('*', a, b);
      } else { lastSlash = slash; return a; }
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
    return isOp('^') ? raised(begin, a) : a;
  }
  function raised(begin, a) {
    const hat = peek();
    i++;
    down();
    const first = i, b = signed();
    depth--;
    const bare = !t.slice(first, i).some(k => '([{|'.includes(k.text) || k.kind === 'frac'), k = peek();
    reach(begin, hat, a, b, first, bare);
    if (bare && k.kind === 'name' && !k.spaced && (a[0] === 'num' || a[0] === 'const' || b[0] !== 'num')) {
      const base = slice(begin, hat.start), exponent = slice(hat.end, t[i - 1].end), factor = slice(k.start, k.end);
      fail(`This can be read in two ways: ${base}^(${exponent}*${factor}) or ${base}^(${exponent})*${factor}?`, k.start);
    }
    return node('^', a, b);
  }
  const opens = k => k !== undefined && k.kind === 'op' && '([{'.includes(k.text), closes = k => k !== undefined && k.kind === 'op' && ')]}'.includes(k.text);
  /* asks back where an exponent may be meant to reach further, or less far, than it does */
  function reach(begin, hat, a, b, first, bare) {
    const base = slice(begin, hat.start), exponent = slice(hat.end, t[i - 1].end), n = b[0] === 'neg' ? b[1] : b, last = t[i - 1];
    if (bare && n[0] === 'num' && /^[2-9][1-9]$/.test(n[1]) && a[0] === 'var' && last.text === n[1]) {
      const sign = exponent.slice(0, -2).trim();
      fail(`Is this ${base}^(${exponent}) or ${base}^${sign}${n[1][0]}*${n[1][1]}?`, last.start);
    }
    const inner = t.slice(first, i);
    if (!bare && b[0] === '^' && opens(inner[0])) {
      let open = 0;
      const closing = inner.findIndex(k => (open += opens(k) - closes(k)) === 0), next = inner[closing + 1];
      if (next && next.text === '^') {
        const middle = slice(inner[0].start, inner[closing].end), top = slice(next.end, last.end);
        fail(`This can be read in two ways: (${base}^${middle})^${top} or ${base}^(${middle}^${top})?`, next.start);
      }
    }
    if (!isOp('/')) return;
    const slash = peek(), after = t[i + 1], plain = after.kind === 'num';
    const divisor = plain || (opens(after) && t[i + 2].kind === 'num' && closes(t[i + 3]));
    const gauss = bare && a[0] === 'const' && a[1] === 'e' && n[0] === '^' && divisor;
    const half = n[0] === 'num' && n[1] === '1' && (divisor || (b[0] === 'num' && after.kind !== 'end'));
    if (gauss || half || (!bare && b[0] === 'num' && divisor && !plain)) {
      const below = divisor ? slice(after.start, t[plain ? i + 1 : i + 3].end) : '…';
      fail(`This can be read in two ways: (${base}^${exponent})/${below} or ${base}^(${exponent}/${below})?`, slash.start);
    }
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
      } else if (peek().kind === 'name' && known.has(canonical(peek().text))) parts.push(name(peek()));
      else fail('\\frac needs two parts in braces: \\frac{1}{2}.', peek().start);
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
    if (!bracketed && (opens(peek()) || (peek().kind === 'name' && !peek().spaced))) fail('How far does the root reach? Write √(…).', peek().start);
    return node('fn', 'sqrt', a);
  }
  function name(k) {
    i++;
    const word = canonical(k.text), f = FUNCTIONS.get(word) || FUNCTIONS.get(word.toLowerCase());
    if (f && !known.has(word)) {
      if (word === 'sigma' && !applied()) fail('σ alone is not a name in this question; the logistic function is σ(z).', k.start);
      return call(k, f);
    }
    if (known.has(word)) return node('var', known.get(word));
    if (CONSTANTS.includes(word)) return node('const', word);
    fail(unknown(word), k.start);
  }
  function applied() { // a bracket follows, perhaps after a power: σ(z), σ²(z), σ^2(z), σ^{2}(z)
    return opens(t[t[i].kind === 'sup' ? i + 1 : t[i].text !== '^' ? i : opens(t[i + 1]) && t[i + 1].text !== '[' ? i + 4 : i + 2]);
  }
  function call(k, f) {
    let exponent = null, argument;
    if (isOp('^') || peek().kind === 'sup') exponent = functionPower(k);
    if (isOp('([{')) argument = group();
    else if (isOp('|')) { down(); argument = bar(); depth--; }
    else if (peek().kind === 'frac') argument = fraction();
    else if (f === 'sqrt' && chars[k.start] === '\\' && peek().kind === 'num') { argument = number(peek().text); i++; } // \sqrt2
    else fail(`Write ${k.text}(${slice(peek().start, peek().end) || '…'}), with brackets.`, peek().start);
    const a = made(f, argument);
    return exponent ? node('^', a, exponent) : a;
  }
  function made(f, argument) {
    const one = ['num', '1'];
    if (f.startsWith('1/')) return node('/', one, node('fn', f.slice(2), argument));
    if (f === 'log1p') return node('fn', 'log', node('+', one, argument));
    if (f === 'expm1') return node('-', node('fn', 'exp', argument), one);
    return node('fn', f, argument);
  }
  function functionPower(k) {
    const sign = peek();
    let text = '-';
    if (sign.kind === 'sup') { i++; text = sign.text; }
    else if (t[i + 1].kind === 'num' && /^[0-9]+$/.test(t[i + 1].text)) { i += 2; text = t[i - 1].text; }
    else if ('{('.includes(t[i + 1].text || '?') && t[i + 2].kind === 'num' && /^[0-9]+$/.test(t[i + 2].text) && '})'.includes(t[i + 3].text || '?')) { i += 4; text = t[i - 2].text; }
    if (text[0] === '-') fail(`Write a power of a function outside the brackets: (${k.text}(…))^2.`, sign.start);
    return number(text);
  }

  t = split(tokenise(text));
  if (t[0].kind === 'end') fail(NOTHING, 0);
  const tree = sum(), end = peek();
  if (end.kind !== 'end') fail(isOp(')]}') ? `This ${end.text} closes nothing.` : 'An operation is missing here.', end.start);
  return tree;
}

const isNumber = t => t[0] === 'num' || ((t[0] === 'neg' || t[0] === '/') && t.slice(1).every(isNumber));

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
      : ['logistic', 'logit', 'arsinh', 'arcosh', 'artanh'].includes(name) ? `\\operatorname{${name}}` : '\\' + name;
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

