import assert from "node:assert/strict";
import { test } from "node:test";

import { plain, printed, scrubText } from "./plain.ts";

test("secrets are taken out of texts", () => {
  const check = (text: string, expected: string) => assert.equal(scrubText(text), expected);
  check("https://h/p?token=abc&x=1", "https://h/p?token=[Filtered]&x=1");
  check("/p?x=1&user_password=a%20b#f", "/p?x=1&user_password=[Filtered]#f");
  check("/p#access_token=abc", "/p#access_token=[Filtered]");
  check("Authorization: Bearer abcdef.123456", "Authorization: Bearer [Filtered]");
  check("got eyJhbGciOi.eyJzdWIiOi.c2ln back", "got [Filtered] back");
  check("/books?author=Ann&tea=green", "/books?author=Ann&tea=green");
  check("the token is lost", "the token is lost");
});

test("secrets are taken out of objects, however deep", () => {
  const value = { cart: [{ apiKey: "k", tea: 2 }], password: null, author: "Ann" };
  const clean = { cart: [{ apiKey: "[Filtered]", tea: 2 }], password: "[Filtered]", author: "Ann" };
  assert.deepEqual(plain(value, true), clean);
  assert.deepEqual(plain(value, false), value);
});

test("whatever it is, it can be sent", () => {
  const ring: Record<string, unknown> = {};
  ring["ring"] = ring;
  const broken = { get price() { throw new Error("no"); } };
  for (const value of [ring, broken, 10n, Symbol("s"), () => 1, NaN, Infinity, undefined, new Map(), new Date(0)])
    assert.doesNotThrow(() => JSON.stringify(plain(value, true)), String(value));
  assert.match(JSON.stringify(plain(ring, true)), /\[…\]/);
  assert.equal((plain("x".repeat(9999), true) as string).length, 2000);
  assert.equal((plain(Array(999).fill(1), true) as unknown[]).length, 50);
  assert.equal(plain(new TypeError("bad"), true), "TypeError: bad");
});

test("an object that cannot be read costs itself only", () => {
  const broken = { get price() { throw new Error("no"); } };
  assert.deepEqual(plain({ tea: 1, broken }, true), { tea: 1, broken: "[unreadable]" });
});

test("a line of the console has all its values", () => {
  assert.equal(printed(["paid", 3, { tea: true }, null, undefined], true), 'paid 3 {"tea":true} null undefined');
});

test("a hostile text takes no longer than its length", () => {
  scrubText("?".repeat(20_000) + "token".repeat(2000));
});

test("of a vast object only so much is read", () => {
  let n_read = 0;
  const vast = (depth: number): unknown =>
    new Proxy(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, 0])), {
      get: () => (n_read++, depth ? vast(depth - 1) : 1),
    });
  plain(vast(5), true);
  assert.ok(n_read < 1000, `${n_read} values were read`);
});
