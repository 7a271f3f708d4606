// The cells of a page, changed and run where they are read. page.js imports this when its button is
// pressed on a page that `make live` serves (book/live.py).
//
// A cell of the page is found by its number in the notebook: .at-12 is on its code and on its output.
// Some have no code on the page (a demo, set-up of one line): they run with the others.

import { defaultKeymap, history as undoing, historyKeymap, indentLess, indentMore } from "./vendor/codemirror/codemirror-commands.js";
import { python } from "./vendor/codemirror/codemirror-lang-python.js";
import { indentOnInput, indentUnit, syntaxHighlighting } from "./vendor/codemirror/codemirror-language.js";
import { EditorState } from "./vendor/codemirror/codemirror-state.js";
import { EditorView, keymap } from "./vendor/codemirror/codemirror-view.js";
import { tagHighlighter, tags } from "./vendor/codemirror/lezer-highlight.js";

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
const UNHEARD = "The connection was lost while this ran, and with it what it came to. Run it again.";
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
  models = new Map(); // of its widgets, by their ids
  homes = new Map(); // by messages to them: where the widget stands, which shows what Python then prints

  constructor(tell) {
    this.tell = tell;
  }

  ready() { // once, whoever asks
    return (this.getting ??= this.get().finally(() => (this.getting = null)));
  }

  async get() {
    if (!this.id) this.id = (await ask("api/kernels", "POST", { body: "{}" })).id;
    if (this.socket?.readyState !== WebSocket.OPEN) await this.connect();
  }

  connect() {
    const at = `${location.origin.replace(/^http/, "ws")}${base}api/kernels/${this.id}/channels?session_id=${this.session}`;
    const socket = (this.socket = new WebSocket(at));
    socket.onmessage = e => typeof e.data === "string" && this.hear(JSON.parse(e.data));
    return new Promise((done, fail) => {
      let opened = false;
      socket.onopen = () => {
        for (const model of this.models.values()) model.taken(model.under_way); // its answer may be lost
        done((opened = true));
      };
      socket.onclose = () => {
        fail(new Trouble(GONE));
        if (opened && this.socket === socket) this.lost();
      };
    });
  }

  // The connection has ended: the machine slept, the kernel was idle for long, or the server stopped.
  async lost() {
    if (this.ending) return;
    const waiting = [...this.runs];
    try {
      if (!(await ask(`api/kernels/${this.id}`))) return await this.ended();
      await this.ready(); // what it said meanwhile follows, as a rule
      for (let idle = 0; idle < 3 && waiting.some(([id]) => this.runs.has(id));) {
        await new Promise(done => setTimeout(done, 1000));
        idle = (await ask(`api/kernels/${this.id}`))?.execution_state === "idle" ? idle + 1 : 0;
      }
      for (const [id, run] of waiting) if (this.runs.delete(id)) run.fail(new Trouble(UNHEARD));
    } catch (error) {
      this.forget(error.message);
    }
  }

  // The server has ended the kernel: because it was idle, or because the server itself is ending.
  async ended() {
    this.forget(IDLE);
    for (let seconds = 0; seconds < 30 && !this.id && !this.getting && !this.ending; seconds += 1) {
      await new Promise(done => setTimeout(done, 1000));
      try {
        await ask("api/kernels");
      } catch (error) {
        return this.tell(error.message);
      }
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
    this.models.clear();
    this.homes.clear();
    for (const run of runs) run.fail(new Trouble(why));
    this.tell(why);
  }

  hear({ header, parent_header: parent, content }) {
    const state = header.msg_type === "status" && content.execution_state;
    if (state === "restarting" && !this.restarting)
      return this.forget("Python died and has been started anew; its variables are gone. Run the cells again.", this.id);
    if (state === "dead") return this.forget("Python died and could not be started again. Run a cell to try once more.");
    if (header.msg_type === "shutdown_reply" && !content.restart && !this.ending) return this.ended();
    if (header.msg_type.startsWith("comm_")) return this.widget(header.msg_type, content);
    if (OUTPUTS.test(header.msg_type)) {
      const captured = [...this.models.values()].findLast(({ state, output }) => output && state.msg_id && state.msg_id === parent?.msg_id);
      const into = captured?.output ?? this.homes.get(parent?.msg_id);
      if (into) return into.take(header.msg_type, content);
    }
    if (state === "idle") {
      this.homes.delete(parent?.msg_id);
      for (const model of this.models.values()) model.taken(parent?.msg_id);
    }
    const run = this.runs.get(parent?.msg_id);
    if (!run) return;
    if (header.msg_type === "execute_reply") run.reply = content;
    else if (state === "idle") run.idle = true;
    else if (!state) run.show(header.msg_type, content);
    clearTimeout(run.quiet);
    const end = () => this.runs.delete(parent.msg_id) && run.done(run.reply);
    if (run.reply && run.idle) end();
    else if (run.reply) run.quiet = setTimeout(end, 3000); // that it is idle was said to nobody: just after a restart
    else if (run.idle) run.quiet = setTimeout(() => { // stopped between the code's end and the reply, which is lost
      run.reply = { status: "error", ename: "KeyboardInterrupt", evalue: "it was stopped just as it ended" };
      end();
    }, 3000);
  }

  widget(type, { comm_id: id, target_name: target, data }) {
    const model = this.models.get(id);
    if (type === "comm_open" && target === "jupyter.widget") this.models.set(id, new Model(this, id, data.state));
    else if (type === "comm_close") this.models.delete(id);
    else if (model && data?.method === "update") model.hear(data.state);
  }

  send(id, type, content) {
    this.socket.send(JSON.stringify({
      channel: "shell", parent_header: {}, metadata: {}, buffers: [], content,
      header: { msg_id: id, msg_type: type, session: this.session, username: "", version: "5.3", date: new Date().toISOString() },
    }));
  }

  // The reply to `code`; `show(type, content)` hears of each output as it comes.
  async run(code, show) {
    const before = new Promise((_, fail) => (this.drop = why => fail(new Trouble(why))));
    const there = (async () => {
      await this.restarting?.catch(() => {}); // what is sent meanwhile goes to the old one
      await this.ready();
    })();
    try {
      await Promise.race([there, before]);
    } finally {
      this.drop = null;
    }
    const id = crypto.randomUUID();
    const answer = new Promise((done, fail) => this.runs.set(id, { show, done, fail }));
    this.send(id, "execute_request",
      { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: false }); // the page sends the next
    return answer;
  }

  // What waits for Python is not sent any more, and a Python that is starting is left alone.
  interrupt() {
    if (this.drop) return this.drop("It was stopped before Python had it.");
    return this.id && ask(`api/kernels/${this.id}/interrupt`, "POST");
  }

  restart() {
    return (this.restarting ??= this.anew().finally(() => (this.restarting = null)));
  }

  async anew() {
    this.drop?.("Python was restarted before it had this.");
    if (!this.id) return this.ready();
    this.models.clear();
    this.homes.clear();
    for (const run of this.runs.values()) run.fail(new Trouble("Python was restarted while this ran."));
    this.runs.clear();
    if (!(await ask(`api/kernels/${this.id}/restart`, "POST"))) this.id = null;
    await this.ready();
  }

  end() {
    this.ending = true;
    if (this.id) ask(`api/kernels/${this.id}`, "DELETE", { keepalive: true }).catch(() => {});
  }
}

