// What is measured beside the page's own work, loaded when the page is: Web Vitals, load time, long animation frames,
// and what the browser itself reports. The definitions and the hard cases (bfcache, prerender, background tabs, soft
// navigations) are those of Google's web-vitals.

import { onCLS } from "web-vitals/onCLS.js";
import { onFCP } from "web-vitals/onFCP.js";
import { onINP } from "web-vitals/onINP.js";
import { onLCP } from "web-vitals/onLCP.js";
import { onTTFB } from "web-vitals/onTTFB.js";

import type { Labels, Sink, Undo } from "./types.ts";

/** A frame shorter than this is nothing to mend; in ms. */
const LONG_FRAME_MS = 100;
/** Most of one page view. */
const MAX_FRAMES = 50;

interface Interaction {
  startTime: number;
  processingStart: number;
  processingEnd: number;
  duration: number;
  name: string;
  target: Node | null;
}

/** Begins to measure. Web Vitals go on until the page does; what they say after the end is not sent. */
export function start(sink: Sink): Undo {
  const value = (name: string) => (metric: { value: number }) => sink.histogram(`web_vitals_${name}`, metric.value);
  const soft = { reportSoftNavs: true };
  onCLS(value("cls"), soft);
  onFCP(value("fcp"), soft);
  onLCP(value("lcp"), soft);
  onTTFB(value("ttfb"), soft);
  onINP(({ value, entries }) => sink.histogram("web_vitals_inp", value, blame(sink, entries)), soft);
  loadTime(sink);
  const undo = [longFrames(sink), reports(sink)];
  return () => undo.forEach((it) => it());
}

/** What was touched, and which part of the wait was the longest. */
export function blame(sink: Pick<Sink, "selector">, entries: Interaction[]): Labels {
  const [first] = [...entries].sort((a, b) => b.duration - a.duration);
  if (!first) return {};
  const { startTime, processingStart, processingEnd, duration, name } = first;
  const phases: [string, number][] = [
    ["input", processingStart - startTime],
    ["processing", processingEnd - processingStart],
    ["presentation", startTime + duration - processingEnd],
  ];
  const [longest] = phases.sort((a, b) => b[1] - a[1]);
  // The element may be gone already; another entry of the interaction may know it.
  const target = entries.map((entry) => sink.selector(entry.target)).find(Boolean);
  return { interaction: name, phase: longest?.[0] ?? "", ...(target && { target }) };
}

/** From activation to the end of loading; once it is over. */
function loadTime(sink: Sink): void {
  const look = () =>
    setTimeout(() => {
      const [entry] = performance.getEntriesByType("navigation") as (PerformanceNavigationTiming & {
        activationStart?: number;
      })[];
      if (entry?.loadEventEnd) sink.histogram("page_load_time", entry.loadEventEnd - (entry.activationStart ?? 0));
    });
  if (document.readyState == "complete") look();
  else addEventListener("load", look, { once: true });
}

/** Observes what the browser has; a browser that does not know the kind says nothing. */
function observe(type: string, told: (entry: any) => void): Undo {
  if (!PerformanceObserver.supportedEntryTypes.includes(type)) return () => {};
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(told));
  observer.observe({ type, buffered: true });
  return () => observer.disconnect();
}

function longFrames(sink: Sink): Undo {
  let n = 0;
  return observe("long-animation-frame", ({ duration, scripts }) => {
    if (duration < LONG_FRAME_MS || n++ >= MAX_FRAMES) return;
    const [longest] = [...scripts].sort((a, b) => b.duration - a.duration);
    const script = longest?.sourceURL && new URL(longest.sourceURL, location.href).pathname;
    sink.histogram("browser_long_animation_frame_ms", duration, script ? { script } : {});
  });
}

interface BrowserReport {
  type: string;
  body: Record<string, any> | null;
}

/** Broken policies, and what the browser will not do any longer. */
function reports(sink: Sink): Undo {
  const Observer = (globalThis as { ReportingObserver?: new (...args: unknown[]) => { observe(): void; disconnect(): void } })
    .ReportingObserver;
  if (!Observer) return () => {};
  const told = ({ type, body }: BrowserReport) => {
    if (!body) return;
    const file = body.sourceFile ? `at ${body.sourceFile}:${body.lineNumber ?? 1}:${body.columnNumber ?? 1}` : "";
    const message =
      body.message ?? `${body.effectiveDirective} blocked ${body.blockedURL || "inline"} (${body.disposition})`;
    sink.report(type, message, file, "warning", { id: body.id });
  };
  const observer = new Observer((list: BrowserReport[]) => list.forEach(told), {
    types: ["csp-violation", "deprecation", "intervention"],
    buffered: true,
  });
  observer.observe();
  return () => observer.disconnect();
}
