// The chart: every experiment as a mark, the running best as steps, intervals on what was kept.

const chart = { plot: null, points: [], at: -1, target: "", measure: "0", all: false, colours: {} };
const GAIN = "gain";
const NEAR = 18;

/** Build the tools once and the chart for what they say. */
function startChart() {
  chart.target = facts.targets.find((target) => rows.some((row) => row.target === target.name))?.name || facts.targets[0].name;
  buildTools();
  drawChart();
  const box = byId("chart");
  box.addEventListener("keydown", chartKey);
  box.addEventListener("blur", () => pointAt(-1));
  new ResizeObserver(() => {
    if (chart.plot) chart.plot.setSize({ width: box.clientWidth, height: box.clientHeight });
  }).observe(box);
}

function buildTools() {
  const tools = byId("chart-tools");
  tools.replaceChildren();
  if (facts.targets.length > 1) {
    tools.append(choice("Target", facts.targets.map((target) => [target.name, target.name]), chart.target, (value) => {
      chart.target = value; chart.measure = "0"; buildTools(); drawChart();
    }));
  }
  const metrics = metricsShown();
  const offered = metrics.map((metric, place) => [String(place), metric.name]);
  tools.append(choice("Show", [...offered, [GAIN, "gain over the baseline"]], chart.measure, (value) => {
    chart.measure = value; drawChart();
  }));
  const box = element("input", { type: "checkbox", onchange: (event) => { chart.all = event.target.checked; drawChart(); } });
  box.checked = chart.all;
  tools.append(element("label", {}, box, " outliers in full"));
  tools.append(element("button", { type: "button", onclick: () => zoom(0.5), "aria-label": "Zoom in" }, "+"));
  tools.append(element("button", { type: "button", onclick: () => zoom(2), "aria-label": "Zoom out" }, "−"));
  tools.append(element("button", { type: "button", onclick: () => zoom(0) }, "Show all"));
}

