// Finds the part that is loaded later, for a script tag: it lies beside.

import type * as Vitals from "./vitals.ts";

/** The tag that loads us; later nobody knows. */
export const tag = document.currentScript as HTMLScriptElement | null;

/** The page may have the script within another one; then the relay has the rest. */
export const loadVitals = (endpoint: string): Promise<typeof Vitals> =>
  import(new URL("monlight-vitals.js", tag?.src || `${endpoint}/sdk/`).href);
