import assert from "node:assert/strict";
import { test } from "node:test";

import { gather } from "./batch.ts";

test("what is gathered goes when there is enough of it", () => {
  const sent: number[][] = [];
  const batch = gather<number>(3, 60_000, () => false, (items) => sent.push(items));
  for (let n = 0; n < 7; n++) batch.add(n);
  assert.deepEqual(sent, [[0, 1, 2], [3, 4, 5]]);
  batch.flush();
  batch.flush();
  assert.deepEqual(sent[2], [6]);
  assert.equal(sent.length, 3);
});

test("a page that is hidden sends what comes in one breath at once", async () => {
  const sent: number[][] = [];
  const batch = gather<number>(10, 60_000, () => true, (items) => sent.push(items));
  batch.add(1);
  batch.add(2);
  assert.deepEqual(sent, []);
  await Promise.resolve();
  assert.deepEqual(sent, [[1, 2]]);
});
