// Three Fisher matrices on data: exact, sampled, empirical. See three_fishers.py.

const MEAN = 20, TRUTH = [1.5, -1], MOST = 1000;

const drawn = normals(918273645, MOST), flat = normals(123456789, 2 * MOST);
const inputs = Array.from({ length: MOST }, (_, k) => [flat[2 * k], flat[2 * k + 1]]);
const [labelDice, flipDice, modelDice] = [987654321, 192837465, 564738291].map(seed => uniforms(seed, MOST));
const even = n => 2 * Math.floor(n / 2);

/** [F, step] of exact, sampled, empirical: unit steps from MEAN + d, n readings. */
const readings = (d, s, n, damping = 0) => {
  let sampled = 0;
  for (let k = 0; k < even(n); k += 1) sampled += drawn[k] ** 2 / even(n);
  const F = [1, sampled, s * s + d * d];
  return [F, F.map(f => (f + damping ? -d / (f + damping) : 0))];
};
/** Distances after 0, ..., steps steps. */
const track = (kind, d, s, eta, damping, steps) => {
  const found = [d];
  for (let k = 0; k < steps; k += 1) {
    const F = (kind === "x" ? 1 : s * s + d * d) + damping;
    d -= F ? (eta * d) / F : 0;
    found.push(d);
  }
  return found;
};
/** The first step that ends within one degree of the mean, or null. */
const within = (d, s, eta, damping) => {
  for (let k = 0; k <= 10000; k += 1) {
    if (Math.abs(d) < 1) return k;
    d -= (eta * d) / (s * s + d * d + damping);
  }
  return null;
};
const logisticOf = z => 1 / (1 + Math.exp(-z));
const solve = ([a, b, c], [g, h]) => {
  const det = a * c - b * b;
  return [-(c * g - b * h) / det, -(a * h - b * g) / det];
};
/** {F: three of [a, b, c], g, steps} at the weights fit × TRUTH. */
const logistic = (fit, noise, n) => {
  const F = [0, 1, 2].map(() => [0, 0, 0]), g = [0, 0];
  for (let k = 0; k < n; k += 1) {
    const [x, y] = inputs[k], q = logisticOf(fit * (x * TRUTH[0] + y * TRUTH[1])), p = logisticOf(x * TRUTH[0] + y * TRUTH[1]);
    const label = (labelDice[k] < p) !== (flipDice[k] < noise) ? 1 : 0, draw = modelDice[k] < q ? 1 : 0;
    [q * (1 - q), (q - draw) ** 2, (q - label) ** 2].forEach((w, i) => [x * x, x * y, y * y].forEach((v, j) => (F[i][j] += (w * v) / n)));
    g[0] += ((q - label) * x) / n;
    g[1] += ((q - label) * y) / n;
  }
  return { F, g, steps: F.map(f => solve(f, g)) };
};
/** The ellipse vᵀFv = level around w. */
const ellipse = ([a, b, c], [x, y], level = 0.05) => {
  const p = Math.sqrt(a), q = b / p, r = Math.sqrt(Math.max(1e-12, c - q * q)), size = Math.sqrt(level);
  return Array.from({ length: 73 }, (_, k) => {
    const u = (size * Math.cos((k * Math.PI) / 36)), v = (size * Math.sin((k * Math.PI) / 36)), second = v / r;
    return [x + (u - q * second) / p, y + second];
  });
};

export const math = { uniforms, normals, readings, track, within, logistic, ellipse };