// --- widgets -------------------------------------------------------------------------------------

const VIEW = "application/vnd.jupyter.widget-view+json";

// What the page and Python both hold of a widget. One change is under way at a time: while Python is
// busy the newest waits.
class Model {
  listeners = new Set();

  constructor(kernel, id, state) {
    Object.assign(this, { kernel, id, state });
    if (state._model_name === "OutputModel") {
      this.box = el("div", { className: "ngd-tried" });
      const show = parts => this.box.replaceChildren(...parts);
      this.output = new Output({ printed: [], book: { kernel }, show, restore: () => show([]) }, true);
    }
  }

  set(changes) {
    Object.assign(this.state, changes);
    this.next = { ...this.next, ...changes };
    this.flush();
  }

  flush() {
    const { kernel } = this;
    if (this.under_way || !this.next || kernel.models.get(this.id) !== this || kernel.socket?.readyState !== WebSocket.OPEN) return;
    this.under_way = this.send({ method: "update", state: this.next, buffer_paths: [] });
    this.next = null;
  }

  send(data) {
    const message = crypto.randomUUID();
    if (this.home) this.kernel.homes.set(message, this.home);
    this.kernel.send(message, "comm_msg", { comm_id: this.id, data });
    return message;
  }

  taken(message) {
    if (message !== this.under_way) return;
    this.under_way = null;
    this.flush();
  }

  hear(state) {
    Object.assign(this.state, state);
    if (this.output && state.outputs) this.output.replace(state.outputs);
    for (const listener of this.listeners) listener(state);
  }
}

