// One arrow: coordinates are dragged, the model stays. See one_arrow.py.

const HERE = [-0.6, 1.2], DATA = [1.2, 0.6]; // (mean, standard deviation)
const UNIT = 0.6, RHO = 0.5; // the first coordinate's unit; the Fisher length of the natural arrow
const OUT = 1.6; // the ring is so many units out, where it covers no arrow

/** Gradient of KL(data ‖ model) in (mean, standard deviation). */
const gradient = ([m, s]) => [(m - DATA[0]) / (s * s), 1 / s - (DATA[1] ** 2 + (m - DATA[0]) ** 2) / s ** 3];
/** Diagonal of the Fisher matrix there. */
const fisher = ([, s]) => [1 / (s * s), 2 / (s * s)];
/** In the coordinates whose units are (UNIT, 0) and (ux, uy): the gradient, a price of each unit. */
const prices = (ux, uy) => {
  const [a, b] = gradient(HERE);
  return [UNIT * a, ux * a + uy * b];
};
/** A displacement given in these coordinates, as one of (mean, standard deviation). */
const carried = (ux, uy, [a, b]) => [UNIT * a + ux * b, uy * b];
/** Ordinary descent: one unit long by the coordinates' own ruler. */
const ordinary = (ux, uy) => {
  const g = prices(ux, uy), n = Math.hypot(...g);
  return carried(ux, uy, g.map(x => -x / n));
};
/** Natural descent, computed in these coordinates: their Fisher matrix, their gradient. */
const natural = (ux, uy) => {
  const g = prices(ux, uy), [f, h] = fisher(HERE);
  const F = [f * UNIT * UNIT, f * UNIT * ux, f * ux * ux + h * uy * uy], det = F[0] * F[2] - F[1] * F[1];
  const v = [(F[2] * g[0] - F[1] * g[1]) / det, (F[0] * g[1] - F[1] * g[0]) / det];
  const length = Math.sqrt(v[0] * g[0] + v[1] * g[1]);
  return carried(ux, uy, v.map(x => (-RHO * x) / length));
};
/** Where KL(data ‖ model) = level: points (mean, standard deviation) around the data. */
const contour = (level, n = 60) => {
  const half = s => 2 * s * s * (level + 0.5 - Math.log(s / DATA[1])) - DATA[1] ** 2;
  const end = (inside, outside) => {
    for (let k = 0; k < 50; k += 1) {
      const mid = (inside + outside) / 2;
      half(mid) > 0 ? (inside = mid) : (outside = mid);
    }
    return inside;
  };
  const low = end(DATA[1], 1e-3), high = end(DATA[1], 60);
  const side = sign => Array.from({ length: n + 1 }, (_, k) => {
    const s = (low + high) / 2 - ((high - low) / 2) * Math.cos((Math.PI * k) / n);
    return [DATA[0] + sign * Math.sqrt(Math.max(0, half(s))), s];
  });
  return [...side(1), ...side(-1).reverse()];
};
const degrees = ([x, y]) => (Math.atan2(y, x) * 180) / Math.PI;

export const math = { gradient, fisher, prices, ordinary, natural, contour, degrees };