function choice(label, options, chosen, act) {
  const select = element("select", { onchange: (event) => act(event.target.value) },
    options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
  return element("label", {}, `${label} `, select);
}

const metricsShown = () => facts.targets.find((target) => target.name === chart.target).metrics;

/** Return the rows of the target in the order of their numbers, with where each stands. */
function pointsOf() {
  const place = Number(chart.measure), gain = chart.measure === GAIN;
  const own = rows.filter((row) => row.target === chart.target).sort((a, b) => a.number - b.number);
  let best = null;
  return own.map((row) => {
    const y = gain ? (row.level === null ? null : Math.exp(row.level)) : row.values[place] ?? null;
    const moves = row.status === "baseline" || row.status === "keep";
    if (moves && y !== null) best = y;
    return { row, y, best, bounds: moves ? boundsOf(row, y, gain) : null };
  });
}

/** Return the interval of a keep on the scale that is shown; null where it has none there. */
function boundsOf(row, y, gain) {
  if (y === null || !row.effect || row.effect[1] === row.effect[2]) return null;
  const [centre, low, high] = row.effect;
  if (low === null || high === null || (!gain && (chart.measure !== "0" || y <= 0))) return null;
  const sign = gain || metricsShown()[0].direction === "higher" ? 1 : -1;
  return [y * Math.exp(sign * (low - centre)), y * Math.exp(sign * (high - centre))].sort((a, b) => a - b);
}

/** Return the range of scores: the way of the best with room around it, or everything. */
function rangeOf(points) {
  const way = points.flatMap((point) => [point.best, ...(point.bounds || [])]).filter((y) => y !== null);
  const values = points.map((point) => point.y).filter((y) => y !== null);
  if (!values.length) return [0, 1];
  let low = Math.min(...(way.length ? way : values)), high = Math.max(...(way.length ? way : values));
  const span = high - low;
  if (chart.all || !way.length) {
    low = values.reduce((a, b) => Math.min(a, b), low);
    high = values.reduce((a, b) => Math.max(a, b), high);
  } else {
    // Half as much again on the side of what is worse, to see by how much ideas failed.
    const reach = span || Math.abs(low) * 0.1 || 1;
    const near = values.filter((y) => y >= low - reach * 0.5 && y <= high + reach * 0.5);
    low = Math.min(low, ...near);
    high = Math.max(high, ...near);
  }
  const room = (high - low || Math.abs(high) * 0.05 || 1) * 0.08;
  return [low >= 0 ? Math.max(low - room, low * 0.5) : low - room, high + room];
}

function drawChart() {
  const box = byId("chart"), shown = metricsShown()[Number(chart.measure)] || metricsShown()[0];
  chart.points = pointsOf();
  chart.at = -1;
  for (const name of ["text", "quiet", "line", "mark", "page", ...STATUSES]) chart.colours[name] = colourOf(name);
  const gain = chart.measure === GAIN;
  const write = (y) => gain ? `${digits(y, 4)}×` : scoreText(y, shown.unit);
  const axis = { stroke: () => chart.colours.quiet, grid: { stroke: () => chart.colours.line, width: 1 }, ticks: { stroke: () => chart.colours.line } };
  chart.plot?.destroy();
  chart.write = write;
  chart.plot = new uPlot({
    width: box.clientWidth, height: box.clientHeight, legend: { show: false }, padding: [14, 16, 4, 4],
    cursor: { points: { show: false }, y: false, drag: { x: true, y: false } },
    scales: { x: { time: false, range: (_, low, high) => low === high ? [low - 1, high + 1] : [low, high] }, y: { range: () => rangeOf(inView()) } },
    axes: [
      { ...axis, label: "experiment", labelSize: 22, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000], values: (_, splits) => splits.map((x) => Number.isInteger(x) ? String(x) : "") },
      { ...axis, size: 84, values: (_, splits) => splits.map(write), label: gain ? "gain over the baseline" : `${shown.name} (${shown.direction} is better)`, labelSize: 22 },
    ],
    series: [{}, { stroke: () => chart.colours.keep, width: 2, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }), spanGaps: true }],
    hooks: { drawAxes: [drawLost], draw: [drawKept] },
  }, columns(), box);
  chart.plot.over.addEventListener("mousemove", (event) => pointAt(nearest(event), true));
  chart.plot.over.addEventListener("mouseleave", () => pointAt(-1));
  chart.plot.over.addEventListener("click", (event) => {
    const found = nearest(event);
    if (found >= 0) openDetails(chart.points[found].row.number);
  });
  fitted();
  describeChart(shown, gain);
}

function columns() {
  return [chart.points.map((point) => point.row.number), chart.points.map((point) => point.best)];
}

/** Show all of it, with room for the marks at both ends. */
function fitted() {
  const numbers = chart.points.map((point) => point.row.number);
  if (!numbers.length) return;
  const first = numbers[0], last = numbers[numbers.length - 1], room = Math.max(0.5, (last - first) * 0.015);
  chart.plot.setScale("x", { min: first - room, max: last + room });
  chart.zoomed = false;
}

function inView() {
  const scale = chart.plot?.scales.x;
  if (!scale || scale.min === undefined || scale.min === null) return chart.points;
  const seen = chart.points.filter((point) => point.row.number >= scale.min && point.row.number <= scale.max);
  return seen.length ? seen : chart.points;
}

/** Go on with more rows; where somebody has zoomed in, the view stays. */
function refreshChart() {
  chart.points = pointsOf();
  const zoomed = chart.zoomed;
  chart.plot.setData(columns(), false);
  if (zoomed) chart.plot.redraw(true, true);
  else fitted();
  const shown = metricsShown()[Number(chart.measure)] || metricsShown()[0];
  describeChart(shown, chart.measure === GAIN);
}

