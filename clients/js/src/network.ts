// Requests of the page: how many, how long, which failed; and a trace id for those to its own origin.

import { hex, quietly, replace } from "./page.ts";
import type { Undo } from "./types.ts";

/** A request that is over. */
export interface Exchange {
  method: string;
  /** Absolute. */
  url: URL;
  /** 0 if there was no answer. */
  status: number;
  duration_ms: number;
  /** Ties it to what the server did for it; only within the page's origin. */
  trace_id?: string | undefined;
}

interface Watch {
  /** Requests there are our own. */
  endpoint: string;
  traces: boolean;
  /** Is told of each request. `failed` says why there was no answer. */
  done(exchange: Exchange, failed?: unknown): void;
}

/** Looks at `fetch` and `XMLHttpRequest` from now on. */
export function watchNetwork(watch: Watch): Undo {
  const undo = [replace(window, "fetch", (fetch) => watchedFetch(fetch, watch)), watchXhr(watch)];
  return () => undo.forEach((it) => it());
}

/** A request that begins now; none if it is not to be watched. */
function begin(watch: Watch, method: string, address: unknown) {
  const url = quietly(() => new URL(String(address), location.href));
  if (!url || url.href.startsWith(watch.endpoint)) return undefined;
  const start = performance.now();
  const trace_id = watch.traces && url.origin == location.origin ? hex(16) : undefined;
  return {
    traceparent: trace_id && `00-${trace_id}-${hex(8)}-01`,
    end: (status: number, failed?: unknown) =>
      quietly(() =>
        watch.done({ method: method.toUpperCase(), url, status, duration_ms: performance.now() - start, trace_id }, failed),
      ),
  };
}

function watchedFetch(fetch: typeof window.fetch, watch: Watch): typeof window.fetch {
  return function (this: unknown, input, init) {
    const request = typeof input == "object" && "method" in input ? input : undefined;
    const begun = quietly(() => begin(watch, init?.method ?? request?.method ?? "GET", request?.url ?? input));
    if (begun?.traceparent) {
      const headers = quietly(() => new Headers(init?.headers ?? request?.headers));
      // A tracer of the page's own was here before.
      if (headers && !headers.has("traceparent")) {
        headers.set("traceparent", begun.traceparent);
        init = { ...init, headers };
      }
    }
    const answer = fetch.call((this as typeof window) ?? window, input, init);
    answer.then(
      ({ status }) => begun?.end(status),
      (why: unknown) => begun?.end(0, why),
    );
    return answer;
  };
}

function watchXhr({ ...watch }: Watch): Undo {
  const prototype = window.XMLHttpRequest?.prototype;
  if (!prototype) return () => {};
  const opened = new WeakMap<XMLHttpRequest, [string, unknown]>();
  const undo = [
    replace(
      prototype,
      "open",
      (open) =>
        function (this: XMLHttpRequest, ...args: unknown[]) {
          opened.set(this, [String(args[0]), args[1]]);
          return open.apply(this, args as never);
        } as typeof open,
    ),
    replace(
      prototype,
      "send",
      (send) =>
        function (this: XMLHttpRequest, body) {
          quietly(() => {
            const begun = begin(watch, ...(opened.get(this) as [string, unknown]));
            if (begun?.traceparent) this.setRequestHeader("traceparent", begun.traceparent);
            let failed: unknown;
            this.addEventListener("abort", () => (failed = { name: "AbortError" }));
            this.addEventListener("loadend", () => begun?.end(this.status, failed));
          });
          return send.call(this, body);
        },
    ),
  ];
  return () => undo.forEach((it) => it());
}

/** An address without what differs from call to call: `/api/orders/{id}`. */
export const template = (url: URL): string =>
  url.origin +
  url.pathname.replace(/\/(?:\d+|[\da-f-]{36})(?=\/|$)/gi, "/{id}");
