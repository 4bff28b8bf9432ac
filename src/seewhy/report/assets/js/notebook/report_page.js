// The report in a cell.

import { mount } from "../report/mount.js";
import { makePlace } from "./cell.js";
import { Channel, unpacked } from "./channel.js";

/** @import {AnyModel, CellPage} from "./types.d.ts" */

/**
 * @param {AnyModel} model
 * @param {ShadowRoot} root
 * @param {string} style
 * @returns {Promise<CellPage>}
 */
export async function show(model, root, style) {
  const channel = new Channel(model);
  const { buffers } = await channel.ask({ ask: "payload" });
  const payload = JSON.parse(await unpacked(buffers[0]));
  const { place, reveal, clear } = makePlace(root, style, model.get("height"));
  const report = mount(place, payload);
  const unmount = () => {
    report.unmount();
    clear();
    channel.close();
  };
  try {
    await report.ready;
  } catch (error) {
    unmount();
    throw error;
  }
  reveal();
  return { unmount };
}
