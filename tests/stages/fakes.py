"""Stand-ins for what stages are given."""

from narrator_ray.records import Product, Video
from narrator_ray.runs.work import WorkItem


class FakeBoard:
    """A progress board in this process."""

    def __init__(self) -> None:
        self.counts: list[tuple] = []
        self.add = self

    def remote(self, *counts: object) -> None:
        """What a stage calls on an actor's method."""
        self.counts.append(counts)


def work_item(name: str, uri: str = "/v.mp4", adapter: str | None = None, **changes: object) -> WorkItem:
    """An item whose keys are made of its name."""
    key = name.encode().hex().ljust(32, "0")
    video = Video(name, uri, Product(f"{name} mug"), "en", adapter=adapter)
    return WorkItem(
        **{"video": video, "source_version": "1", "features_key": key, "narration_key": key}
        | {"has_features": False, "has_narration": False}
        | changes
    )
