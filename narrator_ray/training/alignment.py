"""The first stage of training: a Q-Former learns to tell what its frames show, before a language model listens to it.

A narration's loss is too weak a signal for that: of a hundred words one is a colour. Here every attribute of the
storefront has a query of its own, whose token is led to where a linear layer, the projector to be, turns it into the
language model's own embedding of the word: the token that shows a beach reads like " beach". Motion is judged over all
frames of a clip, each of which tells what it can; poses, read from all tokens together, keep the other queries busy.
Frames in different poses are kept apart, those in the same pose together, in the measure of frame compression.

Source: the idea of a stage of its own is BLIP-2's; its targets are ours. Knows films' truths and feature maps, no
prompts.

Shapes: T frames, A attributes, P numbers of a pose, Q queries, D width of a query token, H of a word's embedding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy, smooth_l1_loss

from narrator_ray.config.section import PositiveFloat, Section
from narrator_ray.demo.films import Film
from narrator_ray.demo.motions import BOUNCE_PX, Pose, pose_at
from narrator_ray.demo.splits import colour_names
from narrator_ray.demo.storyboard import FPS, form_names, motion_names, scene_names
from narrator_ray.demo.tables import forms, vocabulary
from narrator_ray.model.qformer import FrameQFormer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from narrator_ray.training.film_maps import FilmMaps

ATTRIBUTES = ("product", "colour", "scene", "motion")
"""In the order of the queries that show them."""
_MOTION = ATTRIBUTES.index("motion")
_POSE_UNITS = (92.0, BOUNCE_PX, 15.0, math.log(1.45))
"""What makes the numbers of a pose about one at most: pixels sideways, pixels up, degrees, zoom."""
_FAR_POSES, _NEAR_POSES = 0.5, 0.2
"""Frames of a clip whose poses differ by more are to be kept apart, by less together."""
_APART, _TOGETHER = 0.84, 0.94
"""Cosines of mean tokens to fall below and to exceed; frames at 0.9 are compressed into one."""


class AlignmentSettings(Section):
    """How a Q-Former is aligned."""

    epochs: Annotated[int, Field(ge=1)] = 6
    """Passes over all clips."""
    learning_rate: PositiveFloat = 1e-3
    """Highest learning rate."""
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of all steps in which the learning rate rises."""
    batch_clips: Annotated[int, Field(ge=1)] = 24
    """Clips of a step."""
    token_scale: PositiveFloat = 0.0625
    """Size of the numbers of a query token. With small ones the projector's weights are large, and the narration stage,
    which has one learning rate for all, changes them little."""
    word_weight: float = 1.0
    """Of the distance between a projected token and its word."""
    pose_weight: float = 1.0
    """Of the error of the poses."""
    spread_weight: float = 4.0
    """Of frames that are nearer to each other, or less near, than their poses ask for."""
    has_half_products: bool = False
    """Whether the Q-Former multiplies in bfloat16 while it learns: faster on CPUs that have it."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of the order and of the first weights."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenFrames:
    """Frames of many films with what is true of each.

    Attributes:
        maps_TCHW: float16 [T, C, H, W], one for every feature layer.
        classes_TA: int64 [T, A], the value of every attribute.
        poses_TP: float32 [T, P].
        clip_T: int64 [T], the clip of each frame, counted through all films, ascending.
    """

    maps_TCHW: tuple[Tensor, ...]
    classes_TA: Tensor
    poses_TP: Tensor
    clip_T: Tensor

    @classmethod
    def of(cls, films: Sequence[Film], maps: Sequence[FilmMaps]) -> SeenFrames:
        """All frames of some films."""
        classes, poses, clips = list[list[int]](), list[list[float]](), list[int]()
        num_clips = 0
        for film, its_maps in zip(films, maps, strict=True):
            for index, time_s in zip(its_maps.clip_index_T.tolist(), its_maps.time_s_T.tolist(), strict=True):
                shot = film.storyboard.shots[index]
                frame = min(int((time_s - film.clips[index].start_s) * FPS), shot.num_frames - 1)
                values = (shot.form, shot.colour, shot.scene, shot.motion)
                classes.append([names.index(value) for names, value in zip(class_names(), values, strict=True)])
                poses.append(_numbers(pose_at(shot, frame)))
                clips.append(num_clips + index)
            num_clips += len(film.clips)
        layers = zip(*(one.maps_TCHW for one in maps), strict=True)
        return cls(
            tuple(torch.cat(layer) for layer in layers), torch.tensor(classes), torch.tensor(poses), torch.tensor(clips)
        )

    @property
    def num_clips(self) -> int:
        """Of all films."""
        return int(self.clip_T[-1]) + 1

    def of_clips(self, clips: Sequence[int]) -> SeenFrames:
        """The frames of some clips, which are counted anew."""
        bounds = torch.searchsorted(self.clip_T, torch.tensor([(clip, clip + 1) for clip in clips])).tolist()
        chosen = torch.cat([torch.arange(begin, end) for begin, end in bounds])
        counted = torch.repeat_interleave(torch.arange(len(clips)), torch.tensor([e - b for b, e in bounds]))
        maps = tuple(layer[chosen] for layer in self.maps_TCHW)
        return SeenFrames(maps, self.classes_TA[chosen], self.poses_TP[chosen], counted)

    def of_whole_clips(self, values_TN: Tensor) -> Tensor:
        """Mean over the frames of each clip, [clips, N]."""
        sums = values_TN.new_zeros(self.num_clips, values_TN.shape[1]).index_add(0, self.clip_T, values_TN)
        return sums / torch.bincount(self.clip_T)[:, None]

    @property
    def classes_of_clips(self) -> Tensor:
        """int64 [clips, A]."""
        firsts = torch.searchsorted(self.clip_T, torch.arange(self.num_clips))
        return self.classes_TA[firsts]


def class_names() -> tuple[tuple[str, ...], ...]:
    """The values of every attribute."""
    return form_names(), colour_names(), scene_names(), motion_names()


def spoken_names() -> tuple[tuple[str, ...], ...]:
    """The plainest word for every value of every attribute."""
    words = vocabulary()
    nouns = tuple(form.nouns[0] for form in forms().values())
    scenes = tuple(words.known_scene[scene][0] for scene in scene_names())
    return nouns, colour_names(), scenes, tuple(words.known_motion[motion][0] for motion in motion_names())


def word_embeddings(tokenizer: PreTrainedTokenizerBase, embedding: nn.Embedding) -> tuple[Tensor, ...]:
    """What a language model's embedding has for every value, [values, H] for every attribute."""

    def embedded(word: str) -> Tensor:
        ids = tokenizer(f" {word}", add_special_tokens=False).input_ids
        mean_H: Tensor = embedding.weight[ids].detach().float().mean(dim=0)
        return mean_H

    return tuple(torch.stack([embedded(word) for word in names]) for names in spoken_names())


