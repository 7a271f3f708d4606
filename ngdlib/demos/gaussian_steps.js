// A Gaussian q in two charts, and the loss KL(q ‖ posterior) of a conjugate model: where ordinary and
// natural steps go, by the arrows of each chart and by the Gaussians that they end at.
// See gaussian_steps.py. A point (mean, standard deviation) is a base point; the charts: gaussian_charts.js.

const PRIOR = [0, 0.5]; // what is believed before the measurements
const RADIUS = 0.5; // the Fisher length of the ellipse

/** [mean, standard deviation] after `count` measurements with the sum `total` and noise `noise`. */
const posterior = (count, total, noise) => {
  const precision = PRIOR[1] ** -2 + count / noise ** 2;
  return [(PRIOR[0] * PRIOR[1] ** -2 + total / noise ** 2) / precision, precision ** -0.5];
};
/** Gradient of KL(q ‖ N(m, d)) by mean and standard deviation. */
const gradient = ([mu, s], [m, d]) => [(mu - m) / d ** 2, s / d ** 2 - 1 / s];
const divergence = ([mu, s], [m, d]) => Math.log(d / s) + (s * s + (mu - m) ** 2) / (2 * d * d) - 0.5;
/** A base velocity as one of a chart, given the Jacobian B of the base in the chart. */
const carried = ([[a, b], [c, d]], [x, y]) => { const det = a * d - b * c; return [(d * x - b * y) / det, (a * y - c * x) / det]; };
/** The direction of steepest descent in a chart, from base point q: -g, or -F⁻¹g. */
const direction = (chart, metric, q, goal) => {
  const B = GAUSSIAN_CHARTS[chart].B(q), g = gradient(q, goal), v = q[1] ** 2;
  if (metric === "natural") return carried(B, [-v * g[0], (-v / 2) * g[1]]);
  return [0, 1].map(j => -(B[0][j] * g[0] + B[1][j] * g[1]));
};
/** The points of n steps in a chart, from base point q; the last may lie outside the model. */
const path = (chart, metric, q, goal, eta, n) => {
  const { from, to, inside } = GAUSSIAN_CHARTS[chart], points = [from(q)];
  while (points.length <= n && inside(points.at(-1))) {
    const here = points.at(-1), move = direction(chart, metric, to(here), goal);
    points.push(here.map((x, k) => x + eta * move[k]));
  }
  return points;
};
/** Where they end, as a base point; null outside the model. */
const end = (chart, points) => {
  const { inside, to } = GAUSSIAN_CHARTS[chart], last = points.at(-1);
  return last.every(Number.isFinite) && inside(last) ? to(last) : null;
};
/** The Fisher ellipse around q in a chart, points of Fisher length RADIUS. */
const ellipse = (chart, q, n = 60) => {
  const { from, B } = GAUSSIAN_CHARTS[chart], at = from(q), J = B(q);
  return Array.from({ length: n + 1 }, (_, k) => {
    const t = (2 * Math.PI * k) / n, v = carried(J, [RADIUS * q[1] * Math.cos(t), (RADIUS * q[1] * Math.sin(t)) / Math.SQRT2]);
    return [at[0] + v[0], at[1] + v[1]];
  });
};

export const math = { posterior, gradient, divergence, direction, path, end, ellipse, PRIOR, RADIUS };

const FIRST = "mu, sigma", OTHERS = ["mu, log sigma", "natural", "mu, sigma^2", "expectation"];
const TITLES = { "mu, sigma": "(μ, σ)", "mu, log sigma": "(μ, log σ)", natural: "natural parameters", "mu, sigma^2": "(μ, σ²)", expectation: "expectation parameters" };
const WINDOWS = { "mu, sigma": [[-1.4, 5.2], [-0.55, 1.25]], "mu, log sigma": [[-1.4, 5.2], [-5, 0.8]], natural: [[-14, 26], [-12, 1.5]],
  "mu, sigma^2": [[-1.4, 5.2], [-0.8, 1.5]], expectation: [[-1.4, 5.2], [-1.5, 6.5]] };
