// @ts-check
// The histogram: what a bar stands for, and a range chosen by dragging over it.

const SVG = "http://www.w3.org/2000/svg";
/** Shorter moves are clicks, in bars. */
const MIN_DRAG = 0.3;
const VOLUME_EVERY_MS = 5_000;
/** As the server draws: a bar and its gap, the height, and the least of what is there. */
const [BAR_STEP, BAR_WIDTH, BAR_HEIGHT, BAR_LEAST] = [10, 8, 100, 2];
const LEVEL_NAMES = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/** @param {number[][]} buckets Counts by level. @returns {string[]} A path for each level. */
function barPaths(buckets) {
  const highest = Math.max(1, ...buckets.map((counts) => counts.reduce((sum, n) => sum + n, 0)));
  const height = (/** @type {number} */ n) => (n === 0 ? 0 : Math.max(BAR_LEAST, (n / highest) * (BAR_HEIGHT - 4 * BAR_LEAST)));
  const paths = LEVEL_NAMES.map(() => "");
  buckets.forEach((counts, i) => {
    let y = BAR_HEIGHT;
    counts.forEach((n, level) => {
      const own = height(n);
      if (own > 0) paths[level] += `M${i * BAR_STEP} ${y.toFixed(1)}v-${own.toFixed(1)}h${BAR_WIDTH}v${own.toFixed(1)}z`;
      y -= own;
    });
  });
  return paths;
}

/** @param {HTMLElement} main @returns {{ renew: () => void }} */
function enableVolume(main) {
  const svg = document.getElementById("volume");
  const says = document.getElementById("volume-at");
  if (!(svg instanceof SVGSVGElement)) return { renew() {} };
  /** @type {SVGSVGElement} */
  const chart = svg;
  let start = Number(chart.dataset.start);
  let step = Number(chart.dataset.step);
  let counts = (chart.dataset.counts ?? "").split(";").map((bucket) => bucket.split(",").map(Number));
  /** @type {number | null} */
  let from = null;
  let notBefore = performance.now() + VOLUME_EVERY_MS;
  let timer = 0;
  const chosen = document.createElementNS(SVG, "rect");
  chosen.setAttribute("class", "chosen");
  chosen.setAttribute("height", String(BAR_HEIGHT));
  chart.dataset.drag = "";

  /** In bars, within the chart. @param {PointerEvent} event @returns {number} */
  function placeOf(event) {
    const box = chart.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * counts.length;
    return Math.min(Math.max(place, 0), counts.length);
  }

  /** @param {number} place @returns {Date} */
  const timeAt = (place) => new Date(Math.round(start + place * step));

  /** @param {number} a @param {number} b */
  function go(a, b) {
    const search = new URLSearchParams(main.dataset.query ?? "");
    search.delete("range");
    search.set("from", timeAt(a).toISOString());
    search.set("to", timeAt(b).toISOString());
    location.href = `${root || "./"}?${search}`;
  }

  /** @param {number} place */
  function tell(place) {
    const bar = Math.min(Math.floor(place), counts.length - 1);
    const bucket = counts[bar] ?? [];
    const parts = bucket.flatMap((n, i) => (n > 0 ? [`${n.toLocaleString("en")} ${(LEVEL_NAMES[i] ?? "").toLowerCase()}`] : []));
    const when = rowClock(timeAt(bar).toISOString()).replace(/\.\d+$/, "");
    if (says) says.textContent = `${when}: ${parts.reverse().join(", ") || "nothing"}`;
  }

  chart.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = placeOf(event);
    chart.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  chart.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    tell(place);
    if (from === null) return;
    const [left, right] = [Math.min(from, place), Math.max(from, place)];
    chosen.setAttribute("x", String(left * BAR_STEP));
    chosen.setAttribute("width", String((right - left) * BAR_STEP));
    if (!chosen.isConnected) chart.append(chosen);
    if (says && right - left >= MIN_DRAG) {
      const text = (/** @type {number} */ at) => rowClock(timeAt(at).toISOString()).replace(/\.\d+$/, "");
      says.textContent = `${text(left)} – ${text(right)}`;
    }
  });
  chart.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [a, b] = [from, placeOf(event)];
    from = null;
    chosen.remove();
    if (Math.abs(a - b) >= MIN_DRAG) go(Math.min(a, b), Math.max(a, b));
    else if (step > 1000) go(Math.floor(a), Math.floor(a) + 1);
  });
  chart.addEventListener("pointercancel", () => {
    from = null;
    chosen.remove();
  });
  chart.addEventListener("pointerleave", () => {
    if (says && from === null) says.textContent = "";
  });

  /** Draws anew what has come meanwhile, now and then. */
  async function draw() {
    timer = 0;
    notBefore = performance.now() + VOLUME_EVERY_MS;
    if (document.hidden || from !== null) return;
    const found = await ask(api("logs/histogram", main.dataset.query ?? "", { buckets: counts.length })).catch(() => null);
    if (!found?.buckets.length || from !== null) return;
    start = Date.parse(found.buckets[0].time);
    step = found.step_seconds * 1000;
    counts = found.buckets.map((/** @type {any} */ bucket) => LEVEL_NAMES.map((name) => bucket.by_level[name] ?? 0));
    chart.setAttribute("viewBox", `0 0 ${counts.length * BAR_STEP} ${BAR_HEIGHT}`);
    const layers = barPaths(counts).map((path, i) => {
      const layer = document.createElementNS(SVG, "path");
      layer.setAttribute("class", (LEVEL_NAMES[i] ?? "").toLowerCase());
      layer.setAttribute("d", path);
      return layer;
    });
    chart.replaceChildren(...layers);
  }

  return {
    renew() {
      timer ||= setTimeout(draw, Math.max(0, notBefore - performance.now()));
    },
  };
}
