// The table: sorted by its headings, filtered by the form above it.

const COLUMNS = [
  { key: "number", name: "#", number: true, of: (row) => row.number },
  { key: "status", name: "status", of: (row) => row.status },
  {
    key: "cause",
    name: "reason",
    of: (row) => (row.failed ? `${row.reason}: ${row.failed.split("::").pop()}` : row.reason),
    look: "cause",
  },
  {
    key: "effect",
    name: "effect",
    number: true,
    of: (row) => (row.effect ? row.effect[0] : null),
    text: (row) => row.effectText,
  },
  {
    key: "score",
    name: "score",
    number: true,
    of: (row) => row.values[0] ?? null,
    text: (row) => row.value,
  },
  {
    key: "level",
    name: "over baseline",
    number: true,
    of: (row) => row.level,
    text: (row) => (row.level === null ? "" : factorText(row.level)),
  },
  { key: "description", name: "description", of: (row) => row.description, look: "wrap" },
  {
    key: "target",
    name: "target",
    of: (row) => row.target,
    look: "cause",
    when: () => facts.targets.length > 1,
  },
  {
    key: "proposer",
    name: "proposer",
    of: (row) => row.proposer,
    look: "tight",
    when: () => new Set(rows.filter((row) => row.proposer).map((row) => row.proposer)).size > 1,
  },
  {
    key: "seconds",
    name: "time",
    number: true,
    of: (row) => row.seconds,
    text: (row) => (row.seconds === null ? "" : durationText(row.seconds)),
  },
  {
    key: "prompt",
    name: "prompt tokens",
    number: true,
    of: (row) => row.prompt,
    text: (row) => row.prompt?.toLocaleString("en-US") ?? "",
    when: () => rows.some((row) => row.prompt !== null),
  },
  {
    key: "tokens",
    name: "tokens",
    number: true,
    of: (row) => row.tokens,
    text: (row) => row.tokens?.toLocaleString("en-US") ?? "",
    when: () => rows.some((row) => row.tokens !== null),
  },
  {
    key: "cost",
    name: "cost",
    number: true,
    of: (row) => row.cost,
    text: (row) => (row.cost === null ? "" : dollarText(row.cost)),
    when: () => rows.some((row) => row.cost !== null),
  },
];
const PAGE = 500;
const table = {
  sort: "number",
  down: false,
  limit: PAGE,
  elements: new Map(),
  columns: [],
  shown: [],
  at: null,
};

function startTable() {
  const form = byId("filters");
  form.addEventListener("input", () => {
    table.limit = PAGE;
    fillTable();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () =>
    setTimeout(() => {
      table.limit = PAGE;
      fillTable();
    }),
  );
  byId("more").addEventListener("click", () => {
    table.limit = Infinity;
    fillTable();
  });
  const body = byId("table").tBodies[0];
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row && !String(getSelection())) openDetails(Number(row.dataset.number));
  });
  body.addEventListener("keydown", tableKey);
  body.addEventListener("focusin", (event) =>
    rove(Number(event.target.closest("tr").dataset.number)),
  );
  refreshTable();
}

/** Build headings and filters for the rows that there are, and fill the table. */
function refreshTable() {
  const columns = COLUMNS.filter((column) => !column.when || column.when());
  if (columns.length !== table.columns.length) {
    table.columns = columns;
    table.elements.clear();
    byId("table").tHead.replaceChildren(
      element(
        "tr",
        {},
        columns.map((column) =>
          element(
            "th",
            { scope: "col", class: column.number && "number", "data-key": column.key },
            element("button", { type: "button", onclick: () => sortBy(column.key) }, column.name),
          ),
        ),
      ),
    );
  }
  buildFilters();
  fillTable();
}

function sortBy(key) {
  table.down =
    table.sort === key
      ? !table.down
      : ["effect", "level", "seconds", "tokens", "cost", "prompt"].includes(key);
  table.sort = key;
  fillTable();
}

function buildFilters() {
  const form = byId("filters"),
    before = new FormData(form),
    drawnBefore = form.dataset.offered;
  const counts = new Map(
    STATUSES.map((status) => [status, rows.filter((row) => row.status === status).length]),
  );
  const reasons = [...new Set(rows.map((row) => row.reason).filter(Boolean))].sort();
  const offered = JSON.stringify([[...counts], reasons]);
  if (offered === drawnBefore) return;
  form.dataset.offered = offered;
  const focused = document.activeElement?.name,
    caret = document.activeElement?.selectionStart;
  const status = STATUSES.filter((name) => counts.get(name)).map((name) => {
    const box = element("input", { type: "checkbox", name: "status", value: name });
    box.checked = before.getAll("status").includes(name);
    return element(
      "label",
      {},
      box,
      element("span", { class: name }, name),
      ` ${counts.get(name)}`,
    );
  });
  const search = element("input", {
    type: "search",
    name: "search",
    placeholder: "description, reason, proposer…",
  });
  search.value = before.get("search") || "";
  const reason = element(
    "select",
    { name: "reason" },
    element("option", { value: "" }, "any"),
    reasons.map((name) =>
      element("option", { value: name, selected: name === before.get("reason") }, name),
    ),
  );
  const target = element(
    "select",
    { name: "target" },
    element("option", { value: "" }, "all"),
    facts.targets.map(({ name }) =>
      element("option", { value: name, selected: name === before.get("target") }, name),
    ),
  );
  form.replaceChildren(
    element("label", {}, "Search ", search),
    element("fieldset", {}, element("legend", {}, "Status"), status),
    element("label", {}, "Reason ", reason),
    ...(facts.targets.length > 1 ? [element("label", {}, "Target ", target)] : []),
    element("button", { type: "reset" }, "Clear"),
  );
  if (focused === "search") {
    search.focus();
    search.setSelectionRange(caret, caret);
  }
}

