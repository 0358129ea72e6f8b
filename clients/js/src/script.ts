// The form for a `<script>` tag: the global `MonlightSDK`, and a config that may stand in the tag itself:
// `<script src="…/sdk/monlight.min.js" data-dsn="…" data-release="…">`.

import { begin, init, Monlight } from "./index.ts";
import { tag } from "./load.ts";

Object.assign(window, { MonlightSDK: { init, Monlight } });

const data = tag?.dataset;
if (!window.MonlightConfig && data?.dsn) {
  const config: Record<string, unknown> = { endpoint: tag?.src.replace(/\/sdk\/.*/, "") };
  // A flag is there, or it is "false".
  for (const name in data) config[name] = data[name] != "false" && (data[name] || true);
  begin({ dsn: "", ...config });
}
