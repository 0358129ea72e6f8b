// @ts-check
// Values with their unit, as axes and legends show them: the same rules as measure.rs, which writes the tables.

/** @typedef {"plain" | "per_second" | "seconds" | "milliseconds" | "bytes" | "bytes_per_second" | "ratio"} Unit */
/** @typedef {[number, string][]} Sizes Each unit's size and name, largest first. */

/** @type {Sizes} */
const THOUSANDS = [[1e18, "E"], [1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];
/** @type {Sizes} */
const BYTES = [[1e18, " EB"], [1e15, " PB"], [1e12, " TB"], [1e9, " GB"], [1e6, " MB"], [1e3, " kB"], [1, " B"]];
/** @type {[number, number, string][]} Seconds in each, shortest first, and how many at least are told by it. */
const RATES = [[1, 0.01, "/s"], [60, 0.1, "/min"], [3600, 0.1, "/h"], [86400, 0, "/d"]];
/** @type {Sizes} */
const DURATIONS = [[86400, " d"], [3600, " h"], [60, " min"], [1, " s"], [1e-3, " ms"], [1e-6, " µs"]];

/** Three digits that count, fewer where the rest are noughts. @param {number} value @returns {string} */
function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e6) return value.toExponential(2).replace("e+", "e");
  if (size < 1e-6) return value.toExponential(1);
  const places = Math.min(Math.max(2 - Math.floor(Math.log10(size * (1 + 5e-4))), 0), 8);
  const text = value.toFixed(places);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** @param {number} value @param {Sizes} sizes @param {string} ending @returns {string} */
function scaled(value, sizes, ending) {
  const [size, name] = sizes.find(([size]) => Math.abs(value) >= size * 0.9995) ?? sizes[sizes.length - 1] ?? [1, ""];
  return `${digits(value / size)}${name}${ending}`;
}

/** What happens seldom is told by a time in which `like` happens. @param {number} perSecond @param {number} like
 * @returns {string} */
function rate(perSecond, like) {
  const found = RATES.find(([times, least]) => like === 0 || Math.abs(like) * times >= least);
  const [times, , ending] = found ?? [1, 0, "/s"];
  return scaled(perSecond * times, THOUSANDS, ending);
}

/** @param {number} seconds @returns {string} */
function duration(seconds) {
  return seconds === 0 ? "0 s" : scaled(seconds, DURATIONS, "");
}

/** @param {number | null | undefined} value @param {Unit} unit
 * @param {number | null | undefined} like The value whose time a rate is told by: on an axis, the greatest. @returns {string} */
function measure(value, unit, like = value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  switch (unit) {
    case "per_second":
      return rate(value, like ?? value);
    case "seconds":
      return duration(value);
    case "milliseconds":
      return duration(value / 1000);
    case "bytes":
      return scaled(value, BYTES, "");
    case "bytes_per_second":
      return scaled(value, BYTES, "/s");
    case "ratio":
      return `${digits(value * 100)} %`;
    default:
      return scaled(value, THOUSANDS, "");
  }
}
