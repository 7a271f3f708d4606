// Lays all chapters out as one document, in a Chromium that book/paper.py drives: `gather` is
// given the pages in their order and leaves the whole book in document.body, ready to print.

const FALLEN_AWAY = [
  "script", "template", "button", ".headerlink", ".ngd-checks", ".ngd-code", ".ngd-narrow",
  ".ngd-help", ".ngd-tools", ".ngd-hint", ".ngd-meanings", ".ngd-sliders",
  ".prev-next-footer", ".tag_remove-cell", ".ngd-elsewhere", "input", "dialog",
  "mjx-assistive-mml", // a PDF has no place for it, and it takes a third of the time
].join(",");

/** pages: [{url, name, title, part}]. Resolves to what does not fit, as strings, [] is good; and to
 *  the places whose pages are named, in the order of the rooms for these numbers. */
async function gather(pages, front) {
  const parts = await Promise.all(pages.map(take));
  document.title = front.title;
  for (const style of new Set(parts.flatMap((part) => part.styles)))
    document.head.append(element("style", {}, style));
  // before the chapters: each face that came later would lay the whole book out again
  await Promise.all([...document.fonts].map((face) => face.load().catch(() => null)));
  const names = new Set(pages.map((page) => page.name));
  document.body.replaceChildren(cover(front), contents(pages, parts));
  const solutions = element("section", { id: "solutions", class: "paper-chapter" });
  solutions.append(element("h1", {}, "Worked solutions"));
  for (const [k, page] of pages.entries()) {
    const section = element("section", { id: `${page.name}--top`, class: "paper-chapter" });
    section.style.setProperty("page", `chapter-${k}`);
    section.append(parts[k].article);
    for (const link of section.querySelectorAll("a[href]")) point(link, page, names);
    setApart(section, page, solutions);
    document.body.append(section);
  }
  solutions.style.setProperty("page", `chapter-${pages.length}`);
  document.body.append(solutions);
  lead();
  await document.fonts.ready;
  return [fit(), [...document.querySelectorAll("[data-at]")].map((room) => room.dataset.at)];
}