function zoom(by) {
  const { min, max } = chart.plot.scales.x;
  if (!by) { fitted(); return; }
  const middle = chart.at >= 0 ? chart.points[chart.at].row.number : (min + max) / 2, half = Math.max(2, (max - min) * by) / 2;
  chart.plot.setScale("x", { min: middle - half, max: middle + half });
  chart.zoomed = true;
}

/** Return where a mark stands, in pixels of the canvas; crashes stand on the axis. */
function spot(plot, point, ratio) {
  const { top, height } = plot.bbox;
  const x = plot.valToPos(point.row.number, "x", true);
  if (point.y === null) return { x, y: top + height - 5 * ratio, out: 0, tick: true };
  const y = plot.valToPos(point.y, "y", true);
  const low = top + 5 * ratio, high = top + height - 12 * ratio;
  return { x, y: Math.min(high, Math.max(low, y)), out: y < low - 6 ? -1 : y > high + 6 ? 1 : 0, tick: false };
}

/** Draw what was not kept below the steps. */
const drawLost = (plot) => drawLayer(plot, false);

function drawKept(plot) {
  const { ctx } = plot, ratio = uPlot.pxRatio;
  drawLayer(plot, true);
  ctx.save();
  drawLabels(plot, marksSeen(plot), ratio);
  if (chart.at >= 0) drawRing(ctx, spot(plot, chart.points[chart.at], ratio), ratio);
  ctx.restore();
}

function marksSeen(plot) {
  const { min, max } = plot.scales.x;
  return chart.points.filter((point) => point.row.number >= min && point.row.number <= max);
}

function drawLayer(plot, kept) {
  const { ctx } = plot, ratio = uPlot.pxRatio, seen = marksSeen(plot);
  const size = (seen.length > 400 ? 2 : seen.length > 150 ? 2.6 : 3.4) * ratio * (kept ? 1.5 : 1);
  ctx.save();
  for (const point of seen) {
    const own = ["keep", "baseline", "explore"].includes(point.row.status);
    if (own === kept) drawMark(ctx, point, spot(plot, point, ratio), size, ratio, plot);
  }
  ctx.restore();
}

function drawMark(ctx, point, { x, y, out, tick }, size, ratio, plot) {
  const { status } = point.row, discarded = status === "discard";
  ctx.fillStyle = ctx.strokeStyle = chart.colours[discarded ? "mark" : status];
  ctx.lineWidth = 1.5 * ratio;
  ctx.beginPath();
  if (tick) {
    ctx.moveTo(x, y - 4 * ratio);
    ctx.lineTo(x, y + 5 * ratio);
    ctx.stroke();
    return;
  }
  if (out) {
    ctx.moveTo(x - size, y - out * size);
    ctx.lineTo(x + size, y - out * size);
    ctx.lineTo(x, y + out * size);
    ctx.fill();
    return;
  }
  if (point.bounds) {
    for (const end of point.bounds) {
      const at = plot.valToPos(end, "y", true);
      ctx.moveTo(x - 3 * ratio, at);
      ctx.lineTo(x + 3 * ratio, at);
      ctx.moveTo(x, y);
      ctx.lineTo(x, at);
    }
    ctx.stroke();
    ctx.beginPath();
  }
  if (status === "baseline") ctx.rect(x - size, y - size, 2 * size, 2 * size);
  else if (status === "explore") { ctx.moveTo(x, y - size * 1.2); ctx.lineTo(x + size * 1.2, y); ctx.lineTo(x, y + size * 1.2); ctx.lineTo(x - size * 1.2, y); }
  else ctx.arc(x, y, size, 0, 2 * Math.PI);
  ctx.fill();
  if (!discarded) {
    ctx.strokeStyle = chart.colours.page;
    ctx.lineWidth = ratio;
    ctx.stroke();
  }
}

