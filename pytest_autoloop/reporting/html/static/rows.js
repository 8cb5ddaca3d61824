// The data: rows as they stand in the page, what is packed, and what a running campaign adds.

const PLACES = [
  "number", "status", "reason", "description", "target", "values", "value", "effect", "effectText",
  "level", "seconds", "tokens", "cost", "proposer", "failed", "commit", "parent", "elapsed", "flags", "prompt",
];
const STATUSES = ["baseline", "keep", "explore", "discard", "crash", "timeout"];
const BLOCK = 64;

const read = (id) => JSON.parse(byId(id).textContent);
let facts = read("data-facts");
const packed = read("data-packed");
const rows = read("data-rows").map(rowOf);
const places = new Map(rows.map((row, place) => [row.number, place]));
const told = new Map();
const unpacked = new Map();

function rowOf(values) {
  const row = {};
  PLACES.forEach((name, place) => { row[name] = values[place]; });
  row.target = row.target || facts.targets[0].name;
  return row;
}

const rowNumbered = (number) => rows[places.get(number)];
const targetOf = (row) => facts.targets.find((target) => target.name === row.target) || facts.targets[0];

/** Take in what has come since; false when too much has. */
function takeIn(news) {
  const first = news.count - news.items.length;
  if (first > rows.length) return false;
  facts = { ...news.facts, nonce: facts.nonce };
  for (const item of news.items.slice(rows.length - first)) {
    const row = rowOf(item.row);
    told.set(row.number, item.detail);
    places.set(row.number, rows.length);
    rows.push(row);
  }
  return true;
}

/** Return all that is told of an experiment. */
async function detailsOf(number) {
  if (told.has(number)) return told.get(number);
  const place = places.get(number), block = Math.floor(place / BLOCK);
  if (!unpacked.has(block)) unpacked.set(block, unpack(packed[block]));
  return (await unpacked.get(block))[place % BLOCK];
}

async function unpack(text) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser cannot unpack the details (it has no DecompressionStream): open the page in one of 2023 or later, or run pytest-autoloop show.");
  }
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}
