// How the chart is drawn: marks, intervals, the names of what was kept.

/** Return where a mark stands, in pixels of the canvas; crashes stand on the axis. */
function spot(plot, point, ratio) {
  const { top, height } = plot.bbox;
  const x = plot.valToPos(point.row.number, "x", true);
  if (point.y === null) return { x, y: top + height - 5 * ratio, out: 0, tick: true };
  const y = plot.valToPos(point.y, "y", true);
  const low = top + 5 * ratio,
    high = top + height - 12 * ratio;
  return {
    x,
    y: Math.min(high, Math.max(low, y)),
    out: y < low - 6 ? -1 : y > high + 6 ? 1 : 0,
    tick: false,
  };
}

/** Draw what was not kept below the steps. */
const drawLost = (plot) => drawLayer(plot, false);

function drawKept(plot) {
  const { ctx } = plot,
    ratio = uPlot.pxRatio;
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
  const { ctx } = plot,
    ratio = uPlot.pxRatio,
    seen = marksSeen(plot);
  const size = (seen.length > 400 ? 2 : seen.length > 150 ? 2.6 : 3.4) * ratio * (kept ? 1.5 : 1);
  ctx.save();
  for (const point of seen) {
    const own = ["keep", "baseline", "explore"].includes(point.row.status);
    if (own === kept) drawMark(ctx, point, spot(plot, point, ratio), size, ratio, plot);
  }
  ctx.restore();
}

function drawMark(ctx, point, { x, y, out, tick }, size, ratio, plot) {
  const { status } = point.row,
    discarded = status === "discard";
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
  else if (status === "explore") {
    ctx.moveTo(x, y - size * 1.2);
    ctx.lineTo(x + size * 1.2, y);
    ctx.lineTo(x, y + size * 1.2);
    ctx.lineTo(x - size * 1.2, y);
  } else ctx.arc(x, y, size, 0, 2 * Math.PI);
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
  const { ctx, bbox } = plot,
    taken = [],
    falls = chart.measure !== GAIN && metricsShown()[Number(chart.measure)].direction === "lower";
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
    const { description } = point.row,
      told = description.length > 42 ? `${description.slice(0, 41)}…` : description;
    const { x, y } = spot(plot, point, ratio),
      width = ctx.measureText(told).width,
      gap = 9 * ratio,
      high = 8 * ratio;
    // Away from the step that leads to the mark, and rather above or below the steps that follow.
    const places = (falls ? [1, -1] : [-1, 1]).flatMap((side) => [
      [x + gap, y + side * 11 * ratio],
      [x - gap - width, y + side * 11 * ratio],
    ]);
    for (const [left, middle] of places) {
      const box = [left, middle - high, left + width, middle + high];
      const inside =
        left >= bbox.left &&
        left + width <= bbox.left + bbox.width &&
        box[1] >= bbox.top - 4 &&
        box[3] <= bbox.top + bbox.height - 12 * ratio;
      if (
        !inside ||
        taken.some(
          (other) =>
            box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1],
        )
      )
        continue;
      taken.push(box);
      ctx.strokeText(told, left, middle);
      ctx.fillText(told, left, middle);
      break;
    }
  }
}
