// What a page does besides showing text and demos.
(() => {
  const root = document.documentElement, here = document.currentScript.src;

  // Paper is light: a page that is dark is light while it is printed.
  let before = null;
  const print = on => {
    if (on && root.dataset.theme === "dark") [before, root.dataset.theme] = ["dark", "light"];
    else if (!on && before) [root.dataset.theme, before] = [before, null];
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  matchMedia("print").addEventListener("change", e => print(e.matches));

  // The buttons of the theme; and one that has copied keeps the focus, which the copying takes away.
  addEventListener("click", e => {
    const press = e.target.closest?.("[data-ngd-press]")?.dataset.ngdPress;
    if (press === "print") window.print();
    if (press === "full-screen") toggleFullScreen();
    if (press === "run") run(e.target.closest(".ngd-run"));
    // its icon, which was pressed, has been taken out by now
    e.composedPath().find(node => node.matches?.("button.copybtn"))?.focus({ preventScroll: true });
  });

  // The code of a page runs where `make live` serves it. Elsewhere the button says what to do.
  const NO_KERNEL = "There is no Python behind this copy of the book: type <code>make live</code> in the book’s folder to change "
    + "and run its code on the page, <code>make lab</code> to do so in JupyterLab, or <a download>take this notebook along</a>.";
  const run = async bar => {
    const said = bar.querySelector("[role=status]");
    try {
      if (root.dataset.ngdKernels === undefined) {
        said.innerHTML = NO_KERNEL;
        said.querySelector("a").href = location.pathname.replace(/.*\/([\w-]+)\.html$/, "../notebooks/$1.ipynb");
      } else if (!bar.dataset.started) {
        bar.dataset.started = "";
        await (await import(new URL("live.js", here))).start(bar);
      }
    } catch (error) {
      delete bar.dataset.started; // it may be tried again
      said.textContent = error.message;
    }
  };

  // Copied prose has its formulas as TeX: each stands whole in the selection, or not at all.
  const formula = node => (node.nodeType === 1 ? node : node.parentElement)?.closest("mjx-container[data-tex]");
  addEventListener("copy", e => {
    const selection = getSelection();
    if (e.defaultPrevented || !selection.rangeCount || selection.isCollapsed) return;
    if (e.target.matches?.("input, textarea")) return;
    const range = selection.getRangeAt(0).cloneRange();
    const first = formula(range.startContainer), last = formula(range.endContainer);
    if (first) range.setStartBefore(first);
    if (last) range.setEndAfter(last);
    const part = range.cloneContents();
    const made = part.querySelectorAll("mjx-container[data-tex]");
    if (!made.length) return;
    for (const one of made) one.replaceWith(one.dataset.tex);
    for (const gone of part.querySelectorAll("script, style, .headerlink, .copybtn, .ngd-meanings, .ngd-sr")) gone.remove();
    const box = document.createElement("div"); // what is laid out knows where its lines end
    box.className = "ngd-copied";
    box.append(part);
    document.body.append(box);
    e.clipboardData.setData("text/plain", box.innerText);
    e.clipboardData.setData("text/html", box.innerHTML);
    box.remove();
    e.preventDefault();
  });

  // A result of the search shows the place where the words stand, with the formulas of its text once.
  addEventListener("DOMContentLoaded", () => {
    if (typeof Search === "undefined") return;
    const text = Search.htmlToText;
    Search.htmlToText = (page, anchor) => {
      const read = new DOMParser().parseFromString(page, "text/html");
      for (const gone of read.querySelectorAll("script, style, svg, .ngd-meanings, mjx-math, details.ngd-checks")) gone.remove();
      return text(read.documentElement.outerHTML, anchor).replace(/[\u2061-\u2064]/g, "").replace(/\s+/g, " ");
    };
    Search.makeSearchSummary = (page, stems, anchor) => {
      const words = Search.htmlToText(page, anchor), lower = words.toLowerCase();
      const query = new URLSearchParams(location.search).get("q") ?? "";
      // a stem need not stand in the text ("entropi"): what was typed, then as much of the stem as does
      const wanted = [query.trim(), ...query.split(/\s+/), ...stems, ...[...stems].map(stem => stem.slice(0, -1))];
      const at = wanted.map(word => (word.length > 1 ? lower.indexOf(word.toLowerCase()) : -1)).find(place => place >= 0) ?? 0;
      const from = at < 100 ? 0 : lower.indexOf(" ", at - 100) + 1;
      const shown = document.createElement("p");
      shown.className = "context";
      shown.textContent = `${from ? "… " : ""}${words.slice(from, from + 240).trim()} …`;
      return shown;
    };
  });
})();
