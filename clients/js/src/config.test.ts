import assert from "node:assert/strict";
import { test } from "node:test";

import { resolve } from "./config.ts";
import { init } from "./index.ts";
import { template } from "./network.ts";
import { blame } from "./vitals.ts";

test("a DSN is a key with an address, or both in one", () => {
  const check = (dsn: string, endpoint: string | undefined, expected: [string, string]) => {
    const config = resolve(endpoint === undefined ? { dsn } : { dsn, endpoint });
    assert.deepEqual([config.dsn, config.endpoint], expected);
  };
  check("key", "https://relay.example.com//", ["key", "https://relay.example.com"]);
  check("https://key@relay.example.com", undefined, ["key", "https://relay.example.com"]);
  check("http://key@localhost:5013/mon/", undefined, ["key", "http://localhost:5013/mon"]);
  check("https://key@a.example.com", "https://b.example.com", ["key", "https://b.example.com"]);
});

test("a config that says too little is refused in the original's words", () => {
  assert.throws(() => resolve({ dsn: "" }), { message: "[Monlight] 'dsn' is required" });
  assert.throws(() => resolve({ dsn: "key" }), { message: "[Monlight] 'endpoint' is required" });
});

test("defaults are the original's", () => {
  const { sampleRate, debug, enabled, captureConsole } = resolve({ dsn: "k", endpoint: "e" });
  assert.deepEqual({ sampleRate, debug, enabled, captureConsole }, { sampleRate: 1, debug: false, enabled: true, captureConsole: false });
});

test("on a server the client does nothing, and takes every call", () => {
  const client = init({ dsn: "k", endpoint: "http://e" });
  client.captureError(new Error("m"));
  client.counter("n", { a: "b" }, 2);
  client.destroy();
});

test("an address is named without its ids", () => {
  const check = (url: string, expected: string) => assert.equal(template(new URL(url)), expected);
  check("https://h/api/orders/17/items/3?x=1#y", "https://h/api/orders/{id}/items/{id}");
  check("https://h/u/0f8fad5b-d9cb-469f-a165-70867728950e", "https://h/u/{id}");
  check("https://h/v2/2fast", "https://h/v2/2fast");
});

test("a slow interaction says what was touched and where the time went", () => {
  const sink = { selector: (node: unknown) => (node ? "button#pay" : "") };
  const entry = { startTime: 100, processingStart: 110, processingEnd: 300, duration: 208, name: "pointerup", target: null };
  const click = { ...entry, name: "click", duration: 200, target: {} as Node };
  assert.deepEqual(blame(sink, [click, entry]), { interaction: "pointerup", phase: "processing", target: "button#pay" });
  assert.deepEqual(blame(sink, []), {});
});
