// Breadcrumbs: the last things that happened, for the error that may come. Clicks and navigation are noted here;
// requests and the console by whoever watches them.

import { now, on, replace, selector } from "./page.ts";
import type { Breadcrumb, Undo } from "./types.ts";

const MAX = 30;

export interface Trail {
  add(category: string, message: string, data?: Record<string, unknown>): void;
  /** A copy. */
  all(): Breadcrumb[];
  stop: Undo;
}

/** Begins to note. `clean` and `small` make texts and data fit to be sent. */
export function leaveTrail(clean: (text: string) => string, small: (data?: Record<string, unknown>) => Breadcrumb["data"]): Trail {
  const crumbs: Breadcrumb[] = [];
  const add: Trail["add"] = (category, message, data) => {
    crumbs.push({ timestamp: now(), category, message: clean(message), data: small(data) });
    if (crumbs.length > MAX) crumbs.shift();
  };
  let from = location.href;
  const moved = () => {
    const to = location.href;
    if (to != from) add("navigation", to, { from, to });
    from = to;
  };
  const noted = <F extends History["pushState"]>(original: F) =>
    function (this: History, ...args: Parameters<F>) {
      original.apply(this, args);
      moved();
    } as F;
  const undo = [
    on(document, "click", ({ target }) => add("click", selector(target))),
    on(window, "popstate", moved),
    on(window, "hashchange", moved),
    replace(history, "pushState", noted),
    replace(history, "replaceState", noted),
  ];
  return { add, all: () => [...crumbs], stop: () => undo.forEach((it) => it()) };
}