/** The article of one page, with the name of the page before each of its ids. */
async function take(page) {
  const answer = await fetch(page.url);
  if (!answer.ok) throw new Error(`${page.url}: ${answer.status}`);
  const loaded = new DOMParser().parseFromString(await answer.text(), "text/html");
  const styles = [...loaded.querySelectorAll("style")].filter((s) => !s.closest("svg, noscript"));
  const article = document.adoptNode(loaded.querySelector("article.bd-article"));
  const kept = () => article.querySelectorAll(".ngd-right, .ngd-prompt, .ngd-figure, .ngd-still").length;
  const before = kept();
  for (const gone of article.querySelectorAll(FALLEN_AWAY)) gone.remove();
  for (const style of article.querySelectorAll("style")) if (!style.closest("svg")) style.remove();
  for (const how of article.querySelectorAll(".ngd-derivation details")) how.remove();
  for (const folded of article.querySelectorAll("details")) unfold(folded);
  for (const cell of article.querySelectorAll("div.cell")) if (!cell.textContent.trim() && !cell.querySelector("svg, img")) cell.remove();
  for (const hidden of article.querySelectorAll("[hidden]")) hidden.remove();
  if (kept() !== before) throw new Error(`${page.url}: ${before - kept()} lines, questions or figures fell away`);
  const prefix = (id) => `${page.name}--${id}`;
  const known = new Set([...article.querySelectorAll("[id]")].map((at) => at.id));
  for (const at of article.querySelectorAll("*")) {
    for (const { name, value } of [...at.attributes]) {
      if (name === "id") at.id = prefix(value);
      else if (["for", "aria-labelledby", "aria-describedby", "aria-controls"].includes(name))
        at.setAttribute(name, value.split(/\s+/).map(prefix).join(" "));
      else if (/href$/.test(name) && value.startsWith("#") && known.has(value.slice(1)))
        at.setAttribute(name, `#${prefix(value.slice(1))}`);
      else if (value.includes("url(#")) at.setAttribute(name, value.replace(/url\(#/g, `url(#${page.name}--`));
    }
  }
  return { article, styles: styles.map((style) => style.textContent), title: page.title };
}

function unfold(details) {
  const open = element("div", { class: details.className, id: details.id || null });
  const summary = details.querySelector(":scope > summary");
  if (summary) {
    const label = element("p", { class: "paper-label" });
    label.append(...summary.childNodes);
    summary.replaceWith(label);
  }
  open.append(...details.childNodes);
  details.replaceWith(open);
}

/** Links between pages become links inside the document; a place that fell away, its chapter. */
function point(link, page, names) {
  const target = new URL(link.getAttribute("href"), new URL(page.url, location.href));
  const name = target.pathname.split("/").pop().replace(/\.html$/, "");
  if (link.getAttribute("href").startsWith(`#${page.name}--`)) return;
  if (target.origin !== location.origin) return;
  if (!names.has(name)) return link.replaceWith(...link.childNodes);
  link.setAttribute("href", `#${name}--${target.hash ? decodeURIComponent(target.hash.slice(1)) : "top"}`);
}

/** Questions keep room to write; their worked solutions go to the end of the book. */
function setApart(section, page, solutions) {
  const items = [...section.querySelectorAll(".ngd-item")];
  if (!items.length) return;
  solutions.append(element("h2", {}, page.title));
  for (const item of items) {
    const solution = item.querySelector(".ngd-solution");
    const title = item.querySelector("h3, h4").cloneNode(true);
    title.querySelector(".ngd-worth")?.remove();
    const choice = item.querySelector(".ngd-options, .ngd-lines");
    item.append(element("div", { class: choice ? "paper-room paper-short" : "paper-room" }));
    if (!solution) continue;
    solution.querySelector(".paper-label")?.remove();
    solution.id = `solution-${item.id}`;
    const back = element("a", { href: `#${item.id}` });
    back.append(...title.childNodes);
    const there = element("a", { href: `#${solution.id}`, class: "paper-there" }, "worked solution");
    item.append(there);
    const heading = element("h3", {});
    heading.append(back);
    solution.prepend(heading);
    solutions.append(solution);
  }
}

function cover(front) {
  const made = element("header", { class: "paper-cover" });
  made.append(element("p", { class: "paper-title", role: "heading", "aria-level": "1" }, front.title), element("p", { class: "paper-about" }, front.about));
  made.append(element("p", { class: "paper-small" }, front.small));
  made.append(element("p", { class: "paper-number", "aria-hidden": "true" }, "0123456789")); // how each is drawn
  return made;
}

function contents(pages) {
  const made = element("section", { class: "paper-contents" });
  made.append(element("p", { class: "paper-heading" }, "Contents"));
  let part = null;
  for (const page of [...pages, { name: "solutions", title: "Worked solutions", part: null, at: "solutions" }]) {
    if (page.part && page.part !== part) made.append(element("h2", {}, page.part));
    part = page.part;
    const at = page.at || `${page.name}--top`;
    const row = element("p", {});
    row.append(element("a", { href: `#${at}` }, page.title), element("span", { class: "paper-dots" }), element("span", { class: "paper-number", "data-at": at }));
    made.append(row);
  }
  return made;
}

/** Each link leads to a place of the book: where that fell away, to its chapter. After a link there is room for
 *  the page, but for terms and sources: they stand in the order of the alphabet and of their numbers. A room
 *  holds its own number until the pages are known: paper.py finds it by its colour. */
function lead() {
  const ids = new Set([...document.querySelectorAll("[id]")].map((at) => at.id));
  for (const link of document.querySelectorAll("a[href^='#']")) {
    let at = link.getAttribute("href").slice(1);
    if (!ids.has(at)) link.setAttribute("href", `#${(at = `${at.split("--")[0]}--top`)}`);
    if (link.closest(".ngd-term, .bibtex-citation, .paper-contents")) continue;
    const page = element("span", { class: "paper-at" }, "(p.");
    page.append(element("span", { class: "paper-number", "data-at": at }), ")");
    link.after(" ", page);
  }
  for (const [k, room] of document.querySelectorAll("[data-at]").entries()) room.textContent = String(k % 1000).padStart(3, "0");
}

/** Formulas and code wider than the column are set smaller; what still sticks out is reported. */
function fit() {
  const column = document.querySelector(".paper-chapter").getBoundingClientRect();
  const lines = (at) => at.clientHeight / parseFloat(getComputedStyle(at).lineHeight);
  const few = [...document.querySelectorAll(".paper-chapter :is(p, li)")].filter((at) => lines(at) < 3.7);
  for (const at of few) at.classList.add("paper-whole");
  for (const code of document.querySelectorAll("pre")) {
    code.classList.add("paper-lines");
    const smaller = code.clientWidth / code.scrollWidth;
    if (smaller < 1) code.style.fontSize = `${Math.max(0.7, 0.99 * smaller) * parseFloat(getComputedStyle(code).fontSize)}px`;
    code.classList.toggle("paper-lines", smaller > 0.7); // a line that is longer still is broken
  }
  for (const formula of document.querySelectorAll("mjx-container, table, .ngd-scroll")) {
    const wide = Math.max(formula.scrollWidth, formula.getBoundingClientRect().width);
    const room = formula.parentElement.getBoundingClientRect();
    const most = Math.min(room.width, column.right - formula.getBoundingClientRect().left);
    if (wide > most + 1) formula.style.zoom = Math.max(0.5, most / wide);
  }
  const out = [];
  for (const at of document.querySelectorAll(".paper-chapter *")) {
    if (at.closest("svg, mjx-assistive-mml, .ngd-sr") || !at.getClientRects().length) continue;
    const box = at.getBoundingClientRect();
    const inner = at.textContent.trim() ? box.left + at.scrollWidth : 0; // a long brace is cut to its length
    const over = Math.max(box.right, inner) - column.right;
    if (over > 2 && !at.querySelector("*")) out.push(`${at.closest("section[id]").id}: ${at.textContent.slice(0, 40)} (${over.toFixed(0)} px)`);
  }
  return out;
}

function element(name, attributes, text) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
