// Building blocks of the page: DOM elements, the embedded data and times. Text from the data only ever goes in as text.

function make(tag, properties = {}, ...children) {
  const { attributes = {}, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Untrusted text, kept from turning the reading direction of what stands around it. */
const isolated = (text, className = "") => make("bdi", { textContent: text, className });

function readData(id) {
  const block = document.getElementById(id);
  return block === null ? null : JSON.parse(block.textContent);
}

function bytesOf(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place += 1) bytes[place] = binary.charCodeAt(place);
  return bytes;
}

function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

const framesCache = new Map();

/** Sampled frames of a video: {clip, time, isKept, source}. The page keeps those of the last few videos. */
function framesOf(index) {
  if (!framesCache.has(index)) {
    if (framesCache.size >= 40) framesCache.delete(framesCache.keys().next().value);
    const rows = readData(`frames-${index}`) ?? [];
    framesCache.set(
      index,
      rows.map(([clip, time, isKept, jpeg]) => ({ clip, time, isKept, source: `data:image/jpeg;base64,${jpeg}` })),
    );
  }
  return framesCache.get(index);
}

/** A label's colour, read from the style sheet so that there is one list of colours. */
const labelColour = (label) => `var(--label-${label.replaceAll("_", "-")})`;

function labelFill(labels) {
  if (labels.length === 1) return labelColour(labels[0]);
  const share = 100 / labels.length;
  const bands = labels.map((label, place) => `${labelColour(label)} ${place * share}% ${(place + 1) * share}%`);
  return `linear-gradient(to bottom, ${bands.join(", ")})`;
}
