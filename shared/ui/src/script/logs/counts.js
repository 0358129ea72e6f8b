// @ts-check
// Counts as the server writes them (number.rs), and those over the list: in all and by level.

/** At most four characters and a unit. Cut, never rounded up. @param {number} n @returns {string} */
function shortCount(n) {
  if (n < 1_000) return String(n);
  const [unit, letter] = n < 1_000_000 ? [1_000, "k"] : n < 1_000_000_000 ? [1_000_000, "M"] : [1_000_000_000, "G"];
  const tenths = Math.floor(n / (unit / 10));
  const isWhole = tenths >= 1_000 || tenths % 10 === 0;
  return `${isWhole ? Math.floor(tenths / 10) : (tenths / 10).toFixed(1)}${letter}`;
}

/** @param {Element | null} element A <data class="count">. @param {number} n */
function writeCount(element, n) {
  if (!(element instanceof HTMLDataElement)) return;
  element.value = String(n);
  element.title = n.toLocaleString("en");
  element.textContent = shortCount(n);
}

/** What has come into the list counts, in all and by level: so the legend adds up to the total.
 * @param {Entry[]} entries */
function countIn(entries) {
  const total = document.getElementById("total");
  const [, least = "", shown = ""] = /^(Over )?([\d,]+) entr/.exec(total?.textContent?.trim() ?? "") ?? [];
  if (total && shown) {
    const n = Number(shown.replaceAll(",", "")) + entries.length;
    total.textContent = `${least}${n.toLocaleString("en")} ${n === 1 ? "entry" : "entries"}`;
  }
  for (const row of document.querySelectorAll("li[data-level]")) {
    if (!(row instanceof HTMLLIElement)) continue;
    const count = row.querySelector("data.count");
    const n = Number(count?.getAttribute("value")) + entries.filter((entry) => entry.level === row.dataset.level).length;
    row.hidden = n === 0;
    writeCount(count, n);
  }
}