// A demo of the page and its object in Python move each other; what Python has comes first.
const bound = new WeakMap();
const bind = async (figure, model) => {
  for (let tries = 0; !figure.ngd && tries < 200; tries += 1) await new Promise(done => setTimeout(done, 20));
  if (!figure.ngd) return; // it could not be drawn: its still stands there
  bound.get(figure)?.();
  const { model: shown } = figure.ngd;
  const { state } = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const names = Object.keys(state).filter(key => key in model.state);
  const listener = changes => names.forEach(key => key in changes && shown.set(key, changes[key]));
  listener(model.state);
  model.listeners.add(listener);
  shown.save_changes = () => {
    const changes = Object.fromEntries(names.filter(key => shown.get(key) !== model.state[key]).map(key => [key, shown.get(key)]));
    if (Object.keys(changes).length) model.set(changes);
  };
  bound.set(figure, () => model.listeners.delete(listener));
};

const toFour = x => String(Number(x.toPrecision(4)));

// ipywidgets that a plain control of the page can be: null for a demo, which draws itself. What Python
// prints when one is moved appears at `home`.
const control = (models, id, home) => {
  const model = models.get(id), { state } = model ?? {}, kind = state?._model_name.replace(/Model$/, "");
  if (!model || state._esm) return null;
  model.home = home;
  const heard = (node, show) => {
    show();
    model.listeners.add(show);
    return node;
  };
  if (state.children) {
    const inside = state.children.map(child => control(models, child.replace("IPY_MODEL_", ""), home) ?? elsewhere("A demo in a box"));
    if (!/^(Tab|Accordion)$/.test(kind)) return el("div", { className: kind === "HBox" ? "ngd-row" : "" }, ...inside);
    const open = state.selected_index ?? (kind === "Tab" ? 0 : -1);
    return el("div", {}, ...inside.map((part, k) => el("details", { open: k === open }, el("summary", { textContent: state.titles[k] || k + 1 }), part)));
  }
  if (kind === "Output") return model.box;
  if (kind === "Button") {
    const press = button("", () => model.send({ method: "custom", content: { event: "click" } }));
    return heard(press, () => Object.assign(press, { textContent: state.description || "Button", disabled: state.disabled }));
  }
  const name = el("span"), labelled = (field, ...more) => el("label", { className: "ngd-field" }, name, field, ...more);
  if (kind === "HTML" || kind === "Label") {
    const text = el("span");
    return heard(el("p", { className: "ngd-field" }, name, text), () => {
      name.textContent = state.description;
      text[kind === "HTML" ? "innerHTML" : "textContent"] = state.value;
    });
  }
  // how a field shows what Python has, and what the reader's change makes of it
  let field, show, given, more = [];
  if (/^(Int|Float|FloatLog|Selection)Slider$/.test(kind)) {
    const { base, min, max, step, _options_labels: words } = state, byFactor = kind === "FloatLogSlider";
    const said = el("output");
    field = el("input", { type: "range", ...(words ? { min: 0, max: words.length - 1 } : { min, max, step }) });
    show = () => {
      field.value = words ? state.index : byFactor ? Math.log(state.value) / Math.log(base) : state.value;
      said.textContent = field.ariaValueText = words ? words[state.index] : toFour(state.value);
    };
    const value = at => ({ value: byFactor ? Number((base ** at).toPrecision(6)) : at });
    given = () => words ? { index: Number(field.value) } : value(Number(field.value));
    more = [said];
  } else if (/^(Dropdown|Select|RadioButtons|ToggleButtons)$/.test(kind)) {
    field = el("select");
    show = () => {
      field.replaceChildren(...state._options_labels.map(textContent => el("option", { textContent })));
      field.selectedIndex = state.index ?? -1;
    };
    given = () => ({ index: field.selectedIndex });
  } else if (/^(Checkbox|ToggleButton)$/.test(kind)) {
    field = el("input", { type: "checkbox" });
    show = () => (field.checked = state.value);
    given = () => ({ value: field.checked });
  } else if (/^(Bounded)?(Int|Float)Text$/.test(kind)) {
    field = el("input", { type: "number", step: state.step ?? "any", min: state.min ?? "", max: state.max ?? "" });
    show = () => (field.value = state.value);
    given = () => field.value !== "" && { value: /Int/.test(kind) ? Math.round(field.value) : Number(field.value) };
  } else if (/^(Text|Textarea)$/.test(kind)) {
    field = kind === "Text" ? el("input", { type: "text" }) : el("textarea", { rows: state.rows ?? 3 });
    show = () => field.value !== state.value && (field.value = state.value);
    given = () => ({ value: field.value });
  } else return elsewhere(`A widget of the kind ${kind}`);
  field.addEventListener(state.continuous_update === false ? "change" : "input", () => {
    const changes = given();
    if (!changes) return;
    model.set(changes);
    show();
  });
  return heard(labelled(field, ...more), () => {
    name.textContent = state.description;
    if (!state.description) field.ariaLabel = kind;
    field.disabled = state.disabled;
    show();
  });
};

