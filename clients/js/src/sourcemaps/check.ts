// Whether a map leads from its script to its sources: better said before the first error than after it.

import { eachMapping, FlattenMap } from "@jridgewell/trace-mapping";

/** What is wrong, in words; nothing if all is well. */
export function check(code: string, map: string): string[] {
  let flat;
  try {
    const json = JSON.parse(map);
    if (json?.version !== 3) return ["its map is not of version 3"];
    flat = new FlattenMap(json);
  } catch (error) {
    return [`its map cannot be read: ${(error as Error).message}`];
  }
  const generated = code.split("\n").map((line) => line.length);
  const sources = (flat.sourcesContent ?? []).map((text) => text?.split("\n").length);
  const places = new Map(flat.sources.map((name, place) => [name, place]));
  let n = 0;
  let n_outside = 0;
  let n_lost = 0;
  eachMapping(flat, (mapping) => {
    if (mapping.source === null) return;
    n++;
    if (mapping.generatedColumn > (generated[mapping.generatedLine - 1] ?? -1)) n_outside++;
    const lines = sources[places.get(mapping.source) ?? -1];
    if (lines !== undefined && lines !== null && mapping.originalLine > lines) n_lost++;
  });
  if (!n) return ["its map maps nothing"];
  const problems = [];
  if (n_outside) problems.push(`${n_outside} of ${n} mappings begin outside the script: the map is of another build`);
  if (n_lost) problems.push(`${n_lost} of ${n} mappings lead outside their source`);
  return problems;
}