function drawRing(ctx, { x, y }, ratio) {
  ctx.strokeStyle = chart.colours.text;
  ctx.lineWidth = 2 * ratio;
  ctx.beginPath();
  ctx.arc(x, y, 8 * ratio, 0, 2 * Math.PI);
  ctx.stroke();
}

/** Name the keeps, those that gained most first; what would cover another name is left out. */
function drawLabels(plot, seen, ratio) {
  const { ctx, bbox } = plot, taken = [], falls = chart.measure !== GAIN && metricsShown()[Number(chart.measure)].direction === "lower";
  ctx.font = `${12 * ratio}px system-ui, "DejaVu Sans", sans-serif`;
  ctx.fillStyle = chart.colours.keep;
  ctx.strokeStyle = chart.colours.page;
  ctx.lineWidth = 4 * ratio;
  ctx.lineJoin = "round";
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  for (const point of seen) {
    if (["keep", "baseline"].includes(point.row.status)) {
      const { x, y } = spot(plot, point, ratio);
      taken.push([x - 5 * ratio, y - 5 * ratio, x + 5 * ratio, y + 5 * ratio]);
    }
  }
  const kept = seen.filter((point) => point.row.status === "keep" && point.y !== null);
  kept.sort((a, b) => (b.row.effect?.[0] ?? 0) - (a.row.effect?.[0] ?? 0));
  for (const point of kept) {
    const { description } = point.row, told = description.length > 42 ? `${description.slice(0, 41)}…` : description;
    const { x, y } = spot(plot, point, ratio), width = ctx.measureText(told).width, gap = 9 * ratio, high = 8 * ratio;
    // Away from the step that leads to the mark, and rather above or below the steps that follow.
    const places = (falls ? [1, -1] : [-1, 1]).flatMap((side) => [[x + gap, y + side * 11 * ratio], [x - gap - width, y + side * 11 * ratio]]);
    for (const [left, middle] of places) {
      const box = [left, middle - high, left + width, middle + high];
      const inside = left >= bbox.left && left + width <= bbox.left + bbox.width && box[1] >= bbox.top - 4 && box[3] <= bbox.top + bbox.height - 12 * ratio;
      if (!inside || taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
      taken.push(box);
      ctx.strokeText(told, left, middle);
      ctx.fillText(told, left, middle);
      break;
    }
  }
}

function nearest(event) {
  const over = chart.plot.over.getBoundingClientRect(), ratio = uPlot.pxRatio;
  const left = event.clientX - over.left, top = event.clientY - over.top;
  let found = -1, distance = NEAR;
  chart.points.forEach((point, place) => {
    const { min, max } = chart.plot.scales.x;
    if (point.row.number < min || point.row.number > max) return;
    const { x, y } = spot(chart.plot, point, ratio);
    const away = Math.hypot((x - chart.plot.bbox.left) / ratio - left, (y - chart.plot.bbox.top) / ratio - top);
    if (away < distance) { found = place; distance = away; }
  });
  return found;
}

/** Ring a mark and say what it is; -1 takes both away. */
function pointAt(place, byMouse = false) {
  const tip = byId("tooltip");
  if (place === chart.at) return;
  chart.at = place;
  chart.plot.redraw(false, false);
  chart.plot.over.classList.toggle("pointing", place >= 0);
  tip.hidden = place < 0;
  if (place < 0) return;
  const point = chart.points[place], { row } = point, where = spot(chart.plot, point, uPlot.pxRatio);
  const outcome = [row.value, row.effectText, row.failed ? `guard failed: ${row.failed}` : row.reason].filter(Boolean).join(" · ");
  tip.replaceChildren(element("strong", {}, `${numberText(row.number)} `, element("span", { class: row.status }, row.status)),
    element("span", {}, row.description), element("br"), element("span", { class: "quiet" }, outcome));
  const box = byId("chart").getBoundingClientRect();
  const left = box.left + window.scrollX + where.x / uPlot.pxRatio, top = box.top + window.scrollY + where.y / uPlot.pxRatio;
  tip.style.left = `${Math.max(8, Math.min(left + 14, document.documentElement.clientWidth - tip.offsetWidth - 12))}px`;
  tip.style.top = `${top + 16}px`;
  if (!byMouse) byId("chart-said").textContent = `Experiment ${row.number}, ${row.status}: ${row.description}. ${outcome}`;
}

function chartKey(event) {
  const last = chart.points.length - 1, from = chart.at;
  const steps = { ArrowRight: Math.min(last, from + 1), ArrowLeft: from < 0 ? last : Math.max(0, from - 1), Home: 0, End: last };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in steps) {
    const point = chart.points[steps[event.key]], { min, max } = chart.plot.scales.x, number = point.row.number;
    if (number < min || number > max) chart.plot.setScale("x", { min: number - (max - min) / 2, max: number + (max - min) / 2 });
    pointAt(steps[event.key]);
  } else if (event.key === "Enter" && from >= 0) openDetails(chart.points[from].row.number);
  else if (event.key === "+" || event.key === "=") zoom(0.5);
  else if (event.key === "-") zoom(2);
  else if (event.key === "0") zoom(0);
  else if (event.key === "Escape" && from >= 0) pointAt(-1);
  else return;
  event.preventDefault();
}

