// Boxes and points that stand in the answer: which of them a word goes with, and how they are told.

import { decimal, label, percent, point } from "../shared/text.js";

/** @import {FitData, LocationData, Payload} from "./payload.d.ts" */
/** @import {Piece} from "./types.d.ts" */

/**
 * The boxes and points of the answer; payloads of older versions do not say.
 * @param {Payload} payload
 */
export const locationsIn = (payload) => payload.locations ?? [];

/**
 * The boxes and points that a piece of the answer is a phrase of, or a coordinate, or a mark.
 * @param {Payload} payload
 * @param {Piece} piece
 */
export function locationsAt(payload, { part, unit }) {
  if (part !== "answer" || !unit) return [];
  const own = new Set(unit.tokens);
  return locationsIn(payload).filter(({ tokens, phrase_tokens }) =>
    [...tokens, ...phrase_tokens].some((token) => own.has(token)),
  );
}

/**
 * What it is called: "box 2, the cup".
 * @param {Payload} payload
 * @param {LocationData} location
 */
export function locationName(payload, location) {
  const { kind, phrase } = location;
  const same = locationsIn(payload).filter((other) => other.kind === kind);
  const number = same.length > 1 ? ` ${same.indexOf(location) + 1}` : "";
  return `${kind}${number}${phrase ? `, ${label(phrase)}` : ""}`;
}

/**
 * Where it is, in pixels of the original picture.
 * @param {LocationData} location
 */
export function whereabouts({ kind, pixels, numbers }) {
  if (!pixels) return `not placed, numbers ${numbers.join(", ") || "missing"}`;
  if (kind === "point") return `at ${point(pixels)} px`;
  return `${point(pixels)} to ${point(pixels.slice(2))} px`;
}

/**
 * How a map fits it, in words.
 * @param {LocationData} location
 * @param {FitData} fit
 */
export function fitText({ kind }, { iou, hit, distance, energy, area }) {
  if (distance === null) return "the map is empty";
  const place = kind === "point" ? "at the point" : "in the box";
  const peak = hit ? `its peak is ${place}` : `its peak is ${Math.round(distance)} px away`;
  const overlap = iou === null ? "" : `, overlap (IoU) ${decimal(iou)}`;
  const share =
    energy === null || area === null
      ? ""
      : `, ${percent(energy)} of it inside, which is ${percent(area)} of the picture`;
  return `${peak}${overlap}${share}`;
}
