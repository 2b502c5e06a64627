"""The engine: every narration in its window, whoever is beside it; one bad job disturbs nobody."""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from narrator_ray.config import DecodingSettings
from narrator_ray.errors import RejectReason
from narrator_ray.model.context import ClipContext
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, JobFailure, NarrationJob, ToldClip
from narrator_ray.narration.lane_reader import LaneReader
from narrator_ray.narration.length import count_words
from narrator_ray.narration.prompt import prompt_form
from narrator_ray.narration.spoken_text import spoken_ticks
from narrator_ray.records import Clip, KnowledgePoint, Product, ScriptLabel
from tests.model.test_resident_adapters import write_adapter

MODEL = prepare_model(find_preset("tiny-random"))
WORD = re.compile(r"\S*\w\S*")


@pytest.fixture(scope="module")
def narrator() -> VideoNarrator:
    """The tiny random model, in float32."""
    return VideoNarrator.load(MODEL.path)


def make_job(number: int, num_clips: int = 3, language: str = "en", **changes: object) -> NarrationJob:
    """A video with random pictures; its product, length and windows depend on its number."""
    rng = np.random.default_rng(number)
    queries, dim = MODEL.spec.vision.num_queries, MODEL.spec.vision.dim
    knowledge = tuple(KnowledgePoint("effect", f"point {n}") for n in range(number % 4))
    low = 1 + number % 5 + (1 if language == "zh" else 0)
    job = NarrationJob(
        job_id=f"job {number}",
        product=Product(f"Mug number {number}", knowledge),
        language=language,
        clips=tuple(Clip(2.0 * n, 2.0 * n + 2) for n in range(num_clips)),
        contexts=tuple(
            ClipContext(rng.standard_normal((queries * (1 + n % 3), dim)).astype(np.float16), n, ())
            for n in range(num_clips)
        ),
        storyline=None,
        windows=((low, low + number % 4),) * num_clips,
        seed=number,
    )
    return replace(job, **changes)


def narrate(narrator: VideoNarrator, jobs, lanes: int = 4, **settings: float) -> dict[str, list]:
    """What came of each job, in order."""
    engine = NarrationEngine(narrator, DecodingSettings(**settings), lanes)
    events = defaultdict(list)
    for event in engine.narrate(jobs):
        events[event.job_id].append(without_rounding(event))
    return events


def without_rounding(event: ClipResult | JobFailure) -> ClipResult | JobFailure:
    """An event whose probabilities can be compared: float error differs with the neighbours."""
    if isinstance(event, JobFailure):
        return event
    return replace(event, label_probabilities=tuple((label, round(p, 3)) for label, p in event.label_probabilities))


def assert_spoken_text(text: str, language: str) -> None:
    """One line of sentences, whole words, no marks that cannot be spoken."""
    assert text == text.strip()
    assert text[-1] in (".!?" if language == "en" else "。！？")
    assert not set(text) & set('\n\r\t<>[]{}#*_"|\ufffd')
    if language == "en":
        assert all(WORD.fullmatch(word) for word in text.split())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_every_narration_is_inside_its_window_and_ends_as_a_sentence(narrator, language, temperature):
    """Twenty videos of different lengths through four lanes, greedy and hot."""
    jobs = [make_job(number, 1 + number % 4, language) for number in range(20)]
    events = narrate(narrator, jobs, temperature=temperature)
    for job in jobs:
        results = events[job.job_id]
        assert [result.clip_index for result in results] == list(range(len(job.clips)))
        for result, (low, high) in zip(results, job.windows, strict=True):
            assert low <= result.num_words == count_words(result.text, language) <= high
            assert_spoken_text(result.text, language)
            assert 1 <= len(set(result.script_labels)) == len(result.script_labels) <= 3


