// One coin on three number lines. Closed forms as in ngdlib.families.bernoulli; what this module
// computes is compared with ngdlib.descent in tests/browser/test_two_charts.py.

// --- mathematics ---------------------------------------------------------------------------------
// A point is the pair (q, r = 1 - q), both kept: near an end one is lost in the other. With
// v = q r, a chart's gradient is -(mean - q) v^-g and its Fisher information v^f.
const CHARTS = {
  q: { g: 1, f: -1, low: 0, high: 1, of: (q, r) => q, pair: x => [x, 1 - x] },
  z: { g: 0, f: 1, low: -708, high: 708, of: (q, r) => Math.log(q) - Math.log(r), pair: z => [1 / (1 + Math.exp(-z)), 1 / (1 + Math.exp(z))] },
  ω: { g: 0.5, f: 0, low: 0, high: Math.PI, of: (q, r) => 2 * Math.atan2(Math.sqrt(q), Math.sqrt(r)), pair: w => [Math.sin(w / 2) ** 2, Math.cos(w / 2) ** 2] },
};
const NAMES = Object.keys(CHARTS);
const METHODS = ["ordinary", "natural"];

const loss = ([q, r], mean) => -(mean && mean * Math.log(q)) - (mean < 1 && (1 - mean) * Math.log(r));

/** The descent direction in a chart: minus the gradient, for "natural" divided by the Fisher information. */
const direction = (method, chart, [q, r], mean) => {
  const { g, f } = CHARTS[chart];
  return (r * mean - q * (1 - mean)) / (q * r) ** (method === "natural" ? g + f : g);
};

/**
 * `steps` steps of size eta from q0. values: in the chart, ending with the first that is outside the
 * model, if one is; pairs: (q, 1 - q) of those inside; inside: whether the last is.
 */
const walk = (method, chart, q0, mean, eta, steps) => {
  const { low, high, of, pair } = CHARTS[chart];
  const values = [of(q0, 1 - q0)], pairs = [[q0, 1 - q0]];
  let inside = true;
  while (inside && values.length <= steps) {
    const next = values.at(-1) + eta * direction(method, chart, pairs.at(-1), mean);
    values.push(next);
    inside = next > low && next < high;
    if (inside) pairs.push(pair(next));
  }
  return { values, pairs, inside };
};

/** s >= 0 with rise(s) = t, for an increasing function whose derivative is slope; Newton kept in a bracket. */
const invert = (rise, slope, t) => {
  let low = 0, high = 1;
  while (rise(high) < t) [low, high] = [high, 2 * high];
  let s = (low + high) / 2;
  for (let k = 0; k < 200; k += 1) {
    const error = rise(s) - t;
    if (error > 0) high = s;
    else low = s;
    let next = s - error / slope(s);
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (Math.abs(next - s) <= 1e-15 * s) break;
    s = next;
  }
  return s;
};

/**
 * The flow from q0 after time t, in the form that walk gives. Natural: mean - q falls as e^-t, in
 * every chart; in the angle ordinary descent is the same. Ordinary in q: with mean - q = u0 e^-s,
 * dt/ds = q (1 - q), integrated in closed form. Ordinary in z: an equation without stiffness, solved.
 */
