// The answers so far, as a strip: each can be opened again, and shows what it was made from.

import { element } from "../shared/dom.js";
import { focusedElement } from "../shared/focus.js";
import { svgElement } from "../shared/svg.js";
import { shortened } from "./shortened.js";
import { familyOrder } from "./history_order.js";
import { icon } from "./icons.js";

/** @import {AppPage} from "./app.js" */
/** @import {Placed} from "./history_order.js" */
/** @import {Entry} from "./types.d.ts" */

const LINE_HEIGHT = 12; // pixels below the cards

export class History {
  /** @param {AppPage} app */
  constructor(app) {
    this.app = app;
    this.list = element("ol", { class: "history-list" });
    this.lines = svgElement("svg", { class: "history-lines", "aria-hidden": "true" });
    this.strip = element("div", { class: "history-strip" }, this.list, this.lines);
    app.parts.history.append(this.strip);
    /** @type {Map<string, HTMLLIElement>} */
    this.cards = new Map();
    /** @type {Placed[]} */
    this.order = [];
    /** The question that is being answered. @type {{thumbnail: string, prompt: string} | null} */
    this.pending = null;
    /** @type {string | null} */
    this.confirming = null;
    // A question whether to delete is forgotten when a person goes on to something else.
    this.strip.addEventListener("focusout", ({ relatedTarget }) => {
      if (this.confirming === null || closestCard(relatedTarget) === this.confirming) return;
      // A strip that is drawn anew loses the focus for a moment, too.
      setTimeout(() => this.forget(), 0);
    });
    this.strip.addEventListener("keydown", (event) => this.pressed(event));
    const resized = new ResizeObserver(() => this.drawLines());
    resized.observe(this.list);
    app.signal.addEventListener("abort", () => resized.disconnect());
  }

  render() {
    const { state } = this.app;
    const order = familyOrder(state.entries);
    this.order = order;
    const current = this.app.shownId;
    const isPendingShown = current === null && this.pending !== null;
    const stop = current ?? order[order.length - 1]?.entry.id;
    const items = order.map((placed) =>
      this.card(placed, placed.entry.id === current, placed.entry.id === stop && !isPendingShown),
    );
    if (this.pending) items.push(this.pendingCard(this.pending, isPendingShown));
    const focused = closestCard(focusedElement());
    this.cards = new Map(order.map(({ entry }, i) => [entry.id, items[i]]));
    this.list.replaceChildren(...items);
    this.app.parts.history.hidden = items.length === 0;
    if (focused !== null && !this.confirming) this.focus(focused);
    this.drawLines();
    this.inSight(current);
  }

  /**
   * @param {Placed} placed
   * @param {boolean} isShown
   * @param {boolean} isStop whether the tab key reaches it
   */
  card({ entry, parent }, isShown, isStop) {
    if (this.confirming === entry.id) return this.confirmation(entry);
    const image = element("img", { alt: "", draggable: "false", decoding: "async" });
    this.app.transport.address(entry.thumbnail).then(
      (address) => image.setAttribute("src", address),
      () => {}, // a card without a picture still says what it is
    );
    const below = entry.change ?? entry.prompt;
    const open = element(
      "button",
      {
        type: "button",
        class: "card-open",
        tabindex: isStop ? "0" : "-1",
        "aria-current": isShown ? "true" : null,
        title: `${entry.prompt}\n${shortened(entry.answer, 300)}`,
        onclick: () => this.app.show(entry.id),
      },
      element("span", { class: "card-picture" }, image),
      element(
        "span",
        { class: "card-text" },
        element(
          "span",
          { class: "card-answer", dir: "auto" },
          shortened(entry.answer, 60) || "no text",
        ),
        hidden(entry.change ? ". Changed: " : ". Asked: "),
        element(
          "span",
          { class: entry.change ? "card-change" : "card-prompt", dir: "auto" },
          shortened(below, 60),
        ),
        parent ? hidden(`. Made from “${shortened(parent.answer)}”`) : null,
      ),
    );
    const remove = element(
      "button",
      {
        type: "button",
        class: "round card-remove",
        tabindex: "-1",
        "aria-label": "Delete this answer",
        title: "Delete",
        onclick: () => this.confirm(entry.id),
      },
      icon("close"),
    );
    return element("li", { class: "card", "data-entry": entry.id }, open, remove);
  }

