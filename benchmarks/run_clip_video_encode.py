"""Times clip-video-encode on some films; run by benchmarks/pipeline.py with the interpreter that has it.

Usage: python run_clip_video_encode.py EVERY_NTH OUT FILM...

It needs Python 3.10 or older and torch below 2, so it cannot live beside narrator-ray:
python3.10 -m venv cve && cve/bin/pip install clip-video-encode.

The model is EfficientNet-Lite0 without trained weights, which costs as much as with them and is the tower of preset
nano; its Q-Former is left out. Making the model is not timed.
"""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace

import open_clip
import timm
from clip_video_encode import clip_video_encode


def main() -> None:
    """Print the seconds as one line of JSON, the last."""
    every_nth, out, *films = sys.argv[1:]
    tower = timm.create_model("efficientnet_lite0", pretrained=False, num_classes=0).eval()
    model = SimpleNamespace(encode_image=tower)
    open_clip.create_model_and_transforms = lambda *_, **__: (model, None, None)
    started = time.perf_counter()
    clip_video_encode(films, out, take_every_nth=int(every_nth), frame_workers=2)
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
