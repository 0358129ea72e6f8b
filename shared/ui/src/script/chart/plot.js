// @ts-check
// What uPlot is told: axes, colours, bars and stacks, thresholds behind the lines, marks in front of them.

/** @typedef {{ name: string, values: (number | null)[], tone?: string, colour_of?: number, is_dashed?: boolean,
 *   is_behind?: boolean }} Series */
/** @typedef {{ at: number, label: string }} Mark */
/** @typedef {{ at: number, tone: string }} Threshold The lowest first. */
/** What chart.rs writes; times are Unix milliseconds.
 * @typedef {{ title: string, kind: "lines" | "bars" | "stacked_bars" | "stacked", unit: Unit, from: number, to: number,
 *   step: number, times: number[], series: Series[], is_log?: boolean, marks?: Mark[], thresholds?: Threshold[], sync?: string }} Chart */

/** Colours given out in order; further series are dashed in the same ones. */
const N_COLOURS = 8;
const DASH = [6, 4];

/** @param {Series} series @param {number} place Among the chart's series, from 0. @returns {string} A class of chart.css. */
function colourClass(series, place) {
  return series.tone ? `tone-${series.tone}` : `colour-${(series.colour_of ?? place) % N_COLOURS}`;
}

/** Colours by class, until the theme changes. @type {Map<string, string>} */
const paints = new Map();

/** What a class of chart.css paints with, in the theme of now. @param {Element} home @param {string} name @returns {string} */
function paintOf(home, name) {
  const known = paints.get(name);
  if (known) return known;
  const probe = home.appendChild(document.createElement("i"));
  probe.className = name;
  const colour = getComputedStyle(probe).color;
  probe.remove();
  paints.set(name, colour);
  return colour;
}

/** `rgb(r, g, b)` made see-through. @param {string} colour @param {number} alpha @returns {string} */
function faded(colour, alpha) {
  const parts = colour.match(/[\d.]+/g);
  return parts ? `rgba(${parts.slice(0, 3).join(", ")}, ${alpha})` : colour;
}

/** @param {Chart} chart @returns {boolean} */
function isStacked(chart) {
  return chart.kind === "stacked" || chart.kind === "stacked_bars";
}

/** There is no place for 0 on an axis by powers of ten. @param {Chart} chart @param {Series} series @returns {(number | null)[]} */
function drawable(chart, series) {
  if (!chart.is_log || series.is_behind) return series.values;
  return series.values.map((value) => (value !== null && value > 0 ? value : null));
}

/** What is drawn: stacked series each carry what lies below them, so that the first is the highest and is drawn first.
 * @param {Chart} chart @param {boolean[]} shown @returns {uPlot.AlignedData} */
function drawn(chart, shown) {
  if (!isStacked(chart)) return [chart.times, ...chart.series.map((series) => drawable(chart, series))];
  const below = chart.times.map(() => 0);
  const sums = chart.series.map(() => /** @type {(number | null)[]} */ ([]));
  for (let n = chart.series.length - 1; n >= 0; n -= 1) {
    const values = chart.series[n]?.values ?? [];
    sums[n] = chart.times.map((_, i) => {
      if (!shown[n]) return null;
      below[i] = (below[i] ?? 0) + (values[i] ?? 0);
      return below[i] ?? 0;
    });
  }
  return [chart.times, ...sums];
}

/** What an axis of parts of one reaches at least: its first threshold, so that no error at all, or one of thousands,
 * is seen to be few. @param {Chart} chart @returns {number} 0 where there is no such thing. */
function leastTop(chart) {
  return chart.unit === "ratio" ? (chart.thresholds?.[0]?.at ?? 0) * 1.25 : 0;
}

/** From 0 where nothing is below it, with some room above, up to `top` at least.
 * @param {number | null} low @param {number | null} high @param {number} top @returns {uPlot.Range.MinMax} */
function valueRange(low, high, top) {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, top || 1];
  const room = (high - Math.min(low, 0)) * 0.08 || Math.abs(high) * 0.1 || top || 1;
  return [low >= 0 ? 0 : low - room, high > 0 || low >= 0 ? Math.max(high + room, top) : 0];
}

/** Whole powers of ten. @param {number | null} low @param {number | null} high @returns {uPlot.Range.MinMax} */
function logRange(low, high) {
  if (low === null || high === null || !(low > 0) || !Number.isFinite(high)) return [1, 10];
  const from = 10 ** Math.floor(Math.log10(low));
  return [from, Math.max(10 ** Math.ceil(Math.log10(high)), from * 10)];
}

/** Bars behind the lines take the lower third. */
const BEHIND_SHARE = 3;

/** @param {Chart} chart @returns {uPlot.Scales} */
function scales(chart) {
  return {
    x: { time: true, range: () => [chart.from, chart.to] },
    y: chart.is_log ? { distr: 3, range: (_, low, high) => logRange(low, high) } : { range: (_, low, high) => valueRange(low, high, leastTop(chart)) },
    behind: { range: (_, _low, high) => [0, (high || 1) * BEHIND_SHARE] },
  };
}

/** Whoever tells a state every minute has no gap in a chart by half a minute. */
const LONGEST_BRIDGE_STEPS = 4.5;

