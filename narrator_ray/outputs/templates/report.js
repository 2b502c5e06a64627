// The page: the list of videos with its filter, the video that is open, and the keys.

const run = readData("run-data");
const article = document.getElementById("video");
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const isWide = matchMedia("(min-width: 1180px)");
const rows = run.videos.map(makeRow);
let shown = run.videos.map((_, index) => index);
let open = null;

function searchText(video) {
  const texts = video.clips.flatMap((clip) => clip.parts.map(([text]) => text).join(""));
  const facts = video.knowledge.map((item) => `${item.category} ${item.point}`);
  return [video.id, video.name, ...texts, ...facts].join("\n").toLowerCase();
}

function makeStrip(video) {
  const strip = make("span", { className: "strip", attributes: { "aria-hidden": "true" } });
  for (const clip of video.clips) {
    const block = make("i");
    block.style.flexGrow = String(clip.end_s - clip.start_s);
    block.style.background = labelFill(clip.script_labels);
    strip.append(block);
  }
  return strip;
}

function makeRow(video, index) {
  const outside = video.clips.filter((clip) => !clip.is_in_window).length;
  const facts = make("small", { textContent: `${count(video.clips.length, "clip")} · ${clock(video.duration_s)}` });
  if (outside > 0) facts.append(make("em", { textContent: `${outside} outside`, title: "Clips outside their length window" }));
  const poster = make("img", { alt: "", width: 64, height: 48 });
  const name = make("span", { className: "name" }, isolated(video.name));
  const button = make("button", { type: "button" }, poster, make("span", {}, name, facts, makeStrip(video)));
  button.addEventListener("click", () => openVideo(index));
  const item = make("li", {}, button);
  item.dataset.index = String(index);
  return { item, button, poster, text: searchText(video), outside };
}

function matches(index) {
  const video = run.videos[index];
  const words = document.getElementById("filter-text").value.toLowerCase().split(/\s+/);
  const label = document.getElementById("filter-label").value;
  const language = document.getElementById("filter-language").value;
  return (
    words.every((word) => rows[index].text.includes(word)) &&
    (label === "" || video.clips.some((clip) => clip.script_labels.includes(label))) &&
    (language === "" || video.language === language) &&
    (!document.getElementById("filter-window").checked || rows[index].outside > 0)
  );
}

function applyFilter() {
  shown = run.videos.map((_, index) => index).filter(matches);
  const visible = new Set(shown);
  rows.forEach((row, index) => (row.item.hidden = !visible.has(index)));
  const total = count(run.videos.length, "video");
  document.getElementById("filter-count").textContent =
    shown.length === run.videos.length ? total : `${shown.length} of ${total}`;
}

function fillSelect(id, names, used) {
  const select = document.getElementById(id);
  for (const key of Object.keys(names)) {
    if (used.has(key)) select.append(make("option", { value: key, textContent: names[key] }));
  }
  select.parentElement.hidden = used.size < 2;
}

function makeTitle(video) {
  const remarks = [run.languages[video.language], clock(video.duration_s), `read by ${video.decoder}`, ...video.notes];
  return make(
    "header",
    {},
    make("h2", {}, isolated(video.name)),
    make("p", { className: "quiet" }, isolated(video.id), ` · ${remarks.join(" · ")}`),
  );
}

