// One neuron or ten, fitted to a few points: flows seen as functions, as values, as parameters.
// DATA: for either network its inputs, and for ten neurons the start. See function_space.py.

const dot = (a, b) => {
  let sum = 0;
  for (let k = 0; k < a.length; k += 1) sum += a[k] * b[k];
  return sum;
};
const NEURON = {
  inputs: DATA.neuron,
  at: (θ, x) => Math.tanh(θ[0] * x + θ[1]),
  row(θ, x) {
    const slope = 1 - Math.tanh(θ[0] * x + θ[1]) ** 2;
    return [slope * x, slope];
  },
};
const NET = {
  inputs: DATA.net,
  at(θ, x) {
    let sum = 0;
    for (let k = 0; k < θ.length; k += 3) sum += θ[k + 2] * Math.tanh(θ[k] * x + θ[k + 1]);
    return sum;
  },
  row(θ, x) {
    const row = new Array(θ.length);
    for (let k = 0; k < θ.length; k += 3) {
      const h = Math.tanh(θ[k] * x + θ[k + 1]), slope = θ[k + 2] * (1 - h * h);
      row[k] = slope * x;
      row[k + 1] = slope;
      row[k + 2] = h;
    }
    return row;
  },
};
const KINDS = { "one neuron": NEURON, "ten neurons": NET };
const values = (network, θ) => KINDS[network].inputs.map(x => KINDS[network].at(θ, x));
const jacobian = (network, θ) => KINDS[network].inputs.map(x => KINDS[network].row(θ, x));
const transposed = J => J[0].map((_, k) => J.map(row => row[k]));
const gram = rows => rows.map(a => rows.map(b => dot(a, b)));

/** The solution of A v = b, A positive definite, by Cholesky; not finite where A is not. */
const solve = (A, b) => {
  const n = b.length, L = A.map(row => row.slice()), v = b.slice();
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = L[i][j];
      for (let k = 0; k < j; k += 1) sum -= L[i][k] * L[j][k];
      L[i][j] = i === j ? Math.sqrt(sum) : sum / L[j][j];
    }
    for (let k = 0; k < i; k += 1) v[i] -= L[i][k] * v[k];
    v[i] /= L[i][i];
  }
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let k = i + 1; k < n; k += 1) v[i] -= L[k][i] * v[k];
    v[i] /= L[i][i];
  }
  return v;
};

/** dθ/dt from J and the residual: −∇L, −g⁺∇L or −(g + λI)⁻¹∇L, on the smaller side of J. */
const velocity = (J, r, kind, λ = 0) => {
  const D = r.length, columns = transposed(J), pushed = columns.map(c => dot(c, r));
  if (kind === "ordinary") return pushed.map(p => (-2 * p) / D);
  const extra = kind === "damped" ? D * λ : 0;
  const added = A => A.map((row, i) => row.map((a, j) => (i === j ? a + extra : a)));
  if (columns.length <= D) return solve(added(gram(columns)), pushed).map(v => -2 * v);
  const inside = solve(added(gram(J)), r);
  return columns.map(c => -2 * dot(c, inside));
};
const minus = (f, y) => f.map((v, k) => v - y[k]);
const meanSquare = r => dot(r, r) / r.length;
/** −dL/dt over L, at a point. */
const rate = (J, r, kind, λ) => {
  const v = velocity(J, r, kind, λ), all = dot(r, r);
  return all ? (-2 * J.reduce((sum, row, k) => sum + r[k] * dot(row, v), 0)) / all : 0;
};
/** Parameters at increasing times > 0. */
const flow = (network, θ, y, times, kind, λ, tolerance = 1e-6) =>
  ngd.ode(p => velocity(jacobian(network, p), minus(values(network, p), y), kind, λ), θ, times, { tolerance });