const flow = (method, chart, q0, mean, t) => {
  const r0 = 1 - q0, { of, pair, low, high } = CHARTS[chart];
  const end = decay => [mean + (q0 - mean) * decay, 1 - mean + (r0 - (1 - mean)) * decay];
  const from = of(q0, r0);
  const ended = (value, point) => ({ values: [from, value], pairs: point ? [[q0, r0], point] : [[q0, r0]], inside: !!point });
  if (method === "natural" || chart === "ω") {
    const point = end(Math.exp(-t));
    const value = of(...point);
    // with a mean of 0 or 1 a long flow comes nearer to the end than a float can say
    return value > low && value < high ? ended(value, point) : ended(value, null);
  }
  if (chart === "z") {
    const [solved] = ngd.ode(([z]) => { const [q, r] = pair(z); return [r * mean - q * (1 - mean)]; }, [from], [t]);
    return ended(solved[0], pair(solved[0]));
  }
  const u0 = mean - q0, spread = mean * (1 - mean);
  if (u0 === 0) return ended(q0, [q0, r0]);
  const rise = s => spread * s - (2 * mean - 1) * u0 * Math.expm1(-s) + (u0 * u0 * Math.expm1(-2 * s)) / 2;
  const slope = s => { const [q, r] = end(Math.exp(-s)); return q * r; };
  // with a mean of 0 or 1 the flow reaches the end of the line in finite time
  if (spread === 0 && rise(700) <= t) return ended(mean, null);
  const point = end(Math.exp(-invert(rise, slope, t)));
  return ended(point[0], point);
};

/** All six end points: {ordinary: {q, z, ω}, natural: {...}}. */
const landings = ({ q, mean, eta, steps, mode }) =>
  Object.fromEntries(METHODS.map(method => [method, Object.fromEntries(NAMES.map(chart =>
    [chart, mode === "flow" ? flow(method, chart, q, mean, eta * steps) : walk(method, chart, q, mean, eta, steps)]))]));

/** How far apart, in q, three end points are; null where one has left the model. */
const apart = three => {
  const ends = Object.values(three);
  if (!ends.every(e => e.inside)) return null;
  const qs = ends.map(e => e.pairs.at(-1)[0]);
  return Math.max(...qs) - Math.min(...qs);
};

export const math = { NAMES, METHODS, loss, direction, walk, flow, landings, apart, ode: ngd.ode };

// --- drawing -------------------------------------------------------------------------------------
const { svg, html, attr, fixed, significant, linear, shape, chevron, stage, axis } = ngd;
const CLASS = { ordinary: "ngd-euclidean", natural: "ngd-natural" };
const MARK = { q: "disc", z: "diamond", ω: "triangle" };
const TITLE = { q: "probability", z: "log-odds", ω: "angle" };
const LINES = {
  q: { domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], text: t => significant(t, 3), digits: 3, step: 0.01 },
  z: { domain: [-7, 7], ticks: [-6, -3, 0, 3, 6], text: t => fixed(t, 0), digits: 2, step: 0.1 },
  ω: { domain: [0, Math.PI], ticks: [0, 1, 2, 3, 4].map(k => (k * Math.PI) / 4), text: t => ["0", "π/4", "π/2", "3π/4", "π"][Math.round((4 * t) / Math.PI)], digits: 3, step: 0.05 },
};
const LANE = 15, GAP = 8, EDGE = 1e-12;
const Q_RANGE = [0.001, 0.999];
const toChart = (chart, q) => CHARTS[chart].of(q, 1 - q);
const tidy = q => Number(q.toPrecision(5));
const short = (x, digits) => (Math.abs(x) >= 1e4 ? fixed(x, 0) : Math.abs(x) >= 100 ? significant(x, 3) : fixed(x, digits));

/** What to say of an end point on the line of its own chart, or "" where the drawing says it. */
const remark = (chart, end, state) => {
  const value = end.values.at(-1), name = `${chart} = ${short(value, 2)}`;
  const { low, high } = CHARTS[chart], { domain } = LINES[chart];
  if (!end.inside) {
    if (chart === "z") return `runs away: ${name}`;
    const edge = Math.min(Math.abs(value - low), Math.abs(value - high)) < EDGE;
    return edge ? `reaches the edge: ${chart} = ${value > 0.5 ? LINES[chart].text(high) : 0}` : `leaves the model: ${name}`;
  }
  if (value >= domain[0] && value <= domain[1]) return "";
  const worse = loss(end.pairs.at(-1), state.mean) > loss(end.pairs[0], state.mean);
  return `${worse ? "runs away" : "off this line"}: ${name}`;
};

