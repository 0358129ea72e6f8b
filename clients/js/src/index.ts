// The public door of the SDK: `init`, or `new Monlight`, and what they return.

import { client } from "./client.ts";
import { resolve } from "./config.ts";
import type { MonlightClient, MonlightConfig } from "./types.ts";

export type {
  Breadcrumb,
  BrowserError,
  BrowserLog,
  BrowserMetric,
  Labels,
  Level,
  MonlightClient,
  MonlightConfig,
  ResolvedConfig,
} from "./types.ts";

declare global {
  interface Window {
    MonlightConfig?: MonlightConfig;
    Monlight?: MonlightClient;
  }
}

/** Starts to watch the page. Throws only if the config does not say where to send, and as whom. */
export function init(config: MonlightConfig): MonlightClient {
  const resolved = resolve(config);
  return resolved.enabled && typeof window != "undefined" ? client(resolved) : idle();
}

/** `new Monlight({ dsn })` is `init({ dsn })`. */
export const Monlight = function (config: MonlightConfig) {
  return init(config);
} as unknown as new (config: MonlightConfig) => MonlightClient;

/** A client that does nothing: switched off, or on a server. */
function idle(): MonlightClient {
  return new Proxy({} as MonlightClient, { get: () => () => {} });
}

if (typeof window != "undefined" && window.MonlightConfig) {
  // A wrong config is for its author to see.
  try {
    window.Monlight = init(window.MonlightConfig);
  } catch (error) {
    console.error(error);
  }
}
