// One picture of the question: what it looks like, what it is, and whether the server has it.

import { element } from "../shared/dom.js";
import { icon } from "./icons.js";

/** @import {AppError} from "./failures.js" */
/** @import {UploadedPicture} from "./types.d.ts" */

/**
 * A picture that was chosen; `picture` once the server has it, `error` if it does not take it.
 * @typedef {object} Slot
 * @property {string} name
 * @property {string} preview address of what is shown, or nothing yet
 * @property {boolean} isOwn whether the preview is an address that this page made
 * @property {UploadedPicture | null} picture
 * @property {AppError | null} error
 * @property {Promise<void>} sent settled when it is known
 * @property {() => Promise<UploadedPicture>} send
 * @property {HTMLLIElement} node
 */

/**
 * @param {Slot} slot
 * @param {{remove: () => void, again: () => void, unknown: () => void}} does `again` sends it once more,
 * `unknown` is called where the browser cannot show it
 */
export function drawSlot(slot, does) {
  const { name, picture, error, node } = slot;
  if (!node.hasChildNodes()) furnish(slot, does.remove);
  node.dataset.state = error ? "failed" : picture ? "sent" : "sending";
  const [frame, facts, told] = [".slot-frame", ".slot-facts", ".slot-error"].map((part) =>
    node.querySelector(part),
  );
  if (facts) facts.textContent = factsOf(slot);
  told?.replaceChildren(...(error ? trouble(error, does.again) : []));
  if (!(frame instanceof HTMLElement) || frame.dataset.shown === slot.preview) return;
  frame.dataset.shown = slot.preview;
  if (!slot.preview) return frame.replaceChildren(icon(picture?.kind ?? "picture"));
  const image = element("img", {
    src: slot.preview,
    alt: name,
    decoding: "async",
    draggable: "false",
  });
  image.addEventListener("error", does.unknown, { once: true });
  frame.replaceChildren(element("span", { class: "slot-picture" }, image));
}

/** Failures of the moment: the same file may be taken the next time. */
const PASSING = new Set(["unreachable", "busy", "429", "internal", "storage"]);

/**
 * @param {AppError} error
 * @param {() => void} again
 */
function trouble({ kind, message }, again) {
  if (!PASSING.has(kind)) return [message];
  return [
    message,
    " ",
    element("button", { type: "button", class: "plain", onclick: again }, "Try again"),
  ];
}

/**
 * @param {Slot} slot
 * @param {() => void} remove
 */
function furnish({ name, node }, remove) {
  const traits = { type: "button", class: "round slot-remove", "aria-label": `Remove ${name}` };
  const caption = element(
    "p",
    { class: "slot-name" },
    element("span", { class: "slot-title", dir: "auto", title: name }, name),
    element("span", { class: "slot-facts number" }),
  );
  node.append(
    element("div", { class: "slot-frame" }),
    caption,
    element("p", { class: "slot-error", role: "alert" }),
    element("button", { ...traits, title: "Remove", onclick: remove }, icon("close")),
  );
}

/** @param {Slot} slot */
function factsOf({ picture, error }) {
  if (error) return "";
  if (!picture) return "sending …";
  return `${picture.kind === "clip" ? "clip, " : ""}${picture.width} × ${picture.height}`;
}
