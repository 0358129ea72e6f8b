// @ts-check
// What comes, as it comes. While the reader is at the top it goes into the list; elsewhere it waits behind a button.

/** Entries that may wait; beyond, loading the page again is quicker than catching up. */
const MAX_WAITING = 5_000;
const TAIL_RETRY_MS = 3_000;
const TAIL_SLOWEST_MS = 60_000;

/** @param {HTMLElement} main @param {{ isAtTop: () => boolean, show: (entries: Entry[]) => void, gap: (missed: number) => void,
 *   isNews: (entry: Entry) => boolean }} view @returns {{ isOn: () => boolean }} */
function followTail(main, view) {
  const status = document.querySelector("[data-live-status]");
  const button = document.getElementById("live");
  let lastId = main.dataset.newest ?? "0";
  /** The newest last. @type {Entry[]} */
  let waiting = [];
  /** @type {EventSource | null} */
  let source = null;
  let isOn = false;
  let frame = 0;
  let timer = 0;
  let pause = TAIL_RETRY_MS;

  function open() {
    clearTimeout(timer);
    if (!isOn || source || document.hidden) return;
    source = new EventSource(api("logs/tail", main.dataset.tail ?? "", { last_event_id: lastId }));
    source.onopen = () => {
      pause = TAIL_RETRY_MS;
      state("on");
    };
    source.addEventListener("log", (event) => take(event));
    source.addEventListener("gap", (event) => view.gap(Number(JSON.parse(event.data).missed)));
    source.addEventListener("close", () => later(500));
    source.onerror = () => later(pause);
  }

  /** Comes back by itself: with the id of the last entry, so that nothing is missed. @param {number} ms */
  function later(ms) {
    close();
    if (!isOn) return;
    state("waiting");
    timer = setTimeout(open, ms);
    pause = Math.min(pause * 2, TAIL_SLOWEST_MS);
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  /** @param {MessageEvent<string>} event */
  function take(event) {
    lastId = event.lastEventId;
    /** @type {Entry} */
    const entry = JSON.parse(event.data);
    if (!view.isNews(entry)) return;
    waiting.push(entry);
    if (waiting.length > MAX_WAITING) {
      isOn = false;
      close();
      state("off");
    }
    frame ||= requestAnimationFrame(draw);
  }

  function draw() {
    frame = 0;
    if (waiting.length === 0) return;
    if (waiting.length <= MAX_WAITING && view.isAtTop()) return flush();
    offer();
  }

  function flush() {
    const entries = waiting.reverse();
    waiting = [];
    status?.querySelector("button")?.remove();
    if (entries.length > MAX_WAITING) return location.reload();
    view.show(entries);
  }

  function offer() {
    if (!status) return;
    const news = status.querySelector("button") ?? status.appendChild(document.createElement("button"));
    const n = waiting.length > MAX_WAITING ? `Over ${MAX_WAITING.toLocaleString("en")}` : waiting.length.toLocaleString("en");
    news.type = "button";
    news.dataset.key = "r";
    news.textContent = `${n} new`;
    news.onclick = () => {
      scrollTo({ top: 0, behavior: "instant" });
      flush();
    };
  }

  /** @param {"on" | "waiting" | "off"} name */
  function state(name) {
    if (!button) return;
    button.dataset.state = name;
    button.setAttribute("aria-pressed", String(name !== "off"));
    button.title = { on: "New entries come in by themselves", waiting: "The connection is lost; trying again", off: "Paused" }[name];
  }

  function toggle() {
    isOn = !isOn;
    if (isOn) open();
    else close();
    state(isOn ? "waiting" : "off");
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  addEventListener("scroll", () => view.isAtTop() && waiting.length > 0 && (frame ||= requestAnimationFrame(draw)), { passive: true });
  if (button) {
    button.hidden = false;
    button.addEventListener("click", toggle);
  }
  if (main.dataset.live !== undefined) toggle();
  else state("off");
  return { isOn: () => isOn };
}
