// One experiment: what was changed, how it was judged, what it cost.

const panel = { number: null, from: null };

async function openDetails(number) {
  const box = byId("details"),
    row = rowNumbered(number);
  if (!row) return;
  if (box.hidden) panel.from = document.activeElement;
  panel.number = number;
  for (const old of document.querySelectorAll("tr.chosen")) old.classList.remove("chosen");
  table.elements.get(number)?.classList.add("chosen");
  history.replaceState(null, "", `#${number}`);
  let content;
  try {
    const found = await detailsOf(number);
    // How large the effect is stands in the row.
    if (found.effect && row.effect)
      [found.effect.log_gain, found.effect.low, found.effect.high] = row.effect;
    content = tell(row, found);
  } catch (error) {
    content = [element("p", { class: "notice", role: "alert" }, error.message), summaryOf(row)];
  }
  if (panel.number !== number) return;
  box.replaceChildren(headOf(row), ...content);
  box.hidden = false;
  box.scrollTop = 0;
  box.focus();
}

function closeDetails() {
  const box = byId("details");
  if (box.hidden) return;
  box.hidden = true;
  box.replaceChildren();
  history.replaceState(null, "", location.pathname + location.search);
  // To the row that was last looked at, where it is in the table; else to where one came from.
  const row = panel.from?.closest?.("#table tbody tr") ? table.elements.get(panel.number) : null;
  panel.number = null;
  const back = row?.isConnected ? row.querySelector("button") : panel.from;
  (back?.isConnected ? back : byId("experiments")).focus();
}

/** Go to the next experiment in the order of the table. */
function stepDetails(by) {
  const place = table.shown.findIndex((row) => row.number === panel.number);
  const next = table.shown[place < 0 ? 0 : place + by];
  if (next) openDetails(next.number);
}

function headOf(row) {
  return element(
    "div",
    { class: "head bar" },
    element("button", { type: "button", onclick: () => stepDetails(-1) }, "← previous"),
    element("button", { type: "button", onclick: () => stepDetails(1) }, "next →"),
    element("span", { class: `status ${row.status}` }, `${numberText(row.number)} ${row.status}`),
    element("button", { type: "button", onclick: closeDetails }, "Close (Esc)"),
  );
}

const titleOf = (row, description) =>
  element("h2", { id: "details-title" }, `${numberText(row.number)} `, description);

function summaryOf(row) {
  return element(
    "div",
    {},
    titleOf(row, row.description),
    listOf([
      ["status", row.status],
      ["reason", row.reason],
      ["effect", row.effectText],
      ["score", row.value],
      ["commit", row.commit],
    ]),
  );
}