export default ngd.demo({
  state: {
    view: ["readings", "logistic"], d: [0.001, 200], s: [0, 3], eta: [0.001, 2], damping: [0, 1], steps: [1, 6000, "integer"],
    readings: [2, MOST, "integer"], n: [20, MOST, "integer"], fit: [-2, 3], noise: [0, 0.5], reveal: ["no", "yes"],
  },

  build(ui) {
    const { svg, html, attr, line, fixed, significant } = ngd;
    const KINDS = ["exact", "sampled", "empirical"], CLASSES = ["ngd-natural", "ngd-muted", "ngd-ink"];
    const LOOK = ["stroke-width:2.4", "--ngd-paint:var(--ngd-muted);stroke-width:2;stroke-dasharray:2 3", "--ngd-paint:currentColor;stroke-width:1.8;stroke-dasharray:7 4"];
    const stage = ngd.stage("Three Fisher matrices and their steps");
    const one = ngd.plot(stage), many = ngd.plot(stage), plane = ngd.plot(stage);
    const add = (parent, name, given) => {
      const node = svg(name, given);
      parent.append(node);
      return node;
    };
    const way = (parent, k, more = "") => add(parent, "path", { class: `ngd-way ${CLASSES[k]}`, style: `${LOOK[k]};${more}` });
    const words = (parent, text, classes = "", anchor = "start") => add(parent, "text", { class: `ngd-words ${classes}`, "text-anchor": anchor, "aria-hidden": "true", text });
    const arrows = KINDS.map((_, k) => way(one.inside, k)), tips = KINDS.map((_, k) => way(one.inside, k, "stroke-dasharray:none"));
    const names = KINDS.map(name => words(one.over, name, "", "end"));
    const here = add(one.inside, "path", { class: "ngd-here" }), goal = add(one.inside, "path", { class: "ngd-goal" });
    const hereName = words(one.over, "guess", "ngd-quiet", "middle"), goalName = words(one.over, "mean", "ngd-quiet", "middle");
    const lines = [way(many.inside, 0), way(many.inside, 2)], degree = add(many.inside, "path", { class: "ngd-goal" });
    const lineNames = [words(many.over, "exact", "", "end"), words(many.over, "empirical", "", "end")];
    const rings = KINDS.map((_, k) => way(plane.inside, k)), moves = KINDS.map((_, k) => way(plane.inside, k)), heads = KINDS.map((_, k) => way(plane.inside, k, "stroke-dasharray:none"));
    const star = add(plane.inside, "path", { class: "ngd-star" }), point = add(plane.inside, "path", { class: "ngd-star" });
    const starName = words(plane.over, "true weights", "ngd-quiet", "middle");

    const cell = () => html("td");
    const headWords = ["", "", ""].map(() => html("th", { scope: "col" }));
    const rows = KINDS.map((name, k) => {
      const key = svg("svg", { width: 30, height: 10, "aria-hidden": "true" }, svg("path", { class: `ngd-way ${CLASSES[k]}`, style: LOOK[k], d: "M1 5H29" }));
      const cells = [cell(), cell(), cell()];
      return { cells, node: html("tr", {}, html("th", { scope: "row" }, key, html("span", { text: name })), ...cells) };
    });
    const told = html("p", { class: "ngd-told" });
    const first = Object.fromEntries(["d", "s", "eta", "damping", "readings", "n", "fit", "noise"].map(k => [k, ui.get(k)]));
    const open = s => s.reveal === "yes" || Object.keys(first).some(k => s[k] !== first[k]);
    const reveal = ui.button({ text: () => "Show the steps", press: () => ui.set({ reveal: "yes" }) });
    const distance = ui.range({ name: "d", label: "guess above the mean (degrees)", log: true, typed: true });
    const spread = ui.range({ name: "s", label: "spread of the readings (degrees)", step: 0.05, typed: true });
    const count = ui.range({ name: "readings", label: "number of readings", log: true, typed: true });
    const examples = ui.range({ name: "n", label: "number of examples", log: true, typed: true });
    const eta = ui.range({ name: "eta", label: "step size η", log: true, typed: true });
    const damping = ui.range({ name: "damping", label: "damping λ", step: 0.05, typed: true });
    const steps = ui.range({ name: "steps", label: "steps of the track", log: true, typed: true });
    const fit = ui.range({ name: "fit", label: "weights, in multiples of the true ones", step: 0.05, typed: true });
    const noise = ui.range({ name: "noise", label: "part of the labels flipped", step: 0.01, typed: true });
    const grid = (...nodes) => html("div", { class: "ngd-row" }, ...nodes);
    const first_ = grid(distance, spread, steps), second_ = grid(eta, damping, count), third_ = grid(fit, noise, examples);
    const table = html("table", { class: "ngd-figures ngd-numbers" }, html("thead", {}, html("tr", {}, html("th", { scope: "col", text: "Fisher" }), ...headWords)), html("tbody", {}, ...rows.map(r => r.node)));
    ui.root.append(
      html("div", { class: "ngd-row" }, ui.choice({ name: "view", label: "model", options: [["readings", "thermometers"], ["logistic", "logistic regression"]] }), reveal, ui.resetButton()),
      stage, html("div", { class: "ngd-pairs" }, first_, third_, second_), table, told);

    /** An arrow from a to b in pixels: path of the shaft and of the head. */
    const arrow = (shaft, head, a, b, show) => {
      const d = [b[0] - a[0], b[1] - a[1]], n = Math.hypot(...d);
      attr(shaft, { d: show ? line([a, b]) : "" });
      attr(head, { d: show && n > 3 ? ngd.chevron(b[0], b[1], d[0], d[1], 7) : "" });
    };
    const log3 = v => Math.min(300, Math.max(1e-3, Math.abs(v)));
    let width = 700, box = [];
    return {
      layout(w) {
        width = w;
        const left = 66, wide = w - left - 14;
        box = [left, 8, wide, 84];
        plane.update({ box: [left, 8, wide, 262], x: { domain: w < 480 ? [-4, 5] : [-8, 10], label: "first weight" }, y: { domain: [-4, 3], ticks: [-4, -2, 0, 2], label: "second weight" } });
        stage.size(w, 316);
      },
      draw: [s => {
        const shown = open(s), logit = s.view === "logistic";
        for (const panel of [one, many]) attr(panel.node, { visibility: logit ? "hidden" : null });
        attr(plane.node, { visibility: logit ? null : "hidden" });
        for (const node of [first_, second_]) attr(node, { hidden: logit });
        attr(third_, { hidden: !logit });
        attr(reveal, { hidden: shown });
        ["F", "unit step", "lands at"].forEach((t, k) => attr(headWords[k], { text: logit ? ["trace of F", "length of step", "lands at"][k] : s.eta === 1 ? t : ["F", "step", "lands at"][k] }));
        if (logit) {
          const w = TRUTH.map(t => s.fit * t), { F, steps: v } = logistic(s.fit, s.noise, s.n), X = plane.x, Y = plane.y;
          const at = p => [X(p[0]), Y(p[1])];
          KINDS.forEach((_, k) => {
            const end = [w[0] + v[k][0], w[1] + v[k][1]], good = v[k].every(Number.isFinite);
            attr(rings[k], { d: shown && good ? `${line(ellipse(F[k], w), X, Y)}Z` : "" });
            arrow(moves[k], heads[k], at(w), good ? at(end.map(e => ngd.clamp(e, -60, 60))) : at(w), shown && good);
            [F[k][0] + F[k][2], Math.hypot(...v[k])].forEach((value, j) => attr(rows[k].cells[j], { text: shown ? (good || !j ? significant(value, 3) : "–") : "?" }));
            attr(rows[k].cells[2], { text: shown ? (good ? `${fixed(end[0], 2)}, ${fixed(end[1], 2)}` : "–") : "?" });
          });
          attr(star, { d: ngd.shape("star", ...at(TRUTH), 8) });
          attr(point, { d: ngd.shape("disc", ...at(w), 5) });
          attr(starName, { x: X(TRUTH[0]).toFixed(1), y: (Y(TRUTH[1]) + 20).toFixed(1) });
          attr(told, { text: `Weights ${fixed(w[0], 2)}, ${fixed(w[1], 2)}; the true ones 1.50, −1.00. ${shown ? "" : "Which ellipse is the smallest, which step the shortest?"}` });
          return;
        }
        const [F, v] = readings(s.d, s.s, s.readings, s.damping), ends = v.map(x => s.d + s.eta * x);
        const seen = shown ? ends : [], low = Math.min(0, ...seen), high = Math.max(s.d, ...seen), pad = 0.12 * (high - low) || 1;
        one.update({ box, x: { domain: [MEAN + low - pad, MEAN + high + pad], label: "temperature (degrees)" }, y: { domain: [0, 1], ticks: [], label: "" } });
        const X = one.x;
        KINDS.forEach((_, k) => {
          const y = box[1] + 26 + 22 * k, a = X(MEAN + s.d), b = X(MEAN + ends[k]);
          arrow(arrows[k], tips[k], [a, y], [b, y], shown);
          attr(names[k], { x: box[0] - 8, y: y + 4, text: KINDS[k] });
          attr(rows[k].cells[0], { text: shown ? significant(F[k], 4) : "?" });
          attr(rows[k].cells[1], { text: shown ? significant(s.eta * v[k], 4) : "?" });
          attr(rows[k].cells[2], { text: shown ? fixed(MEAN + ends[k], 3) : "?" });
        });
        const top = box[1] + 12, bottom = box[1] + box[3];
        attr(here, { d: `M${X(MEAN + s.d).toFixed(1)} ${top}V${bottom}` });
        attr(goal, { d: `M${X(MEAN).toFixed(1)} ${top}V${bottom}` });
        attr(hereName, { x: X(MEAN + s.d).toFixed(1), y: top - 2 });
        attr(goalName, { x: X(MEAN).toFixed(1), y: top - 2 });
      }, s => {
        if (s.view === "logistic") return;
        const shown = open(s);
        many.update({ box: [box[0], 148, box[2], 124], x: { domain: [0, s.steps], label: "step" }, y: { domain: [1e-3, 300], log: true, ticks: [0.001, 0.1, 10], text: t => String(t), label: "degrees away" } });
        const all = ["x", "e"].map(kind => track(kind, s.d, s.s, s.eta, s.damping, s.steps));
        const every = Math.max(1, Math.ceil(s.steps / 300));
        all.forEach((found, k) => {
          const points = found.map((v, i) => [i, log3(v)]).filter((_, i) => i % every === 0 || i === s.steps);
          attr(lines[k], { d: shown ? line(points, many.x, many.y) : "" });
          attr(lineNames[k], { x: box[0] + box[2], y: (many.y(log3(found[s.steps])) - 8).toFixed(1), text: shown ? ["exact", "empirical"][k] : "" });
        });
        attr(degree, { d: line([[0, 1], [s.steps, 1]], many.x, many.y) });
        const last = all[1][s.steps], k = within(s.d, s.s, s.eta, s.damping);
        attr(told, { text: shown ? `Empirical: after ${s.steps} steps the guess is ${fixed(MEAN + last, 3)}; within one degree ${k === null ? "not in 10,000 steps" : k === 0 ? "from the start" : `after ${k} steps`}.` : `The guess is ${fixed(MEAN + s.d, 3)}, the readings are ${fixed(MEAN - s.s, 2)} and ${fixed(MEAN + s.s, 2)}. Where does each step end?` });
      }],
      say(s) {
        if (!open(s)) return "Guess first; then show the steps.";
        if (s.view === "logistic") {
          const { steps: v } = logistic(s.fit, s.noise, s.n);
          return `Lengths of the unit steps: exact ${significant(Math.hypot(...v[0]), 3)}, sampled ${significant(Math.hypot(...v[1]), 3)}, empirical ${significant(Math.hypot(...v[2]), 3)}.`;
        }
        const [, v] = readings(s.d, s.s, s.readings, s.damping);
        return `The exact step ends at ${fixed(MEAN + s.d + s.eta * v[0], 3)} degrees, the empirical one at ${fixed(MEAN + s.d + s.eta * v[2], 3)}.`;
      },
    };
  },
});
