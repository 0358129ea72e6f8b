// Log entries for the journeys: sent over HTTP, or written as Docker writes them.

import assert from "node:assert/strict";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { KEY, type Stack } from "./stack.ts";

/** An entry as programs send it. */
export type Line = {
  container: string;
  message: string;
  level?: string;
  stream?: "stdout" | "stderr";
  /** Unix milliseconds. */
  at?: number;
};

/** Stores entries; they are there when this returns. Returns the id of the first. */
export async function sendLines(stack: Stack, lines: Line[]): Promise<number> {
  const entries = lines.map(({ at, ...line }) => (at ? { ...line, timestamp: new Date(at).toISOString() } : line));
  const answer = await fetch(stack.url("logs", "api/logs"), {
    method: "POST",
    headers: { "X-API-Key": KEY },
    body: JSON.stringify(entries),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  const body = (await answer.json()) as { first_id: number };
  return body.first_id;
}

/** A container of Docker's. */
export class Container {
  private constructor(private readonly log: string) {}

  static async run(stack: Stack, name: string): Promise<Container> {
    const id = Buffer.from(name).toString("hex").padEnd(64, "0");
    const folder = join(stack.folder, "containers", id);
    await mkdir(folder, { recursive: true });
    const log = join(folder, `${id}-json.log`);
    await writeFile(log, "");
    await writeFile(join(folder, "config.v2.json"), JSON.stringify({ ID: id, Name: `/${name}`, LogPath: log }));
    return new Container(log);
  }

  /** Writes lines to its output. */
  async say(...lines: string[]): Promise<void> {
    const time = new Date().toISOString();
    const records = lines.map((line) => `${JSON.stringify({ log: `${line}\n`, stream: "stdout", time })}\n`);
    await appendFile(this.log, records.join(""));
  }
}

/** A quarter of a shop's day: access logs, JSON, colours, traces. */
export function shop(n: number, now = Date.now()): Line[] {
  const trace = [
    "Traceback (most recent call last):",
    '  File "/srv/shop/cart.py", line 42, in checkout',
    "    total = sum(prices[article] for article in basket)",
    "KeyError: 'jam'",
  ].join("\n");
  return Array.from({ length: n }, (_, i) => {
    const at = now - (n - i) * 2_000;
    if (i % 50 === 49) return { container: "shop-api", level: "ERROR", stream: "stderr", message: trace, at };
    if (i % 5 === 1) {
      const order = { level: "info", msg: "order placed", order: 1000 + i, user: { id: `u-${i % 7}`, plan: "pro" }, ms: i % 90 };
      return { container: "shop-api", level: "INFO", message: JSON.stringify(order), at };
    }
    if (i % 5 === 2) {
      const message = `\u001b[2mworker\u001b[0m \u001b[3${i % 3 ? 2 : 3}mjob\u001b[0m id=\u001b[35m${i}\u001b[0m done`;
      return { container: "worker", level: i % 3 ? "INFO" : "WARNING", message, at };
    }
    const status = i % 40 ? 200 : 404;
    const message = `10.0.0.${i % 250} "GET /basket/${i} HTTP/1.1" ${status} 512 "https://shop.example/" "Mozilla/5.0"`;
    return { container: "nginx", level: status === 200 ? "INFO" : "WARNING", message, at };
  });
}
