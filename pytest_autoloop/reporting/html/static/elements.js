"use strict";
// Elements, numbers and times. All text goes in through textContent: nothing here is ever markup.

const byId = (id) => document.getElementById(id);

/** Make an element; strings among the children become text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  put(made, attributes, children);
  return made;
}

/** Make an element of a drawing. */
function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  put(made, attributes, children);
  return made;
}

function put(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === "") continue;
    made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Write a score with its unit; seconds with the prefix that fits. */
function scoreText(value, unit) {
  if (value === null || value === undefined) return "unknown";
  if (unit === "s") {
    for (const [scale, name] of [
      [1, "s"],
      [1e-3, "ms"],
      [1e-6, "µs"],
      [1e-9, "ns"],
    ]) {
      if (Math.abs(value) >= scale * 0.9995 || scale === 1e-9)
        return `${digits(value / scale, 3)} ${name}`;
    }
  }
  const told = digits(value, Number.isInteger(value) && Math.abs(value) < 1e9 ? 12 : 4);
  return unit && unit !== "%" ? `${told} ${unit}` : told + (unit || "");
}

function digits(value, count) {
  const rounded = Number(value.toPrecision(count));
  const tiny = rounded !== 0 && (Math.abs(rounded) < 1e-4 || Math.abs(rounded) >= 1e12);
  return tiny
    ? rounded.toExponential()
    : rounded.toLocaleString("en-US", { maximumFractionDigits: 9 });
}

/** Write a log gain as a factor: 2.61×. */
const factorText = (log) => `${digits(Math.exp(log), 3)}×`;

/** Write an effect as a factor with its interval. */
function gainText({ log_gain, low, high }) {
  if (low === high) return factorText(log_gain);
  return `${factorText(log_gain)} [${low === null ? "…" : factorText(low)}, ${high === null ? "…" : factorText(high)}]`;
}

/** Write a log gain as the per cent by which something became better. */
function percentText(log, decimals = 1) {
  const value = 100 * Math.expm1(log);
  return `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(decimals)}%`;
}

/** Write seconds with their two largest units. */
function durationText(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole < 10 ? Number(seconds.toFixed(1)) : whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600).toLocaleString("en-US")} h ${Math.floor((whole % 3600) / 60)} min`;
}

const dollarText = (value) => `$${value < 1 ? Number(value.toFixed(4)) : value.toFixed(2)}`;
const numberText = (number) => String(number).padStart(3, "0");
const counted = (count, noun) =>
  `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;

function median(values) {
  const sorted = [...values].sort((a, b) => a - b),
    middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Return the colour that a variable of the style sheet has now, light or dark. */
function colourOf(name) {
  const probe = element("span", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