function listOf(pairs) {
  return element(
    "dl",
    {},
    pairs
      .filter(([, value]) => value !== "" && value !== null && value !== undefined)
      .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

function tell(row, found) {
  return [
    titleOf(row, found.description || row.description),
    listOf(judgementOf(row, found)),
    ...guardOf(row, found),
    ...samplesOf(row, found),
    ...diffOf(row, found),
    ...costOf(row, found),
    ...placeOf(row, found),
  ];
}

function judgementOf(row, found) {
  const effect = found.effect;
  const basis = effect?.basis === "first" ? " on first calls" : "";
  const level = effect && effect.low !== effect.high ? ` (${Math.round(100 * effect.level)}%)` : "";
  return [
    ["outcome", found.outcome || row.status],
    [
      "effect",
      effect &&
        `${gainText(effect)}${level} as good as the best before${basis}${effect.pairs ? `, from ${counted(effect.pairs, "pair")}` : ""}`,
    ],
    ["over the baseline", row.level === null ? "" : factorText(row.level)],
    ["on fresh inputs", found.verified],
    ...(found.metrics || []),
    ["detail", found.detail && element("span", { class: "wrapped" }, found.detail)],
    [
      "flags",
      found.flags?.length ? element("span", { class: "flag" }, found.flags.join(", ")) : "",
    ],
    [
      "new in it",
      found.news?.length ? element("span", { class: "wrapped" }, found.news.join("\n")) : "",
    ],
  ];
}

function guardOf(row, found) {
  const guard = found.guard;
  if (!guard || guard.passed) return [];
  return [
    element("h3", {}, "What did not pass"),
    listOf([
      ["guard", guard.test && element("code", {}, guard.test)],
      ["after", durationText(guard.seconds ?? 0)],
    ]),
    ...(guard.message ? [element("pre", { class: "wrapped" }, guard.message)] : []),
    ...(guard.output
      ? [
          element(
            "details",
            {},
            element(
              "summary",
              {},
              `What it printed${guard.output_cut ? `, without its first ${guard.output_cut.toLocaleString("en-US")} characters` : ""}`,
            ),
            element("pre", { class: "wrapped", tabindex: 0 }, guard.output),
          ),
        ]
      : []),
  ];
}

/** Tell whether an effect is one of a series: of times, of times of first calls, or of a fixture's values. */
function speaksOf(effect, series) {
  const times = series.mean !== undefined;
  return (
    { warm: times && !series.what, first: times && series.what !== "", metric: !times }[
      effect?.basis
    ] ?? false
  );
}

function samplesOf(row, found) {
  if (!found.series?.length) return [];
  const decided = found.series.findIndex((series) => speaksOf(found.effect, series));
  const drawnSeries = found.series.map((series, place) =>
    stripPlot(series, place === decided ? found.effect : null),
  );
  const each = (found.benchmarks || []).map(([name, gain]) =>
    element(
      "tr",
      {},
      element("td", {}, element("code", {}, name)),
      element("td", { class: "number" }, percentText(gain)),
    ),
  );
  const listed = each.length
    ? [
        element(
          "table",
          { class: "cells" },
          element(
            "thead",
            {},
            element(
              "tr",
              {},
              element("th", { scope: "col" }, "benchmark"),
              element("th", { scope: "col", class: "number" }, "mean gain"),
            ),
          ),
          element("tbody", {}, each),
        ),
      ]
    : [];
  return [
    element("h3", {}, "Paired samples"),
    element(
      "p",
      { class: "quiet" },
      "Side by side, in fresh processes; a line joins the two of a pair. A gain above zero is better.",
    ),
    ...drawnSeries,
    ...listed,
  ];
}

function diffOf(row, found) {
  if (!found.diff) return [];
  let body = false;
  const lines = found.diff
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => {
      body = line.startsWith("@@") || (body && !line.startsWith("diff --git"));
      const look = line.startsWith("@@")
        ? "place"
        : !body && /^(diff|index|---|\+\+\+|new|deleted|similarity|rename|old) /.test(`${line} `)
          ? "file"
          : line.startsWith("+")
            ? "added"
            : line.startsWith("-")
              ? "removed"
              : "";
      return element("span", { class: look || null }, line || " ");
    });
  const cut = found.diff_cut
    ? [
        element(
          "p",
          { class: "quiet" },
          `${found.diff_cut.toLocaleString("en-US")} more characters: git show ${row.commit}`,
        ),
      ]
    : [];
  return [
    element("h3", {}, `Diff, ${counted(found.diff_lines || 0, "changed line")}`),
    element(
      "pre",
      {
        class: "diff",
        tabindex: 0,
        role: "region",
        "aria-label": "Diff: added lines begin with +, removed ones with −",
      },
      lines,
    ),
    ...cut,
  ];
}

function costOf(row, found) {
  const stages = Object.entries(found.stages || {})
    .map(([name, seconds]) => `${name} ${durationText(seconds)}`)
    .join(" · ");
  const unknown = "unknown",
    free = row.status === "baseline" ? [] : [["tokens, dollars", unknown]];
  const spent =
    row.tokens === null && row.cost === null
      ? free
      : [
          [
            "prompt",
            row.prompt === null ? unknown : `${row.prompt.toLocaleString("en-US")} tokens`,
          ],
          ["tokens in all", row.tokens === null ? unknown : row.tokens.toLocaleString("en-US")],
          ["dollars", row.cost === null ? unknown : dollarText(row.cost)],
        ];
  return [
    element("h3", {}, "Cost"),
    listOf([
      ...spent,
      ["time", row.seconds === null ? "" : durationText(row.seconds)],
      ["stages", stages],
    ]),
  ];
}

function placeOf(row, found) {
  const parent =
    row.parent === null || row.parent === undefined
      ? ""
      : element("a", { href: `#${row.parent}` }, numberText(row.parent));
  return [
    element("h3", {}, "Where it came from"),
    listOf([
      ["target", row.target],
      ["proposer", row.proposer],
      ["made from", parent],
      ["search", found.search],
      ["ran", found.assurance],
      ["at", found.timestamp],
      ["see it", row.commit && element("code", {}, `git show ${row.commit}`)],
    ]),
  ];
}
