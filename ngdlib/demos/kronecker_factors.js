// K-FAC beside the Fisher matrix that it stands for: one neuron, a small network. See
// kronecker_factors.py. Matrices are lists of rows.

const MOST = 200, STRUCTURES = ["block", "diag", "kfac", "ekfac"], FLAWS = ["none", "centred", "swapped", "observed"];
const drawnWeights = normals(246813579, 64), shared = normals(135792468, MOST), own = normals(864297531, 4 * MOST), dice = uniforms(975318642, MOST);

const logistic = z => 1 / (1 + Math.exp(-z));
const weight = (w, b, x) => logistic(w * x + b) * logistic(-(w * x + b));
const zeros = n => Array.from({ length: n }, () => new Array(n).fill(0));
const norm = M => Math.sqrt(M.reduce((sum, row) => sum + row.reduce((s, v) => s + v * v, 0), 0));
const gap = (M, F) => norm(M.map((row, i) => row.map((v, j) => v - F[i][j]))) / norm(F);
/** The mean of the outer products of some rows; n divides. */
const moment = (rows, n) => {
  const M = zeros(rows[0].length);
  for (const r of rows)
    for (let i = 0; i < r.length; i += 1) {
      if (r[i] === 0) continue;
      for (let j = 0; j <= i; j += 1) M[i][j] += (r[i] * r[j]) / n;
    }
  for (let i = 0; i < M.length; i += 1) for (let j = 0; j < i; j += 1) M[j][i] = M[i][j];
  return M;
};
const kron = (A, B) => A.flatMap(a => B.map(b => a.flatMap(x => b.map(y => x * y))));
/** Eigenvectors of a symmetric matrix, one a column: Jacobi's rotations. */
const eigenvectors = given => {
  const M = given.map(row => row.slice()), n = M.length, V = zeros(n);
  for (let i = 0; i < n; i += 1) V[i][i] = 1;
  for (let sweep = 0; sweep < 30; sweep += 1) {
    let off = 0;
    for (let i = 0; i < n; i += 1) for (let j = 0; j < i; j += 1) off += M[i][j] ** 2;
    if (off < 1e-32 * norm(M) ** 2) break;
    for (let p = 0; p < n; p += 1) for (let q = p + 1; q < n; q += 1) {
      if (M[p][q] === 0) continue;
      const t0 = (M[q][q] - M[p][p]) / (2 * M[p][q]), t = (t0 < 0 ? -1 : 1) / (Math.abs(t0) + Math.hypot(1, t0)), c = 1 / Math.hypot(1, t), s = t * c;
      for (let k = 0; k < n; k += 1) [M[k][p], M[k][q]] = [c * M[k][p] - s * M[k][q], s * M[k][p] + c * M[k][q]];
      for (let k = 0; k < n; k += 1) [M[p][k], M[q][k]] = [c * M[p][k] - s * M[q][k], s * M[p][k] + c * M[q][k]];
      for (let k = 0; k < n; k += 1) [V[k][p], V[k][q]] = [c * V[k][p] - s * V[k][q], s * V[k][p] + c * V[k][q]];
    }
  }
  return V;
};
/** K-FAC's matrix of a layer from inputs a, one a row, and gradients g, some rows an example. */
const factored = (a, g, seen, flaw) => {
  const n = a.length, A = moment(a, n), G = moment(flaw === "observed" ? seen : g, n);
  if (flaw === "centred") {
    const mean = a[0].map((_, i) => a.reduce((sum, row) => sum + row[i], 0) / n);
    mean.forEach((x, i) => mean.forEach((y, j) => (A[i][j] -= x * y)));
  }
  return flaw === "swapped" ? kron(G, A) : kron(A, G);
};

