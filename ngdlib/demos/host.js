// ngdTypeset(element) typesets the formulas \( \) and \[ \] in an element that a script has made;
// a promise that is kept when they stand. The page's own are typeset when the book is made, so
// MathJax is loaded with the first call; without an element that is all that a call does.
{
  const here = document.currentScript.src;
  let loaded;
  const load = async () => {
    if (document.readyState !== "complete") await new Promise(done => addEventListener("load", done, { once: true }));
    // formulas.css gives its formulas their size too
    window.MathJax = { options: { enableMenu: false }, chtml: { matchFontHeight: false }, startup: { typeset: false } };
    const script = Object.assign(document.createElement("script"), { src: new URL("vendor/mathjax/tex-chtml.js", here) });
    await new Promise((done, fail) => {
      Object.assign(script, { onload: done, onerror: fail });
      document.head.append(script);
    });
    await MathJax.startup.promise;
  };
  window.ngdTypeset = async element => {
    await (loaded ??= load());
    if (element) await MathJax.typesetPromise([element]);
  };
}

// The faces of headings and demos are asked for before the style sheet names them, where the browser
// allows it. ngdFaces() is a promise of [family, weight, base64] for moving.js, whose worker has none of
// the page's faces and cannot read a file beside a page that is a file itself.
{
  const here = document.currentScript.src;
  if (/^http/.test(location.protocol) && here)
    for (const face of ["source-serif-4-latin-400-normal", "inter-regular", "inter-semibold"])
      document.head.append(Object.assign(document.createElement("link"), {
        rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href: new URL(`vendor/faces/${face}.woff2`, here) }));
  let given;
  const read = () => new Promise((done, fail) => document.head.append(Object.assign(document.createElement("script"),
    { src: new URL("faces.js", here), onload: () => done(window.ngdFaceBytes), onerror: fail })));
  const shown = () => [...document.fonts].some(face => /Inter/.test(face.family) && face.status === "loaded");
  window.ngdFaces = () => (given ??= here && shown() ? read() : Promise.resolve([]));
}

