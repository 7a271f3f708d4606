// The cells of a page, changed and run where they are read. page.js imports this when its button is
// pressed on a page that `make live` serves (book/live.py).
//
// A cell of the page is found by its number in the notebook: .at-12 is on its code and on its output.
// Some have no code on the page (a demo, set-up of one line): they run with the others.

const page = document.documentElement;
const base = page.dataset.ngdKernels;
const name = location.pathname.split("/").pop().replace(/\.html$/, "");
const MOST = 200_000; // characters of text that a cell may show
const LARGEST = 5_000_000; // of one output of another kind

const el = (tag, properties = {}, ...inside) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
};
const button = (text, press) => {
  const made = el("button", { type: "button", textContent: text });
  made.addEventListener("click", press);
  return made;
};

// --- the server ----------------------------------------------------------------------------------

class Trouble extends Error {} // its message is for the reader

const GONE = "The server has stopped. Start `make live` again, open the address that it prints, and go on there; "
  + "“As notebook” keeps what you have changed here.";
const IDLE = "Python was idle for long and has been ended; its variables are gone. Run a cell, and it starts anew.";
const ask = async (path, method = "GET", rest = {}) => {
  const xsrf = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] ?? "";
  let answer;
  try {
    answer = await fetch(base + path, { method, headers: { "X-XSRFToken": decodeURIComponent(xsrf) }, ...rest });
  } catch {
    throw new Trouble(GONE);
  }
  if (answer.status === 403)
    throw new Trouble("This browser has not been let in: open the address that `make live` printed, with its token.");
  if (answer.status === 404) return null;
  const said = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Trouble(said.refused ?? said.message ?? `The server answers ${answer.status}.`);
  return said;
};

// A kernel of this page's own, over a web socket; `tell` hears what happens to it.
class Kernel {
  session = crypto.randomUUID();
  runs = new Map();

  constructor(tell) {
    this.tell = tell;
  }

  async ready() {
    if (!this.id) this.id = (await ask("api/kernels", "POST", { body: "{}" })).id;
    if (this.socket?.readyState !== WebSocket.OPEN) await this.connect();
  }

  connect() {
    const at = `${location.origin.replace(/^http/, "ws")}${base}api/kernels/${this.id}/channels?session_id=${this.session}`;
    const socket = (this.socket = new WebSocket(at));
    socket.onmessage = e => typeof e.data === "string" && this.hear(JSON.parse(e.data));
    return new Promise((done, fail) => {
      let opened = false;
      socket.onopen = () => done((opened = true));
      socket.onclose = () => {
        fail(new Trouble(GONE));
        if (opened && this.socket === socket) this.lost();
      };
    });
  }

  // The connection has ended: the machine slept, the kernel was idle for long, or the server stopped.
  async lost() {
    if (this.ending) return;
    try {
      if (await ask(`api/kernels/${this.id}`)) return await this.connect(); // what it said meanwhile follows
      this.forget(IDLE);
    } catch (error) {
      this.forget(error.message);
    }
  }

  forget(why, id = null) {
    this.id = id;
    if (!id) {
      const old = this.socket;
      this.socket = null; // so that its end is no news
      old?.close();
    }
    const runs = [...this.runs.values()];
    this.runs.clear();
    for (const run of runs) run.fail(new Trouble(why));
    this.tell(why);
  }

  hear({ header, parent_header: parent, content }) {
    const state = header.msg_type === "status" && content.execution_state;
    if (state === "restarting" && !this.restarting)
      return this.forget("Python died and has been started anew; its variables are gone. Run the cells again.", this.id);
    if (state === "dead") return this.forget("Python died and could not be started again. Run a cell to try once more.");
    if (header.msg_type === "shutdown_reply" && !content.restart && !this.ending) return this.forget(IDLE);
    const run = this.runs.get(parent?.msg_id);
    if (!run) return;
    if (header.msg_type === "execute_reply") run.reply = content;
    else if (state === "idle") run.idle = true;
    else if (!state) run.show(header.msg_type, content);
    if (run.reply && run.idle) {
      this.runs.delete(parent.msg_id);
      run.done(run.reply);
    }
  }

