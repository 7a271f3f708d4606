// The plane of two heaps, wN(μ1, σ²) + (1 − w)N(μ2, σ²). All is computed in the mean m = wμ1 + (1 − w)μ2
// and the signed half-gap e = (μ2 − μ1)/2, the chapter's a; v = e² is smooth where heaps merge. L = KL(target ‖ θ), the
// target a member of the same weights. Integrals are sums by the trapezoidal rule.

const split = ([mu1, mu2], w = 0.5) => [w * mu1 + (1 - w) * mu2, (mu2 - mu1) / 2];
const join = (m, e, w = 0.5) => [m - 2 * (1 - w) * e, m + 2 * w * e];

/** For σ = 1, at u from the midpoint: the score along m, that along μ1 − μ2 over h, and the first heap's share. */
const scores = (u, h, w, found) => {
  const z = u * h, size = Math.abs(z), gone = Math.expm1(-2 * size), low = 1 + gone;
  const all = z > 0 ? w * low + 1 - w : w + (1 - w) * low, first = (z > 0 ? w * low : w) / all;
  const lean = (w * (1 - w) * u * (size > 1e-300 ? gone / size : -2)) / all; // (first − w)/h, finite at h = 0
  found[0] = u + h * (2 * first - 1);
  found[1] = u * lean + first * (1 - w) + (1 - first) * w;
  found[2] = first;
};
const SCORES = [0, 0, 0];

// The Fisher matrix in (m, μ1 − μ2) has three parts that are functions of a = |e|/σ: E s_m², E s_m s_d/a,
// E (s_d/a)². They are read from sums of Chebyshev polynomials, made when they are first asked for.
const APART = 9, PANELS = 12, TERMS = 23, ANGLES = Array.from({ length: TERMS }, (_, k) => (Math.PI * (k + 0.5)) / TERMS);
const integrals = (a, w) => {
  const reach = a + 9.5, n = Math.ceil((2 * reach) / Math.min(0.25, Math.PI ** 2 / (38 * a))), step = (2 * reach) / n, sums = [0, 0, 0];
  for (let k = 0; k <= n; k += 1) {
    const u = -reach + step * k, p = w * Math.exp(-((u + a) ** 2) / 2) + (1 - w) * Math.exp(-((u - a) ** 2) / 2);
    scores(u, a, w, SCORES);
    const [m, d] = SCORES;
    sums[0] += p * m * m;
    sums[1] += p * m * d;
    sums[2] += p * d * d;
  }
  return sums.map((sum, k) => (sum * step * (k === 2 ? 1 + a * a : 1)) / Math.sqrt(2 * Math.PI)); // the last falls like 1/a²
};
let table = [], tableOf = NaN;
const panelOf = (w, panel) => {
  if (w !== tableOf) [table, tableOf] = [[], w];
  return (table[panel] ??= (() => {
    const values = ANGLES.map(t => integrals((APART / PANELS) * (panel + (Math.cos(t) + 1) / 2), w));
    return [0, 1, 2].map(part => ANGLES.map((_, j) => (ANGLES.reduce((sum, t, k) => sum + values[k][part] * Math.cos(j * t), 0) * (j ? 2 : 1)) / TERMS));
  })());
};
const parts = (a, w) => {
  if (a >= APART) return [1, 0, (w * (1 - w)) / (a * a)];
  const place = (a * PANELS) / APART, panel = Math.min(Math.floor(place), PANELS - 1), t = 2 * (place - panel) - 1;
  const sum = c => { // Clenshaw
    let b1 = 0, b2 = 0;
    for (let k = c.length - 1; k > 0; k -= 1) [b1, b2] = [c[k] + 2 * t * b1 - b2, b1];
    return c[0] + t * b1 - b2;
  };
  const [mm, md, dd] = panelOf(w, panel);
  return [sum(mm), w === 0.5 ? 0 : sum(md), sum(dd) / (1 + a * a)];
};

/** F11, F12, F22 and the determinant, which keeps its digits near the diagonal. */
const fisher = (e, sigma, w = 0.5) => {
  const a = Math.abs(e) / sigma, [mm, md, dd] = parts(a, w), s2 = sigma * sigma, mixed = a * md, between = a * a * dd;
  return [(w * w * mm + 2 * w * mixed + between) / s2, (w * (1 - w) * mm + (1 - 2 * w) * mixed - between) / s2,
    ((1 - w) ** 2 * mm - 2 * (1 - w) * mixed + between) / s2, (a * a * (mm * dd - md * md)) / (s2 * s2)];
};
/** The larger eigenvalue, the smaller, and the direction of the smaller: the long axis of the ellipse. */
const eigen = (e, sigma, w = 0.5) => {
  const [f11, f12, f22, det] = fisher(e, sigma, w), large = (f11 + f22 + Math.hypot(f11 - f22, 2 * f12)) / 2;
  const turn = Math.atan2(2 * f12, f11 - f22) / 2 - Math.PI / 2; // the first angle is that of the larger
  const x = Math.cos(turn), y = Math.sin(turn), sign = x < -1e-12 ? -1 : 1;
  return [large, det / large, [sign * x, sign * y]];
};

/** Nodes and weights for expectations over a target [t1, t2] of functions of a member with half-gap e. */
const nodes = (target, sigma, w = 0.5, e = 0, fine = true) => {
  const m = (target[0] + target[1]) / 2, a = Math.abs(target[1] - target[0]) / 2, reach = a + (fine ? 9 : 5.5) * sigma;
  // the integrands have poles at distance πσ²/(2e) from the line
  let h = sigma / (fine ? 4 : 2);
  if (fine) while (h > (Math.PI * sigma) ** 2 / (24 * Math.max(Math.abs(e), a, 1e-9))) h /= 2;
  const n = Math.ceil((2 * reach) / h), x = new Float64Array(n + 1), p = new Float64Array(n + 1);
  const scale = (2 * reach) / n / (sigma * Math.sqrt(2 * Math.PI));
  for (let k = 0; k <= n; k += 1) {
    x[k] = m - reach + (2 * reach * k) / n;
    p[k] = scale * (w * Math.exp(-(((x[k] - target[0]) / sigma) ** 2) / 2) + (1 - w) * Math.exp(-(((x[k] - target[1]) / sigma) ** 2) / 2));
  }
  return { x, p };
};

