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
  q: { domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], text: t => significant(t, 3), digits: 4, step: 0.01 },
  z: { domain: [-7, 7], ticks: [-6, -3, 0, 3, 6], text: t => fixed(t, 0), digits: 2, step: 0.1 },
  ω: { domain: [0, Math.PI], ticks: [0, 1, 2, 3, 4].map(k => (k * Math.PI) / 4), text: t => ["0", "π/4", "π/2", "3π/4", "π"][Math.round((4 * t) / Math.PI)], digits: 3, step: 0.05 },
};
/** What a view shows: only what its question needs, or all there is. */
const VIEWS = {
  descent: { lines: ["q"], methods: ["ordinary"], charts: ["q", "z"], lane: 22, count: "two" },
  methods: { lines: ["q"], methods: METHODS, charts: NAMES, lane: 18, count: "three" },
  all: { lines: NAMES, methods: METHODS, charts: NAMES, lane: 14, count: "three" },
};
const GAP = 7, EDGE = 1e-12;
const Q_RANGE = [0.001, 0.999];
const toChart = (chart, q) => CHARTS[chart].of(q, 1 - q);
const tidy = q => Number(q.toPrecision(5));
const short = (x, digits) => (Math.abs(x) >= 1e4 ? fixed(x, 0) : Math.abs(x) >= 100 ? significant(x, 3) : fixed(x, digits));

/** Whether a descent that ends beyond the drawing went towards q = 1. */
const leavesUpwards = (chart, { values }) => values.at(-1) > (LINES[chart].domain[0] + LINES[chart].domain[1]) / 2;

/** What became of a descent that is no longer in the model: one event, one name, here and in the text. */
const fate = (chart, end) => {
  const value = end.values.at(-1), { low, high } = CHARTS[chart];
  if (chart === "z") return "runs away";
  return Math.min(Math.abs(value - low), Math.abs(value - high)) < EDGE ? "lands on the edge" : "leaves the model";
};

/** What to say of an end point on the line of its own chart, or "" where the drawing says it. */
const remark = (chart, end, state) => {
  const value = end.values.at(-1), { domain } = LINES[chart];
  if (!end.inside) {
    const what = fate(chart, end), far = LINES[chart].text(CHARTS[chart].high);
    return `${what}: ${chart} = ${what === "lands on the edge" ? (value > 0.5 ? far : 0) : short(value, 2)}`;
  }
  if (value >= domain[0] && value <= domain[1]) return "";
  const worse = loss(end.pairs.at(-1), state.mean) > loss(end.pairs[0], state.mean);
  return `${worse ? "runs away" : "off this line"}: ${chart} = ${short(value, 2)}`;
};

/** The drawing of one method's three descents: few nodes, each with the marks of one kind. */
const tracks = (parent, method) => {
  const nodes = {
    tie: svg("path", { class: "ngd-tie" }),
    way: svg("path", { class: "ngd-way" }),
    own: svg("path", { class: "ngd-way ngd-own" }),
    dots: svg("path", { class: "ngd-dots" }),
    ends: svg("path", { class: "ngd-end" }),
    open: svg("path", { class: "ngd-end ngd-open" }),
  };
  const group = svg("g", { class: CLASS[method] }, ...Object.values(nodes));
  parent.append(group);
  return {
    group,
    write(given) {
      for (const name in nodes) attr(nodes[name], { d: given[name]?.join("") || null });
    },
  };
};
const px = x => x.toFixed(2);
/** How far a path went from its start, to either side: one line each, however often it came and went. */
const reach = places => [Math.max(...places), Math.min(...places)].filter(p => p !== places[0]);
/** The places between start and end that show as dots of their own: at least 5 px from one to the next. */
const apartBy5 = (places, scale = 1) => {
  const kept = [], end = places.at(-1);
  let last = places[0];
  for (const p of places.slice(1, -1)) {
    if (Math.abs(p - last) * scale < 5 || Math.abs(p - end) * scale < 6) continue;
    kept.push(p);
    last = p;
  }
  return kept;
};

/**
 * A number line with its six lanes. The lines share the paths that are drawn anew in every frame:
 * `mark` adds to them. `under` and `over` are the groups below and above those paths.
 */