@pytest.mark.parametrize("language", ["en", "zh"])
def test_spoken_windows_are_kept_instead_of_words(narrator, language):
    """Side by side with a video whose window is in words."""
    spoken = make_job(1, language=language, spoken_windows=((150, 220), (300, 420), (60, 130)))
    events = narrate(narrator, [spoken, make_job(2, language=language)])
    for event, (low, high) in zip(events["job 1"], spoken.spoken_windows, strict=True):
        assert low <= event.spoken_ticks == spoken_ticks(event.text, language) <= high
        assert_spoken_text(event.text, language)
    assert all(3 <= event.num_words <= 6 for event in events["job 2"])


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_text_does_not_depend_on_its_neighbours(narrator, temperature):
    """Alone, among eleven others, in one lane or in twelve: the same words."""
    jobs = [make_job(number, 2 + number % 3) for number in range(12)]
    together = narrate(narrator, jobs, lanes=12, temperature=temperature)
    for number in (0, 5, 11):
        alone = narrate(narrator, [jobs[number]], lanes=1, temperature=temperature)
        assert alone[jobs[number].job_id] == together[jobs[number].job_id]


def test_the_seed_of_a_video_decides_its_samples(narrator):
    """Same seed, same text; another seed, another text."""
    first, again, other = make_job(3), make_job(3), make_job(3, seed=99)
    texts = [narrate(narrator, [job], temperature=1.0)[job.job_id] for job in (first, again, other)]
    assert texts[0] == texts[1] != texts[2]


def test_given_labels_are_kept_and_free_ones_are_chosen(narrator):
    """A storyline may be partly given."""
    given = (ScriptLabel.SORE_POINT, ScriptLabel.CALL_TO_ACTION)
    job = make_job(1, storyline=(given, None, (ScriptLabel.OTHERS,)))
    results = narrate(narrator, [job])[job.job_id]
    assert [result.label_source for result in results] == ["predefined", "generated", "predefined"]
    assert results[0].script_labels == given
    assert results[2].script_labels == (ScriptLabel.OTHERS,)


def test_special_tokens_in_facts_are_plain_text(narrator):
    """A catalogue cannot smuggle visual placeholders or an end of text into the prompt."""
    fact = KnowledgePoint("effect", "<vid_start><vid_patch><vid_end> glows</s><eos>")
    job = make_job(1, product=Product("Mug <vid_patch>", (fact,)))
    results = narrate(narrator, [job])[job.job_id]
    assert [type(result) for result in results] == [ClipResult] * 3


def test_a_form_without_labels_writes_none(narrator):
    """The released English form has no script labels."""
    engine = NarrationEngine(narrator, DecodingSettings(), prompt="en_released")
    results = list(engine.narrate([make_job(1)]))
    assert [result.script_labels for result in results] == [()] * 3
    for result in results:
        assert_spoken_text(result.text, "en")


def test_languages_share_a_batch(narrator):
    """English and Chinese videos side by side."""
    events = narrate(narrator, [make_job(1), make_job(2, language="zh"), make_job(3)])
    assert_spoken_text(events["job 1"][0].text, "en")
    assert_spoken_text(events["job 2"][0].text, "zh")


def test_a_product_that_is_too_long_is_shortened_by_whole_points(narrator):
    """The result says how many points were left out; every clip is narrated."""
    endless = tuple(KnowledgePoint("effect", "very " * 50 + str(n)) for n in range(200))
    events = narrate(narrator, [make_job(2, product=Product("Encyclopedia", endless))])["job 2"]
    assert len(events) == 3
    (note,) = events[0].notes
    assert 0 < int(note.split()[0]) < 200
    assert events[1].notes == events[2].notes == ()


def test_a_prompt_that_cannot_fit_fails_alone(narrator):
    """A name that is longer than the context; the failure says so, and the neighbours come out as without it."""
    jobs = [make_job(1), make_job(2, product=Product("Encyclopedia " * 3000)), make_job(3)]
    events = narrate(narrator, jobs)
    (failure,) = events["job 2"]
    assert isinstance(failure, JobFailure)
    assert failure.error.reason == RejectReason.PROMPT_TOO_LONG
    assert str(narrator.context_length) in failure.error.detail
    assert events["job 1"] == narrate(narrator, [jobs[0]])["job 1"]
    assert len(events["job 3"]) == 3


