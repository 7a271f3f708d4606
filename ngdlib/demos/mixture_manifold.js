// The plane of two equal heaps, ½N(μ1, σ²) + ½N(μ2, σ²). All is computed in the mean m and the signed
// half-gap e = (μ2 − μ1)/2, in which the Fisher matrix is diagonal; v = e² is smooth where heaps merge.
// L = KL(target ‖ θ). The eigenvalues are read from Python's table, DATA; integrals over the target
// are sums by the trapezoidal rule.

/** The eigenvalues along (1, 1) and (1, −1), and the second over e², which stays finite at e = 0. */
const eigen = (e, sigma) => {
  const a = Math.abs(e) / sigma, s2 = sigma * sigma, { apart, plus, minus } = DATA;
  if (a >= apart) return [0.5 / s2, 0.5 / s2, 0.5 / s2 / Math.max(e * e, 1e-300)];
  const place = (a * plus.length) / apart, panel = Math.min(Math.floor(place), plus.length - 1), t = 2 * (place - panel) - 1;
  const sum = c => { // Clenshaw
    let b1 = 0, b2 = 0;
    for (let k = c.length - 1; k > 0; k -= 1) [b1, b2] = [c[k] + 2 * t * b1 - b2, b1];
    return c[0] + t * b1 - b2;
  };
  const per = sum(minus[panel]) / (1 + a * a) / (s2 * s2);
  return [sum(plus[panel]) / s2, per * e * e, per];
};

/** Nodes and weights for expectations over a target [t1, t2] of functions of a member with half-gap e. */
const nodes = (target, sigma, e = 0, fine = true) => {
  const m = (target[0] + target[1]) / 2, a = Math.abs(target[1] - target[0]) / 2, reach = a + (fine ? 9 : 5.5) * sigma;
  // the integrands have poles at distance πσ²/(2e) from the line
  let h = sigma / (fine ? 4 : 2);
  if (fine) while (h > (Math.PI * sigma) ** 2 / (24 * Math.max(Math.abs(e), a, 1e-9))) h /= 2;
  const n = Math.ceil((2 * reach) / h), x = new Float64Array(n + 1), p = new Float64Array(n + 1);
  const scale = (2 * reach) / n / (2 * sigma * Math.sqrt(2 * Math.PI));
  for (let k = 0; k <= n; k += 1) {
    x[k] = m - reach + (2 * reach * k) / n;
    p[k] = scale * (Math.exp(-(((x[k] - target[0]) / sigma) ** 2) / 2) + Math.exp(-(((x[k] - target[1]) / sigma) ** 2) / 2));
  }
  return { x, p };
};

/** ∂L/∂m, and ∂L/∂e over e, which is finite at e = 0. */
const slopes = (m, e, { x, p }, sigma) => {
  const s2 = sigma * sigma;
  let along = 0, across = 0;
  for (let k = 0; k < x.length; k += 1) {
    const u = x[k] - m, z = (e * u) / s2, t = Math.tanh(z);
    along += p[k] * (u - e * t);
    across += p[k] * (((u * u) / s2) * (Math.abs(z) < 1e-4 ? 1 - (z * z) / 3 : t / z) - 1);
  }
  return [-along / s2, -across / s2];
};

const split = ([mu1, mu2]) => [(mu1 + mu2) / 2, (mu2 - mu1) / 2];
const join = (m, e) => [m - e, m + e];

/** The gradient of L in (μ1, μ2). */
const gradient = (theta, target, sigma) => {
  const [m, e] = split(theta), [a, h] = slopes(m, e, nodes(target, sigma, e), sigma);
  return [(a - h * e) / 2, (a + h * e) / 2];
};

/** (F + λI)⁻¹ times the gradient in (μ1, μ2); NaN on the diagonal where λ = 0. */
const natural = (theta, target, sigma, damping = 0) => {
  const [m, e] = split(theta), [a, h] = slopes(m, e, nodes(target, sigma, e), sigma), [plus, minus, per] = eigen(e, sigma);
  const across = damping ? (h * e) / (2 * (minus + damping)) : e ? h / (2 * per * e) : NaN;
  return join(a / (2 * (plus + damping)), across);
};

