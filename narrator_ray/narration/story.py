"""The story of one video, written from its first clip to its last, as a conversation with a language model.

A generator that asks for tokens to be read and is answered with the scores of the next one. It does not know that other
stories are read beside it, which is what lets an engine read many at once.

What is read is kept: the prompt of a clip continues the one before. When a clip is done, the document is cut back to
just before its visual tokens and its text is read again without them, together with the next clip's opening.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from narrator_ray import records
from narrator_ray.errors import GenerationFailed, PromptTooLong, RejectReason
from narrator_ray.model.narrator import VideoNarrator, as_tensor
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.length import count_words
from narrator_ray.narration.prompt import CLOSING, PromptForm, clean
from narrator_ray.narration.prompt_tokens import fit_product, tokenize_prompt
from narrator_ray.narration.repetition import ToldPhrases
from narrator_ray.narration.sampling import Sampler
from narrator_ray.narration.storyline import MOST_LABELS, LabelVocabulary, LabelWriter
from narrator_ray.narration.token_automaton import TokenAutomaton
from narrator_ray.narration.writer import NarrationWriter
from narrator_ray.records import LabelSource, Product, ScriptLabel

FloatArray = npt.NDArray[np.float32]

_TOKENS_PER_WORD: dict[records.Language, int] = {"en": 3, "zh": 2}
"""More than narrations take in any of the tokenizers; what is reserved for them is not used for product knowledge."""
_SCENE_TEXT_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Read:
    """A request to read tokens.

    Attributes:
        ids: [T] token ids, with placeholders where visual tokens stand.
        visual: [N, H] embeddings for the placeholders, if any.
        keep: Length to which the document is cut back before; None keeps it all.
    """

    ids: tuple[int, ...]
    visual: Tensor | None = None
    keep: int | None = None


@dataclass(frozen=True, slots=True)
class Language:
    """What writing in one language needs, shared by all stories.

    Attributes:
        form: Wording of the prompt.
        automaton: What may be spoken.
        labels: How labels are written.
        headings: Ways to write the first word of a clip's heading ("Clip"), which a model may echo.
    """

    form: PromptForm
    automaton: TokenAutomaton
    labels: LabelVocabulary
    headings: tuple[tuple[int, ...], ...]


Asking = Generator[Read | ClipResult, FloatArray, None]


class Story:
    """One video's narrations in the making.

    Args:
        job: What to narrate.
        narrator: Whose tokenizer and projector; it is not asked for scores here.
        language: What the job's language needs.
        sampler: The video's own choices.
    """

    def __init__(self, job: NarrationJob, narrator: VideoNarrator, language: Language, sampler: Sampler) -> None:
        self._job = job
        self._narrator = narrator
        self._language = language
        self._sampler = sampler
        self._stop_ids = language.automaton.vocabulary.stop_ids
        self._told: set[int] = set()
        self._phrases = ToldPhrases(sampler.no_repeat_tokens, self._facts(), language.headings)
        self._length = 0
        self._notes: list[str] = []

    def write(self) -> Asking:
        """All clips in order: asks for tokens to be read, is sent scores [V], gives each clip's result.

        Raises:
            ItemError: This video cannot be narrated.
        """
        form, num_clips = self._language.form, len(self._job.clips)
        unread = self._encode(form.head(self._fitting_product()), is_start=True)
        keep: int | None = None
        for index in range(num_clips):
            unread += self._encode(form.opening(index, num_clips))
            kept_text = len(unread) + (self._length if keep is None else keep)
            logits_V = yield self._read_scene(index, unread, keep)
            labels, source, label_ids = yield from self._choose_labels(index, logits_V)
            lead = self._encode(form.narration_lead(index))
            if source == "predefined":
                lead = [*label_ids, *lead]
            logits_V = yield self._read(lead)
            writer = yield from self._write_narration(index, logits_V)
            self._told.update(writer.ids)
            self._phrases.tell(writer.ids)
            yield self._result(index, labels, source, writer)
            requirement = self._encode(form.requirement(self._job.windows[index]))
            narration = [*writer.ids, *self._encode(CLOSING)]
            unread = [*requirement, *label_ids, *self._encode(form.narration_lead(index)), *narration]
            keep = kept_text

    def _read_scene(self, index: int, unread: list[int], keep: int | None) -> Read:
        """What was left unread, the clip's visual tokens, and its requirement."""
        context, form = self._job.contexts[index], self._language.form
        scene = self._encode(form.scene(len(context.tokens_ND)))
        requirement = self._encode(form.requirement(self._job.windows[index]))
        visual = self._narrator.embed_visual(as_tensor(context.tokens_ND), context.position)
        return self._read([*unread, *scene, *requirement], visual, keep)

    def _choose_labels(
        self, index: int, logits_V: FloatArray
    ) -> Generator[Read, FloatArray, tuple[tuple[ScriptLabel, ...], LabelSource, list[int]]]:
        """The labels given for the clip, or those the model writes; and their tokens."""
        given = None if self._job.storyline is None else self._job.storyline[index]
        vocabulary = self._language.labels
        if given is not None:
            return given, "predefined", vocabulary.encode(given) if self._language.form.has_labels else []
        if not self._language.form.has_labels:
            return (), "generated", []
        writer = LabelWriter(vocabulary, self._stop_ids)
        written: list[int] = []
        while (token := writer.next_token(self._sound(logits_V))) is not None:
            written.append(token)
            logits_V = yield self._read([token])
        return writer.labels, "generated", written

    def _write_narration(self, index: int, logits_V: FloatArray) -> Generator[Read, FloatArray, NarrationWriter]:
        writer = NarrationWriter(self._language.automaton, self._job.windows[index], self._sampler.choose)
        start, read = self._length, writer.ids
        while True:
            sound_V = self._sound(logits_V)
            unwanted = self._phrases.unwanted(writer.ids)
            writer.step(sound_V, self._sampler.penalised(sound_V, self._told | set(writer.ids), unwanted))
            if writer.is_complete:
                return writer
            same = _num_equal(read, writer.ids)
            keep = None if same == len(read) else start + same
            read = writer.ids
            logits_V = yield self._read(list(read[same:]), keep=keep)

    def _result(
        self, index: int, labels: tuple[ScriptLabel, ...], source: LabelSource, writer: NarrationWriter
    ) -> ClipResult:
        num_words = count_words(writer.text, self._job.language)
        notes = tuple(self._notes) if index == 0 else ()
        return ClipResult(self._job.job_id, index, labels, source, writer.text, num_words, notes)

    def _read(self, ids: list[int], visual: Tensor | None = None, keep: int | None = None) -> Read:
        self._length = (self._length if keep is None else keep) + len(ids)
        if self._length > self._narrator.context_length:
            raise PromptTooLong(
                RejectReason.PROMPT_TOO_LONG,
                f"the prompt has {self._length} tokens and the model reads {self._narrator.context_length}: "
                "shorten the product's knowledge or the video",
            )
        return Read(tuple(ids), visual, keep)

    def _sound(self, logits_V: FloatArray) -> FloatArray:
        if not np.isfinite(logits_V).all():
            raise GenerationFailed(RejectReason.GENERATION_FAILED, "the model's scores are not finite numbers")
        return logits_V

    def _fitting_product(self) -> Product:
        """The product with as many knowledge points as the model's context holds beside the clips."""
        budget = self._narrator.context_length - self._tokens_of_clips()
        product, num_dropped = fit_product(self._job.product, budget, self._head_tokens)
        if num_dropped:
            self._notes.append(f"{num_dropped} knowledge points were left out: the prompt would not fit the model")
        return product

    def _head_tokens(self, product: Product) -> int:
        return len(self._encode(self._language.form.head(product), is_start=True))

    def _tokens_of_clips(self) -> int:
        """An upper bound of what all clips take after the head: their texts, and the largest scene."""
        form, job = self._language.form, self._job
        labels = MOST_LABELS * max(map(len, self._language.labels.spelled.values()))
        pieces = (
            form.opening(index, len(job.clips)) + form.requirement(window) + form.narration_lead(index) + CLOSING
            for index, window in enumerate(job.windows)
        )
        texts = sum(len(self._encode(piece)) + labels for piece in pieces)
        spoken = sum(high * _TOKENS_PER_WORD[job.language] for _, high in job.windows)
        return texts + spoken + max(len(context.tokens_ND) for context in job.contexts) + _SCENE_TEXT_TOKENS

    def _facts(self) -> list[int]:
        """Tokens of all that is known of the product, each fact as it would stand in a sentence."""
        product, space = self._job.product, self._language.form.word_space
        facts = [product.name, *(item.point for item in product.knowledge)]
        return [token for fact in facts for token in self._encode(space + clean(fact))]

    def _encode(self, text: str, is_start: bool = False) -> list[int]:
        return tokenize_prompt(self._narrator.tokenizer, text, is_start)


def _num_equal(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the beginning that two sequences share."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
