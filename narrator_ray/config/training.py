"""The section on how a narrator is trained."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from narrator_ray.config.section import Fraction, PositiveFloat, Section


class TrainingSettings(Section):
    """How a narrator is trained. The defaults are the paper's recipe for `baichuan-7b` on four GPUs.

    Projector and position embedding are trained in full, the language model through LoRA.
    """

    epochs: Annotated[int, Field(ge=1)] = 15
    """Passes over all videos."""
    learning_rate: PositiveFloat = 1e-4
    """Highest learning rate."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls to zero after the warm-up; `constant`: not at all."""
    warmup_fraction: Fraction = 0.03
    """Share of all steps in which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Decoupled weight decay of AdamW."""
    max_gradient_norm: PositiveFloat = 1.0
    """Longer gradients are shortened to this length."""
    lora_rank: Annotated[int, Field(ge=0)] = 64
    """Rank of the LoRA factors; 0 leaves the language model as it is (the paper's ablation a). Where training goes on
    with the adapter that a model has, its rank, alpha and layers stay as they are."""
    lora_alpha: Annotated[int, Field(ge=1)] = 16
    """LoRA updates count alpha / rank."""
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the inputs of LoRA factors that are zeroed while training."""
    lora_targets: tuple[str, ...] = ()
    """Names of the linear layers with LoRA, such as `q_proj`; empty takes every one but the output layer."""
    pack_videos: bool = True
    """Whether all clips of a video share one sequence, which is equal to a sample for each clip and far cheaper."""
    max_tokens: Annotated[int, Field(ge=1)] = 4096
    """Longest document; longer product descriptions are shortened. A packed video may have more tokens."""
    batch_tokens: Annotated[int, Field(ge=1)] = 8192
    """Most tokens that a worker puts through the model at once, padding included: about 28 clips of the paper's data
    when packed."""
    accumulate_batches: Annotated[int, Field(ge=1)] = 1
    """Batches of each worker that make one step: num_workers x accumulate_batches in all."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """What the model computes in; what is trained is kept in float32. `auto`: bf16 where the GPU has it, else fp16 as
    in the paper; fp32 without GPU."""
    gradient_checkpointing: bool = True
    """Whether layers are computed twice, to keep less in memory."""
    zero_stage: Annotated[int, Field(ge=0, le=3)] = 2
    """What DeepSpeed shares out between workers: 1 optimiser state, 2 gradients too, 3 weights too; 0 nothing."""
    offload_optimizer: bool = False
    """Whether DeepSpeed keeps the optimiser state in the memory of the host."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the order, of the LoRA factors, of dropout and of what is held out."""
    catalog: str = ""
    """Catalogue to learn from, where the command names none: a local path or s3://."""
    out: str = ""
    """Where features and trainings lie, where the command does not say: a directory or s3:// prefix."""
    engine: Literal["auto", "deepspeed", "torch"] = "auto"
    """Who takes the steps; both take the same. `auto`: DeepSpeed where it is installed and several workers train, else
    PyTorch alone, which shares nothing out. Neither reads the other's checkpoints."""
    num_workers: Annotated[int, Field(ge=1)] = 1
    """Processes that train together, each on a GPU of its own where there are GPUs. A training may be taken up by other
    numbers of them where each keeps all of the optimiser state (engine `torch`, or zero_stage 0); elsewhere that is
    refused. A step holds as many batches as when training began: fewer workers take more of them each, so that neither
    the videos of a step nor its learning rate depend on who works. Dropout does."""
    min_workers: Annotated[int, Field(ge=0)] = 0
    """Fewest processes with which training begins, and goes on when others are lost. Every minute Ray looks whether
    there is room for more, up to num_workers, and they go on from the last checkpoint. 0: always num_workers, and
    what is lost is waited for. Each worker must keep all of the optimiser state, as for another num_workers. Only for a
    Ray cluster that does nothing else: Ray counts what its nodes have, not what is free, and would wait in vain."""
    checkpoint_every_steps: Annotated[int, Field(ge=1)] = 100
    """Steps from one checkpoint to the next: no more are lost with a worker, a node or the driver, or when workers are
    added."""
    keep_checkpoints: Annotated[int, Field(ge=1)] = 2
    """Checkpoints that are kept besides the newest: the best by validation loss, or the last without validation."""
    max_failures: Annotated[int, Field(ge=0)] = 3
    """How often training goes on from its last checkpoint after a worker or node was lost, before the job fails."""
    validation_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the products whose videos are held out, chosen by seed and product name; 0 holds out none."""
    validate_every_steps: Annotated[int, Field(ge=1)] = 100
    """Steps from one validation to the next; the last step is always followed by one."""
    narrate_held_out: Annotated[int, Field(ge=0)] = 0
    """Held-out videos that are narrated at every validation, to see labels, lengths and, of storefront films, truth.
    None where DeepSpeed shares the weights out (zero_stage 3): no worker has the whole model."""
    keep: Literal["last", "best"] = "last"
    """Which weights the trained model has: those of the last step, or of the checkpoint of least validation loss."""
    track: Literal["none", "mlflow", "wandb"] = "none"
    """Where curves go besides the training's own files; MLflow and W&B must be installed and find their server in the
    environment."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.batch_tokens < self.max_tokens:
            raise ValueError("batch_tokens must be at least max_tokens, or the longest document fits no batch")
        if self.offload_optimizer and self.zero_stage == 0:
            raise ValueError("offload_optimizer needs zero_stage 1 or more")
        if self.min_workers > self.num_workers:
            raise ValueError("min_workers must be at most num_workers")
        return self