/** KL(target ‖ θ) in nats. */
const kl = (target, theta, sigma) => {
  const [m, e] = split(theta), [mt, et] = split(target), { x, p } = nodes(target, sigma, e), s2 = sigma * sigma;
  const shape = (u, e) => { // the log density, less a constant; no large terms are subtracted
    const z = 2 * Math.abs((u * e) / s2);
    return Math.log1p(Math.exp(-z)) - (Math.abs(u) - Math.abs(e)) ** 2 / (2 * s2);
  };
  let plain = 0, near = 0;
  for (let k = 0; k < x.length; k += 1) {
    const r = shape(x[k] - m, e) - shape(x[k] - mt, et);
    plain -= p[k] * r;
    near += p[k] * (Math.expm1(Math.min(r, 1)) - r);
  }
  return plain < 1e-3 ? near : plain;
};

/** One step of a kind from (m, e), with the nodes of the target. */
const STEPS = {
  ordinary: (m, e, q, sigma, eta) => {
    const [a, h] = slopes(m, e, q, sigma);
    return [m - (eta * a) / 2, e - (eta * h * e) / 2];
  },
  natural: (m, e, q, sigma, eta) => {
    const [a, h] = slopes(m, e, q, sigma), [plus, , per] = eigen(e, sigma);
    return [m - (eta * a) / (2 * plus), e - (eta * h) / (2 * per * e)];
  },
  "natural in v": (m, e, q, sigma, eta) => {
    const [a, h] = slopes(m, e, q, sigma), [plus, , per] = eigen(e, sigma);
    return [m - (eta * a) / (2 * plus), (e < 0 ? -1 : 1) * Math.sqrt(e * e - (eta * h) / per)];
  },
  EM: (m, e, { x, p }, sigma) => { // maximum likelihood with the target's heaps shared out by the model
    let r = 0, rx = 0, all = 0;
    for (let k = 0; k < x.length; k += 1) {
      const second = p[k] * (1 + Math.tanh((e * (x[k] - m)) / (sigma * sigma))) / 2;
      r += second;
      rx += second * x[k];
      all += p[k] * x[k];
    }
    const [one, two] = [(all - rx) / (1 - r), rx / r];
    return [(one + two) / 2, (two - one) / 2];
  },
};

/** Points (μ1, μ2) of n steps; it ends early where the next is no member (v < 0) or beyond 1000. */
const path = (kind, theta, target, sigma, eta, n) => {
  let [m, e] = split(theta);
  const found = [theta], known = new Map();
  for (let k = 0; k < n; k += 1) {
    const need = Math.ceil(Math.log2(Math.max(1, Math.abs(e) / sigma))); // finer for larger gaps
    if (!known.has(need)) known.set(need, nodes(target, sigma, sigma * 2 ** need));
    [m, e] = STEPS[kind](m, e, known.get(need), sigma, eta);
    if (!(Math.abs(m) + Math.abs(e) < 1000)) break;
    found.push(join(m, e));
  }
  return found;
};

/** The angle between two arrows, in degrees. */
const angle = (g, n) => (180 / Math.PI) * Math.atan2(Math.abs(g[0] * n[1] - g[1] * n[0]), g[0] * n[0] + g[1] * n[1]);

/** What F says at half-gap e, in one sentence. */
const told = (e, sigma) => {
  const [plus, minus] = eigen(e, sigma), { significant } = ngd;
  if (!minus) return "F is singular here: along (1, −1) a step changes nothing to second order, and F⁻¹ does not exist. The heaps are one; the mean is the only direction that F sees.";
  const times = Math.sqrt(Math.max(plus, minus) / Math.min(plus, minus)), apart = minus < plus;
  const what = `${significant(times, 3)} times as long as it is wide`;
  if (times < 1.005) return "The ellipse is a circle to within half a per cent: here both arrows agree.";
  return apart
    ? `The ellipse is ${what}, along (1, −1): moving the heaps apart changes the density less than moving both together.`
    : `The ellipse is ${what}, along (1, 1): moving both heaps together changes the density less than moving them apart.`;
};

export const math = { eigen: (e, sigma) => eigen(e, sigma), gradient, natural, kl, path, angle, told };