  /**
   * @param {{thumbnail: string, prompt: string}} pending
   * @param {boolean} isShown
   */
  pendingCard({ thumbnail, prompt }, isShown) {
    const open = element(
      "button",
      {
        type: "button",
        class: "card-open",
        "aria-current": isShown ? "true" : null,
        tabindex: isShown ? "0" : "-1",
        onclick: () => this.app.showLive(),
      },
      element(
        "span",
        { class: "card-picture" },
        element("img", { src: thumbnail || null, alt: "", draggable: "false" }),
      ),
      element(
        "span",
        { class: "card-text" },
        element("span", { class: "card-answer" }, "Being answered …"),
        element("span", { class: "card-prompt", dir: "auto" }, shortened(prompt, 60)),
      ),
    );
    return element("li", { class: "card pending" }, open);
  }

  /** @param {Entry} entry */
  confirmation(entry) {
    const keep = () => {
      this.confirm(null);
      this.focus(entry.id);
    };
    const node = element(
      "li",
      { class: "card confirming", "data-entry": entry.id },
      element("span", {}, "Delete for good?"),
      element(
        "button",
        { type: "button", class: "danger", onclick: () => this.app.remove(entry.id) },
        "Delete",
      ),
      element("button", { type: "button", onclick: keep }, "Keep"),
    );
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      keep();
    });
    return node;
  }

  /** @param {string | null} id of the entry that may be deleted */
  confirm(id) {
    this.confirming = id;
    this.render();
    if (id !== null) this.cards.get(id)?.querySelector("button")?.focus();
  }

  forget() {
    if (closestCard(focusedElement()) === this.confirming) return;
    this.confirming = null;
    this.render();
  }

  /**
   * Left and right go from card to card; Delete asks whether to delete.
   * @param {KeyboardEvent} event
   */
  pressed(event) {
    const id = closestCard(event.target);
    if (id === null || this.confirming === id) return;
    const ids = this.order.map(({ entry }) => entry.id);
    const at = ids.indexOf(id);
    /** @type {Record<string, number>} */
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: ids.length - 1 };
    if (event.key in next) this.focus(ids[Math.min(Math.max(next[event.key], 0), ids.length - 1)]);
    else if (event.key === "Delete" || event.key === "Backspace") this.confirm(id);
    else return;
    event.preventDefault();
  }

  /** @param {string} id */
  focus(id) {
    const open = this.cards.get(id)?.querySelector(".card-open");
    if (!(open instanceof HTMLElement)) return;
    for (const other of this.list.querySelectorAll(".card-open"))
      other.setAttribute("tabindex", "-1");
    open.tabIndex = 0;
    open.focus();
  }

  /**
   * Scroll the strip, and nothing else, to an entry; without one, to the end.
   * @param {string | null} id
   */
  inSight(id) {
    const card = id === null ? this.list.lastElementChild : this.cards.get(id);
    if (!(card instanceof HTMLElement)) return;
    const { offsetLeft, offsetWidth } = card;
    const { clientWidth, scrollLeft } = this.strip;
    if (offsetLeft < scrollLeft) this.strip.scrollLeft = offsetLeft - 16;
    else if (offsetLeft + offsetWidth > scrollLeft + clientWidth)
      this.strip.scrollLeft = offsetLeft + offsetWidth - clientWidth + 16;
  }

  /** A line from each entry to those that were made from it. */
  drawLines() {
    const width = this.list.scrollWidth;
    this.lines.setAttribute("viewBox", `0 0 ${Math.max(width, 1)} ${LINE_HEIGHT}`);
    this.lines.style.width = `${width}px`;
    const deepest = Math.max(0, ...this.order.map(({ depth }) => depth));
    const paths = this.order.flatMap(({ entry, parent, depth }) => {
      const [from, to] = [parent && this.cards.get(parent.id), this.cards.get(entry.id)];
      if (!from || !to) return [];
      const [a, b] = [middleOf(from) + 8, middleOf(to) - 8];
      // A line that spans others runs below them.
      const y = 4 + 3 * Math.min(deepest - depth, 2);
      const d = `M${a} 0V${y - 3}q0 3 3 3H${b - 3}q3 0 3 -3V0`;
      return [svgElement("path", { d, "data-shown": String(entry.id === this.app.shownId) })];
    });
    this.lines.replaceChildren(...paths);
  }
}

/** @param {string} text told to who does not see the strip */
const hidden = (text) => element("span", { class: "visually-hidden" }, text);

/** @param {HTMLElement} card */
const middleOf = ({ offsetLeft }) => offsetLeft + 28; // below the middle of its picture

/** @param {EventTarget | null} target */
function closestCard(target) {
  const card = target instanceof Element ? target.closest(".card") : null;
  return card instanceof HTMLElement ? (card.dataset.entry ?? null) : null;
}
