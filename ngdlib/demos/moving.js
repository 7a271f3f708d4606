// A drawing in motion. A change of the page costs the browser style, layout and paint, and on a slow
// machine that is more than a frame has; a message to a worker costs next to nothing. So where a drag
// is too much for the machine, each stage is covered by a canvas that a worker paints from the same
// attributes, and the page itself stands still until the drag rests: so a drag keeps 60 frames a second
// where the processor is four times slower. base.py puts this text before base.js.
//
//   const motion = moving(root, write)    root: holds the stages; write(node, key, value): to the page
//   motion.ready()                        makes the worker, which takes a while
//   motion.start()                        false where the browser or the drawing does not allow it
//   motion.takes(node, key, value)        true: the canvas has the change, the page gets it later
//   motion.stop()                         the page gets all that it has missed, the canvases go
//   motion.end()                          for good
//
// Paints groups, paths, circles and texts, with translate, rotate and rectangular clips.
const moving = (() => {
  /** Runs in the worker, on its own: nothing of the page is in scope. */
  const painter = () => {
    const scenes = new Map(); // stage number -> {ctx, box, top, nodes, late}
    let told; // a worker has no faces but those that it is given
    const faces = new Promise(done => (told = done));
    const take = ([family, weight, text]) => // base64: this thread has the time to read it
      new FontFace(family, Uint8Array.from(atob(text), c => c.charCodeAt(0)), { weight }).load().then(face => fonts.add(face));
    const length = text => parseFloat(text) || 0;
    const move = (ctx, transform) => {
      for (const [, kind, numbers] of transform.matchAll(/(\w+)\(([^)]*)\)/g)) {
        const [a, b = 0] = numbers.split(/[\s,]+/).map(Number);
        if (kind === "translate") ctx.translate(a, b);
        else ctx.rotate((a * Math.PI) / 180);
      }
    };
    const ink = (ctx, css) => {
      ctx.fillStyle = css.fill;
      ctx.strokeStyle = css.stroke;
      ctx.lineWidth = length(css.strokeWidth);
      ctx.lineCap = css.strokeLinecap;
      ctx.lineJoin = css.strokeLinejoin;
      ctx.setLineDash(css.strokeDasharray === "none" ? [] : css.strokeDasharray.split(/[\s,]+/).map(length));
    };
    const MARKS = {
      text(ctx, { has, css }) {
        if (!has.text) return;
        ctx.font = `${css.fontWeight} ${css.fontSize} ${css.fontFamily}`;
        ctx.textAlign = { middle: "center", end: "right" }[has["text-anchor"]] ?? "left";
        const at = [has.text, length(has.x), length(has.y) + length(has.dy) * (/em/.test(has.dy) ? length(css.fontSize) : 1)];
        if (css.stroke !== "none") ctx.strokeText(...at);
        ctx.fillText(...at);
      },
      path(ctx, { has, css }, d = new Path2D(has.d ?? "")) {
        if (css.fill !== "none") ctx.fill(d);
        if (css.stroke !== "none") ctx.stroke(d);
      },
      circle(ctx, { has, css }) {
        const d = new Path2D();
        d.arc(length(has.cx), length(has.cy), length(has.r), 0, 2 * Math.PI);
        MARKS.path(ctx, { css }, d);
      },
      g(ctx, { parts }) {
        for (const part of parts) paint(ctx, part);
      },
    };
    const paint = (ctx, node) => {
      const { has, css, clip } = node;
      if (has.display === "none" || has.visibility === "hidden") return;
      ctx.save();
      ctx.globalAlpha *= css.opacity;
      if (has.transform) move(ctx, has.transform);
      if (clip) {
        ctx.beginPath();
        ctx.rect(...clip);
        ctx.clip();
      }
      ink(ctx, css);
      MARKS[node.kind](ctx, node);
      ctx.restore();
    };
    const show = scene => {
      scene.late = 0;
      const { ctx, top, box: { wide, high, pad, ratio } } = scene, { canvas } = ctx;
      if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
      ctx.setTransform(1, 0, 0, 1, 0, 0);
      ctx.clearRect(0, 0, wide, high);
      ctx.setTransform(ratio, 0, 0, ratio, pad * ratio, pad * ratio);
      paint(ctx, top);
    };
    const number = (node, nodes = []) => {
      nodes.push(node);
      node.parts.forEach(part => number(part, nodes));
      return nodes;
    };
    onmessage = ({ data: { given, stage, canvas, box, top, changes, shown } }) => {
      if (given) told(Promise.all(given.map(take)));
      if (canvas) scenes.set(stage, { ctx: canvas.getContext("2d") });
      if (top) show(Object.assign(scenes.get(stage), { box, top, nodes: number(top) }));
      for (const [stage, node, key, value] of changes ?? []) {
        const scene = scenes.get(stage);
        scene.nodes[node].has[key] = value;
        scene.late ||= requestAnimationFrame(() => show(scene)); // many changes are painted once
      }
      // the second frame after painting begins when the first has been handed on
      if (shown) faces.then(() => {
        scenes.forEach(show);
        requestAnimationFrame(() => requestAnimationFrame(() => postMessage(shown)));
      });
    };
  };

  const KINDS = ["g", "path", "circle", "text"];
  const ATTRIBUTES = ["d", "x", "y", "r", "cx", "cy", "dy", "transform", "text-anchor", "visibility", "display"];
  const PAINTED = new Set([...ATTRIBUTES, "text"]);
  const LOOKS = ["fill", "stroke", "strokeWidth", "strokeDasharray", "strokeLinecap", "strokeLinejoin", "opacity", "fontWeight", "fontSize", "fontFamily"];
  const PAD = 24; // what a stage may draw beyond its edges
  const WORDS_EVERY = 1000; // ms from one look at the words beside the drawing to the next

  const moving = (root, write) => {
    let worker = null, state = "still", turn = 0, told = 0, queued = 0;
    let changes = [];
    const canvases = new Map(); // stage -> its canvas
    const places = new Map(); // node -> [stage number, node number]
    const missed = new Map(); // node -> {key: value} that the page has not seen
    const observer = new MutationObserver(seen => { // a drawing that makes nodes as it moves stays in the page
      if (seen.some(({ addedNodes, removedNodes }) => [...addedNodes, ...removedNodes].some(node => node.nodeType === 1))) motion.end();
    });

    /** What the painter needs of a node and all below it; throws where it could not paint it. */
    const read = (node, stage, count) => {
      const kind = node.tagName === "svg" ? "g" : node.tagName;
      if (!KINDS.includes(kind)) throw new Error(`cannot paint <${kind}>`);
      places.set(node, [stage, count.n++]);
      const css = getComputedStyle(node), url = /#([\w-]+)/.exec(node.getAttribute("clip-path") ?? "");
      const frame = url && document.getElementById(url[1]).firstChild;
      return {
        kind,
        has: Object.fromEntries([...ATTRIBUTES.filter(a => node.hasAttribute(a)).map(a => [a, node.getAttribute(a)]), ["text", kind === "text" ? node.textContent : ""]]),
        css: Object.fromEntries(LOOKS.map(look => [look, css[look]])),
        clip: frame && ["x", "y", "width", "height"].map(side => Number(frame.getAttribute(side))),
        parts: kind === "text" ? [] : [...node.children].filter(child => child.tagName !== "clipPath").map(child => read(child, stage, count)),
      };
    };
    const send = () => {
      queued = 0;
      if (changes.length) worker.postMessage({ changes });
      changes = [];
    };
    const tell = () => {
      for (const [node, values] of missed) if (!places.has(node)) {
        missed.delete(node);
        for (const key in values) write(node, key, values[key]);
      }
      told = performance.now();
    };
    const cover = (svg, stage) => {
      const message = { stage, top: read(svg, stage, { n: 0 }) };
      let canvas = canvases.get(svg);
      if (!canvas) {
        canvas = document.createElement("canvas");
        canvas.className = "ngd-moving";
        canvas.ariaHidden = "true";
        canvases.set(svg, canvas);
        root.append(canvas);
        message.canvas = canvas.transferControlToOffscreen();
      }
      // a whole number of pixels beyond the stage, so the browser moves both alike to the screen's pixels
      const ratio = devicePixelRatio, own = svg.getBoundingClientRect(), outer = root.getBoundingClientRect();
      const [wide, high] = [own.width, own.height].map(side => Math.ceil((side + 2 * PAD) * ratio));
      message.box = { wide, high, ratio, pad: PAD };
      const style = { left: own.x - outer.x - PAD, top: own.y - outer.y - PAD, width: wide / ratio, height: high / ratio };
      for (const key in style) canvas.style[key] = `${style[key]}px`;
      worker.postMessage(message, message.canvas ? [message.canvas] : []);
      observer.observe(svg, { childList: true, subtree: true });
    };
    const hire = () => {
      const url = URL.createObjectURL(new Blob([`(${painter})()`], { type: "text/javascript" }));
      worker = new Worker(url);
      worker.onmessage = ({ data }) => {
        if (state !== "starting" || data !== turn) return;
        state = "moving";
        root.dataset.moving = "";
      };
      worker.onerror = () => motion.end();
      Promise.resolve(window.ngdFaces?.() ?? []).then(given => worker.postMessage({ given }));
    };
    const motion = {
      ready() {
        try {
          if (!worker && state === "still") hire();
        } catch {
          motion.end(); // no workers here
        }
      },
      start() {
        if (state !== "still") return state !== "never";
        try {
          if (!worker) hire();
          [...root.querySelectorAll("svg.ngd-stage")].forEach(cover);
        } catch {
          motion.end(); // no workers here, or a drawing with other nodes: it goes on in the page
          return false;
        }
        state = "starting";
        told = performance.now();
        worker.postMessage({ shown: ++turn });
        moving.now = motion;
        return true;
      },
      takes(node, key, value) {
        const place = places.get(node), painted = place && PAINTED.has(key);
        if (painted) {
          changes.push([...place, key, value === false ? null : value]);
          queued ||= queueMicrotask(send) ?? 1;
        }
        const words = !place && (key === "text" || key === "value") && root.contains(node);
        if (state !== "moving" || !(painted || words)) return false;
        missed.set(node, { ...missed.get(node), [key]: value });
        if (words && performance.now() - told > WORDS_EVERY) tell();
        return true;
      },
      stop() {
        if (moving.now === motion) moving.now = null;
        if (state === "never" || state === "still") return;
        state = "still";
        observer.disconnect();
        delete root.dataset.moving;
        for (const [node, values] of missed) for (const key in values) write(node, key, values[key]);
        missed.clear();
        places.clear();
      },
      end() {
        motion.stop();
        state = "never";
        worker?.terminate();
        canvases.forEach(canvas => canvas.remove());
      },
    };
    return motion;
  };
  moving.now = null; // the motion under way, if any
  return moving;
})();
