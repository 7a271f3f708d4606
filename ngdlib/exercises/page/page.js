/* The exercises in the page: controls, verdicts, hints, variants and progress.
   boxes.py writes all that is shown, the controls in <template> elements; here they are unpacked and
   made to answer. book/scripts.py puts this behind the checker, in one function: nothing is global. */

// --- progress: {"bernoulli.q1": {variant, hints, shown, solved, best, done, answer, score, draft}} ---
const KEY = 'ngd-exercises-1', VERSION = 1, views = [];
/* strange: entries that this page cannot read; they are kept as they are. trouble: what is said of the storage. */
let state = {}, strange = {}, kept = true, erased = 0, trouble = '';
const LASTS = ' What you do lasts until you leave: save it to a file.';

/* What a file or the browser's storage holds: {items, strange}, or what is wrong with it as a text. */
function progressIn(text) {
  let found;
  try { found = JSON.parse(text); } catch { return 'cannot be read: it is damaged or cut short'; }
  const items = found && found.items, isMap = x => x !== null && typeof x === 'object' && !Array.isArray(x);
  if (found && found.naturalGradientProgress > VERSION) return 'was made by a newer version of this book';
  if (!isMap(found) || found.naturalGradientProgress !== VERSION || !isMap(items)) return 'holds no progress of this book';
  const out = { items: {}, strange: {} }, count = n => Number.isInteger(n) && n >= 0 && n < 1e6, amount = n => typeof n === 'number' && n >= 0 && n < 1e6;
  const given = a => a === undefined || typeof a === 'string' || (Array.isArray(a) && a.length < 100 && a.every(x => typeof x === 'string'));
  for (const [key, entry] of Object.entries(items)) {
    const { variant = 1, hints = 0, best = 0, score = 0, shown, solved, done, answer, draft } = isMap(entry) ? entry : {};
    if (isMap(entry) && /^[\w-]+\.[\w-]+$/.test(key) && count(variant) && count(hints) && amount(best) && amount(score) && given(answer) && given(draft))
      out.items[key] = { variant, hints, best, score, shown: !!shown, solved: !!solved, done: !!done, answer, draft };
    else out.strange[key] = entry;
  }
  return out;
}
const written = () => JSON.stringify({ naturalGradientProgress: VERSION, items: { ...strange, ...state } }, null, 1);
function load() {
  if (!kept) return;
  let text;
  try { text = localStorage.getItem(KEY); } catch { return lose('This browser lets the page keep nothing.'); }
  const found = text === null ? { items: {}, strange: {} } : progressIn(text);
  if (typeof found !== 'string') {
    ({ items: state, strange } = found);
    const n = Object.keys(strange).length;
    trouble = n ? `The progress of ${n} ${n === 1 ? 'question' : 'questions'} cannot be read here and is left as it is.` : '';
  } else if (found.includes('newer')) lose(`The progress in this browser ${found}. It is left as it is.`);
  else try { // set aside, never overwritten
    localStorage.setItem(`${KEY}-aside-${Date.now()}`, text);
    localStorage.removeItem(KEY);
    state = {};
    trouble = `The progress in this browser ${found}. It is set aside, not erased, and you begin anew.`;
  } catch { lose(`The progress in this browser ${found}. It is left as it is.`); }
}
function lose(why) { kept = false; trouble = why + LASTS; }
function keep() {
  if (kept) try { localStorage.setItem(KEY, written()); } catch { lose("This browser's storage is full or closed to this page."); }
}
function save() {
  keep();
  views.forEach(view => view());
}
const about = key => state[key] || { variant: 1, hints: 0, best: 0, score: 0 };
function note(key, change, then = save) {
  const was = trouble;
  load(); // another tab may have written
  trouble = trouble || was;
  state[key] = { ...about(key), ...change };
  then();
}

