// One mounted page of an audit: its payload, its state, and the parts that draw them.

import { Painter } from "../shared/painter.js";
import { mountRoot } from "../shared/root.js";
import { renderFacts } from "../shared/sections.js";
import { applyTheme } from "../shared/theme.js";
import { connectFilters, renderFilters } from "./filter_bar.js";
import { readFragment, writeFragment } from "./fragment.js";
import { renderFinding, renderSources } from "./finding.js";
import { layout } from "./layout.js";
import { renderReasons } from "./reasons.js";
import { connectShortcuts } from "./shortcuts.js";
import { ROWS_STEP, WORDS_STEP, initialState } from "./state.js";
import { connectTables, renderTables } from "./tables.js";
import { renderTruth } from "./truth.js";
import { connectWorst, renderWorst } from "./worst.js";

/** @import {RadioGroup} from "../shared/radios.js" */
/** @import {AuditPayload} from "./payload.d.ts" */
/** @import {Filters, Options, TableName} from "./types.d.ts" */

/** @type {Required<Omit<Options, "idPrefix">>} */
const DEFAULTS = { deepLinks: false, keyboard: "mount", theme: "system", rememberTheme: false };

/** @type {TableName[]} */
const TABLES = ["cause", "word", "category", "role", "prompt"];

export class Audit {
  /**
   * @param {Element} container
   * @param {AuditPayload} payload
   * @param {Options} options
   */
  constructor(container, payload, options) {
    const { root, themed, id } = mountRoot(container, "seewhy-audit", options.idPrefix);
    this.root = root;
    this.id = id;
    this.payload = payload;
    this.options = { ...DEFAULTS, ...options };
    this.abort = new AbortController();
    this.state = initialState(this.tables[0] ?? "word");
    /** Changes between map and picture. */
    this.nextPicture = () => {};
    /** @type {RadioGroup | null} */
    this.tableChoice = null;
    /** @type {RadioGroup | null} */
    this.orderChoice = null;
    this.painter = new Painter(payload.colours, { all: payload.answers }, []);
    this.parts = layout(id, payload);
    root.append(...this.parts.nodes);
    this.toggleTheme = applyTheme(themed, this.options.theme, this.options.rememberTheme);
    this.parts.theme.addEventListener("click", this.toggleTheme);
    this.start();
  }

  /** Listeners outside the mount end with this. */
  get signal() {
    return this.abort.signal;
  }

  /** The tables that have rows. */
  get tables() {
    const { causes, tables } = this.payload;
    const rows = (/** @type {TableName} */ name) => (name === "cause" ? causes : tables[name]);
    return TABLES.filter((name) => rows(name)?.length);
  }

  start() {
    const { parts, payload } = this;
    if (this.options.deepLinks) readFragment(this);
    renderFinding(this);
    renderSources(this);
    renderTruth(this);
    renderReasons(this);
    renderFacts(parts.provenance, Object.entries(payload.made));
    connectFilters(this);
    connectWorst(this);
    connectTables(this);
    connectShortcuts(this);
    if (this.options.deepLinks) this.followAddress();
    this.render();
  }

  /** Draw again what depends on filters and orders. */
  render() {
    renderFilters(this);
    renderWorst(this);
    renderTables(this);
  }

  /**
   * Change some filters, and draw again from the top of the list.
   * @param {Partial<Filters>} changed
   */
  filter(changed) {
    Object.assign(this.state.filters, changed);
    this.state.words = WORDS_STEP;
    this.state.rows = ROWS_STEP;
    this.changed();
  }

  /** Draw what has changed, and keep it in the address. */
  changed() {
    this.render();
    if (this.options.deepLinks) writeFragment(this);
  }

  /** Bring the list of words into sight. */
  goToWorst() {
    const title = this.parts.worstPart.querySelector("h2");
    title?.scrollIntoView({ block: "start" });
    title?.focus({ preventScroll: true });
  }

  followAddress() {
    const follow = () => {
      readFragment(this);
      this.orderChoice?.set(this.state.order);
      this.tableChoice?.set(this.state.table);
      this.render();
    };
    window.addEventListener("hashchange", follow, { signal: this.signal });
  }

  unmount() {
    this.abort.abort();
    this.root.remove();
  }
}