/** Tell in words what the chart shows: for those who do not see it. */
function describeChart(shown, gain) {
  const way = chart.points.filter((point) => ["baseline", "keep"].includes(point.row.status) && point.y !== null);
  const what = gain ? "the gain over the baseline" : `${shown.name} (${shown.direction} is better)`;
  const tally = STATUSES.map((status) => [status, chart.points.filter((point) => point.row.status === status).length]).filter(([, count]) => count);
  const counts = tally.map(([status, count]) => `${count} ${status}`).join(", ");
  const first = way.filter((point) => point.row.status === "baseline").pop(), last = way[way.length - 1];
  const sum = !way.length ? "No score was measured." : `It began at ${chart.write((first || way[0]).y)} and stands at ${chart.write(last.y)}${last.row.level ? `, ${factorText(last.row.level)} as good as the baseline` : ""}.`;
  byId("chart").setAttribute("aria-label", `Experiments of ${chart.target} against ${what}: ${counts}. ${sum} The arrow keys go from one to the next, Enter opens it.`);
  const lines = way.slice(-60).map((point) => element("li", {}, `experiment ${point.row.number} (${point.row.status}): ${chart.write(point.y)}${point.row.effectText ? `, ${point.row.effectText}` : ""}, ${point.row.description}`));
  byId("chart-words").replaceChildren(element("p", {}, `Running best of ${what}. ${sum} ${counts}.`),
    way.length > 60 ? element("p", {}, `The last 60 of ${way.length} steps:`) : "", element("ol", {}, lines));
  const symbols = [["keep", "kept, with its interval", "circle"], ["discard", "discarded", "circle"], ["baseline", "baseline", "rect"], ["explore", "kept to explore from", "circle"], ["crash", "crash", "line"], ["timeout", "timeout", "line"]];
  const present = new Set(tally.map(([status]) => status));
  byId("legend").replaceChildren(...symbols.filter(([status]) => present.has(status)).map(([status, text, shape]) => element("li", {}, symbolOf(status, shape), text)),
    element("li", {}, symbolOf("discard", "line"), "not measured: ticks on the axis"), element("li", {}, "▲ ▼ beyond the range shown"));
}

function symbolOf(status, shape) {
  const colour = chart.colours[status === "discard" ? "mark" : status];
  const made = { circle: ["circle", { cx: 6, cy: 6, r: 4 }], rect: ["rect", { x: 2, y: 2, width: 8, height: 8 }], line: ["rect", { x: 5, y: 1, width: 2, height: 10 }] }[shape];
  return drawn("svg", { width: 12, height: 12 }, drawn(made[0], { ...made[1], fill: colour }));
}
