"""A video's document in tokens, piece by piece: what narration reads and what training teaches are the same pieces.

Knows no model and no decoding; a tokenizer is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from narrator_ray import records
from narrator_ray.narration.prompt import CLOSING, PromptForm, clean
from narrator_ray.narration.prompt_tokens import fit_product, tokenize_prompt
from narrator_ray.narration.storyline import MOST_LABELS, LabelVocabulary
from narrator_ray.records import Product

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TOKENS_PER_WORD: dict[records.Language, int] = {"en": 3, "zh": 2}
"""More than narrations take in any of the tokenizers; what is reserved for them is not used for product knowledge."""
_SCENE_TEXT_TOKENS = 16


@dataclass(frozen=True, slots=True)
class StoryTokens:
    """The pieces of documents of one wording and language (see ``narration.prompt``).

    Attributes:
        tokenizer: The model's.
        form: Wording of the prompt.
        labels: How script labels are written.
        language: What is written in.
    """

    tokenizer: PreTrainedTokenizerBase
    form: PromptForm
    labels: LabelVocabulary
    language: records.Language

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, form: PromptForm, language: records.Language) -> Self:
        """The pieces of a wording."""

        def encode(text: str) -> list[int]:
            return tokenize_prompt(tokenizer, text, is_start=False)

        return cls(tokenizer, form, LabelVocabulary.of(encode, language, form.word_space), language)

    def encode(self, text: str) -> list[int]:
        """Any text inside a document."""
        return tokenize_prompt(self.tokenizer, text, is_start=False)

    def head(self, product: Product) -> list[int]:
        """The beginning of a document, up to the first clip."""
        return tokenize_prompt(self.tokenizer, self.form.head(product))

    def opening(self, index: int, num_clips: int) -> list[int]:
        """First line of a clip."""
        return self.encode(self.form.opening(index, num_clips))

    def scene(self, num_tokens: int) -> list[int]:
        """The line with the placeholders of visual tokens."""
        return self.encode(self.form.scene(num_tokens))

    def wish(self, text: str) -> list[int]:
        """The line with what is wanted of a clip, if anything is."""
        return self.encode(self.form.wish(text))

    def requirement(self, window: tuple[int, int]) -> list[int]:
        """The length window, and the lead of the script label."""
        return self.encode(self.form.requirement(window))

    def lead(self, index: int) -> list[int]:
        """What stands between label and narration."""
        return self.encode(self.form.narration_lead(index))

    def before_number(self) -> list[int]:
        """What stands before the narration's number on its line, where the wording has something there."""
        return self.encode(self.form.narration_number.partition("{place}")[0].rstrip())

    def spoken(self, text: str) -> list[int]:
        """A narration, or words as they would stand in one."""
        return self.encode(self.form.word_space + clean(text))

    @property
    def closing(self) -> list[int]:
        """What follows a narration."""
        return self.encode(CLOSING)

    def fitting_product(
        self, product: Product, windows: Sequence[tuple[int, int]], num_scene_tokens: int, context_length: int
    ) -> tuple[Product, int]:
        """The product with as many knowledge points as a context holds beside the clips, and how many were dropped.

        Args:
            product: The product.
            windows: Length window of every clip.
            num_scene_tokens: Visual tokens of the clip that has most, and tokens of a wish beside them.
            context_length: Most tokens of a document.
        """
        budget = context_length - self._tokens_of_clips(windows) - num_scene_tokens - _SCENE_TEXT_TOKENS
        return fit_product(product, budget, lambda candidate: len(self.head(candidate)))

    def _tokens_of_clips(self, windows: Sequence[tuple[int, int]]) -> int:
        """An upper bound of what the texts of all clips take after the head."""
        labels = MOST_LABELS * max(map(len, self.labels.spelled.values()))
        texts = sum(
            len(self.encode(self.form.opening(index, len(windows)) + self.form.requirement(window)))
            + len(self.encode(self.form.narration_lead(index) + CLOSING))
            + labels
            for index, window in enumerate(windows)
        )
        return texts + sum(high * _TOKENS_PER_WORD[self.language] for _, high in windows)