class Aligner(nn.Module):
    """A Q-Former with what is read from its tokens.

    Args:
        qformer: It.
        words: Embeddings of the values of every attribute, [values, H] each.
        settings: The recipe.

    Attributes:
        qformer: It, to be trained.
        projector: Query tokens to words.
    """

    def __init__(self, qformer: FrameQFormer, words: Sequence[Tensor], settings: AlignmentSettings) -> None:
        super().__init__()
        num_queries, dim = qformer.query_tokens_QD.shape
        torch.manual_seed(settings.seed)
        self.qformer = qformer
        self.projector = nn.Linear(dim, words[0].shape[1])
        self._heads = nn.ModuleList(nn.Linear(dim, len(values)) for values in words)
        self._pose_head = nn.Linear(num_queries * dim, len(_POSE_UNITS))
        self._words = tuple(words)
        self._scale = float(torch.cat(list(words)).std())
        self._settings = settings
        with torch.no_grad():
            _last_norm(qformer).weight.fill_(settings.token_scale)
            for layer in (self._pose_head, *self._heads):
                layer.weight.mul_(1 / settings.token_scale)
            nn.init.normal_(self.projector.weight, std=self._scale / (settings.token_scale * dim**0.5))
            nn.init.zeros_(self.projector.bias)

    def loss(self, frames: SeenFrames) -> Tensor:
        """What is to become small."""
        settings = self._settings
        with torch.autocast(frames.clip_T.device.type, torch.bfloat16, enabled=settings.has_half_products):
            tokens_TQD = self.tokens(frames.maps_TCHW).float()
        poses_TP = self._pose_head(tokens_TQD.flatten(1))
        loss = settings.pose_weight * smooth_l1_loss(poses_TP, frames.poses_TP, beta=0.1)
        loss = loss + settings.spread_weight * _spread_loss(tokens_TQD, frames)
        for place, scores in enumerate(self._scores(tokens_TQD, frames)):
            classes = frames.classes_of_clips[:, place] if place == _MOTION else frames.classes_TA[:, place]
            words_TH = self._words[place][frames.classes_TA[:, place]]
            distance = (self.projector(tokens_TQD[:, place]) - words_TH).square().mean() / self._scale**2
            loss = loss + cross_entropy(scores, classes) + settings.word_weight * distance
        return loss

    def tokens(self, maps_TCHW: Sequence[Tensor]) -> Tensor:
        """Query tokens [T, Q, D] of stored maps."""
        tokens_TQD: Tensor = self.qformer([layer.float() for layer in maps_TCHW])
        return tokens_TQD

    @torch.inference_mode()
    def accuracies(self, frames: SeenFrames, batch_clips: int = 50) -> dict[str, float]:
        """What can be read off the tokens.

        Returns:
            For every attribute the share of clips for which it is read rightly by a linear layer, and by the word that
            the projected token is nearest to (``X_word``). ``near_frames``: share of adjacent frames that compression
            would take for one.
        """
        right = dict.fromkeys([*ATTRIBUTES, *(f"{name}_word" for name in ATTRIBUTES)], 0)
        num_near, num_pairs = 0, 0
        for begin in range(0, frames.num_clips, batch_clips):
            part = frames.of_clips(range(begin, min(begin + batch_clips, frames.num_clips)))
            tokens_TQD = self.tokens(part.maps_TCHW)
            for place, name in enumerate(ATTRIBUTES):
                classes = part.classes_of_clips[:, place]
                read = part.of_whole_clips(self._heads[place](tokens_TQD[:, place]))
                spoken = part.of_whole_clips(self.projector(tokens_TQD[:, place]))
                nearest = torch.cdist(spoken, self._words[place]).argmin(dim=1)
                right[name] += int((read.argmax(dim=1) == classes).sum())
                right[f"{name}_word"] += int((nearest == classes).sum())
            similarities, _ = _adjacent(tokens_TQD, part)
            num_near, num_pairs = num_near + int((similarities >= 0.9).sum()), num_pairs + len(similarities)
        shares = {name: count / frames.num_clips for name, count in right.items()}
        return shares | {"near_frames": num_near / max(1, num_pairs)}

    def _scores(self, tokens_TQD: Tensor, frames: SeenFrames) -> Iterator[Tensor]:
        """Scores of the values of every attribute: of motion for every clip, of the others for every frame."""
        for place, head in enumerate(self._heads):
            scores_TN = head(tokens_TQD[:, place])
            yield frames.of_whole_clips(scores_TN) if place == _MOTION else scores_TN


