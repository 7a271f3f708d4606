// The simplex of three classes, flat or as an eighth of a sphere. See simplex_sphere.py.

const LEAST = 0.002, CLASSES = ["rain", "snow", "sun"];
const TIMES = Array.from({ length: 161 }, (_, k) => 0.001 * 4e5 ** (k / 160));

/** Three probabilities from two, none below LEAST. */
const three = (first, second) => {
  const scale = Math.min(1, (1 - LEAST) / (first + second));
  return [first * scale, second * scale, 1 - (first + second) * scale];
};
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const softmax = z => {
  const top = Math.max(z[0], z[1], z[2]), a = Math.exp(z[0] - top), b = Math.exp(z[1] - top), c = Math.exp(z[2] - top), total = a + b + c;
  return [a / total, b / total, c / total];
};
/** The gradient of the loss by the three logits. */
const gradient = (p, y, loss) => {
  if (loss === "forward") return [p[0] - y[0], p[1] - y[1], p[2] - y[2]];
  const a = [Math.log(p[0] / y[0]), Math.log(p[1] / y[1]), Math.log(p[2] / y[2])], mean = dot(p, a);
  return [p[0] * (a[0] - mean), p[1] * (a[1] - mean), p[2] * (a[2] - mean)];
};
/** -(F + λ)⁻¹g, by the Sherman-Morrison formula. */
const damped = (p, g, λ) => {
  let above = 0, below = 0;
  for (let k = 0; k < 3; k += 1) {
    above += g[k] / (p[k] + λ);
    below += p[k] / (p[k] + λ);
  }
  return p.map((x, k) => -(g[k] - (above / below) * x) / (x + λ));
};
/** Forecasts at increasing times under the ordinary or the natural gradient flow. */
const flow = (a, y, loss, rule, λ, times, tolerance = 1e-8) => {
  if (rule === "natural" && λ === 0)
    return times.map(t => {
      const left = Math.exp(-t), gone = -Math.expm1(-t);
      return loss === "forward" ? a.map((x, k) => x + (y[k] - x) * gone) : softmax(a.map((x, k) => left * Math.log(x) + gone * Math.log(y[k])));
    });
  const motion = z => {
    const p = softmax(z), g = gradient(p, y, loss);
    return rule === "natural" ? damped(p, g, λ) : g.map(x => -x);
  };
  return ngd.ode(motion, a.map(Math.log), times, { tolerance }).map(softmax);
};
const distance = (p, r) => 4 * Math.asin(Math.min(1, Math.hypot(...p.map((x, k) => Math.sqrt(x) - Math.sqrt(r[k]))) / 2));
/** The shortest road: the point at the share s of its Fisher length. */
const road = (p, r, s) => {
  const angle = distance(p, r) / 2, [a, b] = angle ? [Math.sin((1 - s) * angle) / Math.sin(angle), Math.sin(s * angle) / Math.sin(angle)] : [1 - s, s];
  return p.map((x, k) => (a * Math.sqrt(x) + b * Math.sqrt(r[k])) ** 2);
};
const walked = points => points.slice(1).reduce((sum, p, k) => sum + distance(points[k], p), 0);
const highest = points => Math.max(...points.map(p => p[1]));
/** Where a forecast is drawn: in the triangle, or on the sphere seen from its middle. */
const flat = (p, round) => {
  const q = round ? p.map(Math.sqrt) : p, [wide, up] = round ? [Math.SQRT1_2, Math.sqrt(1 / 6)] : [1, Math.sqrt(3) / 3];
  return [(q[2] - q[0]) * wide, (2 * q[1] - q[0] - q[2]) * up];
};
/** The legal forecast that is drawn at (x, y), or nearest to it. */
const under = ([x, y], round) => {
  let p;
  if (round) {
    const r = Math.hypot(x, y), s = r > 0.999 ? 0.999 / r : 1, [a, b] = [x * s, y * s], c = Math.sqrt(Math.max(0, 1 - a * a - b * b)) / Math.sqrt(3);
    p = [c - a * Math.SQRT1_2 - b / Math.sqrt(6), c + b * Math.sqrt(2 / 3), c + a * Math.SQRT1_2 - b / Math.sqrt(6)].map(q => Math.max(q, 0) ** 2);
  } else {
    const snow = (1 + Math.sqrt(3) * y) / 3;
    p = [(1 - snow - x) / 2, snow, (1 - snow + x) / 2];
  }
  return legal(p);
};
const legal = p => {
  const q = p.map(x => Math.max(x, LEAST)), total = q[0] + q[1] + q[2];
  const free = q.map(x => x - LEAST), spare = total - 3 * LEAST;
  return spare > 0 ? free.map(x => LEAST + (x / spare) * (1 - 3 * LEAST)) : [1 / 3, 1 / 3, 1 / 3];
};
/** Circles of one Fisher radius around ten forecasts. */
const circles = (radius = 0.2, n = 25) => {
  const found = [];
  for (let i = 1; i < 5; i += 1)
    for (let j = 1; j < 6 - i; j += 1) {
      const x = [i, j, 6 - i - j].map(k => Math.sqrt(k / 6)), h = Math.hypot(x[0], x[1]);
      const u = [x[1] / h, -x[0] / h, 0], v = [x[1] * u[2] - x[2] * u[1], x[2] * u[0] - x[0] * u[2], x[0] * u[1] - x[1] * u[0]];
      found.push(Array.from({ length: n }, (_, k) => {
        const turn = (2 * Math.PI * k) / (n - 1);
        return x.map((c, m) => (Math.cos(radius / 2) * c + Math.sin(radius / 2) * (Math.cos(turn) * u[m] + Math.sin(turn) * v[m])) ** 2);
      }));
    }
  return found;
};

