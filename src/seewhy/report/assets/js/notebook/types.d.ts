// What the widgets of a notebook share.

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

/** A page in a cell. */
export interface CellPage {
  unmount(): void;
}

/** The module that the loader gets from the kernel. */
export interface PageModule {
  show(model: AnyModel, root: ShadowRoot, style: string): Promise<CellPage>;
}
