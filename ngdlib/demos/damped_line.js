// One line through three people, fitted by damped natural steps in metres and in centimetres.

const HEIGHTS = [1.6, 1.7, 1.8], WEIGHTS = [58, 68, 78];
const PER_METRE = { metres: 1, centimetres: 100 };
const FROM = { "the floor": 0, "1.70 m": 1.7 };
const UNITS = Object.keys(PER_METRE);
const mean = list => list.reduce((sum, x) => sum + x, 0) / list.length;

/** The heights as numbers t of the chart in which the line is a + b t. */
const numbers = (unit, origin) => HEIGHTS.map(h => PER_METRE[unit] * (h - FROM[origin]));

/** Eigenvalues of F, the mean of (1, t)(1, t)ᵀ, the smaller first, and their unit eigenvectors. */
const spectrum = (unit, origin) => {
  const t = numbers(unit, origin), m = mean(t), s = mean(t.map(x => x * x));
  const spread = mean(t.map(x => (x - m) ** 2)); // the determinant, without cancellation
  const large = (1 + s + Math.hypot(s - 1, 2 * m)) / 2, small = spread / large;
  const flat = Math.abs(m) < 1e-12 * Math.sqrt(s);
  const v = flat ? (s > 1 ? [0, 1] : [1, 0]) : [m, large - 1], n = Math.hypot(...v);
  const up = v.map(x => x / n);
  return { values: [small, large], vectors: [[-up[1], up[0]], up] };
};

/** The part of the exact answer that is taken along an eigenvector after so many unit steps. */
const share = (eigenvalue, damping, steps) => -Math.expm1(-steps * Math.log1p(eigenvalue / damping));

/** The line that undamped steps find at once: least squares. */
const exact = (unit, origin) => {
  const t = numbers(unit, origin), m = mean(t), w = mean(WEIGHTS);
  const slope = mean(t.map((x, k) => (x - m) * (WEIGHTS[k] - w))) / mean(t.map(x => (x - m) ** 2));
  return [w - slope * m, slope];
};

/** After so many unit steps from zero: the line [a, b], and its weights at the three heights. */
const fit = (unit, damping, steps, origin) => {
  const { values, vectors } = spectrum(unit, origin), goal = exact(unit, origin);
  const line = [0, 0];
  vectors.forEach((v, k) => {
    const part = share(values[k], damping, steps) * (v[0] * goal[0] + v[1] * goal[1]);
    line[0] += part * v[0];
    line[1] += part * v[1];
  });
  return { line, at: numbers(unit, origin).map(x => line[0] + line[1] * x) };
};

/** The largest distance between two lines at the three people, in kilograms. */
const gap = (a, b) => Math.max(...a.map((w, k) => Math.abs(w - b[k])));

export const math = { spectrum, share, exact, fit, gap };

const DAMPING = [1e-6, 1e3];