/** One lane: the way taken, the intermediate points, the end point, its number, a remark. */
const lane = (parent, method, chart) => {
  const group = svg("g", { class: CLASS[method] });
  const node = {
    guide: svg("path", { class: "ngd-guide" }),
    way: svg("path", { class: "ngd-way" }),
    dots: svg("path", { class: "ngd-dots" }),
    end: svg("path", { class: "ngd-end" }),
    name: svg("text", { class: "ngd-words ngd-lane-name", dy: ".35em" }),
    number: svg("text", { class: "ngd-words ngd-number", dy: ".35em", "text-anchor": "end" }),
    remark: svg("text", { class: "ngd-words ngd-remark", dy: ".35em" }),
  };
  group.append(...Object.values(node));
  parent.append(group);
  return { ...node, group };
};

/** A number line with its six lanes. */
const panel = (parent, ui, chart) => {
  const group = svg("g");
  const { step } = LINES[chart];
  const title = svg("text", { class: "ngd-words ngd-title", dy: ".35em" });
  const here = svg("path", { class: "ngd-here" }), goal = svg("path", { class: "ngd-goal" });
  group.append(goal, here);
  const ties = METHODS.map(method => svg("path", { class: `ngd-tie ${CLASS[method]}` }));
  group.append(...ties);
  const lanes = METHODS.map(method => NAMES.map(taken => lane(group, method, taken)));
  NAMES.forEach((taken, k) => lanes.forEach(row => row[k].group.classList.toggle("ngd-own", taken === chart)));
  const foot = axis(group);
  const goalMark = svg("path", { class: "ngd-star" });
  group.append(title, goalMark);
  parent.append(group);
  let scale;
  const range = Q_RANGE.map(q => toChart(chart, q));
  const handle = ui.handle(group, {
    label: `The coin, by its ${TITLE[chart]}`,
    axes: [{ min: range[0], max: range[1], step, get: () => toChart(chart, ui.get("q")), text: v => `${chart} = ${fixed(v, LINES[chart].digits)}`,
      set: v => ui.set({ q: tidy(CHARTS[chart].pair(v)[0]) }) }],
    place: x => ui.set({ q: tidy(CHARTS[chart].pair(ngd.clamp(scale.invert(x), ...range))[0]) }),
  });
  const star = chart === "q" && ui.handle(group, {
    label: "Mean of the data", shape: "star", size: 8,
    axes: [{ min: 0, max: 1, step: 0.01, get: () => ui.get("mean"), set: mean => ui.set({ mean: tidy(mean) }), text: v => `mean = ${fixed(v, 2)}` }],
    place: x => ui.set({ mean: Number(ngd.clamp(scale.invert(x), 0, 1).toFixed(3)) }),
  });
  const starName = star && svg("text", { class: "ngd-words", dy: ".35em" });
  const value = svg("text", { class: "ngd-words ngd-title", dy: ".35em", "text-anchor": "end" });
  group.append(value);
  if (star) group.append(starName);
  const legend = METHODS.map(method => svg("g", { class: CLASS[method] }, svg("path", { class: "ngd-way" }),
    svg("text", { class: "ngd-words", dy: ".35em", "text-anchor": "end", text: method })));
  if (star) group.append(...legend);

  let top, floor, edges;
  return {
    /** Places the panel below y; returns its height. */
    layout(width, y, wide) {
      const left = wide ? 104 : 40, right = width - 50;
      edges = [left, right - 8];
      scale = linear(LINES[chart].domain, [left + 12, right - 22]);
      let at = y;
      if (!wide) { attr(title, { x: 0, y: at + 8, text: `${TITLE[chart]} ${chart}` }); at += 20; }
      if (star) at += 26;
      top = at;
      lanes.forEach((row, m) => row.forEach((node, k) => {
        const middle = at + m * (3 * LANE + GAP) + (k + 0.5) * LANE;
        node.y = middle;
        attr(node.guide, { d: `M${left} ${middle}H${right}` });
        attr(node.name, { x: wide ? left - 8 : 0, y: middle, "text-anchor": wide ? "end" : "start",
          text: wide && k === 0 ? `${METHODS[m]}, in ${NAMES[k]}` : `in ${NAMES[k]}` });
        attr(node.number, { x: width, y: middle });
      }));
      floor = at + 6 * LANE + GAP + 10;
      foot.update({ scale, at: floor, ticks: LINES[chart].ticks, text: LINES[chart].text });
      if (wide) attr(title, { x: left - 8, y: floor, "text-anchor": "end", text: `${TITLE[chart]} ${chart}` });
      attr(value, { x: width, y: floor });
      legend.forEach((node, m) => {
        const end = m ? width : width - 90;
        attr(node, { display: wide ? "none" : null });
        attr(node.firstChild, { d: `M${end - 78} ${y + 8}h22` });
        attr(node.lastChild, { x: end, y: y + 8 });
      });
      return floor + 24 - y;
    },
    draw(state, ends) {
      const x = scale(toChart(chart, state.q));
      const goalAt = ngd.clamp(scale(ngd.clamp(toChart(chart, state.mean), ...LINES[chart].domain)), ...scale.range);
      attr(here, { d: `M${x.toFixed(2)} ${top}V${floor}` });
      attr(goal, { d: `M${goalAt.toFixed(2)} ${star ? top - 10 : top}V${floor}` });
      attr(goalMark, star ? {} : { d: shape("star", goalAt, floor, 5) });
      handle.move(x, floor);
      attr(value, { text: fixed(toChart(chart, state.q), LINES[chart].digits) });
      if (star) {
        star.move(goalAt, top - 14);
        const flip = goalAt > scale.range[1] - 90;
        attr(starName, { x: goalAt + (flip ? -22 : 22), y: top - 14, "text-anchor": flip ? "end" : "start", text: `data mean ȳ = ${fixed(state.mean, 2)}` });
      }
      const stops = METHODS.map(() => []);
      lanes.forEach((row, m) => row.forEach((node, k) => {
        const taken = NAMES[k], end = ends[METHODS[m]][taken], y = node.y;
        const { domain, digits } = LINES[chart];
        const xs = end.pairs.map(pair => ngd.clamp(scale(toLine(chart, taken, end, pair)), edges[0], edges[1]));
        const last = end.pairs.at(-1);
        const value = chart === taken ? end.values.at(-1) : end.inside ? CHARTS[chart].of(...last) : NaN;
        const beyond = !end.inside || value < domain[0] || value > domain[1];
        const up = end.inside ? value > domain[1] : end.values.at(-1) > (CHARTS[taken].low + CHARTS[taken].high) / 2;
        if (beyond) { if (!end.inside) xs.push(0); xs[xs.length - 1] = edges[up ? 1 : 0]; }
        attr(node.way, { d: `M${x.toFixed(2)} ${y}` + xs.slice(1).map(p => `H${p.toFixed(2)}`).join("") });
        attr(node.dots, { d: xs.slice(1, -1).map(p => `M${p.toFixed(2)} ${y}h0`).join("") });
        attr(node.end, { d: beyond ? chevron(edges[up ? 1 : 0], y, up ? 1 : -1, 0, 6) : shape(MARK[taken], xs.at(-1), y, 4), class: beyond ? "ngd-end ngd-open" : "ngd-end" });
        if (!beyond) stops[m].push([xs.at(-1), y]);
        attr(node.number, { text: end.inside && Math.abs(value) < 1e4 ? short(value, digits) : "–" });
        const words = chart === taken ? remark(chart, end, state) : "";
        attr(node.remark, { x: up ? edges[1] - 14 : edges[0] + 14, y, "text-anchor": up ? "end" : "start", text: words });
      }));
      ties.forEach((tie, m) => attr(tie, { d: stops[m].length > 1 ? ngd.line(stops[m]) : null }));
    },
  };
};
const toLine = (chart, taken, end, pair) => CHARTS[chart].of(...pair);

