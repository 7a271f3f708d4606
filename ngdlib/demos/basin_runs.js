// Five optimisers from one start on the landscape of a rhythm. See basin_runs.py; DATA has x and y.

const NAMES = ["SGD", "AdamW", "exact", "empirical", "diagonal"];
const SHORT = { SGD: "SGD", AdamW: "AdamW", exact: "exact", empirical: "emp.", diagonal: "diag." };
const KEYS = { SGD: "sgd", AdamW: "adamw", exact: "exact", empirical: "empirical", diagonal: "diagonal" };
const CLASSES = ["good basin", "other basin", "no basin", "still moving"];
const SETS = { training: DATA.training, validation: DATA.validation };

/** (a, b) and (−a, −b) are one model: the name with b ≥ 0. */
const fold = ([a, b]) => (b < 0 ? [-a, -b] : [a, b]);
/** Sums over the data at (a, b): loss, gradient, and [F11, F12, F22] with weight p(1 − p) or (p − y)². */
const sums = (set, a, b, empirical = false) => {
  const { x, y } = SETS[set], n = x.length;
  let g1 = 0, g2 = 0, f11 = 0, f12 = 0, f22 = 0;
  for (let i = 0; i < n; i += 1) {
    const t = Math.tan((b / 2) * x[i]), c = 2 / (1 + t * t), s = t * c, d = (c - 1) * x[i] * a;
    const p = 1 / (1 + Math.exp(-a * s)), r = p - y[i], w = empirical ? r * r : p * (1 - p);
    g1 += r * s;
    g2 += r * d;
    f11 += w * s * s;
    f12 += w * s * d;
    f22 += w * d * d;
  }
  return { g: [g1 / n, g2 / n], F: [f11 / n, f12 / n, f22 / n] };
};
const loss = (set, a, b) => {
  const { x, y } = SETS[set];
  let sum = 0;
  for (let i = 0; i < x.length; i += 1) {
    const f = a * Math.sin(b * x[i]);
    sum += Math.max(f, 0) + Math.log1p(Math.exp(-Math.abs(f))) - y[i] * f;
  }
  return sum / x.length;
};
/** v with (F + λI) v = g. */
const solve = ([f11, f12, f22], lambda, [g1, g2]) => {
  const a = f11 + lambda, c = f12 / a, b = f22 + lambda - c * f12, second = (g2 - c * g1) / b;
  return [g1 / a - c * second, second];
};
/** The points of a run: [a, b] after 0, ..., steps steps on the training data. */
const run = (name, eta, second, start, steps) => {
  let [a, b] = start, m = [0, 0], v = [0, 0];
  const points = [[a, b]];
  for (let k = 1; k <= steps; k += 1) {
    const { g, F } = sums("training", a, b, name === "empirical");
    const before = [a, b];
    if (name === "SGD") {
      m = m.map((w, i) => w * second + g[i]);
      [a, b] = [a - eta * m[0], b - eta * m[1]];
    } else if (name === "AdamW") {
      m = m.map((w, i) => w + (1 - 0.9) * (g[i] - w));
      v = v.map((w, i) => w + (1 - 0.999) * (g[i] * g[i] - w));
      [a, b] = [a, b].map((t, i) => t * (1 - eta * second) - (eta * m[i]) / (1 - 0.9 ** k) / (Math.sqrt(v[i] / (1 - 0.999 ** k)) + 1e-8));
    } else {
      const u = solve(name === "diagonal" ? [F[0], 0, F[2]] : F, second, g);
      [a, b] = [a - eta * u[0], b - eta * u[1]];
    }
    points.push([a, b]);
    if (!Number.isFinite(a + b) || (name !== "SGD" && name !== "AdamW" && a === before[0] && b === before[1])) break; // at rest to the last bit
  }
  return points;
};
/** Where the gradient flow of the validation loss leads: the number of the minimum, or −1. */
const flow = ([a, b]) => {
  for (let k = 0, time = 0; k < 2000 && time < 1e4; k += 1) {
    const { g, F } = sums("validation", a, b), h = Math.min(0.02 / Math.max(Math.hypot(...g), 1e-12), 1e4);
    const u = solve(F, 1 / h, g);
    [a, b] = [a - u[0], b - u[1]];
    time += h;
    const at = fold([a, b]), near = DATA.minima.findIndex(m => Math.hypot(at[0] - m[0], at[1] - m[1]) < 0.05);
    if (near >= 0) return near;
  }
  return -1;
};
/** The class of an end: 0 good basin, 1 another, 2 none, 3 still moving. */
const outcome = ([a, b]) => {
  if (!Number.isFinite(a + b) || !(Math.hypot(...sums("training", a, b).g) < 5e-3)) return 3;
  const label = flow([a, b]);
  return label === 0 ? 0 : label > 0 ? 1 : 2;
};
const apart = point => {
  const [a, b] = fold(point);
  return Math.hypot(a - DATA.best[0], b - DATA.best[1]);
};
/** Level lines of a table z[i][j] as segments [[x, y], [x, y]]: marching squares, both saddles alike. */
const levels = (xs, ys, z, level) => {
  const found = [];
  for (let i = 0; i + 1 < xs.length; i += 1)
    for (let j = 0; j + 1 < ys.length; j += 1) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], cuts = [];
      corners.forEach(([p, q], k) => {
        const [r, s] = corners[(k + 1) % 4], u = z[p][q] - level, v = z[r][s] - level;
        if (u < 0 !== v < 0) cuts.push([xs[p] + ((xs[r] - xs[p]) * u) / (u - v), ys[q] + ((ys[s] - ys[q]) * u) / (u - v)]);
      });
      for (let k = 0; k + 1 < cuts.length; k += 2) found.push([cuts[k], cuts[k + 1]]);
    }
  return found;
};