  // The reply to `code`; `show(type, content)` hears of each output as it comes.
  async run(code, show) {
    await this.ready();
    const id = crypto.randomUUID();
    const answer = new Promise((done, fail) => this.runs.set(id, { show, done, fail }));
    this.socket.send(JSON.stringify({
      channel: "shell", parent_header: {}, metadata: {}, buffers: [],
      header: { msg_id: id, msg_type: "execute_request", session: this.session, username: "", version: "5.3", date: new Date().toISOString() },
      content: { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: true },
    }));
    return answer;
  }

  interrupt() {
    return this.id && ask(`api/kernels/${this.id}/interrupt`, "POST");
  }

  async restart() {
    if (!this.id) return this.ready();
    this.restarting = true;
    for (const run of this.runs.values()) run.fail(new Trouble("Python was restarted while this ran."));
    this.runs.clear();
    try {
      if (!(await ask(`api/kernels/${this.id}/restart`, "POST"))) this.id = null;
      await this.ready();
    } finally {
      this.restarting = false;
    }
  }

  end() {
    this.ending = true;
    if (this.id) ask(`api/kernels/${this.id}`, "DELETE", { keepalive: true }).catch(() => {});
  }
}

// --- outputs -------------------------------------------------------------------------------------

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

// Text with the colours of a terminal, as Jupyter shows errors.
const coloured = (box, text) => {
  let style = "";
  for (const [k, part] of text.split(/\x1b\[([\d;]*)m/).entries()) {
    if (k % 2) {
      for (const code of part.split(";").map(Number)) {
        if (!code || code === 39) style = style.includes("bold") && code ? "ngd-bold" : "";
        else if (code === 1) style += " ngd-bold";
        else if ((code >= 30 && code < 38) || (code >= 90 && code < 98))
          style = `${style.includes("bold") ? "ngd-bold " : ""}ngd-${COLOURS[code % 10]}`;
      }
    } else if (part) box.append(style ? el("span", { className: style.trim(), textContent: part }) : part);
  }
  return box;
};

const KINDS = ["text/html", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/markdown", "text/plain"];

const drawn = data => {
  const kind = KINDS.find(k => k in data);
  const value = [data[kind] ?? ""].flat().join("");
  if (value.length > LARGEST) return el("p", { className: "ngd-cut", textContent: `An output of ${Math.round(value.length / 1e6)} MB is not shown.` });
  if (kind?.startsWith("image/") && !kind.includes("svg"))
    return el("img", { src: `data:${kind};base64,${value.trim()}`, alt: [data["text/plain"] ?? "figure"].flat().join("") });
  const box = el("div", { className: `output ${(kind ?? "none").replace(/\W+/g, "_")}` });
  if (kind === "text/html" || kind === "image/svg+xml") box.innerHTML = value;
  else if (kind === "text/latex")
    box.textContent = value.replace(/^\s*\$\$?([\s\S]*?)\$\$?\s*$/, (_, tex) => `\\[${tex.replace(/^\\displaystyle\s*/, "")}\\]`);
  else if (kind) box.append(el("pre", { textContent: value }));
  if (kind !== "text/plain" && /\\[([]/.test(box.textContent)) window.ngdTypeset(box);
  for (const demo of box.querySelectorAll("figure[data-demo]")) window.ngdHost.start(demo);
  return box;
};

// Whether an output is what the book prints, or (of text still coming) may become it.
const agrees = (own, printed, whole) => {
  if (!printed || own.output_type === "error") return false;
  if (own.output_type === "stream")
    return printed.output_type === "stream" && (whole ? printed.text === own.text : printed.text.startsWith(own.text));
  if (!printed.data) return false;
  const kind = KINDS.find(k => k in own.data);
  return [own.data[kind]].flat().join("") === [printed.data[kind] ?? ""].flat().join("");
};

// What a cell has shown in one run, as a notebook keeps it; the printed output stays until it differs.
class Output {
  list = [];
  shown = false;
  cut = false;
  size = 0;

  constructor(cell) {
    this.cell = cell;
  }

  take(type, content) {
    if (type === "clear_output") {
      this.list = [];
      this.size = 0;
    } else if (type === "stream") this.text(content);
    else if (type === "update_display_data") {
      const known = this.list.find(o => o.id && o.id === content.transient?.display_id);
      if (known) known.data = content.data;
    } else if (type === "error") this.list.push({ output_type: "error", ...content });
    else if (type === "display_data" || type === "execute_result")
      this.list.push({ output_type: type, data: content.data, metadata: content.metadata, id: content.transient?.display_id });
    else return;
    this.frame ??= requestAnimationFrame(() => this.draw(false));
  }

  text({ name: stream, text }) {
    if (/^\s*IOPub (data|message) rate exceeded/.test(text)) {
      this.cut = true; // the server's words for a flood
      return;
    }
    const room = MOST - this.size;
    this.cut ||= text.length > room;
    text = text.slice(0, Math.max(room, 0));
    this.size += text.length;
    const last = this.list.at(-1);
    if (last?.output_type === "stream" && last.name === stream) last.text += text;
    else if (text) this.list.push({ output_type: "stream", name: stream, text });
  }

  same(whole) {
    const { printed } = this.cell;
    if (this.cut || (whole && printed.length !== this.list.length)) return false;
    return this.list.every((own, k) => agrees(own, printed[k], whole || k < this.list.length - 1));
  }

  draw(whole) {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (this.same(whole)) {
      if (whole) this.cell.restore();
      return;
    }
    const parts = this.list.map(output => output.data ? (output.drawn ??= drawn(output.data))
      : coloured(el("pre", { className: `ngd-said ngd-${output.name ?? "error"}` }),
        output.text ?? [output.traceback].flat().join("\n") ?? `${output.ename}: ${output.evalue}`));
    if (this.cut) parts.push(el("p", { className: "ngd-cut", textContent: "More was printed; it is not shown here." }));
    this.cell.show(parts);
  }
}

// --- cells ---------------------------------------------------------------------------------------

const WORDS = "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield";
const TOKEN = new RegExp([
  /(#.*)/, /((?:\b[rbfuRBFU]{1,2})?(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))/,
  /((?<![\p{L}\p{N}_])(?:0[xX][\da-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))/,
  new RegExp(`((?<![\\p{L}\\p{N}_.])(?:${WORDS.replaceAll(" ", "|")})(?![\\p{L}\\p{N}_]))`, "u"), /([-+*/%=<>!&|^~@]+)/,
].map(part => part.source).join("|"), "gu");
const CLASSES = ["c1", "s2", "mi", "k", "o"];

// The colours of the page's own code, for code that is being changed.
const highlight = (pre, code) => {
  pre.replaceChildren();
  let from = 0;
  for (const match of code.matchAll(TOKEN)) {
    pre.append(code.slice(from, match.index));
    pre.append(el("span", { className: CLASSES[match.slice(1).findIndex(Boolean)], textContent: match[0] }));
    from = match.index + match[0].length;
  }
  pre.append(code.slice(from) + "\n");
};

class Cell {
  ran = false;

  constructor(given, book) {
    Object.assign(this, given);
    this.book = book;
    this.text = this.source;
    this.code = document.querySelector(`.cell_input.at-${this.at}`);
    this.out = document.querySelector(`.cell_output.at-${this.at}`);
    if (this.out) this.still = [...this.out.childNodes];
    if (this.code) this.edit();
  }

  get changed() {
    return this.text !== this.source;
  }

  edit() {
    const pre = this.code.querySelector("pre");
    this.pre = pre;
    this.printedCode = [...pre.childNodes];
    this.area = el("textarea", {
      value: this.source, spellcheck: false, autocapitalize: "off", autocomplete: "off", wrap: "off", rows: 1,
      ariaLabel: `Code of the cell ${this.id}. Shift and Enter runs it; Escape leaves it.`,
    });
    this.area.addEventListener("input", () => this.set(this.area.value));
    this.area.addEventListener("keydown", e => this.key(e));
    pre.parentElement.classList.add("ngd-editor");
    pre.setAttribute("aria-hidden", "true");
    pre.removeAttribute("tabindex");
    pre.after(this.area);
    this.go = button("Run", () => this.book.runTo(this));
    this.go.setAttribute("aria-label", `Run the cell ${this.id}`);
    this.back = button("Reset", () => this.set(this.source));
    this.back.setAttribute("aria-label", `Reset the cell ${this.id} to what is printed`);
    this.back.hidden = true;
    this.said = el("span", { className: "ngd-cell-state" });
    this.code.append(el("div", { className: "ngd-cell-bar" }, this.go, this.back, this.said));
  }

  set(text) {
    this.text = text;
    if (!this.code) return;
    if (this.area.value !== text) this.area.value = text;
    if (this.changed) highlight(this.pre, text);
    else this.pre.replaceChildren(...this.printedCode);
    this.code.classList.toggle("ngd-changed", this.changed);
    if (this.back.hidden === this.changed && !this.changed && document.activeElement === this.back) this.area.focus();
    this.back.hidden = !this.changed;
    this.state(this.changed ? "changed, not run" : this.ran ? "" : "not run");
    if (this.changed) this.ran = false;
  }

  key(e) {
    const { area } = this;
    const { selectionStart: from, selectionEnd: to, value } = area;
    if (e.key === "Enter" && (e.shiftKey || e.ctrlKey || e.metaKey)) this.book.runTo(this);
    else if (e.key === "Escape") this.go.focus();
    else if (e.key === "Enter" && !e.isComposing) {
      const line = value.slice(value.lastIndexOf("\n", from - 1) + 1, from);
      this.type(`\n${line.match(/^ */)[0]}${/:\s*$/.test(line) ? "    " : ""}`);
    } else if (e.key === "Tab" && !e.shiftKey && !e.ctrlKey && !e.altKey && from === to) this.type("    ");
    else return;
    e.preventDefault();
  }

  type(text) { // as if typed: it can be undone
    this.area.focus();
    if (!document.execCommand("insertText", false, text)) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
      this.set(this.area.value);
    }
  }

  state(said) {
    if (this.said) this.said.textContent = said;
  }

  // Whether it ran to its end.
  async run() {
    const output = new Output(this);
    this.code?.setAttribute("aria-busy", "true");
    this.state("running …");
    try {
      const reply = await this.book.kernel.run(this.text, (type, content) => output.take(type, content));
      output.draw(true);
      this.ran = reply.status === "ok";
      this.differs = !output.same(true);
      const count = reply.execution_count ? `[${reply.execution_count}] ` : "";
      this.state(count + (!this.ran ? "failed" : this.differs ? "not as printed" : this.changed ? "ran" : "as printed"));
      if (this.tags.includes("checks")) this.compare(output);
      if (!this.ran) this.failure = `The cell ${this.id} failed: ${`${reply.ename}: ${reply.evalue}`.slice(0, 200)}`;
      return this.ran;
    } catch (error) {
      if (output.list.length) output.draw(true);
      this.state("did not finish");
      this.failure = error.message;
      return false;
    } finally {
      this.code?.removeAttribute("aria-busy");
    }
  }

  // Its place for outputs; the code of a figure lies inside the figure that it draws.
  show(parts) {
    if (!this.out) {
      if (!parts.length) return;
      this.out = el("div", { className: "cell_output docutils container" });
      this.still = [];
      (this.code?.closest("div.cell") ?? this.book.bar).append(this.out);
    }
    const fold = this.code?.closest("details.ngd-code");
    const inside = fold && this.out.contains(fold) && document.activeElement;
    if (fold && (this.place ??= this.out.contains(fold) && fold.parentElement)) {
      const mark = (this.mark ??= document.createComment("the code of this figure"));
      if (fold.parentElement === this.place && !mark.isConnected) fold.before(mark);
      const figure = parts.map(p => p.querySelector?.("figure.ngd-figure")).filter(Boolean).at(-1);
      this.out.replaceChildren(...parts);
      (figure ?? this.out).append(fold);
      if (inside && fold.contains(inside)) inside.focus({ preventScroll: true });
    } else this.out.replaceChildren(...parts);
    this.live = true;
  }

  restore() {
    if (!this.live) return;
    const fold = this.place && this.code.closest("details.ngd-code");
    const focus = document.activeElement;
    this.out.replaceChildren(...this.still);
    if (fold) this.mark.replaceWith(fold);
    if (fold?.contains(focus)) focus.focus({ preventScroll: true });
    this.live = false;
  }

  // Proof-reading that found other numbers: its mark says so, and the text gets the new ones.
  compare(output) {
    const fold = this.code?.closest("details.ngd-checks");
    if (!fold) return;
    for (const now of this.now ?? []) now.remove();
    this.now = [];
    const said = output.list.map(o => o.text ?? "").join("");
    const found = [...said.matchAll(/^The text quotes (\S+) for the default parameters; here .*? is (.*)\.$/gm)];
    const mark = fold.firstElementChild;
    this.label = fold.dataset.printed ??= mark.textContent;
    this.off = found.length;
    const off = this.book.cells.filter(c => c.off && c.code?.closest("details") === fold).reduce((sum, c) => sum + c.off, 0);
    mark.textContent = off ? `${this.label.replace("✓ ", "")}, ${off} of them with another result than in the text` : this.label;
    const news = new Map();
    for (const [, quoted, here] of found) news.set(quoted, [...(news.get(quoted) ?? []), here]);
    for (const [quoted, values] of news) {
      const places = placesOf(quoted, fold.closest("div.cell"));
      if (places.length !== values.length) continue; // which of them is meant? the output says it all
      for (const [node, end] of places.reverse()) {
        const now = el("ins", { className: "ngd-now", textContent: ` → ${values.pop()}`, title: `${quoted} at the default parameters` });
        if (end) node.splitText(end).before(now);
        else node.after(now);
        this.now.push(now);
      }
    }
  }
}

// Where the text that a mark of proof-reading checks has a number: [text node, end] or [formula].
const placesOf = (quoted, cell) => {
  const exact = quoted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const inText = new RegExp(`(?<![\\d.,−-])${exact}(?!\\d|[.,]\\d)`, "g");
  const inFormula = new RegExp(`(?:^|=|\\\\approx|[(,])${exact.replace("−", "-")}$`);
  const blocks = [];
  for (let block = cell.previousElementSibling; block && !block.matches("h1, h2, h3, h4, .tag_checks"); block = block.previousElementSibling)
    if (block.matches("p, ul, ol, blockquote, div.math")) blocks.unshift(block);
  const found = [];
  for (const block of blocks) {
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, {
      acceptNode: node => node.nodeType === 3 || node.matches("mjx-container[data-tex]") ? NodeFilter.FILTER_ACCEPT
        : node.matches("mjx-container *, script, .ngd-now") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP,
    });
    for (let node; (node = walker.nextNode());) {
      if (node.nodeType === 1) {
        const tex = node.dataset.tex.replace(/^\\[([]|\\[)\]]$|\\,|[{}\s$]/g, "");
        if (inFormula.test(tex)) found.push([node]);
      } else if (!node.parentElement.closest("mjx-container, .ngd-now"))
        for (const match of node.data.matchAll(inText)) found.push([node, match.index + quoted.length]);
    }
  }
  return found;
};

// --- the page ------------------------------------------------------------------------------------

class Book {
  queue = [];

  constructor(bar, { cells, parameters }) {
    this.bar = bar;
    this.kernel = new Kernel(why => this.fresh(why));
    this.cells = cells.filter(cell => !/^panel\(/m.test(cell.source)).map(cell => new Cell(cell, this));
    this.parameters = parameters;
    this.controls();
    this.form();
    addEventListener("pagehide", () => this.kernel.end());
    addEventListener("pageshow", e => {
      if (!e.persisted) return;
      this.kernel.ending = false;
      this.kernel.forget("Python ended when you left this page. Run a cell, and it starts anew.");
    });
  }

  controls() {
    this.stopper = button("Stop", () => this.stop());
    this.runner = button("Run all", () => this.run(this.cells));
    this.status = el("span", { className: "ngd-run-state" });
    this.status.setAttribute("role", "status");
    this.bar.replaceChildren(this.runner, this.stopper, button("Restart", () => this.restart()),
      button("Reset all", () => this.reset()), button("As notebook", () => this.download()), this.status);
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", "Run this page");
    this.stopper.setAttribute("aria-disabled", "true");
  }

  say(text) {
    this.status.textContent = text;
  }

  // Python is a fresh one: no cell has run in it.
  fresh(why) {
    this.queue = [];
    for (const cell of this.cells) {
      if (cell.ran) cell.state("ran in a Python that is gone");
      cell.ran = false;
    }
    if (why) this.say(why);
  }

  // A cell, and first those above it that this Python has not run.
  runTo(cell) {
    if (this.queue.includes(cell)) return;
    const above = this.cells.slice(0, this.cells.indexOf(cell)).filter(c => !c.ran && !this.queue.includes(c) && c !== this.running);
    return this.run([...above, cell]);
  }

  async run(cells) {
    for (const cell of cells) if (!this.queue.includes(cell) && cell !== this.running) cell.state("waiting");
    this.queue.push(...cells.filter(cell => !this.queue.includes(cell)));
    if (this.pumping) return;
    this.pumping = true;
    this.stopper.removeAttribute("aria-disabled");
    let done = 0, differ = 0, ended = "";
    try {
      while (this.queue.length) {
        const cell = (this.running = this.queue.shift());
        this.say(`Running cell ${done + 1} of ${done + 1 + this.queue.length} …`);
        const ok = await cell.run();
        if (!ok) {
          ended = this.stopped ? "Stopped." : cell.failure;
          if (this.queue.length && !this.stopped) ended += " What follows it was not run.";
          break;
        }
        done += 1;
        differ += cell.differs;
      }
    } finally {
      for (const cell of this.queue) cell.state(cell.changed ? "changed, not run" : cell.ran ? "" : "not run");
      this.queue = [];
      this.running = null;
      this.pumping = this.stopped = false;
      clearTimeout(this.late);
      this.stopper.setAttribute("aria-disabled", "true");
    }
    const cellsRan = `${done} cell${done === 1 ? "" : "s"} ran`;
    this.say(ended || (differ ? `${cellsRan}: ${differ} ${differ === 1 ? "shows" : "show"} something else than is printed.` : `${cellsRan}: all as printed.`));
    page.dataset.ngdRan = Number(page.dataset.ngdRan ?? 0) + 1;
  }

  async stop() {
    if (!this.pumping) return;
    this.stopped = true;
    this.queue = [];
    this.say("Stopping …");
    this.late = setTimeout(() => this.say("This cell does not stop when asked to. “Restart” ends it."), 3000);
    try {
      await this.kernel.interrupt();
    } catch (error) {
      this.say(error.message);
    }
  }

  async restart() {
    this.stopped = this.pumping;
    this.say("Restarting …");
    this.fresh();
    try {
      await this.kernel.restart();
      this.say("Python is fresh: no cell has run in it.");
    } catch (error) {
      this.say(error.message);
    }
  }

  // Code and outputs as printed; Python keeps what it has.
  reset() {
    for (const cell of this.cells) {
      cell.set(cell.source);
      cell.restore();
      cell.now = [];
      if (cell.label) cell.code.closest("details").firstElementChild.textContent = cell.label;
      cell.off = 0;
    }
    for (const now of document.querySelectorAll(".ngd-now")) now.remove();
    this.mark(false);
    this.fields?.forEach(([p, field]) => (field.value = p.default));
    this.say("Code and outputs are as printed.");
  }

  async download() {
    try {
      const there = await fetch(new URL(`../notebooks/${name}.ipynb`, location)).catch(() => null);
      const book = there?.ok ? await there.json() : { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: this.cells.map(cell => (
        { cell_type: "code", id: cell.id, metadata: { tags: cell.tags }, execution_count: null, outputs: [], source: cell.text })) };
      for (const cell of this.cells) {
        const own = cell.changed && book.cells.find(c => c.id === cell.id);
        if (own) own.source = cell.text;
      }
      const href = URL.createObjectURL(new Blob([JSON.stringify(book, null, 1)], { type: "application/x-ipynb+json" }));
      el("a", { href, download: `${name}.ipynb` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 10_000);
    } catch (error) {
      this.say(`The notebook could not be made: ${error.message}`);
    }
  }

  // --- the worked example with other parameters

  form() {
    const cell = this.cells.find(c => c.tags.includes("parameters"));
    if (!cell?.code || !this.parameters.length) return;
    this.fields = this.parameters.map(p => {
      const field = p.choices.length ? el("select", {}, ...p.choices.map(c => el("option", { textContent: c })))
        : el("input", { type: "text", autocomplete: "off", spellcheck: false });
      field.value = p.default;
      return [p, field];
    });
    const given = new URLSearchParams(location.hash.match(/^#rerun\?(.*)/)?.[1] ?? "");
    for (const [p, field] of this.fields) if (given.has(p.name)) field.value = given.get(p.name);
    const rows = this.fields.map(([p, field]) => el("label", {}, el("code", { textContent: p.name }), field,
      el("span", { textContent: `${p.about}${p.allowed ? `, ${p.allowed}` : ""}` })));
    this.refused = el("p", { className: "ngd-refused" });
    this.refused.setAttribute("role", "alert");
    this.command = el("p", { className: "ngd-command" });
    const defaults = button("Defaults", () => this.fields.forEach(([p, field]) => (field.value = p.default)));
    const form = el("form", { className: "ngd-parameters", ariaLabel: "The worked example with other parameters" }, ...rows,
      el("p", {}, el("button", { type: "submit", textContent: "Run with these" }), defaults,
        button("As command", () => this.rerun(cell, true))), this.refused, this.command);
    form.addEventListener("submit", e => {
      e.preventDefault();
      this.rerun(cell, false);
    });
    cell.code.closest("div.cell").after(form);
    const still = form.nextElementSibling;
    if (still?.querySelector(".ngd-sliders")) still.hidden = true; // it says how to get what stands above
  }

  async rerun(cell, only_say) {
    this.refused.textContent = this.command.textContent = "";
    const values = new URLSearchParams(this.fields.map(([p, field]) => [p.name, field.value]));
    try {
      const { source, changed, command } = await ask(`live/${name}.json?${values}`);
      if (only_say) return this.command.replaceChildren(el("code", { textContent: command }));
      const at = this.cells.indexOf(cell);
      history.replaceState(null, "", changed.length ? `#rerun?${values}` : location.pathname + location.search);
      cell.set(source);
      this.mark(changed.length > 0);
      await this.run([...this.cells.slice(0, at).filter(c => !c.ran), ...this.cells.slice(at)]);
    } catch (error) {
      this.refused.textContent = error.message;
    }
  }

  // Sentences that hold for the defaults only.
  mark(changed) {
    const text = document.querySelector(".bd-article");
    if (changed) text.dataset.rerun = "changed";
    else delete text.dataset.rerun;
  }
}

export const start = async bar => {
  document.head.append(el("link", { rel: "stylesheet", href: new URL("live.css", import.meta.url) }));
  const chapter = await ask(`live/${name}.json`);
  if (!chapter) throw new Trouble("This page has no cells to run.");
  const book = new Book(bar, chapter);
  window.ngdBook = book; // for the console, and the tests
  book.runner.focus();
  book.say("Python is starting …");
  try {
    await book.kernel.ready();
    if (!book.pumping) book.say("Change the code and press Shift and Enter in it. What stands above runs first.");
  } catch (error) {
    book.say(error.message);
  }
};
