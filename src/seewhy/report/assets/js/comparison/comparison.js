// One mounted comparison: its payload, what is looked at, and the parts that draw it.

import { hasModifier } from "../shared/dom.js";
import { Painter } from "../shared/painter.js";
import { mountRoot } from "../shared/root.js";
import { percent } from "../shared/text.js";
import { applyTheme } from "../shared/theme.js";
import { makeAnswer, renderAnswers, renderTints } from "./answers.js";
import { makeColumn, renderColumns, renderPlace } from "./columns.js";
import { makeControls } from "./controls.js";
import { layout } from "./layout.js";
import { readLink, writeLink } from "./link.js";
import { LETTERS, Model } from "./model.js";
import { makePairPanel, renderPair, renderPairPlace, summaryTable } from "./pair_panel.js";

/** @import {ComparisonPayload} from "./payload.d.ts" */
/** @import {Options, Place, State} from "./types.d.ts" */

export class Comparison {
  /**
   * @param {Element} container
   * @param {ComparisonPayload} payload
   * @param {Options} options
   */
  constructor(container, payload, options) {
    const { root, themed, id } = mountRoot(container, "seewhy-comparison", options.idPrefix);
    this.lifetime = new AbortController();
    this.signal = this.lifetime.signal;
    this.root = root;
    this.id = id;
    this.payload = payload;
    this.options = options;
    this.model = new Model(payload);
    this.colours = Object.keys(payload.colours)[0];
    this.painters = payload.columns.map(({ views }) => new Painter(payload.colours, { all: views }, []));
    const first = this.model.rows.length ? this.model.firstRow() : 0;
    /** @type {State} */
    this.state = {
      row: first,
      fixed: first,
      pair: 0,
      isSwapped: false,
      scale: "answer",
      view: null,
      place: null,
    };
    const toggle = applyTheme(themed, options.theme ?? "system", options.rememberTheme ?? false);
    const own = payload.columns.map((_, column) => column);
    this.answers = (this.model.isOneAnswer ? [0] : own).map((column) => makeAnswer(this, column));
    this.columns = own.map((column) =>
      makeColumn(this, column, this.model.isOneAnswer ? null : this.answers[column]),
    );
    this.pairPanel = makePairPanel(this);
    this.controls = makeControls(this);
    this.parts = layout(this, toggle, summaryTable(this));
    root.append(...this.parts.nodes);
    root.addEventListener("keydown", (event) => this.pressed(event));
    if (options.keyboard === "page") {
      addEventListener("keydown", (event) => this.pressed(event), { signal: this.signal });
    }
  }

  /** Draw it, once its pictures can be drawn. */
  async start() {
    if (this.options.deepLinks) {
      readLink(this);
      addEventListener("hashchange", () => readLink(this) && this.render(), { signal: this.signal });
    }
    this.render();
    const images = this.root.querySelectorAll("img");
    await Promise.all(Array.from(images, (image) => image.decode().catch(() => {})));
  }

  /** Draw everything that depends on what is looked at. */
  render() {
    if (!this.model.rows.length) return;
    this.controls.show();
    renderTints(this);
    this.renderWord();
  }

  /** Draw what depends on the word, on the scale and on the view. */
  renderWord() {
    renderAnswers(this);
    renderColumns(this);
    renderPair(this);
    this.renderPlace();
  }

  renderPlace() {
    renderPlace(this);
    renderPairPlace(this);
  }

  /**
   * Look at a row, while it is pointed at.
   * @param {number} row
   */
  look(row) {
    if (row === this.state.row || !this.model.rows[row]) return;
    this.state.row = row;
    this.renderWord();
  }

  /**
   * Look at a row, and stay there.
   * @param {number} row
   */
  choose(row) {
    if (!this.model.rows[row]) return;
    this.look(row);
    this.state.fixed = row;
    this.parts.live.textContent = this.announcement();
    writeLink(this);
  }

  /**
   * @param {number} pair
   * @param {boolean} isSwapped
   */
  choosePair(pair, isSwapped) {
    Object.assign(this.state, { pair, isSwapped });
    renderTints(this);
    renderPair(this);
    this.renderPlace();
    writeLink(this);
  }

  /** @param {Partial<State>} change of scale or view */
  set(change) {
    Object.assign(this.state, change);
    this.renderWord();
    writeLink(this);
  }

  /** @param {Place | null} place */
  pointAt(place) {
    this.state.place = place;
    this.renderPlace();
  }

  get pair() {
    return this.model.pairs[this.state.pair];
  }

  get isSwapped() {
    return this.state.isSwapped;
  }

  /** The pair's columns: the second is the one that the first is subtracted from. */
  get columnsOfPair() {
    const [first, second] = this.pair.columns;
    return this.state.isSwapped ? [second, first] : [first, second];
  }

  lettersOfPair() {
    return this.columnsOfPair.map((column) => LETTERS[column]);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const { target } = event;
    if (hasModifier(event) || event.defaultPrevented || !(target instanceof Element)) return;
    if (target.closest("select, input, textarea, [role=radio], [role=img], [role=region]")) return;
    const row = this.rowAfterKey(event.key, target);
    if (row === null) return;
    event.preventDefault();
    this.choose(row);
    const shown = this.answers.flatMap(({ node }) => {
      return Array.from(node.querySelectorAll("button[aria-pressed=true]"));
    });
    const own = shown.find((button) => button.parentElement === target.parentElement) ?? shown[0];
    if (this.root.contains(target) && own instanceof HTMLElement) own.focus({ preventScroll: true });
  }

  /**
   * @param {string} key
   * @param {Element} target
   * @returns {number | null}
   */
  rowAfterKey(key, target) {
    const last = this.model.rows.length - 1;
    const runsLeft = getComputedStyle(target.closest(".answer") ?? this.answers[0].node).direction === "rtl";
    const [back, on] = runsLeft ? ["ArrowRight", "ArrowLeft"] : ["ArrowLeft", "ArrowRight"];
    const { row } = this.state;
    if (key === on || (key === "ArrowDown" && this.isWord(target))) return Math.min(row + 1, last);
    if (key === back || (key === "ArrowUp" && this.isWord(target))) return Math.max(row - 1, 0);
    if (key === "Home" && this.isWord(target)) return 0;
    return key === "End" && this.isWord(target) ? last : null;
  }

  /** @param {Element} target */
  isWord(target) {
    return target.closest(".answer") !== null;
  }

  /** What a screen reader is told after a word was chosen. */
  announcement() {
    const { row } = this.state;
    const parts = this.model.columns.map(({ label }, column) => {
      const word = this.model.word(row, column);
      const said = word ? `probability ${percent(word.probability)}` : "no such word";
      return `${LETTERS[column]}, ${label}: ${said}`;
    });
    const correlation = this.pair.agreements[row]?.rank_correlation;
    const agreement =
      correlation == null
        ? ""
        : ` Rank correlation of ${this.lettersOfPair().join(" and ")}: ${correlation.toFixed(2)}.`;
    return `${this.model.anyWord(row).text.trim()}. ${parts.join("; ")}.${agreement}`;
  }

  unmount() {
    this.lifetime.abort();
    this.root.remove();
  }
}
