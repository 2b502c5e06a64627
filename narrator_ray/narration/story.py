"""The story of one video, written from its first clip to its last, as a conversation with a language model.

A generator that asks for tokens to be read and is answered with the scores of the next one. It does not know that other
stories are read beside it, which is what lets an engine read many at once.

What is read is kept: the prompt of a clip continues the one before. When a clip is done, the document is cut back to
just before its visual tokens and its text is read again without them, together with the next clip's opening.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from narrator_ray.errors import GenerationFailed, PromptTooLong, RejectReason
from narrator_ray.model.narrator import VideoNarrator, as_tensor
from narrator_ray.narration.closing_numbers import closing_numbers
from narrator_ray.narration.job import ClipLabels, ClipResult, NarrationJob, ToldClip
from narrator_ray.narration.length import count_words
from narrator_ray.narration.openings import Openings
from narrator_ray.narration.read_request import Read, num_equal
from narrator_ray.narration.repetition import ToldPhrases
from narrator_ray.narration.sampling import Sampler
from narrator_ray.narration.spoken_text import spoken_ticks
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.narration.storyline import MOST_LABELS, LabelChoice, prefers_another
from narrator_ray.narration.token_automaton import TokenAutomaton
from narrator_ray.narration.writer import NarrationWriter
from narrator_ray.records import LabelSource, Product, ScriptLabel

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Language:
    """What writing in one language needs, shared by all stories.

    Attributes:
        tokens: The document's pieces.
        automaton: What may be spoken, by its length in words or characters.
        speech: The same by its spoken time; computed when it is first wanted.
        headings: Ways to write the first word of a clip's heading ("Clip"), which a model may echo.
    """

    tokens: StoryTokens
    automaton: TokenAutomaton
    speech: Callable[[], TokenAutomaton]
    headings: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The labels of one clip, and how they are written.

    Attributes:
        labels: The set.
        source: Given, or chosen by the model.
        ids: Token ids.
        probabilities: Of each label to be the first, where the model chose.
    """

    labels: tuple[ScriptLabel, ...]
    source: LabelSource
    ids: list[int]
    probabilities: tuple[tuple[ScriptLabel, float], ...] = ()


Asking = Generator[Read | ClipResult, FloatArray, None]


