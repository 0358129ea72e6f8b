// Finds the part that is loaded later, for bundlers; the build puts `load_script.ts` in its place for a script tag.

import type * as Vitals from "./vitals.ts";

/** The tag that loads us; a module has none. */
export const tag: HTMLScriptElement | null = null;

export const loadVitals = (_endpoint: string): Promise<typeof Vitals> => import("./vitals.ts");
