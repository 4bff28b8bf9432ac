// Elements of others over the pictures, which stay over their view whatever the panes show.

import { element } from "../shared/dom.js";
import { toPicture } from "./region_pointer.js";

/** @import {Report} from "./report.js" */
/** @import {Overlay} from "./types.d.ts" */

export class Overlays {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    /** @type {Map<HTMLElement, number>} */
    this.views = new Map();
  }

  /**
   * @param {number} view
   * @returns {Overlay}
   */
  add(view) {
    const node = element("div", { class: "overlay" });
    const picture = this.report.views.all[view];
    this.views.set(node, view);
    this.place();
    return {
      node,
      toPicture: (event) => toPicture(node, picture, event),
      toScreen: (x, y) => [
        (x / picture.width) * node.clientWidth,
        (y / picture.height) * node.clientHeight,
      ],
      remove: () => {
        this.views.delete(node);
        node.remove();
      },
    };
  }

  /** Put each into the first pane that shows its view, or away. */
  place() {
    const panes = this.report.panes.filter(({ node }) => node.isConnected);
    for (const [node, view] of this.views) {
      const frame = panes.find((pane) => pane.view === view)?.frame;
      if (!frame) node.remove();
      else if (node.parentElement !== frame) frame.append(node);
    }
  }
}
