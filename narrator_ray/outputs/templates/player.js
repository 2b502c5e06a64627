// One video: the picture with its captions, and the timeline of clips under it.

let objectUrl = null;

/** Stops a player that is about to leave the page and frees its file; an address may only be revoked once unused. */
function releasePlayer(player) {
  player?.pause();
  player?.removeAttribute("src");
  player?.load();
  if (objectUrl !== null) URL.revokeObjectURL(objectUrl);
  objectUrl = null;
}

function mediaSource(video, index) {
  if (video.media?.kind === "local") return video.media.uri;
  if (video.media?.kind !== "embedded") return null;
  objectUrl = URL.createObjectURL(new Blob([bytesOf(readData(`media-${index}`))], { type: video.media.mime }));
  return objectUrl;
}

function addCaptions(player, video) {
  const track = player.addTextTrack("captions", "Narration", video.language);
  for (const [start, end, text] of video.cues) track.addCue(new VTTCue(start, end, text));
  track.mode = "showing";
}

function makeStill(video, index) {
  const first = framesOf(index)[0];
  const still = make("div", { className: "still" });
  if (first) still.append(make("img", { src: first.source, alt: "First sampled frame" }));
  const media = video.media;
  const message = make("p", { textContent: media ? "The video is not part of this page: " : "" });
  if (media?.kind === "remote") {
    message.append(make("a", { href: media.uri, target: "_blank", rel: "noreferrer noopener" }, isolated(media.uri)));
  } else if (media) {
    message.append(isolated(media.uri));
  }
  still.append(message);
  return still;
}

function makePlayer(video, index) {
  const source = mediaSource(video, index);
  if (source === null) return { picture: makeStill(video, index), player: null };
  const player = make("video", {
    controls: true,
    preload: "metadata",
    playsInline: true,
    src: source,
    attributes: { "aria-label": `Video of ${video.name} with its narration as captions` },
  });
  const first = framesOf(index)[0];
  if (first) player.poster = first.source;
  addCaptions(player, video);
  const picture = make("div", { className: "picture" }, player);
  player.addEventListener("error", () => {
    if (!player.hasAttribute("src")) return;
    const where = video.media.kind === "local" ? `It should lie at ${video.media.uri}` : "Its coding may be unknown here";
    picture.replaceChildren(
      makeStill({ ...video, media: null }, index),
      make("p", { className: "banner", textContent: `This browser cannot play the video. ${where}.` }),
    );
  });
  return { picture, player };
}

/** The clips to scale, one button each; `seek` gets the place of the clip that was chosen. */
function makeTimeline(video, labels, seek) {
  const bar = make("div", { className: "timeline", attributes: { role: "group", "aria-label": "Timeline of clips" } });
  const length = Math.max(video.duration_s, ...video.clips.map((clip) => clip.end_s));
  const blocks = video.clips.map((clip, place) => {
    const names = clip.script_labels.map((label) => labels[label]).join(" + ");
    const title = `Clip ${place + 1}, ${clock(clip.start_s)} to ${clock(clip.end_s)}: ${names}`;
    const block = make("button", { type: "button", title, attributes: { "aria-label": title } });
    block.append(make("span", { textContent: String(place + 1) }));
    block.style.left = `${(100 * clip.start_s) / length}%`;
    block.style.width = `${(100 * (clip.end_s - clip.start_s)) / length}%`;
    block.style.background = labelFill(clip.script_labels);
    block.addEventListener("click", () => seek(place));
    return block;
  });
  const head = make("i", { className: "playhead" });
  bar.append(...blocks, head);
  return { bar, blocks, moveTo: (time) => (head.style.left = `${(100 * Math.min(time, length)) / length}%`) };
}

function makeLegend(video, labels) {
  const used = [...new Set(video.clips.flatMap((clip) => clip.script_labels))];
  return make("ul", { className: "legend" }, ...used.map((label) => make("li", {}, makeChip(label, labels))));
}

function makeChip(label, labels) {
  const dot = make("i", { attributes: { "aria-hidden": "true" } });
  dot.style.background = labelColour(label);
  return make("span", { className: "chip" }, dot, labels[label]);
}

/** Calls back whenever the shown time changes: on every frame while playing, and after a jump. */
function followTime(player, onTime) {
  let isRunning = false;
  const step = () => {
    if (!player.isConnected || player.paused) {
      isRunning = false;
      return;
    }
    onTime(player.currentTime);
    requestAnimationFrame(step);
  };
  player.addEventListener("play", () => {
    if (isRunning) return;
    isRunning = true;
    requestAnimationFrame(step);
  });
  for (const name of ["seeked", "timeupdate", "ended"]) {
    player.addEventListener(name, () => onTime(player.currentTime));
  }
}
