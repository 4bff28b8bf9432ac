// A shown entry: its report, what was changed, the tools, and what can be taken away.

import { element } from "../shared/dom.js";
import { mount } from "../report/mount.js";
import { EntryMenu } from "./entry_menu.js";
import { shortened } from "./shortened.js";
import { attachTools } from "./tools/attach.js";

/** @import {AppPage} from "./app.js" */
/** @import {EntryPayload} from "./types.d.ts" */

export class EntryView {
  /**
   * Built out of sight, until `ready`.
   * @param {AppPage} app
   * @param {EntryPayload} read
   */
  constructor(app, read) {
    const { entry, payload } = read;
    this.read = read;
    this.entry = entry;
    this.app = app;
    this.node = element("div", { class: "entry", "data-entry": entry.id, hidden: true });
    app.parts.stage.append(this.node);
    const { deepLinks, keyboard, rememberTheme } = app.options;
    this.mounted = mount(this.node, payload, {
      deepLinks,
      keyboard: keyboard === "app" ? "report" : keyboard,
      rememberTheme,
      ...(entry.can_ask ? { verdictHint: "choose “Verdict” above" } : {}),
    });
    this.place = element("div", { class: "tool-place" });
    this.menu = new EntryMenu(app, entry, () => this.mounted);
    this.furnish();
    /** @type {{detach: () => void} | null} */
    this.tools = null;
    this.isGone = false;
    this.ready = this.mounted.ready.then(() => {
      if (!this.isGone) this.tools = attachTools(app, this.mounted, entry, this.place);
    });
  }

  /** Put what the app adds into the report's own places. */
  furnish() {
    const report = this.node.querySelector(".seewhy-report");
    const top = report?.querySelector(".topbar");
    top?.querySelector(".tools")?.prepend(this.menu.node);
    top?.querySelector(".source")?.after(...this.lineage());
    top?.after(this.place);
    // The answer stays where it was written: what must be known of it follows it.
    const warnings = report?.querySelector(".warnings");
    if (warnings) report?.querySelector(".hint")?.before(warnings);
  }

  /** What was changed, and the answer that it was changed from. */
  lineage() {
    const { change, parent } = this.entry;
    const before = this.app.entries.find(parent);
    if (!change && !before) return [];
    const what = element("span", { class: "lineage-change" }, change ?? "asked again");
    if (!before) return [element("p", { class: "lineage" }, what)];
    const back = element(
      "button",
      { type: "button", class: "plain", onclick: () => this.app.show(before.id) },
      `“${shortened(before.answer)}”`,
    );
    return [element("p", { class: "lineage" }, what, element("span", {}, "before:"), back)];
  }

  /** Bring it in sight. */
  reveal() {
    this.node.hidden = false;
  }

  /** Where the answer begins in the window. */
  answerTop() {
    return this.node.querySelector(".answer")?.getBoundingClientRect().top ?? 0;
  }

  /** Move the focus to the word that is looked at. */
  focus() {
    const word =
      this.node.querySelector('.answer [tabindex="0"]') ?? this.node.querySelector(".answer .unit");
    if (word instanceof HTMLElement) word.focus({ preventScroll: true });
  }

  unmount() {
    this.isGone = true;
    this.tools?.detach();
    this.menu.unmount();
    this.mounted.unmount();
    this.node.remove();
  }
}
