// The way out: a queue of bodies, each tried until the relay has it. At most 60 KB leave at a time in requests that
// outlive the page, a beacon takes the rest when the page goes, and what cannot go waits in localStorage.

import { isHidden, on, quietly, say } from "./page.ts";
import type { ResolvedConfig, Undo } from "./types.ts";

/** A body on its way to `/api/browser/{door}`. */
interface Parcel {
  door: string;
  body: string;
  /** How often the relay failed at it. */
  n_failed?: number;
}

/** What the relay fails at so often is not worth another try: it may be why it fails. */
const MAX_FAILED = 9;

/** Browsers give all such requests of a page 64 KiB together. */
const KEEPALIVE_BYTES = 60_000;
const MAX_QUEUED = 50;
/** What waits for better times, in characters. */
const MAX_KEPT = 60_000;
const MAX_AT_ONCE = 3;
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 300_000;
/** A relay may ask for no more than this. */
const MAX_RETRY_AFTER_S = 3600;

/** Bytes on their way, of all clients of the page. */
let flying = 0;

export interface Transport {
  /** Takes a body for `/api/browser/{door}`; the oldest one goes if there are too many. */
  send(door: string, body: string): void;
  stop: Undo;
}

/** Opens the way out. `gather` hands over what is still being gathered. */
export function transport({ dsn, endpoint, debug }: ResolvedConfig, gather: () => void): Transport {
  const key = `monlight_queue:${dsn}`;
  // The page's own, before anybody looks at it.
  const fetch = window.fetch;
  let queue: Parcel[] = [];
  let running = 0;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** When the relay will have us again, in Unix milliseconds. */
  let askedUntil = 0;

  const waits = () => timer !== undefined || navigator.onLine === false;
  const pump = () => {
    while (!waits() && running < MAX_AT_ONCE && queue.length) void post(queue.shift() as Parcel);
  };
  const resume = () => {
    clearTimeout(timer);
    timer = undefined;
  };

  async function post(parcel: Parcel): Promise<void> {
    const size = new Blob([parcel.body]).size;
    // The browser may count otherwise, and then refuses: what has failed goes without.
    const keepalive = !failures && flying + size <= KEEPALIVE_BYTES;
    if (keepalive) flying += size;
    running++;
    // No answer is like "later".
    const answer = await fetch(`${endpoint}/api/browser/${parcel.door}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Monlight-Key": dsn },
      body: parcel.body,
      keepalive,
    }).catch(() => undefined);
    // To its end, since until then the browser counts the request as one that is on its way.
    await answer?.text().catch(() => "");
    if (keepalive) flying -= size;
    running--;
    const status = answer?.status ?? 0;
    if (debug && !answer?.ok) say(parcel.door, status);
    const isFault = status > 499 && status != 503;
    const isWorthIt = isFault ? (parcel.n_failed = (parcel.n_failed ?? 0) + 1) < MAX_FAILED : !status || status == 429 || status == 503;
    if (isWorthIt) later(parcel, Number(answer?.headers.get("Retry-After")));
    else failures = 0;
    pump();
  }

  /** Tries again after what the relay asks for, or a growing pause; never all pages at the same moment. */
  function later(parcel: Parcel, retryAfter: number): void {
    queue.unshift(parcel);
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures++, MAX_PAUSE_MS) / 2;
    const asked = Math.min(retryAfter || 0, MAX_RETRY_AFTER_S) * 1000;
    if (asked) askedUntil = Date.now() + asked;
    timer ??= setTimeout(() => (resume(), pump()), Math.max(asked, pause) + Math.random() * pause);
    if (isHidden()) leave();
  }

  /** The page may be gone in a moment: what can go, goes; what cannot waits for a better time. */
  function leave(): void {
    const left = queue.filter(({ door, body }) => {
      const url = `${endpoint}/api/browser/${door}?key=${encodeURIComponent(dsn)}`;
      // Plain text needs no preflight, for which there is no time.
      return waits() || !quietly(() => navigator.sendBeacon(url, body));
    });
    queue = [];
    if (left.length) keep(key, [...kept(key), ...left]);
  }

  /** The page is there, or the network is: what waited goes now, unless the relay asked for a pause. */
  function back(): void {
    queue.unshift(...kept(key));
    quietly(() => localStorage.removeItem(key));
    pump();
  }

  const hide = () => (gather(), leave());
  const undo = [
    on(document, "visibilitychange", () => (isHidden() ? hide() : back())),
    on(window, "pagehide", hide),
    on(window, "online", () => {
      if (Date.now() >= askedUntil) resume();
      back();
    }),
  ];
  back();
  return {
    send(door, body) {
      queue.push({ door, body });
      if (queue.length > MAX_QUEUED) queue.shift();
      if (isHidden()) leave();
      else pump();
    },
    stop() {
      leave();
      resume();
      undo.forEach((it) => it());
    },
  };
}

function kept(key: string): Parcel[] {
  const kept: unknown = quietly(() => JSON.parse(localStorage.getItem(key) ?? ""));
  return Array.isArray(kept) ? kept : [];
}

/** Keeps the newest that there is room for. */
function keep(key: string, parcels: Parcel[]): void {
  let room = MAX_KEPT;
  const newest = parcels.reverse().filter(({ body }) => (room -= body.length) > 0);
  quietly(() => localStorage.setItem(key, JSON.stringify(newest.reverse())));
}
