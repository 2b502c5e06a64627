// Building blocks: DOM elements and times. Text only ever goes in as text.

export function make(tag, properties = {}, ...children) {
  const { attributes = {}, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const find = (id) => document.getElementById(id);

export function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A label's colour, read from the style sheet so that there is one list of colours. */
const colourOf = (label) => `var(--label-${label.replaceAll("_", "-")})`;

export function fillOf(labels) {
  if (labels.length === 0) return "";
  if (labels.length === 1) return colourOf(labels[0]);
  const share = 100 / labels.length;
  const bands = labels.map((label, place) => `${colourOf(label)} ${place * share}% ${(place + 1) * share}%`);
  return `linear-gradient(to bottom, ${bands.join(", ")})`;
}