// Starts demos on a page that has no kernel and no widget manager. A classic script for the page's
// head: each demo's html calls ngdHost.start(figure) as soon as it is parsed, before the page ends.
// figure.dataset.ready holds the milliseconds since navigation at which the demo could be used.
window.ngdHost = (() => {
  // Our modules import nothing and export at the start of a line, so they can run at once, before
  // the page is first painted; `import` would wait for a tenth of a second behind the parser. What
  // is written otherwise is imported.
  const evaluate = text => {
    const body = text.replace(/^export const (\w+) =/gm, "const $1 = exports.$1 =").replace(/^export default /m, "exports.default = ");
    if (!/^(import|export)\b/m.test(body)) return new Function("exports", `"use strict";\n${body}\nreturn exports;`)({});
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    return import(url).finally(() => URL.revokeObjectURL(url));
  };
  const modules = new Map(); // module text -> the module or a promise of it: two demos of a kind load once
  const load = text => {
    if (!modules.has(text)) modules.set(text, evaluate(text));
    return modules.get(text);
  };

  // What an anywidget module expects of its model, on a plain object.
  const modelOf = (state, page) => {
    const listeners = new Map();
    const emit = (event, value) => [...(listeners.get(event) ?? [])].forEach(f => f(value));
    return {
      page,
      get: key => state[key],
      set(key, value) {
        if (state[key] === value) return;
        state[key] = value;
        emit("change:" + key, value);
        emit("change");
      },
      save_changes() {},
      send() {},
      on(events, f) {
        for (const event of events.split(/\s+/)) listeners.set(event, [...(listeners.get(event) ?? []), f]);
      },
      off(events, f) {
        if (events == null) return listeners.clear();
        for (const event of events.split(/\s+/))
          listeners.set(event, f ? (listeners.get(event) ?? []).filter(g => g !== f) : []);
      },
    };
  };

  const start = async figure => {
    if (figure.dataset.started !== undefined) return;
    figure.dataset.started = "";
    try {
      const { state } = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
      const loaded = load(figure.querySelector("script.ngd-module").textContent);
      const module = loaded instanceof Promise ? await loaded : loaded;
      const view = typeof module.default === "function" ? await module.default() : module.default;
      const model = modelOf(state, { name: figure.id });
      const el = document.createElement("div");
      el.className = "ngd-live";
      if (view.initialize) await view.initialize({ model });
      figure.dataset.live = ""; // from here on the styles hide the still
      figure.prepend(el);
      const rendered = view.render({ model, el });
      if (rendered instanceof Promise) await rendered;
      figure.ngd = { model, module }; // for scripts of the page that set or observe the demo
      figure.dataset.ready = performance.now().toFixed(1);
    } catch (error) {
      delete figure.dataset.live; // the still remains, and says what it shows
      console.error(error);
    }
  };

  // A page that was put together without inline scripts gets its demos a little later.
  addEventListener("DOMContentLoaded", () => document.querySelectorAll("figure[data-demo]").forEach(start));
  // A wide figure, table or formula scrolls in its box on a narrow screen: then the keyboard must reach the box.
  const formulas = ".bd-article span.math, .bd-article div.math > mjx-container";
  const kind = box => box.matches(formulas) ? "Formula" : box.querySelector("svg") ? "Figure" : "Table";
  // Until its font has come, a formula's letters stick out of their boxes, which have their widths all along.
  const inner = box => box.matches(`${formulas}, .ngd-part`) ? box.querySelector("mjx-math")?.getBoundingClientRect().width ?? 0 : box.scrollWidth;
  // A formula that is a little too wide for its column is written a little smaller, one that is much wider scrolls.
  // All are written, then all are measured: what is written between two measurements lays out the page anew.
  const sized = box => (box.matches("mjx-container") ? box.parentElement : box).style;
  const fit = boxes => {
    for (const box of boxes) sized(box).fontSize = "";
    const shares = boxes.map(box => box.clientWidth / inner(box));
    boxes.forEach((box, k) => {
      if (shares[k] > 0.65 && shares[k] < 0.995) sized(box).fontSize = `${Math.floor(100 * shares[k])}%`;
    });
  };
  // So is a table on a phone, as long as it can be read.
  const phone = matchMedia("(max-width: 620px)");
  const fitTable = box => {
    const table = box.querySelector("table");
    table.style.fontSize = "";
    let size = parseFloat(getComputedStyle(table).fontSize);
    while (phone.matches && table.scrollWidth > box.clientWidth + 1 && size > 10.5) table.style.fontSize = `${(size -= 0.5)}px`;
  };
  const reach = boxes => {
    boxes.filter(box => box.matches(".pst-scrollable-table-container")).forEach(fitTable);
    fit(boxes.filter(box => box.matches(`${formulas}, .ngd-part`)));
    const scrolls = boxes.filter(box => !box.matches(".ngd-part")); // a part's card scrolls
    const wide = scrolls.map(box => inner(box) > box.clientWidth + 3);
    scrolls.forEach((box, k) => {
      const given = { tabindex: "0", role: "group", "aria-label": wide[k] && `${kind(box)}, scrolls sideways` };
      for (const name in given) wide[k] ? box.setAttribute(name, given[name]) : box.removeAttribute(name);
    });
  };
  const reachable = new ResizeObserver(boxes => reach(boxes.map(({ target }) => target)));
  addEventListener("DOMContentLoaded", () => {
    const others = document.querySelectorAll(".ngd-scroll, .pst-scrollable-table-container");
    for (const box of [...others, ...document.querySelectorAll(`${formulas}, .ngd-part`)]) reachable.observe(box);
    document.fonts?.addEventListener("loadingdone", () => reach([...others])); // a table is wider then, its box is not
  });
  // When all of it has its size, the styles may leave out what is off the screen.
  addEventListener("load", () => setTimeout(() => (document.documentElement.dataset.ngdSettled = ""), 1000));
  return { start };
})();