function chosenRows() {
  const asked = new FormData(byId("filters")),
    status = asked.getAll("status");
  const words = (asked.get("search") || "").toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = rows.filter((row) => {
    if (status.length && !status.includes(row.status)) return false;
    if (asked.get("reason") && row.reason !== asked.get("reason")) return false;
    if (asked.get("target") && row.target !== asked.get("target")) return false;
    const text =
      `${numberText(row.number)} ${row.status} ${row.reason} ${row.description} ${row.failed} ${row.proposer} ${row.commit} ${row.flags.join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const column = table.columns.find(({ key }) => key === table.sort) || table.columns[0],
    sign = table.down ? -1 : 1;
  const missing = (value) => value === null || value === undefined || value === "";
  return chosen.sort((one, other) => {
    const a = column.of(one),
      b = column.of(other);
    // What is unknown comes last, whichever way it is sorted.
    if (missing(a) || missing(b)) return missing(a) - missing(b) || one.number - other.number;
    const order = typeof a === "number" ? a - b : String(a).localeCompare(String(b));
    return sign * order || one.number - other.number;
  });
}

function fillTable() {
  const chosen = chosenRows(),
    focused = document.activeElement?.closest?.("#table tbody tr")?.dataset.number;
  table.shown = chosen.slice(0, table.limit);
  if (!table.shown.some((row) => row.number === table.at))
    table.at = table.shown[0]?.number ?? null;
  for (const heading of byId("table").tHead.rows[0].cells) {
    const sorted = heading.dataset.key === table.sort;
    if (sorted) heading.setAttribute("aria-sort", table.down ? "descending" : "ascending");
    else heading.removeAttribute("aria-sort");
  }
  byId("table").tBodies[0].replaceChildren(...table.shown.map(elementOf));
  byId("shown").textContent =
    chosen.length === rows.length
      ? `all ${rows.length.toLocaleString("en-US")}`
      : `${chosen.length.toLocaleString("en-US")} of ${rows.length.toLocaleString("en-US")}`;
  byId("more").hidden = chosen.length <= table.limit;
  byId("more").textContent = `Show ${counted(chosen.length - table.shown.length, "more row")}`;
  rove(table.at);
  if (focused !== undefined)
    table.elements.get(Number(focused))?.querySelector("button").focus({ preventScroll: true });
}

function elementOf(row) {
  if (!table.elements.has(row.number))
    table.elements.set(
      row.number,
      element(
        "tr",
        { "data-number": row.number },
        table.columns.map((column) => cellOf(column, row)),
      ),
    );
  return table.elements.get(row.number);
}

function cellOf(column, row) {
  const text = column.text ? column.text(row) : String(column.of(row) ?? "");
  if (column.key === "number")
    return element(
      "td",
      { class: "number" },
      element(
        "button",
        {
          type: "button",
          class: "open",
          tabindex: -1,
          "aria-label": `Open experiment ${row.number}`,
        },
        numberText(row.number),
      ),
    );
  if (column.key === "status")
    return element("td", {}, element("span", { class: `status ${row.status}` }, row.status));
  const flags =
    column.key === "effect" && row.flags.length
      ? [" ", element("span", { class: "flag" }, `(${row.flags.join(", ")})`)]
      : [];
  return element("td", { class: column.number ? "number" : column.look }, text, flags);
}

/** Let one row alone be reached with Tab; the arrow keys go from it to the others. */
function rove(number) {
  table.elements.get(table.at)?.querySelector("button").setAttribute("tabindex", "-1");
  table.at = number;
  table.elements.get(number)?.querySelector("button").setAttribute("tabindex", "0");
}

function tableKey(event) {
  const place = table.shown.findIndex((row) => row.number === table.at),
    last = table.shown.length - 1;
  const to = {
    ArrowDown: place + 1,
    ArrowUp: place - 1,
    Home: 0,
    End: last,
    PageDown: Math.min(last, place + 15),
    PageUp: Math.max(0, place - 15),
  }[event.key];
  if (to === undefined || to < 0 || to > last || event.ctrlKey || event.altKey || event.metaKey)
    return;
  event.preventDefault();
  table.elements.get(table.shown[to].number).querySelector("button").focus();
}