/** Eigenvalues of J Jᵀ/D, descending, and their unit eigenvectors, by Jacobi's rotations. */
const spectrum = J => {
  const n = J.length, A = gram(J).map(row => row.map(a => a / n));
  const V = A.map((_, i) => A.map((_, j) => +(i === j)));
  for (let sweep = 0; sweep < 12; sweep += 1)
    for (let p = 0; p < n; p += 1)
      for (let q = p + 1; q < n; q += 1) {
        if (Math.abs(A[p][q]) < 1e-300) continue;
        const t = (A[q][q] - A[p][p]) / (2 * A[p][q]);
        const tan = (t < 0 ? -1 : 1) / (Math.abs(t) + Math.hypot(t, 1)), c = 1 / Math.hypot(tan, 1), s = tan * c;
        const turn = (M, k) => ([M[k][p], M[k][q]] = [c * M[k][p] - s * M[k][q], s * M[k][p] + c * M[k][q]]);
        for (let k = 0; k < n; k += 1) turn(A, k);
        for (let k = 0; k < n; k += 1) [A[p][k], A[q][k]] = [c * A[p][k] - s * A[q][k], s * A[p][k] + c * A[q][k]];
        for (let k = 0; k < n; k += 1) turn(V, k);
      }
  return A.map((row, i) => [Math.max(0, row[i]), V.map(v => v[i])]).sort((a, b) => b[0] - a[0]);
};

export const math = { values, jacobian, velocity, rate, flow, spectrum };

const TARGET = [-1.5, 1.5], START = [-3, 3];
const NAMES = { "one neuron": ["left", "middle", "right"], "ten neurons": ["y1", "y2", "y3", "y4", "y5"] };
const LONGEST = 6, FLOWS = ["ordinary", "natural", "damped"];
const sign = x => ngd.significant(x, 3);