function openVideo(index) {
  const video = run.videos[index];
  globalThis.speechSynthesis?.cancel();
  releasePlayer(open?.player);
  const { picture, player } = makePlayer(video, index);
  const seekTo = (time) => {
    if (player) player.currentTime = time;
    markClip(video.clips.findIndex((clip) => time >= clip.start_s && time < clip.end_s));
  };
  const showClip = (place) => {
    seekTo(video.clips[place].start_s + 0.001);
    reveal(open.cards[place]);
  };
  const play = (place) => {
    seekTo(video.clips[place].start_s + 0.001);
    player?.play().catch(() => markClip(place));
  };
  const timeline = makeTimeline(video, run.labels, showClip);
  const frames = framesOf(index);
  const cards = video.clips.map((clip, place) => {
    const own = frames.filter((frame) => frame.clip === clip.clip_index);
    return makeClipCard(video, place, run, own, { play, seekTo });
  });
  const watch = make("div", { className: "watch" }, picture, timeline.bar, makeLegend(video, run.labels));
  watch.append(makeKnowledge(video, showClip));
  article.replaceChildren(makeTitle(video), watch, make("ol", { className: "clips" }, ...cards));
  open = { index, video, player, timeline, cards, showClip, current: null };
  markRow(index);
  showSpeakButtons();
  if (player) followTime(player, onTime);
}

function onTime(time) {
  open.timeline.moveTo(time);
  const place = open.video.clips.findIndex((clip) => time >= clip.start_s && time < clip.end_s);
  if (place !== open.current) {
    markClip(place);
    if (place >= 0 && !open.player.paused && isWide.matches) reveal(open.cards[place]);
  }
}

function markClip(place) {
  open.current = place;
  open.cards.forEach((card, other) => card.classList.toggle("current", other === place));
  open.timeline.blocks.forEach((block, other) => {
    if (other === place) block.setAttribute("aria-current", "true");
    else block.removeAttribute("aria-current");
  });
}

function reveal(node) {
  node.scrollIntoView({ block: "nearest", behavior: isCalm.matches ? "auto" : "smooth" });
}

function markRow(index) {
  rows.forEach((row, other) => {
    if (other === index) row.button.setAttribute("aria-current", "true");
    else row.button.removeAttribute("aria-current");
  });
  const list = document.getElementById("video-list");
  const item = rows[index].item;
  const above = item.offsetTop - list.offsetTop;
  if (above < list.scrollTop) list.scrollTop = above;
  else if (above + item.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = above + item.offsetHeight - list.clientHeight;
  }
}

function step(places, current, by) {
  const place = places.indexOf(current);
  return places[Math.min(places.length - 1, Math.max(0, place < 0 ? 0 : place + by))];
}

function onKey(event) {
  const isTyping = event.target.closest("input, select, textarea, video");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || open === null) return;
  const key = event.key.toLowerCase();
  const isFree = !event.target.closest("button, a, summary");
  const clips = [...open.cards.keys()];
  if (key === "/") document.getElementById("filter-text").focus();
  else if ((key === "j" || key === "k") && shown.length > 0) openVideo(step(shown, open.index, key === "j" ? 1 : -1));
  else if (key === "arrowright" && clips.length > 0) open.showClip(step(clips, open.current, 1));
  else if (key === "arrowleft" && clips.length > 0) open.showClip(step(clips, open.current, -1));
  else if (key === " " && isFree && open.player) open.player.paused ? open.player.play() : open.player.pause();
  else return;
  event.preventDefault();
}

const posters = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    const index = Number(target.dataset.index);
    const first = framesOf(index)[0];
    if (first) rows[index].poster.src = first.source;
    posters.unobserve(target);
  }
}, { rootMargin: "600px" });

document.getElementById("video-list").append(...rows.map((row) => row.item));
rows.forEach((row) => posters.observe(row.item));
fillSelect("filter-label", run.labels, new Set(run.videos.flatMap((v) => v.clips.flatMap((c) => c.script_labels))));
fillSelect("filter-language", run.languages, new Set(run.videos.map((video) => video.language)));
document.getElementById("filter-window").parentElement.hidden = rows.every((row) => row.outside === 0);
document.getElementById("filter").addEventListener("input", applyFilter);
document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", onKey);
applyFilter();
if (run.videos.length > 0) openVideo(0);
else article.append(make("p", { className: "quiet", textContent: "This run has no narrated video." }));
globalThis.speechSynthesis?.addEventListener("voiceschanged", showSpeakButtons);
