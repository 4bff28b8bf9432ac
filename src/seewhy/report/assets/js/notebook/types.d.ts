// What the widgets of a notebook share.

import type { Transport, UploadedPicture } from "../app/types.d.ts";

/** The model of anywidget: the state that the kernel shares, and messages to and from it. */
export interface AnyModel {
  get(name: string): any;
  set(name: string, value: any): void;
  save_changes(): void;
  on(name: string, listener: (...told: any[]) => void): void;
  off(name: string, listener?: (...told: any[]) => void): void;
  send(content: any, callbacks?: any, buffers?: (ArrayBuffer | ArrayBufferView)[]): void;
}

/** An answer of the kernel. */
export interface Reply {
  content: any;
  buffers: DataView[];
}

/** The app's way to the kernel. */
export interface WidgetTransport extends Transport {
  /** What is there at first. */
  start(): Promise<{ pictures: UploadedPicture[]; prompt: string }>;
  close(): void;
}

/** A page in a cell. */
export interface CellPage {
  unmount(): void;
}

/** The module that the loader gets from the kernel. */
export interface PageModule {
  show(model: AnyModel, root: ShadowRoot, style: string): Promise<CellPage>;
}
