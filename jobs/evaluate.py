"""`narrator-ray evaluate` as a job of a Ray cluster, with its options in a YAML file.

ray job submit --working-dir . -- python jobs/evaluate.py jobs/evaluate.yaml
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from narrator_ray.cli import main

SOURCE = "narrations"


def arguments(options: dict[str, Any]) -> list[str]:
    """The command line that options make; ``set`` holds settings by section and key."""
    settings = options.get("set") or {}
    given = {name: value for name, value in options.items() if name not in (SOURCE, "set")}
    return [
        "evaluate",
        str(options[SOURCE]),
        "--ray",
        *(f"--{name.replace('_', '-')}={_text(value)}" for name, value in given.items()),
        *(f"--set={section}.{key}={value}" for section, keys in settings.items() for key, value in keys.items()),
    ]


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python jobs/evaluate.py OPTIONS.yaml")
    sys.argv = ["narrator-ray", *arguments(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")))]
    main()
