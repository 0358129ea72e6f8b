// @ts-check
// Times on charts, in the reader's own zone or in UTC: times.js says which by <html data-zone>.

/** @returns {boolean} */
function isUtc() {
  return document.documentElement.dataset["zone"] === "UTC";
}

/** @param {number} at Unix milliseconds. @param {Intl.DateTimeFormatOptions} options @returns {string} */
function written(at, options) {
  return new Date(at).toLocaleString(undefined, isUtc() ? { ...options, timeZone: "UTC" } : options);
}

/** `28 Nov`. @param {number} at @returns {string} */
function dayOf(at) {
  return written(at, { day: "numeric", month: "short" });
}

/** `07:00`, with seconds where the step needs them. @param {number} at @param {number} step Milliseconds. @returns {string} */
function clockOf(at, step) {
  const second = step < 60_000 ? { second: /** @type {const} */ ("2-digit") } : {};
  return written(at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...second });
}

/** `28 Nov, 07:00:00`. @param {number} at @returns {string} */
function pointOf(at) {
  return written(at, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}
