// A card for every clip: its label, its narration that can be edited, and how long that is beside how long it may be.

import { lengths } from "./api.js";
import { clock, fillOf, make } from "./elements.js";
import { localVoice, speak } from "./player.js";
import { say } from "./texts.js";

const MEASURE_AFTER_MS = 250;

export class Card {
  constructor(story, place, actions) {
    this.story = story;
    this.place = place;
    this.actions = actions;
    const number = place + 1;
    const clip = this.clip;
    this.chips = make("span", { className: "chips" });
    this.when = make("button", {
      type: "button",
      className: "when",
      textContent: `${clock(clip.start_s)} – ${clock(clip.end_s)}`,
      attributes: { "aria-label": say("playFrom", { place: number }) },
    });
    this.when.addEventListener("click", () => actions.play(place));
    this.speakButton = make("button", {
      type: "button",
      className: "speak",
      textContent: say("speak"),
      hidden: true,
      attributes: { "aria-label": say("speakClip", { place: number }) },
    });
    this.speakButton.addEventListener("click", () => speak(this.clip.text, story.language));
    this.label = make("select", { attributes: { "aria-label": say("labels", { place: number }) } });
    this.rewriteButton = make("button", {
      type: "button",
      textContent: say("rewrite"),
      attributes: { "aria-label": say("rewriteClip", { place: number }) },
    });
    this.rewriteButton.addEventListener("click", () => actions.rewrite(place, this.label.value));
    this.label.addEventListener("change", () => actions.rewrite(place, this.label.value));
    this.rewriting = make("div", { className: "rewriting", hidden: true }, this.label, this.rewriteButton);
    this.text = make("textarea", {
      rows: 2,
      readOnly: true,
      spellcheck: false,
      lang: story.language,
      dir: "auto",
      attributes: { "aria-label": say("text", { place: number }) },
    });
    this.text.addEventListener("input", () => this.edit());
    this.range = make("i", { className: "range" });
    this.spot = make("i", { className: "mark" });
    this.verdict = make("span", { className: "verdict" });
    this.spoken = make("span", { className: "spoken" });
    this.meter = make(
      "div",
      { className: "length", hidden: true },
      make("div", { className: "meter", attributes: { "aria-hidden": "true" } }, this.range, this.spot),
      make("div", {}, this.verdict, " ", this.spoken),
    );
    this.poster = make("img", { className: "poster", alt: "", hidden: true });
    this.node = make(
      "li",
      { className: "clip", attributes: { "aria-label": say("clip", { place: number, start: clock(clip.start_s), end: clock(clip.end_s) }) } },
      this.poster,
      make(
        "div",
        { className: "told" },
        make("header", {}, make("b", { textContent: String(number) }), this.chips, this.speakButton, this.when),
        this.text,
        make("div", { className: "below" }, this.meter, this.rewriting),
      ),
    );
    this.update();
  }

  get clip() {
    return this.story.clips[this.place];
  }

  /** Shows the clip as it is now. */
  update() {
    const clip = this.clip;
    this.node.dataset.state = clip.state;
    this.chips.replaceChildren(...clip.labels.map((label) => this.chip(label)));
    this.chips.title = clip.labels.length === 0 ? "" : say(clip.labelSource === "generated" ? "chosen" : "given");
    if (this.text.value !== clip.text) this.text.value = clip.text;
    this.text.placeholder = clip.state === "done" ? "" : say(clip.state);
    this.text.readOnly = clip.state !== "done";
    this.node.setAttribute("aria-busy", String(clip.state === "writing"));
    this.speakButton.hidden = clip.state !== "done" || !localVoice(this.story.language);
    if (clip.poster && !this.poster.src) {
      this.poster.src = clip.poster;
      this.poster.hidden = false;
    }
    this.rewriting.hidden = clip.state !== "done" || this.story.result === null;
    this.offerLabels();
    this.fit();
    this.measure();
  }

  /** The labels that a clip can be rewritten with; its own is chosen. */
  offerLabels() {
    const own = this.clip.labels.length === 1 ? this.clip.labels[0] : "";
    const options = this.story.labels.map((label) => make("option", { value: label, textContent: this.story.labelName(label) }));
    this.label.replaceChildren(make("option", { value: "", textContent: say("anyLabel") }), ...options);
    this.label.value = own;
  }

  chip(label) {
    const dot = make("i", { attributes: { "aria-hidden": "true" } });
    dot.style.background = fillOf([label]);
    return make("span", { className: "chip" }, dot, this.story.labelName(label));
  }

  /** As high as its text. */
  fit() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
  }

  edit() {
    this.clip.text = this.text.value;
    this.clip.isEdited = true;
    this.fit();
    this.actions.onEdit(this.place);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), MEASURE_AFTER_MS);
  }

  /** The server counts words and spoken time, by the rules that narration follows. */
  async ask() {
    const text = this.clip.text;
    const [length] = await lengths(this.story.language, [text]).catch(() => [null]);
    if (length === null || this.clip.text !== text) return;
    this.clip.numWords = length.num_words;
    this.clip.spokenS = length.spoken_s;
    this.measure();
  }

  measure() {
    const { numWords, minWords, maxWords, spokenS, start_s, end_s, isEdited } = this.clip;
    this.meter.hidden = numWords === undefined;
    if (this.meter.hidden) return;
    const top = Math.max(maxWords, numWords, 1) * 1.15;
    const share = (amount) => `${(100 * amount) / top}%`;
    this.range.style.left = share(minWords);
    this.range.style.width = share(Math.max(maxWords - minWords, top / 50));
    this.spot.style.left = share(numWords);
    const verdict = numWords < minWords ? "short" : numWords > maxWords ? "long" : "inside";
    this.meter.classList.toggle("out", verdict !== "inside");
    const window = say("window", { low: minWords, high: maxWords });
    const parts = [`${say("words", { count: numWords })}, ${window}: ${say(verdict)}`];
    if (isEdited) parts.push(say("edited"));
    this.verdict.textContent = parts.join(" · ");
    const clipS = end_s - start_s;
    this.spoken.textContent = spokenS === undefined ? "" : say("spoken", { seconds: spokenS.toFixed(1), clip: clipS.toFixed(1) });
    this.spoken.classList.toggle("over", spokenS > clipS);
  }
}