/** ∂L/∂m, and ∂L/∂e over e, which is finite at e = 0. */
const slopes = (m, e, { x, p }, sigma, w) => {
  const h = e / sigma, middle = m + (2 * w - 1) * e;
  let along = 0, across = 0;
  for (let k = 0; k < x.length; k += 1) {
    scores((x[k] - middle) / sigma, h, w, SCORES);
    along += p[k] * SCORES[0];
    across += p[k] * SCORES[1];
  }
  return [-along / sigma, (2 * across) / (sigma * sigma)];
};
/** F⁻¹ times these slopes: along m, and along v = e². */
const solved = (e, [along, across], sigma, w) => {
  const [mm, md, dd] = parts(Math.abs(e) / sigma, w), k = e < 0 ? -md : md, a = sigma ** 2 * along, b = (sigma ** 3 * across) / 2, det = mm * dd - k * k;
  return [(dd * a + k * b) / det, (sigma * (mm * b + k * a)) / det];
};

/** The gradient of L in (μ1, μ2). */
const gradient = (theta, target, sigma, w = 0.5) => {
  const [m, e] = split(theta, w), [a, h] = slopes(m, e, nodes(target, sigma, w, e), sigma, w);
  return [w * a - (h * e) / 2, (1 - w) * a + (h * e) / 2];
};

/** (F + λI)⁻¹ times the gradient in (μ1, μ2); NaN on the diagonal where λ = 0. */
const natural = (theta, target, sigma, damping = 0, w = 0.5) => {
  const [m, e] = split(theta, w);
  if (damping) {
    const g = gradient(theta, target, sigma, w), [f11, f12, f22, det] = fisher(e, sigma, w), [a, c] = [f11 + damping, f22 + damping];
    const all = det + damping * (f11 + f22 + damping);
    return [(c * g[0] - f12 * g[1]) / all, (a * g[1] - f12 * g[0]) / all];
  }
  const [n, v] = solved(e, slopes(m, e, nodes(target, sigma, w, e), sigma, w), sigma, w);
  return join(n, e ? v / (2 * e) : NaN, w);
};

/** The log density at u from the midpoint, less a constant; no large terms are subtracted. */
const shape = (u, e, s2, w) => {
  const z = (u * e) / s2, c = Math.log(1 / w - 1) / 2, side = z < 0 ? -c : c;
  return side + Math.log1p(Math.exp(-2 * Math.abs(z) - 2 * side)) - (Math.abs(u) - Math.abs(e)) ** 2 / (2 * s2);
};
/** KL(target ‖ θ) in nats. */
const kl = (target, theta, sigma, w = 0.5) => {
  const e = (theta[1] - theta[0]) / 2, et = (target[1] - target[0]) / 2, { x, p } = nodes(target, sigma, w, e), s2 = sigma * sigma;
  let plain = 0, near = 0;
  for (let k = 0; k < x.length; k += 1) {
    const r = shape(x[k] - (theta[0] + theta[1]) / 2, e, s2, w) - shape(x[k] - (target[0] + target[1]) / 2, et, s2, w);
    plain -= p[k] * r;
    near += p[k] * (Math.expm1(Math.min(r, 1)) - r);
  }
  return plain < 1e-3 ? near : plain;
};

/** One step of a kind from (m, e), with the nodes of the target. */
const STEPS = {
  ordinary: (m, e, q, sigma, eta, w) => {
    const [a, h] = slopes(m, e, q, sigma, w);
    return [m - eta * (a * (w * w + (1 - w) ** 2) + ((1 - 2 * w) * h * e) / 2), e - (eta * ((1 - 2 * w) * a + h * e)) / 2];
  },
  natural: (m, e, q, sigma, eta, w) => {
    const [n, v] = solved(e, slopes(m, e, q, sigma, w), sigma, w);
    return [m - eta * n, e - (eta * v) / (2 * e)];
  },
  "natural in v": (m, e, q, sigma, eta, w) => {
    const [n, v] = solved(e, slopes(m, e, q, sigma, w), sigma, w);
    return [m - eta * n, (e < 0 ? -1 : 1) * Math.sqrt(e * e - eta * v)];
  },
  EM: (m, e, { x, p }, sigma, _, w) => { // maximum likelihood with the target's heaps shared out by the model
    let r = 0, rx = 0, all = 0;
    for (let k = 0; k < x.length; k += 1) {
      scores((x[k] - m - (2 * w - 1) * e) / sigma, e / sigma, w, SCORES);
      r += p[k] * SCORES[2];
      rx += p[k] * SCORES[2] * x[k];
      all += p[k] * x[k];
    }
    return split([rx / r, (all - rx) / (1 - r)], w);
  },
};

/** Points (μ1, μ2) of n steps; it ends early where the next is no member (v < 0) or beyond 1000. */
const path = (kind, theta, target, sigma, eta, n, w = 0.5) => {
  let [m, e] = split(theta, w);
  const found = [theta], known = new Map();
  for (let k = 0; k < n; k += 1) {
    const need = Math.ceil(Math.log2(Math.max(1, Math.abs(e) / sigma))); // finer for larger gaps
    if (!known.has(need)) known.set(need, nodes(target, sigma, w, sigma * 2 ** need));
    [m, e] = STEPS[kind](m, e, known.get(need), sigma, eta, w);
    if (!(Math.abs(m) + Math.abs(e) < 1000)) break;
    found.push(join(m, e, w));
  }
  return found;
};

/** The angle between two arrows, in degrees. */
const angle = (g, n) => (180 / Math.PI) * Math.atan2(Math.abs(g[0] * n[1] - g[1] * n[0]), g[0] * n[0] + g[1] * n[1]);

