// What can be taken away of a shown entry: the report, the folder, a figure; and deleting it.

import { element } from "../shared/dom.js";
import { entryPath } from "./entries.js";
import { failureNote } from "./failures.js";
import { icon } from "./icons.js";

/** @import {AppPage} from "./app.js" */
/** @import {Entry} from "./types.d.ts" */
/** @import {Mount} from "../report/types.d.ts" */

export class EntryMenu {
  /**
   * @param {AppPage} app
   * @param {Entry} entry
   * @param {() => Mount} mounted
   */
  constructor(app, entry, mounted) {
    this.app = app;
    this.entry = entry;
    this.mounted = mounted;
    this.share = this.panel("share", "Share", icon("share"), this.shareRows());
    this.remove = this.panel("delete", "Delete", icon("bin"), this.deleteRows());
    this.node = element("div", { class: "entry-menu" }, this.share.node, this.remove.node);
    this.lifetime = new AbortController();
    const { signal } = this.lifetime;
    app.root.addEventListener("pointerdown", (event) => this.leave(event), { signal });
  }

  /**
   * A button that unfolds a panel beneath it.
   * @param {string} name
   * @param {string} label
   * @param {Node} picture
   * @param {HTMLElement[]} rows
   */
  panel(name, label, picture, rows) {
    const panel = element(
      "div",
      { class: "menu-panel", id: this.app.id(`${name}-${this.entry.id}`), hidden: true },
      ...rows,
    );
    const button = element(
      "button",
      {
        type: "button",
        class: `menu-button ${name}`,
        "aria-expanded": "false",
        "aria-controls": panel.id,
        title: label,
      },
      picture,
      element("span", {}, label),
    );
    const set = (/** @type {boolean} */ open) => {
      panel.hidden = !open;
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", () => {
      const open = panel.hidden;
      this.close();
      set(open);
      if (open) panel.querySelector("button")?.focus();
    });
    const node = element("div", { class: "menu" }, button, panel);
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || panel.hidden) return;
      event.stopPropagation();
      set(false);
      button.focus();
    });
    return { node, panel, button, set };
  }

  close() {
    for (const { set } of [this.share, this.remove]) set(false);
  }

  unmount() {
    this.lifetime.abort();
  }

  /** @param {Event} event */
  leave(event) {
    if (event.target instanceof Node && !this.node.contains(event.target)) this.close();
  }

  shareRows() {
    const path = entryPath(this.entry.id);
    this.told = element("div", { class: "menu-told" });
    return [
      this.row("Report", "One HTML file that opens anywhere, without a network.", () =>
        this.save(`${path}/report.html`, "report.html"),
      ),
      this.row(
        "Folder",
        "A zip with the maps, the numbers and the pictures. It can be opened here again.",
        () => this.save(`${path}/folder.zip`, "explanation.zip"),
      ),
      this.row("Figure", "A PDF for a paper, of the word that is looked at.", () => {
        const words = this.mounted().report.word ?? "";
        return this.save(`${path}/figure?words=${words}&format=pdf&layout=row`, "figure.pdf");
      }),
      this.told,
    ];
  }

  /**
   * @param {string} name
   * @param {string} hint
   * @param {() => void} run
   */
  row(name, hint, run) {
    return element(
      "button",
      { type: "button", class: "menu-row", onclick: run },
      element("b", {}, name),
      element("span", {}, hint),
    );
  }

  deleteRows() {
    const keep = () => {
      this.remove.set(false);
      this.remove.button.focus();
    };
    return [
      element("p", {}, "Delete this answer for good?"),
      element(
        "p",
        { class: "failure-actions" },
        element(
          "button",
          { type: "button", class: "danger", onclick: () => this.app.remove(this.entry.id) },
          "Delete",
        ),
        element("button", { type: "button", onclick: keep }, "Keep"),
      ),
    ];
  }

  /**
   * @param {string} path
   * @param {string} name
   */
  async save(path, name) {
    this.told?.replaceChildren(element("p", {}, "Preparing the file …"));
    try {
      await this.app.download(path, name);
      this.told?.replaceChildren();
      this.app.announce(`${name} is saved`);
    } catch (error) {
      this.told?.replaceChildren(failureNote(error));
    }
  }
}
