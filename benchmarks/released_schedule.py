"""The schedule of the paper's released code, for benchmarks: one video, one clip, two generations at a time.

Every clip is generated twice, its script label and then its narration, and each time the whole prompt is read again:
instruction, product, every earlier clip's text, this clip's visual tokens. Sampling with a repetition penalty, by
transformers' ``generate``. Lengths are not controlled; here exactly as many tokens are generated as the other side
wrote, so that both do the same work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from narrator_ray.model.narrator import VideoNarrator, as_tensor
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.prompt import CLOSING, prompt_form
from narrator_ray.narration.prompt_tokens import tokenize_prompt

SAMPLING = {"do_sample": True, "temperature": 0.2, "repetition_penalty": 1.1}


@dataclass
class Work:
    """What was done: tokens read as prompts, tokens generated, clips."""

    prompt_tokens: int = 0
    new_tokens: int = 0
    clips: int = 0


class ReleasedSchedule:
    """Narrates one video after the other.

    Args:
        narrator: The model.
    """

    def __init__(self, narrator: VideoNarrator) -> None:
        self._narrator = narrator
        self._form = prompt_form("en", True)
        self.work = Work()

    @torch.inference_mode()
    def narrate(self, job: NarrationJob, texts: Sequence[ClipResult]) -> None:
        """A whole video, generating as many tokens for every clip as its label and text take; these go into prompts."""
        document = self._encode(self._form.head(job.product), is_start=True)
        for index, (context, written) in enumerate(zip(job.contexts, texts, strict=True)):
            document += self._encode(self._form.opening(index, len(job.clips)))
            scene = self._encode(self._form.scene(len(context.tokens_ND)))
            requirement = self._encode(self._form.requirement(job.windows[index]))
            visual = self._narrator.embed_visual(as_tensor(context.tokens_ND), context.position)
            label = self._encode("+".join(" " + label.name_in("en") for label in written.script_labels))
            narration = self._encode(" " + written.text + CLOSING)
            lead = self._encode(self._form.narration_lead(index))
            self._generate([*document, *scene, *requirement], visual, len(label))
            self._generate([*document, *scene, *requirement, *label, *lead], visual, len(narration))
            document += [*requirement, *label, *lead, *narration]
            self.work.clips += 1

    def _generate(self, ids: list[int], visual: torch.Tensor, num_tokens: int) -> None:
        embedded = self._narrator.embed(torch.tensor(ids), [visual])[None]
        self._narrator.llm.generate(
            inputs_embeds=embedded,
            attention_mask=torch.ones(embedded.shape[:2], dtype=torch.long),
            min_new_tokens=num_tokens,
            max_new_tokens=num_tokens,
            pad_token_id=0,
            **SAMPLING,
        )
        self.work.prompt_tokens += len(ids)
        self.work.new_tokens += num_tokens

    def _encode(self, text: str, is_start: bool = False) -> list[int]:
        return tokenize_prompt(self._narrator.tokenizer, text, is_start)
