// @ts-check
// Older entries, as the reader comes to the end of those that are there.

const PAGE_ROWS = 1000;
/** Characters of a message in a row, as the server cuts them. */
const ROW_CHARS = 2000;

/** @param {string} path @param {string} query `?…` or empty. @param {Record<string, string | number>} more
 * @returns {string} */
function api(path, query, more) {
  const search = new URLSearchParams(query);
  for (const [name, value] of Object.entries(more)) search.set(name, String(value));
  return `${root}api/${path}?${search}`;
}

/** @param {string} url @returns {Promise<any>} */
async function ask(url) {
  const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(body?.detail ?? `status ${answer.status}`);
  return body;
}

/** Returns where to go on from, for a list that was cut at its end.
 * @param {HTMLElement} main @param {EntryList} list @returns {(cursor: string) => void} */
function loadOlder(main, list) {
  const more = document.getElementById("more");
  const link = document.getElementById("older");
  let cursor = list.home.dataset.next ?? "";
  let isLoading = false;
  let isNear = false;

  /** @param {string} text */
  function say(text) {
    if (more) more.textContent = text;
    if (link) link.hidden = cursor === "";
  }

  async function load() {
    if (isLoading || !cursor) return;
    isLoading = true;
    say("Loading …");
    try {
      const url = api("logs", main.dataset.query ?? "", { limit: PAGE_ROWS, max_chars: ROW_CHARS, count: "false", cursor });
      const page = await ask(url);
      cursor = page.next_cursor ?? "";
      list.append(page.logs);
      say(cursor ? "" : "That is all.");
    } catch (error) {
      say(`Older entries could not be read: ${error instanceof Error ? error.message : error}`);
      isNear = false;
    }
    isLoading = false;
    if (isNear) requestAnimationFrame(load);
  }

  const end = link?.parentElement;
  if (end) {
    const sight = new IntersectionObserver(
      (seen) => {
        isNear = seen.at(-1)?.isIntersecting ?? false;
        if (isNear) load();
      },
      { rootMargin: "200% 0px" },
    );
    sight.observe(end);
  }
  link?.addEventListener("click", (event) => {
    event.preventDefault();
    isNear = true;
    load();
  });
  return (next) => {
    cursor = next;
    say("");
  };
}

/** Where the list goes on after this entry. @param {Entry} entry @returns {string} */
function cursorOf(entry) {
  const [whole = "", fraction = ""] = entry.time.replace("Z", "").split(".");
  const seconds = BigInt(Math.floor(Date.parse(`${whole}Z`) / 1000));
  return `${seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"))}.${entry.id}`;
}
