// Steps in any chart: one and ten steps of ordinary and natural descent, taken in two charts of one
// family, and the gap between where they end against the step size.
//
// Each family has a base chart with closed forms; every other chart is given by its map from the base
// and by B, the Jacobian of the base coordinates in its own. A gradient pulls back, g = Bᵀ g_base; a
// velocity goes the other way, v = B⁻¹ v_base.

const TARGET = { bernoulli: [0.8], gaussian: [1, 0.5], trinomial: [0.55, 0.3] };
const sigmoid = z => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z)));

const solve = (B, v) => {
  if (v.length === 1) return [v[0] / B[0][0]];
  const [[a, b], [c, d]] = B, det = a * d - b * c;
  return [(d * v[0] - b * v[1]) / det, (a * v[1] - c * v[0]) / det];
};
const transposed = (B, g) => g.map((_, j) => g.reduce((sum, gi, i) => sum + B[i][j] * gi, 0));

const FAMILIES = {
  bernoulli: {
    // base: q; loss: cross entropy to the target's mean
    inside: ([q]) => q > 0 && q < 1,
    gradient: ([q], [y]) => [-(y * (1 - q) - q * (1 - y)) / (q * (1 - q))],
    velocity: ([q], [y]) => [y - q],
    distance: ([q], [r]) => 2 * Math.abs(Math.atan2(Math.sqrt(q), Math.sqrt(1 - q)) - Math.atan2(Math.sqrt(r), Math.sqrt(1 - r))),
    loss: ([q], [y]) => -y * Math.log(q) - (1 - y) * Math.log1p(-q),
    charts: {
      probability: { names: ["q"], inside: ([q]) => q > 0 && q < 1, to: t => t, from: b => b, B: () => [[1]], window: [[0, 1]] },
      "log-odds": { names: ["z"], inside: ([z]) => Math.abs(z) < 708, to: ([z]) => [sigmoid(z)], from: ([q]) => [Math.log(q) - Math.log1p(-q)],
        B: ([q]) => [[q * (1 - q)]], window: [[-5, 5]] },
      angle: { names: ["ω"], inside: ([w]) => w > 0 && w < Math.PI, to: ([w]) => [Math.sin(w / 2) ** 2], from: ([q]) => [2 * Math.atan2(Math.sqrt(q), Math.sqrt(1 - q))],
        B: ([q]) => [[Math.sqrt(q * (1 - q))]], window: [[0, Math.PI]] },
    },
  },
  gaussian: {
    // base: (mu, sigma)
    inside: ([, s]) => s > 0,
    gradient: ([m, s], [a, c]) => [(m - a) / s ** 2, (1 - (c * c + (a - m) ** 2) / s ** 2) / s],
    velocity: ([m, s], [a, c]) => [a - m, (-s / 2) * (1 - (c * c + (a - m) ** 2) / s ** 2)],
    distance: ([m0, s0], [m1, s1]) => 2 * Math.SQRT2 * Math.asinh(Math.sqrt(((m0 - m1) ** 2 / 2 + (s0 - s1) ** 2) / (4 * s0 * s1))),
    charts: {
      "mu, sigma": { names: ["μ", "σ"], inside: ([, s]) => s > 0, to: t => t, from: b => b, B: () => [[1, 0], [0, 1]], window: [[-3, 3], [0, 3]] },
      "mu, sigma^2": { names: ["μ", "σ²"], inside: ([, v]) => v > 0, to: ([m, v]) => [m, Math.sqrt(v)], from: ([m, s]) => [m, s * s],
        B: ([, s]) => [[1, 0], [0, 1 / (2 * s)]], window: [[-3, 3], [0, 6]] },
      "mu, log sigma": { names: ["μ", "log σ"], inside: ([, l]) => Math.abs(l) < 300, to: ([m, l]) => [m, Math.exp(l)], from: ([m, s]) => [m, Math.log(s)],
        B: ([, s]) => [[1, 0], [0, s]], window: [[-3, 3], [-1.5, 1.5]] },
      natural: { names: ["μ/σ²", "−1/(2σ²)"], inside: ([, e]) => e < 0, to: ([a, e]) => [-a / (2 * e), Math.sqrt(-1 / (2 * e))], from: ([m, s]) => [m / s ** 2, -1 / (2 * s * s)],
        B: ([m, s]) => [[s * s, 2 * m * s * s], [0, s ** 3]], window: [[-5, 5], [-2.5, 0]] },
      expectation: { names: ["E x", "E x²"], inside: ([a, b]) => b > a * a, to: ([a, b]) => [a, Math.sqrt(b - a * a)], from: ([m, s]) => [m, m * m + s * s],
        B: ([m, s]) => [[1, 0], [-m / s, 1 / (2 * s)]], window: [[-3, 3], [0, 6]] },
    },
  },
  trinomial: {
    // base: (p1, p2)
    inside: ([a, b]) => a > 0 && b > 0 && a + b < 1,
    gradient: ([a, b], [f, g]) => { const last = (1 - f - g) / (1 - a - b); return [last - f / a, last - g / b]; },
    velocity: ([a, b], [f, g]) => [f - a, g - b],
    distance: ([a, b], [c, d]) => {
      const chord = Math.hypot(Math.sqrt(a) - Math.sqrt(c), Math.sqrt(b) - Math.sqrt(d), Math.sqrt(1 - a - b) - Math.sqrt(1 - c - d));
      return 4 * Math.asin(Math.min(1, chord / 2));
    },
    charts: {
      probabilities: { names: ["p₁", "p₂"], inside: ([a, b]) => a > 0 && b > 0 && a + b < 1, to: t => t, from: b => b, B: () => [[1, 0], [0, 1]], window: [[0, 1], [0, 1]] },
      "reduced logits": { names: ["log(p₁/p₃)", "log(p₂/p₃)"], inside: ([x, y]) => Math.max(x, y, 0) - Math.min(x, y, 0) < 700,
        to: ([x, y]) => { const top = Math.max(x, y, 0), e = [x, y, 0].map(v => Math.exp(v - top)), sum = e[0] + e[1] + e[2]; return [e[0] / sum, e[1] / sum]; },
        from: ([a, b]) => [Math.log(a / (1 - a - b)), Math.log(b / (1 - a - b))],
        B: ([a, b]) => [[a * (1 - a), -a * b], [-a * b, b * (1 - b)]], window: [[-4, 4], [-4, 4]] },
    },
  },
};

