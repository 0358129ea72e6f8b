// What "fit to be seen" means: in each theme and on each width axe-core finds nothing, nothing scrolls sideways.
// The pictures are in e2e/screenshots for whoever wants to look.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import axe from "axe-core";
import type { Page } from "playwright-core";

import type { Visitor } from "./browser.ts";

const PICTURES = fileURLToPath(new URL("./screenshots/", import.meta.url));
const THEMES = ["light", "dark"] as const;
/** Widths that axe and the pictures use, and those at which nothing may scroll sideways (WCAG 1.4.10: 320). */
const SIZES = [
  [360, 740],
  [1280, 800],
] as const;
const WIDTHS = [320, 360, 768, 1280];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

mkdirSync(PICTURES, { recursive: true });

/** Runs axe in the page. It comes through the debugger, which the page's policy does not bind. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((tags) => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    return axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  }, TAGS);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      (node) =>
        `${id} (${help}): ${node.html.slice(0, 160)} — ${node.failureSummary?.split("\n").slice(1).join(" ").trim()}`,
    ),
  );
}

/** What sticks out sideways, if anything does. */
async function overflow(page: Page, width: number): Promise<string[]> {
  await page.setViewportSize({ width, height: 800 });
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("body *")].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 1,
    );
    return wide.map((element) => `${element.localName}.${element.className} at ${clientWidth} px`);
  });
}

/** Fails with all that is wrong with the page as it stands now. */
export async function look({ page }: Visitor, name: string): Promise<void> {
  const found: string[] = [];
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      for (const violation of await violations(page)) found.push(`${colorScheme} ${width}: ${violation}`);
      await page.screenshot({
        path: `${PICTURES}${name}-${colorScheme}-${width}.png`,
        fullPage: true,
        animations: "disabled",
      });
    }
  }
  for (const width of WIDTHS) found.push(...(await overflow(page, width)));
  assert.deepEqual(found, []);
}
