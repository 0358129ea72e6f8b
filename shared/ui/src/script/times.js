// @ts-check
// Times in the reader's own zone and language. `time.ago` says how long ago, `time.full` the local date and time
// as well; the title of both stays the exact UTC text that the server wrote. `time.clock` is for other scripts. A reader may choose UTC for all of them.

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "narrow" });

/** Of the reader's zone, or of UTC. @type {{ day: Intl.DateTimeFormat, time: Intl.DateTimeFormat }} */
let zoned = formats();

/** @returns {boolean} */
function inUtc() {
  return document.documentElement.dataset.zone === "UTC";
}

function formats() {
  const zone = inUtc() ? { timeZone: "UTC" } : {};
  return {
    day: new Intl.DateTimeFormat(undefined, { dateStyle: "medium", ...zone }),
    time: new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", ...zone }),
  };
}

/** Units as the server cuts them: seconds in one, the unit, and up to how many seconds it is used.
 * @type {[number, Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  [1, "second", 60],
  [60, "minute", 3600],
  [3600, "hour", 86400],
  [86400, "day", 7776000],
];

/** @param {Date} date @param {number} now @returns {string} */
function ago(date, now) {
  const seconds = Math.trunc((date.getTime() - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 5) return relative.format(0, "second");
  for (const [length, unit, limit] of UNITS) {
    if (size < limit) return relative.format(Math.trunc(seconds / length), unit);
  }
  return zoned.day.format(date);
}

/** Writes every time on the page anew. */
function showTimes() {
  const now = Date.now();
  for (const element of document.querySelectorAll("time")) {
    if (element.classList.contains("clock")) continue;
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const text = element.classList.contains("ago") ? ago(date, now) : zoned.time.format(date);
    if (element.textContent !== text) element.textContent = text;
    if (!element.title) element.title = element.dateTime;
  }
}

function changeZone() {
  zoned = formats();
  showTimes();
}

showTimes();
setInterval(() => document.hidden || showTimes(), 15_000);
document.addEventListener("visibilitychange", () => document.hidden || showTimes());
document.addEventListener("monlight:fresh", showTimes);
document.addEventListener("monlight:zone", changeZone);
