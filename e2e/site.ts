// Pages of somebody else: served from an origin of their own, with a key that they may use; and what arrives of them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

import { KEY, type Name, type Stack } from "./stack.ts";

/** The pages are on this machine, which would make their errors noise. */
export const variables = { NOISE_FILTERS: "none" };

/** Headless Chromium calls itself a crawler, and is counted as one. */
export const userAgent =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";

const servers: Server[] = [];
after(() => servers.forEach((server) => (server.close(), server.closeAllConnections())));

const TYPES: Record<string, string> = { html: "text/html", js: "text/javascript" };

/** An origin. */
export class Site {
  /** What was asked for that is no file, newest last. */
  readonly asked: IncomingMessage[] = [];
  private readonly files = new Map<string, string>();

  private constructor(
    readonly origin: string,
    /** A DSN key for pages of this origin only. */
    readonly key: string,
  ) {}

  /** What is no file is answered with 503. */
  static async open(stack: Stack, project: string): Promise<Site> {
    const server = createServer((request, response) => {
      const path = request.url?.split("?")[0] ?? "";
      const text = site.files.get(path);
      if (text === undefined) site.asked.push(request);
      const type = TYPES[path.split(".")[1] ?? "html"] ?? "text/plain";
      response.writeHead(text === undefined ? 503 : 200, { "Content-Type": type }).end(text ?? "");
    });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const site = new Site(origin, await makeKey(stack, project, origin));
    return site;
  }

  /** Puts files onto it, by their paths. */
  serve(files: Record<string, string>): void {
    for (const [path, text] of Object.entries(files)) this.files.set(path, text);
  }
}

async function makeKey(stack: Stack, project: string, origin: string): Promise<string> {
  const answer = await fetch(stack.url("browser", "api/dsn-keys"), {
    method: "POST",
    headers: { "X-API-Key": KEY },
    body: JSON.stringify({ project, origins: [origin] }),
  });
  assert.equal(answer.status, 201);
  return ((await answer.json()) as { public_key: string }).public_key;
}

/** What a service says, as JSON. */
export async function ask<T>(stack: Stack, name: Name, path: string): Promise<T> {
  const answer = await fetch(stack.url(name, path), { headers: { "X-API-Key": KEY } });
  assert.equal(answer.status, 200, `${path}: ${await answer.clone().text()}`);
  return (await answer.json()) as T;
}

/** Asks until there is something: it comes by itself, and nothing announces it. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `never: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

export interface Group {
  id: number;
  project: string;
  exception_type: string;
  message: string;
  count: number;
}

/** The group whose message has these words, once it is there. */
export function group(stack: Stack, words: string): Promise<Group> {
  return eventually(`an error that says: ${words}`, async () => {
    const { errors } = await ask<{ errors: Group[] }>(stack, "errors", "api/errors?limit=200");
    return errors.find((it) => it.message.includes(words));
  });
}
