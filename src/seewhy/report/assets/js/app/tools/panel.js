// A panel of a tool: a title, what it holds, a place for its job's line, and a way to close it.

import { element } from "../../shared/dom.js";

/** @import {Child} from "../../shared/dom.js" */
/** @import {Desk} from "./desk.js" */

/**
 * Where a panel stands, what it is called, and what gets the focus back when it is closed.
 * @typedef {object} PanelTraits
 * @property {string} name class of the panel
 * @property {string} title
 * @property {HTMLElement} holder
 * @property {HTMLElement | null} opener
 */

export class Panel {
  /**
   * @param {Desk} desk
   * @param {PanelTraits} traits
   * @param {...Child} children
   */
  constructor(desk, { name, title, holder, opener }, ...children) {
    this.desk = desk;
    this.opener = opener;
    this.lifetime = new AbortController();
    /** Called when the panel is closed, its jobs cancelled. @type {(() => void)[]} */
    this.closed = [];
    this.status = element("div", { class: "tool-status" });
    const heading = element("h2", { id: desk.app.id(`tool-${name}`), tabindex: "-1" }, title);
    const close = element("button", { type: "button", class: "tool-close" }, "Close");
    close.addEventListener("click", () => this.leave());
    const head = element("header", { class: "tool-head" }, heading, close);
    this.heading = heading;
    this.body = element("div", { class: "tool-body" }, ...children);
    this.node = element(
      "section",
      { class: `tool-panel ${name}`, "aria-labelledby": heading.id },
      head,
      this.body,
      this.status,
    );
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.stopPropagation();
      this.leave();
    });
    desk.open(this);
    this.opener?.setAttribute("aria-expanded", "true");
    holder.append(this.node);
  }

  /** Close it, and give the focus back. */
  leave() {
    this.close();
    if (this.opener?.isConnected) this.opener.focus();
  }

  close() {
    if (this.lifetime.signal.aborted) return;
    this.lifetime.abort();
    for (const tell of this.closed) tell();
    this.opener?.setAttribute("aria-expanded", "false");
    this.node.remove();
    if (this.desk.panel === this) this.desk.panel = null;
  }

  /** Bring it into sight, and the keyboard to its title. */
  reach() {
    this.heading.focus({ preventScroll: true });
    this.node.scrollIntoView({ block: "nearest", behavior: "auto" });
  }

  /**
   * Run a job of this panel: it ends when the panel is closed, and `busy` are disabled until then.
   * @template {import("./types.d.ts").Job} J
   * @param {J} job
   * @param {HTMLButtonElement[]} busy
   * @param {Partial<import("./types.d.ts").RunOptions>} [options]
   */
  async run(job, busy, options = {}) {
    const { signal } = this.lifetime;
    const result = await this.desk.run(job, this.status, { ...options, signal }, busy);
    return signal.aborted ? null : result;
  }
}
