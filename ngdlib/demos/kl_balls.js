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

export const math = { kl, ball, ellipse, ellipseError, distance, geodesic, flow, straightLength, flowLength, offBy };

export default ngd.demo({
  state: { mu: [-2.5, 2.5], sigma: [0.3, 2.5], mu2: [-2.5, 2.5], sigma2: [0.3, 2.5], epsilon: [0.001, 0.9] },

  build(ui) {
    const { svg, html, attr, line, fixed, significant } = ngd;
    const stage = ngd.stage("The half-plane of Gaussians; drag the points A and B");
    const plane = ngd.plot(stage), density = ngd.plot(stage);
    const curve = (panel, role, style = "") => {
      const node = svg("path", { class: `ngd-way ngd-${role}`, style: `--ngd-paint:var(--ngd-${role});${style}` });
      panel.inside.append(node);
      return node;
    };
    const label = (words, role) => {
      const text = svg("text", { class: "ngd-words", "text-anchor": "middle", text: words, "aria-hidden": "true", style: `fill:var(--ngd-${role})` });
      plane.over.append(text);
      return text;
    };
    const dash = { ellipse: "stroke-dasharray:7 4;stroke-width:2.1", reverse: "stroke-dasharray:1.5 4;stroke-linecap:round;stroke-width:2.1", forward: "" };
    const parts = {
      forward: curve(plane, "metric", "fill:var(--ngd-fill)"),
      reverse: curve(plane, "metric", dash.reverse),
      ellipse: curve(plane, "metric", dash.ellipse),
      straight: curve(plane, "muted", "stroke-dasharray:2 3"),
      geodesic: curve(plane, "ink"),
      flow: curve(plane, "natural", "stroke-width:2.2"),
      densityB: curve(density, "ink", "stroke-dasharray:5 3"),
      densityA: curve(density, "ink"),
    };
    const words = {
      geodesic: label("geodesic", "ink"), flow: label("natural-gradient flow", "natural"), straight: label("straight", "muted"),
    };
    const point = (name, letter, mu, sigma, kind) => {
      const axis = (key, low, high, sign) => ({ min: low, max: high, step: 0.05, get: () => ui.get(key),
        set: v => ui.set({ [key]: Math.round(v * 1e4) / 1e4 }), text: v => `${sign} ${fixed(v, 2)}` });
      const handle = ui.handle(plane.over, { label: name, shape: kind, axes: [axis(mu, -2.5, 2.5, "mean"), axis(sigma, 0.3, 2.5, "standard deviation")],
        place: (x, y) => ui.set({ [mu]: Math.round(plane.x.invert(x) * 1e3) / 1e3, [sigma]: Math.round(plane.y.invert(y) * 1e3) / 1e3 }) });
      const tag = svg("text", { class: "ngd-words ngd-title", "text-anchor": "middle", text: letter, "aria-hidden": "true" });
      plane.over.append(tag);
      return { move(x, y) { handle.move(x, y); attr(tag, { x: x + 15, y: y - 11 }); } };
    };
    const b = point("second Gaussian B", "B", "mu2", "sigma2", "diamond");
    const a = point("first Gaussian A", "A", "mu", "sigma", "disc");

    const key = html("p", { class: "ngd-key" });
    const swatch = (words, style) => {
      const icon = svg("svg", { width: 34, height: 10, "aria-hidden": "true" }, svg("path", { d: "M1 5H33", class: "ngd-way ngd-metric", style }));
      return html("span", {}, icon, words);
    };
    key.append(swatch("KL(A ‖ ·) = ε", dash.forward), swatch("Fisher ellipse at ε", dash.ellipse), swatch("KL(· ‖ A) = ε", dash.reverse));
    const readout = html("div", { class: "ngd-told" });
    const lines = [0, 1].map(() => {
      const node = html("p");
      readout.append(node);
      return node;
    });
    const controls = html("div", { class: "ngd-row" },
      ui.range({ name: "epsilon", label: "radius ε (nats)", log: true, text: v => significant(v, 3) }), ui.resetButton());
    ui.root.append(stage, key, readout, controls);

    const read = s => [[s.mu, s.sigma], [s.mu2, s.sigma2]];
    const along = (f, n = 61) => Array.from({ length: n }, (_, k) => f(k / (n - 1)));
    const bell = ([m, s], x) => Math.exp(-(((x - m) / s) ** 2) / 2) / (s * Math.sqrt(2 * Math.PI));
    return {
      layout(width) {
        const left = 46, right = 12, wide = width - left - right, unit = wide / 6.4, tall = Math.max(180, 3 * unit);
        const x = { domain: [-3.2, 3.2], ticks: [-3, -2, -1, 0, 1, 2, 3] };
        plane.update({ box: [left, 8, wide, tall], x: { ...x, label: "" }, y: { domain: [0, 3], ticks: [0, 1, 2, 3], label: "standard deviation σ" } });
        density.update({ box: [left, tall + 36, wide, 84], x: { ...x, label: "mean μ, and outcome x" }, y: { domain: [0, 1.4], ticks: [0, 1], label: "density" } });
        stage.size(width, tall + 160);
      },
      draw: [s => {
        const [A, B] = read(s), X = plane.x, Y = plane.y;
        a.move(X(A[0]), Y(A[1]));
        b.move(X(B[0]), Y(B[1]));
        attr(parts.straight, { d: line([A, B], X, Y) });
      }, s => {
        const [A] = read(s), path = points => line(points, plane.x, plane.y);
        attr(parts.forward, { d: `${path(ball(A, s.epsilon, "forward"))}Z` });
        attr(parts.reverse, { d: `${path(ball(A, s.epsilon, "reverse"))}Z` });
        attr(parts.ellipse, { d: `${path(ellipse(A, s.epsilon))}Z` });
      }, s => {
        const [A, B] = read(s), X = plane.x, Y = plane.y, path = points => line(points, X, Y);
        attr(parts.geodesic, { d: path(along(t => geodesic(A, B, t))) });
        attr(parts.flow, { d: path(along(t => flow(A, B, t))) });
        const far = Math.hypot(X(A[0]) - X(B[0]), Y(A[1]) - Y(B[1])) > 150;
        const put = (node, p, dy) => attr(node, far ? { x: X(p[0]).toFixed(1), y: (Y(p[1]) + dy).toFixed(1), visibility: null } : { visibility: "hidden" });
        put(words.flow, flow(A, B, 0.5), -9);
        put(words.geodesic, geodesic(A, B, 0.5), flow(A, B, 0.5)[1] - geodesic(A, B, 0.5)[1] < 0.16 ? 15 : 12);
        put(words.straight, [(A[0] + B[0]) / 2, (A[1] + B[1]) / 2], 16);
      }, s => {
        const [A, B] = read(s), grid = along(t => -3.2 + 6.4 * t, 161);
        attr(parts.densityA, { d: line(grid.map(x => [x, bell(A, x)]), density.x, density.y) });
        attr(parts.densityB, { d: line(grid.map(x => [x, bell(B, x)]), density.x, density.y) });
      }, s => {
        const [A, B] = read(s);
        attr(lines[0], { text: `On the ellipse the true divergence differs from ε by ${offBy(ellipseError(A, s.epsilon), " %")}.` });
        attr(lines[1], { text: `Fisher length from A to B: geodesic ${fixed(distance(A, B), 3)}, flow ${fixed(flowLength(A, B), 3)}, straight ${fixed(straightLength(A, B), 3)}. ` +
          `KL(A ‖ B) = ${fixed(kl(A, B), 3)}, KL(B ‖ A) = ${fixed(kl(B, A), 3)}.` });
      }],
      say(s) {
        const [A, B] = read(s);
        return `A: mean ${fixed(s.mu, 2)}, standard deviation ${fixed(s.sigma, 2)}. Radius ${significant(s.epsilon, 3)}: the ellipse is wrong by ` +
          `${offBy(ellipseError(A, s.epsilon), " percent")}. Distance from A to B ${fixed(distance(A, B), 3)}.`;
      },
    };
  },
});
