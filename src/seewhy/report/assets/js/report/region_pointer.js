// Drawing a region by mouse, pen or finger: a box, a lasso, a point; moving it, resizing it.

import { boundsOf, holds, movedRegion } from "../shared/regions.js";

/** @import {RegionData, XY} from "../shared/regions.js" */
/** @import {RegionLayer} from "./region_marks.js" */
/** @import {Report} from "./report.js" */
/** What a pointer does until it is released: the region at a place.
 * @typedef {(xy: XY) => RegionData | null} Gesture */

const TAP_PX = 5; // a pointer that moved less was not dragged
const LASSO_STEP_PX = 3; // between two corners of a lasso
const MOST_CORNERS = 500; // of a lasso; then every second one goes

/**
 * @param {Report} report
 * @param {RegionLayer} layer
 */
export function listenToRegionPointer(report, layer) {
  const { surface } = layer;
  const { regions } = report;
  /** @type {Drag | null} */
  let drag = null;
  layer.begin = (event) => {
    if (drag) return;
    drag = new Drag(report, layer, event);
    surface.setPointerCapture(event.pointerId);
    focusQuietly(surface);
  };
  surface.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    if (event.button === 0) layer.begin(event);
  });
  surface.addEventListener("pointermove", (event) => {
    // Without a region the words of the cell are told, as they are outside of the mode.
    if (drag || regions.region) event.stopPropagation();
    drag?.move(event);
  });
  surface.addEventListener("pointerup", (event) => {
    drag?.end(event);
    drag = null;
  });
  surface.addEventListener("pointercancel", () => {
    drag?.cancel();
    drag = null;
  });
  surface.addEventListener("click", (event) => event.stopPropagation());
}

/**
 * Outside of the mode: a mouse that is dragged over a picture draws a box, and so begins the mode.
 * A finger that is dragged scrolls the page.
 * @param {Report} report
 * @param {HTMLElement} frame
 * @param {RegionLayer} layer
 */
export function listenToDragging({ regions }, frame, layer) {
  /** @type {PointerEvent | null} */
  let pressed = null;
  frame.addEventListener("pointerdown", (event) => {
    pressed = !regions.isOn && event.pointerType === "mouse" && event.button === 0 ? event : null;
  });
  frame.addEventListener("pointermove", (event) => {
    if (!pressed || regions.isOn) return;
    const isHeld = (event.buttons & 1) === 1;
    const far = Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY);
    if (isHeld && far <= TAP_PX) return;
    const start = pressed;
    pressed = null;
    if (!isHeld) return;
    regions.open("box");
    if (regions.isOn) layer.begin(start);
  });
}

/**
 * Give an element the focus without a ring, which is for the keyboard.
 * @param {HTMLElement} node
 */
export function focusQuietly(node) {
  const options = { preventScroll: true, focusVisible: false };
  node.focus(options);
}

class Drag {
  /**
   * @param {Report} report
   * @param {RegionLayer} layer
   * @param {PointerEvent} event
   */
  constructor(report, layer, event) {
    this.report = report;
    this.layer = layer;
    this.before = report.regions.region;
    this.start = this.toPicture(event);
    this.from = [event.clientX, event.clientY];
    this.isDragged = false;
    this.gesture = this.gestureAt(event);
    report.actions.hoverCell(null);
  }

  /** @param {PointerEvent} event */
  gestureAt(event) {
    const corner = event.target instanceof HTMLElement ? event.target.dataset.corner : undefined;
    const region = this.before?.view === this.view ? this.before : null;
    if (region && corner) return resizing(region, corner);
    if (region && region.kind !== "mask" && holds(region, this.start))
      return moving(region, this.start, this.picture);
    const { shape } = this.report.regions;
    if (shape === "point") return pointing(this.view);
    if (shape === "box") return boxing(this.view, this.start);
    return lassoing(this.view, this.start, this.step);
  }

  get view() {
    return this.layer.shown.view;
  }

  get picture() {
    return this.report.views.all[this.view];
  }