const elsewhere = what => el("p", { className: "ngd-cut", textContent: `${what} is drawn in JupyterLab only: make lab.` });

// --- outputs -------------------------------------------------------------------------------------

const OUTPUTS = /^(stream|(update_)?display_data|execute_result|error|clear_output)$/;
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

// What a terminal shows: after a carriage return (a progress bar) the line is written anew.
const overwritten = text => !text.includes("\r") ? text : text.replace(/\r+(\n?)/g, (_, end) => end || "\r")
  .split("\n").map(line => line.slice(line.lastIndexOf("\r", line.length - 2) + 1)).join("\n");

// `input()` and its kin, where Python says that "this frontend" does not support them.
const askingForNothing = line => line?.replace(/\w+ was called, but this frontend does not support .*/, NO_INPUT);
const NO_INPUT = "a page cannot give input: write the value into the code.";

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

  constructor(cell, ended = false) {
    Object.assign(this, { cell, ended });
  }

  replace(list = []) {
    this.list = [...list];
    this.size = 0;
    this.stale = false;
    this.soon();
  }

  take(type, content) {
    if (!OUTPUTS.test(type)) return;
    if (type === "clear_output" && content.wait) return void (this.stale = true); // until something follows
    if (type === "clear_output" || this.stale) this.replace();
    if (type === "clear_output") return;
    if (type === "stream") this.text(content);
    else if (type === "update_display_data") {
      const known = this.list.find(o => o.id && o.id === content.transient?.display_id);
      if (known) known.data = content.data;
    } else if (type === "error") this.list.push({ output_type: "error", ...content, traceback: [content.traceback].flat().map(askingForNothing) });
    else this.list.push({ output_type: type, data: content.data, metadata: content.metadata, id: content.transient?.display_id });
    this.soon();
  }

  soon() {
    this.frame ??= requestAnimationFrame(() => this.draw(this.ended));
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
    if (last?.output_type === "stream" && last.name === stream) last.text = overwritten(last.text + text);
    else if (text) this.list.push({ output_type: "stream", name: stream, text: overwritten(text) });
  }

  same(whole) {
    const { printed } = this.cell;
    if (this.cut || (whole && printed.length !== this.list.length)) return false;
    return this.list.every((own, k) => agrees(own, printed[k], whole || k < this.list.length - 1));
  }

  draw(whole) {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    this.ended = whole;
    if (this.dropped || (this.cell.output ?? this) !== this) return; // a widget of an earlier run is heard no more
    const { models } = this.cell.book.kernel;
    for (const output of whole ? this.list : []) {
      if (!output.data?.[VIEW] || output.control) continue;
      const made = control(models, output.data[VIEW].model_id, this);
      if (made) output.control = el("div", { className: "ngd-widgets" }, made);
      else if (!output.data["text/html"]) output.control = elsewhere("This widget");
    }
    if (this.same(whole) && !this.list.some(output => output.control)) {
      if (whole) this.cell.restore();
      return;
    }
    const parts = this.list.map(output => output.control ?? (output.data ? (output.drawn ??= drawn(output.data))
      : coloured(el("pre", { className: `ngd-said ngd-${output.name ?? "error"}` }),
        output.text ?? [output.traceback].flat().join("\n") ?? `${output.ename}: ${output.evalue}`)));
    if (this.cut) parts.push(el("p", { className: "ngd-cut", textContent: "More was printed; it is not shown here." }));
    this.cell.show(parts);
  }

  // The demos that it shows are those of Python from now on.
  bind() {
    const { models } = this.cell.book.kernel;
    const demos = this.list.map(output => models.get(output.data?.[VIEW]?.model_id)).filter(model => model?.state._esm);
    const figures = this.cell.out?.querySelectorAll("figure[data-demo]") ?? [];
    if (figures.length === demos.length) demos.forEach((model, k) => bind(figures[k], model));
  }
}

// --- cells ---------------------------------------------------------------------------------------

// The words of Python, in the classes of the page's own code: its colours, light and dark.
const COLOURED = syntaxHighlighting(tagHighlighter([
  { tag: [tags.keyword, tags.bool, tags.null], class: "k" }, { tag: tags.operatorKeyword, class: "ow" },
  { tag: tags.operator, class: "o" }, { tag: tags.number, class: "mi" }, { tag: tags.string, class: "s2" },
  { tag: tags.comment, class: "c1" }, { tag: tags.definition(tags.function(tags.variableName)), class: "nf" },
]));

