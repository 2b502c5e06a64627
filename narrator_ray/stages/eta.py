"""How long a run still takes: the clips that are left, at the rate of the last stage.

Clips are counted rather than videos, because videos told side by side end together, long after they began. Clips of the
videos that the last stage has or awaits are known; the other videos are taken to have as many, and to be rejected as
often, as those seen so far.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from narrator_ray.stages.progress import ProgressSnapshot

WINDOW_S = 120.0
"""The rate is that of the last two minutes, so that it follows what nodes come and go."""


class Eta:
    """Seconds to the end of a run.

    Args:
        num_videos: Videos to do.
        stages: Names of all steps, in order.
    """

    def __init__(self, num_videos: int, stages: Sequence[str]) -> None:
        self._num_videos = num_videos
        self._awaited, self._last = stages[-2:]
        self._seen: deque[tuple[float, int]] = deque()
        self.remaining_s: float | None = None

    def update(self, snapshot: ProgressSnapshot, now_s: float) -> None:
        """Take newer counts.

        Args:
            snapshot: The counts.
            now_s: When they were taken, on any clock.
        """
        if not snapshot.clips:
            return
        self._seen.append((now_s, snapshot.clips))
        while now_s - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()
        (since_s, clips_then), left = self._seen[0], clips_left(snapshot, self._num_videos, self._awaited, self._last)
        num_told = snapshot.clips - clips_then
        self.remaining_s = left * (now_s - since_s) / num_told if num_told and left is not None else None


def clips_left(snapshot: ProgressSnapshot, num_videos: int, awaited: str, last: str) -> float | None:
    """Clips still to be narrated, as far as can be known.

    Args:
        snapshot: The counts.
        num_videos: Videos to do.
        awaited: Name of the step before the last, which counts the clips of every video that reaches the last.
        last: Name of the last step.

    Returns:
        None while no video has come so far.
    """
    rejected_last = snapshot.rejected_by_stage.get(last, 0)
    rejected_before = snapshot.rejected - rejected_last
    num_awaited = snapshot.videos.get(awaited, 0) - snapshot.rejected_by_stage.get(awaited, 0)
    if not num_awaited:
        return None
    num_clips = snapshot.clips_by_stage.get(awaited, 0)
    clips_per_awaited = num_clips / num_awaited
    clips_per_seen = num_clips / (num_awaited + rejected_before)
    num_unseen = max(0, num_videos - num_awaited - rejected_before)
    known = max(0.0, num_clips - snapshot.clips - rejected_last * clips_per_awaited)
    return known + num_unseen * clips_per_seen
