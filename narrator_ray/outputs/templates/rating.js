// The sheet: one story at a time, its marks, the keys, and the file that marks are saved to.

const sheet = readData("sheet-data");
const stage = document.getElementById("story");
const raterField = document.getElementById("rater");
const memory = `narrator-ray ${sheet.sheet}`;
let ratings = {};
let place = 0;
let scale = 0;
let player = null;
let isSaved = true;

const isRated = (story) => sheet.scales.every(({ name }) => ratings[story.item]?.[name] !== undefined);
const numRated = () => sheet.stories.filter(isRated).length;

function tell(text, isWarning = false) {
  const state = document.getElementById("state");
  state.textContent = text;
  state.classList.toggle("warn", isWarning);
}

/** Marks outlive a closed page where the browser allows it; the file is what counts. */
function remember() {
  try {
    localStorage.setItem(memory, JSON.stringify({ rater: raterField.value, ratings }));
  } catch {
    // A browser that keeps nothing for files on disk: saving still works.
  }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(memory) ?? "null");
    if (kept === null) return;
    ({ ratings } = kept);
    raterField.value = kept.rater;
  } catch {
    ratings = {};
  }
}

function showProgress() {
  document.getElementById("progress").value = numRated();
  const done = numRated() === sheet.stories.length ? ". All done: save the file and send it back." : "";
  tell(`${numRated()} of ${sheet.stories.length} stories rated${done}`);
}

function note(change) {
  const story = sheet.stories[place];
  ratings[story.item] = { ...ratings[story.item], ...change };
  isSaved = false;
  remember();
  showProgress();
}

function mark(name, value) {
  note({ [name]: value });
  document.getElementById(`${name}-${value}`).checked = true;
  markScales();
}

function markScales() {
  document.querySelectorAll("fieldset").forEach((field, index) => {
    field.classList.toggle("current", index === scale);
    field.classList.toggle("missing", ratings[sheet.stories[place].item]?.[sheet.scales[index].name] === undefined);
  });
}

function makeScale({ name, title, marks }, index) {
  const given = ratings[sheet.stories[place].item]?.[name];
  const options = marks.map((meaning, value) => {
    const input = make("input", { type: "radio", name, id: `${name}-${value}`, checked: given === value });
    input.addEventListener("change", () => mark(name, value));
    return make("label", {}, input, make("b", { textContent: String(value) }), meaning);
  });
  const field = make("fieldset", {}, make("legend", { textContent: title }), make("div", { className: "marks" }, ...options));
  field.addEventListener("focusin", () => {
    scale = index;
    markScales();
  });
  return field;
}

function makeLines(story, language) {
  const rows = story.lines.map((line) => {
    const when = make("button", { type: "button", textContent: `${clock(line.start_s)} – ${clock(line.end_s)}`, title: "Play from here" });
    when.addEventListener("click", () => {
      if (!player) return;
      player.currentTime = line.start_s + 0.001;
      player.play().catch(() => {});
    });
    return make("li", {}, when, make("p", { lang: language, dir: "auto", textContent: line.text }));
  });
  return make("ol", { className: "lines" }, ...rows);
}

function makeMove(text, by) {
  const button = make("button", { type: "button", textContent: text, disabled: !sheet.stories[place + by] });
  button.addEventListener("click", () => open(place + by));
  return button;
}

function open(next) {
  if (next < 0 || next >= sheet.stories.length) return;
  place = next;
  scale = 0;
  releasePlayer(player);
  const story = sheet.stories[place];
  const video = { ...sheet.videos[story.video], cues: story.cues };
  const made = makePlayer(video, story.video);
  player = made.player;
  const remark = make("textarea", { value: ratings[story.item]?.remark ?? "", placeholder: "Remark, if any" });
  remark.setAttribute("aria-label", "Remark");
  remark.addEventListener("input", () => note({ remark: remark.value }));
  const left = make("div", {}, made.picture, makeLines(story, video.language));
  const moves = make("div", { className: "moves" }, makeMove("← Previous", -1), makeMove("Next →", 1));
  const right = make("form", {}, ...sheet.scales.map(makeScale), remark, moves);
  right.addEventListener("submit", (event) => event.preventDefault());
  const title = make("header", {}, make("h2", {}, isolated(video.name)), make("p", { className: "quiet", textContent: `Story ${place + 1} of ${sheet.stories.length}` }));
  stage.replaceChildren(title, left, right);
  markScales();
  showProgress();
}

function save() {
  const rater = raterField.value.trim();
  if (rater === "") {
    tell("Write your name first: whoever collects the files tells raters apart by it.", true);
    raterField.focus();
    return;
  }
  const content = { format: sheet.format, sheet: sheet.sheet, rater, ratings };
  const blob = new Blob([JSON.stringify(content, null, 1)], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(blob), download: `ratings-${sheet.sheet}-${rater.replace(/[^\p{L}\p{N}]+/gu, "-")}.json` });
  link.click();
  URL.revokeObjectURL(link.href);
  isSaved = true;
  tell(`Saved ${numRated()} of ${sheet.stories.length} stories as ${link.download}.`);
}

async function load(event) {
  const [file] = event.target.files;
  try {
    const content = JSON.parse(await file.text());
    if (content.sheet !== sheet.sheet) throw new Error("it belongs to another sheet");
    ({ ratings } = content);
    raterField.value = content.rater;
    open(Math.max(0, sheet.stories.findIndex((story) => !isRated(story))));
    remember();
  } catch (error) {
    tell(`That file cannot be read: ${error.message}.`, true);
  }
}

function onKey(event) {
  const isTyping = event.target.closest("textarea, input:not([type=radio]), video");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  const last = sheet.scales.length - 1;
  if (/^[0-3]$/.test(key)) {
    mark(sheet.scales[scale].name, Number(key));
    scale = Math.min(last, scale + 1);
    markScales();
  } else if (key === "arrowdown") scale = Math.min(last, scale + 1);
  else if (key === "arrowup") scale = Math.max(0, scale - 1);
  else if (key === "arrowright") open(place + 1);
  else if (key === "arrowleft") open(place - 1);
  else if (key === "s") save();
  else if (key === " " && player && !event.target.closest("button")) player.paused ? player.play() : player.pause();
  else return;
  markScales();
  event.preventDefault();
}

recall();
document.getElementById("save").addEventListener("click", save);
document.getElementById("load").addEventListener("change", load);
raterField.addEventListener("input", remember);
document.addEventListener("keydown", onKey);
addEventListener("beforeunload", (event) => {
  if (!isSaved) event.preventDefault();
});
open(Math.max(0, sheet.stories.findIndex((story) => !isRated(story))));