export default ngd.demo({
  state: { ux: [-0.75, 0.75], uy: [0.12, 0.75] },

  build(ui) {
    const { svg, html, attr, line, fixed } = ngd;
    const stage = ngd.stage("The plane of Gaussians; drag the end of the second coordinate's unit");
    const plane = ngd.plot(stage);
    const add = (parent, name, given) => {
      const node = svg(name, given);
      parent.append(node);
      return node;
    };
    const curve = (classes, style = "") => add(plane.inside, "path", { class: classes, style });
    const words = (text, classes, anchor = "middle") =>
      add(plane.over, "text", { class: `ngd-words ${classes}`, "text-anchor": anchor, "aria-hidden": "true", text });
    const levels = [0.05, 0.2, 0.5, 0.9, 1.443, 2.2, 3.4, 5.4];
    const parts = {
      levels: curve("ngd-way ngd-ink", "--ngd-paint:currentColor;stroke-width:0.8;opacity:0.28"),
      grid: curve("ngd-way ngd-euclidean", "stroke-width:1;stroke-dasharray:none;opacity:0.32"),
      ruler: curve("ngd-way ngd-euclidean", "stroke-width:1.3;stroke-dasharray:2 3"),
      fisher: curve("ngd-way ngd-metric", "stroke-width:1.3;fill:var(--ngd-fill)"),
      units: curve("ngd-way ngd-ink", "--ngd-paint:currentColor;stroke-width:1.2"),
      ordinary: curve("ngd-way ngd-euclidean", "stroke-width:3.2;stroke-dasharray:7 4"),
      ordinaryTip: curve("ngd-way ngd-euclidean", "fill:var(--ngd-paint);stroke-dasharray:none"),
      natural: curve("ngd-way ngd-natural", "stroke-width:3.4"),
      naturalTip: curve("ngd-way ngd-natural", "fill:var(--ngd-paint)"),
      data: curve("ngd-star"),
      model: curve("ngd-star"),
    };
    const tags = {
      ordinary: add(plane.over, "g", { class: "ngd-euclidean" }), natural: add(plane.over, "g", { class: "ngd-natural" }),
      data: words("the data", "ngd-quiet"), model: words("the model", "ngd-quiet", "end"), drag: words("drag", "ngd-title"),
    };
    for (const key of ["ordinary", "natural"]) {
      const text = svg("text", { class: "ngd-words ngd-title", "aria-hidden": "true", text: key });
      tags[key].append(text);
      tags[key] = text;
    }
    const axis = (key, what) => ({ min: key === "ux" ? -0.75 : 0.12, max: 0.75, step: 0.05, get: () => ui.get(key),
      set: v => ui.set({ [key]: Math.round(v * 1e4) / 1e4 }), text: v => `${fixed(v, 2)} ${what}` });
    const handle = ui.handle(plane.over, { label: "Unit of the second coordinate", shape: "ring", className: "ngd-ink",
      axes: [axis("ux", "across"), axis("uy", "up")],
      place: (x, y) => ui.set({ ux: Math.round(((plane.x.invert(x) - HERE[0]) / OUT) * 1e3) / 1e3, uy: Math.round(((plane.y.invert(y) - HERE[1]) / OUT) * 1e3) / 1e3 }) });

    const told = html("div", { class: "ngd-summary ngd-two" });
    const tell = (role, what) => {
      const number = html("strong");
      told.append(html("div", { class: role }, html("span", { text: what }), number));
      return number;
    };
    const says = [tell("ngd-euclidean", "ordinary, by the grid’s ruler"), tell("ngd-natural", "natural, by the model’s ruler")];
    ui.root.append(stage, html("div", { class: "ngd-row ngd-told-row" }, told, ui.resetButton()));

    /** The arrow from the model, its filled head, and its name beyond the tip. */
    const arrow = (key, v) => {
      const X = plane.x, Y = plane.y, from = [X(HERE[0]), Y(HERE[1])], to = [X(HERE[0] + v[0]), Y(HERE[1] + v[1])];
      const d = [to[0] - from[0], to[1] - from[1]], n = Math.hypot(...d) || 1, u = d.map(x => x / n);
      attr(parts[key], { d: line([from, [to[0] - 8 * u[0], to[1] - 8 * u[1]]]) });
      attr(parts[`${key}Tip`], { d: `${line([to, [to[0] - 11 * u[0] - 5 * u[1], to[1] - 11 * u[1] + 5 * u[0]], [to[0] - 11 * u[0] + 5 * u[1], to[1] - 11 * u[1] - 5 * u[0]]])}Z` });
      return [to, u];
    };
    let narrow = false;
    return {
      layout(width) {
        narrow = width < 480;
        const left = 40, right = 8, wide = width - left - right, unit = wide / (narrow ? 3.6 : 4.6), tall = Math.round(2.4 * unit);
        plane.update({ box: [left, 6, wide, tall],
          x: { domain: narrow ? [-1.9, 1.7] : [-2.4, 2.2], ticks: [-2, -1, 0, 1, 2].filter(t => !narrow || Math.abs(t) < 2), label: "mean μ" },
          y: { domain: [0.02, 2.42], ticks: [1, 2], label: "standard deviation σ" } });
        stage.size(width, tall + 44);
        const X = plane.x, Y = plane.y;
        attr(parts.levels, { d: levels.map(c => `${line(contour(c), X, Y)}Z`).join("") });
        const [f, h] = fisher(HERE);
        attr(parts.fisher, { d: `${line(Array.from({ length: 73 }, (_, k) => [HERE[0] + (RHO / Math.sqrt(f)) * Math.cos((k * Math.PI) / 36), HERE[1] + (RHO / Math.sqrt(h)) * Math.sin((k * Math.PI) / 36)]), X, Y)}Z` });
        attr(parts.data, { d: ngd.shape("star", X(DATA[0]), Y(DATA[1]), 8) });
        attr(parts.model, { d: ngd.shape("disc", X(HERE[0]), Y(HERE[1]), 5.5) });
        attr(tags.data, { x: X(DATA[0]).toFixed(1), y: (Y(DATA[1]) + 24).toFixed(1) });
        attr(tags.model, { x: (X(HERE[0]) - 10).toFixed(1), y: (Y(HERE[1]) + 18).toFixed(1) });
      },
      draw: [s => {
        const X = plane.x, Y = plane.y, end = [X(HERE[0] + OUT * s.ux), Y(HERE[1] + OUT * s.uy)], from = [X(HERE[0]), Y(HERE[1])];
        handle.move(...end);
        attr(tags.drag, { x: end[0].toFixed(1), y: (end[1] - 18).toFixed(1) });
        attr(parts.units, { d: line([[X(HERE[0] + UNIT), from[1]], from, end]) });
        const tips = [["natural", natural], ["ordinary", ordinary]].map(([key, f]) => [key, ...arrow(key, f(s.ux, s.uy))]);
        let above = null; // the natural arrow's name; the other keeps clear of it
        for (const [key, to, u] of tips) {
          const flat = Math.abs(u[0]) > 0.5, x = to[0] + (flat ? Math.sign(u[0]) * 8 : 0);
          let y = to[1] + (flat ? 4 : u[1] > 0 ? 18 : -10);
          if (above && Math.abs(x - above[0]) < 64 && Math.abs(y - above[1]) < 16) y = above[1] + (y > above[1] ? 16 : -16);
          above ??= [x, y];
          attr(tags[key], { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": flat ? (u[0] > 0 ? "start" : "end") : "middle" });
        }
        says.forEach((node, k) => attr(node, { text: `${fixed(degrees((k ? natural : ordinary)(s.ux, s.uy)), 1)}° from the μ axis` }));
      }, s => {
        const X = plane.x, Y = plane.y, at = (a, b) => [X(HERE[0] + UNIT * a + s.ux * b), Y(HERE[1] + s.uy * b)];
        const lines = Array.from({ length: 33 }, (_, k) => k - 16);
        attr(parts.grid, { d: lines.map(k => line([at(k, -16), at(k, 16)]) + line([at(-60, k), at(60, k)])).join("") });
        attr(parts.ruler, { d: `${line(Array.from({ length: 73 }, (_, k) => at(Math.cos((k * Math.PI) / 36), Math.sin((k * Math.PI) / 36))))}Z` });
      }],
      say(s) {
        return `The ordinary arrow points ${fixed(degrees(ordinary(s.ux, s.uy)), 0)} degrees from the axis of the mean, the natural one ${fixed(degrees(natural(s.ux, s.uy)), 0)} degrees.`;
      },
    };
  },
});
