// @ts-check
// The containers beside the list, with what they have said in all: asked for now and then while the page is live, since
// the tail tells only what the search finds.

const CONTAINERS_EVERY_MS = 10_000;
const CONTAINERS_SLOWEST_MS = 120_000;

/** A container as the API tells of it. @typedef {{ name: string, log_count: number, by_level: Record<string, number> }} Said */

/** A row as the server makes it. @param {string} name @returns {HTMLLIElement} */
function containerRow(name) {
  const box = make("input", "");
  box.type = "checkbox";
  box.name = "container";
  box.value = name;
  box.setAttribute("form", "ask");
  box.dataset.send = "";
  const row = make("li", "", make("label", "check", box, " ", make("span", "name", name)), make("span", "share"), make("data", "count"));
  row.dataset.name = name;
  return row;
}

/** @param {Said} said @returns {string} Of a hundred. */
function errorShare({ log_count, by_level }) {
  const share = (((by_level["ERROR"] ?? 0) + (by_level["CRITICAL"] ?? 0)) * 100) / Math.max(log_count, 1);
  return share < 1 ? "< 1 %" : `${Math.round(share)} %`;
}

/** @param {HTMLLIElement} row @param {Said} said */
function writeContainer(row, said) {
  writeCount(row.querySelector("data.count"), said.log_count);
  const share = row.querySelector(".share");
  const errors = (said.by_level["ERROR"] ?? 0) + (said.by_level["CRITICAL"] ?? 0);
  if (!(share instanceof HTMLElement)) return;
  share.classList.toggle("has", errors > 0);
  share.title = `${errors} errors`;
  share.replaceChildren(...(errors > 0 ? [errorShare(said), make("span", "hush", " errors")] : []));
}

/** Rows stay the elements they are, so that focus and ticks do. @param {HTMLElement} list @param {Said[]} containers By name. */
function writeContainers(list, containers) {
  const rows = [...list.children].filter((row) => row instanceof HTMLLIElement);
  const known = new Map(rows.map((row) => [row.dataset.name, row]));
  /** @type {HTMLLIElement | null} */
  let last = null;
  for (const said of containers) {
    const old = known.get(said.name);
    known.delete(said.name);
    const row = old ?? containerRow(said.name);
    if (!old) list.insertBefore(row, last ? last.nextSibling : list.firstChild);
    writeContainer(row, said);
    last = row;
  }
  for (const gone of known.values()) gone.remove();
}

/** @param {{ isOn: () => boolean }} tail */
function keepContainers(tail) {
  const list = document.getElementById("containers");
  if (!list) return;

  let pause = CONTAINERS_EVERY_MS;
  let timer = 0;

  async function renew() {
    clearTimeout(timer);
    if (!document.hidden && tail.isOn()) {
      const found = await ask(api("containers", "", {})).catch(() => null);
      if (list && found) writeContainers(list, found.containers);
      pause = found ? CONTAINERS_EVERY_MS : Math.min(pause * 2, CONTAINERS_SLOWEST_MS);
    }
    clearTimeout(timer);
    timer = setTimeout(renew, pause);
  }
  timer = setTimeout(renew, pause);
  document.addEventListener("visibilitychange", () => document.hidden || renew());
}
