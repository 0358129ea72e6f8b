// @ts-check
// Draws every <figure data-chart>, or <figure data-chart-url> with an address of the same JSON. A drag asks for that
// range: `monlight:zoom` with { from, to } in Unix milliseconds goes up from the figure, and unless somebody prevents
// it, the page is loaded with that from and to. Where uPlot is missing, the tables of values are shown instead.

/** A shorter drag is a click. */
const SHORTEST_DRAG_PX = 6;

/** @param {ParentNode} home @param {string} name @returns {HTMLElement | null} */
function part(home, name) {
  const element = home.querySelector(`[${name}]`);
  return element instanceof HTMLElement ? element : null;
}

/** @param {HTMLElement} figure @returns {Promise<Chart | null>} */
async function dataOf(figure) {
  if (figure.dataset["chart"]) return JSON.parse(figure.dataset["chart"]);
  const url = figure.dataset["chartUrl"];
  if (!url) return null;
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  return answer.ok ? answer.json() : null;
}

/** @param {HTMLElement} figure @param {number} from @param {number} to Unix milliseconds. */
function zoom(figure, from, to) {
  const detail = { from: Math.floor(from / 1000) * 1000, to: Math.ceil(to / 1000) * 1000 };
  const event = new CustomEvent("monlight:zoom", { detail, bubbles: true, cancelable: true });
  if (!figure.dispatchEvent(event)) return;
  const url = new URL(location.href);
  for (const name of ["range", "cursor"]) url.searchParams.delete(name);
  url.searchParams.set("from", new Date(detail.from).toISOString());
  url.searchParams.set("to", new Date(detail.to).toISOString());
  location.assign(url);
}

/** Left and right move the cursor, Home and End to the edges, Escape takes it away.
 * @param {uPlot} plot @param {KeyboardEvent} event */
function moveCursor(plot, event) {
  const times = plot.data[0];
  const now = plot.cursor.idx ?? times.length;
  const steps = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: times.length - 1 };
  if (event.key === "Escape") plot.setCursor({ left: -10, top: -10 });
  if (!(event.key in steps)) return;
  event.preventDefault();
  const wanted = steps[/** @type {keyof typeof steps} */ (event.key)];
  const at = times[Math.min(Math.max(wanted, 0), times.length - 1)];
  if (at !== undefined) plot.setCursor({ left: plot.valToPos(at, "x"), top: plot.over.clientHeight / 2 });
}

/** @typedef {{ renew: (chart: Chart) => void, redraw: () => void }} Drawing */

/** @param {HTMLElement} figure @param {HTMLElement} box @param {Chart} chart @returns {Drawing} */
function draw(figure, box, chart) {
  const list = part(figure, "data-chart-legend");
  let shown = chart.series.map(() => true);
  let names = chart.series.map((series) => series.name).join("\n");

  /** @param {number} place */
  const isShown = (place) => shown[place] ?? true;

  /** @param {number} place @param {boolean} alone */
  function toggle(place, alone) {
    const isAlone = shown.every((it, n) => it === (n === place));
    shown = shown.map((it, n) => (alone ? isAlone || n === place : n === place ? !it : it));
    shown.forEach((show, n) => plot.setSeries(n + 1, { show }));
    plot.setData(drawn(chart, shown));
    words?.show(null);
  }

  let words = list ? legend(list, chart, isShown, toggle) : null;
  let plot = make();

  function make() {
    /** @type {uPlot.Options} */
    const options = {
      width: box.clientWidth,
      height: box.clientHeight,
      ms: 1,
      tzDate: (at) => (isUtc() ? uPlot.tzDate(new Date(at), "Etc/UTC") : new Date(at)),
      legend: { show: false },
      padding: [8, chart.series.some((series) => series.is_behind) ? 6 : 22, 0, 0],
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 }, y: false },
      scales: scales(chart),
      axes: axes(figure, chart),
      series: seriesOptions(figure, chart, shown),
      hooks: {
        drawAxes: [(plot) => drawThresholds(plot, figure, chart.thresholds ?? [])],
        draw: [(plot) => drawMarks(plot, figure, chart.marks ?? [])],
        setCursor: [(plot) => words?.show(plot.cursor.idx ?? null)],
        setSelect: [selected],
      },
    };
    if (chart.sync && options.cursor) options.cursor.sync = { key: chart.sync, setSeries: false };
    return new uPlot(options, drawn(chart, shown), box);
  }

  /** @param {uPlot} plot */
  function selected(plot) {
    const { left, width } = plot.select;
    if (width < SHORTEST_DRAG_PX) return;
    zoom(figure, plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `Chart: ${chart.title}. Left and right move along it.`);
  box.addEventListener("keydown", (event) => moveCursor(plot, event));
  new ResizeObserver(() => {
    if (box.clientWidth > 0 && box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: plot.height });
  }).observe(box);

  return {
    // Bars keep the colour that they were made with: they are made anew.
    redraw: () => plot.redraw(true, true),
    renew(next) {
      chart = next;
      const nextNames = chart.series.map((series) => series.name).join("\n");
      if (nextNames === names) {
        plot.setData(drawn(chart, shown));
        words?.remake(chart);
        return;
      }
      names = nextNames;
      shown = chart.series.map(() => true);
      words = list ? legend(list, chart, isShown, toggle) : null;
      plot.destroy();
      plot = make();
    },
  };
}

