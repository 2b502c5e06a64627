"""Relative clip position: where in the video a clip lies, as one of a hundred places.

Source: paper, section 4 (clip position); released code, ``get_time_loc`` of get_cut_data.py and lora_video_infer.py.
"""

from __future__ import annotations

from collections.abc import Sequence

NUM_POSITIONS = 100


def relative_position(durations_s: Sequence[float], index: int) -> int:
    """Place of a clip in its video, 0 to 99.

    The middle of the clip in hundredths of all clips' total, gaps between clips ignored; the first clip is at 0 and the
    last at 99, a single clip at 99.

    Args:
        durations_s: Length of every clip in seconds, in order, above zero.
        index: 0-based place of the clip.
    """
    if index == len(durations_s) - 1:
        return NUM_POSITIONS - 1
    if index == 0:
        return 0
    middle_s = sum(durations_s[:index]) + durations_s[index] / 2
    return int(NUM_POSITIONS * middle_s / sum(durations_s))
