"""Videos whose narrations are known, with random features: what training tests learn from."""

import numpy as np

from narrator_ray.config import LengthSettings, ModelSettings
from narrator_ray.narration.prompt import prompt_form
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.records import Clip, KnowledgePoint, Product, ScriptLabel, Video
from narrator_ray.schema import VideoFeatures
from narrator_ray.training.examples import VideoExample, example_of

QUERIES, DIM = 4, 32
REFERENCE = LengthSettings(policy="reference")
LABELS = tuple(ScriptLabel)
SPOKEN = {
    "en": ("Order the lamp today.", "Soft cotton for every day.", "The music fills the whole room."),
    "zh": ("这款台灯的光线柔和。", "热水放一整天还是温的。", "现在下单第二件半价。"),
}


def make_video(number: int, num_clips: int = 3, language: str = "en", **changes: object) -> Video:
    """A row with a reference and one or two labels for every clip."""
    fields = {
        "video_id": f"video {number}",
        "uri": f"/videos/{number}.mp4",
        "product": Product(f"Mug number {number}", (KnowledgePoint("effect", "keeps tea warm"),) * (number % 3)),
        "language": language,
        "clips": tuple(Clip(2.0 * n, 2.0 * n + 2) for n in range(num_clips)),
        "storyline": tuple(LABELS[n % 12 : n % 12 + 1 + n % 2] for n in range(number, number + num_clips)),
        "narrations": tuple(SPOKEN[language][(number + n) % 3] for n in range(num_clips)),
    }
    return Video(**fields | changes)


def make_features(video: Video, frames_per_clip: int = 2, dim: int = DIM) -> VideoFeatures:
    """Random tokens for every clip of a video, other ones for every video."""
    num_clips = len(video.clips)
    num_frames = num_clips * frames_per_clip
    rng = np.random.default_rng(sum(video.video_id.encode()))
    return VideoFeatures(
        clips=video.clips,
        clip_index_T=np.repeat(np.arange(num_clips, dtype=np.int32), frames_per_clip),
        time_s_T=np.arange(num_frames) * 2.0 / frames_per_clip,
        tokens_TQD=rng.standard_normal((num_frames, QUERIES, dim)).astype(np.float16),
        thumbnails_jpeg=(b"",) * num_frames,
        duration_s=2.0 * num_clips,
        fps=1.0,
        decoder="none",
        encoder_fingerprint="",
        source_version="",
    )


def make_example(
    tokenizer, video: Video, model: ModelSettings | None = None, most: int = 4096, dim: int = DIM
) -> VideoExample:
    """The example of a video, in the default wording of its language."""
    model = model or ModelSettings()
    tokens = StoryTokens.of(tokenizer, prompt_form(video.language, model.use_storyline), video.language)
    return example_of(video, make_features(video, dim=dim), tokens, model, REFERENCE, most)