const pair = v => `(${ngd.significant(v[0], 3)}, ${ngd.significant(v[1], 3)})`;
/** The direction in which heaps part and their mean stands still. */
const parting = w => (w === 0.5 ? "(1, −1)" : `(${ngd.significant(1 - w, 3)}, ${ngd.significant(-w, 3)})`);

/** What F says at half-gap e, in one sentence. */
const told = (e, sigma, w = 0.5) => {
  const [large, small, along] = eigen(e, sigma, w), { significant } = ngd;
  if (!small) return `F is singular here: along ${parting(w)} a step changes the density to second order only, and KL to fourth. F⁻¹ does not exist. The heaps are one; the mean is the only direction that F sees.`;
  const times = Math.sqrt(large / small), what = `${significant(times, 3)} times as long as it is wide`;
  if (times < 1.005) return "The ellipse is a circle to within half a per cent: here both arrows agree.";
  if (w !== 0.5) return `The ellipse is ${what}, along ${pair(along)}: a step that way changes the density least.`;
  return along[0] * along[1] < 0
    ? `The ellipse is ${what}, along (1, −1): moving the heaps apart changes the density less than moving both together.`
    : `The ellipse is ${what}, along (1, 1): moving both heaps together changes the density less than moving them apart.`;
};

export const math = { eigen: (e, sigma, w) => eigen(e, sigma, w), fisher: (e, sigma, w) => fisher(e, sigma, w), gradient, natural, kl, path, angle, told };

const MEANS = [-12, 12], BAND = 0.1, DAMPING = 0.01, PARTICLES = 500;
const LOOK = { ordinary: "euclidean", natural: "natural", "natural in v": "natural", EM: "ink" };
const DASHES = { ordinary: null, natural: "none", "natural in v": "1.5 4", EM: "8 3 2 3" };
const BASE = { mu1: -0.5, mu2: 2, t1: -1, t2: 1, sigma: 1, weight: 0.5, reach: 4, grid: 16, scale: 1, contours: "on", flow: "off", paths: "none", eta: 2, eta_natural: 1, steps: 10 };
const VIEWS = [
  ["The opening", {}],
  ["Nearly merged: long ellipses", { mu1: -0.15, mu2: 0.15, reach: 1.25, grid: 20 }],
  ["A: leave the diagonal", { mu1: -0.05, mu2: 0.05, reach: 1.5, paths: "two" }],
  ["B: arrive at it", { mu1: -1, mu2: 1, t1: 0, t2: 0, reach: 1.5, paths: "two", steps: 200 }],
  ["A circle at 1.636", { mu1: -0.818, mu2: 0.818, reach: 2.5 }],
  ["The long axis has turned", { mu1: -1.5, mu2: 1.5, reach: 3 }],
  ["Far apart", { mu1: -4, mu2: 3, t1: -2, t2: 5, reach: 6 }],
  ["More than 45° apart", { mu1: 0.45, mu2: 0.55, reach: 1.5 }],
  ["In the band: the damped arrow", { mu1: 0.47, mu2: 0.53, reach: 1.5 }],
  ["On the diagonal", { mu1: 0.5, mu2: 0.5, reach: 1.5 }],
  ["Half the σ: fewer long ellipses", { mu1: -0.15, mu2: 0.15, sigma: 0.5, reach: 2, grid: 24 }],
  ["EM, and one natural step in v", { mu1: -0.05, mu2: 0.05, reach: 1.5, paths: "all", eta: 1, steps: 1 }],
  ["From (1, 4), in small steps", { mu1: 1, mu2: 4, reach: 4.5, paths: "two", eta: 0.05, eta_natural: 0.05, steps: 300 }],
  ["Weights 0.7 and 0.3", { weight: 0.7 }],
  ["Unequal, and nearly merged", { weight: 0.7, mu1: -0.15, mu2: 0.15, reach: 1.25, grid: 20 }],
  ["Flow: natural", { flow: "natural", contours: "off" }],
  ["Flow: ordinary", { flow: "ordinary", contours: "off" }],
  ["Flow to a target on the diagonal", { t1: 0, t2: 0, flow: "natural", contours: "off" }],
];