  /** The least distance of a lasso's corners, in pixels of the picture. */
  get step() {
    const { width } = this.layer.surface.getBoundingClientRect();
    return (LASSO_STEP_PX * this.picture.width) / Math.max(width, 1);
  }

  /**
   * @param {PointerEvent} event
   * @returns {XY}
   */
  toPicture(event) {
    return toPicture(this.layer.surface, this.picture, event);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const far = Math.hypot(event.clientX - this.from[0], event.clientY - this.from[1]);
    this.isDragged ||= far > TAP_PX;
    if (this.isDragged) this.report.regions.set(this.gesture(this.toPicture(event)), false);
  }

  /**
   * A tap is a point, whatever is drawn otherwise; on the region itself it changes nothing.
   * @param {PointerEvent} event
   */
  end(event) {
    const xy = this.toPicture(event);
    const { regions } = this.report;
    if (this.isDragged) regions.set(finished(this.gesture(xy)) ?? this.before);
    else if (!this.before || this.before.view !== this.view || !holds(this.before, xy))
      regions.set(pointing(this.view)(xy));
  }

  cancel() {
    this.report.regions.set(this.before);
  }
}

/**
 * The place beneath a pointer in pixels of the picture, moved onto the picture.
 * @param {Element} node that covers the picture
 * @param {{width: number, height: number}} size
 * @param {{clientX: number, clientY: number}} event
 * @returns {XY}
 */
export function toPicture(node, { width, height }, { clientX, clientY }) {
  const box = node.getBoundingClientRect();
  /** @param {number} part @param {number} size */
  const within = (part, size) => Math.min(Math.max(part, 0), 1) * size;
  return [
    within((clientX - box.left) / Math.max(box.width, 1), width),
    within((clientY - box.top) / Math.max(box.height, 1), height),
  ];
}

/** @param {number} view @param {XY} start @returns {Gesture} */
const boxing = (view, start) => (xy) => ({ view, kind: "box", points: corners(start, xy) });

/** @param {number} view @returns {Gesture} */
const pointing = (view) => (xy) => ({ view, kind: "point", points: [xy] });

/** @param {number} view @param {XY} start @param {number} step @returns {Gesture} */
function lassoing(view, start, step) {
  let points = [start];
  let least = step;
  return (xy) => {
    const [x, y] = points[points.length - 1];
    if (Math.hypot(xy[0] - x, xy[1] - y) >= least) points.push(xy);
    if (points.length > MOST_CORNERS) {
      points = points.filter((_, i) => i % 2 === 0);
      least *= 2;
    }
    return points.length < 3 ? null : { view, kind: "polygon", points: [...points] };
  };
}

/**
 * @param {RegionData} region
 * @param {XY} start
 * @param {{width: number, height: number}} size
 * @returns {Gesture}
 */
const moving = (region, start, size) => (xy) =>
  movedRegion(region, xy[0] - start[0], xy[1] - start[1], size);

/**
 * One corner follows the pointer, the opposite one stays.
 * @param {RegionData} region
 * @param {string} corner
 * @returns {Gesture}
 */
function resizing(region, corner) {
  const [left, top, right, bottom] = boundsOf(region);
  /** @type {XY} */
  const fixed = [corner.includes("w") ? right : left, corner.includes("n") ? bottom : top];
  return (xy) => ({ ...region, points: corners(fixed, xy) });
}

/**
 * Two opposite corners as left top and right bottom.
 * @param {XY} one
 * @param {XY} other
 * @returns {XY[]}
 */
export const corners = ([x1, y1], [x2, y2]) => [
  [Math.min(x1, x2), Math.min(y1, y2)],
  [Math.max(x1, x2), Math.max(y1, y2)],
];

/**
 * A region that has an area, or null.
 * @param {RegionData | null} region
 */
function finished(region) {
  if (!region || region.kind === "point") return region;
  const [left, top, right, bottom] = boundsOf(region);
  return right - left >= 1 && bottom - top >= 1 ? region : null;
}
