// Newton's step and its relatives: theta - eta g/M in one chart of a one-parameter model, with M the
// Hessian, the Fisher information, the Gauss-Newton number cut at the mean, or 1. See newton_steps.py.
//
// A chart is given by its map to the mean, `to`, as [mean, one minus mean], and the first two
// derivatives of the mean; the loss by its first two derivatives in the mean. Then
//   g = l' u',   H = l'' u'^2 + l' u'',   F = f u'^2,   GGN = l'' u'^2.

const sigmoid = z => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));
const plain = { to: t => [t, 1 - t], from: u => u, d1: () => 1, d2: () => 0 };

const MODELS = {
  counter: {
    letter: "r", start: "r", data: "m",
    l1: ([u], m) => (u - m) / u, l2: ([u], m) => m / u / u, f: ([u]) => 1 / u,
    kl: ([u], m) => m * Math.log(m / u) - m + u,
    charts: {
      mean: { ...plain, title: "the rate r", short: "r", inside: t => t > 0 && t < 1e150 },
      root: { title: "the root √r", short: "√r", to: s => [s * s, NaN], from: Math.sqrt, d1: s => 2 * s, d2: () => 2, inside: s => s > 0 && s < 1e75 },
      natural: { title: "the logarithm log r", short: "log r", to: l => [Math.exp(l), NaN], from: Math.log, d1: Math.exp, d2: Math.exp, inside: l => Math.abs(l) < 345 },
    },
  },
  coin: {
    letter: "q", start: "q", data: "y",
    l1: ([u, v], m) => (u * (1 - m) - v * m) / (u * v), l2: ([u, v], m) => m / u / u + (1 - m) / v / v, f: ([u, v]) => 1 / (u * v),
    kl: ([u, v], m) => m * Math.log(m / u) + (1 - m) * Math.log((1 - m) / v),
    charts: {
      mean: { ...plain, title: "the probability q", short: "q", inside: t => t > 0 && t < 1 },
      root: { title: "the angle ω", short: "ω", to: w => [Math.sin(w / 2) ** 2, Math.cos(w / 2) ** 2], from: q => 2 * Math.asin(Math.sqrt(q)),
        d1: w => Math.sin(w) / 2, d2: w => Math.cos(w) / 2, inside: w => w > 0 && w < Math.PI },
      natural: { title: "the log-odds z", short: "z", to: z => [sigmoid(z), sigmoid(-z)], from: q => Math.log(q) - Math.log1p(-q),
        d1: z => sigmoid(z) * sigmoid(-z), d2: z => sigmoid(z) * sigmoid(-z) * (sigmoid(-z) - sigmoid(z)), inside: z => Math.abs(z) < 350 },
    },
  },
  square: {
    letter: "θ²", start: "t", data: "",
    l1: ([u], m) => u - m, l2: () => 1, f: () => 1,
    kl: ([u], m) => (u - m) ** 2 / 2,
    charts: { mean: { title: "θ itself", short: "θ", to: t => [t * t, NaN], from: Math.sqrt, d1: t => 2 * t, d2: () => 2, inside: t => Math.abs(t) < 1e6 } },
  },
};
const MATRICES = { hessian: "Hessian", fisher: "Fisher", ggn: "GGN", none: "none" };

/** The slope of the loss and the four matrices, at a point of a chart, for data of mean m. */
const curvature = (model, chart, t, m) => {
  const { l1, l2, f, charts } = MODELS[model], c = charts[chart], u = c.to(t), d = c.d1(t);
  const ggn = l2(u, m) * d * d;
  return { g: l1(u, m) * d, hessian: ggn + l1(u, m) * c.d2(t), fisher: f(u) * d * d, ggn, none: 1 };
};
/** The KL divergence of the member at a point from the data's; infinite outside. */
const loss = (model, chart, t, m) => {
  const c = MODELS[model].charts[chart];
  return Number.isFinite(t) && c.inside(t) ? MODELS[model].kl(c.to(t), m) : Infinity;
};
/** The points of n steps; ends where a step has left the model. */
const path = (model, chart, matrix, start, m, eta, n) => {
  const points = [start], { inside } = MODELS[model].charts[chart];
  while (points.length <= n) {
    const t = points.at(-1);
    if (!Number.isFinite(t) || !inside(t)) break;
    const c = curvature(model, chart, t, m);
    points.push(t - (eta * c.g) / c[matrix]);
  }
  return points;
};
/** A point as the mean of its member; NaN outside the model. */
const meanOf = (model, chart, t) => {
  const c = MODELS[model].charts[chart];
  return Number.isFinite(t) && c.inside(t) ? c.to(t)[0] : NaN;
};

