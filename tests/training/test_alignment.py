"""The first stage: what frames hold is read off a Q-Former's tokens, in words of a language model."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity
from transformers import Blip2QFormerConfig

from narrator_ray.demo.films import Film, training_films
from narrator_ray.demo.lexicon import motion_words, noun_pattern, scene_words
from narrator_ray.demo.splits import colour_names
from narrator_ray.demo.storyboard import form_names, motion_names, scene_names
from narrator_ray.model.embedded import seed_weights
from narrator_ray.model.qformer import FrameQFormer, GridTokens
from narrator_ray.training.alignment import (
    ATTRIBUTES,
    Aligner,
    AlignmentLoop,
    AlignmentSettings,
    SeenFrames,
    class_names,
    spoken_names,
    word_embeddings,
)
from narrator_ray.training.film_maps import FilmMaps
from narrator_ray.video.frames import frame_times_s

WIDTH = 24
SETTINGS = AlignmentSettings(epochs=20, learning_rate=6e-3, batch_clips=12)


def told_maps(films: list[Film]) -> list[FilmMaps]:
    """Maps in which every attribute and pose stands at a place of its own: [T, WIDTH, 3, 3]."""
    rng = np.random.default_rng(5)
    codes = [rng.standard_normal((len(names), WIDTH)) for names in class_names()]
    pose_codes = rng.standard_normal((4, WIDTH))
    told = []
    for film in films:
        times_s = [frame_times_s(clip, 1.0) for clip in film.clips]
        indices = np.repeat(np.arange(len(times_s), dtype=np.int32), [len(some) for some in times_s])
        blank = FilmMaps(indices, np.concatenate(times_s), (torch.zeros(len(indices), 0),))
        frames = SeenFrames.of([film], [blank])
        map_TCHW = np.zeros((len(indices), WIDTH, 3, 3), np.float32)
        for place in range(3):
            map_TCHW[:, :, place, 0] = codes[place][frames.classes_TA[:, place]]
        map_TCHW[:, :, 1, 1] = frames.poses_TP.numpy() @ pose_codes
        told.append(FilmMaps(indices, blank.time_s_T, (torch.from_numpy(map_TCHW).half(),)))
    return told


def frames_of(split: str, num_films: int) -> SeenFrames:
    """Frames of the films of a split."""
    films = list(training_films(split, range(num_films)))
    return SeenFrames.of(films, told_maps(films))


def new_aligner(settings: AlignmentSettings = SETTINGS) -> Aligner:
    """A small Q-Former and words at random."""
    config = Blip2QFormerConfig(
        hidden_size=WIDTH,
        encoder_hidden_size=WIDTH,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        cross_attention_frequency=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    qformer = FrameQFormer(config, 6, [GridTokens(WIDTH, 9, WIDTH)])
    seed_weights(qformer, 1)
    words = [
        torch.randn(len(names), 40, generator=torch.manual_seed(place)) for place, names in enumerate(class_names())
    ]
    return Aligner(qformer, words, settings)


@pytest.fixture(scope="module")
def frames() -> SeenFrames:
    """To learn from."""
    return frames_of("train", 60)


@pytest.fixture(scope="module")
def aligned(frames) -> Aligner:
    """A Q-Former that has learnt."""
    torch.set_num_threads(1)
    aligner = new_aligner()
    losses = list(AlignmentLoop(aligner, frames, SETTINGS).run())
    assert losses[-1] < 0.3 * losses[0]
    return aligner


def test_attributes_of_unseen_films_are_read_off_the_tokens(aligned):
    """By a linear layer, and by the nearest word to the projected token; before training by chance."""
    held_out = frames_of("validation", 12)
    before, after = new_aligner().accuracies(held_out), aligned.accuracies(held_out)
    for name in ATTRIBUTES:
        assert before[name] < 0.6
        assert after[name] > 0.9
        assert after[f"{name}_word"] > 0.9


def test_frames_are_as_alike_as_their_poses(aligned, frames):
    """On either side of 0.9, where frame compression divides them."""
    with torch.inference_mode():
        means_TD = aligned.tokens(frames.maps_TCHW).mean(dim=1)
    is_same = frames.clip_T[1:] == frames.clip_T[:-1]
    distances = (frames.poses_TP[1:] - frames.poses_TP[:-1]).abs().amax(dim=1)
    similarities = cosine_similarity(means_TD[1:], means_TD[:-1], dim=1)
    far, near = similarities[is_same & (distances > 0.6)], similarities[is_same & (distances < 0.15)]
    assert (far < 0.9).float().mean() > 0.8
    assert (near >= 0.9).float().mean() > 0.8


def test_alignment_goes_on_where_it_stopped(tmp_path):
    """The same weights as without a stop, through a file that holds tensors and numbers only."""
    settings = SETTINGS.model_copy(update={"epochs": 2})
    frames = frames_of("train", 8)
    whole, first, second = (new_aligner(settings) for _ in range(3))
    expected = list(AlignmentLoop(whole, frames, settings).run())
    stopped = AlignmentLoop(first, frames, settings)
    done = [next(stopped.run())]
    torch.save(stopped.state(), tmp_path / "state.pt")
    resumed = AlignmentLoop(second, frames, settings)
    resumed.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert [*done, *resumed.run()] == expected
    for name, weight in whole.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], weight, rtol=0, atol=0)


def test_clips_are_taken_whole(frames):
    """In the order asked for, counted anew, with their own frames and truth."""
    some = frames.of_clips([7, 2])
    assert some.num_clips == 2
    sizes = [int((frames.clip_T == clip).sum()) for clip in (7, 2)]
    assert some.clip_T.tolist() == [0] * sizes[0] + [1] * sizes[1]
    assert torch.equal(some.poses_TP[: sizes[0]], frames.poses_TP[frames.clip_T == 7])
    assert torch.equal(some.classes_of_clips, frames.classes_of_clips[[7, 2]])


def test_words_are_those_that_a_reader_knows(narrator):
    """Every value has a word by which narrations are judged, and an embedding of its own."""
    nouns, colours, scenes, motions = spoken_names()
    assert [noun_pattern().search(f"this {noun}")[1] or noun for noun in nouns] == list(nouns)
    assert (len(nouns), colours) == (len(form_names()), colour_names())
    assert [scene_words()[word] for word in scenes] == list(scene_names())
    assert [motion_words()[word] for word in motions] == list(motion_names())
    embedded = word_embeddings(narrator.tokenizer, narrator.token_embedding)
    assert [len(values) for values in embedded] == [len(names) for names in class_names()]
    assert all(len(torch.unique(values, dim=0)) == len(values) for values in embedded)