const panel = (below, above, ui, chart) => {
  const under = svg("g"), over = svg("g");
  below.append(under);
  above.append(over);
  const { domain, ticks, text, digits, step } = LINES[chart];
  const label = (className = "", anchor = "start") => svg("text", { class: `ngd-words ${className}`, dy: ".35em", "text-anchor": anchor });
  const guides = svg("path", { class: "ngd-guide" }), goal = svg("path", { class: "ngd-goal" });
  under.append(guides, goal);
  const sets = METHODS.map(method => {
    const names = NAMES.map(taken => label(`ngd-bare ${taken === chart ? "ngd-strong" : ""}`));
    const numbers = NAMES.map(taken => label(`ngd-bare ngd-number ${taken === chart ? "ngd-strong" : ""}`, "end"));
    const said = label("ngd-remark ngd-strong");
    const group = svg("g", { class: CLASS[method] }, ...names, ...numbers, said);
    over.append(group);
    return { group, names, numbers, said };
  });
  const foot = axis(over);
  const title = label("ngd-bare ngd-strong"), value = label("ngd-bare ngd-strong", "end");
  const goalMark = svg("path", { class: "ngd-star" });
  over.append(title, value, goalMark);
  const legend = METHODS.map(method => svg("g", { class: CLASS[method] }, svg("path", { class: "ngd-way" }), attr(label("", "end"), { text: method })));
  const starName = label();
  const first = chart === NAMES[0];
  if (first) over.append(starName, ...legend);

  let scale, top, floor, edges, view = VIEWS.all, shown = true;
  const range = Q_RANGE.map(q => toChart(chart, q));
  const setFrom = v => ui.set({ q: tidy(CHARTS[chart].pair(v)[0]) });
  const handle = ui.handle(over, {
    label: `The coin, by its ${TITLE[chart]}`,
    axes: [{ min: range[0], max: range[1], step, get: () => toChart(chart, ui.get("q")), set: setFrom, text: v => `${chart} = ${fixed(v, digits)}` }],
    place: x => setFrom(ngd.clamp(scale.invert(x), ...range)),
  });
  const star = first && ui.handle(over, {
    label: "Mean of the data", shape: "star", size: 8,
    axes: [{ min: 0, max: 1, step: 0.01, get: () => ui.get("mean"), set: mean => ui.set({ mean: tidy(mean) }), text: v => `mean = ${fixed(v, 2)}` }],
    place: x => ui.set({ mean: Number(ngd.clamp(scale.invert(x), 0, 1).toFixed(3)) }),
  });
  const laneAt = (m, k) => top + view.methods.indexOf(METHODS[m]) * (view.charts.length * view.lane + GAP) + (view.charts.indexOf(NAMES[k]) + 0.5) * view.lane;
  const inView = (m, k) => view.methods.includes(METHODS[m]) && view.charts.includes(NAMES[k]);
  const rows = METHODS.flatMap((_, m) => NAMES.map((_, k) => [m, k]));
  /** The coordinate on this line of an end point reached in a chart; NaN where it has none. */
  const place = (taken, end) => (taken === chart ? end.values.at(-1) : end.inside ? CHARTS[chart].of(...end.pairs.at(-1)) : NaN);

  return {
    /** Places the panel below y; returns its height. */
    layout(width, y, wide, now) {
      view = now;
      shown = view.lines.includes(chart);
      for (const group of [under, over]) attr(group, { display: shown ? null : "none" });
      if (!shown) return 0;
      const single = view.methods.length === 1;
      const left = wide ? (single ? 64 : 104) : 40, right = width - 50;
      edges = [left, right - 8];
      scale = linear(domain, [left + 12, right - 22]);
      top = y + (wide ? 0 : 20) + (first ? 26 : 0);
      floor = top + view.methods.length * (view.charts.length * view.lane + GAP) - GAP + 10;
      attr(guides, { d: rows.filter(row => inView(...row)).map(row => `M${left} ${laneAt(...row)}H${right}`).join("") });
      sets.forEach(({ group, names, numbers, said }, m) => {
        attr(group, { display: view.methods.includes(METHODS[m]) ? null : "none" });
        NAMES.forEach((taken, k) => {
          const y = laneAt(m, k), own = inView(m, k);
          attr(names[k], { x: wide ? left - 8 : 0, y, "text-anchor": wide ? "end" : "start",
            text: !own ? "" : wide && k === 0 && !single ? `${METHODS[m]}, in ${taken}` : `in ${taken}` });
          attr(numbers[k], own ? { x: width, y } : { x: width, y, text: "" });
          if (taken === chart) attr(said, { y });
        });
      });
      foot.update({ scale, at: floor, ticks, text });
      attr(title, { x: wide ? left - 8 : 0, y: wide ? floor : y + 8, "text-anchor": wide ? "end" : "start", text: single && wide ? chart : `${TITLE[chart]} ${chart}` });
      attr(value, { x: width, y: floor });
      legend.forEach((node, m) => {
        const end = m ? width : width - 90;
        attr(node, { display: wide || single ? "none" : null });
        attr(node.firstChild, { d: `M${end - 78} ${y + 8}h22` });
        attr(node.lastChild, { x: end, y: y + 8 });
      });
      return floor + 24 - y;
    },
    upright: state => (shown ? `M${px(scale(toChart(chart, state.q)))} ${top}V${floor}` : ""),
    /** Moves the coin and the mean. */
    follow(state) {
      if (!shown) return;
      const x = scale(toChart(chart, state.q)), goalAt = scale(ngd.clamp(toChart(chart, state.mean), ...domain));
      attr(goal, { d: `M${px(goalAt)} ${first ? top - 10 : top}V${floor}` });
      handle.move(x, floor);
      if (first) {
        star.move(goalAt, top - 14);
        const flip = goalAt > scale.range[1] - 90;
        attr(starName, { transform: `translate(${px(goalAt + (flip ? -22 : 22))} ${top - 14})`, "text-anchor": flip ? "end" : "start", text: `data mean ȳ = ${fixed(state.mean, 2)}` });
      } else attr(goalMark, { d: shape("star", goalAt, floor, 5) });
    },
    /** Adds its marks to those of all lines. */
    mark(state, ends, marks) {
      if (!shown) return;
      METHODS.forEach((method, m) => {
        const stops = [];
        attr(sets[m].said, { text: "" });
        if (ends) NAMES.forEach((taken, k) => {
          if (!inView(m, k)) return;
          const end = ends[method][taken], y = laneAt(m, k), own = taken === chart;
          const found = place(taken, end);
          const beyond = !end.inside || found < domain[0] || found > domain[1];
          const up = beyond && leavesUpwards(taken, end);
          const xs = end.pairs.map(pair => ngd.clamp(scale(CHARTS[chart].of(...pair)), ...edges));
          if (!end.inside) xs.push(0);
          if (beyond) xs[xs.length - 1] = edges[+up];
          marks[m][own ? "own" : "way"].push(...reach(xs).map(p => `M${px(xs[0])} ${y}H${px(p)}`));
          marks[m].dots.push(...apartBy5(xs).map(p => `M${px(p)} ${y}h0`));
          if (beyond) marks[m].open.push(chevron(edges[+up], y, up ? 1 : -1, 0));
          else {
            marks[m].ends.push(shape(MARK[taken], xs.at(-1), y, 4));
            stops.push([xs.at(-1), y]);
          }
          if (own) attr(sets[m].said, { x: up ? edges[1] - 14 : edges[0] + 14, "text-anchor": up ? "end" : "start", text: remark(chart, end, state) });
        });
        if (stops.length > 1) marks[m].tie.push(ngd.line(stops));
      });
    },
    numbers(state, ends) {
      attr(value, { text: fixed(toChart(chart, state.q), digits) });
      rows.filter(row => shown && inView(...row)).forEach(([m, k]) => {
        const taken = NAMES[k], end = ends?.[METHODS[m]][taken], found = end && place(taken, end);
        attr(sets[m].numbers[k], { text: !end ? "" : end.inside && Math.abs(found) < 1e4 ? short(found, digits) : "–" });
      });
    },
  };
};

