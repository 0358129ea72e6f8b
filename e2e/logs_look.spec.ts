// The pages of the log viewer, light and dark, on a phone and on a desk: see look.ts.

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { sendLines, shop } from "./logs.ts";
import { look } from "./look.ts";

const full = await startStack();
const empty = await startStack();
const first = await sendLines(full, shop(60));
await sendLines(full, [
  { container: "a-container-with-a-rather-long-name-that-somebody-chose", message: `one long word ${"W".repeat(300)}` },
  { container: "colours", message: Array.from({ length: 16 }, (_, i) => `\u001b[${i < 8 ? 30 + i : 82 + i}mcolour ${i}\u001b[0m`).join(" ") },
  { container: "colours", message: Array.from({ length: 16 }, (_, i) => `\u001b[${i < 8 ? 40 + i : 92 + i}mground ${i}\u001b[0m`).join(" ") },
  { container: "nginx", level: "CRITICAL", message: "worker process 7 exited on signal 11" },
]);

async function unfold({ page }: Visitor): Promise<void> {
  await page.locator("li.entry", { hasText: "order placed" }).first().locator(".level").click();
  await page.getByRole("button", { name: "Around it" }).click();
  await page.locator(".around li.here").waitFor();
}

type Place = { name: string; path?: string; stack?: typeof full; prepare?: (visitor: Visitor) => Promise<unknown> };

const PLACES: Place[] = [
  { name: "logs-empty", stack: empty },
  { name: "logs" },
  { name: "logs-wrapped", path: "?search=trace+OR+order", prepare: ({ page }) => page.keyboard.press("w") },
  { name: "logs-unfolded", prepare: unfold },
  { name: "logs-colours", path: "?container=colours&range=1h" },
  { name: "logs-no-match", path: "?search=nonsense&range=15m" },
  { name: "logs-wrong-range", path: "?range=soon" },
  { name: "logs-syntax", prepare: ({ page }) => page.getByText("Syntax", { exact: true }).click() },
  { name: "logs-range", prepare: ({ page }) => page.keyboard.press("t") },
  { name: "logs-help", prepare: ({ page }) => page.keyboard.press("?") },
  { name: "logs-entry", path: `logs/${first + 1}` },
  { name: "logs-trace", path: `logs/${first + 49}` },
  { name: "logs-gone", path: "logs/123456789" },
  { name: "logs-docs", path: "docs" },
];

for (const { name, path, stack = full, prepare } of PLACES) {
  journey(`${name} is fit to be seen`, stack, {}, async (visitor) => {
    visitor.expect(/40[04]/);
    await visitor.visit("logs", path);
    await prepare?.(visitor);
    await look(visitor, name);
  });
}
