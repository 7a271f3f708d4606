// A term shows its meaning beside it: on hover, on focus, on a tap. Escape closes it, and so does
// leaving both. The words are in the page already, as the description of the link; a key or a click
// that opens in another place is left alone, and Enter on an open one follows the link.
(() => {
  const box = Object.assign(document.createElement("div"), { className: "ngd-meaning", hidden: true });
  box.ariaHidden = "true"; // a screen reader has the description
  let word = null, wait = 0;
  const close = () => {
    clearTimeout(wait);
    box.hidden = true;
    word = null;
  };
  const open = link => {
    clearTimeout(wait);
    if (word === link) return;
    const meaning = document.getElementById(link.getAttribute("aria-describedby"));
    if (!meaning) return;
    word = link;
    box.replaceChildren(...meaning.cloneNode(true).childNodes);
    const more = Object.assign(document.createElement("a"), { href: link.href, textContent: "Among the key terms", tabIndex: -1 });
    box.append(more);
    box.hidden = false;
    document.body.append(box);
    const at = [...link.getClientRects()].at(-1), wide = document.documentElement.clientWidth;
    const own = box.getBoundingClientRect();
    const below = at.bottom + own.height + 12 < innerHeight || at.top < own.height + 60;
    box.style.left = `${Math.max(8, Math.min(at.left - 12, wide - own.width - 8)) + scrollX}px`;
    box.style.top = `${(below ? at.bottom + 6 : at.top - own.height - 6) + scrollY}px`;
  };
  const term = event => event.target.closest?.("a.ngd-term");
  const later = (what, delay) => {
    clearTimeout(wait);
    wait = setTimeout(what, delay);
  };
  addEventListener("pointerover", e => {
    if (e.pointerType === "touch") return;
    const link = term(e);
    if (link) later(() => open(link), word ? 0 : 150);
    else if (box.contains(e.target)) clearTimeout(wait);
    else if (word && document.activeElement !== word) later(close, 250);
    else if (!word) clearTimeout(wait);
  });
  addEventListener("focusin", e => term(e)?.matches(":focus-visible") ? open(term(e)) : box.contains(e.target) || close());
  addEventListener("click", e => {
    const link = term(e);
    if (!link) return box.contains(e.target) || close();
    if (e.ctrlKey || e.metaKey || e.shiftKey || (!e.detail && word === link)) return;
    e.preventDefault();
    open(link);
  });
  addEventListener("keydown", e => {
    if (e.key !== "Escape" || !word) return;
    close();
    e.stopPropagation();
  }, true);
  addEventListener("resize", close);
})();