const MEANS = [-12, 12], BAND = 0.1, DAMPING = 0.01, PARTICLES = 500;
const LOOK = { ordinary: "euclidean", natural: "natural", "natural in v": "natural", EM: "ink" };
const DASHES = { ordinary: null, natural: "none", "natural in v": "1.5 4", EM: "8 3 2 3" };
const BASE = { mu1: -0.5, mu2: 2, t1: -1, t2: 1, sigma: 1, reach: 4, grid: 16, scale: 1, contours: "on", flow: "off", paths: "none", eta: 2, steps: 10 };
const VIEWS = [
  ["The opening", {}],
  ["Nearly merged: long ellipses", { mu1: -0.15, mu2: 0.15, reach: 1, grid: 20 }],
  ["A: leave the ridge", { mu1: -0.05, mu2: 0.05, reach: 1.5, paths: "two" }],
  ["B: arrive at it", { mu1: -1, mu2: 1, t1: 0, t2: 0, reach: 1.5, paths: "two", steps: 200 }],
  ["A circle at 1.636", { mu1: -0.818, mu2: 0.818, reach: 2.5 }],
  ["The long axis has turned", { mu1: -1.5, mu2: 1.5, reach: 3 }],
  ["Far apart", { mu1: -4, mu2: 4, t1: -3.5, t2: 4.5, reach: 6 }],
  ["More than 45° apart", { mu1: 0.45, mu2: 0.55, reach: 1.5 }],
  ["On the diagonal", { mu1: 0.5, mu2: 0.5, reach: 1.5 }],
  ["Half the σ: a narrower ridge", { mu1: -0.15, mu2: 0.15, sigma: 0.5, reach: 2, grid: 24 }],
  ["EM, and one natural step in v", { mu1: -0.05, mu2: 0.05, reach: 1.5, paths: "all", eta: 1, steps: 1 }],
  ["From (1, 4), in small steps", { mu1: 1, mu2: 4, reach: 4.5, paths: "two", eta: 0.05, steps: 300 }],
  ["Flow: natural", { flow: "natural", contours: "off" }],
  ["Flow: ordinary", { flow: "ordinary", contours: "off" }],
  ["Flow to a target on the diagonal", { t1: 0, t2: 0, flow: "natural", contours: "off" }],
];

