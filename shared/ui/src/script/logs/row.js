// @ts-check
// One entry as a row, in the same shape as the server writes it; text only ever becomes text.

/** A piece of a message that looks the same throughout.
 * @typedef {{ text: string, class?: string, link?: boolean }} Part */
/** An entry as the API writes it.
 * @typedef {{ id: number, time: string, container: string, level: string, stream: string, message: string,
 *   marks?: string[], shortened?: boolean, parts?: Part[] }} Entry */

const LEVEL_WORDS = { DEBUG: "Debug", INFO: "Info", WARNING: "Warning", ERROR: "Error", CRITICAL: "Critical" };

/** From this page to the service's root. */
const root = document.querySelector("main")?.dataset.root ?? "";

/** Formatters of the zone of now. @type {{ clock: Intl.DateTimeFormat, day: Intl.DateTimeFormat }} */
let zonedClock = clocks();

function clocks() {
  const zone = document.documentElement.dataset.zone === "UTC" ? { timeZone: "UTC" } : {};
  return {
    clock: new Intl.DateTimeFormat(undefined, {
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      fractionalSecondDigits: 3,
      hourCycle: "h23",
      ...zone,
    }),
    day: new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", ...zone }),
  };
}

/** `07:00:12.123`, with the day where it is not today. @param {string} time @returns {string} */
function rowClock(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const clock = zonedClock.clock.format(date);
  const day = zonedClock.day.format(date);
  return day === zonedClock.day.format(Date.now()) ? clock : `${day} ${clock}`;
}

/** Writes the clocks of a page or a row in the reader's zone. @param {ParentNode} home */
function writeClocks(home) {
  for (const clock of home.querySelectorAll("time.clock")) {
    if (clock instanceof HTMLTimeElement) clock.textContent = rowClock(clock.dateTime);
  }
}

/** @template {keyof HTMLElementTagNameMap} K @param {K} name @param {string} className @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]} */
function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** @param {Part} part @returns {Node} */
function pieceOf(part) {
  if (part.link && /^https?:\/\//i.test(part.text)) {
    const link = make("a", part.class ?? "", part.text);
    link.href = part.text;
    link.rel = "noopener noreferrer";
    link.target = "_blank";
    return link;
  }
  return part.class ? make("span", part.class, part.text) : document.createTextNode(part.text);
}

/** @param {Entry} entry @returns {HTMLElement} The message, in its colours. */
function textOf(entry) {
  const text = make("span", "text", ...(entry.parts?.map(pieceOf) ?? [entry.message]));
  if (entry.shortened) text.append("…");
  return text;
}

/** @param {Entry} entry @returns {HTMLLIElement} */
function rowOf(entry) {
  const time = make("time", "clock", rowClock(entry.time));
  time.dateTime = entry.time;
  time.title = entry.time;
  const at = make("a", "at", time);
  at.href = `${root}logs/${entry.id}`;
  at.dataset.rowLink = "";
  const from = make("span", "from", entry.container);
  from.title = entry.container;
  const level = LEVEL_WORDS[/** @type {keyof typeof LEVEL_WORDS} */ (entry.level)] ?? entry.level;
  const row = make("li", `entry ${entry.level.toLowerCase()}`, at, make("span", "level", level), from);
  const lines = entry.message.split("\n").length;
  if (lines > 1) row.append(make("span", "lines", `${lines} lines`));
  row.append(textOf(entry));
  row.dataset.row = "";
  row.dataset.id = String(entry.id);
  return row;
}
