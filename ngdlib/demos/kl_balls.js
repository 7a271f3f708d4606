// KL balls on the half-plane of Gaussians (mu, sigma): what "at the same distance" looks like.
// A is the first point, B the second. All curves are closed forms, in nats.

/** r - 1 - log r for r > 0, without cancellation near 1. */
const bregman = r => {
  const x = r - 1;
  if (Math.abs(x) > 0.05) return x - Math.log1p(x);
  let sum = 0;
  for (let k = 13; k > 1; k -= 1) sum = sum * x + (k % 2 ? -1 : 1) / k;
  return sum * x * x;
};

/** KL(N(m0, s0²) ‖ N(m1, s1²)). */
const kl = ([m0, s0], [m1, s1]) => (bregman((s0 / s1) ** 2) + ((m0 - m1) / s1) ** 2) / 2;

/** The root of an increasing function on [low, high], to the last bit. */
const root = (f, low, high) => {
  for (let k = 0; k < 200; k += 1) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (f(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
};

/**
 * The edge of a KL ball around [m, s]: n points at divergence epsilon. "forward": KL(A ‖ point);
 * "reverse": KL(point ‖ A). With r the ratio of standard deviations and u the shift in units of s,
 * forward: u² = 2r²(ε + ½ − log r) − 1; reverse: u² = 2(ε + ½ + log r) − r².
 */
const ball = ([m, s], epsilon, direction, n = 181) => {
  const onAxis = direction === "forward" ? r => bregman(1 / (r * r)) / 2 : r => bregman(r * r) / 2;
  const low = root(r => epsilon - onAxis(r), 1e-6, 1);
  const high = root(r => onAxis(r) - epsilon, 1, 1e6);
  const half = (high - low) / 2, middle = (high + low) / 2;
  return Array.from({ length: n }, (_, k) => {
    const t = (2 * Math.PI * k) / (n - 1), r = middle - half * Math.cos(t);
    const left = epsilon - onAxis(r); // what is left of ε for the shift of the mean
    const u = Math.sqrt(Math.max(0, 2 * left)) * (direction === "forward" ? r : 1);
    return [m + s * (t < Math.PI ? u : -u), s * r];
  });
};

/** How far the three outlines around standard deviation s reach along the σ axis: [low, high] each. */
const reach = (s, epsilon) => {
  const ends = onAxis => [root(r => epsilon - onAxis(r), 1e-6, 1), root(r => onAxis(r) - epsilon, 1, 1e6)].map(r => s * r);
  return {
    forward: ends(r => bregman(1 / (r * r)) / 2),
    ellipse: [s * (1 - Math.sqrt(epsilon)), s * (1 + Math.sqrt(epsilon))],
    reverse: ends(r => bregman(r * r) / 2),
  };
};

/** The Fisher ellipse ½ v·F·v = epsilon around [m, s], in n points; F = diag(1, 2)/s². */
const ellipse = ([m, s], epsilon, n = 181) =>
  Array.from({ length: n }, (_, k) => {
    const t = (2 * Math.PI * k) / (n - 1);
    return [m + s * Math.sqrt(2 * epsilon) * Math.sin(t), s * (1 - Math.sqrt(epsilon) * Math.cos(t))];
  });

/** The largest relative error of the ellipse: |KL(A ‖ point)/ε − 1| over 360 of its points. */
const ellipseError = (a, epsilon) =>
  Math.max(...ellipse(a, epsilon, 361).map(p => (p[1] > 0 ? Math.abs(kl(a, p) / epsilon - 1) : Infinity)));

/** The Fisher-Rao distance, √2 times the hyperbolic distance of the points (mu/√2, sigma). */
const distance = ([m0, s0], [m1, s1]) =>
  2 * Math.SQRT2 * Math.asinh(Math.sqrt(((m0 - m1) ** 2 / 2 + (s0 - s1) ** 2) / (4 * s0 * s1)));

/** The point at the fraction t of the geodesic from a to b, through the hyperboloid. */
const geodesic = (a, b, t) => {
  const d = distance(a, b) / Math.SQRT2;
  const [wa, wb] = d < 1e-9 ? [1 - t, t] : [Math.sinh((1 - t) * d) / Math.sinh(d), Math.sinh(t * d) / Math.sinh(d)];
  const lift = ([m, s]) => [1 / s, m / Math.SQRT2 / s, ((m * m) / 2 + s * s) / s];
  const [x, y, z] = lift(a).map((v, k) => wa * v + wb * lift(b)[k]);
  const mu = (Math.SQRT2 * y) / x;
  return [mu, Math.sqrt(Math.max(z / x - (mu * mu) / 2, 0))];
};

/**
 * The natural-gradient flow of the loss KL(B ‖ θ) from A, after the fraction t = 1 − e^(−time) of its
 * way: the means of x and x² move straight to their targets.
 */
const flow = ([m0, s0], [m1, s1], t) => {
  const m = m0 + t * (m1 - m0);
  return [m, Math.sqrt((1 - t) * s0 * s0 + t * s1 * s1 + t * (1 - t) * (m1 - m0) ** 2)];
};

/** The Fisher length of the straight segment in (mu, sigma). */
const straightLength = ([m0, s0], [m1, s1]) => {
  const size = Math.hypot(m1 - m0, Math.SQRT2 * (s1 - s0)), x = s1 / s0 - 1;
  return (size / s0) * (Math.abs(x) < 1e-8 ? 1 - x / 2 : Math.log1p(x) / x);
};

/** The Fisher length of the flow's path: the integral of its speed, by Gauss-Legendre on 32 pieces. */
const flowLength = ([m0, s0], [m1, s1]) => {
  const nodes = [0, 0.5384693101056831, -0.5384693101056831, 0.906179845938664, -0.906179845938664];
  const weights = [0.5688888888888889, 0.47862867049936647, 0.47862867049936647, 0.23692688505618908, 0.23692688505618908];
  const dm = m1 - m0, pieces = 32;
  let total = 0;
  for (let k = 0; k < pieces; k += 1)
    nodes.forEach((x, j) => {
      const t = (k + (1 + x) / 2) / pieces;
      const v = (1 - t) * s0 * s0 + t * s1 * s1 + t * (1 - t) * dm * dm;
      const dv = s1 * s1 - s0 * s0 + (1 - 2 * t) * dm * dm;
      total += (weights[j] / 2 / pieces) * Math.sqrt((dm * dm) / v + (dv * dv) / (2 * v * v));
    });
  return total;
};

/** The largest relative error in words: per cent, from 100 % on the factor between the two. */
const offBy = (error, percent) => (error < 1 ? `up to ${ngd.fixed(100 * error, 1)}${percent}` : `a factor of up to ${ngd.significant(1 + error, 3)}`);

export const math = { kl, ball, reach, ellipse, ellipseError, distance, geodesic, flow, straightLength, flowLength, offBy };

const MEANS = [-1.8, 1.8], SPREADS = [0.25, 2];

export default ngd.demo({
  state: { mu: MEANS, sigma: SPREADS, mu2: MEANS, sigma2: SPREADS, epsilon: [0.001, 0.9], show: ["balls", "all"] },

  build(ui) {
    const { svg, html, attr, line, fixed, significant } = ngd;
    const stage = ngd.stage("The half-plane of Gaussians; drag the point A");
    const plane = ngd.plot(stage), density = ngd.plot(stage);
    const curve = (panel, role, style = "") => {
      const node = svg("path", { class: `ngd-way ngd-${role}`, style: `--ngd-paint:var(--ngd-${role});${style}` });
      panel.inside.append(node);
      return node;
    };
    const DASH = { forward: "", ellipse: "stroke-dasharray:7 4;stroke-width:2.1", reverse: "stroke-dasharray:1.5 4;stroke-linecap:round;stroke-width:2.1" };
    const WAYS = { geodesic: ["metric", "stroke-width:2.6"], flow: ["natural", "stroke-width:2.2"], straight: ["muted", "stroke-dasharray:2 3"] };
    const balls = { forward: curve(plane, "metric", "fill:var(--ngd-fill)"), reverse: curve(plane, "metric", DASH.reverse), ellipse: curve(plane, "metric", DASH.ellipse) };
    const ways = Object.fromEntries(Object.entries(WAYS).map(([name, given]) => [name, curve(plane, ...given)]));
    const bells = { b: curve(density, "ink", "stroke-dasharray:5 3"), a: curve(density, "ink") };
    const point = (name, letter, mu, sigma, kind) => {
      const axis = (key, [min, max], sign) => ({ min, max, step: 0.05, get: () => ui.get(key),
        set: v => ui.set({ [key]: Math.round(v * 1e4) / 1e4 }), text: v => `${sign} ${fixed(v, 2)}` });
      const round = v => Math.round(v * 100) / 100;
      const handle = ui.handle(plane.over, { label: name, shape: kind, size: 4, open: true, axes: [axis(mu, MEANS, "mean"), axis(sigma, SPREADS, "standard deviation")],
        place: (x, y) => ui.set({ [mu]: round(plane.x.invert(x)), [sigma]: round(plane.y.invert(y)) }) });
      const tag = svg("text", { class: "ngd-words ngd-title", text: letter, "aria-hidden": "true" });
      plane.over.append(tag);
      return { handle, tag, move(x, y, clear) {
        handle.move(x, y, 0, clear);
        attr(tag, { x: (x + clear[1] * 0.75 + 6).toFixed(1), y: (y - clear[2] * 0.75 - 6).toFixed(1) });
      } };
    };
    const a = point("first Gaussian A", "A", "mu", "sigma", "disc");
    const b = point("second Gaussian B", "B", "mu2", "sigma2", "diamond");

    // the key says what each line is and how far it reaches
    const row = (className, words, style) => {
      const icon = svg("svg", { width: 34, height: 10, "aria-hidden": "true" }, svg("path", { d: "M1 5H33", class: `ngd-way ngd-${className}`, style: `--ngd-paint:var(--ngd-${className});${style}` }));
      const value = html("td"), node = html("tr", {}, html("th", { scope: "row" }, icon, words), value);
      return { node, value };
    };
    const head = html("th", { scope: "col" }), reaches = html("th", { scope: "col", text: "σ from … to" });
    const keys = { forward: row("metric", "KL(A ‖ ·) = ε", ""), ellipse: row("metric", "Fisher ellipse", DASH.ellipse), reverse: row("metric", "KL(· ‖ A) = ε", DASH.reverse) };
    const lengths = html("th", { scope: "col", text: "Fisher length" });
    const wayKeys = { geodesic: row("metric", "geodesic", WAYS.geodesic[1]), flow: row("natural", "natural flow", WAYS.flow[1]), straight: row("muted", "straight in (μ, σ)", WAYS.straight[1]) };
    const wayHead = html("th", { scope: "col", text: "from A to B" });
    const table = (top, rows) => html("table", { class: "ngd-figures" }, html("thead", {}, html("tr", {}, ...top)), html("tbody", {}, ...Object.values(rows).map(r => r.node)));
    const more = html("div", {}, table([wayHead, lengths], wayKeys));
    const told = html("p", { class: "ngd-told" });
    ui.root.append(stage, table([head, reaches], keys), more, told, html("div", { class: "ngd-row" },
      ui.range({ name: "epsilon", label: "radius ε (nats)", log: true, typed: true }),
      ui.choice({ name: "show", label: "what is shown", options: [["balls", "the balls"], ["all", "show all"]] }), ui.resetButton()));

    const read = s => [[s.mu, s.sigma], [s.mu2, s.sigma2]];
    const along = (f, n = 61) => Array.from({ length: n }, (_, k) => f(k / (n - 1)));
    const bell = ([m, s], x) => Math.exp(-(((x - m) / s) ** 2) / 2) / (s * Math.sqrt(2 * Math.PI));
    const WIDE = [-2.6, 2.6], TALL = [0, 2.6];
    return {
      layout(width) {
        const left = 46, right = 12, wide = width - left - right, tall = Math.min(wide / 2, 340);
        const x = { domain: WIDE, ticks: [-2, -1, 0, 1, 2] };
        plane.update({ box: [left, 8, wide, tall], x: { ...x, label: "" }, y: { domain: TALL, ticks: [0, 1, 2], label: "standard deviation σ" } });
        density.update({ box: [left, tall + 36, wide, 66], x: { ...x, label: "mean μ, and outcome x" }, y: { domain: [0, 1.6], ticks: [0, 1], label: "density" } });
        stage.size(width, tall + 142);
      },
      draw: [s => {
        const [A, B] = read(s), X = plane.x, Y = plane.y, all = s.show === "all", ends = reach(A[1], s.epsilon), spans = Object.values(ends);
        const path = points => line(points, X, Y);
        const outline = ball(A, s.epsilon, "forward");
        attr(balls.forward, { d: `${path(outline)}Z` });
        attr(balls.reverse, { d: `${path(ball(A, s.epsilon, "reverse"))}Z` });
        attr(balls.ellipse, { d: `${path(ellipse(A, s.epsilon))}Z` });
        const side = X(Math.max(...outline.map(p => p[0]), A[0] + A[1] * Math.sqrt(2 * s.epsilon))) - X(A[0]);
        const up = Y(A[1]) - Y(Math.max(...spans.map(e => e[1]))), down = Y(Math.min(...spans.map(e => e[0]))) - Y(A[1]);
        a.move(X(A[0]), Y(A[1]), [side, side, up, down]);
        b.move(X(B[0]), Y(B[1]), [8, 8, 8, 8]);
        for (const node of [b.handle.node, b.tag, bells.b, ...Object.values(ways)]) attr(node, { visibility: all ? null : "hidden" });
        attr(more, { hidden: !all });
        attr(head, { text: `A: μ = ${fixed(s.mu, 2)}, σ = ${fixed(s.sigma, 2)}` });
        for (const [name, [low, high]] of Object.entries(ends)) attr(keys[name].value, { text: `${fixed(low, 3)} … ${fixed(high, 3)}` });
      }, s => {
        const [A, B] = read(s), path = points => line(points, plane.x, plane.y);
        if (s.show !== "all") return;
        attr(ways.straight, { d: path([A, B]) });
        attr(ways.geodesic, { d: path(along(t => geodesic(A, B, t))) });
        attr(ways.flow, { d: path(along(t => flow(A, B, t))) });
      }, s => {
        const [A, B] = read(s), grid = along(t => WIDE[0] + (WIDE[1] - WIDE[0]) * t, 161);
        attr(bells.a, { d: line(grid.map(x => [x, bell(A, x)]), density.x, density.y) });
        attr(bells.b, { d: line(grid.map(x => [x, bell(B, x)]), density.x, density.y) });
      }, s => {
        const [A, B] = read(s), all = s.show === "all";
        attr(told, { text: `On the ellipse the true divergence differs from ε by ${offBy(ellipseError(A, s.epsilon), " %")}.` +
          (all ? ` KL(A ‖ B) = ${fixed(kl(A, B), 3)}, KL(B ‖ A) = ${fixed(kl(B, A), 3)} nats. B: μ = ${fixed(B[0], 2)}, σ = ${fixed(B[1], 2)}.` : "") });
        if (!all) return;
        attr(wayKeys.geodesic.value, { text: fixed(distance(A, B), 3) });
        attr(wayKeys.flow.value, { text: fixed(flowLength(A, B), 3) });
        attr(wayKeys.straight.value, { text: fixed(straightLength(A, B), 3) });
      }],
      say(s) {
        const [low, high] = reach(s.sigma, s.epsilon).forward;
        return `A: mean ${fixed(s.mu, 2)}, standard deviation ${fixed(s.sigma, 2)}. Radius ${significant(s.epsilon, 3)}: ` +
          `the ball reaches from ${fixed(low, 3)} to ${fixed(high, 3)}; the ellipse is wrong by ${offBy(ellipseError([s.mu, s.sigma], s.epsilon), " percent")}.`;
      },
    };
  },
});
