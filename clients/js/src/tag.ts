// A config that stands in the tag which loads us: `<script src="…/sdk/monlight.min.js" data-dsn="…" data-release="…">`
// becomes the page's `MonlightConfig`, if it has none.

import { tag } from "./load.ts";

const data = tag?.dataset;
if (!window.MonlightConfig && data?.dsn) {
  const config: Record<string, unknown> = { endpoint: tag?.src.replace(/\/sdk\/.*/, "") };
  // A flag is there, or it is "false".
  for (const name in data) config[name] = data[name] != "false" && (data[name] || true);
  window.MonlightConfig = { dsn: "", ...config };
}
