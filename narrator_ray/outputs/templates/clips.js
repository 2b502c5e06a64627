// What was written for one video: a card for each clip, and the product data with what was used of it.

function makeMeter(clip, unit) {
  const isSpoken = clip.max_spoken_s !== null;
  const [length, low, high] = isSpoken
    ? [clip.spoken_s, clip.min_spoken_s, clip.max_spoken_s].map((seconds) => Number(seconds.toFixed(1)))
    : [clip.num_words, clip.min_words, clip.max_words];
  const top = Math.max(high, length) * 1.12;
  const share = (amount) => `${(100 * amount) / top}%`;
  const range = make("i", { className: "range" });
  range.style.left = share(low);
  range.style.width = share(high - low);
  const mark = make("i", { className: "mark" });
  mark.style.left = share(length);
  const verdict = clip.is_in_window ? "inside" : length < low ? "too short" : "too long";
  const text = `${length} ${isSpoken ? "spoken seconds" : unit}, window ${low}–${high}: ${verdict}`;
  return make(
    "div",
    { className: clip.is_in_window ? "length" : "length out" },
    make("div", { className: "meter", attributes: { "aria-hidden": "true" } }, range, mark),
    make("span", { textContent: text }),
  );
}

function makeText(clip, language) {
  const parts = clip.parts.map(([text, kind]) => {
    if (kind === "text") return text;
    const title = kind === "known" ? "This number is in the product data" : "This number is not in the product data";
    return make("mark", { className: kind, textContent: text, title });
  });
  return make("p", { className: "narration", lang: language, dir: "auto" }, ...parts);
}

function makeFrames(clip, frames, seekTo) {
  if (frames.length === 0) return null;
  const pictures = frames.map((frame) => {
    const state = frame.isKept ? "kept" : "dropped";
    const title = `Frame at ${frame.time.toFixed(1)} s, ${state}`;
    const picture = make("img", { src: frame.source, alt: "" });
    const button = make("button", { type: "button", className: state, title, attributes: { "aria-label": title } });
    button.append(picture, make("span", { textContent: `${frame.time.toFixed(1)} s` }));
    button.addEventListener("click", () => seekTo(frame.time));
    return make("li", {}, button);
  });
  const kept = `${clip.num_kept} of ${count(clip.num_frames, "frame")} kept after compression`;
  return make("div", { className: "frames" }, make("p", { textContent: kept }), make("ul", {}, ...pictures));
}

/** A voice on this machine for that language; voices that would send the text away are never used. */
function localVoice(language) {
  const voices = globalThis.speechSynthesis?.getVoices() ?? [];
  return voices.find((voice) => voice.localService && voice.lang.toLowerCase().startsWith(language));
}

function makeSpeakButton(clip, language) {
  const button = make("button", { type: "button", className: "speak", textContent: "Speak", lang: language });
  button.title = "Read aloud with a voice of this machine";
  button.addEventListener("click", () => {
    const utterance = new SpeechSynthesisUtterance(clip.parts.map(([text]) => text).join(""));
    utterance.voice = localVoice(language);
    utterance.lang = utterance.voice.lang;
    speechSynthesis.cancel();
    speechSynthesis.speak(utterance);
  });
  return button;
}

/** Browsers find their voices late, so the buttons appear when there is a voice. */
function showSpeakButtons() {
  for (const button of document.querySelectorAll(".speak")) button.hidden = !localVoice(button.lang);
}

function makeClipCard(video, place, run, frames, actions) {
  const clip = video.clips[place];
  const play = make("button", {
    type: "button",
    textContent: `${clock(clip.start_s)} – ${clock(clip.end_s)}`,
    title: "Play from here",
    className: "when",
  });
  play.addEventListener("click", () => actions.play(place));
  const chips = clip.script_labels.map((label) => makeChip(label, run.labels));
  const likely = clip.label_probabilities
    .slice(0, 3)
    .map((item) => `${run.labels[item.label]} ${Math.round(100 * item.probability)} %`);
  const generated = ["Chosen by the model", ...(likely.length > 0 ? [likely.join(", ")] : [])].join(": ");
  const chosen = clip.label_source === "generated" ? generated : "Given by the catalogue";
  return make(
    "li",
    { className: "clip", attributes: { "aria-label": `Clip ${place + 1}` } },
    make(
      "header",
      {},
      make("b", { textContent: String(place + 1) }),
      make("span", { className: "chips", title: chosen }, ...chips),
      makeSpeakButton(clip, video.language),
      play,
    ),
    makeText(clip, video.language),
    makeMeter(clip, run.units[video.language]),
    makeFrames(clip, frames, actions.seekTo),
  );
}

function makePoint(item, showClip) {
  const point = make("li", { className: item.used_in.length > 0 ? "used" : "unused" }, isolated(item.point));
  const where = make("span", { className: "where" });
  if (item.used_in.length === 0) where.textContent = "not used";
  for (const place of item.used_in) {
    const label = `Used in clip ${place + 1}`;
    const button = make("button", { type: "button", textContent: String(place + 1), title: label });
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => showClip(place));
    where.append(button);
  }
  point.append(where);
  return point;
}

function makeKnowledge(video, showClip) {
  const groups = new Map();
  for (const item of video.knowledge) groups.set(item.category, [...(groups.get(item.category) ?? []), item]);
  const used = video.knowledge.filter((item) => item.used_in.length > 0).length;
  const section = make("section", { className: "knowledge" }, make("h3", { textContent: "Product data" }));
  const summary = `${used} of ${count(video.knowledge.length, "fact")} found in the narrations, by comparing words.`;
  section.append(make("p", { className: "quiet", textContent: summary }));
  for (const [category, items] of groups) {
    const points = make("ul", {}, ...items.map((item) => makePoint(item, showClip)));
    section.append(make("div", {}, make("h4", {}, isolated(category || "Facts")), points));
  }
  return section;
}