/** The points of n steps in a chart, from a base point; ends where a step leaves the model. */
const path = (family, chart, metric, start, target, eta, n) => {
  const { gradient, velocity, charts } = FAMILIES[family], { inside, to, from, B } = charts[chart];
  const points = [from(start)];
  while (points.length <= n) {
    const here = points.at(-1);
    if (!here.every(Number.isFinite) || !inside(here)) break;
    const base = to(here), J = B(base);
    const move = metric === "natural" ? solve(J, velocity(base, target)) : transposed(J, gradient(base, target)).map(g => -g);
    points.push(here.map((v, k) => v + eta * move[k]));
  }
  return points;
};

/** Where they end, in the base chart; null where they left the model. */
const end = (family, chart, points) => {
  const { inside, to } = FAMILIES[family].charts[chart], last = points.at(-1);
  if (!last.every(Number.isFinite) || !inside(last)) return null;
  const base = to(last);
  return FAMILIES[family].inside(base) ? base : null;
};

/** The Fisher-Rao distance between the ends of n steps taken in two charts; NaN where one left. */
const gap = (family, first, second, metric, start, target, eta, n) => {
  const ends = [first, second].map(chart => end(family, chart, path(family, chart, metric, start, target, eta, n)));
  return ends.every(Boolean) ? FAMILIES[family].distance(...ends) : NaN;
};

/** The slope of log gap against log eta between eta and eta/2. */
const slope = (...given) => {
  const at = eta => gap(...given.slice(0, 6), eta, given[7]);
  return Math.log2(at(given[6]) / at(given[6] / 2));
};

export const math = { FAMILIES, TARGET, path, end, gap, slope };

const LETTERS = { bernoulli: "Bernoulli", gaussian: "Gaussian", trinomial: "trinomial" };
const KEYS = Object.fromEntries(Object.entries(FAMILIES).map(([name, f]) => [name, Object.keys(f.charts)]));
const ALL = [...new Set(Object.values(KEYS).flat())];

