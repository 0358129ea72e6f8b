// The pages of the metrics collector, light and dark, on a phone and on a desk: see look.ts.

import type { Visitor } from "./browser.ts";
import { journey, startStack } from "./journey.ts";
import { look } from "./look.ts";
import { lastMinutes, sendMetrics } from "./metrics.ts";

const full = await startStack();
const empty = await startStack();
await sendMetrics(full, lastMinutes(45));

type Place = { name: string; path?: string; stack?: typeof full; prepare?: (visitor: Visitor) => Promise<unknown> };

const PLACES: Place[] = [
  { name: "metrics", path: "?range=1h" },
  { name: "metrics-endpoint", path: "?range=1h&endpoint=%2Fsearch" },
  { name: "metrics-start", stack: empty },
  { name: "metrics-none", path: "?range=15m&project=nobody" },
  { name: "explore", path: "explore" },
  { name: "explore-grouped", path: "explore?name=http_requests_total&group_by=status&compare=1&range=1h" },
  { name: "explore-wrong", path: "explore?name=queue_depth&labels=a%3D~(&range=soon" },
  { name: "metric", path: "metrics/http_request_duration_seconds?range=1h" },
  {
    name: "metric-range",
    path: "metrics/queue_depth?from=now-50m&to=now-5m",
    prepare: async ({ page }) => {
      await page.getByRole("button", { name: "Table" }).click();
      await page.keyboard.press("t");
    },
  },
];

for (const { name, path, stack = full, prepare } of PLACES) {
  journey(`${name} is fit to be seen`, stack, {}, async (visitor) => {
    visitor.expect(/40[04]/);
    await visitor.visit("metrics", path);
    await prepare?.(visitor);
    await look(visitor, name);
  });
}