/** The gaps that are worth showing. @param {uPlot} plot @param {number} step Milliseconds. @param {uPlot.Series.Gap[]} gaps
 * @returns {uPlot.Series.Gap[]} */
function wideGaps(plot, step, gaps) {
  const { min = 0, max = 1 } = plot.scales["x"] ?? {};
  const pixels = (plot.bbox.width / (max - min)) * step * LONGEST_BRIDGE_STEPS;
  return gaps.filter(([from, to]) => to - from > pixels);
}

/** Values that stand alone between gaps, which no line would show. @param {uPlot} plot @param {number} place
 * @returns {number[] | null} */
function lonely(plot, place) {
  const values = plot.data[place] ?? [];
  const is = (/** @type {number} */ i) => values[i] !== null && values[i] !== undefined;
  const found = [];
  for (let i = 0; i < values.length; i += 1) if (is(i) && !is(i - 1) && !is(i + 1)) found.push(i);
  return found.length > 0 ? found : null;
}

/** @param {Element} home @param {Chart} chart @param {boolean[]} shown @returns {uPlot.Series[]} */
function seriesOptions(home, chart, shown) {
  const isBars = chart.kind === "bars" || chart.kind === "stacked_bars";
  const bars = uPlot.paths.bars?.({ size: [0.92, 60], align: 1, gap: 0 });
  const options = chart.series.map((series, place) => {
    const paint = () => paintOf(home, colourClass(series, place));
    /** @type {uPlot.Series} */
    const option = {
      label: series.name,
      show: shown[place] ?? true,
      stroke: paint,
      width: isBars ? 0 : series.is_dashed ? 1.25 : 1.75,
      points: { show: false, size: 4, fill: paint, filter: (plot, n) => (isBars ? null : lonely(plot, n)) },
      gaps: (plot, _place, _from, _to, gaps) => wideGaps(plot, chart.step, gaps),
    };
    if (series.is_behind && bars) {
      return { ...option, scale: "behind", width: 0, paths: bars, fill: () => faded(paint(), 0.3), points: { show: false } };
    }
    if (series.is_dashed || place >= N_COLOURS) option.dash = DASH;
    if (isBars && bars) option.paths = bars;
    if (isBars) option.fill = paint;
    else if (chart.kind === "stacked") option.fill = paint;
    else if (chart.series.length === 1) option.fill = () => faded(paint(), 0.12);
    return option;
  });
  return [{}, ...options];
}

/** @param {uPlot} plot @param {Element} home @param {Threshold[]} thresholds A line each, over the grid and behind the series. */
function drawThresholds(plot, home, thresholds) {
  const { ctx, bbox } = plot;
  const { min = 0, max = 1 } = plot.scales["y"] ?? {};
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { at, tone } of thresholds) {
    if (at <= min || at >= max) continue;
    // On whole pixels.
    const y = Math.floor(plot.valToPos(at, "y", true)) + devicePixelRatio / 2;
    ctx.strokeStyle = paintOf(home, `tone-${tone}`);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

/** @param {uPlot} plot @param {Element} home @param {Mark[]} marks A line each, and its words as far as there is room. */
function drawMarks(plot, home, marks) {
  const { ctx, bbox } = plot;
  const paint = paintOf(home, "tone-mark");
  let free = bbox.left;
  ctx.save();
  ctx.font = `${Math.round(11 * devicePixelRatio)}px system-ui, sans-serif`;
  ctx.strokeStyle = ctx.fillStyle = paint;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark.at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const width = ctx.measureText(mark.label).width + 8 * devicePixelRatio;
    if (x < free || x + width > bbox.left + bbox.width) continue;
    ctx.fillText(mark.label, x + 4 * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
    free = x + width;
  }
  ctx.restore();
}

/** @param {Element} home @param {Chart} chart @returns {uPlot.Axis[]} */
function axes(home, chart) {
  const grid = { stroke: () => paintOf(home, "tone-grid"), width: 1 };
  const common = { stroke: () => paintOf(home, "tone-axis"), font: "11px system-ui, sans-serif", grid, ticks: { ...grid, size: 4 } };
  /** @param {Unit} unit @returns {uPlot.Axis} */
  const ofValues = (unit) => ({
    ...common,
    space: 32,
    size: (_, values) => 16 + 6.6 * Math.max(3, ...(values ?? []).map((text) => text.length)),
    values: (_, values) => {
      const greatest = Math.max(...values.map((value) => Math.abs(value ?? 0)));
      return values.map((value) => (value === null ? "" : measure(value, unit, greatest)));
    },
  });
  const all = [{ ...common, space: 70, size: 30, values: timeWords }, ofValues(chart.unit)];
  if (chart.series.some((series) => series.is_behind)) {
    all.push({ ...ofValues("plain"), scale: "behind", side: 1, grid: { show: false } });
  }
  return all;
}

/** Hours where they are enough; the day at the first, and wherever a new one begins.
 * @param {uPlot} _plot @param {number[]} splits @returns {string[]} */
function timeWords(_plot, splits) {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  let last = "";
  return splits.map((at) => {
    const day = dayOf(at);
    const isNew = day !== last;
    last = day;
    if (step >= 86_400_000) return day;
    return isNew && clockOf(at, step) === "00:00" ? day : clockOf(at, step);
  });
}