/** The model as a curve: the unit quarter circle (√(1-q), √q). */
const arcPanel = (parent, ui) => {
  const group = svg("g");
  const curve = svg("path", { class: "ngd-curve" }), ticks = svg("path", { class: "ngd-axis-line" });
  const axes = svg("path", { class: "ngd-guide" }), ray = svg("path", { class: "ngd-here" });
  const turn = svg("path", { class: "ngd-here" });
  const words = [
    ["q = 0", 0, "middle"], ["q = 1", 1, "end"], ["√(1−q)", 2, "middle"], ["√q", 3, "start"], ["ω/2", 4, "start"],
  ].map(([text, , anchor]) => svg("text", { class: "ngd-words ngd-quiet", dy: ".35em", "text-anchor": anchor, text }));
  group.append(axes, curve, ticks, ray, turn, ...words);
  const ways = METHODS.map(method => NAMES.map(chart => lane(group, method, chart)));
  const goal = svg("path", { class: "ngd-star" });
  group.append(goal);
  parent.append(group);
  let cx, cy, R;
  const at = (half, r) => [cx + r * Math.cos(half), cy - r * Math.sin(half)];
  const range = Q_RANGE.map(q => toChart("ω", q));
  const handle = ui.handle(group, {
    label: "The coin, on the curve of the model",
    tab: false,
    axes: [],
    place: (x, y) => ui.set({ q: tidy(CHARTS.ω.pair(ngd.clamp(2 * Math.atan2(cy - y, x - cx), ...range))[0]) }),
  });
  return {
    layout(width, y, size) {
      [cx, cy, R] = [width / 2 - size / 2 + 44, y + size - 24, size - 88];
      const arc = r => `M${at(0, r).join(" ")}A${r} ${r} 0 0 0 ${at(Math.PI / 2, r).join(" ")}`;
      attr(curve, { d: arc(R) });
      attr(axes, { d: `M${cx} ${cy - R - 40}V${cy}H${cx + R + 40}` });
      attr(ticks, { d: `M${cx + R} ${cy - 4}v8M${cx - 4} ${cy - R}h8` });
      [[cx + R, cy + 14], [cx - 8, cy - R], [cx + R / 2, cy + 14], [cx + 8, cy - R - 36]].forEach(([x, y], k) => attr(words[k], { x, y }));
    },
    draw(state, ends) {
      const half = toChart("ω", state.q) / 2;
      const [x, y] = at(half, R);
      attr(ray, { d: `M${cx} ${cy}L${at(half, R + 36).join(" ")}` });
      attr(turn, { d: `M${cx + 26} ${cy}A26 26 0 0 0 ${at(half, 26).join(" ")}` });
      const [wx, wy] = at(half / 2, 34);
      attr(words[4], { x: wx, y: wy, text: half > 0.3 ? "ω/2" : "" });
      attr(goal, { d: shape("star", ...at(toChart("ω", state.mean) / 2, R), 6) });
      handle.move(x, y, 90 - (half * 180) / Math.PI);
      ways.forEach((row, m) => row.forEach((node, k) => {
        const end = ends[METHODS[m]][NAMES[k]];
        const r = R + (m ? -1 : 1) * (13 + 9 * (2 - k));
        const halves = end.pairs.map(([q, rest]) => CHARTS.ω.of(q, rest) / 2);
        const up = end.values.at(-1) > (CHARTS[NAMES[k]].low + CHARTS[NAMES[k]].high) / 2;
        if (!end.inside) halves.push(up ? Math.PI / 2 + 0.1 : -0.1);
        let d = `M${at(halves[0], r).map(v => v.toFixed(2)).join(" ")}`;
        halves.slice(1).forEach((h, j) => { d += `A${r} ${r} 0 0 ${h > halves[j] ? 0 : 1} ${at(h, r).map(v => v.toFixed(2)).join(" ")}`; });
        const last = halves.at(-1), turn = last > halves.at(-2) ? 1 : -1;
        attr(node.way, { d });
        attr(node.dots, { d: halves.slice(1, -1).map(h => `M${at(h, r).map(v => v.toFixed(2)).join(" ")}h0`).join("") });
        attr(node.end, { d: end.inside ? shape(MARK[NAMES[k]], ...at(last, r), 3.6) : chevron(...at(last, r), -Math.sin(last) * turn, -Math.cos(last) * turn, 6), class: end.inside ? "ngd-end" : "ngd-end ngd-open" });
      }));
    },
  };
};