/** The model as a curve: the unit quarter circle (√(1-q), √q). */
const arcPanel = (parent, ui) => {
  const group = svg("g");
  const curve = svg("path", { class: "ngd-curve" }), ticks = svg("path", { class: "ngd-axis-line" });
  const axes = svg("path", { class: "ngd-guide" }), ray = svg("path", { class: "ngd-here" });
  const words = [["q = 0", "middle"], ["q = 1", "end"], ["√(1−q)", "middle"], ["√q", "start"], ["ω/2", "start"]].map(([text, anchor]) =>
    svg("text", { class: "ngd-words ngd-quiet", dy: ".35em", "text-anchor": anchor, text }));
  group.append(axes, curve, ticks, ray, ...words);
  const sets = METHODS.map(method => tracks(group, method));
  const goal = svg("path", { class: "ngd-star" });
  group.append(goal);
  parent.append(group);
  let cx, cy, R;
  const at = (half, r) => [cx + r * Math.cos(half), cy - r * Math.sin(half)];
  const to = (half, r) => at(half, r).map(px).join(" ");
  const arc = (from, half, r) => `A${r} ${r} 0 0 ${half > from ? 0 : 1} ${to(half, r)}`;
  const range = Q_RANGE.map(q => toChart("ω", q));
  const handle = ui.handle(group, {
    label: "The coin, on the curve of the model",
    tab: false, // the line of the angle is the same for the keyboard
    axes: [],
    place: (x, y) => ui.set({ q: tidy(CHARTS.ω.pair(ngd.clamp(2 * Math.atan2(cy - y, x - cx), ...range))[0]) }),
  });
  return {
    layout(width, size) {
      [cx, cy, R] = [width / 2 - size / 2 + 44, size - 24, size - 88];
      attr(curve, { d: `M${to(0, R)}${arc(0, Math.PI / 2, R)}` });
      attr(axes, { d: `M${cx} ${cy - R - 40}V${cy}H${cx + R + 40}` });
      attr(ticks, { d: `M${cx + R} ${cy - 4}v8M${cx - 4} ${cy - R}h8` });
      [[cx + R, cy + 14], [cx - 8, cy - R], [cx + R / 2, cy + 14], [cx + 8, cy - R - 36]].forEach(([x, y], k) => attr(words[k], { x, y }));
    },
    follow(state) {
      const half = toChart("ω", state.q) / 2;
      attr(ray, { d: `M${cx} ${cy}L${to(half, R + 36)}M${cx + 26} ${cy}${arc(0, half, 26)}` });
      const [x, y] = at(half / 2, 34);
      attr(words[4], { transform: `translate(${px(x)} ${px(y)})`, text: half > 0.3 ? "ω/2" : "" });
      attr(goal, { d: shape("star", ...at(toChart("ω", state.mean) / 2, R), 6) });
      handle.move(...at(half, R), 90 - (half * 180) / Math.PI);
    },
    mark(ends) {
      sets.forEach((set, m) => {
        const marks = { way: [], dots: [], ends: [], open: [] };
        if (ends) NAMES.forEach((chart, k) => {
          const end = ends[METHODS[m]][chart], r = R + (m ? -1 : 1) * (13 + 9 * (2 - k));
          const halves = end.pairs.map(pair => CHARTS.ω.of(...pair) / 2);
          if (!end.inside) halves.push(leavesUpwards(chart, end) ? Math.PI / 2 + 0.1 : -0.1);
          marks.way.push(...reach(halves).map(h => `M${to(halves[0], r)}${arc(halves[0], h, r)}`));
          marks.dots.push(...apartBy5(halves, r).map(h => `M${to(h, r)}h0`));
          const last = halves.at(-1), turn = last > halves.at(-2) ? 1 : -1;
          if (end.inside) marks.ends.push(shape(MARK[chart], ...at(last, r), 3.6));
          else marks.open.push(chevron(...at(last, r), -Math.sin(last) * turn, -Math.cos(last) * turn));
        });
        set.write(marks);
      });
    },
  };
};

