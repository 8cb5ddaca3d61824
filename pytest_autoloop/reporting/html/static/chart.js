// The chart: every experiment as a mark, the running best as steps, intervals on what was kept.

const chart = { plot: null, points: [], at: -1, target: "", measure: "0", all: false, colours: {} };
const GAIN = "gain";

/** Build the tools once and the chart for what they say. */
function startChart() {
  chart.target =
    facts.targets.find((target) => rows.some((row) => row.target === target.name))?.name ||
    facts.targets[0].name;
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
    tools.append(
      choice(
        "Target",
        facts.targets.map((target) => [target.name, target.name]),
        chart.target,
        (value) => {
          chart.target = value;
          chart.measure = "0";
          buildTools();
          drawChart();
        },
      ),
    );
  }
  const metrics = metricsShown();
  const offered = metrics.map((metric, place) => [String(place), metric.name]);
  tools.append(
    choice("Show", [...offered, [GAIN, "gain over the baseline"]], chart.measure, (value) => {
      chart.measure = value;
      drawChart();
    }),
  );
  const box = element("input", {
    type: "checkbox",
    onchange: (event) => {
      chart.all = event.target.checked;
      drawChart();
    },
  });
  box.checked = chart.all;
  tools.append(element("label", {}, box, " outliers in full"));
  tools.append(
    element("button", { type: "button", onclick: () => zoom(0.5), "aria-label": "Zoom in" }, "+"),
  );
  tools.append(
    element("button", { type: "button", onclick: () => zoom(2), "aria-label": "Zoom out" }, "−"),
  );
  tools.append(element("button", { type: "button", onclick: () => zoom(0) }, "Show all"));
}

function choice(label, options, chosen, act) {
  const select = element(
    "select",
    { onchange: (event) => act(event.target.value) },
    options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)),
  );
  return element("label", {}, `${label} `, select);
}

const metricsShown = () => facts.targets.find((target) => target.name === chart.target).metrics;

/** Return the rows of the target in the order of their numbers, with where each stands. */
function pointsOf() {
  const place = Number(chart.measure),
    gain = chart.measure === GAIN;
  const own = rows.filter((row) => row.target === chart.target).sort((a, b) => a.number - b.number);
  let best = null;
  return own.map((row) => {
    const y = gain
      ? row.level === null
        ? null
        : Math.exp(row.level)
      : (row.values[place] ?? null);
    const moves = row.status === "baseline" || row.status === "keep";
    if (moves && y !== null) best = y;
    return { row, y, best, bounds: moves ? boundsOf(row, y, gain) : null };
  });
}

/** Return the interval of a keep on the scale that is shown; null where it has none there. */
function boundsOf(row, y, gain) {
  if (y === null || !row.effect || row.effect[1] === row.effect[2]) return null;
  const [centre, low, high, ofPrimary] = row.effect;
  if (low === null || high === null || (!gain && (chart.measure !== "0" || !ofPrimary || y <= 0)))
    return null;
  const sign = gain || metricsShown()[0].direction === "higher" ? 1 : -1;
  return [y * Math.exp(sign * (low - centre)), y * Math.exp(sign * (high - centre))].sort(
    (a, b) => a - b,
  );
}

/** Return the range of scores: the way of the best with room around it, or everything. */
function rangeOf(points) {
  const way = points
    .flatMap((point) => [point.best, ...(point.bounds || [])])
    .filter((y) => y !== null);
  const values = points.map((point) => point.y).filter((y) => y !== null);
  if (!values.length) return [0, 1];
  let low = Math.min(...(way.length ? way : values)),
    high = Math.max(...(way.length ? way : values));
  const span = high - low;
  if (chart.all || !way.length) {
    low = values.reduce((a, b) => Math.min(a, b), low);
    high = values.reduce((a, b) => Math.max(a, b), high);
  } else {
    // Half as much again on the side of what is worse, to see by how much ideas failed.
    // Where nothing moved, what is up to half away is all there is to see.
    const reach = span || Math.abs(low) || 1;
    const near = values.filter((y) => y >= low - reach * 0.5 && y <= high + reach * 0.5);
    low = Math.min(low, ...near);
    high = Math.max(high, ...near);
  }
  // The last digits of scores that are next to the same are no range.
  const room = Math.max((high - low) * 0.08, Math.abs(high) * 0.004) || 0.08;
  return [low >= 0 ? Math.max(low - room, low * 0.5) : low - room, high + room];
}

function drawChart() {
  const box = byId("chart"),
    shown = metricsShown()[Number(chart.measure)] || metricsShown()[0];
  chart.points = pointsOf();
  chart.at = -1;
  byId("tooltip").hidden = true;
  for (const name of ["text", "quiet", "line", "mark", "page", ...STATUSES])
    chart.colours[name] = colourOf(name);
  const gain = chart.measure === GAIN;
  const write = (y) => (gain ? `${digits(y, 4)}×` : scoreText(y, shown.unit));
  const axis = {
    stroke: () => chart.colours.quiet,
    grid: { stroke: () => chart.colours.line, width: 1 },
    ticks: { stroke: () => chart.colours.line },
  };
  chart.plot?.destroy();
  chart.write = write;
  chart.plot = new uPlot(
    {
      width: box.clientWidth,
      height: box.clientHeight,
      legend: { show: false },
      padding: [14, 16, 4, 4],
      cursor: { points: { show: false }, y: false, drag: { x: true, y: false } },
      scales: {
        x: {
          time: false,
          range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]),
        },
        y: { range: () => rangeOf(inView()) },
      },
      axes: [
        {
          ...axis,
          label: "experiment",
          labelSize: 22,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
          values: (_, splits) => splits.map((x) => (Number.isInteger(x) ? String(x) : "")),
        },
        {
          ...axis,
          size: 84,
          values: (_, splits) => splits.map(write),
          label: gain ? "gain over the baseline" : `${shown.name} (${shown.direction} is better)`,
          labelSize: 22,
        },
      ],
      series: [
        {},
        {
          stroke: () => chart.colours.keep,
          width: 2,
          points: { show: false },
          paths: uPlot.paths.stepped({ align: 1 }),
          spanGaps: true,
        },
      ],
      hooks: { drawAxes: [drawLost], draw: [drawKept] },
    },
    columns(),
    box,
  );
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
  const first = numbers[0],
    last = numbers[numbers.length - 1],
    room = Math.max(0.5, (last - first) * 0.015);
  chart.plot.setScale("x", { min: first - room, max: last + room });
  chart.zoomed = false;
}

function inView() {
  const scale = chart.plot?.scales.x;
  if (!scale || scale.min === undefined || scale.min === null) return chart.points;
  const seen = chart.points.filter(
    (point) => point.row.number >= scale.min && point.row.number <= scale.max,
  );
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
  if (!by) {
    fitted();
    return;
  }
  const middle = chart.at >= 0 ? chart.points[chart.at].row.number : (min + max) / 2,
    half = Math.max(2, (max - min) * by) / 2;
  chart.plot.setScale("x", { min: middle - half, max: middle + half });
  chart.zoomed = true;
}
