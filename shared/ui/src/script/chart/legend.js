// @ts-check
// The legend: a button for each series that shows or hides it, with its value where the cursor is, else its last.

/** @param {(number | null)[]} values @returns {number | null} */
function lastOf(values) {
  for (let i = values.length - 1; i >= 0; i -= 1) {
    const value = values[i];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** @typedef {{ show: (index: number | null) => void, remake: (chart: Chart) => void }} Legend */

/** Fills `list`. `toggle` is told the place of a series whose button was pressed, and whether it alone is meant.
 * @param {Element} list @param {Chart} chart @param {(place: number) => boolean} isShown
 * @param {(place: number, alone: boolean) => void} toggle @returns {Legend} */
function legend(list, chart, isShown, toggle) {
  const time = document.createElement("li");
  time.className = "at";
  const buttons = chart.series.map((series, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.title = "Show or hide; with Shift this one alone";
    const swatch = document.createElement("i");
    swatch.className = `swatch ${colourClass(series, place)}${series.is_dashed ? " dashed" : ""}`;
    const name = document.createElement("span");
    name.textContent = series.name;
    button.append(swatch, name, document.createElement("b"));
    button.addEventListener("click", (event) => toggle(place, event.shiftKey));
    return button;
  });
  const items = buttons.map((button) => {
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  list.replaceChildren(time, ...items);

  /** @param {number | null} index None: the cursor is elsewhere. */
  function show(index) {
    const at = index === null ? undefined : chart.times[index];
    time.textContent = at === undefined ? "Last" : pointOf(at);
    buttons.forEach((button, place) => {
      const series = chart.series[place];
      const values = series?.values ?? [];
      const value = index === null ? lastOf(values) : values[index];
      const figure = button.querySelector("b");
      if (figure) figure.textContent = measure(value, series?.is_behind ? "plain" : chart.unit);
      button.setAttribute("aria-pressed", String(isShown(place)));
    });
  }

  show(null);
  return {
    show,
    remake(next) {
      chart = next;
      show(null);
    },
  };
}
