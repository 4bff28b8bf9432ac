// One mounted bench page: its payload, its state, and the parts that draw them.

import { radios } from "../shared/radios.js";
import { mountRoot } from "../shared/root.js";
import { applyTheme } from "../shared/theme.js";
import { renderCases } from "./cases.js";
import { connectCharts, renderChart, updateChartChoices } from "./cost_chart.js";
import { renderCurves } from "./curves.js";
import { connectGroups, renderGroups } from "./groups.js";
import { layout } from "./layout.js";
import { renderProvenance } from "./provenance.js";
import { renderReasons } from "./reasons.js";
import { renderMetricChoices, renderTable } from "./table.js";
import { withMethods } from "./format.js";

/** @import {BenchPayload} from "./payload.d.ts" */
/** @import {Options, State} from "./types.d.ts" */

/** The label of figures that are the model's own, no method's. */
const MODEL_ITSELF = "(model)";

export class Bench {
  /**
   * @param {Element} container
   * @param {BenchPayload} payload
   * @param {Options} options
   */
  constructor(container, payload, options) {
    const { root, themed, id } = mountRoot(container, "seewhy-bench", options.idPrefix);
    this.root = root;
    this.id = id;
    this.payload = payload;
    /** @type {State} */
    this.state = { view: 0, sort: null, isRising: false, hiddenMetrics: new Set(), curves: null };
    this.parts = layout(id);
    root.append(...this.parts.nodes);
    const toggle = applyTheme(themed, options.theme ?? "system", options.rememberTheme ?? false);
    this.parts.theme.addEventListener("click", toggle);
    this.connect();
  }

  /** Draw all parts, and those of a view again when it changes. */
  connect() {
    connectCharts(this);
    connectGroups(this);
    renderMetricChoices(this);
    renderReasons(this);
    renderProvenance(this);
    this.connectViews();
    if (this.payload.views.length) this.render();
  }

  connectViews() {
    const { views } = this.payload;
    const several = new Set(views.map(({ data }) => data)).size > 1;
    const choices = views.map(({ model, data }, at) => ({
      value: String(at),
      label: several ? `${model}, ${data}` : model,
    }));
    radios(this.parts.views, choices, "0", (value) => {
      this.state.view = Number(value);
      this.render();
    });
  }

  /** The model and data set that are shown. */
  get view() {
    return this.payload.views[this.state.view];
  }

  get methods() {
    return [...new Set(this.view.cells.map((cell) => cell.method))];
  }

  /** @param {number} column */
  cellsOf(column) {
    return this.view.cells.filter((cell) => cell.column === column);
  }

  /** @param {string} method */
  isModel(method) {
    return method === MODEL_ITSELF;
  }

  /**
   * A colour of a method's own; the reference has the text's colour.
   * @param {string} method
   */
  colourOf(method) {
    if (method === this.payload.reference) return "var(--text)";
    const at = Math.max(0, Object.keys(this.payload.methods).indexOf(method));
    const hue = Math.round((at * 137.508) % 360); // the golden angle: far apart however many
    return `light-dark(hsl(${hue} 65% 38%), hsl(${hue} 65% 66%))`;
  }

  /** Draw what belongs to the view that is shown. */
  render() {
    const { model, data, samples } = this.view;
    this.parts.source.textContent = `${model} on ${data}`;
    this.parts.answer.replaceChildren(...withMethods(this.view.answer));
    this.parts.elsewhere.replaceChildren(...withMethods(this.view.elsewhere));
    this.parts.elsewhere.hidden = !this.view.elsewhere;
    this.parts.intro.textContent = `${samples} samples. Under each figure its 95 % interval: a bootstrap over samples, the same drawings for every method.`;
    updateChartChoices(this);
    renderTable(this);
    renderChart(this);
    renderCurves(this);
    renderGroups(this);
    renderCases(this);
  }

  unmount() {
    this.root.remove();
  }
}
