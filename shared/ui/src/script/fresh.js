// @ts-check
// Puts fresh rows in place without a reload. What changes is marked [data-live-rows] and has an id, by which it is
// found in the page asked for anew; each new element then sends `monlight:fresh`, and scripts treat it as at load.
// Who reads one thing, such as an event, keeps it, and is offered what is newer.
// Last comes `monlight:page` with the whole new page, for charts, which take only the values.

const FRESH_EVERY_MS = 1_000;
/** Also how often a refresh that waits for the reader looks again. */
const FRESH_SOON_MS = 250;
const FRESH_SLOWEST_MS = 120_000;
const ANNOUNCE_EVERY_MS = 30_000;

/** What can have the focus in a row. */
const FOCUSABLE = "a[href], button, input, summary, [tabindex]";

/** @param {Document} page @returns {HTMLElement[]} */
function regions(page) {
  return [...page.querySelectorAll("[data-live-rows][id]")].filter((region) => region instanceof HTMLElement);
}

/** The page as it is by now, parsed without running its scripts. None: it is gone, or we were sent elsewhere, as to the login.
 * @returns {Promise<Document | null>} */
function freshPage() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = 20_000;
    request.setRequestHeader("Accept", "text/html");
    request.onload = () => {
      const page = request.responseXML;
      if (new URL(request.responseURL).pathname !== location.pathname || request.status === 404) resolve(null);
      else if (request.status === 200 && page) resolve(page);
      else reject(new Error(`status ${request.status}`));
    };
    request.onerror = request.ontimeout = request.onabort = () => reject(new Error("no answer"));
    request.send();
  });
}

/** What the server sent open does not count as opened by the reader. @type {WeakSet<Element>} */
const servedOpen = new WeakSet(document.querySelectorAll("[data-live-rows] details[open]"));

/** Whether the reader does something in a region that its replacement would undo.
 * @param {HTMLElement} region @returns {boolean} */
function isInUse(region) {
  const selection = getSelection();
  const active = document.activeElement;
  const isTypedIn = active?.matches("select, textarea, input:not([type=checkbox], [type=radio])");
  return (
    (selection !== null && !selection.isCollapsed && selection.containsNode(region, true)) ||
    (isTypedIn === true && region.contains(active)) ||
    region.querySelector(":active") !== null ||
    [...region.querySelectorAll("details[open]")].some((details) => !servedOpen.has(details))
  );
}

/** @param {Element | null | undefined} row @returns {string} */
function rowLink(row) {
  return row?.querySelector("a[data-row-link]")?.getAttribute("href") ?? "";
}

/** @param {Element} region @returns {Map<string, Element>} Rows by where they lead. */
function rowsOf(region) {
  return new Map([...region.querySelectorAll("[data-row]")].map((row) => [rowLink(row), row]));
}

/** @param {Element} region @returns {HTMLInputElement[]} */
function ticksOf(region) {
  const boxes = [...region.querySelectorAll("[data-row] input[type=checkbox][name=id]")];
  return boxes.filter((box) => box instanceof HTMLInputElement);
}

/** What an element is to its reader: a button that says something else by now must not get the focus of the old one.
 * @param {Element} element @returns {string} */
function wording(element) {
  return `${element.tagName} ${element.getAttribute("aria-label") ?? element.getAttribute("value") ?? element.textContent}`;
}

/** Where the focus of `region` belongs in its successor: the same place in the same row, or else the row's link.
 * @param {Element} region @param {Element} next @param {Element} active @returns {Element | null | undefined} */
function focusAfter(region, next, active) {
  const row = active.closest("[data-row]");
  const home = row ? rowsOf(next).get(rowLink(row)) : next;
  const place = [...(row ?? region).querySelectorAll(FOCUSABLE)].indexOf(active);
  const twin = home?.querySelectorAll(FOCUSABLE)[place];
  return twin && wording(twin) === wording(active) ? twin : home?.querySelector("a[data-row-link]");
}

/** The first row in sight, if the reader has scrolled: it stays where it is, and new rows come in above.
 * @param {Element} region @returns {Element | undefined} */
function rowInSight(region) {
  if (scrollY === 0) return undefined;
  return [...region.querySelectorAll("[data-row]")].find((row) => row.getBoundingClientRect().bottom > 0);
}

