// The page: what is asked for, what comes back event by event, and what can be taken home.

import { ApiProblem, demoFilm, demos, models, narrate, rewrite, subtitles, useKey } from "./api.js";
import { Card } from "./clips.js";
import { clock, find, make } from "./elements.js";
import { Player, localVoice } from "./player.js";
import { interfaceLanguage, say, speakLanguage } from "./texts.js";

const RETRY_MS = 3000;
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const isWide = matchMedia("(min-width: 1000px)");
let server = null;
let film = null;
let story = null;
let player = null;
let cards = [];
let running = null;
let status = null;

function tell(key, values = {}) {
  status = [key, values];
  find("status").textContent = say(key, values);
}

/** The product as the form has it: a JSON object as it is, lines as facts. */
function productOf(name, facts) {
  if (facts.startsWith("{")) {
    const data = JSON.parse(facts);
    return { name: name || data.name, knowledge: data.knowledge ?? data };
  }
  const groups = new Map();
  for (const line of facts.split("\n").map((text) => text.trim()).filter(Boolean)) {
    const [, category, point] = line.match(/^([^:：]{1,40})[:：]\s*(.+)$/) ?? [null, "", line];
    groups.set(category, [...(groups.get(category) ?? []), point]);
  }
  return { name, knowledge: [...groups].map(([category, points]) => ({ category, points })) };
}

function factsOf(product) {
  return product.knowledge.flatMap(({ category, points }) => points.map((point) => (category ? `${category}: ${point}` : point))).join("\n");
}

