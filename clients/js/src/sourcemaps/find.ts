// The scripts of a build that have a source map: named by a comment at their end, inline, or lying beside.

import { readdir, readFile } from "node:fs/promises";
import { dirname, join, sep } from "node:path";

export interface Script {
  file: string;
  /** Path by which pages load it. */
  fileUrl: string;
  code: string;
  /** None if the map stands in the script. */
  mapFile: string | undefined;
  /** JSON text. */
  map: string;
  debugId?: string;
}

/** The comment that names the map; the last one counts (ECMA-426 §11.1.2.1). */
export const COMMENT = /^[ \t]*\/\/[#@] sourceMappingURL=(\S+)[ \t]*$/gm;

/** All of a folder and those below it, by name. */
export async function find(folder: string, prefix: string): Promise<Script[]> {
  const paths = await readdir(folder, { recursive: true });
  const scripts: Script[] = [];
  for (const path of paths.filter((path) => /\.[cm]?js$/.test(path))) {
    const script = await read(join(folder, path), prefix.replace(/\/*$/, "/") + path.split(sep).join("/"));
    if (script) scripts.push(script);
  }
  return scripts.sort((a, b) => (a.fileUrl < b.fileUrl ? -1 : 1));
}

async function read(file: string, fileUrl: string): Promise<Script | undefined> {
  // A folder may be called like a script.
  const code = await readFile(file, "utf8").catch(() => "");
  const url = [...code.matchAll(COMMENT)].at(-1)?.[1];
  if (url?.startsWith("data:")) {
    const [head, body = ""] = url.split(",", 2);
    const map = head?.endsWith(";base64") ? Buffer.from(body, "base64").toString() : decodeURIComponent(body);
    return { file, fileUrl, code, mapFile: undefined, map };
  }
  // A map on another host is not in this folder, but may lie beside all the same.
  const named = url && !/^\w+:|^\//.test(url) ? join(dirname(file), decodeURIComponent(url.split("?")[0] ?? "")) : `${file}.map`;
  try {
    return { file, fileUrl, code, mapFile: named, map: await readFile(named, "utf8") };
  } catch {
    return undefined;
  }
}
