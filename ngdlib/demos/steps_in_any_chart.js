// Steps in any chart: one and ten steps of ordinary and natural descent, taken in two charts of one
// family, the gap between where they end against the step size, and the step along the geodesic.
//
// Each family has a base chart with closed forms; every other chart is given by its map from the base
// and by B, the Jacobian of the base coordinates in its own. A gradient pulls back, g = Bᵀ g_base; a
// velocity goes the other way, v = B⁻¹ v_base. The charts of the Gaussian: gaussian_charts.js.

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
    geodesic: ([q], [v]) => { // straight in the angle
      const w = 2 * Math.atan2(Math.sqrt(q), Math.sqrt(1 - q)) + v / Math.sqrt(q * (1 - q));
      return w > 0 && w < Math.PI ? [Math.sin(w / 2) ** 2] : null;
    },
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
    geodesic: ([m, s], [dm, ds]) => { // through the hyperboloid over the half-plane (μ/√2, σ)
      const u = m / Math.SQRT2, du = dm / Math.SQRT2, h = Math.hypot(du, ds) / s;
      const c = Math.cosh(h), k = h < 1e-12 ? 1 : Math.sinh(h) / h;
      const x = c / s - (k * ds) / s ** 2, y = (c * u) / s + k * (du / s - (u * ds) / s ** 2);
      return [(Math.SQRT2 * y) / x, 1 / x];
    },
    distance: ([m0, s0], [m1, s1]) => 2 * Math.SQRT2 * Math.asinh(Math.sqrt(((m0 - m1) ** 2 / 2 + (s0 - s1) ** 2) / (4 * s0 * s1))),
    charts: GAUSSIAN_CHARTS,
  },
  trinomial: {
    // base: (p1, p2)
    inside: ([a, b]) => a > 0 && b > 0 && a + b < 1,
    gradient: ([a, b], [f, g]) => { const last = (1 - f - g) / (1 - a - b); return [last - f / a, last - g / b]; },
    velocity: ([a, b], [f, g]) => [f - a, g - b],
    geodesic: ([a, b], [v, w]) => { // a great circle of the points 2√p
      const r = [a, b, 1 - a - b].map(Math.sqrt), d = [v, w, -v - w].map((x, k) => x / r[k]), size = Math.hypot(...d);
      if (!size) return [a, b];
      const [c, k] = [Math.cos(size / 2), Math.sin(size / 2) / size], end = r.map((x, i) => c * x + k * d[i]);
      return size < Math.PI && end.every(x => x > 0) ? [end[0] ** 2, end[1] ** 2] : null;
    },
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

/** The end of the geodesic from a base point with a velocity, at time 1; null where it leaves the model. */
const along = (family, base, v) => FAMILIES[family].geodesic(base, v);

/** The points of n steps in a chart, from a base point; ends where a step leaves the model. */
const path = (family, chart, metric, start, target, eta, n) => {
  const { gradient, velocity, charts } = FAMILIES[family], { inside, to, from, B } = charts[chart];
  const points = [from(start)];
  while (points.length <= n) {
    const here = points.at(-1);
    if (!here.every(Number.isFinite) || !inside(here)) break;
    const base = to(here), J = B(base);
    if (metric === "geodesic") {
      const next = along(family, base, velocity(base, target).map(v => eta * v));
      points.push(next ? from(next) : here.map(() => NaN));
      continue;
    }
    const move = metric === "natural" ? solve(J, velocity(base, target)) : transposed(J, gradient(base, target)).map(g => -g);
    points.push(here.map((v, k) => v + eta * move[k]));
  }
  return points;
};

/** The way of those steps in base coordinates, `pieces` points a step: each straight in its chart, or a geodesic. */
const trace = (family, chart, metric, start, target, eta, n, pieces = 8) => {
  const { velocity, inside: within, charts } = FAMILIES[family], { inside, to } = charts[chart];
  const points = path(family, chart, metric, start, target, eta, n), found = [start];
  points.slice(1).forEach((next, k) => {
    const here = points[k], base = to(here);
    for (let j = 1; j <= pieces; j += 1) {
      const t = j / pieces;
      const theta = here.map((v, i) => v + t * (next[i] - v));
      const at = metric === "geodesic" ? along(family, base, velocity(base, target).map(v => t * eta * v)) : theta.every(Number.isFinite) && inside(theta) ? to(theta) : null;
      if (!at || !within(at)) return;
      found.push(at);
    }
  });
  return found;
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

export const math = { FAMILIES, TARGET, along, path, trace, end, gap, slope };

const LETTERS = { bernoulli: "coin", gaussian: "Gaussian", trinomial: "three classes" };
const KEYS = Object.fromEntries(Object.entries(FAMILIES).map(([name, f]) => [name, Object.keys(f.charts)]));
const ALL = [...new Set(Object.values(KEYS).flat())];
const BASE = { bernoulli: ["q"], gaussian: ["mu", "sigma"], trinomial: ["p1", "p2"] };
const WORDS = { q: "probability", mu: "mean", sigma: "standard deviation", p1: "first probability", p2: "second probability" };
const LIMITS = { q: [0.02, 0.98], mu: [-2.5, 2.5], sigma: [0.3, 2.8], p1: [0.02, 0.9], p2: [0.02, 0.9] };

export default ngd.demo({
  state: { family: Object.keys(FAMILIES), first: ALL, second: ALL, eta: [0.001, 2], steps: ["zero", "one", "ten"], view: ["step", "whole"],
    third: ["off", "on"], ...LIMITS },

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
    const RUNS = [["geodesic", 0], ...METRICS.flatMap(metric => WHICH.map((_, k) => [metric, k]))];
    const drawn = parent => RUNS.map(([metric]) => {
      const g = svg("g", { class: `ngd-${metric === "geodesic" ? "metric" : metric}` }), way = svg("path", { class: "ngd-way", style: metric === "geodesic" ? "stroke-width:5;opacity:.45" : "" }), mark = svg("path", { class: "ngd-end" });
      g.append(way, mark);
      parent.append(g);
      return { way, mark };
    });
    const tracks = Object.fromEntries(WHICH.map(panel => [panel, {
      curve: panels[panel].inside.appendChild(svg("path", { class: "ngd-way", style: "--ngd-paint:var(--ngd-muted)" })),
      ways: drawn(panels[panel].inside),
      start: panels[panel].inside.appendChild(svg("path", { class: "ngd-star" })),
      goal: panels[panel].inside.appendChild(svg("path", { class: "ngd-star" })),
    }]));
    const space = svg("g", { "aria-hidden": "true" });
    stage.append(space);
    const frame = space.appendChild(svg("path", { class: "ngd-guide", style: "stroke:var(--ngd-muted)" }));
    const begin = space.appendChild(svg("path", { class: "ngd-curve" })), aim = space.appendChild(svg("path", { class: "ngd-curve", style: "stroke-dasharray:1.5 3" }));
    const members = drawn(space), aimStar = space.appendChild(svg("path", { class: "ngd-star" }));
    const beginWords = space.appendChild(svg("text", { class: "ngd-words", text: "start" })), aimWords = space.appendChild(svg("text", { class: "ngd-words", text: "data" }));
    const curves = METRICS.map(metric => {
      const g = svg("g", { class: `ngd-${metric}` }), way = svg("path", { class: "ngd-way" }), mark = svg("path", { class: "ngd-end" });
      const words = svg("text", { class: "ngd-words" });
      g.append(way, mark);
      panels.gap.inside.append(g);
      panels.gap.over.append(words);
      return { way, mark, words, metric };
    });
    const now = panels.gap.inside.appendChild(svg("path", { class: "ngd-goal" }));
    const startOf = s => {
      const point = BASE[s.family].map(key => s[key]);
      return s.family === "trinomial" ? [point[0], Math.min(point[1], 0.97 - point[0])] : point;
    };
    const chartOf = (s, which) => (KEYS[s.family].includes(s[which]) ? s[which] : KEYS[s.family][which === "first" ? 0 : 1]);
    const place = (x, y) => {
      const s = Object.fromEntries(["family", "first", "second"].map(k => [k, ui.get(k)]));
      const { to, inside } = FAMILIES[s.family].charts[chartOf(s, "first")], panel = panels.first;
      const theta = s.family === "bernoulli" ? [panel.x.invert(x)] : [panel.x.invert(x), panel.y.invert(y)];
      if (!inside(theta)) return;
      const base = to(theta);
      ui.set(Object.fromEntries(BASE[s.family].map((key, k) => [key, Math.round(base[k] * 1e3) / 1e3])));
    };
    const name = k => BASE[ui.get("family")][Math.min(k, BASE[ui.get("family")].length - 1)];
    const grip = k => ({ get min() { return LIMITS[name(k)][0]; }, get max() { return LIMITS[name(k)][1]; }, step: 0.02,
      get: () => ui.get(name(k)), set: v => ui.set({ [name(k)]: Math.round(v * 1e4) / 1e4 }), text: v => `${WORDS[name(k)]} ${fixed(v, 2)}` });
    const handle = ui.handle(panels.first.over, { label: "starting point", shape: "disc", size: 5, open: true, axes: [grip(0), grip(1)], place });
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
    const pickers = [picker("first", "one chart (ends in a disc)"), picker("second", "another chart (ends in a square)")];
    const readout = html("p", { class: "ngd-told" });
    const rows = Object.fromEntries([["euclidean", "ordinary"], ["natural", "natural"], ["geodesic", "geodesic"]].map(([key, words]) => {
      const cells = [0, 1, 2].map(() => html("td"));
      return [key, { cells, node: html("tr", {}, html("th", { scope: "row", text: words, style: `color:var(--ngd-${key === "geodesic" ? "metric" : key})` }), ...cells) }];
    }));
    const heading = ["gap", "at η", "at η/2", "ratio"].map(words => html("th", { scope: "col", text: words }));
    const table = html("table", { class: "ngd-figures ngd-numbers" }, html("thead", {}, html("tr", {}, ...heading)), html("tbody", {}, ...Object.values(rows).map(r => r.node)));
    const rates = [["euclidean", "ordinary, disc"], ["euclidean", "ordinary, square"], ["natural", "natural, both"]].map(([key, words]) => {
      const cells = [0, 1].map(() => html("td"));
      return { cells, node: html("tr", {}, html("th", { scope: "row", text: words, style: `color:var(--ngd-${key})` }), ...cells) };
    });
    const letters = [0, 1].map(() => html("th", { scope: "col" })), rateOf = html("th", { scope: "col" });
    const speeds = html("table", { class: "ngd-figures ngd-rates" }, html("thead", {}, html("tr", {}, rateOf, ...letters)), html("tbody", {}, ...rates.map(r => r.node)));
    const more = html("details", { class: "ngd-more" }, html("summary", { text: "Other models and charts" }),
      html("div", { class: "ngd-row" }, ui.choice({ name: "family", label: "model", options: Object.entries(LETTERS) }), ...pickers.map(p => p.node)));
    const tables = html("div", { class: "ngd-row ngd-both" }, table);
    ui.root.append(stage, readout, tables,
      html("div", { class: "ngd-row" }, ui.choice({ name: "steps", label: "steps taken", options: [["zero", "start"], ["one", "one step"], ["ten", "ten"]] }),
        ui.range({ name: "eta", label: "step size η", log: true, typed: true })),
      html("div", { class: "ngd-row" }, ui.choice({ name: "view", label: "what the upper panels show", options: [["step", "step ÷ η"], ["whole", "map"]] }),
        ui.choice({ name: "third", label: "third rule", options: [["off", "two rules"], ["on", "+ geodesic"]] }), ui.resetButton()),
      more);

    const boxes = {};
    let small = false, bell = 0, runs, charts;
    const given = s => [FAMILIES[s.family], startOf(s), TARGET[s.family]];
    const count = s => (s.steps === "ten" ? 10 : 1);
    const moved = s => s.steps !== "zero";
    const whole = s => !moved(s) || s.view === "whole";
    return {
      layout(width) {
        small = width < 600;
        if (small) more.before(speeds); // so that drawing and controls are on one screen
        else tables.append(speeds);
        const edge = small ? 50 : 60, w = (width - 2 * edge - 8) / 2, h = small ? 118 : 190, top = small ? 28 : 22;
        ["first", "second", "space", "gap"].forEach((key, k) => {
          const x = edge + (k % 2) * (w + edge), y = top + Math.floor(k / 2) * (h + 64);
          boxes[key] = [x, y, w, h];
          attr(heads[key], { x: x - (small ? 30 : 0), y: y - (small ? 14 : 8) }); // clear of the uppermost number
        });
        stage.size(width, 2 * (h + 64) + top - 22);
      },
      draw: [
        s => {
          pickers.forEach(p => p.update(s));
          charts = WHICH.map(which => chartOf(s, which));
          runs = RUNS.map(([metric, k]) => {
            if (!moved(s) || (metric === "geodesic" && s.third === "off")) return { chart: charts[k], bases: [], end: null };
            const shared = [s.family, charts[k], metric, startOf(s), TARGET[s.family], s.eta, count(s)];
            return { chart: charts[k], metric, kind: metric === "geodesic" ? "triangle" : k ? "square" : "disc", bases: trace(...shared), end: end(s.family, charts[k], path(...shared)) };
          });
          placeCharts(s);
        },
        s => drawChart(s, "first", charts[0], ...given(s)),
        s => drawChart(s, "second", charts[1], ...given(s)),
        s => drawSpace(s, ...given(s)),
        s => drawGap(s, startOf(s), TARGET[s.family], count(s)),
      ],
      say(s) {
        if (!moved(s)) return "At the start. No step has been taken.";
        const [e, g] = METRICS.map(metric => gap(s.family, ...charts, metric, startOf(s), TARGET[s.family], s.eta, count(s)));
        return `Step size ${significant(s.eta, 3)}. Gap between the two charts: ordinary ${significant(e, 3)}, natural ${significant(g, 3)}.`;
      },
    };

    /** Where a member of the family lies in a chart's panel: [x, y] on its axes. */
    function seatIn(s, chart) {
      const [family, start, target] = given(s), { from } = family.charts[chart];
      const raw = base => (s.family === "bernoulli" ? [from(base)[0], family.loss(base, target)] : from(base));
      if (whole(s)) return raw;
      const origin = raw(start), unit = s.eta * count(s);
      return base => raw(base).map((v, k) => (v - origin[k]) / unit);
    }

    /** The window of a panel: the whole chart, or what the velocities at the start span, with room around. */
    function windowOf(s, chart) {
      const [family, start, target] = given(s), c = family.charts[chart], flat = s.family === "bernoulli";
      if (whole(s)) return flat ? [c.window[0], [0, 2]] : c.window;
      const tips = ratesIn(s, base => (flat ? [c.from(base)[0], family.loss(base, target)] : c.from(base))).filter(Boolean);
      return [0, 1].map(k => {
        const values = [0, ...tips.map(t => t[k])], low = Math.min(...values), high = Math.max(...values), room = Math.max(0.22 * (high - low), 0.05);
        return [low - room, high + room];
      });
    }

    /** What each rule, taken in each chart, changes at first for each unit of η, seen through `raw`. */
    function ratesIn(s, raw) {
      const tiny = 1e-7, [, start, target] = given(s), origin = raw(start);
      return charts.flatMap(taken => METRICS.map(metric => end(s.family, taken, path(s.family, taken, metric, start, target, tiny, 1))))
        .map(base => base && raw(base).map((v, k) => (v - origin[k]) / tiny));
    }

    /** The axes of both charts, and the handle on the first. */
    function placeCharts(s) {
      WHICH.forEach((which, k) => {
        const c = FAMILIES[s.family].charts[charts[k]], flat = s.family === "bernoulli", far = whole(s);
        const words = title(charts[k]).replace(/^(natural|expectation)$/, "$1 parameters"), per = s.steps === "ten" ? "÷ 10η" : "÷ η";
        const label = n => (n === undefined ? "" : far ? n : `Δ${n} ${per}`);
        attr(heads[which], { text: `${far ? "" : `step ${per}, `}in ${words}` });
        const [x, y] = windowOf(s, charts[k]).map(domain => ({ domain, ticks: ngd.linear(domain, [0, 1]).ticks(small ? 3 : 5) }));
        panels[which].update({ box: boxes[which], x: { ...x, label: label(c.names[0]) }, y: { ...y, away: small ? 42 : 46, label: flat ? label("loss (nats)") : label(c.names[1]) } });
      });
      const at = seatIn(s, charts[0])(startOf(s)), { x, y } = panels.first;
      handle.move(clamp(x(at[0]), -1e4, 1e4), clamp(y(at[1]), -1e4, 1e4), 0, [8, 8, 8, 8]);
      attr(handle.node, { visibility: whole(s) ? null : "hidden" });
    }

    function drawChart(s, which, chart, family, start, target) {
      const c = family.charts[chart], panel = panels[which], part = tracks[which], flat = s.family === "bernoulli";
      const X = v => clamp(panel.x(v), -1e4, 1e4), Y = v => clamp(panel.y(v), -1e4, 1e4);
      const seat = seatIn(s, chart);
      if (flat && whole(s)) {
        const [low, high] = c.window[0];
        const grid = Array.from({ length: 121 }, (_, k) => low + ((k + 0.5) * (high - low)) / 121).map(t => [t, family.loss(c.to([t]), target)]);
        attr(part.curve, { d: line(grid, X, Y), visibility: null });
      } else attr(part.curve, { visibility: "hidden" });
      part.ways.forEach(({ way, mark }, k) => {
        const run = runs[k];
        attr(way, { d: line(run.bases.map(seat), X, Y) });
        const last = run.end && seat(run.end);
        attr(mark, last ? { d: shape(run.kind, X(last[0]), Y(last[1]), 4.5), visibility: null } : { visibility: "hidden" });
      });
      const [sx, sy] = seat(start), [gx, gy] = seat(target);
      attr(part.start, { d: shape("disc", X(sx), Y(sy), 4.5) });
      attr(part.goal, { d: shape("star", X(gx), Y(gy), 8) });
    }

    function drawSpace(s, family, start, target) {
      const [x, y, w, h] = boxes.space;
      const hide = node => attr(node, { visibility: "hidden" });
      if (s.family === "gaussian") {
        attr(heads.space, { text: "the densities" });
        const all = [start, target, ...runs.map(r => r.end).filter(Boolean)];
        bell = Math.min(1.6, Math.max(0.6, ...all.map(([, d]) => 0.4 / d)));
        const top = ([m, d]) => [x + (w * (m + 4)) / 8, y + h * (1 - Math.min(0.4 / d / bell, 1.02))];
        const put = ([m, d]) => line(Array.from({ length: 121 }, (_, k) => {
          const t = -4 + (8 * k) / 120, p = Math.exp(-(((t - m) / d) ** 2) / 2) / (d * Math.sqrt(2 * Math.PI));
          return [x + (w * (t + 4)) / 8, y + h * (1 - Math.min(p / bell, 1.02))];
        }));
        attr(frame, { d: `M${x} ${y + h}H${x + w}` });
        attr(begin, { d: put(start) });
        attr(aim, { d: put(target), visibility: null });
        hide(aimStar);
        const [sx, sy] = top(start), [tx, ty] = top(target);
        attr(beginWords, { x: sx - w / 5, y: sy - 4, "text-anchor": "middle" });
        attr(aimWords, { x: tx + 10, y: ty + 12, "text-anchor": "start" });
        members.forEach(({ way, mark }, k) => { attr(way, { d: runs[k].end ? put(runs[k].end) : "" }); hide(mark); });
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
        attr(heads.space, { text: "arc: half the Fisher length" });
        const r = size - 6, cx = x + (w - r) / 2, cy = y + h;
        seat = ([q]) => [cx + r * Math.sqrt(1 - q), cy - r * Math.sqrt(q)];
        attr(frame, { d: line(Array.from({ length: 61 }, (_, k) => seat([Math.sin((k * Math.PI) / 120) ** 2]))) });
      }
      const [ax, ay] = seat(start), [tx, ty] = seat(target);
      attr(begin, { d: shape("disc", ax, ay, 5) });
      attr(aim, { visibility: "hidden" });
      attr(aimStar, { d: shape("star", tx, ty, 8), visibility: null });
      attr(beginWords, { x: ax + 10, y: ay + 14, "text-anchor": "start" });
      attr(aimWords, { x: tx + 10, y: ty - 8, "text-anchor": "start" });
      members.forEach(({ way, mark }, k) => {
        const run = runs[k];
        attr(way, { d: line(run.bases.map(seat)) });
        if (run.end) { const [px, py] = seat(run.end); attr(mark, { d: shape(run.kind, px, py, 4.5), visibility: null }); } else hide(mark);
      });
    }

    function drawGap(s, start, target, n) {
      const panel = panels.gap, same = charts[0] === charts[1], open = moved(s);
      attr(heads.gap, { text: small ? "gap between the ends" : "Fisher length from end to end" });
      panel.update({ box: boxes.gap, x: { domain: [0.001, 2], log: true, label: "step size η", ticks: small ? [0.001, 0.1] : [0.001, 0.01, 0.1, 1] },
        y: { domain: [1e-8, 10], log: true, ticks: small ? [1e-8, 1e-4, 1] : [1e-8, 1e-6, 1e-4, 0.01, 1] } });
      const grid = Array.from({ length: 45 }, (_, k) => 0.001 * 2000 ** (k / 44));
      const given = (metric, eta) => [s.family, ...charts, metric, start, target, eta, n];
      const told = curves.map(({ way, mark, words, metric }) => {
        if (!open) {
          attr(way, { d: "" });
          attr(mark, { visibility: "hidden" });
          attr(words, { text: "" });
          return { at: NaN, half: NaN };
        }
        const at = gap(...given(metric, s.eta)), points = grid.map(eta => [eta, gap(...given(metric, eta))]).filter(([, g]) => g > 1e-9);
        attr(way, { d: line(points, panel.x, panel.y) });
        attr(mark, at > 1e-9 ? { d: shape("disc", panel.x(s.eta), panel.y(at), 4.5), visibility: null } : { visibility: "hidden" });
        const seat = points.find(([e]) => e >= (metric === "natural" ? 0.01 : 0.06)) ?? points.at(-1);
        const [, top, , tall] = boxes.gap, down = metric === "natural";
        attr(words, seat ? { x: panel.x(seat[0]) + (down ? 8 : -4), y: clamp(panel.y(seat[1]) + (down ? 18 : -8), top + 12, top + tall - 6), "text-anchor": down ? "start" : "middle",
          text: down ? "natural" : "ordinary", style: `fill:var(--ngd-${metric})` } : { text: "" });
        return { at, half: gap(...given(metric, s.eta / 2)) };
      });
      attr(now, { d: `M${panel.x(s.eta).toFixed(1)} ${boxes.gap[1]}v${boxes.gap[3]}` });
      const show = (key, at, half) => {
        const words = !open ? ["?", "?", "?"] : Number.isNaN(at) ? ["leaves the model", "", ""] : at < 1e-12 ? ["0", "0", ""] : [significant(at, 3), significant(half, 3), fixed(at / half, 2)];
        rows[key].cells.forEach((cell, k) => attr(cell, { text: words[k] }));
      };
      METRICS.forEach((metric, k) => show(metric, told[k].at, told[k].half));
      const { names, from } = FAMILIES[s.family].charts[charts[0]], [disc, both, square] = ratesIn(s, from);
      attr(rateOf, { text: "rate at the start" });
      letters.forEach((cell, k) => attr(cell, { text: names[k] ?? "" }));
      rates.forEach(({ cells }, row) => cells.forEach((cell, k) => {
        const rate = [disc, square, both][row]?.[k];
        attr(cell, { text: rate === undefined ? "" : open ? significant(rate, 5) : "?" });
      }));
      const third = s.third === "on" && open ? end(s.family, charts[0], path(s.family, charts[0], "geodesic", start, target, s.eta, n)) : null;
      rows.geodesic.cells.forEach((cell, k) => attr(cell, { text: s.third === "off" || !open ? "?" : third ? ["0", "0", ""][k] : ["leaves the model", "", ""][k] }));
      attr(readout, { text: same ? "The two charts are the same: choose another." : open ? "How far apart the ends in the two charts are, in Fisher length:" : "At the start. Guess, then take one step; ‘start’ takes it back." });
    }
  },
});
