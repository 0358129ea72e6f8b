import assert from "node:assert/strict";
import { test } from "node:test";

import { debugIds, describe, remember } from "./exception.ts";

test("an error has its name, its message and its stack", () => {
  const error = new TypeError("no price");
  assert.deepEqual(describe(error), { type: "TypeError", message: "no price", stack: error.stack });
  const nameless = Object.assign(new Error("m"), { name: "" });
  assert.equal(describe(nameless, "UnhandledRejection").type, "UnhandledRejection");
});

test("what is no error is its text", () => {
  for (const [thrown, message] of [["gone", "gone"], [7, "7"], [undefined, "undefined"], [null, "null"]])
    assert.deepEqual(describe(thrown, "UnhandledRejection"), { type: "Error", message, stack: "" });
});

test("causes follow, each under its name", () => {
  const root = new RangeError("no tea");
  const error = new Error("no sale", { cause: new Error("no price", { cause: root }) });
  const { stack } = describe(error);
  assert.match(stack, /^Error: no sale\n[^]*\nCaused by: Error: no price\n[^]*\nCaused by: RangeError: no tea\n/);
});

test("a stack of Firefox or Safari gets the line that it lacks", () => {
  const cause = { name: "TypeError", message: "bad", stack: "pay@https://h/a.js:1:2" };
  assert.match(describe({ name: "Error", message: "m", stack: "", cause }).stack, /Caused by: TypeError: bad\npay@https/);
});

test("an error that causes itself ends", () => {
  const error = new Error("ring");
  error.cause = error;
  assert.equal(describe(error).stack.split("Caused by").length, 6);
});

test("the same error within a minute is known", () => {
  const isKnown = remember();
  const what = { type: "E", message: "m", stack: "E: m\n at a" };
  assert.equal(isKnown(what, 0), false);
  assert.equal(isKnown(what, 59_999), true);
  assert.equal(isKnown({ ...what, message: "other" }, 59_999), false);
  assert.equal(isKnown(what, 60_000), false);
});

test("fifty errors are remembered, the oldest goes", () => {
  const isKnown = remember();
  const what = (n: number) => ({ type: "E", message: `${n}`, stack: "" });
  for (let n = 0; n <= 50; n++) isKnown(what(n), 0);
  assert.equal(isKnown(what(50), 1), true);
  assert.equal(isKnown(what(0), 1), false);
});

test("debug ids belong to the scripts that hold them", () => {
  Object.assign(globalThis, {
    _monlightDebugIds: {
      "Error\n    at https://h/js/a.js:1:99\n    at https://h/js/b.js:2:1": "id-a",
      "@http://h:8080/js/c.js?v=2:1:5\n": "id-c",
      nothing: "id-x",
    },
  });
  assert.deepEqual(debugIds(), { "https://h/js/a.js": "id-a", "http://h:8080/js/c.js?v=2": "id-c" });
});
