// The examples that pages show, and what it takes to run them as they stand.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import type { Visitor } from "./browser.ts";
import { KEY } from "./stack.ts";

export const run = promisify(execFile);
/** What a snippet is promised: the key in the environment. */
export const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], API_KEY: KEY };

/** The text of an example. */
export const snippet = async ({ page }: Visitor, id: string) => (await page.locator(`#${id}`).textContent()) ?? "";

/** A Python that has our client, if there is one. */
export async function pythonWith(module: string): Promise<string | undefined> {
  const own = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));
  for (const python of [own, "python3"]) {
    if (python === own && !existsSync(own)) continue;
    const found = await run(python, ["-c", `import ${module}`], { env }).then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  return undefined;
}