/** How far apart in q the ends are or, where some are no longer in the model, which. */
const PAST = { "lands on the edge": "on the edge", "leaves the model": "left the model", "runs away": "ran away" };
const tell = three => {
  const gone = Object.entries(three).filter(([, end]) => !end.inside);
  if (gone.length)
    return Object.entries(PAST).map(([what, past]) => [gone.filter(([chart, end]) => fate(chart, end) === what).map(([chart]) => chart).join(", "), past])
      .filter(([charts]) => charts).map(([charts, past]) => `${charts} ${past}`).join("; ");
  const gap = apart(three);
  return gap < 5e-10 ? "are one" : `are ${gap < 1e-3 ? significant(gap, 2) : fixed(gap, 3)} apart in q`;
};
const only = (three, charts) => Object.fromEntries(charts.map(chart => [chart, three[chart]]));

export default ngd.demo({
  state: { q: Q_RANGE, mean: [0, 1], eta: [0.01, 10], steps: [1, 1000, "integer"], mode: ["steps", "flow"], view: ["descent", "methods", "all"], answer: ["shown", "hidden"] },
  build(ui) {
    const lines = stage("The coin on three number lines", "ngd-lines");
    const under = svg("g"), over = svg("g"), here = svg("path", { class: "ngd-here" });
    lines.append(under, here);
    const sets = METHODS.map(method => tracks(lines, method));
    lines.append(over);
    const panels = NAMES.map(chart => panel(under, over, ui, chart));
    const curve = stage("The coin on the curve of the model", "ngd-arc");
    const arc = arcPanel(curve, ui);
    const small = ui.get("view"); // what "show less" goes back to
    const begun = ["q", "mean", "eta", "steps", "mode"].map(name => [name, ui.get(name)]);
    const switchView = () => (ui.get("view") === "all" ? ui.set({ view: small, mode: begun.at(-1)[1] }) : ui.set({ view: "all" }));
    const reveal = ui.button({ text: "Show where the step ends", press: () => ui.set({ answer: "shown" }) });
    const mode = ui.choice({ name: "mode", label: "Draw", options: [["steps", "steps"], ["flow", "flow"]] });
    const buttons = html("div", { class: "ngd-buttons" }, ui.resetButton(),
      ...(small === "all" ? [] : [ui.button({ text: () => (ui.get("view") === "all" ? "Show less" : "Show all"), press: switchView })]));
    const time = html("output", { class: "ngd-quietly" });
    const controls = html("div", { class: "ngd-controls" },
      ui.range({ name: "eta", label: "step size η", log: true, typed: true }),
      ui.range({ name: "steps", label: "number of steps", log: true, typed: true, text: String }),
      time, mode, buttons);
    const told = METHODS.map(() => html("strong")), names = METHODS.map(() => html("span"));
    const blocks = METHODS.map((method, m) => html("div", { class: CLASS[method] }, names[m], told[m]));
    const summary = html("div", { class: "ngd-summary" }, ...blocks);
    const side = html("div", { class: "ngd-side" }, reveal, summary, controls, curve);
    ui.root.classList.add("two-charts");
    ui.root.append(lines, side);
    let ends, width, view;
    const layout = () => {
      view = VIEWS[ui.get("view")];
      const wide = width >= 620;
      const left = wide ? width - 262 : width;
      ui.root.classList.toggle("ngd-wide", wide);
      let y = 0;
      for (const p of panels) {
        const height = p.layout(left, y, left >= 400, view);
        if (height) y += height + 18;
      }
      lines.size(left, y - 18);
      const across = wide ? 238 : Math.min(width, 300), size = Math.min(across, 216);
      curve.size(across, size);
      arc.layout(across, size);
      const all = view === VIEWS.all;
      for (const node of [curve, mode, time]) attr(node, { style: all ? null : "display: none" });
      METHODS.forEach((method, m) => {
        attr(blocks[m], { style: view.methods.includes(method) ? null : "display: none" });
        attr(names[m], { text: `${method}: the ${view.count} ends` });
      });
    };
    return {
      layout(now) {
        width = now;
        layout();
      },
      draw: [
        state => {
          if (view !== VIEWS[state.view]) layout();
          // the guess is over with the first change, whoever makes it
          const hidden = state.answer === "hidden" && begun.every(([name, value]) => state[name] === value);
          if (state.answer === "hidden" && !hidden) ui.set({ answer: "shown" });
          attr(reveal, { style: hidden ? null : "display: none" });
          attr(summary, { style: hidden ? "display: none" : null });
          attr(time, { text: state.mode === "flow" ? `time ${significant(state.steps * state.eta, 3)}` : "" });
          ends = hidden ? null : landings(state);
          for (const p of panels) p.follow(state);
          attr(here, { d: panels.map(p => p.upright(state)).join("") });
          arc.follow(state);
        },
        state => {
          const marks = METHODS.map(() => ({ tie: [], way: [], own: [], dots: [], ends: [], open: [] }));
          for (const p of panels) p.mark(state, ends, marks);
          sets.forEach((set, m) => set.write(marks[m]));
        },
        () => {
          arc.mark(ends);
          METHODS.forEach((method, m) => attr(told[m], { text: ends ? tell(only(ends[method], view.charts)) : "" }));
        },
        state => panels.forEach(p => p.numbers(state, ends)),
      ],
      say(state) {
        if (!ends) return `Coin q = ${fixed(state.q, 3)}, data mean ${fixed(state.mean, 2)}. The step is not shown yet.`;
        const how = state.mode === "flow" ? `Flow for time ${significant(state.eta * state.steps, 3)}` : `${state.steps} step${state.steps > 1 ? "s" : ""} of ${significant(state.eta, 3)}`;
        const parts = view.methods.map(method => `${method}: ` + view.charts.map(chart => {
          const end = ends[method][chart];
          return `in ${TITLE[chart]} ${remark(chart, end, state) || `q = ${fixed(end.pairs.at(-1)[0], 3)}`}`;
        }).join(", "));
        return `Coin q = ${fixed(state.q, 3)}, data mean ${fixed(state.mean, 2)}. ${how}. End points, ${parts.join("; ")}.`;
      },
    };
  },
});
