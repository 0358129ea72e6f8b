// What a config means: defaults, and the two forms of a DSN.

import type { MonlightConfig, ResolvedConfig } from "./types.ts";

/** Fills in what is not given. Throws if it does not say where to send, and as whom. */
export function resolve(config: MonlightConfig): ResolvedConfig {
  let { dsn, endpoint } = config;
  const [, scheme, key, rest] = /^(https?:\/\/)([^/@]+)@(.+)$/.exec(dsn) ?? [];
  if (key) {
    dsn = decodeURIComponent(key);
    endpoint ||= `${scheme}${rest}`;
  }
  if (!dsn) throw new Error("[Monlight] 'dsn' is required");
  if (!endpoint) throw new Error("[Monlight] 'endpoint' is required");
  return {
    sampleRate: 1,
    errorSampleRate: 1,
    debug: false,
    enabled: true,
    captureConsole: false,
    ...config,
    dsn,
    endpoint: endpoint.replace(/\/+$/, ""),
  };
}
