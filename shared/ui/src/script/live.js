// @ts-check
// Keeps a list honest while the page is seen. <main data-live-events>: fresh rows come in by themselves (fresh.js)
// when that stream says `changed`. Without it, or while it cannot be had, <main data-live-url data-live-total
// data-live-seen>: asks every 5 s whether there is more; an empty list reloads itself, another offers a button.
// <main data-live-every="15">: no stream, the page itself is asked for anew every so many seconds.

const LIVE_EVERY_MS = 5_000;
const LIVE_SLOWEST_MS = 120_000;

/** @typedef {{ total: number, seen: number }} Newest Matches, and the newest one's last_seen in whole seconds. */

/** @param {string | undefined} text @returns {number} Whole seconds, since the API writes no finer. */
function seconds(text) {
  return Math.floor(Date.parse(text ?? "") / 1000) || 0;
}

/** Nobody is signed in any more: asking again would not help. */
class SignedOut extends Error {}

/** @param {string} url @returns {Promise<Newest | null>} None when the answer is no list. */
async function askNewest(url) {
  const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (answer.status === 401) throw new SignedOut();
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const body = await answer.json();
  const list = Object.values(body).find(Array.isArray);
  if (typeof body.total !== "number" || !list) return null;
  return { total: body.total, seen: seconds(list[0]?.last_seen) };
}

/** @param {HTMLElement} main @returns {Newest} */
function newestShown(main) {
  return { total: Number(main.dataset.liveTotal) || 0, seen: seconds(main.dataset.liveSeen) };
}

/** @param {Newest} newest @param {Newest} shown @returns {boolean} */
function isNews(newest, shown) {
  return newest.total > shown.total || newest.seen > shown.seen;
}

/** Reloads, but never twice for the same news: the page may filter more finely than the API.
 * @param {Newest} newest @returns {boolean} */
function reloadOnce(newest) {
  const mark = `${location.href} ${newest.total} ${newest.seen}`;
  try {
    if (sessionStorage.getItem("live") === mark) return false;
    sessionStorage.setItem("live", mark);
  } catch {
    return false;
  }
  location.reload();
  return true;
}

/** @param {Element} status @param {string} text @param {() => void} [show] */
function offer(status, text, show = () => location.reload()) {
  const button = status.querySelector("button") ?? status.appendChild(document.createElement("button"));
  button.type = "button";
  button.dataset.key = "r";
  if (button.textContent !== text) button.textContent = text;
  button.onclick = show;
}

/** @param {HTMLElement} main @param {() => void} leave What to do once we are signed out.
 * @returns {(on: boolean) => void} Begins to ask, or stops. */
function poller(main, leave) {
  const status = document.querySelector("[data-live-status]");
  let wait = LIVE_EVERY_MS;
  let timer = 0;
  let isOn = false;

  async function look() {
    try {
      const newest = await askNewest(main.dataset.liveUrl ?? "");
      if (!newest || !isOn) return;
      wait = LIVE_EVERY_MS;
      const shown = newestShown(main);
      const more = newest.total - shown.total;
      const news = isNews(newest, shown);
      if (news && shown.total === 0 && reloadOnce(newest)) return;
      if (news && shown.total > 0 && status) offer(status, more > 0 ? `${more} new — show` : "New events — show");
    } catch (error) {
      wait = Math.min(wait * 2, LIVE_SLOWEST_MS);
      if (error instanceof SignedOut) {
        isOn = false;
        return leave();
      }
    }
    plan();
  }

  /** @param {number} [soon] Milliseconds. */
  function plan(soon = wait) {
    clearTimeout(timer);
    if (isOn && !document.hidden) timer = setTimeout(look, soon);
  }

  document.addEventListener("visibilitychange", () => plan(300));
  return (on) => {
    if (on === isOn) return;
    isOn = on && main.dataset.liveUrl !== undefined;
    plan();
  };
}

/** @param {HTMLElement} main @param {string} url */
function listen(main, url) {
  const poll = poller(main, leave);
  const refresh = refresher(main, leave);
  /** @type {EventSource | null} */
  let source = null;
  let timer = 0;
  let wait = LIVE_EVERY_MS;
  let isFirst = true;
  let isOver = false;

  /** What happened while nobody listened: at first since the page was made, which is cheaper asked than loaded. */
  async function catchUp() {
    const list = isFirst ? main.dataset.liveUrl : undefined;
    isFirst = false;
    const newest = list ? await askNewest(list).catch(() => null) : null;
    if (!newest || isNews(newest, newestShown(main))) refresh();
  }

  function open() {
    if (isOver || source || document.hidden) return;
    clearTimeout(timer);
    source = new EventSource(url);
    source.onopen = () => {
      wait = LIVE_EVERY_MS;
      poll(false);
      catchUp();
    };
    source.addEventListener("changed", refresh);
    source.addEventListener("missed", refresh);
    source.onerror = () => {
      // A lost connection the browser mends itself; a refusal, such as a proxy's 502, it takes for the end.
      if (source?.readyState !== EventSource.CLOSED) return;
      close();
      poll(true);
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, LIVE_SLOWEST_MS);
    };
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function leave() {
    isOver = true;
    close();
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

/** @param {HTMLElement} main @param {number} every Seconds. */
function renewEvery(main, every) {
  let timer = 0;
  const refresh = refresher(main, () => clearInterval(timer));
  timer = setInterval(() => document.hidden || refresh(), every * 1000);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
}

const live = document.querySelector("main");
if (live?.dataset.liveEvents) listen(live, live.dataset.liveEvents);
else if (live?.dataset.liveUrl) poller(live, () => {})(true);
else if (Number(live?.dataset.liveEvery) > 0 && live) renewEvery(live, Number(live.dataset.liveEvery));