export default ngd.demo({
  state: { family: Object.keys(FAMILIES), first: ALL, second: ALL, eta: [0.001, 2], steps: ["one", "ten"],
    q: [0.02, 0.98], mu: [-2.5, 2.5], sigma: [0.3, 2.8], p1: [0.02, 0.9], p2: [0.02, 0.9] },

  build(ui) {
    const { svg, html, attr, line, shape, fixed, significant, clamp } = ngd;
    const stage = ngd.stage("Descent in two charts; drag the starting point");
    const panels = { first: ngd.plot(stage), second: ngd.plot(stage), gap: ngd.plot(stage) };
    const heads = Object.fromEntries(["first", "second", "space", "gap"].map(key => {
      const text = svg("text", { class: "ngd-title" });
      stage.append(text);
      return [key, text];
    }));
    const METRICS = ["euclidean", "natural"], WHICH = ["first", "second"];
    const tracks = Object.fromEntries(WHICH.map(panel => [panel, {
      curve: panels[panel].inside.appendChild(svg("path", { class: "ngd-way", style: "--ngd-paint:var(--ngd-muted)" })),
      ways: METRICS.flatMap(metric => WHICH.map(taken => {
        const g = svg("g", { class: `ngd-${metric}` }), way = svg("path", { class: "ngd-way" }), mark = svg("path", { class: "ngd-end" });
        g.append(way, mark);
        panels[panel].inside.append(g);
        return { way, mark };
      })),
      goal: panels[panel].inside.appendChild(svg("path", { class: "ngd-star" })),
    }]));
    const space = svg("g", { "aria-hidden": "true" });
    stage.append(space);
    const frame = svg("path", { class: "ngd-guide", style: "stroke:var(--ngd-muted)" });
    const members = METRICS.flatMap(metric => WHICH.map(() => {
      const g = svg("g", { class: `ngd-${metric}` }), way = svg("path", { class: "ngd-way" }), mark = svg("path", { class: "ngd-end" });
      g.append(way, mark);
      return { g, way, mark };
    }));
    const begin = svg("path", { class: "ngd-curve" }), aim = svg("path", { class: "ngd-curve", style: "stroke-dasharray:1.5 3" }), aimStar = svg("path", { class: "ngd-star" });
    space.append(frame, begin, aim, ...members.map(m => m.g), aimStar);
    const curves = METRICS.map(metric => {
      const g = svg("g", { class: `ngd-${metric}` }), way = svg("path", { class: "ngd-way" }), mark = svg("path", { class: "ngd-end" });
      const words = svg("text", { class: "ngd-words" });
      g.append(way, mark);
      panels.gap.inside.append(g);
      panels.gap.over.append(words);
      return { way, mark, words, metric };
    });
    const now = panels.gap.inside.appendChild(svg("path", { class: "ngd-goal" }));
    const BASE = { bernoulli: ["q"], gaussian: ["mu", "sigma"], trinomial: ["p1", "p2"] };
    const WORDS = { q: "probability", mu: "mean", sigma: "standard deviation", p1: "first probability", p2: "second probability" };
    const LIMITS = { q: [0.02, 0.98], mu: [-2.5, 2.5], sigma: [0.3, 2.8], p1: [0.02, 0.9], p2: [0.02, 0.9] };
    const startOf = s => {
      const point = BASE[s.family].map(key => s[key]);
      return s.family === "trinomial" ? [point[0], Math.min(point[1], 0.97 - point[0])] : point;
    };
    const chartOf = (s, which) => (KEYS[s.family].includes(s[which]) ? s[which] : KEYS[s.family][which === "first" ? 0 : 1]);
    const place = (x, y) => {
      const s = Object.fromEntries(Object.keys(spec).map(k => [k, ui.get(k)]));
      const { to, inside } = FAMILIES[s.family].charts[chartOf(s, "first")], panel = panels.first;
      const theta = s.family === "bernoulli" ? [panel.x.invert(x)] : [panel.x.invert(x), panel.y.invert(y)];
      if (!inside(theta)) return;
      const base = to(theta);
      ui.set(Object.fromEntries(BASE[s.family].map((key, k) => [key, Math.round(base[k] * 1e4) / 1e4])));
    };
    const spec = { family: 0, first: 0, second: 0, eta: 0, steps: 0, q: 0, mu: 0, sigma: 0, p1: 0, p2: 0 };
    const grip = k => ({ get min() { return LIMITS[name(k)][0]; }, get max() { return LIMITS[name(k)][1]; }, step: 0.02,
      get: () => ui.get(name(k)), set: v => ui.set({ [name(k)]: Math.round(v * 1e4) / 1e4 }), text: v => `${WORDS[name(k)]} ${fixed(v, 2)}` });
    const name = k => BASE[ui.get("family")][Math.min(k, BASE[ui.get("family")].length - 1)];
    const handle = ui.handle(panels.first.over, { label: "starting point", shape: "disc", axes: [grip(0), grip(1)], place });
    const picker = (which, label) => {
      const key = `steps-${which}-${Math.random().toString(36).slice(2, 7)}`;
      const select = html("select", { id: key });
      select.addEventListener("change", () => ui.set({ [which]: select.value }));
      let shown = "";
      return { node: html("div", { class: "ngd-pick" }, html("label", { for: key, text: label }), select), update(s) {
        if (shown !== s.family) {
          shown = s.family;
          select.replaceChildren(...KEYS[s.family].map(chart => html("option", { value: chart, text: title(chart) })));
        }
        if (select.value !== chartOf(s, which)) select.value = chartOf(s, which);
      } };
    };
    const title = chart => chart.replace("mu", "μ").replace("sigma^2", "σ²").replace("sigma", "σ");
    const pickers = [picker("first", "one chart"), picker("second", "another chart")];
    const readout = html("p", { class: "ngd-told" });
    ui.root.append(
      html("div", { class: "ngd-row" }, ui.choice({ name: "family", label: "family", options: Object.entries(LETTERS) }), ...pickers.map(p => p.node)),
      stage, readout,
      html("div", { class: "ngd-row" }, ui.range({ name: "eta", label: "step size η", log: true }),
        ui.choice({ name: "steps", label: "number of steps", options: [["one", "one step"], ["ten", "ten steps"]] }), ui.resetButton()));

    const boxes = {};
    let bell = 0, runs, charts;
    const given = s => [FAMILIES[s.family], startOf(s), TARGET[s.family]];
    const count = s => (s.steps === "one" ? 1 : 10);
    return {
      layout(width) {
        const wide = width >= 600, w = wide ? (width - 118) / 2 : width - 56, h = wide ? 200 : 190;
        const at = k => (wide ? [50 + (k % 2) * (w + 62), 26 + Math.floor(k / 2) * (h + 74)] : [50, 26 + k * (h + 72)]);
        ["first", "second", "space", "gap"].forEach((key, k) => {
          const [x, y] = at(k);
          boxes[key] = [x, y, w, h];
          attr(heads[key], { x, y: y - 10 });
        });
        stage.size(width, wide ? 2 * (h + 74) : 4 * (h + 72));
      },
      draw: [
        s => {
          pickers.forEach(p => p.update(s));
          charts = WHICH.map(which => chartOf(s, which));
          runs = METRICS.flatMap(metric => charts.map((chart, k) => {
            const points = path(s.family, chart, metric, startOf(s), TARGET[s.family], s.eta, count(s));
            return { metric, chart, kind: k ? "square" : "disc", points, end: end(s.family, chart, points) };
          }));
          placeCharts(s);
        },
        s => drawChart(s, "first", charts[0], runs, ...given(s)),
        s => drawChart(s, "second", charts[1], runs, ...given(s)),
        s => drawSpace(s, runs, ...given(s)),
        s => drawGap(s, charts, startOf(s), TARGET[s.family], count(s)),
      ],
      say(s) {
        const [e, g] = METRICS.map(metric => gap(s.family, chartOf(s, "first"), chartOf(s, "second"), metric, startOf(s), TARGET[s.family], s.eta, s.steps === "one" ? 1 : 10));
        return `Step size ${significant(s.eta, 3)}. Gap between the two charts: ordinary ${significant(e, 3)}, natural ${significant(g, 3)}.`;
      },
    };

    /** Where a member of the family lies in a chart's panel: [x, y] in its coordinates. */
    function seatIn(s, chart) {
      const [family, , target] = given(s);
      return base => {
        const t = family.charts[chart].from(base);
        return s.family === "bernoulli" ? [t[0], family.loss(base, target)] : t;
      };
    }

    /** The axes of both charts, and the handle on the first. */
    function placeCharts(s) {
      WHICH.forEach((which, k) => {
        const c = FAMILIES[s.family].charts[charts[k]], flat = s.family === "bernoulli";
        attr(heads[which], { text: `in ${title(charts[k]).replace(/^(natural|expectation)$/, "$1 parameters")}` });
        panels[which].update({ box: boxes[which], x: { domain: c.window[0], label: c.names[0] }, y: flat ? { domain: [0, 2], ticks: [0, 1, 2], label: "loss (nats)" } : { domain: c.window[1], label: c.names[1] } });
      });
      const at = seatIn(s, charts[0])(startOf(s)), { x, y } = panels.first;
      handle.move(clamp(x(at[0]), -1e4, 1e4), clamp(y(at[1]), -1e4, 1e4));
    }

    function drawChart(s, which, chart, runs, family, start, target) {
      const c = family.charts[chart], panel = panels[which], part = tracks[which], flat = s.family === "bernoulli";
      const loss = base => family.loss(base, target);
      const X = v => clamp(panel.x(v), -1e4, 1e4), Y = v => clamp(panel.y(v), -1e4, 1e4);
      const seat = seatIn(s, chart);
      if (flat) {
        const [low, high] = c.window[0];
        const grid = Array.from({ length: 121 }, (_, k) => low + ((k + 0.5) * (high - low)) / 121).map(t => [t, loss(c.to([t]))]);
        attr(part.curve, { d: line(grid, X, Y), visibility: null });
      } else attr(part.curve, { visibility: "hidden" });
      part.ways.forEach(({ way, mark }, k) => {
        const run = runs[k], from = family.charts[run.chart];
        const bases = run.points.filter(t => t.every(Number.isFinite) && from.inside(t)).map(from.to).filter(family.inside);
        const seats = bases.map(seat);
        if (!run.end && run.chart === chart && !flat) seats.push(run.points.at(-1));
        attr(way, { d: line(seats, X, Y) });
        const last = seats.at(-1);
        attr(mark, run.end ? { d: shape(run.kind, X(last[0]), Y(last[1]), 4.5), visibility: null } : { visibility: "hidden" });
      });
      const goal = seat(target);
      attr(part.goal, { d: shape("star", X(goal[0]), Y(goal[1]), 8) });
    }

    function drawSpace(s, runs, family, start, target) {
      const [x, y, w, h] = boxes.space;
      const hideMarks = node => attr(node, { visibility: "hidden" });
      if (s.family === "gaussian") {
        attr(heads.space, { text: "the densities" });
        const all = [start, target, ...runs.map(r => r.end).filter(Boolean)];
        bell = Math.min(1.6, Math.max(0.6, ...all.map(([, d]) => 0.4 / d)));
        const put = ([m, d]) => line(Array.from({ length: 121 }, (_, k) => {
          const t = -4 + (8 * k) / 120, p = Math.exp(-(((t - m) / d) ** 2) / 2) / (d * Math.sqrt(2 * Math.PI));
          return [x + (w * (t + 4)) / 8, y + h * (1 - Math.min(p / bell, 1.02))];
        }));
        attr(frame, { d: `M${x} ${y + h}H${x + w}` });
        attr(begin, { d: put(start) });
        attr(aim, { d: put(target), visibility: null });
        hideMarks(aimStar);
        members.forEach(({ way, mark }, k) => { attr(way, { d: runs[k].end ? put(runs[k].end) : "" }); hideMarks(mark); });
        return;
      }
      const size = Math.min(w, h);
      let seat;
      if (s.family === "trinomial") {
        attr(heads.space, { text: "the simplex of (p₁, p₂, p₃)" });
        const side = Math.min(w, h / 0.88), left = x + (w - side) / 2;
        seat = ([a, b]) => [left + side * (b + (1 - a - b) / 2), y + 0.88 * side * (a + b)];
        attr(frame, { d: `${line([seat([1, 0]), seat([0, 1]), seat([0, 0])])}Z` });
      } else {
        attr(heads.space, { text: "the model: arc is half the Fisher length" });
        const r = size - 6, cx = x + (w - r) / 2, cy = y + h;
        seat = ([q]) => [cx + r * Math.sqrt(1 - q), cy - r * Math.sqrt(q)];
        attr(frame, { d: line(Array.from({ length: 61 }, (_, k) => seat([Math.sin((k * Math.PI) / 120) ** 2]))) });
      }
      const [ax, ay] = seat(start), [tx, ty] = seat(target);
      attr(begin, { d: shape("disc", ax, ay, 6) });
      attr(aim, { visibility: "hidden" });
      attr(aimStar, { d: shape("star", tx, ty, 8), visibility: null });
      members.forEach(({ way, mark }, k) => {
        const run = runs[k], from = family.charts[run.chart];
        const bases = run.points.filter(t => t.every(Number.isFinite) && from.inside(t)).map(from.to).filter(family.inside);
        attr(way, { d: line(bases.map(seat)) });
        if (run.end) { const [px, py] = seat(run.end); attr(mark, { d: shape(run.kind, px, py, 4.5), visibility: null }); } else hideMarks(mark);
      });
    }

    function drawGap(s, charts, start, target, n) {
      attr(heads.gap, { text: "Fisher–Rao distance between the two ends" });
      const panel = panels.gap, same = charts[0] === charts[1];
      panel.update({ box: boxes.gap, x: { domain: [0.001, 2], log: true, label: "step size η", ticks: [0.001, 0.01, 0.1, 1] },
        y: { domain: [1e-8, 10], log: true, ticks: [1e-8, 1e-6, 1e-4, 0.01, 1] } });
      const grid = Array.from({ length: 67 }, (_, k) => 0.001 * 2000 ** (k / 66));
      const given = (metric, eta) => [s.family, ...charts, metric, start, target, eta, n];
      const found = curves.map(({ metric }) => grid.map(eta => [eta, gap(...given(metric, eta))]).filter(([, g]) => g > 1e-9));
      // each name on the free side of its curve: above the upper one, to the left; below the lower one, to the right
      const at = (points, eta) => points.find(([e]) => e >= eta) ?? points.at(-1);
      const upper = found.every(points => points.length) && at(found[1], 0.02)[1] > at(found[0], 0.02)[1] ? 1 : 0;
      const told = curves.map(({ way, mark, words, metric }, k) => {
        const now = gap(...given(metric, s.eta)), points = found[k], high = k === upper;
        attr(way, { d: line(points, panel.x, panel.y) });
        attr(mark, now > 1e-9 ? { d: shape("disc", panel.x(s.eta), panel.y(now), 4.5), visibility: null } : { visibility: "hidden" });
        const small = 2e-5; // below the plot, where ten steps have the slope of one
        const order = gap(...given(metric, small)) > 1e-13 ? slope(...given(metric, small)) : NaN;
        const [x, y] = points.length ? at(points, high ? 0.12 : 0.003) : [NaN, NaN];
        const [, top, , tall] = boxes.gap;
        attr(words, points.length ? { x: panel.x(x) + (high ? -8 : 8), y: clamp(panel.y(y) + (high ? -8 : 20), top + 12, top + tall - 6), "text-anchor": high ? "end" : "start",
          text: `${metric === "natural" ? "natural" : "ordinary"}${Number.isNaN(order) ? "" : `: slope ${fixed(order, 1)} as η → 0`}`, style: `fill:var(--ngd-${metric})` } : { text: "" });
        return { at: now };
      });
      attr(now, { d: `M${panel.x(s.eta).toFixed(1)} ${boxes.gap[1]}v${boxes.gap[3]}` });
      const speak = ({ at }) => (Number.isNaN(at) ? "a step leaves the model" : at < 1e-12 ? "0" : significant(at, 3));
      attr(readout, { text: same ? "The two charts are the same: choose another." : `At η = ${significant(s.eta, 3)} the gap is, for the ordinary gradient: ${speak(told[0])}; for the natural gradient: ${speak(told[1])}. ` +
        "Disc: taken in the one chart; square: in the other." });
    }
  },
});
