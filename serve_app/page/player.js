// The picture with its captions, the timeline of clips under it, and the voice that speaks along.

import { clock, fillOf, find, make } from "./elements.js";
import { say } from "./texts.js";

const CAPTION_CHARACTERS = { en: 84, zh: 32 };

/** A text in pieces of a length that can be read, cut at spaces or, in Chinese, at punctuation. */
function piecesOf(text, language) {
  const parts = language === "zh" ? text.match(/[^，。！？；、]+[，。！？；、]?/g) ?? [] : text.split(/(?<=\s)/);
  const pieces = [];
  for (const part of parts) {
    const last = pieces.at(-1);
    if (last !== undefined && (last + part).length <= CAPTION_CHARACTERS[language]) pieces[pieces.length - 1] = last + part;
    else pieces.push(part);
  }
  return pieces.map((piece) => piece.trim()).filter(Boolean);
}

/** A voice on this machine for that language; voices that would send the text away are never used. */
export function localVoice(language) {
  const voices = globalThis.speechSynthesis?.getVoices() ?? [];
  return voices.find((voice) => voice.localService && voice.lang.toLowerCase().startsWith(language));
}

export function speak(text, language) {
  const voice = localVoice(language);
  globalThis.speechSynthesis?.cancel();
  if (!voice || !text) return;
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.voice = voice;
  utterance.lang = voice.lang;
  speechSynthesis.speak(utterance);
}

export class Player {
  /** `story` has clips and language; `onClip` is told which clip is shown (-1: none), and whether the film plays. */
  constructor(story, file, onClip) {
    this.story = story;
    this.onClip = onClip;
    this.speaksAlong = false;
    this.place = -1;
    this.blocks = [];
    this.address = URL.createObjectURL(file);
    this.video = make("video", {
      controls: true,
      playsInline: true,
      preload: "metadata",
      src: this.address,
      attributes: { "aria-label": say("play") },
    });
    this.track = this.video.addTextTrack("captions", "", story.language);
    this.track.mode = "showing";
    this.head = make("i", { className: "playhead" });
    find("picture").replaceChildren(this.video);
    find("timeline").replaceChildren(this.head);
    find("timeline").setAttribute("aria-label", say("timeline"));
    this.video.addEventListener("error", () => this.showPosters());
    for (const name of ["timeupdate", "seeked", "ended"]) this.video.addEventListener(name, () => this.follow());
    this.video.addEventListener("play", () => this.step());
    this.video.addEventListener("pause", () => globalThis.speechSynthesis?.cancel());
  }

  close() {
    globalThis.speechSynthesis?.cancel();
    this.isClosed = true;
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.address);
  }

  /** What a browser that does not know the film's coding can show of it. */
  showPosters() {
    if (this.isClosed) return;
    this.hasFilm = false;
    const pictures = this.story.clips.filter((clip) => clip.poster).map((clip) => make("img", { src: clip.poster, alt: "" }));
    find("picture").replaceChildren(
      make("div", { className: "posters" }, ...pictures),
      make("p", { className: "banner", textContent: say("cannotPlay") }),
    );
  }

  /** Draws the clips to scale. */
  draw() {
    const { clips, duration } = this.story;
    const length = Math.max(duration, ...clips.map((clip) => clip.end_s));
    this.length = length;
    this.blocks = clips.map((clip, place) => {
      const block = make("button", { type: "button" }, make("span", { textContent: String(place + 1) }));
      block.style.left = `${(100 * clip.start_s) / length}%`;
      block.style.width = `${(100 * (clip.end_s - clip.start_s)) / length}%`;
      block.addEventListener("click", () => this.seek(place));
      return block;
    });
    find("timeline").replaceChildren(...this.blocks, this.head);
    clips.forEach((_, place) => this.mark(place));
    if (this.hasFilm === false) this.showPosters();
  }

  /** Shows how far a clip is. */
  mark(place) {
    const clip = this.story.clips[place];
    const block = this.blocks[place];
    const names = clip.labels.map(this.story.labelName).join(" + ");
    const title = say("clip", { place: place + 1, start: clock(clip.start_s), end: clock(clip.end_s) });
    block.setAttribute("aria-label", names ? `${title}: ${names}` : title);
    block.title = block.getAttribute("aria-label");
    block.dataset.state = clip.state;
    block.style.background = fillOf(clip.labels);
  }

  /** Puts a clip's text under the film, in pieces that share its time by their length. */
  caption(place) {
    const clip = this.story.clips[place];
    for (const cue of [...this.track.cues]) if (cue.id.startsWith(`${place}.`)) this.track.removeCue(cue);
    const pieces = piecesOf(clip.text, this.story.language);
    const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
    let start = clip.start_s;
    pieces.forEach((piece, number) => {
      const end = start + ((clip.end_s - clip.start_s) * piece.length) / total;
      const cue = new VTTCue(start, end, piece.replaceAll("&", "&amp;").replaceAll("<", "&lt;"));
      cue.id = `${place}.${number}`;
      this.track.addCue(cue);
      start = end;
    });
  }

  seek(place) {
    this.video.currentTime = this.story.clips[place].start_s + 0.001;
    this.show(place);
  }

  play(place) {
    this.seek(place);
    this.video.play().catch(() => {});
  }

  step() {
    if (this.isClosed || this.video.paused) return;
    this.follow();
    requestAnimationFrame(() => this.step());
  }

  follow() {
    const time = this.video.currentTime;
    if (this.length) this.head.style.left = `${(100 * Math.min(time, this.length)) / this.length}%`;
    const place = this.story.clips.findIndex((clip) => time >= clip.start_s && time < clip.end_s);
    if (place !== this.place) this.show(place);
  }

  show(place) {
    const isNew = place !== this.place;
    this.place = place;
    this.blocks.forEach((block, other) => {
      if (other === place) block.setAttribute("aria-current", "true");
      else block.removeAttribute("aria-current");
    });
    if (isNew && this.speaksAlong && place >= 0 && !this.video.paused) {
      speak(this.story.clips[place].text, this.story.language);
    }
    this.onClip(place, !this.video.paused);
  }
}