export default ngd.demo({
  state: {
    mu1: MEANS, mu2: MEANS, t1: MEANS, t2: MEANS, sigma: [0.25, 2], reach: [0.1, 12], grid: [6, 40, "integer"], scale: [0.3, 2],
    contours: ["on", "off"], flow: ["off", "natural", "ordinary"], paths: ["none", "two", "all"], eta: [0.01, 4], steps: [1, 3200, "integer"],
  },

  build(ui) {
    const { svg, html, attr, line, fixed, significant, chevron, shape } = ngd;
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
    const arrows = { natural: arrow("natural"), damped: arrow("natural", ";stroke-dasharray:2 4"), ordinary: arrow("euclidean") };
    const turn = svg("text", { class: "ngd-words ngd-title", "aria-hidden": "true" });
    const image = svg("path", { class: "ngd-end ngd-open", style: "--ngd-paint:currentColor" });
    plane.inside.append(image);
    plane.over.append(turn);

    // handles: the two means under the density; the star and the disc in the plane
    const round = v => Number(v.toPrecision(4)), fine = v => Math.round(v / (ui.get("reach") / 400)) * (ui.get("reach") / 400);
    const axisOf = (name, words) => ({ min: MEANS[0], max: MEANS[1], get step() { return round(ui.get("reach") / 80); },
      get: () => ui.get(name), set: v => ui.set({ [name]: round(v) }), text: v => `${words} ${significant(v, 4)}` });
    const mean = (name, words, className) => ui.handle(density.over, { label: words, className, size: 6, axes: [axisOf(name, words)],
      place: x => ui.set({ [name]: round(fine(density.x.invert(x))) }) });
    const means = { mu1: mean("mu1", "mean μ1", "ngd-ink"), mu2: mean("mu2", "mean μ2", "ngd-ink") };
    const tags = Object.fromEntries(["mu1", "mu2"].map((name, k) => [name, svg("text", { class: "ngd-words", "text-anchor": "middle", text: `μ${"₁₂"[k]}`, "aria-hidden": "true" })]));
    density.over.append(...Object.values(tags));
    const two = (x, y, a, b) => ui.set({ [a]: round(fine(plane.x.invert(x))), [b]: round(fine(plane.y.invert(y))) });
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
    const row = (key, words) => {
      rows[key] = html("td");
      return html("tr", {}, html("th", { scope: "row", text: words }), rows[key]);
    };
    const panel = html("table", { class: "ngd-figures ngd-numbers" }, html("tbody", {},
      row("at", "(μ₁, μ₂)"), row("gap", "separation |μ₁ − μ₂|"), row("kl", "KL to the target"), row("plus", "λ along (1, 1)"), row("minus", "λ along (1, −1)"),
      row("kappa", "condition number κ"), row("angle", "angle of the arrows"), row("ratio", "length, natural : ordinary")));
    const entries = html("table", { class: "ngd-figures ngd-numbers" }, html("tbody", {}, row("f11", "F₁₁ = F₂₂"), row("f12", "F₁₂"), row("det", "det F"), row("ordinary", "ordinary −∂L"), row("natural", "natural −F⁻¹∂L")));
    const words = html("p", { class: "ngd-told" });
    const ends = html("table", { class: "ngd-figures ngd-numbers" });
    const endRows = Object.fromEntries(Object.keys(STEPS).map(kind => {
      const icon = svg("svg", { width: 30, height: 10, "aria-hidden": "true" }, svg("path", { d: "M1 5H29", class: `ngd-way ngd-${LOOK[kind]}`, style: `--ngd-paint:var(--ngd-${LOOK[kind]})${DASHES[kind] ? `;stroke-dasharray:${DASHES[kind]}` : ""}` }));
      const cells = [html("td"), html("td"), html("td")];
      return [kind, { cells, node: html("tr", {}, html("th", { scope: "row" }, icon, kind), ...cells) }];
    }));
    ends.append(html("thead", {}, html("tr", {}, ...["path", "steps", "separation", "KL"].map(text => html("th", { scope: "col", text })))), html("tbody", {}, ...Object.values(endRows).map(r => r.node)));

    const select = html("select", { id: `mix-views-${Math.random().toString(36).slice(2, 8)}` }, html("option", { value: "", text: "choose …" }), ...VIEWS.map(([text], k) => html("option", { value: k, text })));
    select.addEventListener("change", () => {
      if (select.value !== "") ui.set({ ...BASE, ...VIEWS[select.value][1] });
    });
    const views = html("div", { class: "ngd-pick" }, html("label", { for: select.id, text: "Go to a view" }), select);

    // particles
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    let moving = false, ticking = 0, seen = true, last = 0;
    const bits = { m: new Float64Array(PARTICLES), v: new Float64Array(PARTICLES), s: new Float64Array(PARTICLES), left: new Float64Array(PARTICLES) };
    const born = k => {
      const r = ui.get("reach"), a = (2 * Math.random() - 1) * r, b = (2 * Math.random() - 1) * r;
      bits.m[k] = (a + b) / 2;
      bits.v[k] = ((b - a) / 2) ** 2;
      bits.s[k] = b < a ? -1 : 1;
      bits.left[k] = 0.5 + 3 * Math.random();
    };
    let coarse = null, coarseKey = "";
    let turns = 0;
    const advance = (dt, pen) => { // while a handle is dragged, every second particle takes both steps
      const stride = ui.dragging ? 2 : 1, t = dt * stride;
      turns += 1;
      const { t1, t2, sigma, reach, flow } = field, key = `${t1},${t2},${sigma}`;
      if (key !== coarseKey) [coarse, coarseKey] = [nodes([t1, t2], sigma, 0, false), key];
      const X = plane.x, Y = plane.y, s2 = sigma * sigma;
      for (let k = turns % stride; k < PARTICLES; k += stride) {
        const m = bits.m[k], v = bits.v[k], e = Math.sqrt(v), s = bits.s[k];
        const [a, h] = slopes(m, e, coarse, sigma);
        // times: far apart both flows are equally fast, for there F = I/(2σ²)
        let dm = -a * s2, dv = -2 * h * v * s2;
        if (flow === "natural") {
          const [plus, , per] = eigen(e, sigma);
          dm = -a / (2 * plus);
          dv = -h / per;
        }
        bits.m[k] = m + t * dm;
        bits.v[k] = Math.max(0, v + t * dv);
        bits.left[k] -= t;
        const f = Math.sqrt(bits.v[k]);
        pen.moveTo(X(m - s * e), Y(m + s * e));
        pen.lineTo(X(bits.m[k] - s * f), Y(bits.m[k] + s * f));
        if (bits.left[k] < 0 || Math.abs(bits.m[k]) + f > 3 * reach) born(k);
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
      const key = [s.sigma, s.reach, s.grid, s.scale, size].join();
      if (key === painted || !size) return;
      painted = key;
      const pen = clipped(wipe(back)), X = plane.x, Y = plane.y, r = s.reach, n = s.grid, wide = X(r) - X(-r), cell = wide / n;
      const at = k => r * ((2 * (k + 0.5)) / n - 1);
      const looks = Array.from({ length: n }, (_, k) => { // an ellipse depends on the separation alone
        const [plus, minus] = eigen(at(k) - at(0) ? (at(k) - at(0)) / 2 : 0, s.sigma), half = 0.3 * cell * s.scale;
        const along = half * Math.sqrt(0.5 / s.sigma ** 2 / plus), across = half * Math.sqrt(0.5 / s.sigma ** 2 / Math.max(minus, 1e-30));
        const fit = Math.min(1, (1.4 * half) / Math.max(along, across));
        return [along * fit, Math.min(across * fit, 1.4 * half), fit < 1];
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
            const [along, across, fitted] = looks[Math.abs(i - j)];
            if (fitted !== faint) continue;
            const x = X(at(i)), y = Y(at(j)), c = Math.SQRT1_2;
            pen.moveTo(x + along * c, y - along * c);
            pen.ellipse(x, y, along, across, -Math.PI / 4, 0, 2 * Math.PI);
          }
        pen.stroke();
      }
      pen.restore();
    };
    const paintLevels = s => {
      const key = [s.sigma, s.reach, size, s.contours, s.t1, s.t2, !!ui.dragging].join();
      if (key === levelled || !size) return;
      levelled = key;
      const pen = clipped(wipe(levels));
      if (s.contours === "on") contour(pen, s, ui.dragging ? 20 : 40); // coarser on the way
      pen.restore();
    };
    const LEVELS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30].map(Math.log);
    const contour = (pen, s, n) => {
      const r = s.reach, q = nodes([s.t1, s.t2], s.sigma, 0, false), s2 = s.sigma * s.sigma, entropy = -cross([s.t1, s.t2], q, s2);
      const value = new Float64Array((n + 1) * (n + 1)), at = k => r * ((2 * k) / n - 1);
      for (let i = 0; i <= n; i += 1)
        for (let j = i; j <= n; j += 1)
          value[i * (n + 1) + j] = value[j * (n + 1) + i] = Math.log(Math.max(1e-9, cross([at(i), at(j)], q, s2) + entropy));
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
    const cross = (theta, { x, p }, s2) => {
      const [m, e] = split(theta);
      let sum = 0;
      for (let k = 0; k < x.length; k += 1) {
        const u = Math.abs(x[k] - m), a = Math.abs(e);
        sum += p[k] * ((u - a) ** 2 / (2 * s2) - Math.log1p(Math.exp((-2 * u * a) / s2)));
      }
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
    ui.root.append(main, words, html("div", { class: "ngd-row" }, views, ui.range({ name: "sigma", label: "σ of both heaps", step: 0.05, typed: true }), ui.resetButton()),
      html("div", { class: "ngd-row" }, html("div", {}, html("div", { text: "paths from the disc" }), ui.choice({ name: "paths", label: "paths from the disc", options: [["none", "none"], ["two", "both"], ["all", "with EM and v"]] })),
        html("div", {}, html("div", { text: "particles" }), html("div", { class: "ngd-buttons" }, ui.choice({ name: "flow", label: "particles", options: [["off", "off"], ["natural", "natural"], ["ordinary", "ordinary"]] }), pause))));
    const walk = html("div", {}, ends, html("div", { class: "ngd-row" }, ui.range({ name: "eta", label: "step size η", log: true, typed: true }), ui.range({ name: "steps", label: "steps", log: true, typed: true })));
    ui.root.append(walk, more, drawing, fit);

    const bell = (x, a, b, s) => (Math.exp(-(((x - a) / s) ** 2) / 2) + Math.exp(-(((x - b) / s) ** 2) / 2)) / (2 * s * Math.sqrt(2 * Math.PI));
    const pair = v => `(${significant(v[0], 3)}, ${significant(v[1], 3)})`;
    const here = s => {
      const theta = [s.mu1, s.mu2], target = [s.t1, s.t2], [, e] = split(theta);
      const g = gradient(theta, target, s.sigma), n = natural(theta, target, s.sigma);
      return { theta, target, e, g, n, ratio: Math.hypot(...n) / Math.hypot(...g), close: Math.abs(2 * e) / s.sigma < BAND };
    };
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
        attr(image, { d: shape("star", X(s.t2), Y(s.t1), 6) });
        attr(diagonal, { d: line([[-r, -r], [r, r]], X, Y) });
        const b = BAND * s.sigma;
        attr(band, { d: `${line([[-2 * r, -2 * r + b], [2 * r, 2 * r + b], [2 * r + b, 2 * r], [-2 * r + b, -2 * r]], X, Y)}Z` });
        const long = 0.16 * size, minus = v => [-v[0], -v[1]];
        for (const a of Object.values(arrows)) attr(a.group, { visibility: "hidden" });
        if (inside) {
          arrows.ordinary.move(x, y, minus(at.g), long);
          if (at.close) arrows.damped.move(x, y, minus(natural(at.theta, at.target, s.sigma, DAMPING / s.sigma ** 2)), long);
          else arrows.natural.move(x, y, minus(at.n), long);
        }
        const bearing = angle(at.g, at.n), shown = inside && Number.isFinite(bearing) && !at.close && Math.hypot(...at.g) > 1e-14;
        attr(turn, { x: Math.round(x + 12), y: Math.round(y - 14), text: shown ? `${fixed(bearing, 1)}°` : "" });
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
        attr(now, { d: line(grid.map(x => [x, bell(x, s.mu1, s.mu2, s.sigma)]), density.x, density.y) });
        attr(wanted, { d: line(grid.map(x => [x, bell(x, s.t1, s.t2, s.sigma)]), density.x, density.y) });
      }, s => {
        const at = here(s), [plus, minus] = eigen(at.e, s.sigma), flat = Math.hypot(...at.g) < 1e-14;
        const cells = { at: pair(at.theta), gap: significant(2 * Math.abs(at.e), 4), kl: significant(kl(at.target, at.theta, s.sigma), 3), plus: significant(plus, 4), minus: significant(minus, 4),
          kappa: minus ? significant(Math.max(plus, minus) / Math.min(plus, minus), 4) : "∞", angle: at.e && !flat ? `${fixed(angle(at.g, at.n), 1)}°` : "undefined", ratio: at.e && !flat ? significant(at.ratio, 4) : "undefined",
          f11: significant((plus + minus) / 2, 4), f12: significant((plus - minus) / 2, 4), det: significant(plus * minus, 4), ordinary: pair(at.g.map(v => -v)), natural: at.e ? pair(at.n.map(v => -v)) : "undefined" };
        for (const key in cells) attr(rows[key], { text: cells[key] });
        const why = !at.close ? "" : at.e
          ? ` In the shaded band the natural arrow is not drawn: it is ${flat ? "0/0" : `${significant(at.ratio, 3)} times the ordinary one`}, and grows like 1/|μ₁ − μ₂|. Dotted: the damped one, λ = 0.01/σ².`
          : " The natural gradient is undefined: along (1, −1) both the slope and F are 0. Dotted: the damped one, λ = 0.01/σ².";
        attr(words, { text: told(at.e, s.sigma) + why });
      }, s => {
        const kinds = s.paths === "none" ? [] : s.paths === "two" ? ["ordinary", "natural"] : Object.keys(STEPS), X = plane.x, Y = plane.y;
        attr(walk, { hidden: !kinds.length });
        for (const kind of Object.keys(STEPS)) {
          const { group, parts } = ways[kind], shown = kinds.includes(kind) && (s.mu1 !== s.mu2 || !kind.startsWith("natural"));
          attr(group, { visibility: shown ? null : "hidden" });
          attr(endRows[kind].node, { hidden: !kinds.includes(kind) });
          if (!kinds.includes(kind)) continue;
          const points = shown ? path(kind, [s.mu1, s.mu2], [s.t1, s.t2], s.sigma, s.eta, s.steps) : [], end = points.at(-1);
          const near = points.filter((p, k) => k < 300 || k === points.length - 1).map(([a, b]) => [ngd.clamp(X(a), -4000, 4000), ngd.clamp(Y(b), -4000, 4000)]);
          attr(parts[0], { d: line(near) });
          attr(parts[1], { d: near.slice(1, 60).map(([a, b]) => `M${a.toFixed(1)} ${b.toFixed(1)}h0`).join("") });
          const stopped = points.length - 1 < s.steps;
          const gap = end ? Math.abs(end[1] - end[0]) : NaN, far = end && Math.max(...end.map(Math.abs)) > 90 * s.sigma;
          const texts = !shown ? ["undefined", "", ""] : [`${points.length - 1}${stopped ? ", then none" : ""}`, significant(gap, 5), far ? "large" : significant(kl([s.t1, s.t2], end, s.sigma), 3)];
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
        return `Means ${significant(s.mu1, 3)} and ${significant(s.mu2, 3)}. ${told(at.e, s.sigma)} ` +
          (at.e ? `The arrows differ by ${fixed(angle(at.g, at.n), 0)} degrees.` : "The natural gradient is undefined.");
      },
    };
  },
});