const several = ({ state }) => state.selection.ranges.some(({ from, to }) => state.doc.lineAt(from).number < state.doc.lineAt(to).number);

// Editors are made as their code comes near the window, or is opened: a page has forty.
const makers = new WeakMap();
const near = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) makers.get(target)();
}, { rootMargin: "50%" });

// Code that can be changed, by CodeMirror, in the place of the page's own.
class Editor {
  constructor(pre, { source, ...how }) {
    Object.assign(this, { pre, source, how });
    pre.parentElement.classList.add("ngd-editor");
    Object.assign(pre, { tabIndex: 0, role: "textbox", ariaMultiLine: "true", ariaLabel: how.label });
    pre.addEventListener("focus", () => this.focus()); // by a key, sooner than it came near
    makers.set(pre, () => this.view);
    near.observe(pre);
  }

  get view() {
    return (this.made ??= this.make());
  }

  make() {
    const { pre, source, how: { label, changed, run, leave } } = this;
    const done = act => () => {
      act();
      return true;
    };
    const keys = [
      ...["Shift-Enter", "Mod-Enter", "Ctrl-Enter", "Alt-Enter"].map(key => ({ key, run: done(run) })),
      { key: "Escape", run: done(leave) },
      // Shift and Tab leave, unless several lines are chosen
      { key: "Tab", run: view => several(view) ? indentMore(view) : !view.dispatch(view.state.replaceSelection("    ")),
        shift: view => several(view) && indentLess(view) },
    ];
    const view = new EditorView({
      doc: source,
      extensions: [
        keymap.of([...keys, ...defaultKeymap, ...historyKeymap]), undoing(), python(), indentOnInput(), indentUnit.of("    "),
        COLOURED, EditorState.tabSize.of(4), EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
        EditorView.updateListener.of(update => {
          if (!update.docChanged) return;
          pre.textContent = this.text; // the button that copies takes it from there
          if (!this.setting) changed(this.text);
        }),
      ],
    });
    near.unobserve(pre);
    pre.hidden = true;
    pre.after(view.dom);
    return view;
  }

  get text() {
    return this.made ? this.view.state.doc.toString() : this.source;
  }

  set(text = this.source) {
    if (this.text === text) return;
    this.setting = true;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
    this.setting = false;
  }

