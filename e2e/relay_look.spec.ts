// The pages of the browser relay, light and dark, on a phone and on a desk: see look.ts.

import assert from "node:assert/strict";

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { look } from "./look.ts";
import { KEY, type Stack } from "./stack.ts";

const DSN = "0123456789abcdef0123456789abcdef";

const full = await startStack({ DSN_KEYS: `shop:${DSN}`, NOISE_FILTERS: "none" });
const empty = await startStack();
await fill(full);

async function post(path: string, body: object, headers: Record<string, string>, status: number): Promise<void> {
  const answer = await fetch(full.url("browser", path), { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, status, await answer.text());
}

/** Keys of every kind, maps good and bad, and traffic that was taken and refused. */
async function fill(stack: Stack): Promise<void> {
  const admin = { "X-API-Key": KEY };
  const origins = ["https://docs.example.com", "https://*.docs.example.com"];
  await post("api/dsn-keys", { project: "docs", origins, rate_limit: 600, expires_at: "2099-01-31T00:00:00Z" }, admin, 201);
  await post("api/dsn-keys", { project: "a project with quite a long name, that somebody thought of at night" }, admin, 201);
  await fetch(stack.url("browser", "api/dsn-keys/2"), { method: "DELETE", headers: admin });
  const error = { type: "TypeError", message: "no price", stack: "at pay (https://shop.example.com/js/app.js:1:2)" };
  const page = { "X-Monlight-Key": DSN };
  await post("api/browser/errors", error, page, 201);
  await post("api/browser/errors", {}, page, 400);
  await post("api/browser/errors", error, { "X-Monlight-Key": "wrong" }, 401);
  await post("api/browser/metrics", { metrics: [{ name: "n", type: "counter", value: 1 }] }, page, 202);
  await post("api/browser/logs", { logs: [{ level: "info", message: "hello" }] }, page, 202);
  const map = { version: 3, sources: ["cart.ts"], sourcesContent: ["pay();"], names: [], mappings: "AAAA" };
  const upload = (url: string, map: object) =>
    post("api/source-maps", { project: "shop", release: "shop@1.0.0", file_url: url, map_content: JSON.stringify(map) }, admin, 201);
  await upload("/js/app.js", map);
  await upload("/assets/a-chunk-with-a-hash-that-goes-on-and-on-4f9a7c1be02d.js", { ...map, mappings: "AAAA;!" });
}

type Place = { name: string; path?: string; stack?: Stack; prepare?: (visitor: Visitor) => Promise<unknown> };

const PLACES: Place[] = [
  { name: "relay" },
  { name: "relay-empty", stack: empty },
  { name: "relay-keys", path: "keys", prepare: ({ page }) => page.getByText("Put it into a page").first().click() },
  { name: "relay-keys-empty", path: "keys", stack: empty },
  {
    name: "relay-keys-refused",
    path: "keys",
    prepare: async ({ page }) => {
      await page.getByRole("textbox", { name: "Project" }).fill("shop");
      await page.getByLabel(/^Origins/).fill("not an origin");
      await page.getByRole("button", { name: "Make key" }).click();
      await page.getByRole("alert").waitFor();
    },
  },
  { name: "relay-maps", path: "source-maps" },
  { name: "relay-maps-empty", path: "source-maps", stack: empty },
];

for (const { name, path, stack = full, prepare } of PLACES) {
  journey(`${name} is fit to be seen`, stack, {}, async (visitor) => {
    visitor.expect(/40[04]/);
    await visitor.visit("browser", path);
    await prepare?.(visitor);
    await look(visitor, name);
  });
}
