// Paired samples: both sides of every pair, and the change of each with the interval of the effect.

/** Draw one series; `effect` belongs to the series that decided, else it is null. */
function stripPlot(told, effect) {
  const series = unfolded(told);
  const wide = 640,
    left = 92,
    right = wide - 24,
    values = [...series.incumbent, ...series.candidate];
  const across = scaleOf(values, left, right);
  const bounds =
    effect && effect.low !== null && effect.high !== null ? [effect.low, effect.high] : [];
  // In per cent, so that the ticks are round.
  const byPercent = scaleOf([0, ...series.gains, ...bounds].map(Math.expm1), left, right);
  const changes = (log) => byPercent(Math.expm1(log));
  const title = series.what ? `${series.name}, ${series.what}` : series.name;
  const middle = [median(series.incumbent), median(series.candidate)];
  const said = `${counted(series.gains.length, "pair")} of ${title}: incumbent, median ${scoreText(middle[0], series.unit)}; candidate, median ${scoreText(middle[1], series.unit)}; change ${percentText(median(series.gains))}${effect ? `; effect ${gainText(effect)} as good` : ""}.`;
  const svg = drawn("svg", {
    class: "strip",
    viewBox: `0 0 ${wide} 218`,
    role: "img",
    "aria-label": said,
  });
  const label = (y, text) => drawn("text", { x: 0, y: y + 4 }, text);
  svg.append(label(24, "incumbent"), label(64, "candidate"), label(152, "gain"));
  series.incumbent.forEach((value, place) => {
    svg.append(
      drawn("line", {
        class: "link",
        x1: across(value),
        y1: 24,
        x2: across(series.candidate[place]),
        y2: 64,
      }),
    );
  });
  for (const [y, side, look] of [
    [24, series.incumbent, "before"],
    [64, series.candidate, "after"],
  ]) {
    side.forEach((value) =>
      svg.append(drawn("circle", { class: look, cx: across(value), cy: y, r: 4 })),
    );
  }
  axisOf(svg, across, 88, (value) => scoreText(value, series.unit), left, right);
  svg.append(drawn("line", { class: "zero", x1: changes(0), x2: changes(0), y1: 122, y2: 182 }));
  series.gains.forEach((value, place) =>
    svg.append(
      drawn("circle", { class: "change", cx: changes(value), cy: 140 + (place % 3) * 5, r: 4 }),
    ),
  );
  if (bounds.length) {
    svg.append(
      drawn("line", {
        class: "interval",
        x1: changes(effect.low),
        x2: changes(effect.high),
        y1: 170,
        y2: 170,
      }),
    );
    svg.append(drawn("circle", { class: "centre", cx: changes(effect.log_gain), cy: 170, r: 5 }));
  }
  axisOf(
    svg,
    byPercent,
    186,
    (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${digits(100 * Math.abs(value), 3)}%`,
    left,
    right,
  );
  const cells = series.gains.map((gain, place) =>
    element(
      "tr",
      {},
      element("td", { class: "number" }, place + 1),
      element("td", { class: "number" }, scoreText(series.incumbent[place], series.unit)),
      element("td", { class: "number" }, scoreText(series.candidate[place], series.unit)),
      element("td", { class: "number" }, percentText(gain, 2)),
    ),
  );
  return element(
    "figure",
    {},
    element("figcaption", {}, title),
    svg,
    element(
      "details",
      {},
      element("summary", {}, "The values"),
      element(
        "table",
        { class: "cells" },
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            ["pair", "incumbent", "candidate", "gain"].map((name) =>
              element("th", { scope: "col", class: "number" }, name),
            ),
          ),
        ),
        element("tbody", {}, cells),
      ),
    ),
  );
}

/** Times come as their mean and counts of small steps, and the candidate's are what the gains make of them. */
function unfolded(series) {
  if (series.mean === undefined) return series;
  const counts = ([step, ...each]) => each.map((count) => count * step);
  const gains = counts(series.gains),
    incumbent = counts(series.incumbent).map((part) => series.mean * (1 + part));
  return {
    ...series,
    gains,
    incumbent,
    candidate: incumbent.map((time, place) => time * Math.exp(-gains[place])),
  };
}

function scaleOf(values, left, right) {
  let low = Math.min(...values),
    high = Math.max(...values);
  if (low === high) {
    const room = Math.abs(low) * 0.05 || 1;
    low -= room;
    high += room;
  }
  const room = (high - low) * 0.04;
  low -= room;
  high += room;
  const scale = (value) => left + ((value - low) / (high - low)) * (right - left);
  return Object.assign(scale, { low, high });
}

function axisOf(svg, scale, y, write, left, right) {
  svg.append(drawn("line", { class: "axis", x1: left, x2: right, y1: y, y2: y }));
  const step = niceStep((scale.high - scale.low) / 4);
  for (let value = Math.ceil(scale.low / step) * step; value <= scale.high; value += step) {
    const told = Math.abs(value) < step / 1e6 ? 0 : value;
    svg.append(
      drawn("line", { class: "axis", x1: scale(value), x2: scale(value), y1: y, y2: y + 4 }),
    );
    svg.append(drawn("text", { x: scale(value), y: y + 17, "text-anchor": "middle" }, write(told)));
  }
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) || 10 * power;
}