export const math = { three, gradient, damped, flow, distance, road, walked, highest, flat, under, legal, circles };

export default ngd.demo({
  state: {
    rain: [LEAST, 1 - 2 * LEAST], snow: [LEAST, 1 - 2 * LEAST], rain_to: [LEAST, 1 - 2 * LEAST], snow_to: [LEAST, 1 - 2 * LEAST],
    loss: ["forward", "reverse"], time: [0, 400], damping: [0, 1], show: ["ordinary", "natural", "all"], view: ["triangle", "sphere"],
  },

  build(ui) {
    const { svg, html, attr, line, fixed } = ngd;
    const stage = ngd.stage("Forecasts over rain, snow and sun; drag the start and the truth");
    const inside = svg("g"), over = svg("g");
    stage.append(inside, over);
    const add = (parent, name, given) => {
      const node = svg(name, given);
      parent.append(node);
      return node;
    };
    const curve = (classes, style = "") => add(inside, "path", { class: classes, style });
    const parts = {
      circles: curve("ngd-way ngd-metric", "stroke-width:0.9"),
      edge: curve("ngd-curve", "stroke-width:1.2"),
      level: curve("ngd-goal"),
      road: curve("ngd-way ngd-metric", "stroke-width:2"),
      ordinary: curve("ngd-way ngd-euclidean", "stroke-width:2.4;stroke-dasharray:7 4"),
      natural: curve("ngd-way ngd-natural", "stroke-width:2.6"),
      ordinaryNow: curve("ngd-end ngd-euclidean"),
      naturalNow: curve("ngd-end ngd-natural"),
    };
    const names = CLASSES.map(text => add(over, "text", { class: "ngd-words ngd-title", "text-anchor": "middle", "aria-hidden": "true", text }));

    const KEYS = { start: ["rain", "snow"], target: ["rain_to", "snow_to"] };
    const read = which => three(...KEYS[which].map(ui.get));
    const r5 = x => Math.round(x * 1e5) / 1e5;
    const write = (which, p) => {
      const q = legal(p);
      ui.set({ [KEYS[which][0]]: r5(q[0]), [KEYS[which][1]]: r5(q[1]) });
    };
    let wide = 1, side = 1;
    const round = () => ui.get("view") === "sphere";
    const centre = () => [wide / 2, 26 + (round() ? 1.013 : 1.155) * side];
    const unit = () => (round() ? 1.24 : 1) * side; // pixels
    const place = p => {
      const [x, y] = flat(p, round());
      const [a, b] = centre();
      return [a + unit() * x, b - unit() * y];
    };
    const draw = points => line(points.map(place));
    const point = (which, label, kind, size) => {
      const shift = (k, v) => {
        const p = read(which), rest = 1 - v;
        if (k === 2) return write(which, [1 - p[1] - v, p[1], v]);
        return write(which, [(rest * p[0]) / (p[0] + p[2]), v, (rest * p[2]) / (p[0] + p[2])]);
      };
      const axis = (k, name) => ({ min: LEAST, max: 1 - 2 * LEAST, step: 0.01, get: () => read(which)[k], set: v => shift(k, v), text: v => `${name} ${fixed(v, 3)}` });
      return ui.handle(over, { label, shape: kind, className: "ngd-ink", size, axes: [axis(2, "sun"), axis(1, "snow")],
        place: (x, y) => write(which, under([(x - centre()[0]) / unit(), (centre()[1] - y) / unit()], round())) });
    };
    const handles = { target: point("target", "The truth", "star", 8), start: point("start", "The forecast at the start", "disc", 6) };

    const box = (which, words) => {
      const { input, note } = ui.box({ label: `${words}: rain, snow, sun`, style: "width:10.5rem", words: `three numbers of ${LEAST} or more that sum to 1`,
        read: () => read(which), write: p => p.every(x => x >= 0) && p.some(x => x > 0) && write(which, p.map(x => x / (p[0] + p[1] + p[2]))) });
      return html("label", { class: "ngd-pick" }, html("span", { text: words, style: "display:block" }), input, note);
    };
    const boxes = [box("start", "start: rain snow sun"), box("target", "truth")];

    const row = (role, words, style = "") => {
      const icon = svg("svg", { width: 24, height: 10, "aria-hidden": "true" }, svg("path", { d: "M1 5H23", class: `ngd-way ngd-${role}`, style }));
      const cells = [0, 1, 2].map(() => html("td"));
      return { cells, node: html("tr", {}, html("th", { scope: "row" }, icon, words), ...cells) };
    };
    const head = html("th", { scope: "col" });
    const rows = { ordinary: row("euclidean", "ordinary", "stroke-width:2.4;stroke-dasharray:7 4"), natural: row("natural", "natural", "stroke-width:2.6"), road: row("metric", "shortest, half-way", "stroke-width:2") };
    const table = html("table", { class: "ngd-figures simplex-numbers" },
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }), head, html("th", { scope: "col", text: "most snow" }), html("th", { scope: "col", text: "length" }))),
      html("tbody", {}, ...Object.values(rows).map(r => r.node)));
    const λ = ui.range({ name: "damping", label: "damping λ of the natural one", step: 0.005, typed: true });
    ui.root.append(stage, table,
      html("div", { class: "ngd-row" }, ui.range({ name: "time", label: "time t", log: 0.001, typed: true }), λ),
      html("div", { class: "ngd-row" },
        ui.choice({ name: "loss", label: "loss", options: [["forward", "KL(truth ‖ p)"], ["reverse", "KL(p ‖ truth)"]] }),
        ui.choice({ name: "show", label: "what is shown", options: [["ordinary", "ordinary"], ["natural", "natural too"], ["all", "show all"]] })),
      html("div", { class: "ngd-row" },
        ui.choice({ name: "view", label: "view", options: [["triangle", "triangle"], ["sphere", "sphere"]] }), ...boxes, ui.resetButton()));

    const fine = Array.from({ length: 41 }, (_, k) => k / 40);
    const corners = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
    const dots = p => p.map(x => fixed(x, 3)).join("  ");
    const spots = circles();
    /** The flow up to 400, and up to the time of the slider. */
    const path = (s, rule) => {
      const before = TIMES.filter(t => t < s.time), after = TIMES.filter(t => t > s.time);
      const a = three(s.rain, s.snow), all = [a, ...flow(a, three(s.rain_to, s.snow_to), s.loss, rule, rule === "natural" ? s.damping : 0, [...before, s.time, ...after])];
      return [all, all.slice(0, before.length + 2)];
    };
    const tell = (key, points, now) => {
      attr(rows[key].cells[0], { text: dots(now) });
      attr(rows[key].cells[1], { text: fixed(highest(points), 3) });
      attr(rows[key].cells[2], { text: fixed(walked(points), 2) });
    };
    const follow = (s, key) => {
      const [all, done] = path(s, key), now = done.at(-1);
      attr(parts[key], { d: draw(all) });
      attr(parts[`${key}Now`], { d: ngd.shape("disc", ...place(now), 5) });
      tell(key, done, now);
    };
    return {
      layout(width) {
        wide = width;
        side = Math.min(width - 24, 470) / 2;
        stage.size(width, Math.round(side * 1.735 + 52));
      },
      draw: [s => {
        const a = read("start"), y = read("target"), natural = s.show !== "ordinary", all = s.show === "all";
        handles.start.move(...place(a));
        handles.target.move(...place(y));
        corners.forEach((c, k) => {
          const [x, v] = place(c);
          attr(names[k], { x: x.toFixed(1), y: (v + (k === 1 ? -10 : 22)).toFixed(1) });
        });
        attr(parts.edge, { d: corners.map((c, k) => draw(fine.map(t => road(c, corners[(k + 1) % 3], t)))).join("") });
        attr(parts.level, { d: draw(fine.map(t => [(1 - a[1]) * (1 - t * 0.999), a[1], (1 - a[1]) * t * 0.999])) });
        for (const key of ["natural", "naturalNow"]) attr(parts[key], { visibility: natural ? null : "hidden" });
        for (const key of ["road", "circles"]) attr(parts[key], { visibility: all ? null : "hidden" });
        attr(rows.natural.node, { hidden: !natural });
        attr(rows.road.node, { hidden: !all });
        attr(λ, { style: natural ? null : "display:none" });
        attr(head, { text: "rain snow sun" });
      }, s => follow(s, "ordinary"), s => {
        if (s.show !== "ordinary") follow(s, "natural");
      }, s => {
        if (s.show !== "all") return;
        const a = read("start"), y = read("target"), points = fine.map(t => road(a, y, t));
        attr(parts.road, { d: draw(points) });
        attr(parts.circles, { d: spots.map(c => `${draw(c)}Z`).join("") });
        tell("road", points, points[20]);
      }],
      say(s) {
        const about = rule => {
          const done = path(s, rule)[1];
          return `${rule}: rain ${done.at(-1).map(x => fixed(x, 3)).join(", snow ").replace(/, snow ([^,]*)$/, ", sun $1")}; most snow so far ${fixed(highest(done), 3)}`;
        };
        return `At time ${ngd.significant(s.time, 3)}, ${about("ordinary")}${s.show === "ordinary" ? "" : `; ${about("natural")}`}.`;
      },
    };
  },
});