class AlignmentLoop:
    """Trains an aligner, epoch by epoch; can be taken up after any of them.

    Args:
        aligner: What is trained.
        frames: To learn from.
        settings: The recipe.

    Attributes:
        epoch: The next one.
    """

    def __init__(self, aligner: Aligner, frames: SeenFrames, settings: AlignmentSettings) -> None:
        self._aligner = aligner
        self._frames = frames
        self._settings = settings
        self._optimizer = torch.optim.AdamW(aligner.parameters(), lr=settings.learning_rate, weight_decay=0.01)
        self._steps_per_epoch = -(-frames.num_clips // settings.batch_clips)
        self.epoch = 0

    def run(self) -> Iterator[float]:
        """The epochs that are left, each with its mean loss when it is done."""
        while self.epoch < self._settings.epochs:
            rng = np.random.default_rng((self._settings.seed, self.epoch))
            batches = np.array_split(rng.permutation(self._frames.num_clips), self._steps_per_epoch)
            first = self.epoch * self._steps_per_epoch
            losses = [self._take_step(first + place, clips.tolist()) for place, clips in enumerate(batches)]
            self.epoch += 1
            yield sum(losses) / len(losses)

    def state(self) -> dict[str, Any]:
        """All that is needed to go on after the last epoch: tensors and numbers, nothing else."""
        return {
            "epoch": self.epoch,
            "aligner": self._aligner.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state` was asked."""
        self._aligner.load_state_dict(state["aligner"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]

    def _take_step(self, step: int, clips: Sequence[int]) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate(step)
        loss = self._aligner.loss(self._frames.of_clips(clips))
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._aligner.parameters(), 1.0)
        self._optimizer.step()
        return loss.item()

    def _learning_rate(self, step: int) -> float:
        """Rises to its peak, then falls along a cosine."""
        num_steps = self._steps_per_epoch * self._settings.epochs
        num_rising = math.ceil(self._settings.warmup_fraction * num_steps)
        if step < num_rising:
            return self._settings.learning_rate * (step + 1) / num_rising
        progress = (step - num_rising) / max(1, num_steps - num_rising)
        return self._settings.learning_rate * (1 + math.cos(math.pi * progress)) / 2


def _numbers(pose: Pose) -> list[float]:
    """A pose in numbers of about one at most."""
    values = (pose.shift_px, pose.lift_px, pose.turn_deg, math.log(pose.zoom))
    return [value / unit for value, unit in zip(values, _POSE_UNITS, strict=True)]


def _spread_loss(tokens_TQD: Tensor, frames: SeenFrames) -> Tensor:
    """How far adjacent frames of a clip are from being as alike as their poses are."""
    similarities, distances = _adjacent(tokens_TQD, frames)
    too_near = (similarities - _APART).clamp(min=0) * (distances > _FAR_POSES)
    too_far = (_TOGETHER - similarities).clamp(min=0) * (distances < _NEAR_POSES)
    return (too_near + too_far).sum() / max(1, len(similarities))


def _adjacent(tokens_TQD: Tensor, frames: SeenFrames) -> tuple[Tensor, Tensor]:
    """Cosine of the mean tokens, and largest difference of the poses, of adjacent frames of the same clip."""
    is_same = frames.clip_T[1:] == frames.clip_T[:-1]
    means_TD = tokens_TQD.mean(dim=1)
    similarities = cosine_similarity(means_TD[1:], means_TD[:-1], dim=1)
    distances = (frames.poses_TP[1:] - frames.poses_TP[:-1]).abs().amax(dim=1)
    return similarities[is_same], distances[is_same]


def _last_norm(qformer: FrameQFormer) -> nn.LayerNorm:
    """The norm that gives query tokens their size."""
    layer: Any = qformer.qformer.encoder.layer[-1]
    norm: nn.LayerNorm = layer.output_query.LayerNorm
    return norm
