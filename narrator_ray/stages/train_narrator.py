"""Training on Ray: workers of Ray Train that read stored samples and take every step together.

Ray starts the workers and their group of processes, begins them anew from the last checkpoint when one is lost, and
ends them. What a worker does is the same loop as in one process (``stages.training_worker``). Checkpoints go through
``ray.train.report``: the engine's state from all workers, and from the first one what was trained, the place and the
curves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.fs
import ray
import ray.train
from ray.exceptions import RayError
from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2.api.exceptions import TrainingFailedError

from narrator_ray.config import StorageSettings
from narrator_ray.errors import NarratorError, TrainingFailed
from narrator_ray.stages.beside_driver import beside_driver
from narrator_ray.stages.stage import Machine
from narrator_ray.stages.training_worker import SCORE, TRAINED, UNJUDGED, TrainingJob, work
from narrator_ray.training.board import TrainingBoard, TrainingSnapshot
from narrator_ray.training.folder import CHECKPOINTS, TrainingFolder

_POLL_S = 0.5
LOOK_FOR_ROOM_S = 60.0
"""How often it is looked whether there is room for more workers, where their number may change."""
_LAST_WORD_S = 5.0
_MAX_DETAIL_CHARACTERS = 300


def this_machine() -> Machine:
    """What the cluster offers."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return Machine(resources.get("CPU", 1.0), resources.get("GPU", 0.0))


def fetch_trained(job: TrainingJob, on_progress: Callable[[TrainingSnapshot], None], target: Path) -> None:
    """Train to the end, from where the training stands, and fetch what was trained.

    Args:
        job: What is to be done.
        on_progress: Called about twice a second.
        target: A directory that is empty or not there.

    Raises:
        NarratorError: Training cannot go on; says what to do.
    """
    checkpoint = _fit(job, on_progress)
    with checkpoint.as_directory() as folder:
        _copy_files(Path(folder) / TRAINED, target)


def _fit(job: TrainingJob, on_progress: Callable[[TrainingSnapshot], None]) -> ray.train.Checkpoint:
    board: Any = ray.remote(**beside_driver())(TrainingBoard).remote()
    try:
        result = _fit_told(_trainer(job, board), board, on_progress)
    except Exception as error:
        ours = _reported(board) or _find_ours(error)
        if ours is not None:
            raise ours from error
        if not isinstance(error, TrainingFailedError):
            raise
        raise TrainingFailed(_explanation(job, error)) from error
    if (ours := _reported(board)) is not None:
        raise ours
    chosen: ray.train.Checkpoint | None = result.checkpoint
    scored = [(metrics.get(SCORE, UNJUDGED), one) for one, metrics in result.best_checkpoints or []]
    if job.config.training.keep == "best" and any(score < UNJUDGED for score, _ in scored):
        chosen = min(scored, key=lambda pair: pair[0])[1]
    if chosen is None:
        raise TrainingFailed(f"{job.folder.place()}: training left no checkpoint: run it again")
    return chosen


def _trainer(job: TrainingJob, board: Any) -> TorchTrainer:
    settings, has_gpus = job.config.training, job.device == "cuda"
    scaling: dict[str, Any] = {  # mypy reads the types of Ray Train's first version
        "num_workers": (settings.min_workers, settings.num_workers) if settings.min_workers else settings.num_workers,
        "use_gpu": has_gpus,
        "elastic_resize_monitor_interval_s": LOOK_FOR_ROOM_S,
    }
    is_scored = bool(job.training_set.held_out)
    storage_path, filesystem = _storage(job.folder, job.config.storage)
    return TorchTrainer(
        work,
        train_loop_config={"job": job, "board": board},
        torch_config=TorchConfig(backend="nccl" if has_gpus else "gloo"),
        scaling_config=ScalingConfig(**scaling),
        run_config=RunConfig(
            name=CHECKPOINTS,
            storage_path=storage_path,
            storage_filesystem=filesystem,
            failure_config=FailureConfig(max_failures=settings.max_failures),
            checkpoint_config=CheckpointConfig(
                num_to_keep=settings.keep_checkpoints,
                checkpoint_score_attribute=SCORE if is_scored else None,
                checkpoint_score_order="min",
            ),
        ),
    )


def _storage(folder: TrainingFolder, settings: StorageSettings) -> tuple[str, pyarrow.fs.FileSystem | None]:
    """Where Ray Train keeps its checkpoints, spoken to as everything else here."""
    place = folder.place()
    if not place.startswith("s3://"):
        return place, None
    from narrator_ray.storage.filesystems import filesystem_of

    handler = pyarrow.fs.FSSpecHandler(filesystem_of("s3", settings))
    return place.removeprefix("s3://"), pyarrow.fs.PyFileSystem(handler)


def _fit_told(trainer: TorchTrainer, board: Any, on_progress: Callable[[TrainingSnapshot], None]) -> Any:
    """Fit, and hand on what the board says meanwhile.

    In a thread, because in the main one Ray would take Ctrl-C for itself and end the program as if all were well.
    """
    outcome: list[Any] = []

    def fit() -> None:
        try:
            outcome.append(trainer.fit())
        except BaseException as error:  # noqa: BLE001 - raised below, by the thread that asked
            outcome.append(error)

    fitter = threading.Thread(target=fit, daemon=True)
    fitter.start()
    is_over = False
    while not is_over:
        fitter.join(_POLL_S)
        is_over = not fitter.is_alive()
        with suppress(RayError):
            on_progress(ray.get(board.snapshot.remote(), timeout=_LAST_WORD_S))
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    return result


def _reported(board: Any) -> NarratorError | None:
    """The error that a worker left on the board."""
    with suppress(RayError):
        error: NarratorError | None = ray.get(board.error.remote(), timeout=_LAST_WORD_S)
        return error
    return None


def _find_ours(error: BaseException) -> NarratorError | None:
    """The error of this project that Ray wrapped, if there is one."""
    for failure in getattr(error, "worker_failures", {}).values():
        cause: BaseException | None = failure
        while cause is not None:
            if isinstance(cause, NarratorError) and not isinstance(cause, RayError):
                return cause
            cause = getattr(cause, "_base_exc", None) or getattr(cause, "cause", None) or cause.__cause__
    return None


def _explanation(job: TrainingJob, error: Exception) -> str:
    failures = getattr(error, "worker_failures", {})
    last = [str(failure).strip().splitlines()[-1] for failure in failures.values() if str(failure).strip()]
    what = (last or [str(error)])[0][:_MAX_DETAIL_CHARACTERS]
    times = f" {job.config.training.max_failures + 1} times (training.max_failures), at last" if failures else ""
    return f"{job.folder.place()}: training failed{times} with: {what}. Run it again to go on from the last checkpoint"


def _copy_files(source: Path, target: Path) -> None:
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
