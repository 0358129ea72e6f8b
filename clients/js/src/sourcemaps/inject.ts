// Debug ids: the same in a script and in its map, so that one finds the other whatever the release is called.

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";

import { COMMENT, type Script } from "./find.ts";

const HAS_ID = /^\/\/# debugId=([0-9a-f-]{36})$/m;

/** Writes an id into a script and its map, unless it has one. What is there now. */
export async function inject(script: Script): Promise<Script> {
  const present = HAS_ID.exec(script.code)?.[1];
  if (present) return { ...script, debugId: present };
  const debugId = idOf(script.code + script.map);
  const map = JSON.stringify({ ...shifted(JSON.parse(script.map)), debugId });
  // A map that stands in its script stays there as it was: the id in the upload is enough.
  const code = marked(script.code, debugId);
  await writeFile(script.file, code);
  if (script.mapFile) await writeFile(script.mapFile, map);
  return { ...script, code, map, debugId };
}

/** A UUID that the same build gives again. */
function idOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, "$1-$2-5$3-a$4-$5");
}

/** The script with a line before it that says its id to the SDK, and a comment that says it to tools. */
function marked(code: string, debugId: string): string {
  const [hashbang = ""] = /^#!.*\n/.exec(code) ?? [];
  const rest = code.slice(hashbang.length);
  // A directive holds only where nothing stands before it.
  const [strict = ""] = /^(?:\s*(["'])use strict\1;?)/.exec(rest) ?? [];
  const say = `!function(){try{var g=globalThis;(g._monlightDebugIds=g._monlightDebugIds||{})[new Error().stack]="${debugId}"}catch(e){}}();`;
  const last = [...rest.matchAll(COMMENT)].at(-1);
  const id = `//# debugId=${debugId}`;
  const body = last ? `${rest.slice(0, last.index)}${id}\n${rest.slice(last.index)}` : `${rest.replace(/\n?$/, "\n")}${id}\n`;
  return `${hashbang}${strict.trim()}${say}\n${body}`;
}

/** The map for a script that begins a line later; below a hashbang it is that line which is new. */
function shifted(map: { mappings?: string; sections?: { offset: { line: number } }[] }): object {
  if (!map.sections) return { ...map, mappings: `;${map.mappings}` };
  const sections = map.sections.map((it) => ({ ...it, offset: { ...it.offset, line: it.offset.line + 1 } }));
  return { ...map, sections };
}
