// Gives a map to the relay.

import { promisify } from "node:util";
import { gzip } from "node:zlib";

import type { Script } from "./find.ts";

const MAX_TRIES = 4;

interface To {
  relay: string;
  project: string;
  release: string;
  key: string;
}

/** Uploads; what the relay says is wrong with it. Busy relays are asked again. */
export async function upload({ fileUrl, map, debugId }: Script, { relay, project, release, key }: To): Promise<string[]> {
  const query = new URLSearchParams({ project, release, file_url: fileUrl, ...(debugId && { debug_id: debugId }) });
  const body = new Uint8Array(await promisify(gzip)(map));
  const headers = { "X-API-Key": key, "Content-Encoding": "gzip", "Content-Type": "application/json" };
  for (let tries = 1; ; tries++) {
    let answer: Response;
    try {
      answer = await fetch(`${relay}/api/source-maps?${query}`, { method: "PUT", headers, body });
    } catch (error) {
      const { message, cause } = error as Error;
      return [`the relay cannot be reached: ${(cause as Error | undefined)?.message ?? message}`];
    }
    const told = (await answer.json().catch(() => ({}))) as { detail?: string; problems?: string[] };
    if (answer.ok) return (told.problems ?? []).map((problem) => `taken, but: ${problem}`);
    const isBusy = answer.status == 429 || answer.status >= 500;
    if (!isBusy || tries == MAX_TRIES) return [`refused with ${answer.status}: ${told.detail ?? "no reason given"}`];
    const pause_s = Math.min(Number(answer.headers.get("Retry-After")) || tries, 60);
    await new Promise((done) => setTimeout(done, pause_s * 1000));
  }
}
