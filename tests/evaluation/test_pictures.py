"""EMScore of stories: as recorded if released, sound if standard; what cannot be decoded is said."""

import numpy as np
import pytest

from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory
from narrator_ray.config import Config
from narrator_ray.evaluation.narrated_clips import NarratedClip, read_narrated_clips
from narrator_ray.evaluation.run import evaluate
from narrator_ray.evaluation.scores import NoScore
from narrator_ray.evaluation.sight import Sight
from narrator_ray.evaluation.stories import join
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.clip_model import ClipModel
from narrator_ray.metrics.emscore import sampled_frames
from narrator_ray.records import Clip, Product, Video
from tests.metrics.golden import GOLDEN, TOLERANCE, frames, needs_golden, recorded
from tests.metrics.tiny_models import save_chinese_clip
from tests.video_files import write_video

METRICS = ("emscore", "emscore_ref")


class RecordedSight(Sight):
    """Sees the recorded vectors instead of videos."""

    def clips(self, story):
        """Of every clip, as the released code sampled them."""
        return [sampled_frames(frames()[clip.key]) for clip in story.clips]


@needs_golden
def test_released_scores_are_those_of_the_released_code():
    """From output.json to the means, padding by neighbours included."""
    videos = import_esyncvidstory(str(GOLDEN / "all_video_data.json"), "films", on_missing="unchecked").videos
    stories = join(read_narrated_clips(str(GOLDEN / "output.json")), videos).stories
    tools = Tools()
    tools.__dict__["sight"] = RecordedSight(ClipModel.load(GOLDEN / "chinese_clip_tiny"), Config())
    found = {(item.metric, item.definition): item for item in evaluate(stories, METRICS, tools)}
    expected = recorded("expected_emscore.json.gz")
    for metric, name in (("emscore", "EMScore(X,V)"), ("emscore_ref", "EMScore(X,V,X*)")):
        released = found[metric, "released"]
        assert sorted(released.items) == sorted(expected["keys"])
        ours = [released.items[key] for key in expected["keys"]]
        np.testing.assert_allclose(ours, expected["per_item"][name]["full_F"], atol=TOLERANCE, rtol=TOLERANCE)
        assert released.value == pytest.approx(expected["means"][name]["full_F"], abs=TOLERANCE)
        standard = found[metric, "standard"]
        assert len(standard.items) == sum(len(story.clips) for story in stories)
        assert standard.value < released.value


@pytest.fixture(scope="module")
def clip_directory(tmp_path_factory):
    """A tiny random network."""
    directory = tmp_path_factory.mktemp("clip")
    save_chinese_clip(directory)
    return directory


def test_frames_are_decoded_from_the_video(tmp_path, clip_directory):
    """The same narration scores alike beside the same pictures; an empty one scores nothing; a broken video is said."""
    write_video(tmp_path / "film.mp4", times_s=[place / 4 for place in range(16)])
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    clips, references = (Clip(0, 2), Clip(2, 4)), ("红色的杯子。", "红色的杯子。")
    videos = [
        Video(name, str(tmp_path / f"{name}.mp4"), Product("杯子"), "zh", clips, narrations=references)
        for name in ("film", "broken")
    ]
    narrated = [
        NarratedClip(name, place, text, None)
        for name in ("film", "broken")
        for place, text in enumerate(("红色的杯", ""))
    ]
    found = evaluate(join(narrated, videos).stories, METRICS, Tools(clip_model=clip_directory))
    of_name = {(item.metric, item.definition): item for item in found}
    standard = of_name["emscore", "standard"]
    assert list(standard.items) == ["film_0", "film_1"]
    assert standard.items["film_1"] == 0 != standard.items["film_0"]
    assert standard.num_left_out == 2
    assert list(standard.details["not_decoded"]) == ["broken"]
    assert list(of_name["emscore_ref", "released"].items) == ["film_0"]


def test_without_a_network_there_is_no_score():
    """It says what to give."""
    video = Video("v", "/v.mp4", Product("杯子"), "zh", (Clip(0, 2),))
    found = evaluate(join([NarratedClip("v", 0, "红色的杯子", None)], [video]).stories, METRICS, Tools())
    assert all(isinstance(item, NoScore) and "--clip-model" in item.reason for item in found)
