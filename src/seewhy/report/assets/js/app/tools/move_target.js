// Where a region is to be moved: a copy of it over the picture, dragged or moved by arrow keys.

import { element } from "../../shared/dom.js";
import { boundsOf, boxOfCell, cellAt } from "../../shared/regions.js";

/** @import {Bounds, RegionData, XY} from "../../shared/regions.js" */
/** @import {PictureData} from "../../report/payload.d.ts" */
/** @import {Desk} from "./desk.js" */

const STEPS = 50; // along the longer side of the picture
/** @type {Record<string, XY>} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class MoveTarget {
  /**
   * @param {Desk} desk
   * @param {RegionData} region
   */
  constructor(desk, region) {
    this.desk = desk;
    this.picture = /** @type {PictureData} */ (desk.payload?.pictures[region.view]);
    this.overlay = desk.report.overlay(region.view);
    this.bounds = boxAround(region, this.picture);
    /** @type {XY} */
    this.middle = this.firstPlace();
    this.copy = element("div", {
      class: "move-copy",
      role: "application",
      "aria-roledescription": "copy of the region",
      tabindex: "0",
    });
    this.overlay.node.classList.add("move-target");
    this.overlay.node.append(this.copy);
    this.paint();
    this.listen();
    this.place(this.middle);
  }

  get size() {
    const [left, top, right, bottom] = this.bounds;
    return [right - left, bottom - top];
  }

  /** Beside the region, on the side with more room. @returns {XY} */
  firstPlace() {
    const [left, top, right, bottom] = this.bounds;
    const { width } = this.picture;
    const [w] = this.size;
    const x = (left + right) / 2;
    return [x < width / 2 ? x + Math.max(w, width / 4) : x - Math.max(w, width / 4), (top + bottom) / 2];
  }

  /** The copy shows what it copies. */
  paint() {
    const { width, height, source } = this.picture;
    const [left, top] = this.bounds;
    const [w, h] = this.size;
    const { style } = this.copy;
    style.width = `${(100 * w) / width}%`;
    style.height = `${(100 * h) / height}%`;
    style.backgroundImage = `url("${source}")`;
    style.backgroundSize = `${(100 * width) / w}% ${(100 * height) / h}%`;
    style.backgroundPosition = `${part(left, width - w)}% ${part(top, height - h)}%`;
  }

  listen() {
    const { copy, overlay } = this;
    /** @type {XY | null} */
    let grip = null;
    copy.addEventListener("pointerdown", (event) => {
      const [x, y] = overlay.toPicture(event);
      grip = [this.middle[0] - x, this.middle[1] - y];
      copy.setPointerCapture(event.pointerId);
      event.stopPropagation();
    });
    copy.addEventListener("pointermove", (event) => {
      event.stopPropagation();
      if (!grip) return;
      const [x, y] = overlay.toPicture(event);
      this.place([x + grip[0], y + grip[1]]);
    });
    for (const name of ["pointerup", "pointercancel"])
      copy.addEventListener(name, () => {
        grip = null;
      });
    copy.addEventListener("click", (event) => event.stopPropagation());
    copy.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const direction = DIRECTIONS[event.key];
    if (!direction || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const step = Math.max(this.picture.width, this.picture.height) / STEPS;
    this.place([this.middle[0] + direction[0] * step, this.middle[1] + direction[1] * step]);
  }

  /**
   * Put the copy's middle at a place; it stays on the picture.
   * @param {XY} middle
   */
  place([x, y]) {
    const { width, height } = this.picture;
    const [w, h] = this.size;
    this.middle = [within(x, w, width), within(y, h, height)];
    const [left, top] = [this.middle[0] - w / 2, this.middle[1] - h / 2];
    this.copy.style.left = `${(100 * left) / width}%`;
    this.copy.style.top = `${(100 * top) / height}%`;
    const at = `${Math.round(this.middle[0])}, ${Math.round(this.middle[1])}`;
    this.copy.setAttribute("aria-label", `Where it goes: its middle at ${at} px. Arrow keys move it.`);
  }

  remove() {
    this.overlay.remove();
  }
}

/**
 * @param {RegionData} region
 * @param {PictureData} picture
 * @returns {Bounds}
 */
function boxAround(region, picture) {
  const cell = region.kind === "point" ? cellAt(picture, region.points[0]) : -1;
  return cell < 0 ? boundsOf(region) : boxOfCell(picture, cell);
}

/**
 * The middle of a side of some length that stays within a longer one.
 * @param {number} middle
 * @param {number} length
 * @param {number} whole
 */
const within = (middle, length, whole) =>
  Math.min(Math.max(middle, Math.min(length, whole) / 2), whole - Math.min(length, whole) / 2);

/**
 * A part of a length in per cent; of no length it is nothing.
 * @param {number} at
 * @param {number} length
 */
const part = (at, length) => (length > 0 ? (100 * at) / length : 0);
