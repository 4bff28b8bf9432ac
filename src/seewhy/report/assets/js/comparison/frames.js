// A picture with a map over it, and a mark at the place that is pointed at in any of them.

import { context2d, element, hasModifier } from "../shared/dom.js";
import { LETTERS } from "./model.js";

/** @import {Comparison} from "./comparison.js" */

/** The longest side of a canvas in pixels, by the number of columns: about that on the screen. */
const LONGEST_SIDES = [0, 0, 440, 400, 320];
/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {Comparison} comparison
 * @param {number} column whose picture it shows
 * @param {string} [kind] "map", or "difference"
 */
export function makeFrame(comparison, column, kind = "map") {
  const image = element("img", { draggable: "false", decoding: "sync", alt: "" });
  const canvas = element("canvas");
  const mark = element("i", { class: "place-mark", hidden: true });
  const name =
    kind === "map"
      ? `Map over the picture of column ${LETTERS[column]}`
      : "Difference of two maps over the picture";
  const node = element(
    "div",
    {
      class: `frame ${kind}`,
      role: "img",
      tabindex: "0",
      "aria-label": `${name}. Arrow keys move a mark over all pictures of this size.`,
    },
    image,
    canvas,
    mark,
  );
  const frame = { node, image, canvas, mark, column, view: -1 };
  listen(comparison, frame);
  return frame;
}

/** @typedef {ReturnType<typeof makeFrame>} Frame */

/**
 * @param {Comparison} comparison
 * @param {Frame} frame
 */
function listen(comparison, frame) {
  /** @param {PointerEvent} event */
  const point = (event) => {
    const box = frame.node.getBoundingClientRect();
    const { width, height } = viewOf(comparison, frame);
    const x = ((event.clientX - box.left) / box.width) * width;
    const y = ((event.clientY - box.top) / box.height) * height;
    comparison.pointAt({ column: frame.column, x, y });
  };
  frame.node.addEventListener("pointermove", point);
  frame.node.addEventListener("pointerdown", point);
  frame.node.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && !frame.node.matches(":focus-visible")) comparison.pointAt(null);
  });
  frame.node.addEventListener("blur", () => comparison.pointAt(null));
  frame.node.addEventListener("keydown", (event) => pressed(comparison, frame, event));
}

/**
 * Move the mark by one cell.
 * @param {Comparison} comparison
 * @param {Frame} frame
 * @param {KeyboardEvent} event
 */
function pressed(comparison, frame, event) {
  if (event.key === "Escape") comparison.pointAt(null);
  const step = STEPS[event.key];
  if (!step || hasModifier(event)) return;
  event.preventDefault();
  event.stopPropagation();
  const { width, height, grid } = viewOf(comparison, frame);
  const [dx, dy] = [width / (grid.columns.length - 1), height / (grid.rows.length - 1)];
  const { x, y } = comparison.state.place ?? { x: width / 2 - step[0] * dx, y: height / 2 - step[1] * dy };
  comparison.pointAt({
    column: frame.column,
    x: Math.min(Math.max(x + step[0] * dx, 0), width - 0.5),
    y: Math.min(Math.max(y + step[1] * dy, 0), height - 0.5),
  });
}

/**
 * @param {Comparison} comparison
 * @param {Frame} frame
 */
const viewOf = ({ model }, { column, view }) => model.columns[column].views[Math.max(view, 0)];

/**
 * Show a view's picture, and give the canvas its shape.
 * @param {Comparison} comparison
 * @param {Frame} frame
 * @param {number} view
 */
export function showPicture({ model, payload }, frame, view) {
  if (frame.view === view) return;
  frame.view = view;
  const { picture, width, height } = model.columns[frame.column].views[view];
  frame.image.src = payload.sources[picture];
  frame.node.style.setProperty("--ratio", String(width / height));
  const ratio = LONGEST_SIDES[model.columns.length] / Math.max(width, height);
  frame.canvas.width = Math.max(1, Math.round(width * ratio));
  frame.canvas.height = Math.max(1, Math.round(height * ratio));
  context2d(frame.canvas);
}

/**
 * @param {Comparison} comparison
 * @param {Frame} frame
 * @param {{x: number, y: number} | null} place
 */
export function placeMark(comparison, frame, place) {
  frame.mark.hidden = place === null;
  if (place === null) return;
  const { width, height } = viewOf(comparison, frame);
  frame.mark.style.left = `${(100 * place.x) / width}%`;
  frame.mark.style.top = `${(100 * place.y) / height}%`;
}