/** Drawings by the id of their figure. @type {Map<string, Drawing>} */
const drawings = new Map();

/** The table is there from the start; where there is a chart, a button shows it. @param {HTMLElement} figure */
function hideTable(figure) {
  const button = part(figure, "data-chart-table");
  const values = figure.querySelector(".values");
  if (!(button instanceof HTMLButtonElement) || !(values instanceof HTMLElement)) return;
  figure.classList.add("drawn");
  button.hidden = false;
  button.onclick = () => {
    const isShown = figure.classList.toggle("with-table");
    button.setAttribute("aria-expanded", String(isShown));
  };
}

/** @param {HTMLElement} figure @param {Chart | null} chart */
function show(figure, chart) {
  const box = part(figure, "data-chart-plot");
  const list = part(figure, "data-chart-legend");
  const hasValues = chart !== null && chart.series.some((series) => lastOf(series.values) !== null);
  const known = drawings.get(figure.id);
  if (!chart || !box || (!hasValues && !known)) return;
  box.hidden = false;
  if (list) list.hidden = false;
  part(figure, "data-chart-nothing")?.remove();
  if (known) known.renew(chart);
  else drawings.set(figure.id, draw(figure, box, chart));
  hideTable(figure);
}

/** @returns {HTMLElement[]} */
function figures() {
  const all = [...document.querySelectorAll("figure[data-chart], figure[data-chart-url]")];
  return all.filter((figure) => figure instanceof HTMLElement);
}

function showAll() {
  for (const figure of figures()) {
    dataOf(figure).then(
      (chart) => show(figure, chart),
      () => figure.classList.add("failed"),
    );
  }
}

/** A live page was asked for anew: its charts get the values that came. @param {Document} page */
function takeOver(page) {
  for (const figure of figures()) {
    const next = page.getElementById(figure.id);
    const values = next?.querySelector(".values");
    if (next?.dataset["chart"]) figure.dataset["chart"] = next.dataset["chart"];
    if (values && !figure.querySelector(".values")?.contains(document.activeElement)) {
      figure.querySelector(".values")?.replaceChildren(...document.adoptNode(values).childNodes);
      figure.dispatchEvent(new CustomEvent("monlight:fresh", { bubbles: true }));
    }
  }
  showAll();
}

/** In the theme and zone of now. */
function redrawAll() {
  paints.clear();
  for (const drawing of drawings.values()) drawing.redraw();
}

if (typeof uPlot === "function") {
  showAll();
  document.addEventListener("monlight:page", (event) => {
    if (event instanceof CustomEvent && event.detail instanceof Document) takeOver(event.detail);
  });
  document.addEventListener("monlight:zone", redrawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  new MutationObserver(redrawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
} else {
  for (const figure of figures()) figure.classList.add("failed");
}