/** {F, K} of (w, b) on two inputs. */
const neuron = (w, b, first, second, flaw = "none") => {
  const a = [[first, 1], [second, 1]], p = [first, second].map(x => logistic(w * x + b));
  const g = p.map(q => [Math.sqrt(q * (1 - q))]), seen = [[p[0] - 1], [p[1]]];
  return { F: moment(a.map((row, k) => row.map(x => g[k][0] * x)), 2), K: factored(a, g, seen, flaw) };
};
/** Displacements that cost `cost` nats by a 2 × 2 matrix. */
const ellipse = (M, cost = 0.02) => {
  const p = Math.sqrt(M[0][0]), q = M[0][1] / p, size = Math.sqrt(2 * cost), r = Math.sqrt(Math.max(1e-12, M[1][1] - q * q));
  return Array.from({ length: 73 }, (_, k) => {
    const second = (size * Math.sin((k * Math.PI) / 36)) / r;
    return [(size * Math.cos((k * Math.PI) / 36) - q * second) / p, second];
  });
};
/** {exact, block, diag, kfac, ekfac} of the network. */
const matrices = (inputs, hidden, classes, batch, correlation, gain, flaw = "none") => {
  const take = (start, rows, columns) => Array.from({ length: rows }, (_, i) => Array.from({ length: columns + 1 }, (_, j) =>
    drawnWeights[start + i * (columns + 1) + j] * (j < columns ? gain / Math.sqrt(columns) : 0.3)));
  const W1 = take(0, hidden, inputs), W2 = take(20, classes, hidden), dot = (u, v) => u.reduce((sum, x, k) => sum + x * v[k], 0);
  const a1 = [], a2 = [], g1 = [], g2 = [], seen1 = [], seen2 = [];
  const first = hidden * (inputs + 1), P = first + classes * (hidden + 1), units = hidden + classes, sum = new Float64Array(P * P);
  // each weight has an input and a unit; what the labels add is summed over them before the inputs enter
  const unit = Array.from({ length: P }, (_, i) => (i < first ? i % hidden : hidden + ((i - first) % classes)));
  const from = Array.from({ length: P }, (_, i) => (i < first ? Math.floor(i / hidden) : inputs + 1 + Math.floor((i - first) / classes)));
  for (let n = 0; n < batch; n += 1) {
    const x = Array.from({ length: inputs }, (_, i) => Math.sqrt(correlation) * shared[n] + Math.sqrt(1 - correlation) * own[4 * n + i]).concat(1);
    const h = W1.map(row => Math.tanh(dot(row, x))).concat(1), f = W2.map(row => dot(row, h)), top = Math.max(...f);
    const e = f.map(z => Math.exp(z - top)), total = e.reduce((s, v) => s + v, 0), p = e.map(v => v / total);
    const back = g => W1.map((_, j) => (1 - h[j] ** 2) * g.reduce((sum, v, k) => sum + v * W2[k][j], 0));
    a1.push(x);
    a2.push(h);
    const both = new Float64Array(units * units), a = [...x, ...h];
    p.forEach((_, k) => {
      const g = p.map((v, i) => Math.sqrt(p[k]) * (v - (i === k ? 1 : 0))), d = back(g), all = [...d, ...g];
      g2.push(g);
      g1.push(d);
      for (let i = 0; i < units; i += 1) for (let j = 0; j < units; j += 1) both[i * units + j] += (all[i] * all[j]) / batch;
    });
    for (let i = 0; i < P; i += 1) {
      const at = unit[i] * units, value = a[from[i]];
      for (let j = 0; j <= i; j += 1) sum[i * P + j] += value * a[from[j]] * both[at + unit[j]];
    }
    const label = Math.floor(classes * dice[n]), g = p.map((v, i) => v - (i === label ? 1 : 0));
    seen2.push(g);
    seen1.push(back(g));
  }
  const exact = Array.from({ length: P }, (_, i) => Array.from({ length: P }, (_, j) => sum[Math.max(i, j) * P + Math.min(i, j)]));
  const same = (i, j) => i < first === j < first;
  const found = { exact, block: exact.map((row, i) => row.map((v, j) => (same(i, j) ? v : 0))), diag: exact.map((row, i) => row.map((v, j) => (i === j ? v : 0))), kfac: zeros(P), ekfac: zeros(P) };
  [[a1, g1, seen1, 0], [a2, g2, seen2, first]].forEach(([a, g, seen, at]) => {
    factored(a, g, seen, flaw).forEach((row, i) => row.forEach((v, j) => (found.kfac[at + i][at + j] = v)));
    const U = kron(eigenvectors(moment(a, batch)), eigenvectors(moment(g, batch))), n = U.length;
    const D = U.map((_, m) => {
      let sum = 0;
      for (let i = 0; i < n; i += 1) for (let j = 0; j < n; j += 1) sum += U[i][m] * exact[at + i][at + j] * U[j][m];
      return sum;
    });
    for (let i = 0; i < n; i += 1) for (let j = 0; j < n; j += 1) found.ekfac[at + i][at + j] = D.reduce((sum, d, m) => sum + U[i][m] * d * U[j][m], 0);
  });
  return found;
};
const errors = found => Object.fromEntries(STRUCTURES.map(name => [name, gap(found[name], found.exact)]));
/** {name: [numbers kept, n³ operations to invert]}. */
const costs = (inputs, hidden, classes) => {
  const layers = [[inputs + 1, hidden], [hidden + 1, classes]], sizes = layers.map(([m, n]) => m * n), P = sizes[0] + sizes[1];
  const sum = f => layers.reduce((s, [m, n]) => s + f(m) + f(n), 0), kept = sum(x => x * x), work = sum(x => x ** 3);
  return { exact: [P * P, P ** 3], block: [sizes[0] ** 2 + sizes[1] ** 2, sizes[0] ** 3 + sizes[1] ** 3], diag: [P, P], kfac: [kept, work], ekfac: [kept + P, work] };
};

