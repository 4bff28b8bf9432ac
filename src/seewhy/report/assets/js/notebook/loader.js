// The entry of every widget, for anywidget. It is small, since it is saved with each widget's state:
// the page's code and data come from the kernel, once for each page that shows them.

/** @import {AnyModel, PageModule, Reply} from "./types.d.ts" */

const PAUSE = 3000;
/** How far around a page its picture is looked for: a cell is no larger. */
const LEVELS = 8;
/** One output of a cell, in JupyterLab, the classic notebook and VS Code. */
const OUTPUTS = ".jp-OutputArea-child, .output_area, .output_container";
const KEY = Symbol.for("seewhy.pages");

/**
 * Show the live page as soon as the kernel has sent it; then the picture above it can go.
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
  root.append(note);
  const waiting = setTimeout(() => {
    note.textContent = "The live page waits for the kernel. If it has ended, run this cell again.";
  }, PAUSE);
  /** @type {(() => void)[]} */
  const ends = [() => clearTimeout(waiting), () => host.remove()];
  let ended = false;
  start(model, root, ends)
    .then(() => {
      if (ended) ends.forEach((end) => end());
      else ends.push(hidePicture(el, model.get("picture")));
    })
    .catch((error) => {
      note.textContent = `The live page cannot be shown: ${error.message}`;
    })
    .finally(() => clearTimeout(waiting));
  return () => {
    ended = true;
    ends.forEach((end) => end());
  };
}

/**
 * Hide the static picture that stands in the same cell, before the page.
 * @param {HTMLElement} el
 * @param {[number, number] | []} size of the picture in its own pixels
 * @returns {() => void} brings it back
 */
function hidePicture(el, [width, height]) {
  /** @param {HTMLImageElement} image */
  const fits = (image) =>
    image.naturalWidth === width &&
    image.naturalHeight === height &&
    Boolean(el.compareDocumentPosition(image) & Node.DOCUMENT_POSITION_PRECEDING);
  let area = el.parentElement;
  for (let level = 0; area && level < LEVELS; area = area.parentElement, level += 1) {
    const image = [...area.querySelectorAll("img")].filter(fits).at(-1);
    if (!image) continue;
    const output = image.closest(OUTPUTS);
    const hidden = output instanceof HTMLElement && !output.contains(el) ? output : image;
    const before = hidden.style.display;
    hidden.style.display = "none";
    return () => {
      hidden.style.display = before;
    };
  }
  return () => {};
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