/** @param {HTMLElement} main @param {HTMLElement} region @param {HTMLElement} next */
function replaceRegion(main, region, next) {
  const known = rowsOf(region);
  const rows = rowsOf(next);
  const ticked = new Set(ticksOf(region).flatMap((box) => (box.checked ? [box.value] : [])));
  const active = document.activeElement;
  const focused = active && region.contains(active) ? (focusAfter(region, next, active) ?? main) : null;
  const inSight = rowInSight(region);
  const top = inSight?.getBoundingClientRect().top ?? 0;

  for (const [href, row] of rows) row.classList.toggle("fresh", !known.has(href));
  for (const box of ticksOf(next)) box.checked ||= ticked.has(box.value);
  for (const details of next.querySelectorAll("details[open]")) servedOpen.add(details);
  region.replaceWith(next);
  next.dispatchEvent(new CustomEvent("monlight:fresh", { bubbles: true }));
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  const moved = rows.get(rowLink(inSight))?.getBoundingClientRect().top;
  if (inSight && moved !== undefined) scrollBy({ top: moved - top, behavior: "instant" });
}

/** Takes over what is marked. A page of another kind, as when the first row has come, is loaded instead.
 * @param {HTMLElement} main @param {Document} page @returns {boolean} Whether something was replaced. */
function renew(main, page) {
  const shown = main.dataset.liveTotal;
  const total = page.querySelector("main")?.dataset.liveTotal;
  const fresh = regions(page);
  const isUnmarked = fresh.length === 0 && shown === "0" && total !== undefined && total !== shown;
  if (isUnmarked || fresh.some((next) => !document.getElementById(next.id))) {
    location.reload();
    return false;
  }
  for (const next of fresh) {
    const region = document.getElementById(next.id);
    if (region) replaceRegion(main, region, document.adoptNode(next));
  }
  Object.assign(main.dataset, page.querySelector("main")?.dataset);
  document.dispatchEvent(new CustomEvent("monlight:page", { detail: page }));
  return fresh.length > 0;
}

/** Says what changed: what is new to who reads one thing (<main data-live-count data-live-newest>), or to screen readers,
 * and not over and over, that the page was updated.
 * @param {HTMLElement} main @returns {() => void} */
function announcer(main) {
  let last = -Infinity;
  const { liveNewest } = main.dataset;
  const n_shown = Number(main.dataset.liveCount);
  return () => {
    const status = document.querySelector("[data-live-status]");
    const n_newer = Number(main.dataset.liveCount) - n_shown;
    if (status && liveNewest && n_newer > 0) {
      const text = n_newer === 1 ? "1 newer event — show it" : `${n_newer.toLocaleString("en")} newer events — show the newest`;
      return offer(status, text, () => location.assign(liveNewest));
    }
    status?.querySelector("button")?.remove();
    if (performance.now() - last < ANNOUNCE_EVERY_MS) return;
    last = performance.now();
    const line = document.createElement("span");
    line.className = "hush";
    line.textContent = liveNewest ? "Updated" : "List updated";
    status?.replaceChildren(line);
  };
}

/** Returns what asks for a refresh: one runs at a time, one a second at most, none while the reader is in the way.
 * @param {HTMLElement} main @param {() => void} leave What to do once we are signed out. @returns {() => void} */
function refresher(main, leave) {
  const announce = announcer(main);
  let isWanted = false;
  let isRunning = false;
  let timer = 0;
  let pause = FRESH_EVERY_MS;
  let notBefore = 0;

  const isBusy = () => regions(document).some(isInUse);

  function plan() {
    if (!isWanted || isRunning || timer) return;
    timer = setTimeout(run, Math.max(FRESH_SOON_MS, notBefore - performance.now()));
  }

  async function run() {
    timer = 0;
    // A hidden page asks again when it is seen.
    if (document.hidden) return;
    if (isBusy()) return plan();
    isWanted = false;
    isRunning = true;
    try {
      const page = await freshPage();
      if (!page) return leave();
      if (isBusy()) isWanted = true;
      else if (renew(main, page)) announce();
      pause = FRESH_EVERY_MS;
    } catch {
      isWanted = true;
      pause = Math.min(pause * 2, FRESH_SLOWEST_MS);
    } finally {
      isRunning = false;
      notBefore = performance.now() + pause;
      plan();
    }
  }

  return () => {
    isWanted = true;
    plan();
  };
}
