// `monlight-sourcemaps upload DIR`: finds the maps of a build, checks them, and gives them to the relay.

import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";

import { check } from "./check.ts";
import { find, type Script } from "./find.ts";
import { inject } from "./inject.ts";
import { upload } from "./upload.ts";

const USAGE = `usage: monlight-sourcemaps upload DIR --project NAME --release VERSION [--relay URL] [--prefix PATH]
                                   [--inject] [--delete] [--dry-run]

  --relay URL      the browser relay, or MONLIGHT_RELAY_URL
  --project NAME   or MONLIGHT_PROJECT
  --release VERSION  as the page says it, or MONLIGHT_RELEASE
  --prefix PATH    where DIR is served, as /assets/; default /
  --inject         writes a debug id into each script and its map
  --delete         deletes the maps of DIR when all are uploaded
  --dry-run        finds and checks, and leaves everything as it is

The key, with the scope ingest, comes from MONLIGHT_API_KEY.`;

/** Runs the command. The status to exit with: 0 fine, 1 a map is bad or was not taken, 2 not understood. */
export async function run(words: string[], env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<number> {
  const given = read(words, env);
  if (typeof given == "string") {
    say(given);
    return given == USAGE && words.includes("--help") ? 0 : 2;
  }
  const scripts = await find(given.folder, given.prefix);
  if (!scripts.length) {
    say(`no script in ${given.folder} has a source map`);
    return 1;
  }
  let n_bad = 0;
  for (const script of scripts) {
    const problems = await treat(script, given);
    for (const problem of problems) say(`${script.fileUrl}: ${problem}`);
    if (problems.length) n_bad++;
    else say(`${script.fileUrl}: ${given.dryRun ? "would be uploaded" : "uploaded"}`);
  }
  if (n_bad) say(`${n_bad} of ${scripts.length} maps are not as they should be`);
  else if (given.delete && !given.dryRun) for (const { mapFile } of scripts) if (mapFile) await rm(mapFile);
  return n_bad ? 1 : 0;
}

/** Checks and uploads one map; what is wrong with it. */
async function treat(script: Script, given: Given): Promise<string[]> {
  const problems = check(script.code, script.map);
  if (problems.length || given.dryRun) return problems;
  const injected = given.inject ? await inject(script) : script;
  return upload(injected, given);
}

export interface Given {
  folder: string;
  relay: string;
  project: string;
  release: string;
  key: string;
  prefix: string;
  inject: boolean;
  delete: boolean;
  dryRun: boolean;
}

function read(words: string[], env: NodeJS.ProcessEnv): Given | string {
  let parsed;
  try {
    const text = { type: "string" } as const;
    const flag = { type: "boolean", default: false } as const;
    parsed = parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        relay: text,
        project: text,
        release: text,
        prefix: { ...text, default: "/" },
        inject: flag,
        delete: flag,
        "dry-run": flag,
        help: flag,
      },
    });
  } catch (error) {
    return `${(error as Error).message}\n\n${USAGE}`;
  }
  const { values, positionals } = parsed;
  const [verb, folder] = positionals;
  if (values.help || verb != "upload" || !folder) return USAGE;
  const given: Given = {
    folder,
    relay: (values.relay ?? env["MONLIGHT_RELAY_URL"] ?? "").replace(/\/+$/, ""),
    project: values.project ?? env["MONLIGHT_PROJECT"] ?? "",
    release: values.release ?? env["MONLIGHT_RELEASE"] ?? "",
    key: env["MONLIGHT_API_KEY"] ?? "",
    prefix: values.prefix,
    inject: values.inject,
    delete: values.delete,
    dryRun: values["dry-run"],
  };
  const needed = given.dryRun ? [] : (["relay", "project", "release", "key"] as const);
  const missing = needed.filter((name) => !given[name]).map((name) => (name == "key" ? "MONLIGHT_API_KEY" : `--${name}`));
  return missing.length ? `missing: ${missing.join(", ")}\n\n${USAGE}` : given;
}
