// What every demo stands on. base.py puts this text before the demo's own module, in one scope, so
// a module has no import line: it calls `ngd.demo` and exports its mathematics.
//
//   export const math = { ... };                 pure functions, compared with ngdlib in a browser
//   export default ngd.demo({
//     state: {                                   every trait the module reads or sets, by its kind:
//       q: [0.001, 0.999],                       a number in an interval
//       steps: [1, 50, "integer"],               an integer in an interval
//       mode: ["steps", "flow"] },               one of these strings
//     build(ui) {                                make the nodes once, appending them to ui.root
//       return {
//         layout(width) {},                      place what depends on the width (px); before draw
//         draw: [state => {}, ...],              bring the nodes up to date with the state, in parts:
//                                                all of them in a frame, but where that is too much
//                                                for the machine the first and as many as there is
//                                                time for, at least one
//         say(state) { return "..." } } } });    one sentence for a screen reader
//
// ui: root, get(name), set({name: value, ...}) (clamps, repairs, tells Python), reset(),
//     range({name, label, log, text, step, typed})  labelled slider bound to one state name; with
//                                                `typed` its value stands in a box and can be typed
//     box({label, ...})                          numbers that are typed; says what it could not take
//     choice({name, label, options})             a few radio buttons in a row
//     resetButton()                              back to the state the page or Python began with
//     button({text, press})                      any other button; text may be a function
//     handle(parent, {...})                      draggable, keyboard-operable point of a drawing
// ngd: svg, html (make nodes), attr (writes only what changed), stage, plot, axis, linear, log,
//     line, shape, chevron, ode, fixed, significant, numbers
//
// Drawing is by SVG at real pixels with classes from demo.css (ngd-euclidean, ngd-natural,
// ngd-metric, ngd-ink, ngd-muted, ngd-rule, ngd-words), so that light and dark need no script.
// Many changes in one frame draw once; nothing is drawn off-screen; at rest nothing runs. Where a drag
// makes frames late, moving.js paints it in a worker: so a drawing changes by `attr` alone.
const ngd = (() => {
  const NS = "http://www.w3.org/2000/svg";

  // --- nodes -------------------------------------------------------------------------------------
  const written = new WeakMap();
  const write = (node, key, value) => {
    if (key === "value") node.value = value; // what stands in a box now, which its attribute does not say
    else if (key !== "text") {
      if (value == null || value === false) node.removeAttribute(key);
      else node.setAttribute(key, value === true ? "" : value);
    } else if (node.firstChild?.nodeType === 3) node.firstChild.data = value; // cheaper than a new text node
    else node.textContent = value;
  };
  /** Write attributes that differ from what was last written ("text" is the text content). */
  const attr = (node, given) => {
    let last = written.get(node);
    if (!last) written.set(node, (last = {}));
    for (const key in given) {
      const value = given[key];
      if (last[key] === value) continue;
      last[key] = value;
      if (!moving.now?.takes(node, key, value)) write(node, key, value);
    }
    return node;
  };
  const make = create => (name, given = {}, ...children) => {
    const node = attr(create(name), given);
    node.append(...children);
    return node;
  };
  const svg = make(name => document.createElementNS(NS, name));
  const html = make(name => document.createElement(name));

  // --- numbers -----------------------------------------------------------------------------------
  const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
  const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
  const spell = text => {
    const [mantissa, exponent] = text.replace("+", "").split("e");
    const sign = mantissa.replace("-", "−");
    return exponent === undefined ? sign : `${sign} × 10${[...exponent].map(c => RAISED[c]).join("")}`;
  };
  /** Fixed decimals, a true minus, no "−0.00"; powers of ten beyond 10⁵. */
  const fixed = (x, digits) => {
    if (!Number.isFinite(x)) return x > 0 ? "∞" : x < 0 ? "−∞" : "–";
    if (Math.abs(x) >= 1e5) return spell(x.toExponential(1));
    const text = x.toFixed(digits);
    return spell(Number(text) === 0 ? (0).toFixed(digits) : text);
  };
  /** So many significant digits. */
  const significant = (x, digits) => (Number.isFinite(x) ? spell(String(Number(x.toPrecision(digits)))) : fixed(x, 0));

  /** The numbers of a typed list: 0.1 0.3 0.6, with commas too, between them or in them; 1/3 is one. */
  const numbers = words => {
    const apart = words.trim().replace(/−/g, "-").split(/[\s;]+/).map(w => w.replace(/,$/, ""));
    const parts = apart.length > 1 ? apart.map(w => w.replace(",", ".")) : apart[0].split(",");
    return parts.map(w => w.split("/").map(x => (x === "" ? NaN : Number(x))).reduce((a, b) => a / b));
  };

  // --- scales: data to pixels, .invert back, .ticks(about how many) ---------------------------------
  const linear = (domain, range) => {
    const slope = (range[1] - range[0]) / (domain[1] - domain[0]);
    const scale = x => range[0] + (x - domain[0]) * slope;
    scale.invert = p => domain[0] + (p - range[0]) / slope;
    scale.ticks = (count = 5) => {
      const raw = Math.abs(domain[1] - domain[0]) / count;
      const power = 10 ** Math.floor(Math.log10(raw));
      const step = power * [1, 2, 5, 10].find(m => m * power >= raw * 0.999);
      const first = Math.ceil(Math.min(...domain) / step - 1e-9);
      const last = Math.floor(Math.max(...domain) / step + 1e-9);
      return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
    };
    return Object.assign(scale, { domain, range, kind: "linear" });
  };
  const log = (domain, range) => {
    const inner = linear(domain.map(Math.log), range);
    const scale = x => inner(Math.log(x));
    scale.invert = p => Math.exp(inner.invert(p));
    scale.ticks = (count = 5) => {
      const [low, high] = [Math.ceil(Math.log10(domain[0]) - 1e-9), Math.floor(Math.log10(domain[1]) + 1e-9)];
      const every = Math.max(1, Math.ceil((high - low) / count));
      return Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, k) => 10 ** (low + k * every));
    };
    return Object.assign(scale, { domain, range, kind: "log" });
  };
  const tickText = scale => t => (scale.kind === "log" && (t >= 1e4 || t < 1e-2) ? `10${[...String(Math.round(Math.log10(t)))].map(c => RAISED[c]).join("")}` : significant(t, 6));

  // --- drawing -----------------------------------------------------------------------------------
  const r2 = x => Math.round(x * 100) / 100;
  /** Path data through points [[x, y], ...] given in data coordinates of two scales (or pixels). */
  const line = (points, X = x => x, Y = y => y) =>
    points.map(([x, y], k) => `${k ? "L" : "M"}${r2(X(x))} ${r2(Y(y))}`).join("");
  const CORNERS = {
    diamond: [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]],
    triangle: [[0, -1.25], [1.15, 0.8], [-1.15, 0.8]],
    square: [[-0.95, -0.95], [0.95, -0.95], [0.95, 0.95], [-0.95, 0.95]],
    star: Array.from({ length: 10 }, (_, k) => {
      const r = k % 2 ? 0.55 : 1.3;
      return [r * Math.sin((k * Math.PI) / 5), -r * Math.cos((k * Math.PI) / 5)];
    }),
  };
  /** Path data of a marker: disc, diamond, triangle, square or star. */
  const shape = (kind, x, y, r) =>
    kind === "disc"
      ? `M${r2(x - r)} ${r2(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`
      : line(CORNERS[kind].map(([a, b]) => [x + a * r, y + b * r])) + "Z";
  /** Path data of an open arrow head at (x, y) that points along (dx, dy). */
  const chevron = (x, y, dx, dy, size = 6) => {
    const n = Math.hypot(dx, dy) || 1, [a, b] = [(dx / n) * size, (dy / n) * size];
    return line([[x - a - b * 0.75, y - b + a * 0.75], [x, y], [x - a + b * 0.75, y - b - a * 0.75]]);
  };

  /** An <svg> in pixels. Set its size with .size(width, height). It is a named group of controls. */
  const stage = (label, className = "") => {
    const node = svg("svg", { class: `ngd-stage ${className}`, role: "group", "aria-label": label });
    node.size = (width, height) => attr(node, { width: r2(width), height: r2(height), viewBox: `0 0 ${r2(width)} ${r2(height)}` });
    return node;
  };

  /** An axis: .update({scale, at, ticks, text, label, away: its label's distance}). side "bottom" (at: y) or "left" (at: x). */
  const axis = (parent, side = "bottom") => {
    const group = svg("g", { class: "ngd-axis", "aria-hidden": "true" });
    const rule = svg("path", { class: "ngd-axis-line" });
    const title = svg("text", { class: "ngd-axis-label" });
    const numbers = [];
    group.append(rule, title);
    parent.append(group);
    const flat = side === "bottom";
    return {
      node: group,
      update({ scale, at, ticks = scale.ticks(flat ? 5 : 4), text = tickText(scale), label = "", away = 36 }) {
        const [a, b] = scale.range;
        const marks = ticks.map(t => (flat ? `M${r2(scale(t))} ${r2(at)}v5` : `M${r2(at)} ${r2(scale(t))}h-5`));
        attr(rule, { d: (flat ? `M${r2(a)} ${r2(at)}H${r2(b)}` : `M${r2(at)} ${r2(a)}V${r2(b)}`) + marks.join("") });
        while (numbers.length < ticks.length) {
          const number = svg("text", { class: "ngd-tick", dy: ".35em", "text-anchor": flat ? "middle" : "end" });
          numbers.push(number);
          group.append(number);
        }
        numbers.forEach((node, k) =>
          attr(node, k < ticks.length
            ? { x: r2(flat ? scale(ticks[k]) : at - 8), y: r2(flat ? at + 14 : scale(ticks[k])), text: text(ticks[k]) }
            : { text: "" }));
        attr(title, flat
          ? { x: r2((a + b) / 2), y: r2(at + 32), "text-anchor": "middle", text: label }
          : { x: 0, y: 0, transform: `translate(${r2(at - away)} ${r2((a + b) / 2)}) rotate(-90)`, "text-anchor": "middle", text: label });
      },
    };
  };

  let clips = 0;
  /**
   * A panel with two axes. .update({box: [x, y, width, height], x: {domain, log, label, ticks, text},
   * y: {...}}) sets .x and .y (scales); draw into .inside (clipped to the box) or .over (not clipped).
   */
  const plot = parent => {
    const id = `ngd-clip-${(clips += 1)}`;
    const frame = svg("rect");
    const node = svg("g", {}, svg("clipPath", { id }, frame));
    const panel = { node, inside: svg("g", { "clip-path": `url(#${id})` }), over: svg("g") };
    const bottom = axis(node, "bottom"), left = axis(node, "left");
    node.append(panel.inside, panel.over);
    parent.append(node);
    panel.update = ({ box: [x, y, width, height], x: across, y: up }) => {
      attr(frame, { x, y, width, height });
      panel.x = (across.log ? log : linear)(across.domain, [x, x + width]);
      panel.y = (up.log ? log : linear)(up.domain, [y + height, y]);
      bottom.update({ ...across, scale: panel.x, at: y + height });
      left.update({ ...up, scale: panel.y, at: x });
    };
    return panel;
  };

  // --- an accurate solution of y' = f(y), y an array: Dormand-Prince 5(4) with error control ---------
  const A = [[], [1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]];
  const E = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];
  /**
   * Values at the increasing times > 0. Ends early (a shorter array) where f stops being finite or
   * `inside(y)` false, or after 20 000 steps.
   */
  const ode = (f, y0, times, { tolerance = 1e-11, inside = () => true } = {}) => {
    const found = [];
    let y = y0.slice(), t = 0, k0 = f(y), left = 20000;
    let h = 1e-3 * Math.min(1, times[0] ?? 1);
    for (const end of times) {
      while (t < end) {
        if ((left -= 1) < 0) return found;
        const last = t + h >= end;
        const step = last ? end - t : h;
        const k = [k0];
        let next = y;
        for (let s = 1; s < 7; s += 1) { // loops: a drag of a demo solves hundreds of these steps a frame
          next = new Array(y.length);
          for (let i = 0; i < y.length; i += 1) {
            let sum = 0;
            for (let j = 0; j < s; j += 1) sum += A[s][j] * k[j][i];
            next[i] = y[i] + step * sum;
          }
          k.push(f(next));
        }
        let error = 0;
        for (let i = 0; i < y.length; i += 1) {
          let e = 0;
          for (let j = 0; j < 7; j += 1) e += E[j] * k[j][i];
          error = Math.max(error, Math.abs(step * e) / (tolerance * (1 + Math.max(Math.abs(y[i]), Math.abs(next[i])))));
        }
        const good = Number.isFinite(error) && inside(next);
        if (good && error <= 1) [y, t, k0] = [next, last ? end : t + step, k[6]];
        else if (step < 1e-14 * (1 + t)) return found;
        const factor = good ? clamp(0.9 * (error || 1e-10) ** -0.2, 0.2, 5) : 0.2;
        // the last piece before a wanted time is short for no fault of the solution
        h = last && good && error <= 1 ? Math.max(h, step * factor) : step * factor;
      }
      found.push(y);
    }
    return found;
  };

  // --- state -------------------------------------------------------------------------------------
  const isList = kind => typeof kind[0] === "string";
  /** What a number of the declared kind may be, in words. */
  const allowed = ([low, high, whole]) => `a ${whole ? "whole " : ""}number from ${significant(low, 6)} to ${significant(high, 6)}`;
  /** A value of the declared kind, or undefined where none can be made of it. */
  const repair = (kind, value) => {
    if (isList(kind)) return kind.includes(value) ? value : undefined;
    const x = Number(value);
    if (value === "" || value == null || !Number.isFinite(x)) return undefined;
    return clamp(kind[2] === "integer" ? Math.round(x) : x, kind[0], kind[1]);
  };
  const readFragment = (name, kinds) => {
    const [head, query] = location.hash.slice(1).split("?");
    if (head !== name || !query) return null;
    const found = {};
    for (const [key, text] of new URLSearchParams(query)) {
      const value = kinds[key] && repair(kinds[key], text);
      if (value !== undefined) found[key] = value;
    }
    return found;
  };
  const fragment = (name, state) =>
    `#${name}?${Object.entries(state).map(([k, v]) => `${k}=${typeof v === "number" ? Number(v.toPrecision(6)) : v}`).join("&")}`;

  // --- the demo ----------------------------------------------------------------------------------
  const demo = spec => ({
    render({ model, el }) {
      const names = Object.keys(spec.state);
      const quit = new AbortController();
      const { signal } = quit;
      const get = name => model.get(name);
      const state = () => Object.fromEntries(names.map(n => [n, get(n)]));
      const first = state();
      const root = html("div", { class: "ngd-root" });
      root.addEventListener("keydown", () => root.classList.remove("ngd-by-pointer"), { signal });
      root.addEventListener("focusout", () => root.classList.remove("ngd-by-pointer"), { signal });
      const live = html("div", { class: "ngd-sr", role: "status", "aria-live": "polite" });
      el.append(root, live);
      const refresh = []; // controls that follow the state

      const set = changes => {
        for (const name in changes) {
          const value = repair(spec.state[name], changes[name]);
          if (value !== undefined && value !== get(name)) model.set(name, value);
        }
        model.save_changes();
      };
      const ui = { root, get, set, model, reset: () => set(first) };
      const id = (() => {
        const own = `ngd-${Math.random().toString(36).slice(2, 8)}`;
        let count = 0;
        return () => `${own}-${(count += 1)}`;
      })();

      /**
       * A labelled slider. `log`: equal factors per position; where the range begins at 0, a number: from
       * there on, with 0 before it. `text`: value in words. `typed`: the
       * value is a box, for what lies between two positions ("5.78", "0,05", "1e-2").
       */
      ui.range = ({ name, label, log: byFactor = false, step = 1, text = v => significant(v, 3), typed = false }) => {
        const [bottom, high, whole] = spec.state[name], low = bottom || (byFactor ? Number(byFactor) : bottom);
        const positions = byFactor ? Math.round(40 * Math.log10(high / low)) : Math.round((high - low) / step);
        const fine = p => (byFactor ? Number((low * (high / low) ** (p / positions)).toPrecision(3)) : low + p * step);
        const all = Array.from({ length: positions + 1 }, (_, p) => (whole ? Math.round(fine(p)) : fine(p)));
        const stops = all.filter((v, p) => v !== all[p - 1]); // integers by factors: each once
        if (bottom !== low) stops.unshift(bottom);
        const scaled = byFactor ? x => Math.log(Math.max(x, low / 2)) : x => x, places = stops.map(scaled);
        const placeOf = v => {
          const p = places.findIndex(place => place >= scaled(v));
          return p > 0 && scaled(v) - places[p - 1] < places[p] - scaled(v) ? p - 1 : p < 0 ? places.length - 1 : p;
        };
        const key = id();
        const input = html("input", { type: "range", id: key, min: 0, max: stops.length - 1, step: 1 });
        const box = typed && ui.box({ label: `${label}, typed`, name, size: 7 });
        const value = typed ? box.input : html("output", { for: key, class: "ngd-value" });
        const node = html("div", { class: "ngd-control" }, html("label", { for: key, text: label }), value, input, box ? box.note : "");
        input.addEventListener("input", () => set({ [name]: stops[Number(input.value)] }), { signal });
        // the browser moves it; we have to know when it rests
        input.addEventListener("pointerdown", () => {
          ui.sliding = true;
          const drop = () => {
            for (const end of ["pointerup", "pointercancel"]) removeEventListener(end, drop, true);
            ui.sliding = false;
            changed();
          };
          for (const end of ["pointerup", "pointercancel"]) addEventListener(end, drop, { signal, capture: true });
        }, { signal });
        refresh.push(() => {
          const place = placeOf(get(name));
          if (Number(input.value) !== place) input.value = place;
          if (!ui.sliding) attr(input, { "aria-valuetext": text(get(name)) });
          if (!typed) attr(value, { text: text(get(name)) });
        });
        return node;
      };

      /**
       * A box for numbers that are typed ("5.78", "0,05", "1e-2", "1/3").
       *   label   its accessible name
       *   name    of the state that it shows and sets; or, for several numbers in one box,
       *   words   what may stand there, read() the numbers there are, write(numbers)
       * Returns {input, note}, both to be put on the page: the note says what the box could not take as it was typed.
       */
      ui.box = ({ label, name, words = name && allowed(spec.state[name]), read = () => [get(name)], write = ([x]) => set({ [name]: x }), ...given }) => {
        const key = id(), many = !name;
        const input = html("input", { type: "text", inputmode: "decimal", autocomplete: "off", class: "ngd-value ngd-typed", "aria-label": label, "aria-describedby": key, ...given });
        const note = html("output", { id: key, class: "ngd-note" });
        const there = () => read().map(x => String(Number(x.toPrecision(many ? 4 : 6)))).join(" ");
        let about = ""; // what stood in the box when the note was written
        input.addEventListener("change", () => {
          const typed = input.value.trim(), asked = numbers(many ? typed : typed.replace(",", "."));
          const good = asked.length === read().length && asked.every(Number.isFinite);
          if (good) write(asked);
          const taken = good && read().every((x, k) => Math.abs(x - asked[k]) <= (many ? 1e-5 : 0)); // several are kept to five places
          about = input.value = written.get(input).value = there();
          attr(note, { text: taken ? "" : `Possible: ${words}. ${good ? "Taken" : "Kept"}: ${about}.` });
        }, { signal });
        refresh.push(() => {
          if (document.activeElement !== input) attr(input, { value: there() });
          if (about && about !== there()) attr(note, { text: (about = "") });
        });
        return { input, note };
      };

      /** Radio buttons in one row: options [[value, words], ...]. */
      ui.choice = ({ name, label, options }) => {
        const group = id();
        const inputs = options.map(([value]) => html("input", { type: "radio", name: group, value }));
        const node = html("fieldset", { class: "ngd-choice" }, html("legend", { text: label }),
          ...options.map(([, words], k) => html("label", {}, inputs[k], html("span", { text: words }))));
        node.addEventListener("change", e => set({ [name]: e.target.value }), { signal });
        refresh.push(() => inputs.forEach(input => (input.checked = input.value === get(name))));
        return node;
      };

      ui.button = ({ text: words, press }) => {
        const node = html("button", { type: "button", class: "ngd-button" });
        node.addEventListener("click", press, { signal });
        refresh.push(() => attr(node, { text: typeof words === "function" ? words() : words }));
        return node;
      };
      ui.resetButton = (words = "Reset") => ui.button({ text: words, press: ui.reset });

      /**
       * A point of a drawing that can be dragged and moved by keyboard.
       *   label   what it is, for a screen reader
       *   shape   "disc" | "star" | "diamond" | "square" | "triangle" | "ring"; className a colour class
       *   axes    one or two of {min, max, step, page, get(), set(value), text(value)}; the first obeys
       *           left/right, the second up/down (with one, all four arrows move it)
       *   place(x, y)  pointer position in stage pixels -> calls of set
       *   tab     false: pointer only (the same point has another handle that the keyboard reaches)
       *   open    nothing but the mark lies on the drawing: the arrows stand around what `move` is told to clear
       * Returns {node, move(x, y, turn = 0, [left, right, up, down])}: call move in draw; `turn` in degrees,
       * `clear`, of an open handle, in pixels from the point.
       */
      ui.handle = (parent, { label, shape: kind = "disc", className = "ngd-ink", size = 7, axes, place, tab = true, open = false }) => {
        const mark = svg("path", { class: `ngd-mark ${className}`, d: shape(kind === "ring" ? "disc" : kind, 0, 0, size) });
        // small arrows inside the halo say which way it can be dragged
        const a = size + 7;
        const hints = (axes.length > 1 ? [0, 90, 180, 270] : [0, 180]).map(turn =>
          svg("path", { class: "ngd-hints", d: `M${a - 3} -3.5L${a + 1} 0L${a - 3} 3.5Z`, transform: `rotate(${turn})` }));
        const halo = svg("circle", { class: "ngd-halo", r: size + 9 });
        const node = svg("g", { class: `ngd-handle${kind === "ring" ? " ngd-hollow" : ""}${open ? " ngd-open-handle" : ""}` },
          svg("circle", { class: "ngd-grip", r: 22 }), halo, ...hints, mark);
        if (tab) attr(node, { role: "slider", tabindex: 0, "aria-label": label });
        else attr(node, { "aria-hidden": "true" });
        if (tab && axes.length > 1) attr(node, { "aria-roledescription": "two-way slider" });
        parent.append(node);
        let at = [0, 0], grab = null;
        // a finger on the handle drags it and does not scroll: of `touch-action` on a <g> not every browser takes notice
        node.addEventListener("touchstart", e => e.cancelable && e.preventDefault(), { signal, passive: false });
        node.addEventListener("pointerdown", e => {
          if (e.button || grab || ui.dragging) return; // a second finger does not take over
          grab = [e.clientX - at[0], e.clientY - at[1], e.pointerId]; // the stage does not move under a drag
          ui.dragging = true;
          node.setPointerCapture(e.pointerId);
          node.classList.add("ngd-dragging");
          node.focus({ preventScroll: true });
          root.classList.add("ngd-by-pointer"); // the ring of focus is for keyboards
          e.preventDefault();
        }, { signal });
        node.addEventListener("pointermove", e => {
          if (e.pointerId !== grab?.[2]) return;
          place(e.clientX - grab[0], e.clientY - grab[1]);
        }, { signal });
        const drop = e => {
          if (e.pointerId !== grab?.[2]) return;
          grab = null;
          ui.dragging = false;
          node.classList.remove("ngd-dragging");
          changed();
        };
        node.addEventListener("pointerup", drop, { signal });
        node.addEventListener("pointercancel", drop, { signal });
        node.addEventListener("keydown", e => {
          const two = axes.length > 1;
          const [which, by] = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [+two, 1], ArrowDown: [+two, -1],
            PageUp: [+two, 10], PageDown: [+two, -10], Home: [0, -Infinity], End: [0, Infinity] }[e.key] ?? [];
          if (by === undefined || e.altKey || e.ctrlKey || e.metaKey) return;
          const { min, max, step, page = 10 * step, get: read, set: write } = axes[which];
          const size = Math.abs(by) === 10 ? page : e.shiftKey ? step / 10 : step;
          write(clamp(read() + Math.sign(by) * (Number.isFinite(by) ? size : Infinity), min, max));
          e.preventDefault();
        }, { signal });
        return {
          node,
          move(x, y, turn = 0, clear = null) {
            at = [x, y];
            if (clear) {
              const [left, right, up, down] = clear;
              const around = axes.length > 1 ? [[right, 0], [0, down], [-left, 0], [0, -up]] : [[right, 0], [-left, 0]];
              around.forEach(([dx, dy], k) =>
                attr(hints[k], { transform: `translate(${r2(dx)} ${r2(dy)}) rotate(${(360 / around.length) * k})` }));
              attr(halo, { r: r2(Math.max(22, Math.hypot(Math.max(left, right), Math.max(up, down))) + 16) });
            }
            attr(node, { transform: `translate(${r2(x)} ${r2(y)})${turn ? ` rotate(${r2(turn)})` : ""}` });
            if (!tab || ui.dragging) return; // no one hears of values on the way
            const [{ min, max, get: read }] = axes;
            attr(node, { "aria-valuemin": r2(min), "aria-valuemax": r2(max), "aria-valuenow": Number(read().toPrecision(4)),
              "aria-valuetext": axes.map(a => a.text(a.get())).join(", ") });
          },
        };
      };

      const view = spec.build(ui);

      // many changes in a frame draw once; off-screen the drawing waits
      const [always, ...others] = view.draw;
      let waiting = []; // parts that have not seen the present state, the oldest first
      let painted = 0, late = 0, slow = false, rest = 0;
      let frame = 0, visible = true, dirty = true, stale = false, width = 0, spoken = 0, noted = 0;
      const motion = moving(root, write);
      root.addEventListener("pointerenter", motion.ready, { signal, once: true }); // a drag may follow
      const paint = (now, all = false) => {
        frame = 0;
        stale = false;
        if (!width) return;
        const gap = now - painted; // to the frame before, if both belong to one movement
        painted = now;
        late = gap > 25 && gap < 250 ? late + 1 : Math.max(0, late - 0.1);
        slow ||= late > 1.5; // two late frames in short order: it stays careful from now on
        const held = ui.dragging || ui.sliding;
        if (slow && held && gap < 250) {
          motion.start();
          clearTimeout(rest);
          rest = setTimeout(motion.stop, 150);
        } else if (!held) motion.stop();
        const began = performance.now(), current = state();
        if (dirty) {
          refresh.forEach(f => f());
          always(current);
          waiting.push(...others.filter(part => !waiting.includes(part)));
        }
        dirty = false;
        do waiting.shift()?.(current);
        while (waiting.length && (!slow || all || performance.now() - began < 4));
        if (waiting.length) schedule();
      };
      const schedule = () => {
        if (!visible) stale = true;
        else frame ||= requestAnimationFrame(paint);
      };
      const changed = () => {
        dirty = true;
        schedule();
        clearTimeout(spoken);
        spoken = setTimeout(() => attr(live, { text: view.say(state()) }), 600);
        if (!model.page) return;
        clearTimeout(noted);
        noted = setTimeout(() => {
          const now = state();
          const same = names.every(n => now[n] === first[n]);
          if (!same || location.hash.startsWith(`#${model.page.name}?`))
            history.replaceState(history.state, "", same ? location.pathname + location.search : fragment(model.page.name, now));
        }, 300);
      };
      for (const name of names) model.on(`change:${name}`, changed);

      const resize = () => {
        const now = root.clientWidth;
        if (!now || now === width) return;
        width = now;
        dirty = true;
        motion.stop();
        view.layout(width);
        schedule();
      };
      const sized = new ResizeObserver(resize);
      sized.observe(root);
      const seen = new IntersectionObserver(entries => {
        visible = entries.at(-1).isIntersecting;
        if (visible && stale) schedule();
      }, { rootMargin: "100px" });
      seen.observe(root);

      if (model.page) {
        const follow = () => {
          const found = readFragment(model.page.name, spec.state);
          if (found) set({ ...first, ...found });
          return found;
        };
        addEventListener("hashchange", follow, { signal });
        if (follow()) el.parentElement.scrollIntoView({ block: "nearest" });
      } else if (model.get("_caption")) {
        const caption = html("div", { class: "ngd-caption" });
        caption.innerHTML = model.get("_caption"); // our own text, from the class
        el.append(caption);
      }
      resize();
      cancelAnimationFrame(frame);
      paint(0, true);

      return () => {
        quit.abort();
        sized.disconnect();
        seen.disconnect();
        cancelAnimationFrame(frame);
        motion.end();
        clearTimeout(rest);
        clearTimeout(spoken);
        clearTimeout(noted);
        for (const name of names) model.off(`change:${name}`, changed);
      };
    },
  });

  return { demo, svg, html, attr, clamp, fixed, significant, numbers, linear, log, line, shape, chevron, stage, axis, plot, ode };
})();
