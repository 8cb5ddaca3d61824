// The data: rows as they stand in the page, what is packed, and what a running campaign adds.

const PLACES = [
  "number",
  "status",
  "reason",
  "description",
  "target",
  "values",
  "value",
  "effect",
  "effectText",
  "level",
  "seconds",
  "tokens",
  "cost",
  "proposer",
  "failed",
  "commit",
  "parent",
  "elapsed",
  "flags",
  "prompt",
];
const STATUSES = ["baseline", "keep", "explore", "discard", "crash", "timeout"];
const BLOCK = 64;
const SHARING = 16;

const read = (id) => JSON.parse(byId(id).textContent);
let facts = read("data-facts");
const packed = read("data-packed");
const rows = [];
const places = new Map();
const told = new Map();
const unpacked = new Map();

function rowOf(values) {
  const row = {};
  PLACES.forEach((name, place) => {
    row[name] = values[place];
  });
  row.target = row.target || facts.targets[0].name;
  return row;
}

/** Read the rows; they come packed, as the details do. */
async function readRows() {
  for (const values of JSON.parse(await inflated(read("data-rows")))) add(rowOf(values));
}

function add(row) {
  places.set(row.number, rows.length);
  rows.push(row);
}

const rowNumbered = (number) => rows[places.get(number)];
const targetOf = (row) =>
  facts.targets.find((target) => target.name === row.target) || facts.targets[0];

/** Take in what has come since; false when too much has. */
function takeIn(news) {
  const first = news.count - news.items.length;
  if (first > rows.length) return false;
  facts = { ...news.facts, nonce: facts.nonce };
  for (const item of news.items.slice(rows.length - first)) {
    const row = rowOf(item.row);
    told.set(row.number, item.detail);
    add(row);
  }
  return true;
}

/** Return all that is told of an experiment. */
async function detailsOf(number) {
  if (told.has(number)) return told.get(number);
  const place = places.get(number),
    block = Math.floor(place / BLOCK);
  // Each block goes on with the lines of those before it.
  for (let one = block - (block % SHARING); one <= block; one += 1) {
    if (!unpacked.has(one)) unpacked.set(one, unpack(one));
  }
  const { lines, details } = await unpacked.get(block),
    found = details[place % BLOCK];
  const known = { ...found };
  if (Array.isArray(found.diff)) known.diff = textOf(found.diff, lines);
  if (Array.isArray(found.guard?.output))
    known.guard = { ...found.guard, output: textOf(found.guard.output, lines) };
  return known;
}

/** Put a text together from the marks its lines begin with and from the numbers of the lines. */
function textOf([marks, ...steps], lines) {
  let next = 0;
  return steps
    .map((step, place) => {
      const line = lines[next + step],
        mark = marks[place] ?? ".";
      next += step + 1;
      return mark === "." ? line : mark + line;
    })
    .join("\n");
}

async function unpack(block) {
  const found = JSON.parse(await inflated(packed[block]));
  const before = block % SHARING ? (await unpacked.get(block - 1)).lines : [];
  return { lines: before.concat(found.lines), details: found.details };
}

async function inflated(text) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error(
      "This browser cannot unpack the report (it has no DecompressionStream): open the page in a browser of 2023 or later, or read the campaign with pytest-autoloop history.",
    );
  }
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Response(
    new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")),
  ).text();
}