export const math = { sums, loss, run, flow, outcome, fold, levels };

const RANGES = { eta: [0.01, 1], sgd: [0, 0.99], adamw: [0, 0.1], natural: [1e-4, 0.1] };
const WAYS = {
  SGD: ["ngd-euclidean", "5 3"], AdamW: ["", "9 3 2 3"], exact: ["ngd-natural", "none"],
  empirical: ["", "6 4"], diagonal: ["ngd-natural", "2 3"],
};
const PAINT = { AdamW: "--ngd-paint:var(--ngd-muted);--ngd-fill:var(--ngd-muted);", empirical: "--ngd-paint:currentColor;--ngd-fill:currentColor;", SGD: "--ngd-fill:var(--ngd-euclidean);" };
const MARKS = ["disc", "square", "triangle", "diamond"];

export default ngd.demo({
  state: {
    a: [-3.5, 3.5], b: [0.2, 5.8], steps: [1, 400, "integer"], view: ["training", "validation"], run: ["no", "yes"], who: NAMES,
    eta_sgd: RANGES.eta, eta_adamw: RANGES.eta, eta_exact: RANGES.eta, eta_empirical: RANGES.eta, eta_diagonal: RANGES.eta,
    momentum: RANGES.sgd, decay: RANGES.adamw, damping_exact: RANGES.natural, damping_empirical: RANGES.natural, damping_diagonal: RANGES.natural,
  },

  build(ui) {
    const { svg, html, attr, line, shape, fixed, significant, clamp } = ngd;
    const stage = ngd.stage("The loss over amplitude and frequency, with five runs; and their distance from the best point", "basins-stage");
    const plane = ngd.plot(stage), chart = ngd.plot(stage);
    const add = (parent, name, given = {}) => {
      const node = svg(name, given);
      parent.append(node);
      return node;
    };
    const ground = add(plane.inside, "path", { class: "ngd-guide" });
    const fine = add(plane.inside, "path", { class: "ngd-guide", style: "stroke-dasharray:2 2" });
    const goal = add(plane.inside, "path", { class: "ngd-star" });
    const heads = [0, 1].map(() => add(stage, "text", { class: "ngd-title", "aria-hidden": "true" }));
    const style = (name, width) => `${PAINT[name] ?? ""}stroke-width:${width};stroke-dasharray:${WAYS[name][1]}`;
    const parts = Object.fromEntries(NAMES.map(name => [name, {
      way: add(plane.inside, "path", { class: `ngd-way ${WAYS[name][0]}`, style: style(name, name === "exact" ? 2.3 : 1.7) }),
      curve: add(chart.inside, "path", { class: `ngd-way ${WAYS[name][0]}`, style: style(name, name === "exact" ? 2.3 : 1.7) }),
      end: add(plane.over, "path", { class: `ngd-end ${WAYS[name][0]}`, style: `${PAINT[name] ?? ""}stroke-dasharray:none` }),
      word: add(plane.over, "text", { class: "ngd-words", "aria-hidden": "true" }),
      tail: add(chart.over, "text", { class: "ngd-words", "aria-hidden": "true" }),
    }]));
    const place = (a, b) => ui.set({ a: Number(clamp(a, -3.5, 3.5).toFixed(3)), b: Number(clamp(b, 0.2, 5.8).toFixed(3)) });
    const handle = ui.handle(plane.over, {
      label: "start of the five runs", size: 6, open: true,
      axes: [
        { min: -3.5, max: 3.5, step: 0.05, get: () => ui.get("a"), set: v => place(v, ui.get("b")), text: v => `amplitude ${fixed(v, 2)}` },
        { min: 0.2, max: 5.8, step: 0.05, get: () => ui.get("b"), set: v => place(ui.get("a"), v), text: v => `frequency ${fixed(v, 2)}` },
      ],
      place: (x, y) => place(plane.x.invert(x), plane.y.invert(y)),
    });
    stage.addEventListener("click", e => {
      const box = stage.getBoundingClientRect(), x = e.clientX - box.x, y = e.clientY - box.y;
      const [left, top, wide, tall] = boxes[0];
      if (x > left && x < left + wide && y > top && y < top + tall && !e.target.closest(".ngd-handle")) place(plane.x.invert(x), plane.y.invert(y));
    });

    const of = name => {
      const key = KEYS[name];
      return [ui.get(`eta_${key}`), ui.get(name === "SGD" ? "momentum" : name === "AdamW" ? "decay" : `damping_${key}`)];
    };
    const rows = NAMES.map(name => {
      const cells = [0, 1, 2, 3].map(() => html("td"));
      const key = svg("svg", { width: 34, height: 10, "aria-hidden": "true" }, svg("path", { d: "M1 5H33", class: `ngd-way ${WAYS[name][0]}`, style: style(name, name === "exact" ? 2.3 : 1.7) }));
      return { name, cells, node: html("tr", {}, html("th", { scope: "row" }, key, name), ...cells) };
    });
    const table = html("table", { class: "ngd-figures basins-table" },
      html("thead", {}, html("tr", {}, ...["", "end (θ₁, θ₂)", "training", "validation", "reached"].map(text => html("th", { scope: "col", text })))),
      html("tbody", {}, ...rows.map(r => r.node)));
    const told = html("p", { class: "ngd-told" });
    const sliders = NAMES.map(name => {
      const key = KEYS[name], second = name === "SGD" ? ["momentum", "momentum"] : name === "AdamW" ? ["decay", "weight decay λ"] : [`damping_${key}`, "damping λ"];
      const node = html("div", { class: "ngd-row" }, ui.range({ name: `eta_${key}`, label: `${name}: step size η`, log: true, typed: true }),
        ui.range({ name: second[0], label: `${name}: ${second[1]}`, log: second[0].startsWith("damping"), step: name === "SGD" ? 0.01 : 0.002, typed: true }));
      return { name, node };
    });
    const pick = html("select", { "aria-label": "whose settings" }, ...NAMES.map(name => html("option", { value: name, text: name })));
    pick.addEventListener("change", () => ui.set({ who: pick.value }));
    const begin = () => ui.set({ run: "yes" });
    const presets = html("select", { "aria-label": "a start of the text" }, html("option", { value: "", text: "choose a start" }),
      ...DATA.presets.map(([words], k) => html("option", { value: k, text: words })));
    presets.addEventListener("change", () => {
      if (presets.value === "") return;
      const [, a, b] = DATA.presets[presets.value];
      ui.set({ ...DATA.tuned, a, b, steps: 400, run: "yes" });
      presets.value = "";
    });
    ui.root.append(stage, told,
      html("div", { class: "ngd-buttons" }, ui.button({ text: () => (ui.get("run") === "yes" ? "Hide the runs" : "Run all five"), press: () => ui.set({ run: ui.get("run") === "yes" ? "no" : "yes" }) }), ui.resetButton(),
        html("div", { class: "ngd-pick" }, presets), ui.choice({ name: "view", label: "loss shown", options: [["training", "training"], ["validation", "validation"]] })),
      html("div", { class: "ngd-row" }, html("div", { class: "ngd-pick" }, html("label", {}, "settings of ", pick)), ui.range({ name: "steps", label: "steps", log: true, typed: true })),
      ...sliders.map(s => s.node), table,
      html("details", { class: "ngd-more" }, html("summary", { text: "Type the start" }),
        html("div", { class: "ngd-row" }, ui.range({ name: "a", label: "amplitude θ₁", step: 0.05, typed: true }), ui.range({ name: "b", label: "frequency θ₂", step: 0.05, typed: true }))));

    let boxes = [[0, 0, 0, 0], [0, 0, 0, 0]], small = false, shown = "";
    const LEVELS = [0.46, 0.5, 0.54, 0.58, 0.62, 0.66, 0.68, 0.72, 0.78, 0.86, 1, 1.2, 1.5];
    const tables = {};
    const tableOf = set => {
      if (!tables[set]) {
        const xs = Array.from({ length: 57 }, (_, i) => -4 + i / 7), ys = Array.from({ length: 45 }, (_, j) => j * 0.15);
        tables[set] = { xs, ys, z: xs.map(a => ys.map(b => loss(set, a, b))) };
      }
      return tables[set];
    };
    const runs = {}, memory = {};
    const cached = (name, s) => {
      const key = [s.a, s.b, s.steps, ...of(name)].join();
      if (runs[name]?.key !== key) runs[name] = { key, points: run(name, ...of(name), [s.a, s.b], s.steps) };
      return runs[name].points;
    };
    const judge = point => {
      const key = point.map(v => v.toFixed(3)).join();
      return (memory[key] ??= outcome(point));
    };
    const drawRun = name => s => {
      const { way, curve, end } = parts[name];
      if (s.run === "no") return [way, curve, end].forEach(node => attr(node, { d: "" }));
      const points = cached(name, s), X = v => clamp(plane.x(v), -2000, 2000), Y = v => clamp(plane.y(v), -2000, 2000);
      let d = "", last = 0;
      points.forEach(([a, b], k) => {
        if (!Number.isFinite(a + b)) return;
        const [u, v] = b < 0 ? [-a, -b] : [a, b], side = b < 0 ? -1 : 1;
        d += `${side === last ? "L" : "M"}${X(u).toFixed(1)} ${Y(v).toFixed(1)}`;
        last = side;
      });
      attr(way, { d });
      const every = points.length > 200 ? 2 : 1, track = points.map((p, k) => [k + 1, Math.min(apart(p), 99)]).filter(([k, r]) => (k % every === 0 || k < 40 || k === points.length) && Number.isFinite(r));
      const far = track.at(-1);
      if (far[0] <= s.steps) track.push([s.steps + 1, far[1]]);
      attr(curve, { d: line(track, chart.x, chart.y) });
    };
    return {
      layout(width) {
        small = width < 600;
        const edge = small ? 34 : 46, h = small ? 216 : 330;
        const w = small ? width - edge - 8 : 0.58 * width - edge;
        boxes = small ? [[edge, 24, w, h], [edge, h + 92, w - 34, 104]] : [[edge, 24, w, h], [edge + w + 56, 24, width - w - 2 * edge - 78, h]];
        heads.forEach((node, k) => attr(node, { x: boxes[k][0] - (small ? 20 : 0), y: boxes[k][1] - 10 }));
        stage.size(width, small ? h + 236 : h + 70);
        shown = "";
      },
      draw: [s => {
        plane.update({ box: boxes[0], x: { domain: [-4, 4], label: "amplitude θ₁", ticks: [-4, -2, 0, 2, 4] }, y: { domain: [0, 6.6], label: "frequency θ₂", ticks: [0, 2, 4, 6], away: small ? 22 : 30 } });
        chart.update({ box: boxes[1], x: { domain: [1, Math.max(2, s.steps + 1)], log: true, label: "step, from 1", ticks: [1, 10, 100].filter(t => t <= s.steps + 1) }, y: { domain: [0, 7], label: "", ticks: [0, 2, 4, 6] } });
        attr(heads[0], { text: `${s.view} loss` });
        attr(heads[1], { text: small ? "distance to the best point" : "distance to the best" });
        if (shown !== `${s.view} ${boxes[0]}`) {
          shown = `${s.view} ${boxes[0]}`;
          const { xs, ys, z } = tableOf(s.view), path = list => list.flatMap(level => levels(xs, ys, z, level)).map(p => line(p, plane.x, plane.y)).join("");
          attr(ground, { d: path(LEVELS) });
          attr(fine, { d: path([0.6875, 0.69]) });
        }
        attr(goal, { d: shape("star", plane.x(DATA.best[0]), plane.y(DATA.best[1]), 8) });
        sliders.forEach(({ name, node }) => attr(node, { hidden: name === s.who ? null : true }));
        if (pick.value !== s.who) pick.value = s.who;
        handle.move(plane.x(s.a), plane.y(s.b), 0, [8, 8, 8, 8]);
      }, ...NAMES.map(drawRun), s => {
        if (s.run === "no") {
          rows.forEach(({ cells }) => cells.forEach(cell => attr(cell, { text: "?" })));
          NAMES.forEach(name => [parts[name].word, parts[name].tail].forEach(node => attr(node, { text: "" })));
          attr(told, { text: `Start: amplitude ${fixed(s.a, 2)}, frequency ${fixed(s.b, 2)}. The star is the best validation point. Which of the five reach its valley? Guess, then run.` });
          return;
        }
        const ends = NAMES.map(name => cached(name, s).at(-1)), sorted = [], groups = [];
        const kinds = ends.map(end => (ui.dragging ? null : judge(end)));
        NAMES.forEach((name, k) => {
          const [u, v] = fold(ends[k]), x = plane.x(u), y = plane.y(v), inside = Math.abs(u) <= 4 && v <= 6.6;
          attr(parts[name].end, inside && kinds[k] !== null ? { d: shape(MARKS[kinds[k]], x, y, 4.5), class: `ngd-end ${WAYS[name][0]}${kinds[k] ? " ngd-open" : ""}` } : { d: "" });
          const near = inside && groups.find(g => Math.hypot(g.x - x, g.y - y) < 16);
          attr(parts[name].word, { text: "" });
          if (near) near.names.push(SHORT[name]);
          else if (inside) groups.push({ x, y, names: [SHORT[name]], node: parts[name].word });
          const last = Math.min(apart(ends[k]), 7);
          sorted.push([Number.isFinite(last) ? chart.y(last) : boxes[1][1], name]);
          const gone = !Number.isFinite(u + v);
          [gone ? "left the numbers" : `${fixed(u, 2)}, ${fixed(v, 2)}`, gone ? "–" : fixed(loss("training", u, v), 3), gone ? "–" : fixed(loss("validation", u, v), 3), kinds[k] === null ? "…" : CLASSES[kinds[k]]]
            .forEach((text, i) => attr(rows[k].cells[i], { text }));
        });
        groups.forEach(({ x, y, names, node }) => {
          const right = x > boxes[0][0] + boxes[0][2] * 0.55;
          attr(node, { x: (x + (right ? -9 : 9)).toFixed(1), y: (y > boxes[0][1] + boxes[0][3] - 26 ? y - 9 : y + 18).toFixed(1), "text-anchor": right ? "end" : "start", text: names.join(", ") });
        });
        let free = boxes[1][1];
        sorted.sort((p, q) => p[0] - q[0]).forEach(([y, name], k) => {
          y = Math.min(Math.max(free, y + 4), boxes[1][1] + boxes[1][3] - 13 * (4 - k) + 4);
          free = y + 13;
          attr(parts[name].tail, { x: boxes[1][0] + boxes[1][2] + 4, y: y.toFixed(1), text: SHORT[name] });
        });
        const good = NAMES.filter((_, k) => kinds[k] === 0);
        attr(told, { text: ui.dragging ? "…" : `In the good basin after ${s.steps} ${s.steps === 1 ? "step" : "steps"}: ${good.length ? good.join(", ") : "none of the five"}. Ends: disc good basin, square another, triangle none, diamond still moving.` });
      }],
      say: () => told.textContent,
    };
  },
});
