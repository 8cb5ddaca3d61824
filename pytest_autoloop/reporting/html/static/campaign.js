// The campaign as a whole: its figures, how it ended, what it was judged by and where.

function fillCampaign() {
  byId("title").textContent = `Campaign ${facts.tag}`;
  const names = facts.targets.map((target) => target.name).join(", ");
  byId("headline").textContent =
    `${names} · ${facts.targets[0].metrics.map((metric) => `${metric.name} ${metric.direction === "lower" ? "↓" : "↑"}`).join(" ")} · proposer ${facts.proposer || "unknown"} · branch ${facts.branch}`;
  byId("tiles").replaceChildren(
    ...tiles().map(([name, figure, more]) =>
      element(
        "li",
        {},
        element("span", { class: "name" }, name),
        element("span", { class: "figure" }, figure),
        more ? element("span", { class: "more" }, more) : "",
      ),
    ),
  );
  byId("outcome").replaceChildren(...(facts.outcome || []).map((line) => element("p", {}, line)));
  fillState();
  byId("facts").replaceChildren(...aboutOf());
}

function fillState() {
  const state = byId("state"),
    since = facts.updated ? new Date(facts.updated).toLocaleString() : "";
  state.className = facts.live ? "running" : "";
  const written = facts.live ? `running · last experiment told ${since}` : `as of ${since}`;
  if (state.textContent !== written) state.textContent = written;
}

function tiles() {
  const trials = rows.filter((row) => row.status !== "baseline"),
    kept = trials.filter((row) => row.status === "keep");
  const tally = STATUSES.slice(1)
    .map((status) => [status, trials.filter((row) => row.status === status).length])
    .filter(([, count]) => count);
  const made = [];
  for (const target of facts.targets) {
    const own = rows.filter((row) => row.target === target.name),
      way = own.filter((row) => ["keep", "baseline"].includes(row.status));
    const begin = way.map((row) => row.status).lastIndexOf("baseline"),
      first = way[Math.max(0, begin)],
      last = way[way.length - 1];
    if (!last || facts.targets.length > 4) continue;
    const gained = last.status === "keep" && last.level !== null;
    made.push([
      facts.targets.length > 1 ? target.name : `${target.metrics[0].name}, first to best`,
      first === last ? last.value || "unknown" : `${first.value} → ${last.value}`,
      gained ? `${factorText(last.level)} as good as the baseline, when kept` : "nothing was kept",
    ]);
  }
  made.push([
    "experiments",
    trials.length.toLocaleString("en-US"),
    tally.map(([status, count]) => `${count} ${status}`).join(", "),
  ]);
  made.push([
    "kept",
    kept.length.toLocaleString("en-US"),
    trials.length ? `${digits((100 * kept.length) / trials.length, 2)}% of all` : "",
  ]);
  const elapsed = Math.max(0, ...rows.slice(-64).map((row) => row.elapsed ?? 0));
  if (elapsed)
    made.push([
      "time",
      durationText(elapsed),
      `${digits((3600 * trials.length) / elapsed, 3)} experiments per hour`,
    ]);
  const tokens = rows.filter((row) => row.tokens !== null),
    priced = rows.filter((row) => row.cost !== null);
  const sum = (some, key) => some.reduce((all, row) => all + row[key], 0);
  if (priced.length || tokens.length) {
    const unpriced = sum(
      tokens.filter((row) => row.cost === null),
      "tokens",
    );
    const cost = priced.length ? dollarText(sum(priced, "cost")) : "price unknown";
    made.push([
      "spent",
      cost,
      [
        tokens.length ? counted(sum(tokens, "tokens"), "token") : "tokens unknown",
        priced.length && unpriced ? `${unpriced.toLocaleString("en-US")} of unknown price` : "",
      ]
        .filter(Boolean)
        .join(", "),
    ]);
  }
  return made;
}

function aboutOf() {
  const made = [
    element("h3", {}, "Environment"),
    listOf([
      ...facts.environment,
      ["launcher", facts.launcher],
      ["sandbox", facts.sandbox],
      [
        "assurance",
        facts.assurance &&
          `${facts.assurance}${facts.not_isolated ? ` (${facts.not_isolated})` : ""}`,
      ],
      ["first commit", facts.commit && element("code", {}, facts.commit)],
    ]),
  ];
  for (const target of facts.targets) {
    const bounds = (metric) =>
      [
        metric.at_least !== null ? `at least ${scoreText(metric.at_least, metric.unit)}` : "",
        metric.at_most !== null ? `at most ${scoreText(metric.at_most, metric.unit)}` : "",
      ]
        .filter(Boolean)
        .join(", ");
    const hidden = (count) => (count ? ` and ${count} hidden` : "");
    made.push(
      element("h3", {}, `Manifest of ${target.name}`),
      listOf([
        ["guards", `${target.guards.toLocaleString("en-US")}${hidden(target.hidden_guards)}`],
        [
          "benchmarks",
          `${target.benchmarks.toLocaleString("en-US")}${hidden(target.hidden_benchmarks)}`,
        ],
        ["copied files", target.files || ""],
        ...target.metrics.map((metric) => [
          metric.name,
          [
            `${metric.direction} is better`,
            metric.unit && `in ${metric.unit}`,
            bounds(metric),
            metric.description,
          ]
            .filter(Boolean)
            .join(" · "),
        ]),
      ]),
    );
    const more = target.guards + target.benchmarks - target.listed.length;
    if (target.listed.length)
      made.push(
        element(
          "details",
          {},
          element("summary", {}, "Guards and benchmarks by name"),
          element(
            "ul",
            {},
            target.listed.map((name) => element("li", {}, element("code", {}, name))),
          ),
          more > 0
            ? element("p", { class: "quiet" }, `and ${more.toLocaleString("en-US")} more`)
            : "",
        ),
      );
  }
  return made;
}