class Story:
    """One video's narrations in the making.

    Args:
        job: What to narrate.
        narrator: Whose tokenizer and projector; it is not asked for scores here.
        language: What the job's language needs.
        sampler: The video's own choices.
        on_labels: Called with the labels of each clip before its narration is written.
    """

    def __init__(
        self,
        job: NarrationJob,
        narrator: VideoNarrator,
        language: Language,
        sampler: Sampler,
        on_labels: Callable[[ClipLabels], None] = lambda labels: None,
    ) -> None:
        self._job = job
        self._narrator = narrator
        self._language = language
        self._tokens = language.tokens
        self._sampler = sampler
        self._on_labels = on_labels
        self._stop_ids = language.automaton.vocabulary.stop_ids
        self._told: set[int] = set()
        self._name = set(self._tokens.spoken(job.product.name))
        automaton, inside_words = language.automaton, language.automaton.inside_words
        self._openings = Openings(automaton.vocabulary.tokens, automaton.language, inside_words)
        self._phrases = ToldPhrases(sampler.no_repeat_tokens, self._facts(), language.headings, inside_words)
        self._closing_numbers = closing_numbers(self._known_texts())
        self._length = 0
        self._notes: list[str] = []

    def write(self) -> Asking:
        """All clips in order: asks for tokens to be read, is sent scores [K, V], gives each clip's result.

        Raises:
            ItemError: This video cannot be narrated.
        """
        self._check_adapter()
        tokens, num_clips = self._tokens, len(self._job.clips)
        unread = tokens.head(self._fitting_product())
        keep: int | None = None
        self._remember_told()
        for index in range(num_clips):
            unread += tokens.opening(index, num_clips)
            if (told := self._job.told_of(index)) is not None:
                unread += self._told_text(index, told)
                continue
            kept_text = len(unread) + (self._length if keep is None else keep)
            plan, logits_V = yield from self._begin_clip(index, unread, keep)
            self._on_labels(ClipLabels(self._job.job_id, index, plan.labels, plan.source))
            writer = yield from self._write_narration(index, logits_V)
            self._remember(writer.ids)
            yield self._result(index, plan, writer)
            unread = self._text(index, plan.ids, writer.ids)
            keep = kept_text

    def _text(self, index: int, label_ids: Sequence[int], ids: Sequence[int]) -> list[int]:
        """What stands of a narrated clip after its first line."""
        requirement = self._tokens.requirement(self._job.windows[index])
        return [*requirement, *label_ids, *self._tokens.lead(index), *ids, *self._tokens.closing]

    def _told_text(self, index: int, told: ToldClip) -> list[int]:
        """The same of a clip that was narrated before."""
        labels = self._tokens.labels.encode(told.script_labels) if self._tokens.form.has_labels else []
        return self._text(index, labels, self._tokens.spoken(told.text))

    def _remember_told(self) -> None:
        """Nothing is said again of what stands, before or after the clips to narrate."""
        for text in (*(told.text for told in self._job.told or () if told is not None), *self._job.unwanted):
            self._remember(self._tokens.spoken(text))

    def _remember(self, ids: Sequence[int]) -> None:
        self._told.update(ids)
        self._openings.tell(ids)
        self._phrases.tell(ids)

    def _check_adapter(self) -> None:
        known = self._narrator.adapters.names
        if self._job.adapter is not None and self._job.adapter not in known:
            loaded = ", ".join(sorted(known)) or "none"
            detail = f"no adapter {self._job.adapter} is loaded (loaded are: {loaded}): name it under model.adapters"
            raise GenerationFailed(RejectReason.GENERATION_FAILED, detail)

    def _begin_clip(
        self, index: int, unread: list[int], keep: int | None
    ) -> Generator[Read, FloatArray, tuple[_Plan, FloatArray]]:
        """Read what was left unread, the scene and the plan; answer with the plan and the scores of the first word.

        A plan that is not given is chosen: names that begin alike are scored together with the scene, and the chosen
        one is read together with what follows it, in the hope that no further label comes.
        """
        context, tokens = self._job.contexts[index], self._tokens
        scene = [*tokens.scene(len(context.tokens_ND)), *tokens.wish(self._job.wish)]
        prompt = [*unread, *scene, *tokens.requirement(self._job.windows[index])]
        visual = self._narrator.embed_visual(as_tensor(context.tokens_ND), context.position)
        shareable = len(unread) if index == 0 else 0
        lead = tokens.lead(index)
        plan = self._given_plan(index)
        if plan is not None:
            scores_KV = yield self._read([*prompt, *plan.ids, *lead], visual, keep, shareable)
            return plan, scores_KV[-1]
        choice = LabelChoice(self._tokens.labels)
        guess = choice.fullest_parting
        scores_KV = yield self._read([*prompt, *guess], visual, keep, shareable, (len(prompt) - 1, -1))
        choice.note((), self._sound(scores_KV[0]))
        if guess:
            choice.note(guess, self._sound(scores_KV[1]))
        return (yield from self._choose_labels(choice, self._length - len(guess), lead))

    def _given_plan(self, index: int) -> _Plan | None:
        """The labels that the job gives; none at all where the prompt has no labels; None: to be chosen."""
        given = None if self._job.storyline is None else self._job.storyline[index]
        if not self._tokens.form.has_labels:
            return _Plan(given or (), "generated" if given is None else "predefined", [])
        return None if given is None else _Plan(given, "predefined", self._tokens.labels.encode(given))

    def _choose_labels(
        self, choice: LabelChoice, end: int, lead: list[int]
    ) -> Generator[Read, FloatArray, tuple[_Plan, FloatArray]]:
        """Choose labels until the model prefers to stop, from a document that is ``end`` tokens long."""
        vocabulary = self._tokens.labels
        plan = _Plan((), "generated", [])
        while True:
            for parting in choice.unknown:
                scores_KV = yield self._read(list(parting), keep=end + len(plan.ids))
                choice.note(parting, self._sound(scores_KV[-1]))
            probabilities = choice.probabilities()
            label = next(iter(probabilities))
            path = choice.path(label)
            keep = end + len(plan.ids)
            scores_KV = yield self._read([*path, *lead], keep=keep, score_at=(len(path) - 1, -1))
            plan = _Plan(
                (*plan.labels, label),
                "generated",
                [*plan.ids, *path],
                plan.probabilities or tuple(probabilities.items()),
            )
            is_full = len(plan.labels) == MOST_LABELS
            if is_full or not prefers_another(self._sound(scores_KV[0]), self._stop_ids, vocabulary):
                return plan, scores_KV[-1]
            choice = LabelChoice(vocabulary, plan.labels)

    def _write_narration(self, index: int, logits_V: FloatArray) -> Generator[Read, FloatArray, NarrationWriter]:
        writer = self._writer(index)
        start, read = self._length, writer.ids
        while True:
            sound_V = self._sound(logits_V)
            writer.step(sound_V, self._preferred(sound_V, writer.ids))
            if writer.is_complete:
                return writer
            same = num_equal(read, writer.ids)
            keep = None if same == len(read) else start + same
            read = writer.ids
            logits_V = (yield self._read(list(read[same:]), keep=keep))[-1]

    def _preferred(self, logits_V: FloatArray, ids: Sequence[int]) -> FloatArray:
        """The scores of what follows the tokens of a narration, less what the story has told already."""
        used = (self._told | set(ids)) - self._name  # a penalised name would come out mangled
        penalised_V = self._sampler.penalised(logits_V, used, self._phrases.unwanted(ids))
        return self._sampler.varied(penalised_V, self._openings.used(ids))

    def _writer(self, index: int) -> NarrationWriter:
        spoken = self._job.spoken_windows
        automaton = self._language.automaton if spoken is None else self._language.speech()
        window = (self._job.windows if spoken is None else spoken)[index]
        return NarrationWriter(automaton, window, self._sampler.choose, self._closing_numbers)

    def _result(self, index: int, plan: _Plan, writer: NarrationWriter) -> ClipResult:
        num_words = count_words(writer.text, self._job.language)
        notes = tuple(self._notes) if index == 0 else ()
        ticks = spoken_ticks(writer.text, self._job.language)
        told = (plan.labels, plan.source, writer.text, num_words, ticks, notes, plan.probabilities)
        return ClipResult(self._job.job_id, index, *told, num_tokens=len(writer.ids))

    def _read(
        self,
        ids: list[int],
        visual: Tensor | None = None,
        keep: int | None = None,
        num_shareable: int = 0,
        score_at: tuple[int, ...] = (-1,),
    ) -> Read:
        self._length = (self._length if keep is None else keep) + len(ids)
        if self._length > self._narrator.context_length:
            raise PromptTooLong(
                RejectReason.PROMPT_TOO_LONG,
                f"the prompt has {self._length} tokens and the model reads {self._narrator.context_length}: "
                "shorten the product's knowledge or the video",
            )
        return Read(tuple(ids), visual, keep, num_shareable, score_at, self._job.adapter)

    def _sound(self, logits_V: FloatArray) -> FloatArray:
        if not np.isfinite(logits_V).all():
            raise GenerationFailed(RejectReason.GENERATION_FAILED, "the model's scores are not finite numbers")
        return logits_V

    def _fitting_product(self) -> Product:
        """The product with as many knowledge points as the model's context holds beside the clips."""
        job, most = self._job, max(len(context.tokens_ND) for context in self._job.contexts)
        most += len(self._tokens.wish(job.wish))
        context_length = self._narrator.context_length
        product, num_dropped = self._tokens.fitting_product(job.product, job.windows, most, context_length)
        if num_dropped:
            self._notes.append(f"{num_dropped} knowledge points were left out: the prompt would not fit the model")
        return product

    def _facts(self) -> list[int]:
        """Tokens of all that is known of the product, each fact as it would stand in a sentence."""
        return [token for fact in self._known_texts() for token in self._tokens.spoken(fact)]

    def _known_texts(self) -> list[str]:
        product = self._job.product
        return [product.name, *(item.point for item in product.knowledge)]
