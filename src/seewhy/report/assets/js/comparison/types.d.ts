// Types that several modules of the comparison page share.

import type { Theme } from "../shared/theme.js";

/** What `mount` is told besides the payload. */
export interface Options {
  /** Default: the system's choice. */
  theme?: Theme;
  /** Keep a person's choice of theme in the browser's storage. Default: false. */
  rememberTheme?: boolean;
  /** Before every id of the page. Default: one of its own for each mount. */
  idPrefix?: string;
}

/** What `mount` returns. */
export interface Mount {
  /** Settled once the page is drawn. */
  ready: Promise<void>;
  /** Remove the page and its listeners. */
  unmount(): void;
}