export const math = { weight, neuron, ellipse, matrices, errors, costs, gap };

export default ngd.demo({
  state: {
    view: ["neuron", "network"], w: [0, 6], b: [-4, 4], first: [-2, 2], second: [-2, 2],
    inputs: [1, 4, "integer"], hidden: [1, 4, "integer"], classes: [2, 3, "integer"], batch: [1, MOST, "integer"],
    correlation: [0, 0.95], gain: [0.2, 5], shown: STRUCTURES, flaw: FLAWS, reveal: ["no", "yes"],
  },

  build(ui) {
    const { svg, html, attr, line, fixed, significant } = ngd;
    const add = (parent, name, given) => {
      const node = svg(name, given);
      parent.append(node);
      return node;
    };
    const words = (parent, text, classes = "", anchor = "start") => add(parent, "text", { class: `ngd-words ${classes}`, "text-anchor": anchor, "aria-hidden": "true", text });
    const stage = ngd.stage("The Fisher matrix and K-FAC's");
    const one = add(stage, "g", {}), left = ngd.plot(one), right = ngd.plot(one), net = add(stage, "g", {});

    // one neuron
    const curve = add(left.inside, "path", { class: "ngd-curve" }), title = words(left.over, "weight of an input, v = p(1 − p)", "ngd-title");
    const rings = [add(right.inside, "path", { class: "ngd-end ngd-metric" }), add(right.inside, "path", { class: "ngd-way", style: "--ngd-paint:currentColor;stroke-dasharray:6 4" })];
    const centre = add(right.inside, "path", { class: "ngd-star" }), ringTitle = words(right.over, "steps that cost 0.02 nats", "ngd-title");
    const handles = ["first", "second"].map(name => ui.handle(left.over, {
      label: `${name} input`, size: 6,
      axes: [{ min: -2, max: 2, step: 0.1, page: 0.5, get: () => ui.get(name), set: v => ui.set({ [name]: v }), text: v => fixed(v, 2) }],
      place: x => ui.set({ [name]: left.x.invert(x) }),
    }));

    // a network: squares of eight shades, positive ones large, negative ones small
    const SHADES = 8;
    const map = () => {
      const node = add(net, "g", {}), frame = add(node, "path", { class: "ngd-axis-line" }), name = words(node, "", "ngd-title");
      const layer = kind => Array.from({ length: SHADES }, (_, k) => add(node, "path", { style: `fill:${kind};fill-opacity:${((k + 1) / SHADES).toFixed(3)}` }));
      return { frame, name, up: layer("var(--ngd-metric)"), down: layer("currentColor") };
    };
    const maps = [map(), map()];
    const drawMap = ({ frame, name, up, down }, M, largest, [x, y, size], first, label) => {
      const P = M.length, cell = size / P, paths = [up, down].map(() => Array.from({ length: SHADES }, () => []));
      for (let i = 0; i < P; i += 1) for (let j = 0; j < P; j += 1) {
        const v = M[i][j], shade = Math.ceil(SHADES * Math.sqrt(Math.min(1, Math.abs(v) / largest))) - 1;
        if (shade < 0 || Math.abs(v) < 1e-3 * largest) continue;
        const side = v > 0 ? cell : 0.55 * cell, away = (cell - side) / 2;
        paths[v > 0 ? 0 : 1][shade].push(`M${(x + j * cell + away).toFixed(1)} ${(y + i * cell + away).toFixed(1)}h${side.toFixed(1)}v${side.toFixed(1)}h-${side.toFixed(1)}z`);
      }
      [up, down].forEach((nodes, s) => nodes.forEach((node, k) => attr(node, { d: paths[s][k].join("") })));
      const at = first * cell;
      attr(frame, { d: `M${x} ${y}h${size}v${size}h${-size}zM${(x + at).toFixed(1)} ${y}v${size}M${x} ${(y + at).toFixed(1)}h${size}` });
      attr(name, { x, y: y - 8, text: label });
    };

    const table = (head, names) => {
      const heads = head.map(t => html("th", { scope: "col", text: t })), rows = names.map(name => {
        const cells = head.map(() => html("td")), label = html("span", { text: name });
        return { cells, label, node: html("tr", {}, html("th", { scope: "row" }, label), ...cells) };
      });
      return { rows, node: html("table", { class: "ngd-figures ngd-numbers kfac-table" }, html("thead", {}, html("tr", {}, html("th", { scope: "col", text: "" }), ...heads)), html("tbody", {}, ...rows.map(r => r.node))) };
    };
    const small = table(["w, w", "w, b", "b, b"], ["Fisher", "K-FAC", "difference"]);
    const rounded = x => significant(x < 1e-12 ? 0 : x, 3); // rounding is no error
    const NAMES = { exact: "exact", block: "block-diagonal", diag: "diagonal", kfac: "K-FAC", ekfac: "EK-FAC" };
    const large = table(["error", "in blocks", "numbers", "operations"], Object.values(NAMES));
    const told = html("p", { class: "ngd-told" });
    const first = Object.fromEntries(["w", "b", "first", "second", "flaw"].map(k => [k, ui.get(k)]));
    const open = s => s.view === "network" || s.reveal === "yes" || Object.keys(first).some(k => s[k] !== first[k]);
    const reveal = ui.button({ text: () => "Show K-FAC", press: () => ui.set({ reveal: "yes" }) });
    const slider = (name, label, more = {}) => ui.range({ name, label, typed: true, ...more });
    const row = (...nodes) => html("div", { class: "ngd-row kfac-row" }, ...nodes);
    const neuronRow = row(slider("w", "slope w", { step: 0.1 }), slider("b", "bias b", { step: 0.1 }));
    const inputRow = row(slider("first", "first input", { step: 0.1 }), slider("second", "second input", { step: 0.1 }));
    const sizeRow = row(slider("inputs", "inputs"), slider("hidden", "hidden units"), slider("classes", "classes"));
    const dataRow = row(slider("batch", "examples", { log: true }), slider("correlation", "correlation", { step: 0.05 }), slider("gain", "weights, times", { log: true }));
    const choose = ui.choice({ name: "shown", label: "drawn beside the exact matrix", options: STRUCTURES.map(k => [k, { block: "blocks", diag: "diagonal", kfac: "K-FAC", ekfac: "EK-FAC" }[k]]) });
    const FLAW = { none: "no mistake", centred: "A centred", swapped: "G ⊗ A", observed: "data's labels" };
    const wrong = ui.choice({ name: "flaw", label: "a mistake in K-FAC", options: FLAWS.map(k => [k, FLAW[k]]) });
    const wrongRow = row(html("div", {}, html("div", { text: "a mistake in K-FAC" }), wrong));
    ui.root.append(
      row(ui.choice({ name: "view", label: "model", options: [["neuron", "one neuron"], ["network", "a network"]] }), reveal, ui.resetButton()),
      stage, row(choose), told, small.node, large.node, neuronRow, inputRow, sizeRow, dataRow, wrongRow);
    const chooseRow = choose.parentNode;

    let width = 700, heights = [300, 300];
    const mapSize = () => Math.min((width - 22) / 2, 236);
    return {
      layout(w) {
        width = w;
        const side = w < 480, wide = side ? (w - 90) / 2 : Math.min(270, (w - 130) / 2), top = 26, height = side ? 170 : 210;
        left.update({ box: [44, top, wide, height], x: { domain: [-2.4, 2.4], ticks: side ? [-2, 0, 2] : [-2, -1, 0, 1, 2], label: "input x" }, y: { domain: [0, 0.27], ticks: [0, 0.1, 0.2], label: "" } });
        right.update({ box: [44 + wide + 40, top, wide, height], x: { domain: [-2, 2], ticks: [-2, 0, 2], label: "change of w" }, y: { domain: [-1.5, 1.5], ticks: [-1, 0, 1], label: "" } });
        attr(title, { x: 20, y: 12, text: side ? "v = p(1 − p)" : "weight of an input, v = p(1 − p)" });
        attr(ringTitle, { x: 44 + wide + 22, y: 12, text: side ? "steps of 0.02 nats" : "steps that cost 0.02 nats, in (w, b)" });
        heights = [top + height + 40, 26 + mapSize() + 6];
      },
      draw: [s => {
        const network = s.view === "network", shown = open(s);
        stage.size(width, heights[network ? 1 : 0]);
        attr(one, { visibility: network ? "hidden" : null });
        attr(net, { visibility: network ? null : "hidden" });
        for (const handle of handles) attr(handle.node, { visibility: network ? "hidden" : null, tabindex: network ? -1 : 0 });
        for (const node of [neuronRow, inputRow, small.node]) attr(node, { hidden: network });
        for (const node of [sizeRow, dataRow, large.node, chooseRow]) attr(node, { hidden: !network });
        attr(reveal, { hidden: shown });
        attr(wrongRow, { hidden: !shown });
        if (network) {
          const found = matrices(s.inputs, s.hidden, s.classes, s.batch, s.correlation, s.gain, s.flaw), error = errors(found), within = name => gap(found[name], found.block), cost = costs(s.inputs, s.hidden, s.classes);
          const size = mapSize(), at = s.hidden * (s.inputs + 1);
          const largest = Math.max(...found.exact.map((r, i) => r[i]));
          drawMap(maps[0], found.exact, largest, [1, 26, size], at, `exact, ${found.exact.length} × ${found.exact.length}`);
          drawMap(maps[1], found[s.shown], largest, [Math.min(width / 2 + 10, size + 40), 26, size], at, NAMES[s.shown]);
          Object.keys(NAMES).forEach((name, k) => {
            const { cells, label } = large.rows[k];
            attr(label, { text: name === "kfac" && s.flaw !== "none" ? `K-FAC, ${FLAW[s.flaw]}` : NAMES[name] });
            attr(cells[0], { text: name === "exact" ? "0" : rounded(error[name]) });
            attr(cells[1], { text: name === "exact" ? "" : name === "block" ? "0" : rounded(within(name)) });
            attr(cells[2], { text: cost[name][0].toLocaleString("en") });
            attr(cells[3], { text: cost[name][1].toLocaleString("en") });
          });
          attr(told, { text: "" });
          return;
        }
        const { F, K } = neuron(s.w, s.b, s.first, s.second, s.flaw), X = left.x, Y = left.y;
        attr(curve, { d: line(Array.from({ length: 97 }, (_, k) => [-2.4 + k / 20, weight(s.w, s.b, -2.4 + k / 20)]), X, Y) });
        handles[0].move(X(s.first), Y(weight(s.w, s.b, s.first)));
        handles[1].move(X(s.second), Y(weight(s.w, s.b, s.second)));
        const far = ([u, v]) => [ngd.clamp(u, -99, 99), ngd.clamp(v, -99, 99)];
        attr(rings[0], { d: `${line(ellipse(F).map(far), right.x, right.y)}Z` });
        attr(rings[1], { d: shown ? `${line(ellipse(K).map(far), right.x, right.y)}Z` : "" });
        attr(centre, { d: ngd.shape("disc", right.x(0), right.y(0), 3) });
        [[0, 0], [0, 1], [1, 1]].forEach(([i, j], k) => {
          attr(small.rows[0].cells[k], { text: fixed(F[i][j], 4) });
          attr(small.rows[1].cells[k], { text: shown ? fixed(K[i][j], 4) : "?" });
          attr(small.rows[2].cells[k], { text: shown ? fixed(K[i][j] - F[i][j], 4) : "?" });
        });
        attr(told, { text: shown ? `Error of K-FAC: ${fixed(100 * gap(K, F), 1)} %. Weights of the two inputs: ${significant(weight(s.w, s.b, s.first), 3)} and ${significant(weight(s.w, s.b, s.second), 3)}.` : "How far off is K-FAC here?" });
      }],
      say(s) {
        if (s.view === "network") return `Error of ${NAMES[s.shown]}: ${significant(errors(matrices(s.inputs, s.hidden, s.classes, s.batch, s.correlation, s.gain, s.flaw))[s.shown], 3)}.`;
        if (!open(s)) return "Guess first; then show K-FAC.";
        const { F, K } = neuron(s.w, s.b, s.first, s.second, s.flaw);
        return `Error of K-FAC: ${fixed(100 * gap(K, F), 1)} per cent.`;
      },
    };
  },
});