function clearProblems() {
  for (const id of ["video-problem", "product-problem", "form-problem"]) find(id).textContent = "";
  for (const node of document.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
}

function complain(field, message) {
  const [id, input] = field === "video" ? ["video-problem", "video"] : field.startsWith("product") ? ["product-problem", "name"] : ["form-problem", "go"];
  find(id).textContent = message;
  find(input).setAttribute("aria-invalid", "true");
  find(input).focus();
}

function chooseFilm(file) {
  film = file;
  clearProblems();
  find("drop").classList.toggle("full", file !== null);
  const name = find("file-name");
  if (file === null) name.dataset.text = "drop";
  else delete name.dataset.text;
  name.textContent = file === null ? say("drop") : file.name;
  showLimits();
}

function showLimits() {
  if (film !== null) find("file-size").textContent = `${(film.size / 2 ** 20).toFixed(1)} MiB`;
  else if (server !== null) {
    const { max_upload_mb: size, max_video_s: seconds } = server.limits;
    find("file-size").textContent = say("dropHint", { size, minutes: Math.floor(seconds / 60) });
  }
}

async function chooseDemo(demo) {
  find("drop").setAttribute("aria-busy", "true");
  find("file-size").textContent = say("drawing");
  try {
    chooseFilm(new File([await demoFilm(demo.id)], `${demo.product.name}.mp4`, { type: "video/mp4" }));
    find("name").value = demo.product.name;
    find("facts").value = factsOf(demo.product);
  } catch (error) {
    complain("video", say("failed", { detail: error.message }));
  }
  find("drop").removeAttribute("aria-busy");
}

function readForm() {
  const name = find("name").value.trim();
  const facts = find("facts").value.trim();
  if (film === null) return complain("video", say("needVideo"));
  let product = null;
  try {
    product = productOf(name, facts);
  } catch (error) {
    return complain("product", error.message);
  }
  if (!product.name) return complain("product", say("needName"));
  const form = new FormData();
  form.set("product", JSON.stringify(product));
  form.set("language", find("language").value);
  form.set("adapter", find("adapter").value);
  form.set("seed", find("seed").value.trim());
  form.set("video", film, film.name); // last, so that wrong texts are found before it is sent
  return { form, product };
}

async function start(event) {
  event.preventDefault();
  clearProblems();
  const asked = readForm();
  if (!asked) return;
  useKey(find("key").value);
  const language = find("language").value;
  const labelName = (label) => server.labels[label][interfaceLanguage()];
  const labels = Object.keys(server.labels);
  story = { clips: [], duration: 0, language, labels, labelName, product: asked.product, result: null };
  showStage();
  const own = new AbortController();
  running = own;
  try {
    for await (const step of narrate(asked.form, own.signal)) if (running === own) take(step);
  } catch (error) {
    if (running === own) fail(error);
  }
  if (running !== own) return;
  running = null;
  find("cancel").hidden = true;
}

function showStage() {
  player?.close();
  player = new Player(story, film, onClip);
  cards = [];
  find("clips").replaceChildren();
  find("notes").replaceChildren();
  find("product-title").textContent = story.product.name;
  find("form").hidden = true;
  find("stage").hidden = false;
  find("tools").hidden = true;
  find("cancel").hidden = false;
  find("progress").hidden = false;
  find("progress").removeAttribute("value");
  find("stage").classList.remove("failed");
  tell("uploading");
  find("cancel").focus();
}

function showForm() {
  running?.abort();
  running = null;
  player?.close();
  player = null;
  find("stage").hidden = true;
  find("form").hidden = false;
  find("name").focus();
}

const HANDLERS = {
  accepted: () => tell("accepted"),
  clips: (data) => {
    story.duration = data.duration_s;
    setClips(data.clips);
    tell("clipsFound", { count: data.clips.length });
  },
  frames: (data) => {
    setClips(data.clips);
    tell("framesSeen", { count: data.num_frames });
    find("progress").value = 0;
  },
  label: (data) => {
    change(data.clip_index, { labels: data.script_labels, labelSource: data.label_source, state: "writing" });
    tell("writingClip", { place: data.clip_index + 1, count: story.clips.length });
  },
  narration: (data) => {
    change(data.clip_index, toldOf(data));
    cards[data.clip_index].ask();
    find("progress").value = (data.clip_index + 1) / story.clips.length;
  },
  done: (data) => {
    story.result = data;
    finish();
  },
};

const toldOf = (data) => ({
  labels: data.script_labels,
  labelSource: data.label_source,
  text: data.narration,
  numWords: data.num_words,
  minWords: data.min_words,
  maxWords: data.max_words,
  state: "done",
});

const take = ({ name, data }) => HANDLERS[name]?.(data);

function setClips(clips) {
  story.clips = clips.map((clip) => ({ ...clip, labels: [], labelSource: "", text: "", state: "waiting" }));
  player.draw();
  cards = story.clips.map((_, place) => new Card(story, place, ACTIONS));
  find("clips").replaceChildren(...cards.map((card) => card.node));
  story.startedAt ??= performance.now();
}

function change(place, values) {
  Object.assign(story.clips[place], values);
  player.mark(place);
  player.caption(place);
  cards[place].update();
}

/** What a card can ask for. */
const ACTIONS = {
  play: (place) => player.play(place),
  onEdit: (place) => player.caption(place),
  rewrite: (place, label) => rewriteClip(place, label).catch(fail),
};

async function rewriteClip(place, label) {
  const before = { ...story.clips[place] };
  const texts = story.clips.map((clip) => clip.text);
  change(place, { state: "writing", text: "" });
  tell("writingClip", { place: place + 1, count: story.clips.length });
  try {
    const told = await rewrite(story.result.id, place, { texts, ...(label ? { labels: [label] } : {}) });
    story.result.narrations[place] = told;
    change(place, { ...toldOf(told), isEdited: false });
    cards[place].ask();
    tell("rewritten", { place: place + 1 });
    cards[place].rewriteButton.focus();
  } catch (error) {
    change(place, before);
    throw error;
  }
}

function finish() {
  tell("done", { count: story.clips.length, seconds: Math.max(1, Math.round((performance.now() - story.startedAt) / 1000)) });
  find("progress").value = 1;
  find("tools").hidden = false;
  find("notes").replaceChildren(...story.result.notes.map((note) => make("li", { textContent: note })));
  showVoices();
  for (const card of cards) card.update();
}

function fail(error) {
  find("progress").hidden = true;
  if (error.name === "AbortError") {
    tell("cancelled");
    return;
  }
  find("stage").classList.add("failed");
  if (error instanceof ApiProblem && error.status < 500 && story.clips.length === 0) {
    showForm();
    find("key-field").hidden = error.status !== 401 && find("key-field").hidden;
    const problems = error.errors.length > 0 ? error.errors : [{ field: "", message: error.message }];
    for (const { field, message } of problems) complain(field, message);
    if (error.status === 401) find("key").focus();
    return;
  }
  if (error instanceof ApiProblem) tell("failed", { detail: error.message });
  else tell("lost");
}

function onClip(place, isPlaying) {
  cards.forEach((card, other) => card.node.classList.toggle("current", other === place));
  const isTyping = document.activeElement?.tagName === "TEXTAREA";
  if (place >= 0 && isPlaying && isWide.matches && !isTyping) {
    cards[place].node.scrollIntoView({ block: "nearest", behavior: isCalm.matches ? "auto" : "smooth" });
  }
}

async function download(format) {
  const name = story.product.name.replace(/[^\p{L}\p{N}-]+/gu, "-").slice(0, 80) || "narrations";
  const texts = story.clips.map(({ start_s, end_s, text }) => ({ start_s, end_s, text }));
  const content = format === "json" ? JSON.stringify(editedResult(), null, 1) : await subtitles(story.language, format, texts);
  const address = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  make("a", { href: address, download: `${name}.${format}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** The result with what was changed by hand, marked as such. */
function editedResult() {
  const narrations = story.result.narrations.map((narration, place) => {
    const { text, numWords, minWords, maxWords, isEdited } = story.clips[place];
    if (!isEdited) return narration;
    const isInside = numWords >= minWords && numWords <= maxWords;
    return { ...narration, narration: text, num_words: numWords, is_in_window: isInside, is_edited: true };
  });
  return { ...story.result, narrations };
}

function showVoices() {
  if (story === null) return;
  const hasVoice = Boolean(localVoice(story.language));
  find("voice").disabled = !hasVoice;
  find("voice").title = hasVoice ? "" : say("noVoice");
  for (const card of cards) card.speakButton.hidden = !hasVoice;
}

function toggleVoice() {
  player.speaksAlong = !player.speaksAlong;
  player.video.muted = player.speaksAlong;
  find("voice").setAttribute("aria-pressed", String(player.speaksAlong));
  if (player.speaksAlong) player.play(0);
  else player.video.pause();
}

function showServer() {
  const [model] = server.models;
  find("model").textContent = `${model.name} · ${model.parameters}`;
  find("untrained").hidden = model.is_trained;
  const names = { en: "English", zh: "中文" };
  find("language").replaceChildren(...model.languages.map((value) => make("option", { value, textContent: names[value] })));
  if (model.languages.includes(interfaceLanguage())) find("language").value = interfaceLanguage();
  find("adapter-field").hidden = model.adapters.length === 0;
  const none = make("option", { value: "", textContent: say("noAdapter") });
  find("adapter").replaceChildren(none, ...model.adapters.map((value) => make("option", { value, textContent: value })));
  showLimits();
}

/** Asks what the server can do; one that does not answer is asked again until it does. */
async function meetServer() {
  useKey(find("key").value);
  try {
    server = await models();
    find("offline").hidden = true;
    showServer();
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 401) {
      find("key-field").hidden = false;
      return;
    }
    find("offline").hidden = false;
    setTimeout(meetServer, RETRY_MS);
    return;
  }
  const films = await demos().catch(() => []);
  const buttons = films.map((demo) => {
    const button = make("button", { type: "button", textContent: demo.product.name });
    button.addEventListener("click", () => chooseDemo(demo));
    return button;
  });
  find("demos").replaceChildren(...buttons);
  document.querySelector(".demo").hidden = buttons.length === 0;
}

function changeInterface(language) {
  speakLanguage(language);
  localStorage.setItem("interface", language);
  if (server !== null) showServer();
  if (film !== null) find("file-name").textContent = film.name;
  if (status !== null) tell(...status);
  if (player !== null) {
    cards = story.clips.map((_, place) => new Card(story, place, ACTIONS));
    find("clips").replaceChildren(...cards.map((card) => card.node));
    story.clips.forEach((_, place) => player.mark(place));
  }
}

function onKey(event) {
  if (player === null || event.target.closest("input, select, textarea, video, button") || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) player.seek(Math.min(story.clips.length - 1, Math.max(0, player.place + step)));
  else if (event.key === " ") player.video.paused ? player.video.play() : player.video.pause();
  else return;
  event.preventDefault();
}

const drop = find("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length > 0) chooseFilm(event.dataTransfer.files[0]);
});
find("video").addEventListener("change", (event) => chooseFilm(event.target.files[0] ?? null));
find("form").addEventListener("submit", start);
find("key").addEventListener("change", meetServer);
find("cancel").addEventListener("click", () => running?.abort());
find("again").addEventListener("click", showForm);
find("voice").addEventListener("click", toggleVoice);
find("interface").addEventListener("change", (event) => changeInterface(event.target.value));
for (const button of document.querySelectorAll("[data-download]")) {
  button.addEventListener("click", () => download(button.dataset.download).catch(fail));
}
document.addEventListener("keydown", onKey);
globalThis.speechSynthesis?.addEventListener("voiceschanged", showVoices);
const remembered = localStorage.getItem("interface") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
find("interface").value = remembered;
speakLanguage(remembered);
meetServer();
