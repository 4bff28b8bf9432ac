// The pictures and clips of the question: each is sent as soon as it is chosen.

import { element } from "../shared/dom.js";
import { asAppError } from "./failures.js";
import { drawSlot } from "./slot.js";

/** @import {Slot} from "./slot.js" */
/** @import {Example, Transport, UploadedPicture} from "./types.d.ts" */
/** @typedef {{transport: Transport, upload: (file: File) => Promise<UploadedPicture>}} Uploads */

export class Pictures {
  /**
   * @param {HTMLElement} list
   * @param {Uploads} uploads
   * @param {{changed: () => void, emptied: () => void}} tell `changed` after every change, `emptied`
   * after the last one was taken back
   */
  constructor(list, uploads, { changed, emptied }) {
    this.list = list;
    this.uploads = uploads;
    this.changed = changed;
    this.emptied = emptied;
    /** @type {Slot[]} */
    this.slots = [];
  }

  /** @param {File[]} files */
  add(files) {
    for (const file of files) {
      const isPicture = file.type.startsWith("image/");
      const preview = isPicture ? URL.createObjectURL(file) : "";
      this.send(file.name || "picture", preview, isPicture, () => this.uploads.upload(file));
    }
  }

  /** @param {Example} example */
  async addExample({ id, title, url }) {
    const { transport } = this.uploads;
    const preview = await transport.address(url).catch(() => "");
    this.send(title, preview, false, () =>
      transport.post(`/api/examples/${encodeURIComponent(id)}`),
    );
  }

  /**
   * Take the place of all that is there.
   * @param {UploadedPicture[]} pictures that the server has
   */
  replace(pictures) {
    for (const slot of this.slots) release(slot);
    this.slots = [];
    for (const picture of pictures) this.send(picture.name, "", false, async () => picture);
    this.draw();
  }

  /**
   * @param {string} name
   * @param {string} preview
   * @param {boolean} isOwn
   * @param {() => Promise<UploadedPicture>} send
   */
  send(name, preview, isOwn, send) {
    const node = element("li", { class: "slot" });
    /** @type {Slot} */
    const slot = {
      name,
      preview,
      isOwn,
      picture: null,
      error: null,
      sent: Promise.resolve(),
      send,
      node,
    };
    this.slots.push(slot);
    this.sendSlot(slot);
    this.draw();
  }

  /** @param {Slot} slot */
  sendSlot(slot) {
    slot.error = null;
    slot.sent = slot.send().then(
      (picture) => this.arrived(slot, picture),
      (error) => {
        slot.error = asAppError(error);
        this.drawSlot(slot);
        this.changed();
      },
    );
    this.drawSlot(slot);
    this.changed();
  }

  /**
   * @param {Slot} slot
   * @param {UploadedPicture} picture
   */
  async arrived(slot, picture) {
    slot.picture = picture;
    // What this page drew itself stays: it is the same picture, and it is there.
    if (!slot.isOwn)
      slot.preview = await this.uploads.transport.address(picture.url).catch(() => "");
    this.drawSlot(slot);
    this.changed();
  }

  /** @param {Slot} slot */
  remove(slot) {
    const at = this.slots.indexOf(slot);
    if (at < 0) return;
    this.slots.splice(at, 1);
    release(slot);
    this.draw();
    const next = this.slots[Math.min(at, this.slots.length - 1)];
    if (next) focusOn(next.node.querySelector(".slot-remove"));
    else this.emptied();
  }

  draw() {
    this.list.replaceChildren(...this.slots.map(({ node }) => node));
    this.list.dataset.count = String(this.slots.length);
    this.changed();
  }

  /** @param {Slot} slot */
  drawSlot(slot) {
    drawSlot(slot, {
      remove: () => this.remove(slot),
      again: () => this.sendSlot(slot),
      unknown: () => this.showServers(slot),
    });
  }

  /**
   * A format that the browser does not know is shown as the server made it anew.
   * @param {Slot} slot
   */
  async showServers(slot) {
    const wasOwn = slot.isOwn;
    release(slot);
    if (slot.picture && wasOwn) await this.arrived(slot, slot.picture);
    else this.drawSlot(slot);
    this.changed();
  }

  /** Wait until all are known to be there. */
  async allSent() {
    await Promise.all(this.slots.map(({ sent }) => sent));
  }

  /** Those that the server has, in order. */
  get pictures() {
    return this.slots.flatMap(({ picture }) => (picture ? [picture] : []));
  }

  get hasFailed() {
    return this.slots.some(({ error }) => error !== null);
  }

  release() {
    for (const slot of this.slots) release(slot);
  }
}

/** @param {Slot} slot */
function release(slot) {
  if (slot.isOwn) URL.revokeObjectURL(slot.preview);
  slot.preview = "";
  slot.isOwn = false;
}

/** @param {Element | null} node */
function focusOn(node) {
  if (node instanceof HTMLElement) node.focus();
}