  focus() {
    this.view.focus();
  }
}

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
    this.editor = new Editor(pre, {
      source: this.source, label: `Code of the cell ${this.id}. Shift and Enter runs it; Escape leaves it.`,
      changed: text => this.set(text), run: () => this.book.runTo(this), leave: () => this.go.focus(),
    });
    this.go = button("Run", () => this.book.runTo(this));
    this.go.setAttribute("aria-label", `Run the cell ${this.id}`);
    this.back = button("Reset", () => this.set(this.source));
    this.back.setAttribute("aria-label", `Reset the cell ${this.id} to what is printed`);
    this.back.hidden = true;
    this.said = el("span", { className: "ngd-cell-state" });
    this.code.append(el("div", { className: "ngd-cell-bar" }, this.go, this.back, this.said));
  }

  set(text) {
    if (text === this.text) return;
    this.text = text;
    this.ran = false;
    this.book.keep(this);
    if (!this.code) return;
    this.editor.set(text);
    this.code.classList.toggle("ngd-changed", this.changed);
    if (!this.changed && document.activeElement === this.back) this.editor.focus();
    this.back.hidden = !this.changed;
    this.state(this.changed ? "changed, not run" : "not run");
  }

  state(said) {
    if (this.said) this.said.textContent = said;
  }

  // Whether it ran to its end.
  async run() {
    const output = (this.output = new Output(this)), { text } = this;
    this.code?.setAttribute("aria-busy", "true");
    this.state("running …");
    try {
      const reply = await this.book.kernel.run(text, (type, content) => output.take(type, content));
      for (const { source, data } of reply.payload ?? [])
        if (source === "page") output.take("stream", { name: "stdout", text: data["text/plain"] }); // `print?` asks for its help
      output.draw(true);
      if (output.dropped) { // it is as printed again, whatever this run came to
        if (text !== this.source) this.book.other(this);
        return false;
      }
      output.bind();
      if (text !== this.source) this.book.other(this);
      if (this.tags.includes("parameters")) this.book.mark(text !== this.source);
      this.ran = reply.status === "ok" && text === this.text;
      if (reply.status === "ok" && !this.ran) { // it was changed while it ran
        this.differs = !output.same(true);
        return true;
      }
      this.differs = !output.same(true);
      const count = reply.execution_count ? `[${reply.execution_count}] ` : "";
      this.state(count + (!this.ran ? "failed" : this.differs ? "not as printed" : this.changed ? "ran" : "as printed"));
      if (this.tags.includes("checks")) this.compare(output);
      if (!this.ran) this.failure = reply.ename === "StdinNotImplementedError"
        ? `The cell ${this.id} asks for input: ${NO_INPUT}`
        : `The cell ${this.id} failed: ${`${reply.ename}: ${reply.evalue}`.replace(/: $/, "").slice(0, 200)}`;
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
    const fold = this.place ? this.code.closest("details.ngd-code") : null;
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
    mark.textContent = off ? `checked: ${off} number${off > 1 ? "s" : ""} with another result than in the text` : this.label;
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

// A question of the exercise set that asks for code: exercises.js gives it its words and keeps its
// points, Python tries it out.
const VERDICT = "application/vnd.ngd.checked+json";

class Question {
  printed = [];
  ran = false;
  differs = false;

  constructor(book, place, name) {
    Object.assign(this, { book, out: place, id: name });
  }

  // {score, kind, feedback, wrong}, or null where the code did not run to its end.
  async check(code, hints) {
    const { book } = this;
    if (!(await book.stillAsked())) return null;
    const runs = book.running === this;
    if ((runs || book.queue.includes(this)) && this.code === code) return undefined; // it is being checked
    if (runs) await book.stop(); // it was changed meanwhile
    Object.assign(this, { code, hints, verdict: null, failure: null });
    await book.run([this]);
    return this.verdict;
  }

  async run() {
    const output = (this.output = new Output(this));
    try {
      const call = `work(${JSON.stringify(this.id)}, ${JSON.stringify(this.code)}, hints=${this.hints})`;
      const reply = await this.book.kernel.run(`from ngdlib.exercises.page.code import work\n${call}`, (type, content) => {
        if (content.data?.[VERDICT]) this.verdict = content.data[VERDICT];
        else output.take(type, content);
      });
      output.draw(true);
      if (!this.verdict) this.failure = reply.status === "ok" ? "Python says below why." : `${reply.ename}: ${reply.evalue}`.slice(0, 200);
      this.told = this.verdict ? "The answer was checked." : "The answer did not run to its end.";
      return reply.status === "ok";
    } catch (error) {
      this.failure = error.message;
      return false;
    }
  }

  show(parts) {
    this.out.replaceChildren(...parts);
  }

  restore() {
    this.show([]);
  }

  state() {}
}

// Gives a question that asks for code an editor and a button, in the place of the note that it is
// worked in the notebook.
const workedHere = (book, root, work, counters) => {
  const note = root.querySelector(":scope > .ngd-note"), start = root.querySelector(":scope > .ngd-code");
  const key = note?.textContent.match(/check\("([\w-]+\.[\w-]+)", \w+\)/)?.[1];
  if (!key || !start) return;
  const number = text => Number(text.match(/[\d.]+/)?.[0] ?? 0);
  const points = number(root.querySelector(".ngd-worth").textContent);
  const hints = [...root.querySelectorAll(".ngd-hint .ngd-cost")].map(cost => ({ cost: number(cost.textContent) }));
  const form = el("form", { className: "ngd-answer" }), plot = el("div", { className: "ngd-tried" });
  form.innerHTML = `<fieldset><legend class="ngd-sr">Your answer</legend><div class="highlight"><pre>${start.innerHTML}</pre></div></fieldset>
    <div class="ngd-row"><button class="ngd-button ngd-check">Check</button>
    <button type="button" class="ngd-button ngd-again">Start again</button></div><div class="ngd-says" role="status"></div>`;
  form.append(plot);
  start.remove();
  note.replaceWith(form);
  root.querySelector(".ngd-solution > summary").insertAdjacentHTML("beforeend", '<span class="ngd-cost" hidden>, ends the points for this question</span>');
  const question = new Question(book, plot, key);
  let editor;
  work(root, { id: key.split(".")[1], kind: "function", points, hints }, key, {
    edit(form, changed) {
      const pre = form.querySelector(".highlight > pre"), source = pre.textContent, [check, again] = form.querySelectorAll("button");
      editor = new Editor(pre, {
        source, changed, label: "Code of your answer. Shift and Enter checks it; Escape leaves it.",
        run: () => form.requestSubmit(), leave: () => check.focus(),
      });
      again.onclick = () => {
        editor.set();
        changed();
        editor.focus();
      };
      return editor;
    },
    async check(hints, tell, judged) {
      const given = editor.text;
      tell("…", "asked", "Python tries it out.", "“Stop” at the top of the page ends it.");
      const result = await question.check(given, hints);
      if (result === undefined || editor.text !== given) return;
      if (result && result.kind !== "empty") return judged(result);
      const said = text => el("i", { textContent: text }).innerHTML;
      if (result) tell("?", "asked", "Not answered yet.", said(result.feedback));
      else tell("?", "asked", "It did not run to its end.", said(question.failure ?? "It was stopped."));
    },
  });
  for (const { counts, done, refresh } of counters) {
    if (!done.parentNode.matches(".ngd-progress p")) continue;
    counts.push([key, points]);
    done.nextSibling.data = " questions."; // it said how many are worked in the notebook
    refresh();
  }
};

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
  ends = 0; // how often what runs has been told to end
  others = Infinity; // the first cell that Python has run with other code than is printed

  constructor(bar, kernel, { cells, parameters }) {
    this.bar = bar;
    this.kernel = kernel;
    kernel.tell = why => this.fresh(why);
    // what these show is alive on the page already
    this.cells = cells.filter(cell => !/^(panel|boxes|progress)\(/m.test(cell.source)).map(cell => new Cell(cell, this));
    this.parameters = parameters;
    this.controls();
    this.restored = this.recall();
    this.form();
    this.questions();
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
    this.clear();
    this.others = Infinity;
    for (const cell of this.cells) {
      if (cell.ran) cell.state("ran in a Python that is gone");
      cell.ran = false;
      if (cell.out?.querySelector(".ngd-widgets")) cell.restore(); // they move nothing any more
    }
    if (why) this.say(why);
  }

  // None of those that wait is run.
  clear() {
    for (const cell of this.queue.splice(0)) cell.state(cell.changed ? "changed, not run" : cell.ran ? "" : "not run");
  }

  other(cell) {
    this.others = Math.min(this.others, this.cells.indexOf(cell));
  }

  // --- changes are kept in this browser, for each page its own

  kept(change) {
    const key = `ngd-live-${name}`;
    try {
      const texts = JSON.parse(localStorage.getItem(key) ?? "{}"); // another tab may have written
      if (!change) return texts;
      change(texts);
      if (Object.keys(texts).length) localStorage.setItem(key, JSON.stringify(texts));
      else localStorage.removeItem(key);
    } catch {
      this.lasts = "This browser keeps nothing for this page: changes last until you leave it.";
    }
    return {};
  }

  keep(cell) {
    if (this.recalling) return;
    this.kept(texts => cell.changed ? (texts[cell.id] = cell.text) : delete texts[cell.id]);
    if (this.lasts) this.say(this.lasts);
  }

  // How many cells are again as the reader left them.
  recall() {
    const texts = this.kept(), found = this.cells.filter(cell => cell.code && typeof texts[cell.id] === "string");
    this.recalling = true;
    for (const cell of found) cell.set(texts[cell.id]);
    this.recalling = false;
    return found.filter(cell => cell.changed).length;
  }

  // A cell, and first those above it that this Python has not run.
  async runTo(cell) {
    if (this.stopping && !(await this.stillAsked())) return;
    if (this.queue.includes(cell)) return;
    const above = this.cells.slice(0, this.cells.indexOf(cell)).filter(c => !c.ran && !this.queue.includes(c) && c !== this.running);
    return this.run([...above, cell]);
  }

  async run(cells) {
    if (this.stopping && !(await this.stillAsked())) return; // the interrupt is not for these
    for (const cell of cells) if (!this.queue.includes(cell) && cell !== this.running) cell.state("waiting");
    this.queue.push(...cells.filter(cell => !this.queue.includes(cell)));
    return (this.pumping ??= this.pump().finally(() => (this.pumping = null)));
  }

  async pump() {
    this.stopper.removeAttribute("aria-disabled");
    let done = 0, differ = 0, ended = "";
    try {
      while (this.queue.length) {
        const cell = (this.running = this.queue.shift());
        this.say(`Running cell ${done + 1} of ${done + 1 + this.queue.length} …`);
        const ok = await cell.run();
        if (this.stopped || !ok) {
          ended = this.stopped || cell.failure;
          if (this.queue.length && !this.stopped) ended += `${/[.!?]$/.test(ended) ? "" : "."} What follows it was not run.`;
          break;
        }
        done += 1;
        differ += cell.differs;
        ended = cell.told ?? "";
      }
    } finally {
      this.clear();
      this.running = null;
      this.stopped = "";
      clearTimeout(this.late);
      this.stopper.setAttribute("aria-disabled", "true");
    }
    const cellsRan = `${done} cell${done === 1 ? "" : "s"} ran`;
    this.say(ended || (differ ? `${cellsRan}: ${differ} ${differ === 1 ? "shows" : "show"} something else than is printed.` : `${cellsRan}: all as printed.`));
    page.dataset.ngdRan = Number(page.dataset.ngdRan ?? 0) + 1;
  }

  // What is asked for while a run is being ended waits until the interrupt has come and the run has
  // ended: it would be hit, too. What ends runs meanwhile is for those that wait as well.
  async stillAsked() {
    const { ends } = this;
    while (this.stopping) await this.stopping;
    return ends === this.ends;
  }

  until(...what) {
    const stopping = (this.stopping = Promise.allSettled([this.stopping, this.pumping, ...what]).finally(() => {
      if (this.stopping === stopping) this.stopping = null;
    }));
    return stopping;
  }

  // Ends the present run, if there is one; `then` is what the page says of it.
  stop(then = "Stopped.") {
    this.ends += 1;
    if (!this.pumping) return this.stopping;
    this.stopped = then;
    this.clear();
    this.say("Stopping …");
    clearTimeout(this.late);
    this.late = setTimeout(() => this.say("This cell does not stop when asked to. “Restart” ends it."), 3000);
    return this.until(this.kernel.interrupt()?.catch(error => this.say(error.message)));
  }

  async restart() {
    this.ends += 1;
    if (this.pumping) this.stopped = "Restarting …";
    this.say("Restarting …");
    this.fresh();
    const restarted = this.kernel.restart();
    this.until(restarted);
    try {
      await restarted;
      if (!this.pumping) this.say("Python is fresh: no cell has run in it.");
    } catch (error) {
      this.say(error.message);
    }
  }

  // Code and outputs as printed, and what was kept of them forgotten. Python keeps what it has: what it
  // has from other code than is printed runs again when it is needed.
  reset() {
    const said = "Code and outputs are as printed.";
    if (this.running?.output) this.running.output.dropped = true;
    const stopping = this.stop(said);
    for (const [k, cell] of this.cells.entries()) {
      cell.set(cell.source);
      if (cell.output) cell.output.dropped = true;
      cell.restore();
      cell.now = [];
      cell.off = 0;
      if (cell.label) cell.code.closest("details").firstElementChild.textContent = cell.label;
      if (k >= this.others) cell.ran = false;
      cell.state(cell.ran ? "" : "not run");
    }
    this.others = Infinity;
    this.kept(texts => Object.keys(texts).forEach(id => delete texts[id]));
    for (const now of document.querySelectorAll(".ngd-now")) now.remove();
    this.mark(false);
    if (location.hash.startsWith("#rerun?")) history.replaceState(null, "", location.pathname + location.search);
    this.fields?.forEach(([p, field]) => (field.value = p.default));
    if (this.fields) this.refused.textContent = this.command.textContent = "";
    this.say(said);
    return stopping;
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

  // exercises.js listens, and hands over what works a question and those who count the points.
  questions() {
    dispatchEvent(new CustomEvent("ngd-python", { detail: (work, counters) => {
      for (const root of document.querySelectorAll(".ngd-item")) workedHere(this, root, work, counters);
    } }));
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
      await this.stop();
      const at = this.cells.indexOf(cell);
      history.replaceState(null, "", changed.length ? `#rerun?${values}` : location.pathname + location.search);
      cell.set(source);
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
  const kernel = new Kernel(() => {});
  const ready = kernel.ready().then(() => null, error => error); // while the page asks for its cells
  let book;
  try {
    const chapter = await ask(`live/${name}.json`);
    if (!chapter) throw new Trouble("This page has no cells to run.");
    window.ngdBook = book = new Book(bar, kernel, chapter); // on the window for the console, and the tests
  } catch (error) {
    await ready;
    kernel.end();
    throw error;
  }
  const again = book.restored === 1 ? "A cell that you changed here is as you left it. " : book.restored ? `${book.restored} cells that you changed here are as you left them. ` : "";
  book.runner.focus({ preventScroll: true });
  book.say(`${again}Python is starting …`);
  const error = await ready;
  if (error) book.say(error.message);
  else if (!book.pumping) book.say(again ? `${again}“Reset all” forgets the changes.`
    : `Change the code and press Shift and Enter in it. What stands above runs first. ${book.lasts ?? "Changes are kept in this browser."}`);
};
