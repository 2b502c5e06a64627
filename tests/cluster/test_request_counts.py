"""How many requests of object storage a video takes, as the operator's guide says."""

import re
from collections import Counter
from functools import partial

import pytest
from aiobotocore.httpsession import AIOHTTPSession

from narrator_ray.catalog.source import local_copy, source_version
from narrator_ray.config import DEFAULT_STORAGE, SourceSettings, load_config
from narrator_ray.outputs.store import ResultStore
from narrator_ray.records import Product, Video
from narrator_ray.storage.storage import Storage
from tests.cluster.manifests import CLUSTER
from tests.runs.nights import PRINTS, plan_of, publish, put_result
from tests.runs.test_extraction import put_features

CONFIG = load_config(preset="tiny-random", overrides=["report.max_videos=1"])  # the page reads features of those shown
VERSION = partial(source_version, storage=DEFAULT_STORAGE)


@pytest.fixture
def requests(monkeypatch) -> Counter:
    """Requests that went out, by method."""
    seen: Counter[str] = Counter()
    send = AIOHTTPSession.send

    async def counted(self, request):
        seen[request.method] += 1
        return await send(self, request)

    monkeypatch.setattr(AIOHTTPSession, "send", counted)
    return seen


def a_night(root: str, num_videos: int) -> None:
    """What a new video makes its way through, but for decoding and models: one part of a file, features, result."""
    films = Storage.open(f"{root}/films", DEFAULT_STORAGE)
    videos = [Video(f"v{number}", films.path_of(f"{number}.mp4"), Product("Mug"), "en") for number in range(num_videos)]
    store = ResultStore.open(f"{root}/out")
    plan = plan_of(store, videos, CONFIG, find_version=VERSION)
    for item in plan.to_do:
        with local_copy(item.video.uri, SourceSettings(), DEFAULT_STORAGE) as path:
            assert path.stat().st_size
        put_features(store, item.features_key)
        store.get_features(PRINTS.encoder, item.features_key)
        put_result(store, item)
    publish(store, plan, videos=videos, config=CONFIG)


def requests_of(root: str, num_videos: int, requests: Counter) -> Counter:
    """Requests of a night over files that lie there."""
    films = Storage.open(f"{root}/films", DEFAULT_STORAGE)
    for number in range(num_videos):
        films.write(f"{number}.mp4", b"film %d" % number)
    requests.clear()
    a_night(root, num_videos)
    return Counter(requests)


def test_requests_of_a_video_are_those_of_the_guide(s3_root, requests):
    """The difference between nights of four videos and of two, halved: what is the same for all nights drops out."""
    two, four = requests_of(f"{s3_root}/a", 2, requests), requests_of(f"{s3_root}/b", 4, requests)
    each = {method: (four[method] - two[method]) / 2 for method in four if four[method] != two[method]}
    table = (
        (CLUSTER / "README.md").read_text(encoding="utf-8").split("## Requests of object storage")[1].split("\n## ")[0]
    )
    shown = {method: float(number) for method, number in re.findall(r"^\| (HEAD|GET|PUT) \| ([0-9.]+) \|", table, re.M)}
    assert each == shown