def test_scores_that_are_not_numbers_fail_alone(narrator):
    """One video with broken features does not poison its batch."""
    job = make_job(2)
    broken = ClipContext(np.full_like(job.contexts[1].tokens_ND, np.nan), 0, ())
    events = narrate(narrator, [make_job(1), replace(job, contexts=(job.contexts[0], broken, job.contexts[2]))])
    assert [type(event) for event in events["job 2"]] == [ClipResult, JobFailure]
    assert events["job 2"][1].error.reason == RejectReason.GENERATION_FAILED
    assert events["job 1"] == narrate(narrator, [make_job(1)])["job 1"]


def test_a_poisoned_lane_is_clean_for_the_next_video(narrator):
    """What broken features leave in a lane does not reach the video that takes it, beside a longer neighbour."""
    poison = ClipContext(np.full((400, MODEL.spec.vision.dim), np.nan, np.float16), 0, ())
    broken, neighbour, heir = make_job(1, contexts=(poison,) * 3), make_job(2, 6), make_job(3)
    events = narrate(narrator, [neighbour, broken, heir], lanes=2)
    assert isinstance(events["job 1"][0], JobFailure)
    assert events["job 2"] == narrate(narrator, [neighbour])["job 2"]
    assert events["job 3"] == narrate(narrator, [heir])["job 3"]


def test_what_is_seen_reaches_the_text(narrator):
    """Other pictures, other words."""
    job = make_job(4)
    blind = replace(job, contexts=tuple(replace(context, tokens_ND=-context.tokens_ND) for context in job.contexts))
    assert narrate(narrator, [job])["job 4"] != narrate(narrator, [blind])["job 4"]


def test_no_jobs_give_no_events(narrator):
    """An empty batch is fine."""
    assert narrate(narrator, []) == {}


def test_jobs_are_taken_only_as_lanes_fall_free(narrator):
    """A long queue is not read ahead."""
    taken = []

    def queue():
        for number in range(6):
            taken.append(number)
            yield make_job(number, 2)

    events = NarrationEngine(narrator, DecodingSettings(), 2).narrate(queue())
    next(events)
    assert len(taken) < 5
    assert len(list(events)) == 11


@torch.inference_mode()
def test_the_kept_prefix_gives_the_scores_of_the_whole_prompt(narrator):
    """Reading clip by clip, with visual tokens dropped, predicts what reading the whole document at once predicts."""
    engine = NarrationEngine(narrator, DecodingSettings(), 1)
    asking = engine.story(make_job(7, 3)).write()
    document, embedded, num_scenes = [], [], 0
    event = next(asking)
    while event is not None:
        if isinstance(event, ClipResult):
            event = next(asking, None)
            continue
        if event.keep is not None:
            del document[event.keep :], embedded[event.keep :]
        document += event.ids
        visual = [] if event.visual is None else [event.visual]
        embedded += list(narrator.embed(torch.tensor(event.ids), visual))
        scores_KV = engine.reader.read({0: event})[0]
        if visual:
            num_scenes += 1
            whole_TV = narrator(torch.stack(embedded)[None]).logits[0].numpy()
            places = [len(document) - len(event.ids) + at % len(event.ids) for at in event.score_at]
            np.testing.assert_allclose(scores_KV, whole_TV[places], atol=1e-4)
        try:
            event = asking.send(scores_KV)
        except StopIteration:
            break
    assert num_scenes == 3


def test_videos_of_one_shop_share_the_beginning_of_their_prompts(narrator):
    """The instruction is read once, a product's knowledge once for all its videos; texts are as if all was read."""
    jobs = [make_job(number, product=Product("Mug", (KnowledgePoint("effect", "keeps warm"),))) for number in range(4)]
    engine = NarrationEngine(narrator, DecodingSettings(), 2)
    shared = defaultdict(list)
    for event in engine.narrate(jobs):
        shared[event.job_id].append(without_rounding(event))
    head = len(narrator.tokenizer.encode(prompt_form("en").head(jobs[0].product)))
    assert engine.reader.num_shared >= 3 * (head - 2)
    for job in jobs:
        assert shared[job.job_id] == narrate(narrator, [job])[job.job_id]