export default ngd.demo({
  state: { metres: DAMPING, centimetres: DAMPING, steps: [1, 2000, "integer"], origin: Object.keys(FROM) },

  build(ui) {
    const { svg, html, attr, line, fixed, significant } = ngd;
    const stage = ngd.stage("Three people and two lines; the share of each eigenvector that is taken");
    const people = ngd.plot(stage), filter = ngd.plot(stage);
    const add = (parent, name, given) => {
      const node = svg(name, given);
      parent.append(node);
      return node;
    };
    const STYLE = { metres: "stroke-width:3", centimetres: "stroke-width:1.3" };
    const KIND = { metres: "disc", centimetres: "diamond" };
    const group = { people: add(people.over, "g", { class: "ngd-natural" }), filter: add(filter.over, "g", { class: "ngd-natural" }) };
    const parts = Object.fromEntries(UNITS.map(unit => [unit, {
      way: add(people.inside, "path", { class: "ngd-way ngd-natural", style: STYLE[unit] }),
      curve: add(filter.inside, "path", { class: "ngd-way ngd-natural", style: STYLE[unit] }),
      marks: [0, 1].map(() => add(filter.over, "path", { class: "ngd-end ngd-natural" })),
      name: add(group.people, "text", { class: "ngd-words ngd-title", "aria-hidden": "true", text: unit }),
      curveName: add(group.filter, "text", { class: "ngd-words ngd-title", "aria-hidden": "true", text: unit === "metres" ? "m" : "cm" }),
    }]));
    const discs = HEIGHTS.map(() => add(people.over, "path", { class: "ngd-star" }));

    const row = words => {
      const cells = UNITS.map(() => html("td"));
      return { cells, node: html("tr", {}, html("th", { scope: "row", text: words }), ...cells) };
    };
    const rows = { values: row("eigenvalues of F"), shares: row("share taken of each"), middle: row("kg at 1.70 m"), slope: row("kg a metre") };
    const table = html("table", { class: "ngd-figures ngd-numbers" },
      html("thead", {}, html("tr", {}, html("td"), ...UNITS.map(unit => html("th", { scope: "col", text: unit })))),
      html("tbody", {}, ...Object.values(rows).map(r => r.node)));
    const told = html("p");
    const damping = unit => ui.range({ name: unit, label: `damping λ, ${unit}`, log: true, typed: true });
    ui.root.append(stage,
      html("div", { class: "ngd-row" }, damping("metres"), damping("centimetres")),
      html("div", { class: "ngd-row" }, ui.range({ name: "steps", label: "unit steps", log: true, typed: true }),
        html("div", {}, html("div", { "aria-hidden": "true", text: "heights measured from" }),
          ui.choice({ name: "origin", label: "heights measured from", options: Object.keys(FROM).map(o => [o, o]) })),
        ui.resetButton()),
      html("div", { class: "ngd-told" }, told), table);

    const shown = p => (p < 0.01 ? significant(p, 3) : fixed(p, p > 0.99 ? 5 : 4));
    let fits = {}, narrow = false;
    return {
      layout(width) {
        narrow = width < 560;
        const gap = 70, left = 44;
        const w = narrow ? width - left - 12 : (width - left - gap - 12) / 2, h = narrow ? 150 : 230;
        const second = narrow ? [left, 14 + h + 58, w, h - 20] : [left + w + gap, 14, w, h];
        people.update({ box: [left, 14, w, h],
          x: { domain: [1.55, 1.85], ticks: [1.6, 1.7, 1.8], label: "height (m)" },
          y: { domain: [20, 85], ticks: [20, 40, 60, 80], label: "weight (kg)", away: 32 } });
        filter.update({ box: second,
          x: { domain: [1e-4, 1e5], log: true, ticks: [1e-4, 1e-2, 1, 100, 1e4], label: "eigenvalue of F" },
          y: { domain: [0, 1.06], ticks: [0, 0.5, 1], label: "share taken", away: 32 } });
        stage.size(width, second[1] + second[3] + 42);
        HEIGHTS.forEach((height, k) => attr(discs[k], { d: ngd.shape("disc", people.x(height), people.y(WEIGHTS[k]), 5.5) }));
      },
      draw: [s => {
        fits = Object.fromEntries(UNITS.map(unit => [unit, fit(unit, s[unit], s.steps, s.origin)]));
        const [m, c] = UNITS.map(unit => fits[unit].at), X = people.x, Y = people.y;
        const reach = at => [1.55, 1.85].map(h => [h, at[0] + ((at[2] - at[0]) * (h - 1.6)) / 0.2]);
        UNITS.forEach(unit => {
          const { at } = fits[unit], ends = reach(at);
          attr(parts[unit].way, { d: line(ends, X, Y) });
          // the higher line has its name above it on the left, the lower one below it on the right; no name lies on a disc
          const higher = (unit === "metres") === (m[1] > c[1]), [first, last] = ends.map(([, w]) => Y(w));
          const from = higher ? X(1.55) + 4 : X(1.85) - 84, share = (from + 80 - X(1.55)) / (X(1.85) - X(1.55));
          const beside = higher ? first + share * (last - first) : last + ((from - X(1.85)) / (X(1.85) - X(1.55))) * (last - first);
          let y = higher ? Math.min(first, beside) - 8 : Math.max(last, beside) + 18;
          HEIGHTS.forEach((height, k) => {
            const at = Y(WEIGHTS[k]);
            if (X(height) > from - 6 && X(height) < from + 86 && Math.abs(at - (y - 4)) < 15) y = at + (higher ? -11 : 19);
          });
          const end = higher ? first : last, inside = end > people.y.range[1] && end < people.y.range[0] - 4;
          attr(parts[unit].name, { x: (higher ? from : X(1.85) - 4).toFixed(1), y: y.toFixed(1),
            "text-anchor": higher ? "start" : "end", visibility: inside ? null : "hidden" });
        });
        attr(told, { text: `Largest gap between the two lines, at the three people: ${fixed(gap(m, c), 2)} kg.` });
      }, s => {
        const grid = Array.from({ length: 73 }, (_, k) => 10 ** (-4 + k / 8));
        UNITS.forEach((unit, j) => {
          const part = parts[unit], { values } = spectrum(unit, s.origin);
          attr(part.curve, { d: line(grid.map(e => [e, share(e, s[unit], s.steps)]), filter.x, filter.y) });
          values.forEach((e, k) => attr(part.marks[k], { d: ngd.shape(KIND[unit], filter.x(e), filter.y(share(e, s[unit], s.steps)), 5) }));
          const at = j ? 0.3 : 0.7, seat = ngd.clamp(s[unit] * Math.expm1(-Math.log1p(-at) / s.steps), 3e-4, 1e4);
          attr(part.curveName, { x: (filter.x(seat) + (j ? 8 : -8)).toFixed(1), y: (filter.y(at) + 4).toFixed(1), "text-anchor": j ? "start" : "end" });
          attr(rows.values.cells[j], { text: values.map(e => significant(e, e < 1e4 ? 4 : 5)).join("; ") });
          attr(rows.shares.cells[j], { text: values.map(e => shown(share(e, s[unit], s.steps))).join("; ") });
          const { at: w } = fits[unit];
          attr(rows.middle.cells[j], { text: fixed(w[1], 2) });
          attr(rows.slope.cells[j], { text: fixed((w[2] - w[0]) / 0.2, 2) });
        });
      }],
      say(s) {
        const told = UNITS.map(unit => `In ${unit}, λ ${significant(s[unit], 3)}: ${fixed(fits[unit].at[1], 1)} kilograms at 1.70 metres, ${fixed((fits[unit].at[2] - fits[unit].at[0]) / 0.2, 1)} a metre.`);
        return `${told.join(" ")} Largest gap ${fixed(gap(fits.metres.at, fits.centimetres.at), 2)} kilograms, after ${s.steps} ${s.steps === 1 ? "step" : "steps"}.`;
      },
    };
  },
});
