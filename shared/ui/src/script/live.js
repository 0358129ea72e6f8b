// @ts-check
// Keeps a list honest: <main data-live-url data-live-total data-live-seen>. Asks every 5 s while the page is seen
// whether there is more than it shows. An empty list reloads itself, another offers a button.

const LIVE_EVERY_MS = 5_000;
const LIVE_SLOWEST_MS = 120_000;

/** @typedef {{ total: number, seen: number }} Newest Matches, and the newest one's last_seen in whole seconds. */

/** @param {string | undefined} text @returns {number} Whole seconds, since the API writes no finer. */
function seconds(text) {
  return Math.floor(Date.parse(text ?? "") / 1000) || 0;
}

/** @param {string} url @returns {Promise<Newest | null>} None when the answer is no list. */
async function askNewest(url) {
  const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const body = await answer.json();
  const list = Object.values(body).find(Array.isArray);
  if (typeof body.total !== "number" || !list) return null;
  return { total: body.total, seen: seconds(list[0]?.last_seen) };
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

/** @param {Element} status @param {string} text */
function offer(status, text) {
  const button = status.querySelector("button") ?? status.appendChild(document.createElement("button"));
  button.type = "button";
  button.dataset.key = "r";
  if (button.textContent !== text) button.textContent = text;
  button.onclick = () => location.reload();
}

/** @param {HTMLElement} main @param {string} url */
function watch(main, url) {
  const status = document.querySelector("[data-live-status]");
  const shown = { total: Number(main.dataset.liveTotal) || 0, seen: seconds(main.dataset.liveSeen) };
  let wait = LIVE_EVERY_MS;
  let timer = 0;

  async function look() {
    try {
      const newest = await askNewest(url);
      if (!newest) return;
      wait = LIVE_EVERY_MS;
      const more = newest.total - shown.total;
      const isNews = more > 0 || newest.seen > shown.seen;
      if (isNews && shown.total === 0 && reloadOnce(newest)) return;
      if (isNews && shown.total > 0 && status) offer(status, more > 0 ? `${more} new — show` : "New events — show");
    } catch {
      wait = Math.min(wait * 2, LIVE_SLOWEST_MS);
    }
    plan();
  }

  /** @param {number} [soon] Milliseconds. */
  function plan(soon = wait) {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, soon);
  }

  document.addEventListener("visibilitychange", () => plan(300));
  plan();
}

const live = document.querySelector("main[data-live-url]");
if (live instanceof HTMLElement && live.dataset.liveUrl) watch(live, live.dataset.liveUrl);