def test_tokens_are_counted_for_the_video_that_they_are_read_for(narrator):
    """What went through the model is the sum of what was read for each clip; a shared beginning was read once."""
    engine = NarrationEngine(narrator, DecodingSettings(), max_lanes=2)
    results = list(engine.narrate([make_job(number, product=Product("Mug")) for number in range(5)]))
    assert sum(result.num_read for result in results) == engine.reader.num_read
    assert sum(result.num_shared for result in results) == engine.reader.num_shared > 0
    assert all(result.num_tokens > 0 for result in results)
    assert all(result.num_shared == 0 for result in results if result.clip_index > 0)


def test_lanes_serve_one_batch_after_another(narrator):
    """A second call finds clean lanes, and what it shares with the first does not change its words."""
    engine = NarrationEngine(narrator, DecodingSettings(), 2)
    first = [without_rounding(event) for event in engine.narrate([make_job(1), make_job(2)])]
    again = [without_rounding(event) for event in engine.narrate([make_job(2), make_job(1)])]
    assert len(first) == 6
    assert sorted(map(str, first)) == sorted(map(str, again))


def test_a_cancelled_video_makes_room(narrator):
    """Nothing more comes of it, also if it never began; the others are as ever."""
    engine = NarrationEngine(narrator, DecodingSettings(), 2)
    events = []
    for event in engine.narrate([make_job(1, 6), make_job(2), make_job(3), make_job(4)]):
        events.append(without_rounding(event))
        if event.job_id == "job 1":
            engine.cancel("job 1")
            engine.cancel("job 4")
    assert sum(event.job_id == "job 1" for event in events) == 1
    assert not [event for event in events if event.job_id == "job 4"]
    for number in (2, 3):
        own = [event for event in events if event.job_id == f"job {number}"]
        assert own == narrate(narrator, [make_job(number)])[f"job {number}"]


def test_cancelling_what_has_ended_does_not_stop_a_later_one(narrator):
    """The same video may be asked for again; a cancel that comes while its last clip is handed over has no effect."""
    engine = NarrationEngine(narrator, DecodingSettings(), 2)
    for event in engine.narrate([make_job(1)]):
        if event.clip_index == 2:
            engine.cancel("job 1")
    assert len(list(engine.narrate([make_job(1)]))) == 3


def test_the_name_of_the_product_is_not_penalised(narrator):
    """However strong the repetition penalty, a story may name its product as often as it likes."""
    name = narrator.tokenizer.encode(" Mug number 1", add_special_tokens=False)
    engine, penalised = NarrationEngine(narrator, DecodingSettings(repetition_penalty=3), 1), set()
    story = engine.story(make_job(1))
    sampler = story._sampler
    remember = sampler.penalised
    sampler.penalised = lambda logits, used, unwanted: penalised.update(used) or remember(logits, used, unwanted)
    write(engine, story)
    assert penalised
    assert not penalised & set(name)


def write(engine, story):
    """Write a story to its end."""
    writing, scores = story.write(), None
    while (event := next(writing, None) if scores is None else send(writing, scores)) is not None:
        scores = None if isinstance(event, ClipResult) else engine.reader.read({0: event})[0]


def send(writing, scores):
    """Answer a story; None when it has ended."""
    try:
        return writing.send(scores)
    except StopIteration:
        return None


def test_a_queue_that_is_empty_for_the_moment_does_not_end_the_work(narrator):
    """None says that nothing waits; what comes later is narrated beside what runs."""

    def queue():
        yield make_job(1)
        yield None
        yield None
        yield make_job(2)

    events = list(NarrationEngine(narrator, DecodingSettings(), 4).narrate(queue()))
    assert {event.job_id for event in events} == {"job 1", "job 2"}
    assert len(events) == 6


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("full"), RuntimeError("can't allocate memory: you tried")])
def test_too_little_memory_halves_the_lanes(narrator, monkeypatch, error):
    """No clip is lost or given twice, and the words stay the same."""
    jobs = [make_job(number) for number in range(6)]
    read, calls = LaneReader.read, []

    def scarce(self, wanted):
        calls.append(len(wanted))
        if self.num_lanes > 2 and len(calls) > 60:
            raise error
        return read(self, wanted)

    monkeypatch.setattr(LaneReader, "read", scarce)
    events = narrate(narrator, jobs, lanes=6)
    monkeypatch.undo()
    assert max(calls[-5:]) <= 2
    for job in jobs:
        assert events[job.job_id] == narrate(narrator, [job])[job.job_id]


