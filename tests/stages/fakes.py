"""Stand-ins for what stages are given."""

from types import SimpleNamespace

from narrator_ray.records import Product, Video
from narrator_ray.runs.work import WorkItem
from narrator_ray.stages.metrics import Metric
from narrator_ray.stages.progress import ProgressBoard


class FakeSink:
    """Adds up the values of metrics, by name and tags."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, ...], float] = {}

    def record(self, metric: Metric, value: float, **tags: str) -> None:
        """A gauge keeps the last value, a counter their sum, a histogram how many there were."""
        key = (metric.name, *(tags[name] for name in metric.tag_keys))
        before = 0 if metric.kind == "gauge" else self.values.get(key, 0)
        self.values[key] = before + (1 if metric.kind == "histogram" else value)


class FakeBoard:
    """A progress board in this process."""

    def __init__(self) -> None:
        self.sink = FakeSink()
        self.board = ProgressBoard(self.sink)

    def __getattr__(self, name: str) -> SimpleNamespace:
        """A method as an actor has it."""
        return SimpleNamespace(remote=getattr(self.board, name))


def work_item(name: str, uri: str = "/v.mp4", adapter: str | None = None, **changes: object) -> WorkItem:
    """An item whose keys are made of its name."""
    key = name.encode().hex().ljust(32, "0")
    video = Video(name, uri, Product(f"{name} mug"), "en", adapter=adapter)
    return WorkItem(
        **{"video": video, "source_version": "1", "features_key": key, "narration_key": key}
        | {"has_features": False, "has_narration": False}
        | changes
    )