export default ngd.demo({
  state: {
    network: Object.keys(KINDS), show: ["two flows", "three flows"], time: [0, LONGEST], damping: [1e-4, 10], w: START, b: START,
    left: TARGET, middle: TARGET, right: TARGET, y1: TARGET, y2: TARGET, y3: TARGET, y4: TARGET, y5: TARGET,
  },

  build(ui) {
    const { svg, html, attr, line, fixed } = ngd;
    const stage = ngd.stage("The function and its targets; the same flows among values and among parameters");
    const plots = Object.fromEntries(["fit", "space", "param", "parts", "fall"].map(name => [name, ngd.plot(stage)]));
    const add = (parent, name, given) => {
      const node = svg(name, given);
      parent.append(node);
      return node;
    };
    const CLASS = { ordinary: "ngd-euclidean", natural: "ngd-natural", damped: "ngd-natural" };
    const STROKE = { ordinary: "stroke-width:2.2;stroke-dasharray:7 4", natural: "stroke-width:2.6", damped: "stroke-width:1.5;stroke-dasharray:2 3" };
    const OPEN = { ordinary: "", natural: "", damped: " ngd-open" };
    const title = (panel, text) => add(panel.node, "text", { class: "ngd-words ngd-strong", "aria-hidden": "true", text });
    const titles = { fit: title(plots.fit, "the function"), space: title(plots.space, ""), param: title(plots.param, "the parameters"),
      parts: title(plots.parts, "the residual, by direction"), fall: title(plots.fall, "ln of L over its start") };
    // what lies below the flows
    const surface = add(plots.space.inside, "path", { class: "ngd-way ngd-metric", style: "stroke-width:0.6;opacity:0.75" });
    const edges = add(plots.space.inside, "path", { class: "ngd-guide" });
    const corners = ["f(−1)", "f(0)", "f(2)"].map(text => add(plots.space.over, "text", { class: "ngd-words ngd-quiet", "aria-hidden": "true", text }));
    const levels = add(plots.param.inside, "path", { class: "ngd-guide" });
    const inputs = add(plots.fit.inside, "path", { class: "ngd-guide" });
    const before = add(plots.fit.inside, "path", { class: "ngd-curve", style: "stroke-width:1" });
    const zero = add(plots.parts.inside, "path", { class: "ngd-guide" });
    const four = add(plots.fall.inside, "path", { class: "ngd-goal" });
    const fourWords = add(plots.fall.over, "text", { class: "ngd-words ngd-quiet", "aria-hidden": "true", text: "−4t" });
    const parts = Object.fromEntries(FLOWS.map(kind => [kind, Object.fromEntries(["fit", "space", "param", "fall"].map(name =>
      [name, add(plots[name].inside, "path", { class: `ngd-way ${CLASS[kind]}`, style: STROKE[kind] })]))]));
    const tie = add(plots.space.inside, "path", { class: "ngd-goal" });
    const ends = Object.fromEntries(FLOWS.map(kind => [kind, Object.fromEntries(["space", "param"].map(name =>
      [name, add(plots[name].over, "path", { class: `ngd-end ${CLASS[kind]}${OPEN[kind]}` })]))]));
    const begun = add(plots.space.over, "path", { class: "ngd-star" }), star = add(plots.space.over, "path", { class: "ngd-star" });
    const origin = add(plots.param.over, "path", { class: "ngd-star" });
    const bars = Object.fromEntries(["start", ...FLOWS].map(kind => [kind,
      add(plots.parts.inside, "path", kind === "start" ? { class: "ngd-here" } : { class: `ngd-end ${CLASS[kind]}${OPEN[kind]}`, style: "stroke-width:1.2" })]));
    const strengths = DATA.net.map(() => add(plots.parts.node, "text", { class: "ngd-words ngd-quiet", "text-anchor": "middle", "aria-hidden": "true" }));

    // controls: what is dragged can be typed
    const r3 = x => Math.round(x * 1000) / 1000;
    const points = Object.fromEntries(Object.keys(KINDS).map(network => [network, NAMES[network].map((name, k) => {
      const x = KINDS[network].inputs[k], where = String(x).replace("-", "−");
      const handle = ui.handle(plots.fit.over, { label: `target at x = ${where}`, shape: "disc", className: "ngd-ink", size: 5.5,
        axes: [{ min: TARGET[0], max: TARGET[1], step: 0.05, get: () => ui.get(name), set: v => ui.set({ [name]: r3(v) }), text: v => fixed(v, 3) }],
        place: (_, y) => ui.set({ [name]: r3(plots.fit.y.invert(y)) }) });
      return { name, x, handle, ...ui.box({ name, label: `target at x = ${where}, typed`, size: 6 }), words: where };
    })]));
    const axis = name => ({ min: START[0], max: START[1], step: 0.1, get: () => ui.get(name), set: v => ui.set({ [name]: r3(v) }), text: v => `${name} ${fixed(v, 3)}` });
    const start = ui.handle(plots.param.over, { label: "start", shape: "ring", className: "ngd-ink", size: 5, axes: [axis("w"), axis("b")],
      place: (x, y) => ui.set({ w: r3(plots.param.x.invert(x)), b: r3(plots.param.y.invert(y)) }) });
    const from = ["w", "b"].map(name => ({ name, ...ui.box({ name, label: `${name} at the start, typed`, size: 6 }) }));
    const λ = ui.range({ name: "damping", label: "damping λ of the third flow", log: true, typed: true });
    const row = words => {
      const cells = FLOWS.map(() => html("td"));
      return { cells, node: html("tr", {}, html("th", { scope: "row", text: words }), ...cells) };
    };
    const rows = { loss: row("loss L"), log: row("ln(L/L₀)"), rate: row("rate, −L̇/L") };
    const sample = kind => svg("svg", { width: 26, height: 8, "aria-hidden": "true" }, svg("path", { class: `ngd-way ${CLASS[kind]}`, style: STROKE[kind], d: "M0 4H26" }));
    const heads = FLOWS.map(kind => html("th", { scope: "col" }, sample(kind), kind));
    const table = html("table", { class: "ngd-figures ngd-numbers space-numbers" },
      html("thead", {}, html("tr", {}, html("td"), ...heads)), html("tbody", {}, rows.loss.node, rows.log.node, rows.rate.node));
    const targetRows = points => points.map(p => html("label", { class: "space-target" }, html("span", { text: `y(${p.words})` }), p.input));
    const groups = Object.fromEntries(Object.entries(points).map(([network, list]) => [network, html("div", { class: "ngd-row space-targets" }, ...targetRows(list), ...list.map(p => p.note))]));
    const starts = html("div", { class: "ngd-row space-targets" }, ...from.map(f => html("label", { class: "space-target" }, html("span", { text: `start ${f.name}` }), f.input)), ...from.map(f => f.note));
    const told = html("p");
    ui.root.append(
      html("div", { class: "ngd-row" }, ui.range({ name: "time", label: "time t", step: 0.05, typed: true }),
        ui.choice({ name: "network", label: "the network", options: Object.keys(KINDS).map(k => [k, k]) })),
      stage, html("div", { class: "ngd-told" }, told), table,
      html("div", { class: "ngd-row space-typed" }, ...Object.values(groups), starts),
      html("div", { class: "ngd-row" }, ui.choice({ name: "show", label: "which flows", options: [["two flows", "two flows"], ["three flows", "and a damped one"]] }), ui.resetButton()), λ);

    // --- one computation for all drawings of a state -----------------------------------------------
    const known = {};
    const once = (name, key, make) => (known[name]?.key === key ? known[name].value : (known[name] = { key, value: make() }).value);
    const scene = s => {
      const y = NAMES[s.network].map(name => s[name]), θ = s.network === "one neuron" ? [s.w, s.b] : DATA.start;
      const key = JSON.stringify([s.network, y, θ === DATA.start ? 0 : θ]);
      return once("scene", key, () => {
        const f = values(s.network, θ), J = jacobian(s.network, θ), r = minus(f, y), directions = spectrum(J);
        const first = velocity(J, r, "natural"), second = velocity(J, r, "ordinary");
        const unit = v => v.map(a => a / (Math.sqrt(dot(v, v)) || 1)), u = unit(first), along = dot(second, u);
        return { key, y, θ, f, J, r, L: meanSquare(r), directions, plane: [u, unit(second.map((a, k) => a - along * u[k]))] };
      });
    };
    /**
     * The flow up to now: [time, parameters, values] at some times. It is computed once to the last time,
     * finely, for at t = 6 a residual is e⁻¹² of what it was; under a drag only so far, and so fine, as is seen.
     */
    const path = (s, kind) => {
      const { key, θ, f, y } = scene(s), λ = kind === "damped" ? s.damping : 0, n = s.network === "one neuron" ? 24 : 12;
      const along = (from, times, tolerance) => flow(s.network, from[1], y, times, kind, λ, tolerance)
        .map((p, k) => [from[0] + times[k], p, values(s.network, p)]);
      const until = (end, n) => (end ? Array.from({ length: n }, (_, k) => end * ((k + 1) / n) ** 2) : []);
      const begin = [0, θ, f];
      return once(kind, `${key} ${s.time} ${λ} ${!!ui.dragging}`, () => {
        if (ui.dragging) return [begin, ...along(begin, until(s.time, n), 1e-6)];
        const all = once(`all ${kind}`, `${key} ${λ}`, () => [begin, ...along(begin, until(LONGEST, 2 * n), 1e-10)]);
        const before = all.filter(([t]) => t < s.time || !t), last = before.at(-1);
        return s.time > last[0] ? [...before, ...along(last, [s.time - last[0]], 1e-10)] : before;
      });
    };
    const shown = s => FLOWS.filter(kind => kind !== "damped" || s.show === "three flows");

    // --- where values are drawn ----------------------------------------------------------------------
    const VIEW = [0.42, 0.35]; // turned, tilted
    const cube = ([a, b, c]) => {
      const [turn, tilt] = VIEW, across = a * Math.cos(turn) - b * Math.sin(turn), deep = a * Math.sin(turn) + b * Math.cos(turn);
      return [across, c * Math.cos(tilt) + deep * Math.sin(tilt)];
    };
    const seen = (s, v) => {
      if (s.network === "one neuron") return cube(v);
      const { directions, y } = scene(s), r = minus(v, y);
      return [dot(directions[1][1], r), dot(directions[4][1], r)];
    };
    const net = (() => {
      const lines = [], grid = Array.from({ length: 25 }, (_, k) => -3 + k / 4), coarse = Array.from({ length: 13 }, (_, k) => -3 + k / 2);
      coarse.forEach(c => {
        lines.push(grid.map(g => cube(values("one neuron", [g, c]))), grid.map(g => cube(values("one neuron", [c, g]))));
      });
      return lines;
    })();
    const box = [[[-1, 1, -1], [-1, -1, -1], [1, -1, -1]], [[-1, -1, -1], [-1, -1, 1]]];
    const onParam = (s, θ) => (s.network === "one neuron" ? θ : scene(s).plane.map(u => dot(u, minus(θ, DATA.start))));
    /** Level lines of the loss over (w, b): pieces of marching squares. */
    const contours = (y, heights) => {
      const n = 33, g = Array.from({ length: n }, (_, k) => -3 + (6 * k) / (n - 1));
      const L = g.map(b => g.map(w => meanSquare(minus(values("one neuron", [w, b]), y)))), pieces = [];
      for (const h of heights)
        for (let i = 0; i + 1 < n; i += 1)
          for (let j = 0; j + 1 < n; j += 1) {
            const c = [[j, i], [j + 1, i], [j + 1, i + 1], [j, i + 1]], cut = [];
            for (let k = 0; k < 4; k += 1) {
              const [p, q] = [c[k], c[(k + 1) % 4]], [a, z] = [L[p[1]][p[0]] - h, L[q[1]][q[0]] - h];
              if (a < 0 !== z < 0) {
                const m = a / (a - z);
                cut.push([g[p[0]] + m * (g[q[0]] - g[p[0]]), g[p[1]] + m * (g[q[1]] - g[p[1]])]);
              }
            }
            for (let k = 0; k + 1 < cut.length; k += 2) pieces.push([cut[k], cut[k + 1]]);
          }
      return pieces;
    };

    let width = 0, narrow = false, placed = "";
    const layout = s => {
      const key = `${width} ${s.network}`;
      if (key === placed || !width) return;
      placed = key;
      narrow = width < 560;
      const neuron = s.network === "one neuron";
      const left = 40, gap = narrow ? 46 : 60, right = 10, whole = width - left - right, half = (whole - gap) / 2;
      const tall = narrow ? 150 : 220, small = narrow ? 116 : 165, third = (whole - 2 * gap) / 3, second = 24 + tall + 60;
      const boxes = narrow
        ? { fit: [left, 24, whole, tall], space: [left, second, half, small], param: [left + half + gap, second, half, small],
          parts: [left, second + small + 58, half, small - 20], fall: [left + half + gap, second + small + 58, half, small - 20] }
        : { fit: [left, 24, half, tall], space: [left + half + gap, 24, half, tall],
          param: [left, second, third, small], parts: [left + third + gap, second, third, small], fall: [left + 2 * (third + gap), second, third, small] };
      const bottom = Math.max(...Object.values(boxes).map(b => b[1] + b[3])) + 42;
      const away = 30;
      plots.fit.update({ box: boxes.fit, x: { domain: neuron ? [-1.6, 2.6] : [-1.3, 1.3], ticks: neuron ? [-1, 0, 1, 2] : [-1, -0.5, 0, 0.5, 1], label: "x" },
        y: { domain: [-1.7, 1.7], ticks: [-1, 0, 1], label: "f", away } });
      // one unit is as long across as upwards
      const [, , sw, sh] = boxes.space, reach = neuron ? Math.max(1.62, (1.62 * sw) / sh) : 1.25, up = neuron ? (reach * sh) / sw : 1.25;
      plots.space.update({ box: boxes.space,
        x: neuron ? { domain: [-reach, reach], ticks: [], label: "" } : { domain: [-reach, reach], ticks: [-1, 0, 1], label: narrow ? "direction 2" : "direction 2 (moved easily)" },
        y: neuron ? { domain: [-up, up], ticks: [], label: "" } : { domain: [-up, up], ticks: [-1, 0, 1], label: narrow ? "direction 5" : "direction 5 (hardly moved)", away } });
      plots.param.update({ box: boxes.param,
        x: neuron ? { domain: START, ticks: [-2, 0, 2], label: "w" } : { domain: [-0.6, 3.4], ticks: [0, 1, 2, 3], label: narrow ? "natural way" : "along the natural start" },
        y: neuron ? { domain: START, ticks: [-2, 0, 2], label: "b", away } : { domain: [-1.5, 1.5], ticks: [-1, 0, 1], label: narrow ? "across" : "across it", away } });
      const count = KINDS[s.network].inputs.length;
      plots.parts.update({ box: boxes.parts, x: { domain: [0.5, count + 0.5], ticks: [], label: "eigenvalue of JJᵀ/D" }, y: { domain: [-1.8, 1.8], ticks: [-1, 0, 1], label: "", away } });
      plots.fall.update({ box: boxes.fall, x: { domain: [0, LONGEST], ticks: [0, 2, 4, 6], label: "time t" }, y: { domain: [-12, 0.4], ticks: [-12, -8, -4, 0], label: "", away } });
      stage.size(width, bottom);
      Object.entries(titles).forEach(([name, node]) => attr(node, { x: boxes[name][0], y: boxes[name][1] - 9 }));
      attr(titles.space, { text: neuron ? "the three values" : "the residual" });
      attr(titles.parts, { text: narrow ? "residual" : "the residual, by direction" });
      attr(titles.fall, { text: narrow ? "ln(L/L₀)" : "ln of the loss over its start" });
      const S = plots.space, P = plots.parts, F = plots.fall;
      attr(surface, { d: neuron ? net.map(l => line(l, S.x, S.y)).join("") : "" });
      attr(edges, { d: neuron ? box.map(l => line(l.map(cube), S.x, S.y)).join("") : line([[-9, 0], [9, 0]], S.x, S.y) + line([[0, -9], [0, 9]], S.x, S.y) });
      [[0.2, -1, -1], [-1, 0, -1], [-1, -1, 0.3]].forEach((c, k) => { // beside the middles of three edges
        const [x, y] = cube(c);
        attr(corners[k], { x: (S.x(x) + [0, -6, 5][k]).toFixed(1), y: (S.y(y) + [14, 8, 0][k]).toFixed(1), "text-anchor": ["middle", "end", "start"][k], visibility: neuron ? null : "hidden" });
      });
      plots.space.node.querySelectorAll(".ngd-axis").forEach(node => attr(node, { visibility: neuron ? "hidden" : null }));
      attr(inputs, { d: KINDS[s.network].inputs.map(x => line([[x, -2], [x, 2]], plots.fit.x, plots.fit.y)).join("") });
      attr(zero, { d: line([[0, 0], [count + 1, 0]], P.x, P.y) });
      attr(four, { d: line([[0, 0], [LONGEST, -4 * LONGEST]], F.x, F.y) });
      attr(fourWords, { x: (F.x(2.6) + 5).toFixed(1), y: F.y(-9.4).toFixed(1) });
      strengths.forEach((node, k) => attr(node, { x: P.x(k + 1).toFixed(1), y: (P.y(-1.8) + 15).toFixed(1) }));
      Object.entries(groups).forEach(([name, node]) => (node.hidden = name !== s.network));
      starts.hidden = !neuron;
      Object.entries(points).forEach(([name, list]) => list.forEach(p => {
        attr(p.handle.node, { display: name === s.network ? null : "none" });
      }));
      attr(start.node, { display: neuron ? null : "none" });
      attr(origin, { d: neuron ? "" : ngd.shape("disc", plots.param.x(0), plots.param.y(0), 4) });
    };

    const draw = (kind, s) => {
      const on = shown(s).includes(kind), names = ["fit", "space", "param", "fall"];
      names.forEach(name => attr(parts[kind][name], { visibility: on ? null : "hidden" }));
      ["space", "param"].forEach(name => attr(ends[kind][name], { visibility: on ? null : "hidden" }));
      attr(bars[kind], { visibility: on ? null : "hidden" });
      const k = FLOWS.indexOf(kind);
      heads[k].hidden = !on;
      [rows.loss, rows.log, rows.rate].forEach(r => (r.cells[k].hidden = !on));
      if (!on) return;
      const S = scene(s), way = path(s, kind), [t, θ, f] = way.at(-1), r = minus(f, S.y), L = meanSquare(r);
      const [low, high] = plots.fit.x.domain, grid = Array.from({ length: 49 }, (_, k) => low + ((high - low) * k) / 48);
      attr(parts[kind].fit, { d: line(grid.map(x => [x, KINDS[s.network].at(θ, x)]), plots.fit.x, plots.fit.y) });
      const there = way.map(p => seen(s, p[2])), paths = { space: there, param: way.map(p => onParam(s, p[1])) };
      ["space", "param"].forEach(name => {
        attr(parts[kind][name], { d: line(paths[name], plots[name].x, plots[name].y) });
        const [x, y] = paths[name].at(-1), inside = Math.abs(plots[name].x(x)) < 1e4 && Math.abs(plots[name].y(y)) < 1e4;
        attr(ends[kind][name], { d: inside ? ngd.shape("disc", plots[name].x(x), plots[name].y(y), 4.5) : "" });
      });
      const logs = way.map(p => [p[0], Math.log(meanSquare(minus(p[2], S.y)) / S.L)]);
      attr(parts[kind].fall, { d: S.L ? line(logs.map(([t, v]) => [t, Math.max(v, -40)]), plots.fall.x, plots.fall.y) : "" });
      const three = s.show === "three flows", half = three ? 0.13 : 0.17, seat = { ordinary: three ? -0.28 : -0.19, natural: three ? 0 : 0.19, damped: 0.28 }[kind];
      const P = plots.parts;
      attr(bars[kind], { d: S.directions.map(([, v], k) => {
        const part = ngd.clamp(dot(v, r), -1.8, 1.8), x = k + 1 + seat;
        return `${line([[x - half, 0], [x - half, part], [x + half, part], [x + half, 0]], P.x, P.y)}Z`;
      }).join("") });
      const over = t < s.time - 1e-9; // the parameters have run off to infinity
      attr(rows.loss.cells[k], { text: over ? "flow over" : L < 1e-3 && L > 0 ? ngd.significant(L, 3) : fixed(L, 5) });
      attr(rows.log.cells[k], { text: S.L && !over ? fixed(Math.log(L / S.L), 3) : "–" });
      attr(rows.rate.cells[k], { text: over ? "–" : fixed(rate(jacobian(s.network, θ), r, kind, s.damping), 3) });
      if (kind === "natural") attr(tie, { d: line([there.at(-1), seen(s, S.y)], plots.space.x, plots.space.y) });
    };

    return {
      layout(now) {
        width = now;
        placed = "";
        layout(Object.fromEntries(["network"].map(n => [n, ui.get(n)])));
      },
      draw: [s => {
        layout(s);
        const S = scene(s), Y = plots.fit.y;
        points[s.network].forEach((p, k) => {
          p.handle.move(plots.fit.x(p.x), Y(S.y[k]), 90);
        });
        if (s.network === "one neuron") start.move(plots.param.x(s.w), plots.param.y(s.b));
        const [low, high] = plots.fit.x.domain, grid = Array.from({ length: 49 }, (_, k) => low + ((high - low) * k) / 48);
        attr(before, { d: line(grid.map(x => [x, KINDS[s.network].at(S.θ, x)]), plots.fit.x, Y) });
        const [a, b] = seen(s, S.y), [c, d] = seen(s, S.f);
        attr(star, { d: ngd.shape("star", plots.space.x(a), plots.space.y(b), 6) });
        attr(begun, { d: ngd.shape("disc", plots.space.x(c), plots.space.y(d), 4) });
        λ.hidden = s.show !== "three flows";
        draw("natural", s);
        const along = S.L ? rate(S.J, S.r, "natural") / 4 : 0;
        const [t, θ, f] = path(s, "natural").at(-1), r = minus(f, S.y);
        const now = t < s.time - 1e-9 ? "the natural flow is over, its parameters have run off to infinity"
          : dot(r, r) ? `on the natural flow, ${fixed(25 * rate(jacobian(s.network, θ), r, "natural"), 1)} %` : "nothing is left of it";
        attr(told, { text: `Along the model lies, at the start, ${fixed(100 * along, 1)} % of the squared residual; at t = ${sign(s.time)}, ${now}. −4t = ${fixed(-4 * s.time, 3)}.` });
      }, s => draw("ordinary", s), s => draw("damped", s), s => {
        const S = scene(s), P = plots.parts;
        attr(bars.start, { d: S.directions.map(([, v], k) => {
          const part = ngd.clamp(dot(v, S.r), -1.8, 1.8), x = k + 1;
          return line([[x - 0.42, 0], [x - 0.42, part], [x + 0.42, part], [x + 0.42, 0]], P.x, P.y);
        }).join("") });
        const crowded = S.directions.length > 3;
        strengths.forEach((node, k) => {
          const e = S.directions[k]?.[0];
          attr(node, { text: e === undefined || (narrow && crowded && k % 2) ? "" : e < 1e-12 ? "0" : ngd.significant(e, crowded ? 1 : 2) });
        });
        if (s.network !== "one neuron") return void attr(levels, { d: "" });
        attr(levels, { d: once("levels", S.key, () => contours(S.y, [0.05, 0.2, 0.5, 1, 1.5])).map(p => line(p, plots.param.x, plots.param.y)).join("") });
      }],
      say(s) {
        const S = scene(s);
        const losses = shown(s).map(kind => {
          const [t, , f] = path(s, kind).at(-1);
          return `${kind} ${t < s.time - 1e-9 ? "over" : ngd.significant(meanSquare(minus(f, S.y)), 3)}`;
        });
        return `${s.network}, t ${sign(s.time)}. Loss at the start ${ngd.significant(S.L, 3)}; now ${losses.join(", ")}.`;
      },
    };
  },
});
