"""Two stories about mugs, with references, and what a model made of them."""

import json
from pathlib import Path

import numpy as np

from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory
from narrator_ray.evaluation.narrated_clips import read_narrated_clips
from narrator_ray.evaluation.stories import JudgedStory, join

CATALOG = {
    "red.mp4": {
        "p_name": "红色马克杯",
        "p_info": "功效：保温\n材质：陶瓷",
        "frames": [
            {"time": [0, 3], "label": "外观设计", "new_text": "红色的杯子真好看。"},
            {"time": [3, 5], "label": "产品功效", "new_text": ""},
            {"time": [5, 8], "label": "产品功效", "new_text": "保温两个小时。"},
        ],
    },
    "blue.mp4": {
        "p_name": "蓝色马克杯",
        "p_info": "功效：保温",
        "frames": [
            {"time": [0, 2], "label": "产品推荐", "new_text": "蓝色的杯子。"},
            {"time": [2, 6], "label": "引导购买", "new_text": "现在就买这款杯子。"},
        ],
    },
}
OUTPUT = {
    "red_0": {"gt": "x", "out_label": "外观设计", "0.1": "红色的杯子真好看。"},
    "red_2": {"gt": "x", "out_label": "产品功效+产品试用", "0.1": "红色的杯子能保温。"},
    "blue_0": {"gt": "x", "out_label": "产品推荐", "0.1": "好看。"},
    "blue_1": {"gt": "x", "out_label": "胡说"},
}


class LetterCounts:
    """Vectors of texts: how often each of 64 kinds of characters occurs. Equal texts have equal vectors."""

    def embed(self, texts):
        """float32 [N, 64], of length 1."""
        counts = np.full((len(texts), 64), 1e-3, np.float32)
        for row, text in enumerate(texts):
            np.add.at(counts[row], [ord(character) % 64 for character in text], 1)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def write_output(directory: Path, output: dict | None = None) -> str:
    """An output.json as the released code writes it."""
    file = directory / "output.json"
    file.write_text(json.dumps(output or OUTPUT, ensure_ascii=False), encoding="utf-8")
    return str(file)


def stories(directory: Path, output: dict | None = None) -> tuple[JudgedStory, ...]:
    """What was narrated beside the references."""
    catalog = directory / "all_video_data.json"
    catalog.write_text(json.dumps(CATALOG, ensure_ascii=False), encoding="utf-8")
    videos = import_esyncvidstory(str(catalog), "films", on_missing="unchecked").videos
    return join(read_narrated_clips(write_output(directory, output)), videos).stories
