// A hundred thousand entries in one page. What frames take is told, not judged: that is the machine's as well.

import assert from "node:assert/strict";

import type { Page } from "playwright-core";

import { journey, startStack } from "./journey.ts";
import { sendLines } from "./logs.ts";

const vast = await startStack();
const rows = (page: Page) => page.locator("#entries li.entry");

/** Times between frames while somebody scrolls. */
async function scrollThrough(page: Page): Promise<{ frames: number[]; height: number }> {
  return page.evaluate(async () => {
    const frames: number[] = [];
    const height = document.documentElement.scrollHeight;
    let last = performance.now();
    for (let step = 0; step < 240; step += 1) {
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      frames.push(now - last);
      last = now;
      // A brisk reader: half a window a frame, somewhere else every second.
      scrollBy({ top: step % 60 === 0 ? height / 5 : 400, behavior: "instant" });
    }
    return { frames, height };
  });
}

journey("a hundred thousand entries are scrolled through without a stop", vast, {}, async (visitor, test) => {
  const { page } = visitor;
  const now = Date.now();
  for (let part = 0; part < 20; part += 1) {
    await sendLines(vast, Array.from({ length: 5_000 }, (_, i) => ({
      container: `c${i % 4}`,
      level: i % 100 ? "INFO" : "ERROR",
      message: `entry ${part * 5_000 + i} of many, with some text to fill the line ${"x".repeat(i % 80)}`,
      at: now - (100_000 - part * 5_000 - i),
    })));
  }
  await visitor.visit("logs");
  await page.locator("#total").getByText("100,000 entries").waitFor();
  await page.evaluate(async () => {
    const more = document.getElementById("more");
    while (more?.textContent !== "That is all.") {
      scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
      await new Promise((done) => setTimeout(done, 5));
    }
    scrollTo({ top: 0, behavior: "instant" });
  });
  const { frames, height } = await scrollThrough(page);
  assert.ok(height > 2_000_000, `${height} px of entries`);
  assert.ok((await rows(page).count()) < 1_500, "only what is near is there");
  const sorted = [...frames].sort((a, b) => a - b);
  const [median, p95, worst] = [0.5, 0.95, 1].map((q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0);
  test.diagnostic(`frames: median ${median?.toFixed(1)} ms, p95 ${p95?.toFixed(1)} ms, longest ${worst?.toFixed(1)} ms`);
  // What is in sight is never an empty block.
  await page.waitForFunction(() => document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest("li.entry") !== null);
});
