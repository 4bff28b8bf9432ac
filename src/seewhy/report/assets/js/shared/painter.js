// Maps over pictures: heat in the colours of a colour map, or a spotlight.

import { context2d } from "./dom.js";
import { decodeBase64 } from "./text.js";
import { axis, lineAt } from "./interpolation.js";

/** @import {DisplayMap} from "./interpolation.js" */

/**
 * How maps are drawn. `mode` is "heat", "spotlight" or "picture", `opacity` from 0 to 1.
 * @typedef {{mode: string, colours: string, opacity: number}} PaintStyle
 */
/** @typedef {{all: {width: number, height: number}[]}} PaintedViews */

/** As in overlay.py: the part of the opacity that even the lowest value gets. */
const ALPHA_FLOOR = 0.62;
const UNSEEN_ALPHA = 165; // of pixels that the model was not shown
const RAMP_COLOURS = 12;
const LEVELS = 256;

/** Red, green, blue and opacity of a value in [0, 1], each from 0 to 255.
 * @typedef {(value: number) => [number, number, number, number]} Shade */

export class Painter {
  /**
   * @param {Record<string, string>} colours by name 256 RGB triples in base64
   * @param {PaintedViews} views width and height of each, in pixels
   * @param {HTMLImageElement[]} images one for each view
   */
  constructor(colours, views, images) {
    this.views = views;
    this.images = images;
    /** @type {Record<string, Uint8Array>} */
    this.tables = {};
    for (const [name, text] of Object.entries(colours)) this.tables[name] = decodeBase64(text);
    this.scratch = context2d(document.createElement("canvas"));
    /** @type {Map<string, HTMLCanvasElement>} */
    this.reduced = new Map();
  }

  /**
   * A view's map as pixels.
   * @param {{width: number, height: number}} size of the result
   * @param {number} view
   * @param {DisplayMap} map
   * @param {PaintStyle} style
   */
  overlay({ width, height }, view, map, style) {
    const picture = this.views.all[view];
    const across = axis(map.columns, picture.width, width);
    const down = axis(map.rows, picture.height, height);
    const image = new ImageData(width, height);
    // One number for a pixel's four bytes: a map is drawn anew in every frame of a change.
    const pixels = new Uint32Array(image.data.buffer);
    const shades = packed(style.mode === "spotlight" ? spotlight(style) : this.heat(style), LEVELS);
    const stripes = packed(hatch, 2);
    const stripe = Math.max(3, Math.round(width / 110));
    for (let y = 0, at = 0; y < height; y += 1) {
      const line = lineAt(map, down, y);
      for (let x = 0; x < width; x += 1, at += 1) {
        if (!down.inside[y] || !across.inside[x]) {
          pixels[at] = stripes[Math.floor((x + y) / stripe) % 2];
          continue;
        }
        const cell = across.cell[x];
        const value = line[cell] + (line[cell + 1] - line[cell]) * across.share[x];
        pixels[at] = shades[Math.round((LEVELS - 1) * value)];
      }
    }
    return image;
  }

  /**
   * Draw a view, and a map over it if there is one, into a small canvas.
   * @param {HTMLCanvasElement} canvas
   * @param {number} view
   * @param {DisplayMap | null} map
   * @param {PaintStyle} style
   */
  thumbnail(canvas, view, map, style) {
    const context = context2d(canvas);
    const { width, height } = canvas;
    context.drawImage(this.pictureOf(view, width, height), 0, 0);
    if (!map || style.mode === "picture") return;
    Object.assign(this.scratch.canvas, { width, height });
    this.scratch.putImageData(this.overlay(canvas, view, map, style), 0, 0);
    context.drawImage(this.scratch.canvas, 0, 0);
  }

  /**
   * A view's picture at a small size, reduced once: of a large picture each time takes long.
   * @param {number} view
   * @param {number} width
   * @param {number} height
   */
  pictureOf(view, width, height) {
    const key = `${view} ${width} ${height}`;
    const known = this.reduced.get(key);
    if (known) return known;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = context2d(canvas);
    context.imageSmoothingQuality = "high";
    context.drawImage(this.images[view], 0, 0, width, height);
    this.reduced.set(key, canvas);
    return canvas;
  }

  /**
   * A colour map as a CSS gradient.
   * @param {string} name
   */
  gradient(name) {
    const colours = Array.from({ length: RAMP_COLOURS }, (_, i) => {
      const at = 3 * Math.round((255 * i) / (RAMP_COLOURS - 1));
      return `rgb(${this.tables[name].slice(at, at + 3).join(" ")})`;
    });
    return `linear-gradient(90deg, ${colours.join(", ")})`;
  }

  /**
   * @param {PaintStyle} style
   * @returns {Shade}
   */
  heat({ colours, opacity }) {
    const table = this.tables[colours];
    return (value) => {
      const colour = 3 * Math.round(255 * value);
      const alpha = 255 * opacity * (ALPHA_FLOOR + (1 - ALPHA_FLOOR) * value);
      return [table[colour], table[colour + 1], table[colour + 2], alpha];
    };
  }
}

/**
 * Shades of evenly spaced values from 0 to 1, each as the number that its four bytes are in memory.
 * @param {Shade} shade
 * @param {number} count
 */
function packed(shade, count) {
  const bytes = new Uint8ClampedArray(4 * count);
  for (let i = 0; i < count; i += 1) bytes.set(shade(i / (count - 1)), 4 * i);
  return new Uint32Array(bytes.buffer);
}

/**
 * Black over all that has low values.
 * @param {PaintStyle} style
 * @returns {Shade}
 */
function spotlight({ opacity }) {
  const darkest = 255 * Math.min(1, opacity * 1.15);
  return (value) => [0, 0, 0, darkest * (1 - value) ** 1.4];
}

/**
 * One of the grey stripes over what the model was not shown.
 * @type {Shade}
 */
function hatch(value) {
  const grey = 110 + 40 * value;
  return [grey, grey, grey, UNSEEN_ALPHA];
}