/** Why numbers of a chart are no Gaussian. */
const fault = (chart, [a, b], digits) => {
  const f = x => ngd.fixed(x, digits);
  return { "mu, sigma": `σ = ${f(b)}`, "mu, sigma^2": `σ² = ${f(b)}`, natural: `precision ${f(-2 * b)}`, expectation: `σ² = ${f(b - a * a)}` }[chart] ?? "";
};
const METRICS = ["euclidean", "natural"], WORDS = { euclidean: "ordinary", natural: "natural" };

export default ngd.demo({
  state: { mu: [-1, 5], sigma: [0.01, 1.2], count: [1, 20, "integer"], total: [-9, 9], noise: [0.2, 2], other: OTHERS,
    eta: [0, 1.2], steps: [1, 8, "integer"], answer: ["hidden", "shown"] },

  build(ui) {
    const { svg, html, attr, line, shape, chevron, fixed, clamp } = ngd;
    const stage = ngd.stage("One Gaussian in two charts, and its density; drag the disc");
    const KEYS = ["first", "second"], put = (parent, name, given) => parent.appendChild(svg(name, given));
    const panels = KEYS.map((key, k) => {
      const plot = ngd.plot(stage), part = { plot, title: put(stage, "text", { class: "ngd-title" }) };
      part.outside = put(plot.inside, "path", { fill: "var(--ngd-rule)", opacity: 0.5 });
      part.outsideWords = put(plot.over, "text", { class: "ngd-words ngd-quiet", text: "no Gaussian", "text-anchor": "end" });
      part.ellipse = put(put(plot.inside, "g", { class: "ngd-metric" }), "path", { class: "ngd-end", style: "stroke-width:1.2" });
      part.goal = put(plot.inside, "path", { class: "ngd-star" });
      part.runs = METRICS.map(metric => {
        const g = put(plot.inside, "g", { class: `ngd-${metric}` }), rim = put(plot.over, "g", { class: `ngd-${metric}` });
        return { way: put(g, "path", { class: "ngd-way" }), dots: put(g, "path", { class: "ngd-dots" }), mark: put(g, "path", { class: "ngd-end" }), off: put(rim, "path", { class: "ngd-end ngd-open" }) };
      });
      const chart = () => (k ? ui.get("other") : FIRST);
      const place = (x, y) => {
        const { to, inside } = GAUSSIAN_CHARTS[chart()], theta = [plot.x.invert(x), plot.y.invert(y)];
        if (!inside(theta)) return;
        const [mu, sigma] = to(theta);
        ui.set({ mu: Math.round(mu * 1e3) / 1e3, sigma: Number(sigma.toPrecision(3)) });
      };
      part.handle = ui.handle(plot.over, { label: `q, in ${TITLES[k ? "mu, log sigma" : FIRST]}`, size: 5, open: true, tab: !k, place, axes: [
        { min: -1, max: 5, step: 0.05, get: () => ui.get("mu"), set: mu => ui.set({ mu: Math.round(mu * 1e4) / 1e4 }), text: v => `mean ${fixed(v, 2)}` },
        { min: 0.01, max: 1.2, step: 0.025, get: () => ui.get("sigma"), set: sigma => ui.set({ sigma: Math.round(sigma * 1e4) / 1e4 }), text: v => `standard deviation ${fixed(v, 3)}` }] });
      return part;
    });
    const space = put(stage, "g", { "aria-hidden": "true" }), heading = put(stage, "text", { class: "ngd-title", text: "the densities" });
    const ground = put(space, "path", { class: "ngd-guide", style: "stroke:var(--ngd-muted)" });
    const begin = put(space, "path", { class: "ngd-curve" }), aim = put(space, "path", { class: "ngd-curve", style: "stroke-dasharray:1.5 3" });
    const bells = METRICS.flatMap(metric => KEYS.map(() => {
      const g = put(space, "g", { class: `ngd-${metric}` });
      return { way: put(g, "path", { class: "ngd-way" }), mark: put(g, "path", { class: "ngd-end" }) };
    }));
    const beginWords = put(space, "text", { class: "ngd-words", text: "q" }), aimWords = put(space, "text", { class: "ngd-words", text: "posterior" });

    const id = `gaussian-${Math.random().toString(36).slice(2, 7)}`;
    const select = html("select", { id }, ...OTHERS.map(chart => html("option", { value: chart, text: TITLES[chart] })));
    select.addEventListener("change", () => ui.set({ other: select.value }));
    const begun = ["mu", "sigma", "count", "total", "noise", "other", "eta", "steps"].map(name => [name, ui.get(name)]);
    const reveal = ui.button({ text: "Show the steps", press: () => ui.set({ answer: "shown" }) });
    const cells = KEYS.map(() => METRICS.map(() => html("td")));
    const names = KEYS.map(() => html("th", { scope: "row" }));
    const table = html("table", { class: "ngd-figures ngd-numbers" },
      html("thead", {}, html("tr", {}, html("th", { scope: "col", text: "taken in" }), html("th", { scope: "col", text: "ordinary", style: "color:var(--ngd-euclidean)" }), html("th", { scope: "col", text: "natural", style: "color:var(--ngd-natural)" }))),
      html("tbody", {}, ...KEYS.map((_, k) => html("tr", {}, names[k], ...cells[k]))));
    const told = html("p", { class: "ngd-told" });
    ui.root.append(stage, told, table,
      html("div", { class: "ngd-row" }, ui.range({ name: "eta", label: "step size η", step: 0.02, typed: true }), ui.range({ name: "steps", label: "steps", text: String })),
      html("div", { class: "ngd-row" }, html("div", { class: "ngd-pick" }, html("label", { for: id, text: "the other chart" }), select), reveal, ui.resetButton()),
      html("details", { class: "ngd-more" }, html("summary", { text: "q and the measurements, typed" }), html("div", { class: "ngd-row" },
        ui.range({ name: "mu", label: "mean of q", step: 0.05, typed: true }), ui.range({ name: "sigma", label: "σ of q", log: true, typed: true }),
        ui.range({ name: "count", label: "measurements", typed: true }), ui.range({ name: "total", label: "their sum", step: 0.5, typed: true }), ui.range({ name: "noise", label: "noise σ of one", log: true, typed: true }))));

    let small = false, boxes, spaceBox, charts, runs, q, goal, shown, windows = [];
    return {
      layout(width) {
        small = width < 600;
        const edge = small ? 44 : 58, gap = small ? 40 : 62, w = (width - edge - gap - 6) / 2, h = small ? 128 : 200;
        boxes = [[edge, 22, w, h], [edge + w + gap, 22, w, h]];
        spaceBox = [edge, 22 + h + 62, width - edge - 6, small ? 64 : 96];
        boxes.forEach(([x, y], k) => attr(panels[k].title, { x: x - (small ? 26 : 0), y: y - 8 }));
        attr(heading, { x: spaceBox[0] - (small ? 26 : 0), y: spaceBox[1] - 6 });
        stage.size(width, spaceBox[1] + spaceBox[3] + 8);
      },
      draw: [
        s => {
          shown = s.answer === "shown" || begun.some(([name, value]) => s[name] !== value); // the guess is over
          if (shown && s.answer === "hidden") ui.set({ answer: "shown" });
          attr(reveal, { style: shown ? "display:none" : null });
          if (select.value !== s.other) select.value = s.other;
          charts = [FIRST, s.other];
          q = [s.mu, s.sigma];
          goal = posterior(s.count, s.total, s.noise);
          runs = charts.map(chart => METRICS.map(metric => {
            const points = path(chart, metric, q, goal, s.eta, s.steps);
            return { points, end: end(chart, points) };
          }));
          KEYS.forEach((_, k) => drawPanel(k));
          attr(told, { text: `q: mean ${fixed(q[0], 2)}, σ = ${fixed(q[1], 3)}. Posterior: mean ${fixed(goal[0], 2)}, σ = ${fixed(goal[1], 3)}, precision Λ = ${fixed(goal[1] ** -2, 1)}. Λσ² = ${fixed((q[1] / goal[1]) ** 2, 3)}.` });
        },
        () => charts.forEach((chart, k) => {
          attr(names[k], { text: small ? TITLES[chart].replace(" parameters", "") : TITLES[chart] });
          METRICS.forEach((_, m) => attr(cells[k][m], { text: shown ? words(chart, runs[k][m]) : "?" }));
        }),
        () => drawDensities(),
      ],
      say(s) {
        if (!shown) return "The steps are not shown yet.";
        return `q: mean ${fixed(s.mu, 2)}, standard deviation ${fixed(s.sigma, 3)}. ` + charts.map((chart, k) => `${TITLES[chart]}: ` + METRICS.map((metric, m) => `${WORDS[metric]} ${words(chart, runs[k][m])}`).join(", ")).join(". ");
      },
    };

    /** Where a run ended, in words. */
    function words(chart, { points, end: at }) {
      const digits = v => (Math.abs(v) < 0.1 ? 3 : 2);
      if (at) return `${small ? "μ" : "mean"} ${fixed(at[0], digits(at[0]))}, σ ${fixed(at[1], 3)}`;
      const last = points.at(-1), mean = chart.startsWith("mu") && !small ? `mean ${fixed(last[0], digits(last[0]))}, ` : "";
      return `${small ? "none" : "no Gaussian"}: ${mean}${fault(chart, last, 2)}`;
    }

    function drawPanel(k) {
      const chart = charts[k], { from, names: [a, b] } = GAUSSIAN_CHARTS[chart], { plot, title, outside, outsideWords, ellipse: ring, goal: star, runs: parts, handle } = panels[k];
      const [X0, Y0] = WINDOWS[chart], at = from(q), there = from(goal);
      if (!ui.dragging || !windows[k] || windows[k].chart !== chart) windows[k] = { chart, x: [Math.min(X0[0], 1.2 * Math.min(at[0], there[0])), Math.max(X0[1], 1.1 * at[0], 1.1 * there[0])], y: [Math.min(Y0[0], 1.15 * at[1], 1.15 * there[1]), Y0[1]] };
      const { x, y } = windows[k], [bx, by, w, h] = boxes[k];
      const ticks = (domain, n) => ngd.linear(domain, [0, 1]).ticks(n);
      plot.update({ box: boxes[k], x: { domain: x, ticks: ticks(x, small ? 3 : 5), label: a }, y: { domain: y, ticks: ticks(y, small ? 3 : 4), label: small ? "" : b, away: 40 } });
      attr(title, { text: small && chart !== FIRST ? TITLES[chart].replace(" parameters", "") : `in ${TITLES[chart]}` });
      const X = v => clamp(plot.x(v), -1e4, 1e4), Y = v => clamp(plot.y(v), -1e4, 1e4);
      // where no Gaussian is: below zero, above zero, or below the parabola
      const edge = chart === "mu, log sigma" ? "" : chart === "natural" ? `M${bx} ${by}H${bx + w}V${Y(0)}H${bx}Z` : chart === "expectation"
        ? `${line(Array.from({ length: 41 }, (_, i) => { const t = x[0] + (i * (x[1] - x[0])) / 40; return [t, t * t]; }), X, Y)}L${bx + w} ${by + h}L${bx} ${by + h}Z` : `M${bx} ${by + h}H${bx + w}V${Y(0)}H${bx}Z`;
      attr(outside, { d: edge });
      attr(outsideWords, { x: bx + w - 4, y: chart === "natural" ? by + 12 : by + h - 6, visibility: edge ? null : "hidden" });
      attr(ring, { d: `${line(ellipse(chart, q), X, Y)}Z` });
      attr(star, { d: shape("star", X(there[0]), Y(there[1]), 7) });
      parts.forEach(({ way, dots, mark, off }, m) => {
        const { points, end: good } = runs[k][m], last = points.at(-1), px = X(last[0]), py = Y(last[1]);
        attr(way, { d: shown ? line(points, X, Y) : "" });
        attr(dots, { d: shown ? points.slice(1, -1).map(p => `M${X(p[0]).toFixed(1)} ${Y(p[1]).toFixed(1)}h0`).join("") : "" });
        const inside = px >= bx && px <= bx + w && py >= by && py <= by + h;
        attr(mark, { d: shown && inside ? shape(k ? "square" : "disc", px, py, 4.5) : "", style: good ? null : "fill:none" });
        const cx = clamp(px, bx, bx + w), cy = clamp(py, by, by + h), before = points.at(-2) ?? last;
        attr(off, { d: shown && !inside ? chevron(...crossing([X(before[0]), Y(before[1])], [px, py], boxes[k]) ?? [cx, cy], px - X(before[0]), py - Y(before[1])) : "" });
      });
      const hx = clamp(X(at[0]), bx, bx + w), hy = clamp(Y(at[1]), by, by + h);
      const reach = [ellipse(chart, q, 40)].flatMap(points => [0, 1].map(i => Math.max(...points.map(p => Math.abs(i ? Y(p[1]) - Y(at[1]) : X(p[0]) - X(at[0]))))));
      const [rx, ry] = reach.map(r => clamp(r + 5, 9, 60));
      handle.move(hx, hy, 0, [rx, rx, ry, ry]);
    }

    /** Where the way from a to b leaves the box; undefined if a is not in it. */
    function crossing([ax, ay], [bx, by], [x, y, w, h]) {
      if (ax < x || ax > x + w || ay < y || ay > y + h) return undefined;
      const t = Math.min(...[[ax, bx, x, x + w], [ay, by, y, y + h]].map(([p, q, low, high]) => (q > high ? (high - p) / (q - p) : q < low ? (low - p) / (q - p) : 1)));
      return [ax + t * (bx - ax), ay + t * (by - ay)];
    }

    function drawDensities() {
      const [x, y, w, h] = spaceBox, [low, high] = WINDOWS[FIRST][0], ends = METRICS.flatMap((_, m) => KEYS.map((_, k) => (shown ? runs[k][m].end : null)));
      const seen = [goal, q, ...ends].filter(at => at && at[0] > low && at[0] < high);
      const top = 1.15 * Math.min(4, Math.max(...seen.map(([, d]) => 0.4 / d), 0.4));
      const height = p => y + h * (1 - Math.min(p / top, 1.05)), across = t => x + (w * (t - low)) / (high - low);
      const bell = ([m, d]) => {
        const from = Math.max(low, m - 4 * d), to = Math.min(high, m + 4 * d);
        if (!(to > from)) return "";
        return line(Array.from({ length: 61 }, (_, i) => { const t = from + ((to - from) * i) / 60; return [across(t), height(Math.exp(-(((t - m) / d) ** 2) / 2) / (d * Math.sqrt(2 * Math.PI)))]; }));
      };
      attr(ground, { d: `M${x} ${y + h}H${x + w}` });
      attr(begin, { d: bell(q) });
      attr(aim, { d: bell(goal) });
      bells.forEach(({ way, mark }, i) => {
        const at = seen.includes(ends[i]) ? ends[i] : null;
        attr(way, { d: at ? bell(at) : "" });
        attr(mark, { d: at ? shape(i % 2 ? "square" : "disc", across(at[0]), height(0.4 / at[1]), 4) : "" });
      });
      attr(beginWords, { x: across(q[0] - 0.8 * q[1]) - 8, y: height(0.29 / q[1]), "text-anchor": "end" });
      attr(aimWords, { x: across(goal[0] + 0.8 * goal[1]) + 8, y: height(0.29 / goal[1]), "text-anchor": "start" });
    }
  },
});