const tell = three => {
  const gap = apart(three);
  if (gap === null) return Object.values(three).every(e => !e.inside) ? "are all outside the model" : "are not all in the model";
  return gap < 5e-10 ? "are one" : `are ${gap < 1e-3 ? significant(gap, 2) : fixed(gap, 3)} apart in q`;
};

export default ngd.demo({
  state: { q: Q_RANGE, mean: [0, 1], eta: [0.01, 10], steps: [1, 50, "integer"], mode: ["steps", "flow"] },
  build(ui) {
    const lines = stage("The coin on three number lines", "ngd-lines");
    const panels = NAMES.map(chart => panel(lines, ui, chart));
    const curve = stage("The coin on the curve of the model", "ngd-arc");
    const arc = arcPanel(curve, ui);
    const controls = html("div", { class: "ngd-controls" },
      ui.range({ name: "eta", label: "step size η", log: true }),
      ui.range({ name: "steps", label: "number of steps", text: n => (ui.get("mode") === "flow" ? `${n}, time ${significant(n * ui.get("eta"), 3)}` : String(n)) }),
      ui.choice({ name: "mode", label: "Draw", options: [["steps", "steps"], ["flow", "flow"]] }),
      ui.resetButton());
    const figures = METHODS.map(() => html("dd"));
    const heads = METHODS.map(method => html("dt", { text: `${method}: the three ends` }));
    const summary = html("dl", { class: "ngd-summary" });
    METHODS.forEach((method, m) => summary.append(html("div", { class: CLASS[method] }, heads[m], figures[m])));
    const side = html("div", { class: "ngd-side" }, controls, summary, curve);
    ui.root.classList.add("two-charts");
    ui.root.append(lines, side);
    return {
      layout(width) {
        const wide = width >= 620;
        const left = wide ? width - 262 : width;
        ui.root.classList.toggle("ngd-wide", wide);
        let y = 0;
        for (const p of panels) y += p.layout(left, y, left >= 400) + 18;
        lines.size(left, y - 18);
        const across = wide ? 238 : Math.min(width, 300), size = Math.min(across, 250);
        curve.size(across, size);
        arc.layout(across, 0, size);
      },
      draw(state) {
        const ends = landings(state);
        for (const p of panels) p.draw(state, ends);
        arc.draw(state, ends);
        METHODS.forEach((method, m) => {
          attr(figures[m], { text: tell(ends[method]) });
        });
      },
      say(state) {
        const ends = landings(state);
        const how = state.mode === "flow" ? `Flow for time ${significant(state.eta * state.steps, 3)}` : `${state.steps} step${state.steps > 1 ? "s" : ""} of ${significant(state.eta, 3)}`;
        const told = METHODS.map(method => `${method}: ` + NAMES.map(chart => {
          const end = ends[method][chart];
          return `in ${TITLE[chart]} ${remark(chart, end, state) || `q = ${fixed(end.pairs.at(-1)[0], 3)}`}`;
        }).join(", "));
        return `Coin q = ${fixed(state.q, 3)}, data mean ${fixed(state.mean, 2)}. ${how}. End points, ${told.join("; ")}.`;
      },
    };
  },
});
