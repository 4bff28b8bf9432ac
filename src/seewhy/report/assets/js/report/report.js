// One mounted report: its payload, its state, and the parts that work on them.

import { Painter } from "../shared/painter.js";
import { mountRoot } from "../shared/root.js";
import { Actions } from "./actions.js";
import { connectControls } from "./controls.js";
import { connectFigureMenu } from "./figure_menu.js";
import { makeFilmstrips } from "./filmstrips.js";
import { Handle } from "./handle.js";
import { layout } from "./layout.js";
import { readLink } from "./links.js";
import { renderLocationList } from "./location_panel.js";
import { locationsIn } from "./locations.js";
import { Maps } from "./maps.js";
import { renderWarnings } from "./notes.js";
import { clearPanes } from "./panes.js";
import { Playback } from "./playback.js";
import { renderProvenance } from "./provenance.js";
import { connectRegionBar } from "./region_bar.js";
import { connectRegionPanel } from "./region_panel.js";
import { RegionTool } from "./region_tool.js";
import { render } from "./render.js";
import { initialState } from "./selection.js";
import { connectShortcuts } from "./shortcuts.js";
import { TextAxis } from "./text_axis.js";
import { renderVerdictLegend } from "./verdict_legend.js";
import { Views } from "./views.js";
import { listenToWordKeys } from "./word_keys.js";
import { WordPointer } from "./word_pointer.js";

/** @import {LayerStrip} from "./layer_strip.js" */
/** @import {Pane} from "./panes.js" */
/** @import {Payload} from "./payload.d.ts" */
/** @import {Options} from "./types.d.ts" */

/** @type {Required<Omit<Options, "idPrefix">>} */
const DEFAULTS = {
  deepLinks: false,
  keyboard: "report",
  theme: "system",
  rememberTheme: false,
  title: null,
  verdictHint: "explain with diagnose=True, or with --diagnose on the command line",
};

export class Report {
  /**
   * @param {Element} container
   * @param {Payload} payload
   * @param {Options} options
   */
  constructor(container, payload, options) {
    const { root, themed, id } = mountRoot(container, "seewhy-report", options.idPrefix);
    this.lifetime = new AbortController();
    this.signal = this.lifetime.signal;
    this.options = { ...DEFAULTS, ...options };
    this.root = root;
    this.id = id;
    this.payload = payload;
    this.views = new Views(payload.pictures);
    this.maps = new Maps(payload.maps, payload.pictures);
    this.text = new TextAxis(payload);
    this.images = payload.pictures.map(() => new Image());
    this.painter = new Painter(payload.colours, this.views, this.images);
    this.state = initialState(Object.keys(payload.colours)[0], payload.display);
    this.state.isThinkingOpen = !this.text.hasFinalAnswer;
    this.parts = layout(id, this.views, {
      contrast: payload.contrasts.length > 0,
      prompt: payload.words.prompt_units.length > 0,
      verdicts: Boolean(payload.verdicts?.some(Boolean)),
      locations: locationsIn(payload).length > 0,
      title: this.options.title,
      layers: payload.tokens.answer.some(({ layers }) => layers?.length > 0),
    });
    /** @type {Pane[]} */
    this.panes = [];
    /** @type {LayerStrip | null} */
    this.layerStrip = null;
    this.actions = new Actions(this);
    this.playback = new Playback(this);
    this.regions = new RegionTool(this);
    this.regionBar = connectRegionBar(this);
    this.regionPanel = connectRegionPanel(this);
    this.handle = new Handle(this);
    this.filmstrips = makeFilmstrips(this);
    this.controls = connectControls(this, themed);
    this.figureMenu = connectFigureMenu(this);
    this.connect();
  }

  /** Put the parts together. */
  connect() {
    this.root.append(...this.parts.nodes);
    this.parts.filmstrips.append(...this.filmstrips.map(({ node }) => node));
    new WordPointer(this);
    listenToWordKeys(this);
    connectShortcuts(this);
    renderWarnings(this);
    renderProvenance(this);
    renderVerdictLegend(this);
    renderLocationList(this);
  }

  /** Draw the report as soon as its pictures can be drawn. */
  async start() {
    this.images.forEach((image, view) => {
      image.src = this.views.all[view].source;
    });
    await Promise.all(this.images.map((image) => image.decode()));
    if (this.signal.aborted) return;
    this.actions.layOut();
    this.state.current = this.text.firstPlace();
    if (this.options.deepLinks) this.followAddress();
    if (!this.text.isExplained(this.state.current)) return;
    this.parts.ramp.style.background = this.painter.gradient(this.state.style.colours);
    render(this);
  }

  followAddress() {
    if (this.text.isExplained(this.state.current)) readLink(this);
    addEventListener("hashchange", () => readLink(this) && render(this), { signal: this.signal });
  }

  /** Remove the report, its listeners and its timers. */
  unmount() {
    this.lifetime.abort();
    clearPanes(this);
    this.root.remove();
  }
}