def test_a_video_too_large_for_memory_fails_alone(narrator, monkeypatch):
    """One lane and still too little: that video is rejected, the next is narrated."""
    read = LaneReader.read

    def scarce(self, wanted):
        if any(len(request.ids) > 600 for request in wanted.values()):
            raise torch.OutOfMemoryError("full")
        return read(self, wanted)

    monkeypatch.setattr(LaneReader, "read", scarce)
    long = make_job(1, product=Product("Mug", tuple(KnowledgePoint("effect", f"word {n} " * 9) for n in range(30))))
    engine, events = NarrationEngine(narrator, DecodingSettings(), 4), defaultdict(list)
    for event in engine.narrate([make_job(2), long, make_job(3)]):
        events[event.job_id].append(event)
    assert engine.reader.num_lanes in (1, 2)
    assert [type(event) for event in events["job 1"]] == [JobFailure]
    assert events["job 1"][0].error.reason == RejectReason.GENERATION_FAILED
    assert len(events["job 2"]) == len(events["job 3"]) == 3


def test_other_errors_are_not_taken_for_little_memory(narrator, monkeypatch):
    """A crash is a crash."""

    def crash(self, wanted):
        raise RuntimeError("boom")

    monkeypatch.setattr(LaneReader, "read", crash)
    with pytest.raises(RuntimeError, match="boom"):
        narrate(narrator, [make_job(1)])


def test_chosen_labels_come_with_their_probabilities(narrator):
    """Twelve shares that add up to one, the chosen first; none where labels are given."""
    given = (ScriptLabel.SORE_POINT,)
    first, second, _ = narrate(narrator, [make_job(1, storyline=(None, given, None))])["job 1"]
    labels, shares = zip(*first.label_probabilities, strict=True)
    assert set(labels) == set(ScriptLabel)
    assert labels[0] == first.script_labels[0]
    assert sum(shares) == pytest.approx(1, abs=0.01)
    assert second.label_probabilities == ()


@pytest.fixture(scope="module")
def brands(tmp_path_factory) -> dict[str, Path]:
    """Two adapters of random factors."""
    folder = tmp_path_factory.mktemp("brands")
    return {
        name: write_adapter(MODEL.path / "llm", folder / name, seed, lora_alpha=64)
        for seed, name in enumerate(("north", "south"))
    }


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_each_video_is_narrated_with_its_own_adapter(narrator, brands):
    """Side by side, sharing one product's text, each comes out as from a model with that adapter alone merged in."""
    voices = {"job 1": None, "job 2": "north", "job 3": "south", "job 4": "north", "job 5": None}
    product = make_job(3).product
    jobs = [
        make_job(number, job_id=f"job {number}", product=product, adapter=voices[f"job {number}"])
        for number in range(1, 6)
    ]
    together = narrate(VideoNarrator.load(MODEL.path, adapters=brands), jobs)
    alone = {None: narrator, **{name: VideoNarrator.load(MODEL.path, adapter=path) for name, path in brands.items()}}
    for job in jobs:
        assert together[job.job_id] == narrate(alone[job.adapter], [replace(job, adapter=None)])[job.job_id]
    assert len({event.text for events in together.values() for event in events}) > 5


def test_an_adapter_that_is_not_loaded_fails_alone(narrator):
    """The others are narrated."""
    events = narrate(narrator, [make_job(1), make_job(2, adapter="north")])
    assert len(events["job 1"]) == 3
    [failure] = events["job 2"]
    assert "no adapter north is loaded (loaded are: none)" in failure.error.detail


