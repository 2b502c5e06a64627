"""Trains what joins vision and language of preset nano on the storefront, and writes the file that ships with it.

Run: python jobs/train_nano.py [draw] [align] [train] [export] [evaluate] [--config jobs/train_nano.yaml]

Without stages: all of them. Each finds what the ones before it left in the work directory, and goes on where it was
stopped.

draw      films made up, drawn where narration looks, seen by the image tower: one file of feature maps a film
align     the Q-Former learns to tell what is seen
train     projector, position embedding and LoRA learn to narrate
export    the trained parts as one file
evaluate  the exported model's stories of unseen films, read with the storefront's truth, and beside them those that it
          tells from another film's pictures and from none
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import torch
import yaml

from narrator_ray.training.nano.align import align
from narrator_ray.training.nano.draw import draw
from narrator_ray.training.nano.judge import evaluate
from narrator_ray.training.nano.narrate import export, train
from narrator_ray.training.nano.settings import NanoSettings


def main() -> None:
    """Run the stages."""
    stages = ("draw", "align", "train", "export", "evaluate")
    parser = argparse.ArgumentParser()
    parser.add_argument("stages", nargs="*", help=" ".join(stages))
    parser.add_argument("--config", type=Path, default=Path(__file__).with_suffix(".yaml"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--split", default="test")
    parser.add_argument("--films", type=int)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    logging.getLogger("narrator_ray.nano").setLevel(logging.INFO)
    torch.set_num_threads(options.threads)
    settings = NanoSettings.model_validate(yaml.safe_load(options.config.read_text(encoding="utf-8")))
    settings.work.mkdir(parents=True, exist_ok=True)
    for stage in options.stages or stages:
        if stage == "evaluate":
            evaluate(settings, options.split, options.films or getattr(settings.films, options.split))
        else:
            {"draw": draw, "align": align, "train": train, "export": export}[stage](settings)


if __name__ == "__main__":
    main()