export const math = { curvature, loss, path, meanOf };

export default ngd.demo({
  state: { model: Object.keys(MODELS), chart: ["mean", "root", "natural"], matrix: Object.keys(MATRICES),
    r: [0.1, 100], m: [0.5, 20], q: [0.01, 0.99], y: [0.05, 0.95], t: [-1.5, 2.5], eta: [0.05, 2], steps: [0, 50, "integer"] },

  build(ui) {
    const { svg, html, attr, line, shape, clamp, fixed, significant } = ngd;
    const stage = ngd.stage("The loss in a chart, and the means that the steps reach");
    const left = ngd.plot(stage), right = ngd.plot(stage);
    const add = (parent, name, given) => {
      const node = svg(name, given);
      parent.append(node);
      return node;
    };
    const heads = [0, 1].map(() => add(stage, "text", { class: "ngd-title", "aria-hidden": "true" }));
    const ROLE = { hessian: "ngd-ink", fisher: "ngd-natural", ggn: "ngd-metric", none: "ngd-euclidean" };
    const INK = "--ngd-paint:currentColor";
    const parts = {
      curve: add(left.inside, "path", { class: "ngd-curve" }), track: add(left.inside, "path"),
      parabola: add(left.inside, "path"), fall: add(left.inside, "path", { class: "ngd-goal" }),
      goal: add(left.over, "path", { class: "ngd-star" }), landing: add(left.inside, "path"),
      aim: add(right.inside, "path", { class: "ngd-goal" }), star: add(right.over, "path", { class: "ngd-star" }),
      others: [0, 1].map(() => ({ way: add(right.inside, "path", { class: "ngd-way", style: `${INK};stroke-width:1;opacity:0.55;stroke-dasharray:2 3` }),
        name: add(right.over, "text", { class: "ngd-words ngd-quiet", "aria-hidden": "true" }) })),
      way: add(right.inside, "path"), dots: add(right.inside, "path"), begin: add(right.over, "path", { class: "ngd-star" }),
      own: add(right.over, "text", { class: "ngd-words ngd-title", "aria-hidden": "true" }),
    };
    const chartOf = s => (MODELS[s.model].charts[s.chart] ? s.chart : "mean");
    const dataOf = s => (MODELS[s.model].data ? s[MODELS[s.model].data] : 1);
    const startIn = (s, chart) => {
      const given = s[MODELS[s.model].start];
      return s.model === "square" ? given : MODELS[s.model].charts[chart].from(given);
    };
    const now = () => Object.fromEntries(["model", "chart", "matrix", "r", "m", "q", "y", "t", "eta", "steps"].map(k => [k, ui.get(k)]));
    const key = () => MODELS[ui.get("model")].start;
    const LIMITS = { r: [0.1, 100], q: [0.01, 0.99], t: [-1.5, 2.5] };
    const setStart = v => ui.set({ [key()]: Number(clamp(v, ...LIMITS[key()]).toPrecision(4)) });
    const byFactor = () => key() === "r";
    const grip = {
      get min() { return byFactor() ? Math.log(0.1) : LIMITS[key()][0]; }, get max() { return byFactor() ? Math.log(100) : LIMITS[key()][1]; }, step: 0.05,
      get: () => (byFactor() ? Math.log(ui.get("r")) : ui.get(key())), set: v => setStart(byFactor() ? Math.exp(v) : v),
      text: () => `${key() === "t" ? "θ" : key()} ${significant(ui.get(key()), 3)}`,
    };
    const handle = ui.handle(left.over, { label: "starting point", size: 5, open: true, axes: [grip], place: x => {
      const s = now(), t = left.x.invert(x), c = MODELS[s.model].charts[chartOf(s)];
      if (c.inside(t)) setStart(s.model === "square" ? t : c.to(t)[0]);
    } });

    const told = html("p", { class: "ngd-told" });
    const rows = ["mean", "root", "natural"].map(chart => {
      const head = html("th", { scope: "row" }), cells = [0, 1, 2, 3].map(() => html("td"));
      return { chart, head, cells, node: html("tr", {}, head, ...cells) };
    });
    const titles = ["chart", "matrix", "velocity", "lands at", "KL there"].map(text => html("th", { scope: "col", text }));
    const table = html("table", { class: "ngd-figures newton-table" }, html("thead", {}, html("tr", {}, ...titles)), html("tbody", {}, ...rows.map(r => r.node)));
    const sliders = {
      r: ui.range({ name: "r", label: "start: rate r", log: true, typed: true }), q: ui.range({ name: "q", label: "start: probability q", step: 0.01, typed: true }),
      t: ui.range({ name: "t", label: "start: θ", step: 0.05, typed: true }),
      m: ui.range({ name: "m", label: "mean of the data m", log: true, typed: true }), y: ui.range({ name: "y", label: "heads in the data", step: 0.05, typed: true }),
    };
    const choice = ui.choice({ name: "chart", label: "chart", options: [["mean", "r"], ["root", "√r"], ["natural", "log r"]] });
    const words = [...choice.querySelectorAll("span")];
    const models = ui.choice({ name: "model", label: "model", options: [["counter", "counter"], ["coin", "coin"], ["square", "mean θ²"]] });
    models.addEventListener("change", () => ui.set({ steps: 0 })); // another question: guess again
    const step = by => () => ui.set({ steps: clamp(ui.get("steps") + by, 0, 50) });
    ui.root.append(
      stage, told, table,
      html("div", { class: "ngd-buttons" }, ui.button({ text: "One step", press: step(1) }), ui.button({ text: "Back", press: step(-1) }),
        ui.button({ text: "50 steps", press: () => ui.set({ steps: 50 }) }), ui.resetButton()),
      html("div", { class: "ngd-row" }, choice, ui.choice({ name: "matrix", label: "matrix", options: Object.entries(MATRICES) })),
      html("div", { class: "ngd-row" }, sliders.r, sliders.q, sliders.t, sliders.m, sliders.y, ui.range({ name: "eta", label: "step size η", log: true, typed: true })),
      html("details", { class: "ngd-more" }, html("summary", { text: "Other models" }), html("div", { class: "ngd-row" }, models)),
    );

    let box = [], small = false;
    const way = (node, classes, role, width) => attr(node, { class: `${classes} ${ROLE[role]}`, style: `${role === "hessian" ? `${INK};${classes === "ngd-way" ? "stroke-dasharray:9 3 2 3;" : ""}` : ""}stroke-width:${width}` });
    /** What the left panel spans: fixed for a model and a chart, but that it makes room for the start. */
    const windowOf = s => {
      const chart = chartOf(s), { from } = MODELS[s.model].charts[chart];
      if (s.model === "square") return [-2, 2.9];
      if (s.model === "coin") return { mean: [0, 1], root: [0, Math.PI], natural: [-6, 6] }[chart];
      const most = Math.max(12, 2.2 * s.m, 1.2 * s.r);
      return chart === "natural" ? [Math.log(0.08), Math.log(120)] : [0, from(most)];
    };
    return {
      layout(width) {
        small = width < 600;
        const edge = small ? 40 : 54, w = (width - 2 * edge - 10) / 2, h = small ? 150 : 210;
        box = [0, 1].map(k => [edge + k * (w + edge), 26, w, h]);
        heads.forEach((node, k) => attr(node, { x: box[k][0] - (small ? 26 : 0), y: 12 }));
        stage.size(width, h + 72);
      },
      draw: [s => {
        const chart = chartOf(s), M = MODELS[s.model], c = M.charts[chart], m = dataOf(s), here = startIn(s, chart), began = loss(s.model, chart, here, m);
        const [low, high] = windowOf(s);
        Object.entries(sliders).forEach(([name, node]) => attr(node, { hidden: name !== M.start && name !== M.data ? true : null }));
        words.forEach((node, k) => {
          const other = M.charts[["mean", "root", "natural"][k]];
          attr(node, { text: other ? other.short : "" });
        });
        attr(choice, { hidden: Object.keys(M.charts).length < 2 ? true : null });
        const top = Math.max(1.35 * began, s.model === "counter" ? M.kl([m / 4, 0], m) : 0.4);
        left.update({ box: box[0], x: { domain: [low, high], label: small ? c.short : c.title, ticks: ngd.linear([low, high], [0, 1]).ticks(small ? 3 : 5) },
          y: { domain: [-0.5 * top, top], away: small ? 30 : 40, ticks: ngd.linear([-0.5 * top, top], [0, 1]).ticks(4) } });
        const X = v => clamp(left.x(v), -1e4, 1e4), Y = v => clamp(left.y(v), -1e4, 1e4);
        attr(heads[0], { text: small ? "loss above the best" : "loss above the best (nats)" });
        const grid = Array.from({ length: 121 }, (_, k) => low + ((k + 0.5) * (high - low)) / 121).filter(c.inside);
        attr(parts.curve, { d: line(grid.map(t => [t, loss(s.model, chart, t, m)]), X, Y) });
        attr(parts.goal, { d: shape("star", X(c.from(m)), Y(0), 7) });
        const { g, [s.matrix]: matrix } = curvature(s.model, chart, here, m), bend = matrix / s.eta;
        way(parts.parabola, "ngd-way", s.matrix, 1.8);
        way(parts.landing, "ngd-end", s.matrix, 1.8);
        way(parts.track, "ngd-dots", s.matrix, s.steps > 20 ? 3.5 : 5.5);
        const later = path(s.model, chart, s.matrix, here, m, s.eta, s.steps).slice(2).map(t => [t, loss(s.model, chart, t, m)]).filter(p => p.every(Number.isFinite));
        attr(parts.track, { d: later.map(p => line([p, p], X, Y)).join("") });
        if (s.steps) {
          const v = -g / bend, bottom = began - (g * g) / (2 * bend);
          const around = Array.from({ length: 81 }, (_, k) => low + (k * (high - low)) / 80);
          attr(parts.parabola, { d: line(around.map(t => [t, began + g * (t - here) + (bend * (t - here) ** 2) / 2]), X, Y) });
          const there = loss(s.model, chart, here + v, m);
          attr(parts.fall, { d: Number.isFinite(there) ? line([[here + v, bottom], [here + v, there]], X, Y) : "" });
          attr(parts.landing, { d: shape("square", X(here + v), clamp(Y(Number.isFinite(there) ? there : bottom), box[0][1] + 6, box[0][1] + box[0][3] - 6), 4.5) });
        } else [parts.parabola, parts.fall, parts.landing].forEach(node => attr(node, { d: "" }));
        handle.move(X(here), Y(began), 0, [8, 8, 8, 8]);
      }, s => {
        const M = MODELS[s.model], own = chartOf(s), m = dataOf(s), names = Object.keys(M.charts), n = s.steps;
        const range = { counter: [0.1, 100], coin: [0, 1], square: [0, 4] }[s.model], many = Math.max(n, 5);
        right.update({ box: box[1], x: { domain: [0, many], label: "step", ticks: many > 10 ? [0, 25, 50].filter(t => t <= many) : small ? [0, many] : Array.from({ length: many + 1 }, (_, k) => k) },
          y: { domain: range, log: s.model === "counter", away: small ? 30 : 40, ticks: { counter: [0.1, 1, 10, 100], coin: [0, 0.5, 1], square: [0, 1, 2, 3, 4] }[s.model] } });
        const X = right.x, [edge, top, wide, tall] = box[1], Y = v => clamp(right.y(v), top - 6, top + tall + 6);
        attr(heads[1], { text: small ? `mean ${M.letter} of the model` : `the model’s mean ${M.letter}, step by step` });
        const runs = Object.fromEntries(names.map(chart => [chart, path(s.model, chart, s.matrix, startIn(s, chart), m, s.eta, Math.max(n, 1))]));
        const trail = chart => runs[chart].slice(0, n + 1).map((t, k) => [k, meanOf(s.model, chart, t)]).filter(([, u]) => u > 0);
        attr(parts.aim, { d: line([[edge, Y(m)], [edge + wide, Y(m)]]) });
        attr(parts.star, { d: shape("star", edge + wide, Y(m), 7) });
        const first = meanOf(s.model, own, startIn(s, own));
        attr(parts.begin, { d: shape("disc", X(0), Y(first), 4.5) });
        way(parts.way, "ngd-way", s.matrix, 2);
        way(parts.dots, "ngd-dots", s.matrix, n > 20 ? 3.5 : 5.5);
        const mine = trail(own);
        attr(parts.way, { d: n ? line(mine, X, Y) : "" });
        attr(parts.dots, { d: n ? mine.map(p => line([p, p], X, Y)).join("") : "" });
        const tagged = [];
        const tag = (node, chart) => {
          const last = n && chart ? trail(chart).at(1) : null;
          if (!last || small) attr(node, { text: "" });
          else tagged.push([Y(last[1]) - 6, node, X(last[0]) + 7, M.charts[chart].short]);
        };
        tag(parts.own, own);
        names.filter(chart => chart !== own).concat([null, null]).slice(0, 2).forEach((chart, k) => {
          attr(parts.others[k].way, { d: chart && n ? line(trail(chart), X, Y) : "" });
          tag(parts.others[k].name, chart);
        });
        let free = top + 10; // names stand one below the other, in the order of their ends
        tagged.sort((a, b) => a[0] - b[0]).forEach(([y, node, x, text]) => {
          y = Math.max(free, clamp(y, top + 10, top + tall - 4));
          free = y + 14;
          attr(node, { x: x.toFixed(1), y: y.toFixed(1), text });
        });
        attr(titles[1], { text: { hessian: "Hessian", fisher: "Fisher", ggn: "GGN", none: "matrix" }[s.matrix] });
        attr(titles[2], { text: `d${s.model === "square" ? "θ" : M.letter}/dη` });
        rows.forEach(({ chart, head, cells, node }) => {
          const c = M.charts[chart];
          attr(node, { hidden: c ? null : true });
          if (!c) return;
          attr(head, { text: c.short, style: chart === own ? "font-weight:650" : "" });
          const here = startIn(s, chart), k = curvature(s.model, chart, here, m), end = runs[chart][1];
          const rate = (-k.g / k[s.matrix]) * (s.model === "square" ? 1 : c.d1(here)), mean = meanOf(s.model, chart, end);
          const shown = !n ? ["?", "?", "?", "?"] : [significant(k[s.matrix], 4), significant(rate, 4),
            Number.isFinite(mean) ? significant(s.model === "square" ? end : mean, 4) : "outside", Number.isFinite(mean) ? significant(loss(s.model, chart, end, m), 4) : ""];
          cells.forEach((cell, i) => attr(cell, { text: shown[i] }));
        });
        const last = runs[own].at(n), at = last === undefined ? NaN : meanOf(s.model, own, last);
        attr(told, { text: !n ? `At the start: ${M.letter} = ${significant(first, 4)}, KL ${significant(loss(s.model, own, startIn(s, own), m), 4)}. Guess, then take one step.`
          : Number.isFinite(at) ? `After ${n} step${n > 1 ? "s" : ""} in ${M.charts[own].short}: ${M.letter} = ${significant(at, 4)}, KL ${significant(loss(s.model, own, last, m), 4)}.`
            : `In ${M.charts[own].short} step ${runs[own].length - 1} leaves the model.` });
      }],
      say: () => told.textContent,
    };
  },
});