def test_labels_are_told_before_the_narration(narrator):
    """Of every clip, once."""
    heard = []
    engine = NarrationEngine(narrator, DecodingSettings(), 2, on_labels=heard.append)
    for event in engine.narrate([make_job(1)]):
        assert heard[-1].clip_index == event.clip_index
        assert heard[-1].script_labels == event.script_labels
    assert [labels.clip_index for labels in heard] == [0, 1, 2]


def test_what_stands_is_read_as_it_was_written(narrator):
    """Narrated again, a clip follows the text that it followed before, set as training sets it; only it is given."""
    job = make_job(2, storyline=((ScriptLabel.SORE_POINT,), None, (ScriptLabel.OTHERS,)))
    events, documents = events_and_documents(narrator, job)
    told = tuple(ToldClip(result.script_labels, result.text) for result in events)
    for index in (1, 2):
        again = replace(job, told=(*told[:index], None, *told[index + 1 :]))
        [result], [document] = events_and_documents(narrator, again)
        assert result.clip_index == index
        before, now = (narrator.tokenizer.decode(read) for read in (documents[index], document))
        assert now == re.sub(r"\n(\d\.) ?(?=\S)", r"\n\1 ", before)  # a model may leave out the space after the number


def test_a_wish_is_read_beside_each_clip_and_goes_with_its_scene(narrator):
    """It changes what is told; what is told later does not follow it."""
    job = make_job(2)
    events, documents = events_and_documents(narrator, replace(job, wish="in fewer words,\nplease"))
    line = "instruction: in fewer words, please\nlength:"
    assert [narrator.tokenizer.decode(document).count(line) for document in documents] == [1, 1, 1]
    assert [event.text for event in events] != [event.text for event in narrate(narrator, [job])[job.job_id]]


def events_and_documents(narrator, job):
    """Results, and the tokens before each: all that was read until its scene had been."""
    engine, documents, document = NarrationEngine(narrator, DecodingSettings(), 1), [], []
    read = engine.reader.read

    def noted(due):
        [event] = due.values()
        document[:] = document[: event.keep] + list(event.ids)
        if event.visual is not None:
            documents.append(list(document))
        return read(due)

    engine.reader.read = noted
    return list(engine.narrate([job])), documents


def openings(narrator, job, penalty):
    """How often each token began a narration of the story but the last, or what else stands."""
    engine = NarrationEngine(narrator, DecodingSettings(repetition_penalty=1.0, opening_penalty=penalty), 1)
    story, counted = engine.story(job), []
    used = story._openings.used
    story._openings.used = lambda ids: counted.extend([] if ids else [dict(used(ids))]) or used(ids)
    write(engine, story)
    return counted[-1]


def test_narrations_of_a_story_begin_in_other_ways(narrator):
    """Also than what stands; without the penalty this model begins alike."""
    job = make_job(3, 4, product=Product("Mug"), windows=((8, 12),) * 4)
    assert max(openings(narrator, job, 0).values()) > 1
    varied = openings(narrator, job, 100)
    assert list(varied.values()) == [1, 1, 1]
    stands = narrator.tokenizer.decode([next(iter(varied))])
    assert list(openings(narrator, replace(job, unwanted=(stands,)), 100).values()) == [1, 1, 1, 1]


def test_what_stands_is_not_said_again(narrator):
    """Neither what comes before nor what comes after: no phrase of it is repeated."""
    job = make_job(3, 2, product=Product("Mug"), windows=((8, 12),) * 2)
    [first, _] = narrate(narrator, [job], repetition_penalty=1.0)[job.job_id]
    plain = {"repetition_penalty": 1.0, "no_repeat_tokens": 0}
    [same] = narrate(narrator, [replace(job, told=(None, ToldClip((), first.text)))], **plain)[job.job_id]
    again = replace(job, told=(None, ToldClip((), first.text))), replace(job, unwanted=(first.text,))
    others = [narrate(narrator, [changed])[job.job_id][0] for changed in again]
    assert same.text == first.text
    assert all(other.text != first.text for other in others)
