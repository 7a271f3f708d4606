// Runs before anything else on a page. Where the reader's browser keeps no data for the site, asking for
// its store is an error that would end each script that asks: then a page remembers for itself, while it
// is open, and nothing outlives it.
for (const name of ["localStorage", "sessionStorage"]) {
  try {
    window[name].getItem("");
  } catch {
    const kept = new Map();
    const store = {
      get length() { return kept.size; },
      key: n => [...kept.keys()][n] ?? null,
      getItem: key => kept.get(String(key)) ?? null,
      setItem: (key, value) => void kept.set(String(key), String(value)),
      removeItem: key => void kept.delete(String(key)),
      clear: () => kept.clear(),
    };
    Object.defineProperty(window, name, { value: store, configurable: true });
  }
}

// Questions that ask for code count in the table once they are worked, in a page that `make live`
// serves. exercises.js, which is deferred, reads what is written here.
document.addEventListener("readystatechange", () => {
  let items;
  try {
    ({ items } = JSON.parse(localStorage.getItem("ngd-exercises-1")));
  } catch {
    return; // nothing is kept, or it is not for this script to mend
  }
  for (const row of document.querySelectorAll("[data-code]")) {
    const worked = Object.entries(JSON.parse(row.dataset.code)).filter(([key]) => items?.[key]?.best > 0);
    row.dataset.counts = JSON.stringify({ ...JSON.parse(row.dataset.counts), ...Object.fromEntries(worked) });
  }
}, { once: true });
