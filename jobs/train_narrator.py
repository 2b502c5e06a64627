"""Training as a job: ``ray job submit --working-dir . -- python jobs/train_narrator.py --config FILE [--set …]``.

The command ``narrator-ray train`` with the same options, for machines on which only the package is installed. Submit it
again after the driver was lost: the training goes on from its last checkpoint.
"""

from __future__ import annotations

import sys

from narrator_ray.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["train"]
    main()
