// One client: puts the captures and the way out together.

import { gather } from "./batch.ts";
import { watchConsole } from "./console.ts";
import { debugIds, describe, remember } from "./exception.ts";
import { loadVitals } from "./load.ts";
import { type Exchange, template, watchNetwork } from "./network.ts";
import { hex, isHidden, now, on, quietly, say, selector, session } from "./page.ts";
import { plain, printed } from "./plain.ts";
import { leaveTrail } from "./trail.ts";
import { transport } from "./transport.ts";
import type { BrowserError, BrowserLog, BrowserMetric, Labels, Level, MonlightClient, ResolvedConfig } from "./types.ts";

/** An error of a page with long breadcrumbs stays below the relay's 64 KiB. */
const MAX_BODY = 50_000;
const MAX_STACK = 20_000;
/** Of the fields of a log line or a breadcrumb, as JSON. */
const MAX_FIELDS = 500;
/** Of a text in a breadcrumb: there are many of them. */
const MAX_CRUMB = 200;

/** Starts to watch the page, and to send. */
export function client(config: ResolvedConfig): MonlightClient {
  const { beforeSend, captureConsole, captureLogs, debug, endpoint, environment, errorSampleRate, release } = config;
  const scrubs = config.scrub !== false;
  const clean = <T>(value: T, limit?: number) => plain(value, scrubs, limit) as T;
  const address = () => clean(location.href);
  /** Ten lines, or thirty breadcrumbs, stay well below the relay's 64 KiB. */
  const small = (fields?: Record<string, unknown>) => {
    const own = clean(fields, MAX_CRUMB);
    const text = JSON.stringify(own) ?? "";
    return text.length < MAX_FIELDS ? own : { json: text.slice(0, MAX_FIELDS) };
  };
  const context: Record<string, unknown> = {};
  const isKnown = remember();
  let isOver = false;

  const way = transport(config, flush);
  const trail = leaveTrail((text) => clean(text, MAX_CRUMB), small);
  // The original's: metrics leave at ten, or after five seconds.
  const metrics = gather<BrowserMetric>(10, 5000, isHidden, (metrics) => post("metrics", { metrics }));
  // Somebody may be looking at the tail.
  const logs = gather<BrowserLog>(10, 1000, isHidden, (logs) =>
    post("logs", { logs, session_id: session(), url: address(), release }),
  );

  /** Each body has an id, by which the relay knows it if it comes twice. */
  function post(door: string, body: object): void {
    const text = (...parts: object[]) => JSON.stringify(Object.assign({ event_id: hex(16) }, ...parts));
    const whole = text(body);
    // A report that is too long is worth having without what was said along with it.
    way.send(door, whole.length < MAX_BODY ? whole : text(body, { context: {} }));
  }

  function flush(): void {
    metrics.flush();
    logs.flush();
  }

  function sample(type: BrowserMetric["type"], name: string, value: number, labels?: Labels): void {
    if (isOver || !Number.isFinite(value)) return;
    const all = { ...labels, session_id: session(), page: location.pathname };
    metrics.add({ name, type, value, labels: clean(all), timestamp: now() });
  }

  function log(level: Level, message: string, fields?: Record<string, unknown>): void {
    if (isOver) return;
    logs.add({ level, message: clean(message), timestamp: now(), fields: small(fields) });
  }

  function report(type: string, message: string, stack = "", level: Level = "error", own?: Record<string, unknown>): void {
    if (isOver || isKnown({ type, message, stack }, Date.now()) || Math.random() >= errorSampleRate) return;
    const event: BrowserError = {
      type: type.slice(0, 200),
      message: clean(message),
      stack: clean(stack, MAX_STACK),
      url: address(),
      user_agent: navigator.userAgent,
      session_id: session(),
      context: clean({ ...context, ...own, ...(user != null && { user_id: user }) }),
      release,
      timestamp: now(),
      environment,
      level,
      event_id: hex(16),
      breadcrumbs: trail.all(),
      debug_ids: debugIds(),
    };
    trail.add("error", `${type}: ${message}`);
    const sent = beforeSend ? quietly(() => beforeSend(event)) : event;
    if (sent) post("errors", sent);
  }
  let user: string | null = null;

  function capture(error: unknown, own?: Record<string, unknown>, fallback?: string): void {
    const { type, message, stack } = describe(error, fallback);
    report(type, message, stack, "error", own);
  }

  /** An uncaught exception; or a file that could not be loaded, which says nothing else. */
  function failed({ target, error, message, filename, lineno, colno }: ErrorEvent): void {
    if (target != window) {
      const { src, href } = target as HTMLImageElement & HTMLLinkElement;
      const url = src || href;
      if (url) report("ResourceError", `could not load ${selector(target)} ${url.split(/[?#]/)[0]}`, "", "warning", { url });
    } else if (error) capture(error);
    else report("Error", message, filename && `at ${filename}:${lineno}:${colno}`);
  }

  function written(level: Level, values: unknown[]): void {
    const text = printed(values, scrubs);
    trail.add("console", text, { level });
    if (captureLogs) log(level, text);
    if (!captureConsole || (level != "error" && level != "warning")) return;
    const stack = values.map((it) => (it instanceof Error ? describe(it).stack : "")).join("");
    report(level == "error" ? "ConsoleError" : "ConsoleWarning", text, stack, level);
  }

  function exchanged({ method, url, status, duration_ms, trace_id }: Exchange, why?: unknown): void {
    const labels = { method, status: `${status}`, host: url.host };
    sample("counter", "browser_http_requests_total", 1, labels);
    sample("histogram", "browser_http_request_duration_ms", duration_ms, labels);
    trail.add("fetch", `${method} ${url.href}`, { status, duration_ms: Math.round(duration_ms), trace_id });
    const { name, message } = (why ?? {}) as Error;
    // Who gives up a request knows it.
    if (name == "AbortError" || (status && status < 500)) return;
    const what = status ? `failed with status ${status}` : `network error: ${message ?? "no answer"}`;
    report("Error", `${method} ${template(url)} ${what}`, "", "error", { type: "NetworkError", trace_id });
  }

  const it: MonlightClient = {
    captureError: (error, own) => quietly(() => capture(error, own)),
    captureMessage: (message, level) =>
      quietly(() =>
        level == "warning" ? report("ConsoleWarning", message, "", level) : report("ConsoleError", message),
      ),
    setUser: (id) => void (user = id),
    addContext: (key, value) => void (context[key] = value),
    addBreadcrumb: trail.add,
    counter: (name, labels, value = 1) => sample("counter", name, value, labels),
    gauge: (name, value, labels) => sample("gauge", name, value, labels),
    histogram: (name, value, labels) => sample("histogram", name, value, labels),
    log,
    flush,
    destroy() {
      undo.forEach((it) => it());
      flush();
      isOver = true;
      way.stop();
    },
  };
  const undo = [
    trail.stop,
    on(window, "error", failed),
    on(window, "unhandledrejection", ({ reason }) => capture(reason, {}, "UnhandledRejection")),
    watchConsole(written),
    watchNetwork({ endpoint, traces: config.traceparent !== false, done: exchanged }),
  ];
  if (Math.random() < config.sampleRate && window.PerformanceObserver)
    loadVitals(endpoint).then(
      ({ start }) => isOver || undo.push(start({ histogram: it.histogram, report, selector })),
      () => debug && say("Web Vitals could not be loaded"),
    );
  return it;
}
