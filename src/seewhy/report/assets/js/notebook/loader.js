// The entry of every widget, for anywidget. It is small, since it is saved with each widget's state:
// the page's code and data come from the kernel, once for each page that shows them.

/** @import {AnyModel, PageModule, Reply} from "./types.d.ts" */

const PAUSE = 3000;
const KEY = Symbol.for("seewhy.pages");

/**
 * Show the static picture at once, and the live page as soon as the kernel has sent it.
 * @param {{ model: AnyModel, el: HTMLElement }} cell
 */
function render({ model, el }) {
  // Shortcuts of JupyterLab and of the classic notebook must not act on keys that are typed here.
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  const { Jupyter } = /** @type {any} */ (globalThis);
  Jupyter?.keyboard_manager?.register_events?.(el);
  const host = document.createElement("div");
  el.append(host);
  const root = host.attachShadow({ mode: "open" });
  const note = document.createElement("p");
  note.setAttribute("style", "all: initial; display: block; font: 13px system-ui; opacity: 0.7; color: inherit");
  root.append(...stillOf(model), note);
  const waiting = setTimeout(() => {
    note.textContent = "The live view waits for the kernel. If it has ended, run this cell again.";
  }, PAUSE);
  /** @type {(() => void)[]} */
  const ends = [() => clearTimeout(waiting), () => host.remove()];
  let ended = false;
  start(model, root, ends)
    .then(() => ended && ends.forEach((end) => end()))
    .catch((error) => {
      note.textContent = `The live view cannot be shown: ${error.message}`;
    })
    .finally(() => clearTimeout(waiting));
  return () => {
    ended = true;
    ends.forEach((end) => end());
  };
}

/**
 * The picture that stands where nothing is alive.
 * @param {AnyModel} model
 */
function stillOf(model) {
  const source = model.get("still");
  if (!source) return [];
  const image = new Image();
  image.src = source;
  image.alt = model.get("text");
  image.width = model.get("width");
  image.setAttribute("style", "max-width: 100%; height: auto; display: block");
  return [image];
}

/**
 * @param {AnyModel} model
 * @param {ShadowRoot} root
 * @param {(() => void)[]} ends gets what must be done when the cell goes
 */
async function start(model, root, ends) {
  const { module, style } = await pageOf(model);
  const page = await module.show(model, root, style);
  ends.push(page.unmount);
}

/**
 * The code and style of a widget's page; a notebook fetches each once.
 * @param {AnyModel} model
 * @returns {Promise<{ module: PageModule, style: string }>}
 */
function pageOf(model) {
  const store = /** @type {any} */ (globalThis);
  const pages = (store[KEY] ??= new Map());
  const version = model.get("version");
  if (!pages.has(version)) {
    const loading = load(model);
    pages.set(version, loading);
    loading.catch(() => pages.delete(version));
  }
  return pages.get(version);
}

/** @param {AnyModel} model */
async function load(model) {
  const { buffers } = await ask(model, "code");
  const [script, style] = await Promise.all(buffers.map(text));
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  try {
    return { module: await import(address), style };
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * @param {AnyModel} model
 * @param {string} what
 * @returns {Promise<Reply>}
 */
function ask(model, what) {
  const id = crypto.randomUUID?.() ?? `${Math.random()}`;
  return new Promise((resolve) => {
    /** @type {(content: any, buffers: DataView[]) => void} */
    const answer = (content, buffers) => {
      if (content.id !== id) return;
      model.off("msg:custom", answer);
      resolve({ content, buffers });
    };
    model.on("msg:custom", answer);
    model.send({ id, ask: what });
  });
}

/** @param {DataView} buffer text that is packed with gzip */
function text(buffer) {
  const packed = new Blob([/** @type {DataView<ArrayBuffer>} */ (buffer)]).stream();
  return new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
}

export default { render };
