// How the chart is read: with the mouse, with the keyboard, in words.

const NEAR = 18;

function nearest(event) {
  const over = chart.plot.over.getBoundingClientRect(),
    ratio = uPlot.pxRatio;
  const left = event.clientX - over.left,
    top = event.clientY - over.top;
  let found = -1,
    distance = NEAR;
  chart.points.forEach((point, place) => {
    const { min, max } = chart.plot.scales.x;
    if (point.row.number < min || point.row.number > max) return;
    const { x, y } = spot(chart.plot, point, ratio);
    const away = Math.hypot(
      (x - chart.plot.bbox.left) / ratio - left,
      (y - chart.plot.bbox.top) / ratio - top,
    );
    if (away < distance) {
      found = place;
      distance = away;
    }
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
  const point = chart.points[place],
    { row } = point,
    where = spot(chart.plot, point, uPlot.pxRatio);
  const outcome = [
    row.value,
    row.effectText,
    row.failed ? `guard failed: ${row.failed}` : row.reason,
  ]
    .filter(Boolean)
    .join(" · ");
  tip.replaceChildren(
    element(
      "strong",
      {},
      `${numberText(row.number)} `,
      element("span", { class: row.status }, row.status),
    ),
    element("span", {}, row.description),
    element("br"),
    element("span", { class: "quiet" }, outcome),
  );
  const box = byId("chart").getBoundingClientRect();
  const left = box.left + window.scrollX + where.x / uPlot.pxRatio,
    top = box.top + window.scrollY + where.y / uPlot.pxRatio;
  tip.style.left = `${Math.max(8, Math.min(left + 14, document.documentElement.clientWidth - tip.offsetWidth - 12))}px`;
  tip.style.top = `${top + 16}px`;
  if (!byMouse)
    byId("chart-said").textContent =
      `Experiment ${row.number}, ${row.status}: ${row.description}. ${outcome}`;
}

function chartKey(event) {
  const last = chart.points.length - 1,
    from = chart.at;
  const steps = {
    ArrowRight: Math.min(last, from + 1),
    ArrowLeft: from < 0 ? last : Math.max(0, from - 1),
    Home: 0,
    End: last,
  };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in steps) {
    const point = chart.points[steps[event.key]],
      { min, max } = chart.plot.scales.x,
      number = point.row.number;
    if (number < min || number > max)
      chart.plot.setScale("x", { min: number - (max - min) / 2, max: number + (max - min) / 2 });
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
  const way = chart.points.filter(
    (point) => ["baseline", "keep"].includes(point.row.status) && point.y !== null,
  );
  const what = gain ? "the gain over the baseline" : `${shown.name} (${shown.direction} is better)`;
  const tally = STATUSES.map((status) => [
    status,
    chart.points.filter((point) => point.row.status === status).length,
  ]).filter(([, count]) => count);
  const counts = tally.map(([status, count]) => `${count} ${status}`).join(", ");
  const first = way.filter((point) => point.row.status === "baseline").pop(),
    last = way[way.length - 1];
  const sum = !way.length
    ? "No score was measured."
    : `It began at ${chart.write((first || way[0]).y)} and stands at ${chart.write(last.y)}${!gain && last.row.level ? `, ${factorText(last.row.level)} as good as the baseline` : ""}.`;
  byId("chart").setAttribute(
    "aria-label",
    `Experiments of ${chart.target} against ${what}: ${counts}. ${sum} The arrow keys go from one to the next, Enter opens it.`,
  );
  const lines = way
    .slice(-60)
    .map((point) =>
      element(
        "li",
        {},
        `experiment ${point.row.number} (${point.row.status}): ${chart.write(point.y)}${point.row.effectText ? `, ${point.row.effectText}` : ""}, ${point.row.description}`,
      ),
    );
  byId("chart-words").replaceChildren(
    element("p", {}, `Running best of ${what}. ${sum} ${counts}.`),
    way.length > 60 ? element("p", {}, `The last 60 of ${way.length} steps:`) : "",
    element("ol", {}, lines),
  );
  const symbols = [
    ["keep", "kept, with its interval", "circle"],
    ["discard", "discarded", "circle"],
    ["baseline", "baseline", "rect"],
    ["explore", "kept to explore from", "diamond"],
    ["crash", "crash", "line"],
    ["timeout", "timeout", "line"],
  ];
  const present = new Set(tally.map(([status]) => status));
  byId("legend").replaceChildren(
    ...symbols
      .filter(([status]) => present.has(status))
      .map(([status, text, shape]) => element("li", {}, symbolOf(status, shape), text)),
    element("li", {}, symbolOf("discard", "line"), "not measured: ticks on the axis"),
    element("li", {}, "▲ ▼ beyond the range shown"),
  );
}

function symbolOf(status, shape) {
  const colour = chart.colours[status === "discard" ? "mark" : status];
  const made = {
    circle: ["circle", { cx: 6, cy: 6, r: 4 }],
    diamond: ["path", { d: "M6 1 11 6 6 11 1 6Z" }],
    rect: ["rect", { x: 2, y: 2, width: 8, height: 8 }],
    line: ["rect", { x: 5, y: 1, width: 2, height: 10 }],
  }[shape];
  return drawn("svg", { width: 12, height: 12 }, drawn(made[0], { ...made[1], fill: colour }));
}