export default ngd.demo({
  state: {
    mu1: MEANS, mu2: MEANS, t1: MEANS, t2: MEANS, sigma: [0.25, 2], weight: [0.05, 0.95], reach: [0.1, 12], grid: [6, 40, "integer"], scale: [0.3, 2],
    contours: ["on", "off"], flow: ["off", "natural", "ordinary"], paths: ["none", "two", "all"], eta: [0.01, 4], eta_natural: [0.01, 4], steps: [1, 3200, "integer"],
  },

  build(ui) {
    const { svg, html, attr, line, fixed, significant, chevron } = ngd;
    const bells = ngd.stage("The density; drag the two means"), stage = ngd.stage("The plane of the two means; drag the disc or the star, or click");
    const density = ngd.plot(bells), plane = ngd.plot(stage);
    const [back, levels, front] = [0, 1, 2].map(() => html("canvas", { class: "mix-canvas", "aria-hidden": "true" }));
    const curve = (panel, className, style = "") => {
      const node = svg("path", { class: className, style });
      panel.inside.append(node);
      return node;
    };
    const wanted = curve(density, "ngd-goal"), now = curve(density, "ngd-curve");
    const band = curve(plane, "ngd-metric", "fill:var(--ngd-fill);stroke:none"), diagonal = curve(plane, "ngd-goal");
    const ways = Object.fromEntries(Object.keys(STEPS).map(kind => {
      const group = svg("g", { class: `ngd-${LOOK[kind]}`, style: `--ngd-paint:var(--ngd-${LOOK[kind]})` });
      const dash = DASHES[kind] ? `;stroke-dasharray:${DASHES[kind]}` : "";
      const parts = [svg("path", { class: "ngd-way", style: `stroke-width:1.4${dash}` }), svg("path", { class: "ngd-dots" })];
      group.append(...parts);
      plane.inside.append(group);
      return [kind, { group, parts }];
    }));
    const arrow = (name, style = "") => {
      const group = svg("g", { class: `ngd-${name}` }), shaft = svg("path", { class: "ngd-way", style: `stroke-width:2.6${style}` });
      const head = svg("path", { class: "ngd-way", style: "stroke-width:2.6;stroke-dasharray:none" });
      group.append(shaft, head);
      plane.over.append(group);
      return { group, move(x, y, v, size) {
        const length = Math.hypot(...v);
        attr(group, { visibility: length > 1e-14 ? null : "hidden" });
        if (!(length > 1e-14)) return;
        const [dx, dy] = [(v[0] / length) * size, (-v[1] / length) * size], gap = 13 / size;
        attr(shaft, { d: line([[x + dx * gap, y + dy * gap], [x + dx, y + dy]]) });
        attr(head, { d: chevron(x + dx, y + dy, dx, dy, 8) });
      } };
    };
    const arrows = { natural: arrow("natural"), ordinary: arrow("euclidean"), damped: arrow("natural", ";stroke-dasharray:2 4") };
    const turn = svg("text", { class: "ngd-words ngd-title", "aria-hidden": "true" });
    const image = svg("path", { class: "ngd-end ngd-open", style: "--ngd-paint:currentColor" });
    plane.inside.append(image);
    plane.over.append(turn);

    // handles: the two means under the density; the star and the disc in the plane
    const round = v => Number(v.toPrecision(4)), fine = v => Math.round(v / (ui.get("reach") / 400)) * (ui.get("reach") / 400);
    // a handle stays in the plane as drawn: beyond it, it could not be taken back
    const inPlane = v => round(ngd.clamp(fine(v), -ui.get("reach"), ui.get("reach")));
    const axisOf = (name, words) => ({ get min() { return -ui.get("reach"); }, get max() { return ui.get("reach"); }, get step() { return round(ui.get("reach") / 80); },
      get: () => ui.get(name), set: v => ui.set({ [name]: round(v) }), text: v => `${words} ${significant(v, 4)}` });
    const mean = (name, words, className) => ui.handle(density.over, { label: words, className, size: 6, axes: [axisOf(name, words)],
      place: x => ui.set({ [name]: inPlane(density.x.invert(x)) }) });
    const means = { mu1: mean("mu1", "mean μ1", "ngd-ink"), mu2: mean("mu2", "mean μ2", "ngd-ink") };
    const tags = Object.fromEntries(["mu1", "mu2"].map((name, k) => [name, svg("text", { class: "ngd-words", "text-anchor": "middle", text: `μ${"₁₂"[k]}`, "aria-hidden": "true" })]));
    density.over.append(...Object.values(tags));
    const two = (x, y, a, b) => ui.set({ [a]: inPlane(plane.x.invert(x)), [b]: inPlane(plane.y.invert(y)) });
    const star = ui.handle(plane.over, { label: "target", shape: "star", size: 6, axes: [axisOf("t1", "first mean"), axisOf("t2", "second mean")], place: (x, y) => two(x, y, "t1", "t2") });
    const probe = ui.handle(plane.over, { label: "the model", size: 6, axes: [axisOf("mu1", "mean μ1"), axisOf("mu2", "mean μ2")], place: (x, y) => two(x, y, "mu1", "mu2") });
    stage.addEventListener("click", event => {
      if (event.target.closest(".ngd-handle")) return;
      const box = stage.getBoundingClientRect(), [x, y] = [event.clientX - box.left, event.clientY - box.top];
      const [left, right] = plane.x.range, [low, high] = plane.y.range;
      if (x >= left && x <= right && y <= low && y >= high) two(x, y, "mu1", "mu2");
    });

    // the panel
    const rows = {};
    const heads = {};
    const row = (key, words) => {
      [rows[key], heads[key]] = [html("td"), html("th", { scope: "row", text: words })];
      return html("tr", {}, heads[key], rows[key]);
    };
    const panel = html("table", { class: "ngd-figures ngd-numbers" }, html("tbody", {},
      row("at", "(μ₁, μ₂)"), row("gap", "separation |μ₁ − μ₂|"), row("kl", "KL to the target"), row("plus", "λ along (1, 1)"), row("minus", "λ along (1, −1)"),
      row("kappa", "condition number κ"), row("angle", "angle of the arrows"), row("ratio", "length, natural : ordinary")));
    const entries = html("table", { class: "ngd-figures ngd-numbers" }, html("tbody", {}, row("f11", "F₁₁ = F₂₂"), row("f12", "F₁₂"), row("det", "det F"), row("ordinary", "ordinary −∂L"), row("natural", "natural −F⁻¹∂L")));
    const words = html("p", { class: "ngd-told" });
    const ends = html("table", { class: "ngd-figures ngd-numbers mix-ends" });
    const endRows = Object.fromEntries(Object.keys(STEPS).map(kind => {
      const icon = svg("svg", { width: 30, height: 10, "aria-hidden": "true" }, svg("path", { d: "M1 5H29", class: `ngd-way ngd-${LOOK[kind]}`, style: `--ngd-paint:var(--ngd-${LOOK[kind]})${DASHES[kind] ? `;stroke-dasharray:${DASHES[kind]}` : ""}` }));
      const cells = [html("td"), html("td"), html("td"), html("td")];
      return [kind, { cells, node: html("tr", {}, html("th", { scope: "row" }, icon, kind), ...cells) }];
    }));
    ends.append(html("thead", {}, html("tr", {}, ...["path", "η", "steps", "separation", "KL"].map(text => html("th", { scope: "col", text })))), html("tbody", {}, ...Object.values(endRows).map(r => r.node)));

    const select = html("select", { id: `mix-views-${Math.random().toString(36).slice(2, 8)}` }, html("option", { value: "", text: "choose …" }), ...VIEWS.map(([text], k) => html("option", { value: k, text })));
    select.addEventListener("change", () => {
      if (select.value !== "") ui.set({ ...BASE, ...VIEWS[select.value][1] });
    });
    const views = html("div", { class: "ngd-pick" }, html("label", { for: select.id, text: "Go to a view" }), select);

    // particles
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    let moving = false, ticking = 0, seen = true, last = 0;
    const bits = { m: new Float64Array(PARTICLES), e: new Float64Array(PARTICLES), left: new Float64Array(PARTICLES) };
    const born = k => {
      const r = ui.get("reach");
      [bits.m[k], bits.e[k]] = split([(2 * Math.random() - 1) * r, (2 * Math.random() - 1) * r], field.weight);
      bits.left[k] = 0.5 + 3 * Math.random();
    };
    let coarse = null, coarseKey = "";
    let turns = 0;
    const advance = (dt, pen) => { // while a handle is dragged, every second particle takes both steps
      const stride = ui.dragging ? 2 : 1, t = dt * stride;
      turns += 1;
      const { t1, t2, sigma, weight: w, reach, flow } = field, key = `${t1},${t2},${sigma},${w}`;
      if (key !== coarseKey) [coarse, coarseKey] = [nodes([t1, t2], sigma, w, 0, false), key];
      const X = plane.x, Y = plane.y, s2 = sigma * sigma;
      for (let k = turns % stride; k < PARTICLES; k += stride) {
        const m = bits.m[k], e = bits.e[k], slope = slopes(m, e, coarse, sigma, w);
        if (flow === "natural") {
          const [n, v] = solved(e, slope, sigma, w);
          bits.m[k] -= t * n;
          bits.e[k] = (e < 0 ? -1 : 1) * Math.sqrt(Math.max(0, e * e - t * v));
        } else { // times: far apart, with equal weights, both flows are equally fast, for there F = I/(2σ²)
          bits.m[k] -= 2 * t * s2 * (slope[0] * (w * w + (1 - w) ** 2) + ((1 - 2 * w) * slope[1] * e) / 2);
          bits.e[k] -= t * s2 * ((1 - 2 * w) * slope[0] + slope[1] * e);
        }
        bits.left[k] -= t;
        const from = join(m, e, w), to = join(bits.m[k], bits.e[k], w);
        pen.moveTo(X(from[0]), Y(from[1]));
        pen.lineTo(X(to[0]), Y(to[1]));
        if (bits.left[k] < 0 || !(Math.max(Math.abs(to[0]), Math.abs(to[1])) < 3 * reach)) born(k);
      }
    };
    let field = ui.get ? Object.fromEntries(Object.keys(BASE).map(n => [n, ui.get(n)])) : BASE;
    let ratio = 1, size = 0, inks = null;
    const pen2d = canvas => canvas.getContext("2d");
    const wipe = canvas => {
      const pen = pen2d(canvas);
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(0, 0, canvas.width, canvas.height);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      return pen;
    };
    const clipped = pen => {
      const [left, right] = plane.x.range, [low, high] = plane.y.range;
      pen.save();
      pen.beginPath();
      pen.rect(left, high, right - left, low - high);
      pen.clip();
      return pen;
    };
    const colours = () => {
      if (inks) return inks;
      const probeSpan = html("span");
      ui.root.append(probeSpan);
      inks = {};
      for (const name of ["metric", "natural", "euclidean", "muted"]) {
        probeSpan.style.color = `var(--ngd-${name})`;
        inks[name] = getComputedStyle(probeSpan).color;
      }
      probeSpan.remove();
      return inks;
    };
    const stroke = (dt, fade) => {
      const pen = clipped(pen2d(front));
      if (fade) {
        pen.globalCompositeOperation = "destination-out";
        pen.globalAlpha = 0.06;
        pen.fillRect(0, 0, size, size);
        pen.globalCompositeOperation = "source-over";
        pen.globalAlpha = 1;
      }
      pen.strokeStyle = colours()[field.flow === "natural" ? "natural" : "euclidean"];
      pen.lineWidth = ratio > 1 ? 1.3 : 1; // one pixel is drawn without an outline, and so faster
      pen.beginPath();
      advance(dt, pen);
      pen.stroke();
      pen.restore();
    };
    const tick = time => {
      ticking = 0;
      if (!moving || !seen || !ui.root.isConnected || field.flow === "off") return;
      stroke(Math.min(time - last || 16, 50) / 1500, true);
      last = time;
      ticking = requestAnimationFrame(tick);
    };
    const wake = () => {
      if (moving && seen && field.flow !== "off" && size) ticking ||= requestAnimationFrame(tick);
    };
    new IntersectionObserver(entries => {
      seen = entries.at(-1).isIntersecting;
      wake();
    }).observe(stage);
    let flowing = "off";
    const startFlow = () => {
      wipe(front);
      flowing = field.flow;
      if (flowing === "off") return;
      for (let k = 0; k < PARTICLES; k += 1) born(k);
      moving = !calm.matches;
      if (!moving) for (let k = 0; k < 40; k += 1) stroke(0.01, false); // a still picture of the flow
      wake();
    };
    const pause = ui.button({ text: () => (moving ? "Pause" : "Run"), press: () => {
      moving = !moving;
      attr(pause, { text: moving ? "Pause" : "Run" });
      wake();
    } });

    // the ellipses and the contours, on one canvas
    let painted = "", levelled = "";
    const themes = new MutationObserver(() => repaint());
    themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => repaint());
    const repaint = () => {
      if (!ui.root.isConnected) return themes.disconnect();
      [inks, painted, levelled] = [null, "", ""];
      paintBack(field);
      paintLevels(field);
    };
    let shrunk = 0;
    const paintBack = s => {
      const key = [s.sigma, s.weight, s.reach, s.grid, s.scale, size].join();
      if (key === painted || !size) return;
      painted = key;
      const pen = clipped(wipe(back)), X = plane.x, Y = plane.y, r = s.reach, n = s.grid, wide = X(r) - X(-r), cell = wide / n;
      const at = k => r * ((2 * (k + 0.5)) / n - 1);
      const looks = Array.from({ length: n }, (_, k) => { // an ellipse depends on the separation alone
        const [large, small, [x, y]] = eigen((at(k) - at(0)) / 2, s.sigma, s.weight), half = 0.3 * cell * s.scale;
        const wide = half * Math.sqrt(0.5 / s.sigma ** 2 / large), long = half * Math.sqrt(0.5 / s.sigma ** 2 / Math.max(small, 1e-30));
        const fit = Math.min(1, (1.4 * half) / long);
        return [Math.min(long * fit, 1.4 * half), wide * fit, fit < 1, x, y];
      });
      shrunk = looks.findIndex(l => !l[2]);
      if (shrunk < 0) shrunk = n;
      pen.strokeStyle = colours().metric;
      for (const faint of [false, true]) {
        pen.globalAlpha = faint ? 0.55 : 1;
        pen.lineWidth = 1;
        pen.beginPath();
        for (let i = 0; i < n; i += 1)
          for (let j = 0; j < n; j += 1) {
            const [long, wide, fitted, dx, dy] = looks[Math.abs(i - j)];
            if (fitted !== faint) continue;
            const x = X(at(i)), y = Y(at(j));
            pen.moveTo(x + long * dx, y - long * dy);
            pen.ellipse(x, y, long, wide, Math.atan2(-dy, dx), 0, 2 * Math.PI);
          }
        pen.stroke();
      }
      pen.restore();
    };
    const paintLevels = s => {
      const key = [s.sigma, s.weight, s.reach, size, s.contours, s.t1, s.t2, !!(ui.dragging || ui.sliding)].join();
      if (key === levelled || !size) return;
      levelled = key;
      const pen = clipped(wipe(levels));
      if (s.contours === "on") contour(pen, s, ui.dragging || ui.sliding ? 20 : 40); // coarser on the way
      pen.restore();
    };
    const LEVELS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30].map(Math.log);
    const contour = (pen, s, n) => {
      const r = s.reach, w = s.weight, q = nodes([s.t1, s.t2], s.sigma, w, 0, false), s2 = s.sigma * s.sigma, entropy = -cross([s.t1, s.t2], q, s2, w);
      const value = new Float64Array((n + 1) * (n + 1)), at = k => r * ((2 * k) / n - 1);
      for (let i = 0; i <= n; i += 1)
        for (let j = w === 0.5 ? i : 0; j <= n; j += 1)
          value[i * (n + 1) + j] = Math.log(Math.max(1e-9, cross([at(i), at(j)], q, s2, w) + entropy));
      if (w === 0.5) for (let i = 0; i <= n; i += 1) for (let j = 0; j < i; j += 1) value[i * (n + 1) + j] = value[j * (n + 1) + i]; // swapped heaps
      const X = plane.x, Y = plane.y;
      pen.strokeStyle = colours().muted;
      pen.lineWidth = 0.8;
      pen.beginPath();
      for (let i = 0; i < n; i += 1)
        for (let j = 0; j < n; j += 1) {
          const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], f = corners.map(([a, b]) => value[a * (n + 1) + b]);
          const [low, high] = [Math.min(...f), Math.max(...f)];
          for (const level of LEVELS) {
            if (level <= low || level > high) continue;
            const cuts = [];
            for (let k = 0; k < 4; k += 1) {
              const [f0, f1] = [f[k], f[(k + 1) % 4]];
              if (f0 < level === f1 < level) continue;
              const t = (level - f0) / (f1 - f0), [a, b] = corners[k], [c, d] = corners[(k + 1) % 4];
              cuts.push([X(at(a + t * (c - a))), Y(at(b + t * (d - b)))]);
            }
            for (let k = 0; k + 1 < cuts.length; k += 2) {
              pen.moveTo(...cuts[k]);
              pen.lineTo(...cuts[k + 1]);
            }
          }
        }
      pen.stroke();
    };
    /** Minus the mean log density of a member over the target, less a constant. */
    const cross = (theta, { x, p }, s2, w) => {
      const middle = (theta[0] + theta[1]) / 2, e = (theta[1] - theta[0]) / 2;
      let sum = 0;
      for (let k = 0; k < x.length; k += 1) sum -= p[k] * shape(x[k] - middle, e, s2, w);
      return sum;
    };

    const left = html("div", { class: "mix-left" }, bells, panel), right = html("div", { class: "mix-right" }, back, levels, front, stage);
    const main = html("div", { class: "mix" }, left, right);
    const more = html("details", { class: "ngd-more" }, html("summary", { text: "More numbers, and typed ones" }), entries, html("div", { class: "ngd-row" },
      ...[["mu1", "μ₁"], ["mu2", "μ₂"], ["t1", "target, first mean"], ["t2", "target, second mean"]].map(([name, label]) => ui.range({ name, label, step: 0.05, typed: true }))));
    const drawing = html("details", { class: "ngd-more" }, html("summary", { text: "The drawing: view, ellipses, contours" }), html("div", { class: "ngd-row" },
      ui.range({ name: "reach", label: "the plane reaches to ±", log: true, typed: true }), ui.range({ name: "grid", label: "ellipses a side" }),
      ui.range({ name: "scale", label: "size of the ellipses", step: 0.1 }), ui.choice({ name: "contours", label: "contours of KL", options: [["on", "contours"], ["off", "none"]] })));
    const fit = html("p", { class: "ngd-told ngd-fitted" });
    ui.root.append(main, words, html("div", { class: "ngd-row" }, views, ui.range({ name: "sigma", label: "σ of both heaps", step: 0.05, typed: true }), ui.range({ name: "weight", label: "weight w of the first", step: 0.05, typed: true }), ui.resetButton()),
      html("div", { class: "ngd-row" }, html("div", {}, html("div", { text: "paths from the disc" }), ui.choice({ name: "paths", label: "paths from the disc", options: [["none", "none"], ["two", "both"], ["all", "with EM and v"]] })),
        html("div", {}, html("div", { text: "particles" }), html("div", { class: "ngd-buttons" }, ui.choice({ name: "flow", label: "particles", options: [["off", "off"], ["natural", "natural"], ["ordinary", "ordinary"]] }), pause))));
    const walk = html("div", {}, ends, html("div", { class: "ngd-row" }, ui.range({ name: "eta", label: "η of ordinary steps", log: true, typed: true }), ui.range({ name: "eta_natural", label: "η of natural steps", log: true, typed: true }), ui.range({ name: "steps", label: "steps", log: true, typed: true })));
    ui.root.append(walk, more, drawing, fit);

    const bell = (x, a, b, s, w) => (w * Math.exp(-(((x - a) / s) ** 2) / 2) + (1 - w) * Math.exp(-(((x - b) / s) ** 2) / 2)) / (s * Math.sqrt(2 * Math.PI));
    const small = L => (L < 1e-14 ? "below 10⁻¹⁴" : significant(L, 3)); // below it, rounding
    const here = s => {
      const theta = [s.mu1, s.mu2], target = [s.t1, s.t2], e = (s.mu2 - s.mu1) / 2;
      const g = gradient(theta, target, s.sigma, s.weight), n = natural(theta, target, s.sigma, 0, s.weight);
      return { theta, target, e, g, n, ratio: Math.hypot(...n) / Math.hypot(...g), close: Math.abs(2 * e) / s.sigma < BAND };
    };
    const rough = v => `(${significant(v[0], 2)}, ${significant(v[1], 2)})`;
    let wide = 0, height = 0;
    return {
      layout(width) {
        const beside = width >= 620;
        main.classList.toggle("mix-wide", beside);
        size = beside ? Math.min(440, Math.round(width * 0.58)) : width;
        wide = beside ? width - size - 16 : width;
        height = beside ? 190 : 120;
        main.style.setProperty("--mix-plane", `${size}px`);
        bells.size(wide, height);
        stage.size(size, size);
        ratio = Math.min(2, window.devicePixelRatio || 1);
        for (const canvas of [back, levels, front]) {
          [canvas.width, canvas.height] = [size * ratio, size * ratio];
          [canvas.style.width, canvas.style.height] = [`${size}px`, `${size}px`];
        }
        [painted, levelled] = ["", ""];
        flowing = "";
      },
      draw: [s => {
        const r = s.reach, before = field;
        field = s;
        plane.update({ box: [44, 10, size - 56, size - 56], x: { domain: [-r, r], label: "mean μ₁" }, y: { domain: [-r, r], label: "mean μ₂" } });
        const span = r + 1.5 * s.sigma;
        density.update({ box: [44, 8, wide - 56, height - 62], x: { domain: [-span, span], label: "outcome x" }, y: { domain: [0, 0.45 / s.sigma], ticks: [], label: "density" } });
        const X = plane.x, Y = plane.y, at = here(s), [x, y] = [X(s.mu1), Y(s.mu2)];
        const inside = Math.max(Math.abs(s.mu1), Math.abs(s.mu2)) <= r, starred = Math.max(Math.abs(s.t1), Math.abs(s.t2)) <= r;
        attr(probe.node, { visibility: inside ? null : "hidden" });
        attr(star.node, { visibility: starred ? null : "hidden" });
        probe.move(x, y);
        star.move(X(s.t1), Y(s.t2));
        attr(image, { d: s.weight === 0.5 ? ngd.shape("star", X(s.t2), Y(s.t1), 6) : "" });
        attr(diagonal, { d: line([[-r, -r], [r, r]], X, Y) });
        const b = BAND * s.sigma;
        attr(band, { d: `${line([[-2 * r, -2 * r + b], [2 * r, 2 * r + b], [2 * r + b, 2 * r], [-2 * r + b, -2 * r]], X, Y)}Z` });
        const long = 0.16 * size, minus = v => [-v[0], -v[1]];
        for (const a of Object.values(arrows)) attr(a.group, { visibility: "hidden" });
        if (inside) {
          arrows.ordinary.move(x, y, minus(at.g), long);
          if (at.close) arrows.damped.move(x, y, minus(natural(at.theta, at.target, s.sigma, DAMPING / s.sigma ** 2, s.weight)), 0.7 * long); // on the diagonal it lies on the ordinary one
          else arrows.natural.move(x, y, minus(at.n), long);
        }
        const bearing = angle(at.g, at.n), shown = inside && Number.isFinite(bearing) && !at.close && Math.hypot(...at.g) > 1e-14;
        // written where neither arrow points, nor the star or the edge is
        const way = v => [-v[0] / Math.hypot(...v), v[1] / Math.hypot(...v)], [gx, gy] = way(at.g), [nx, ny] = way(at.n);
        const free = ([dx, dy]) => Math.max(gx * dx + gy * dy, nx * dx + ny * dy) + 20 / (10 + Math.hypot(x + 30 * dx - X(s.t1), y + 20 * dy - Y(s.t2))) +
          (x + 55 * dx > size - 12 || x + 55 * dx < 44 || y + 24 * dy < 10 || y + 24 * dy > size - 46 ? 4 : 0);
        const [dx, dy] = shown ? [[1, -1], [-1, -1], [1, 1], [-1, 1]].reduce((best, c) => (free(c) < free(best) - 1e-9 ? c : best)) : [1, -1];
        attr(turn, { x: Math.round(x + 12 * dx), y: Math.round(y + (dy < 0 ? -14 : 24)), "text-anchor": dx < 0 ? "end" : "start", text: shown ? `${fixed(bearing, 1)}°` : "" });
        for (const name of ["mu1", "mu2"]) {
          const px = density.x(s[name]);
          attr(means[name].node, { visibility: Math.abs(s[name]) <= span ? null : "hidden" });
          means[name].move(px, density.y(0));
          const level = Math.abs(density.x(s.mu1) - density.x(s.mu2)) < 22 && name === "mu1" ? -14 : 0;
          attr(tags[name], { x: Math.round(px + level), y: Math.round(density.y(0) - 14), visibility: Math.abs(s[name]) <= span ? null : "hidden" });
        }
        if (flowing !== s.flow || (before.reach !== r && s.flow !== "off")) startFlow();
        attr(pause, { hidden: s.flow === "off", text: moving ? "Pause" : "Run" });
      }, s => {
        const [low, high] = density.x.domain, grid = Array.from({ length: 121 }, (_, k) => low + ((high - low) * k) / 120);
        attr(now, { d: line(grid.map(x => [x, bell(x, s.mu1, s.mu2, s.sigma, s.weight)]), density.x, density.y) });
        attr(wanted, { d: line(grid.map(x => [x, bell(x, s.t1, s.t2, s.sigma, s.weight)]), density.x, density.y) });
      }, s => {
        const at = here(s), flat = Math.hypot(...at.g) < 1e-14, even = s.weight === 0.5;
        const [f11, f12, f22, det] = fisher(at.e, s.sigma, s.weight), [large, small, [x, y]] = eigen(at.e, s.sigma, s.weight);
        const [plus, minus] = even && x * y > 0 ? [small, large] : [large, small]; // with equal weights named by direction
        for (const [key, words] of Object.entries(even ? { plus: "λ along (1, 1)", minus: "λ along (1, −1)", f11: "F₁₁ = F₂₂" } : { plus: `λ along ${rough([-y, x])}`, minus: `λ along ${rough([x, y])}`, f11: "F₁₁, F₂₂" }))
          attr(heads[key], { text: words });
        const cells = { at: pair(at.theta), gap: significant(2 * Math.abs(at.e), 4), kl: significant(kl(at.target, at.theta, s.sigma, s.weight), 3), plus: significant(plus, 4), minus: significant(minus, 4),
          kappa: small ? significant(large / small, 4) : "∞", angle: at.e && !flat ? `${fixed(angle(at.g, at.n), 1)}°` : "undefined", ratio: at.e && !flat ? significant(at.ratio, 4) : "undefined",
          f11: even ? significant(f11, 4) : `${significant(f11, 4)}, ${significant(f22, 4)}`, f12: significant(f12, 4), det: significant(det, 4), ordinary: pair(at.g.map(v => -v)), natural: at.e ? pair(at.n.map(v => -v)) : "undefined" };
        for (const key in cells) attr(rows[key], { text: cells[key] });
        const why = !at.close ? "" : at.e
          ? ` In the shaded band the natural arrow is not drawn: it is ${flat ? "0/0" : `${significant(at.ratio, 3)} times the ordinary one`}, and grows like 1/|μ₁ − μ₂|. Dotted: the damped one, λ = 0.01/σ².`
          : ` The natural gradient is undefined: along ${parting(s.weight)} both the slope and F are 0. Dotted: the damped one, λ = 0.01/σ².`;
        const away = Math.max(Math.abs(s.mu1), Math.abs(s.mu2)) > s.reach ? " The disc lies outside the plane as drawn." : "";
        attr(words, { text: told(at.e, s.sigma, s.weight) + why + away });
      }, s => {
        const kinds = s.paths === "none" ? [] : s.paths === "two" ? ["ordinary", "natural"] : Object.keys(STEPS), X = plane.x, Y = plane.y;
        attr(walk, { hidden: !kinds.length });
        for (const kind of Object.keys(STEPS)) {
          const { group, parts } = ways[kind], shown = kinds.includes(kind) && (s.mu1 !== s.mu2 || !kind.startsWith("natural"));
          attr(group, { visibility: shown ? null : "hidden" });
          attr(endRows[kind].node, { hidden: !kinds.includes(kind) });
          if (!kinds.includes(kind)) continue;
          const points = shown ? path(kind, [s.mu1, s.mu2], [s.t1, s.t2], s.sigma, kind === "ordinary" ? s.eta : s.eta_natural, s.steps, s.weight) : [], end = points.at(-1);
          const near = points.filter((p, k) => k < 300 || k === points.length - 1).map(([a, b]) => [ngd.clamp(X(a), -4000, 4000), ngd.clamp(Y(b), -4000, 4000)]);
          attr(parts[0], { d: line(near) });
          attr(parts[1], { d: near.slice(1, 60).map(([a, b]) => `M${a.toFixed(1)} ${b.toFixed(1)}h0`).join("") });
          const stopped = points.length - 1 < s.steps;
          const gap = end ? Math.abs(end[1] - end[0]) : NaN, far = end && Math.max(...end.map(Math.abs)) > 90 * s.sigma;
          const eta = kind === "EM" ? "–" : significant(kind === "ordinary" ? s.eta : s.eta_natural, 3);
          const texts = !shown ? [eta, "undefined", "", ""] : [eta, `${points.length - 1}${stopped ? ", then none" : ""}`, gap < 1e-6 * s.sigma ? "below 10⁻⁶" : significant(gap, 5), far ? "large" : small(kl([s.t1, s.t2], end, s.sigma, s.weight))];
          texts.forEach((text, k) => attr(endRows[kind].cells[k], { text }));
        }
      }, s => {
        paintBack(s);
        paintLevels(s);
        const smallest = 2 * s.reach * shrunk / s.grid;
        attr(fit, { text: shrunk ? `Ellipses of one KL radius; the faint ones, at separations below ${significant(smallest, 3)}, are drawn smaller to fit, with their shape kept${s.grid ? "; on the diagonal they are lines" : ""}.` : "Ellipses of one KL radius." });
      }],
      say(s) {
        const at = here(s);
        return `Means ${significant(s.mu1, 3)} and ${significant(s.mu2, 3)}. ${told(at.e, s.sigma, s.weight)} ` +
          (at.e ? `The arrows differ by ${fixed(angle(at.g, at.n), 0)} degrees.` : "The natural gradient is undefined.");
      },
    };
  },
});
