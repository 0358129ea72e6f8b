// What the page writes into the console.

import { quietly, replace } from "./page.ts";
import type { Level, Undo } from "./types.ts";

const LEVELS = { debug: "debug", log: "info", info: "info", warn: "warning", error: "error" } as const;

/** Is told of each line; what it writes itself is not told again. */
export function watchConsole(told: (level: Level, values: unknown[]) => void): Undo {
  let isTelling = false;
  const undo = (Object.keys(LEVELS) as (keyof typeof LEVELS)[]).map((method) =>
    replace(console, method, (original) => (...values: unknown[]) => {
      original.apply(console, values);
      if (isTelling) return;
      isTelling = true;
      quietly(() => told(LEVELS[method], values));
      isTelling = false;
    }),
  );
  return () => undo.forEach((it) => it());
}