// --- texts ----------------------------------------------------------------------------------------
const all = (root, selector) => [...root.querySelectorAll(selector)];
const round = x => String(Math.round(x * 100) / 100);
const escaped = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
const math = tex => `<span class="math">\\(${tex}\\)</span>`; // a class that MathJax reads
const prose = text => escaped(text).replace(/\$([^$]+)\$/g, (_, tex) => math(tex)).replace(/`([^`]+)`/g, '<code>$1</code>')
  .replace(/(^|[\s(“])(\*\*?)([^\s*]|[^\s*][^*]*[^\s*])\2(?![\w*])/g, '$1<em>$3</em>');

/* What is wider than its box can be scrolled, so the keyboard must reach it. */
function fits(box) {
  if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
  else box.removeAttribute('tabindex');
}

/* Shows html in an element once its formulas are typeset; a newer text overtakes an older one.
   then: what is to follow. */
let queue = Promise.resolve();
function put(element, html, then = () => {}) {
  const draft = document.createElement('div');
  draft.innerHTML = html;
  element.draft = draft;
  const show = () => {
    draft.remove();
    if (element.draft !== draft) return;
    element.replaceChildren(...draft.childNodes);
    fits(element);
    then();
  };
  if (!html.includes('\\(') || !window.ngdTypeset) return show();
  draft.className = 'ngd-draft';
  element.after(draft);
  queue = queue.then(() => element.draft === draft && ngdTypeset(draft)).catch(() => {}).then(show);
}

// --- one question ---------------------------------------------------------------------------------
function exercise(root, item, key, python) {
  const form = root.querySelector('form');
  if (!form) return;
  const multi = root.querySelector('[type=checkbox]');
  const boxes = all(form, '.ngd-box'), inputs = all(form, '[type=text]'), choices = all(form, '.ngd-options input');
  const pool = form.querySelector('.ngd-steps'), placed = form.querySelector('.ngd-placed'), moved = form.querySelector('[role=status].ngd-sr');
  const told = form.querySelector('.ngd-says'), calm = matchMedia('(prefers-reduced-motion: reduce)'), worth = root.querySelector('.ngd-worth'), fresh = worth.textContent;
  const hints = all(root, '.ngd-hint'), solution = root.querySelector('.ngd-solution');
  const lines = pool && placed && [...pool.children];
  let values = draw(item, '1'), shown = 1, era = 0, code;
  root.addEventListener('focusin', () => window.ngdTypeset?.().catch(() => {}), { once: true }); // loads MathJax in good time

  // how a box is read: the names, and whether a polynomial is asked
  const readers = new Map();
  function reader(k) {
    const part = item.blanks ? blankItem(item, item.blanks[k]) : item;
    if (!readers.has(part.id)) readers.set(part.id, { names: item.kind === 'numeric' ? [] : readable(part), polynomial: part.polynomial });
    return readers.get(part.id);
  }
  const read = (text, k) => { const { names, polynomial } = reader(k); return [parse(text, names, polynomial), names]; };

  // what stands in the controls
  const value = () => code ? [code.text] : choices.length ? choices.filter(c => c.checked).map(c => c.value)
    : lines ? [...placed.children].map(line => line.dataset.line) : inputs.map(input => input.value);
  function answer() {
    const given = value(), columns = boxes[0] && +boxes[0].dataset.columns;
    if (item.blanks) return Object.fromEntries(boxes.map((box, k) => [box.dataset.blank, given[k]]));
    if (columns) return given.flatMap((_, k) => k % columns ? [] : [given.slice(k, k + columns)]);
    return inputs.length ? given[0] : given;
  }
  function restore(given) {
    code?.set(given[0]);
    choices.forEach(c => { c.checked = given.includes(c.value); });
    if (lines) {
      pool.append(...lines);
      placed.append(...given.flatMap(id => lines.filter(line => line.dataset.line === id)));
    }
    inputs.forEach((input, k) => { input.value = given[k] || ''; input.removeAttribute('aria-invalid'); });
    boxes.forEach(preview);
  }

  // formulas, typeset while they are typed
  function preview(box) {
    const texts = all(box, 'input').map(input => input.value), columns = +box.dataset.columns, target = box.querySelector('.ngd-preview');
    const cells = texts.map(text => { try { return latex(...read(text, boxes.indexOf(box))); } catch { return null; } });
    const empty = columns ? !texts.join('').trim() : /^[\s\d.-]*$/.test(texts[0]);
    const tex = columns ? `\\begin{pmatrix}${cells.map((cell, k) => (k ? k % columns ? '&' : '\\\\' : '') + (cell ?? '\\cdot')).join('')}\\end{pmatrix}` : cells[0];
    put(target, empty || tex === null ? '' : math('\\displaystyle ' + escaped(tex)));
  }
  for (const box of boxes) {
    let timer;
    box.oninput = event => {
      event.target.removeAttribute('aria-invalid');
      clearTimeout(timer);
      timer = setTimeout(preview, 120, box);
      changed();
    };
  }
  choices.forEach(choice => { choice.onchange = changed; });
  code = python?.edit(form, changed);

  // the answer has changed: what was said of the old one goes, and the new one is kept, though not checked yet
  let drafting;
  function changed() {
    if (told.firstChild) put(told, '');
    clearTimeout(drafting);
    drafting = setTimeout(keepDraft, 300);
  }
  function keepDraft() {
    clearTimeout(drafting);
    drafting = 0;
    note(key, { draft: value() }, () => { const had = kept; keep(); if (had !== kept) views.forEach(view => view()); });
  }
  addEventListener('pagehide', () => { if (drafting) keepDraft(); });

  // lines put in order
  function move(line, way) {
    const from = line.parentNode, at = [...from.children].indexOf(line);
    if (way === 'add') placed.append(line);
    else if (way === 'out') pool.append(line);
    else if (way === 'up' && line.previousElementSibling) line.previousElementSibling.before(line);
    else if (way === 'down' && line.nextElementSibling) line.nextElementSibling.after(line);
    const stays = line.parentNode === from, next = stays ? line : from.children[Math.min(at, from.children.length - 1)];
    const to = next ? next.querySelector(`[data-move=${way}]`) : form.querySelector('.ngd-check');
    to.focus();
    changed();
    moved.textContent = `Line ${line.dataset.letter} ` + (line.parentNode === pool ? 'taken out.' : `is now step ${[...placed.children].indexOf(line) + 1} of ${placed.children.length}.`);
  }
  if (lines) form.onclick = event => {
    const way = event.target.dataset.move;
    if (way) move(event.target.closest('li'), way);
  };
  if (lines) placed.onkeydown = event => {
    const way = { ArrowUp: 'up', ArrowDown: 'down' }[event.key];
    if (way) { event.preventDefault(); move(event.target.closest('li'), way); }
  };

  // verdicts
  function tell(sign, kind, head, more, html = '') {
    put(told, `<div class="ngd-${kind}"><p><b><span aria-hidden="true">${sign}</span> ${head}</b> ${more}</p>${html}</div>`,
      () => told.scrollIntoView({ block: 'nearest', behavior: calm.matches ? 'auto' : 'smooth' }));
  }
  const invalid = input => input.setAttribute('aria-invalid', 'true');
  function unreadable(input, error, label) {
    const chars = [...input.value], at = Math.min(error.position || 0, chars.length), from = Math.max(at - 16, 0);
    const part = (from ? '…' : '') + chars.slice(from, at + 14).join('').replace(/\s/g, ' ') + (at + 14 < chars.length ? '…' : '');
    invalid(input);
    preview(input.closest('.ngd-box'));
    if (input === document.activeElement) { const n = chars.slice(0, at).join('').length; input.setSelectionRange(n, n); }
    const caret = chars.length ? `<pre aria-hidden="true">${escaped(part)}\n${' '.repeat(at - from + (from ? 1 : 0))}^</pre><p class="ngd-sr">At character ${at + 1}.</p>` : '';
    tell('?', 'asked', 'I cannot read this yet.', (label ? `In ${escaped(label)}: ` : '') + escaped(error.message), caret);
  }
  form.onsubmit = event => {
    event.preventDefault();
    if (code) return python.check(free() ? 0 : about(key).hints, tell, judged);
    inputs.forEach(input => input.removeAttribute('aria-invalid'));
    for (const input of inputs) {
      try { read(input.value, inputs.indexOf(input)); } catch (error) {
        if (item.blanks && error.message === NOTHING && inputs.some(other => other.value.trim())) continue;
        const k = inputs.indexOf(input);
        return unreadable(input, error, item.blanks ? item.blanks[k].label : inputs.length > 1 && input.ariaLabel);
      }
    }
    let r;
    try { r = check(item, answer(), values); } catch {
      return tell('?', 'asked', 'I cannot tell.', 'The checker failed on this answer.');
    }
    judged(r);
  };
  function judged(r) {
    const my = about(key);
    boxes.filter(box => r.wrong.includes(box.dataset.blank)).forEach(box => invalid(box.querySelector('input')));
    if (r.score === null) return tell('?', 'asked', { unreadable: '', incomplete: 'Not complete yet.' }[r.kind] ?? 'I cannot tell.', prose(r.feedback));
    const earned = my.shown ? 0 : points(item, r, my.hints), right = r.score === 1;
    const won = earned > 0 ? `<span class="ngd-won">${round(earned)} of ${fresh}.</span> `
      : r.score && my.shown ? '<span class="ngd-won">No points: the solution was open.</span> ' : '';
    const letter = o => 'ABCDEFGHIJ'[item.options.indexOf(o)], explained = o => `<li><b>${letter(o)}</b> ${o.right ? '✓<span class="ngd-sr"> right</span>' : '✗<span class="ngd-sr"> wrong</span>'} ${prose(fill(o.feedback, values))}</li>`;
    const several = multi && r.wrong.length > 0 && value().length > 1, only = multi && !several && item.options.find(o => r.wrong.includes(o.id));
    const verdict = right ? ['✓', 'right', 'Correct.'] : r.score ? ['◐', 'partly', 'Partly right.'] : ['✗', 'wrong', 'Not yet.'];
    const hint = right || free() || !hints[my.hints] ? '' : hints[my.hints].querySelector('span').textContent.toLowerCase();
    const said = several ? r.feedback.slice(r.feedback.lastIndexOf('Of your')) : undoubled(r.feedback);
    const why = prose(said) || (hint && `Try ${hint === 'hint' ? 'the hint' : hint}.`);
    const shownOptions = !choices.length ? [] : right ? item.options : several ? item.options.filter(o => r.wrong.includes(o.id)) : [];
    const each = shownOptions.length ? '<ul>' + shownOptions.map(explained).join('') + '</ul>' : '';
    clearTimeout(drafting);
    drafting = 0;
    tell(...verdict, won + (only ? letter(only) + ' is wrong: ' : '') + why, each);
    note(key, { best: Math.max(my.best, earned), done: my.done || right, solved: my.solved || right, draft: my.solved || right ? undefined : value(), ...(r.score >= my.score && { answer: value(), score: r.score }) });
  }

  // hints, solution, another variant
  const free = () => about(key).solved || about(key).shown;
  hints.forEach((hint, k) => {
    hint.firstChild.onclick = () => { if (!hint.open && !free() && k >= about(key).hints) note(key, { hints: k + 1 }); };
  });
  solution.firstChild.onclick = () => { if (!solution.open && !free()) note(key, { shown: true }); };
  const another = form.querySelector('.ngd-another');
  if (another) another.onclick = () => {
    let next = about(key).variant, tries = 0;
    do next++; while (JSON.stringify(draw(item, String(next))) === JSON.stringify(values) && tries++ < 50);
    note(key, { variant: next, hints: 0, shown: false, solved: false, answer: undefined, draft: undefined, score: 0 });
    (inputs[0] || choices[0] || form.querySelector('button')).focus();
    tell('↻', 'asked', 'New numbers.', 'The question above has changed.');
  };

  function refresh() {
    const my = about(key), cost = item.hints.slice(0, my.hints).reduce((s, h) => s + (h.cost || 0), 0);
    if (my.variant !== shown || era !== erased) {
      shown = my.variant;
      era = erased;
      values = draw(item, String(shown));
      restore([]);
      put(told, '');
      for (const text of all(root, '[data-template]')) put(text, fill(text.dataset.template, values));
      for (const fold of [...hints, solution]) fold.open = false;
    }
    worth.textContent = my.best > 0 ? `${my.done ? '✓ ' : ''}${round(Math.min(my.best, item.points))} of ${fresh}`
      : my.shown || my.hints ? `${my.shown ? 0 : 'up to ' + round(Math.max(item.points - cost, 0))} of ${fresh}` : fresh;
    hints.forEach((hint, k) => {
      hint.hidden = k > my.hints && !free();
      hint.querySelector('.ngd-cost').hidden = k < my.hints || free();
    });
    solution.querySelector('.ngd-cost').hidden = free();
  }
  refresh();
  const before = about(key).draft || about(key).answer;
  if (before) restore([].concat(before));
  views.push(refresh);
}

// --- progress on the page -------------------------------------------------------------------------
const counters = [];
function counter(root) {
  const counts = Object.entries(JSON.parse(root.dataset.counts)), bar = root.querySelector('progress'), done = root.querySelector('.ngd-done'), sum = root.querySelector('.ngd-sum');
  const refresh = () => {
    const got = counts.reduce((s, [key, n]) => s + Math.min(about(key).best, n), 0), total = counts.reduce((s, [, n]) => s + n, 0);
    done.textContent = `${counts.filter(([key]) => about(key).done).length} of ${counts.length}`;
    sum.textContent = `${round(got)} of ${round(total)}`;
    if (bar) [bar.max, bar.value] = [total, got];
  };
  refresh();
  views.push(refresh);
  counters.push({ counts, done, refresh });
}

function tools(root) {
  const said = root.querySelector('.ngd-said'), ask = root.querySelector('.ngd-ask'), file = root.querySelector('[type=file]');
  const button = what => root.querySelector(`[data-do=${what}]`);
  const asking = yes => { ask.hidden = !yes; button(yes ? 'keep' : 'ask').focus(); };
  const say = text => { said.textContent = text; }, plain = root.previousElementSibling;
  const refresh = () => { plain.textContent = trouble; plain.hidden = !trouble; };
  refresh();
  views.push(refresh);
  const act = {
    save() {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([written()], { type: 'application/json' }));
      link.download = 'natural-gradient-progress.json';
      link.click();
      say('Saved to natural-gradient-progress.json.');
    },
    ask() { asking(ask.hidden); },
    keep() { asking(false); say('Nothing was erased.'); },
    erase() { state = {}; strange = {}; trouble = kept ? '' : trouble; erased++; save(); asking(false); say('Your progress is erased.'); },
  };
  root.onclick = event => { const what = act[event.target.dataset.do]; if (what) what(); };
  ask.onkeydown = event => { if (event.key === 'Escape') act.keep(); };
  file.onchange = async () => {
    const found = file.files.length ? progressIn(await file.files[0].text()) : 'was not chosen';
    file.value = '';
    if (typeof found === 'string') return say(`This file ${found}. Nothing was changed.`);
    const odd = Object.keys(found.strange).length;
    if (odd && !Object.keys(found.items).length) return say('This file cannot be read. Nothing was changed.');
    load();
    let n = 0;
    for (const [key, entry] of Object.entries(found.items)) if (!(about(key).best > entry.best)) { state[key] = entry; n++; }
    save();
    say(`Restored: ${n} ${n === 1 ? 'question' : 'questions'}. Where you had earned more here, that was kept.${odd ? ` ${odd} could not be read.` : ''}`);
  };
}

// --- start ----------------------------------------------------------------------------------------
if (typeof document !== 'undefined') {
  load();
  const watch = new ResizeObserver(seen => seen.forEach(change => fits(change.target)));
  for (const root of all(document, '.ngd-exercises')) {
    for (const template of all(root, 'template')) template.replaceWith(template.content);
    for (const hole of all(root, '[data-holds]')) hole.replaceWith(hole.closest('.ngd-item').querySelector(hole.dataset.holds));
    all(root, '.ngd-elsewhere').forEach(line => line.remove());
    root.classList.add('ngd-checking');
    const json = root.querySelector('script'), set = json && JSON.parse(json.textContent);
    if (set) for (const item of set.items) exercise(document.getElementById(`exercise-${set.chapter}-${item.id}`), item, `${set.chapter}.${item.id}`);
    all(root, '[data-counts]').forEach(counter);
    all(root, '.ngd-tools').forEach(tools);
    all(root, '.ngd-prompt, .ngd-tex, .ngd-preview, .ngd-says, .ngd-item details > div').forEach(box => watch.observe(box));
  }
  addEventListener('ngd-python', ({ detail }) => detail(exercise, counters)); // live.js: code is worked here
  addEventListener('storage', event => { if (!event.key || event.key === KEY) { load(); views.forEach(view => view()); } });
}
