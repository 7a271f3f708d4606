// A policy over three arms, the region that is allowed, steps within it. See trust_region.py.

const LEAST = 0.002, FULL = [0, 1, 2];

/** Three probabilities from two, none below LEAST. */
const three = (first, second) => {
  const scale = Math.min(1, (1 - LEAST) / (first + second));
  return [first * scale, second * scale, 1 - (first + second) * scale];
};
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const scaled = w => {
  const total = w[0] + w[1] + w[2];
  return w.map(x => x / total);
};
/** Where an increasing function passes 0. */
const root = (f, low, high) => {
  for (let n = 0; n < 200 && high - low > 1e-16 * Math.abs(low + high); n += 1) {
    const middle = (low + high) / 2;
    if (f(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
};
const kl = (p, q) => (q && q.every(x => x > 0) ? FULL.reduce((sum, k) => sum + p[k] * Math.log(p[k] / q[k]), 0) : Infinity);
const advantage = (p, r) => {
  const mean = dot(p, r), alike = r[0] === r[1] && r[1] === r[2];
  return r.map(x => (alike ? 0 : x - mean));
};
const length = (p, r, delta) => {
  const variance = dot(p, advantage(p, r).map(x => x * x));
  return variance > 0 ? Math.sqrt((2 * delta) / variance) : 0;
};
/** A share of the natural step of quadratic KL delta, straight in a chart; null where it leaves the policies. */
const step = (p, r, delta, chart, share = 1) => {
  const a = advantage(p, r), s = share * length(p, r, delta);
  if (s === 0) return p.slice();
  if (chart === "logits") {
    const top = Math.max(...a);
    return scaled(p.map((x, k) => x * Math.exp(s * (a[k] - top))));
  }
  if (chart === "probabilities") {
    const q = p.map((x, k) => x * (1 + s * a[k]));
    return q.every(x => x > 0) ? q : null;
  }
  const size = Math.sqrt(dot(p, a.map(x => x * x))), turn = (s * size) / 2;
  const x = p.map((y, k) => Math.sqrt(y) * (Math.cos(turn) + (Math.sin(turn) * a[k]) / size));
  return x.every(y => y > 0) ? x.map(y => y * y) : null;
};
/** The best policy of the region. */
const best = (p, r, delta) => {
  const top = Math.max(...r), gap = r.map(x => top - x);
  if (!gap.some(x => x > 0)) return p.slice();
  const at = u => scaled(p.map((x, k) => x / (Math.exp(u) + gap[k])));
  return at(root(u => delta - kl(p, at(u)), -600, 30));
};
const search = (p, r, delta, chart, shrink) => {
  for (let k = 0; k < 200; k += 1) {
    const q = step(p, r, delta, chart, shrink ** k);
    if (kl(p, q) <= delta * (1 + 1e-12)) return [q, k];
  }
  return [p.slice(), 200];
};
/** Directions of unit Fisher length. */
const directions = (p, n = 72) => {
  const x = p.map(Math.sqrt), h = Math.hypot(x[0], x[1]), u = [x[1] / h, -x[0] / h, 0];
  const v = [x[1] * u[2] - x[2] * u[1], x[2] * u[0] - x[0] * u[2], x[0] * u[1] - x[1] * u[0]];
  return Array.from({ length: n }, (_, i) => {
    const c = Math.cos((2 * Math.PI * i) / n), s = Math.sin((2 * Math.PI * i) / n);
    return x.map((y, k) => y * (c * u[k] + s * v[k]));
  });
};
const along = (p, d, t) => p.map((x, k) => x + t * d[k]);
const ellipse = (p, delta, n = 72) => directions(p, n).map(d => along(p, d, Math.sqrt(2 * delta)));
/** The edge of the region: along each direction KL is convex, so Newton's steps, kept in a bracket, find it. */
const ball = (p, delta, n = 72) => directions(p, n).map(d => {
  let low = 0, high = Infinity;
  for (const k of FULL) if (d[k] < 0) high = Math.min(high, -p[k] / d[k]);
  let t = Math.min(Math.sqrt(2 * delta), high / 2);
  for (let n = 0; n < 100 && high - low > 1e-16 * high; n += 1) {
    let above = -delta, slope = 0;
    for (let k = 0; k < 3; k += 1) {
      const q = p[k] + t * d[k];
      above -= p[k] * Math.log(q / p[k]);
      slope -= (p[k] * d[k]) / q;
    }
    if (above < 0) low = t;
    else high = t; // also where q <= 0
    const next = t - above / slope;
    if (Math.abs(next - t) < 1e-15 * t) break;
    t = next > low && next < high ? next : (low + high) / 2;
  }
  return along(p, d, t);
});
const flat = q => [(q[2] - q[1]) / 2, (q[0] * Math.sqrt(3)) / 2];
const magnification = (p, delta) => Math.max(1, 0.23 / (Math.max(...directions(p).flatMap(d => flat(d).map(Math.abs))) * Math.sqrt(2 * delta)));
/** The clipped objective of PPO. */
const credited = (p, r, q, clip) => {
  const a = advantage(p, r);
  return FULL.reduce((sum, k) => {
    const ratio = q[k] / p[k];
    return sum + p[k] * Math.min(ratio * a[k], ngd.clamp(ratio, 1 - clip, 1 + clip) * a[k]);
  }, 0);
};
const crowded = (p, a, clip) => (1 + clip) * FULL.reduce((sum, k) => sum + (a[k] > 0 ? p[k] : 0), 0) > 1;
/** The corners of the set where it is largest; one where that is a point. */
const flatSet = (p, r, clip) => {
  const a = advantage(p, r);
  if (crowded(p, a, clip)) {
    const q = [0, 0, 0];
    let left = 1;
    for (const k of FULL.slice().sort((i, j) => a[j] - a[i])) {
      q[k] = a[k] > 0 ? Math.min(left, (1 + clip) * p[k]) : 0;
      left -= q[k];
    }
    return [q];
  }
  let corners = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (const k of FULL) {
    if (a[k] === 0) continue;
    const side = corners.map(q => (a[k] > 0 ? q[k] - (1 + clip) * p[k] : (1 - clip) * p[k] - q[k]));
    corners = corners.flatMap((q, i) => {
      const j = (i + 1) % corners.length, kept = side[i] >= 0 ? [q] : [];
      if (side[i] * side[j] < 0) kept.push(q.map((x, m) => x + ((corners[j][m] - x) * side[i]) / (side[i] - side[j])));
      return kept;
    });
  }
  return corners;
};
/** Of these the one with the least KL. */
const nearest = (p, r, clip) => {
  const a = advantage(p, r);
  if (crowded(p, a, clip)) return flatSet(p, r, clip)[0];
  if (!a.some(x => x > 0)) return p.slice();
  const at = u => p.map((x, k) => ngd.clamp(x * Math.exp(-u), a[k] > 0 ? (1 + clip) * x : 0, a[k] < 0 ? (1 - clip) * x : Infinity));
  return scaled(at(root(u => 1 - at(u).reduce((s, x) => s + x), -30, 30)));
};
/** The policy that is drawn at (x, y), or the nearest legal one. */
const under = ([x, y]) => {
  const q1 = (2 * y) / Math.sqrt(3), free = [q1, (1 - q1) / 2 - x, (1 - q1) / 2 + x].map(q => Math.max(q, LEAST) - LEAST);
  const spare = free[0] + free[1] + free[2];
  return spare > 0 ? free.map(q => LEAST + (q / spare) * (1 - 3 * LEAST)) : [1 / 3, 1 / 3, 1 / 3];
};

export const math = { three, kl, length, step, best, search, directions, ellipse, ball, flat, magnification, credited, flatSet, nearest, under };

export default ngd.demo({
  state: {
    first: [LEAST, 1 - 2 * LEAST], second: [LEAST, 1 - 2 * LEAST], reward1: [0, 1], reward2: [0, 1], reward3: [0, 1],
    delta: [1e-5, 0.5], chart: ["logits", "angle", "probabilities"], shrink: [0.5, 0.9], clip: [0.05, 0.5],
    show: ["region", "step", "search", "clip"], view: ["triangle", "near"],
  },

  build(ui) {
    const { svg, html, attr, line, fixed, significant } = ngd;
    const stage = ngd.stage("Policies over three arms; drag the policy");
    const clipId = `trust-${Math.random().toString(36).slice(2, 8)}`, frame = svg("rect");
    const inside = svg("g", { "clip-path": `url(#${clipId})` }), over = svg("g");
    stage.append(svg("clipPath", { id: clipId }, frame), inside, over);
    const curve = (classes, style = "") => {
      const node = svg("path", { class: classes, style });
      inside.append(node);
      return node;
    };
    const parts = {
      flat: curve("ngd-goal", "fill:color-mix(in srgb, var(--ngd-ink) 13%, transparent)"),
      ball: curve("ngd-end ngd-metric", "stroke-width:1.3"),
      ellipse: curve("ngd-way ngd-metric", "stroke-width:1.3;stroke-dasharray:2 3"),
      edge: curve("ngd-curve", "stroke-width:1.2"),
      road: curve("ngd-way ngd-natural", "stroke-width:2.4"),
      tried: curve("ngd-end ngd-natural", "fill:none;stroke-width:1.2"),
      end: curve("ngd-end ngd-natural"),
      found: curve("ngd-end ngd-natural", "fill:none;stroke-width:2.2"),
      clip: curve("ngd-goal", "stroke-width:1.8;stroke-dasharray:none"),
      best: curve("ngd-star"),
      here: curve("ngd-star"),
    };
    const names = FULL.map(() => {
      const node = svg("text", { class: "ngd-words ngd-title", "text-anchor": "middle", "aria-hidden": "true" });
      over.append(node);
      return node;
    });

    const read = () => three(ui.get("first"), ui.get("second"));
    const rewards = () => ["reward1", "reward2", "reward3"].map(ui.get);
    const r5 = x => Math.round(x * 1e5) / 1e5;
    const write = q => ui.set({ first: r5(q[0]), second: r5(q[1]) });
    let wide = 1, side = 1, zoom = 1, centre = [0, 0];
    const near = () => ui.get("view") === "near";
    const place = q => {
      const [x, y] = flat(q);
      return [wide / 2 + (x - centre[0]) * zoom * side, 30 + side * 0.433 - (y - centre[1]) * zoom * side];
    };
    const draw = points => line(points.map(place));

    const shift = (k, v) => {
      const p = read(), rest = p.reduce((s, x, m) => (m === k ? s : s + x), 0);
      write(p.map((x, m) => (m === k ? v : (x / rest) * (1 - v))));
    };
    const axis = k => ({ min: LEAST, max: 1 - 2 * LEAST, step: 0.01, get: () => read()[k], set: v => shift(k, v), text: v => `arm ${k + 1} ${fixed(v, 3)}` });
    const handle = ui.handle(over, { label: "The policy now", className: "ngd-ink", size: 5, open: true, axes: [axis(2), axis(0)],
      place: (x, y) => near() || write(under([(x - wide / 2) / side, (30 + side * 0.866 - y) / side])) });

    const box = (label, words, read, write) => {
      const { input, note } = ui.box({ label: `${label}: arms 1, 2, 3`, style: "width:10rem", words, read, write });
      return html("label", { class: "ngd-pick" }, html("span", { text: label, style: "display:block" }), input, note);
    };
    const boxes = [
      box("policy", `three numbers of ${LEAST} or more that sum to 1`, read, q => q.every(x => x >= 0) && q.some(x => x > 0) && write(under(flat(scaled(q))))),
      box("rewards", "three numbers from 0 to 1", rewards, ([reward1, reward2, reward3]) => ui.set({ reward1, reward2, reward3 })),
    ];

    const row = words => {
      const cells = FULL.concat(3).map(() => html("td")), head = html("th", { scope: "row", text: words });
      return { head, cells, node: html("tr", {}, head, ...cells) };
    };
    const rows = { now: row("now"), best: row("★ best allowed"), step: row("● step"), search: row("○ search"), clip: row("□ clip, nearest") };
    const table = html("table", { class: "ngd-figures trust-numbers" },
      html("thead", {}, html("tr", {}, ...["", "arms 1, 2, 3", "reward", "KL", "KL/δ"].map(text => html("th", { scope: "col", text })))),
      html("tbody", {}, ...Object.values(rows).map(r => r.node)));
    const shrink = ui.range({ name: "shrink", label: "shortened by the factor", step: 0.05, typed: true });
    const clip = ui.range({ name: "clip", label: "clip c", step: 0.05, typed: true });
    ui.root.append(stage, table,
      html("div", { class: "ngd-row" },
        ui.choice({ name: "show", label: "what is shown", options: [["region", "region"], ["step", "step"], ["search", "search"], ["clip", "clip"]] }),
        ui.choice({ name: "view", label: "view", options: [["triangle", "triangle"], ["near", "near"]] })),
      html("div", { class: "ngd-row" }, ui.range({ name: "delta", label: "radius δ", log: true, typed: true }), shrink, clip),
      html("div", { class: "ngd-row", style: "align-items:center" }, html("span", { text: "step straight in", "aria-hidden": "true" }),
        ui.choice({ name: "chart", label: "the step is straight in", options: [["logits", "logits"], ["angle", "angle"], ["probabilities", "probabilities"]] })),
      html("div", { class: "ngd-row" }, ...boxes, ui.resetButton()));

    const shares = Array.from({ length: 25 }, (_, k) => k / 24);
    const tell = (key, q, p, s) => {
      const cells = rows[key].cells, cost = kl(p, q);
      attr(cells[0], { text: q ? q.map(x => fixed(x, 3)).join("  ") : "leaves the policies" });
      attr(cells[1], { text: q ? fixed(dot(q, rewards()), 3) : "" });
      attr(cells[2], { text: Number.isFinite(cost) ? significant(cost, 3) : "∞" });
      attr(cells[3], { text: Number.isFinite(cost) ? fixed(cost / s.delta, 3) : "∞" });
    };
    const level = s => ["region", "step", "search", "clip"].indexOf(s.show);
    const spot = (q, size = 4.5) => (q ? ngd.shape("disc", ...place(q), size) : "");
    return {
      layout(width) {
        wide = width;
        side = Math.min(width - 40, 420);
        stage.size(width, Math.round(side * 0.866 + 60));
        attr(frame, { x: 0, y: 0, width, height: Math.round(side * 0.866 + 60) });
      },
      draw: [s => {
        const p = read(), r = rewards(), at = level(s), close = s.view === "near";
        zoom = close ? magnification(p, s.delta) : 1;
        centre = close ? flat(p) : [0, 0.433];
        handle.move(...place(p), 0, [18, 18, 18, 18]);
        attr(handle.node, { visibility: close ? "hidden" : null });
        attr(parts.here, { d: close ? spot(p, 4) : "" });
        const corners = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
        attr(parts.edge, { d: `${draw(corners)}Z` });
        corners.forEach((c, k) => {
          const [x, y] = place(c);
          attr(names[k], { x: x.toFixed(1), y: (y + (k ? 20 : -11)).toFixed(1), "text-anchor": ["middle", "start", "end"][k], visibility: close ? "hidden" : null, text: `arm ${k + 1}, pays ${significant(r[k], 3)}` });
        });
        attr(parts.ball, { d: `${draw(ball(p, s.delta, 180))}Z` });
        tell("now", p, p, s);
        attr(shrink, { style: at === 2 ? null : "display:none" });
        attr(clip, { style: at === 3 ? null : "display:none" });
        attr(rows.best.node, { hidden: at < 1 });
        attr(rows.step.node, { hidden: at < 1 });
        attr(rows.search.node, { hidden: at < 2 });
        attr(rows.clip.node, { hidden: at < 3 });
      }, s => {
        const at = level(s), p = read(), r = rewards();
        if (at < 1) {
          for (const key of ["ellipse", "road", "end", "best"]) attr(parts[key], { d: "" });
          return;
        }
        const top = best(p, r, s.delta), end = step(p, r, s.delta, s.chart);
        const road = shares.map(t => step(p, r, s.delta, s.chart, t)).filter(Boolean);
        attr(parts.ellipse, { d: `${draw(ellipse(p, s.delta))}Z` });
        attr(parts.road, { d: draw(road) });
        attr(parts.end, { d: spot(end) });
        attr(parts.best, { d: ngd.shape("star", ...place(top), 7) });
        tell("best", top, p, s);
        tell("step", end, p, s);
      }, s => {
        const at = level(s), p = read(), r = rewards();
        if (at < 2) {
          for (const key of ["tried", "found"]) attr(parts[key], { d: "" });
          return;
        }
        const [q, k] = search(p, r, s.delta, s.chart, s.shrink);
        attr(parts.tried, { d: Array.from({ length: k }, (_, n) => spot(step(p, r, s.delta, s.chart, s.shrink ** n), 3)).join("") });
        attr(parts.found, { d: spot(q, 6.5) });
        tell("search", q, p, s);
        attr(rows.search.head, { text: `○ search, ${k} shortened` });
      }, s => {
        if (level(s) < 3) {
          for (const key of ["flat", "clip"]) attr(parts[key], { d: "" });
          return;
        }
        const p = read(), r = rewards(), corners = flatSet(p, r, s.clip), q = nearest(p, r, s.clip);
        attr(parts.flat, { d: corners.length > 1 ? `${draw(corners)}Z` : "" });
        attr(parts.clip, { d: ngd.shape("square", ...place(q), 5.5) });
        tell("clip", q, p, s);
      }],
      say(s) {
        const p = read(), r = rewards(), at = level(s), words = q => (q ? `arm 1 at ${fixed(q[0], 3)}, KL ${significant(kl(p, q), 3)}` : "it leaves the policies");
        if (!at) return `Radius ${significant(s.delta, 3)}. The policy pulls arm 1 at ${fixed(p[0], 3)}.`;
        const told = [`Best allowed: ${words(best(p, r, s.delta))}`, `step: ${words(step(p, r, s.delta, s.chart))}`];
        if (at > 1) told.push(`after the search: ${words(search(p, r, s.delta, s.chart, s.shrink)[0])}`);
        if (at > 2) told.push(`nearest of the clip's flat set: ${words(nearest(p, r, s.clip))}`);
        return `${told.join("; ")}.`;
      },
    };
  },
});
