"""The engine over other language models than LLaMA: the same cache, masks and positions serve them all."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from narrator_ray.config import DecodingSettings
from narrator_ray.model.context import ClipContext
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.lane_reader import LaneReader
from narrator_ray.narration.read_request import Read
from narrator_ray.records import Clip, Product

DIM = 16
SHAPE = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "max_position_embeddings": 2048,
}


def make_narrator(architecture: str, sliding_window: int | None = None) -> VideoNarrator:
    """A random model of that architecture with the tiny tokenizer; those that know a sliding window use it."""
    tokenizer = VideoNarrator.load(prepare_model(find_preset("tiny-random")).path).tokenizer
    torch.manual_seed(0)
    windowed = {} if sliding_window is None else {"sliding_window": sliding_window}
    config = AutoConfig.for_model(architecture, vocab_size=len(tokenizer), pad_token_id=0, **SHAPE, **windowed)
    attention = "eager" if architecture == "gemma2" else "sdpa"  # the only one that caps scores
    llm = AutoModelForCausalLM.from_config(config, attn_implementation=attention).eval()
    return VideoNarrator(llm, tokenizer, nn.Linear(DIM, SHAPE["hidden_size"]), nn.Embedding(100, DIM)).eval()


def make_job(number: int) -> NarrationJob:
    """A two-clip video."""
    rng = np.random.default_rng(number)
    contexts = tuple(ClipContext(rng.standard_normal((3, DIM)).astype(np.float16), place, ()) for place in (0, 99))
    clips = (Clip(0, 2), Clip(2, 4))
    return NarrationJob(str(number), Product(f"Mug {number}"), "en", clips, contexts, None, ((3, 6), (4, 4)), number)


@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2", "qwen3", "gemma"])
def test_other_architectures_narrate(architecture):
    """Three videos in two lanes, in their windows, and the same alone as together."""
    narrator = make_narrator(architecture)
    jobs = [make_job(number) for number in range(3)]
    together = list(NarrationEngine(narrator, DecodingSettings(), 2).narrate(jobs))
    assert len(together) == 6
    assert all(isinstance(event, ClipResult) for event in together)
    assert all(3 <= event.num_words <= 6 if event.clip_index == 0 else event.num_words == 4 for event in together)
    alone = list(NarrationEngine(narrator, DecodingSettings(), 1).narrate(jobs[2:]))
    assert [event.text for event in alone] == [event.text for event in together if event.job_id == "2"]


@torch.inference_mode()
@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2"])
def test_packed_lanes_predict_what_the_model_predicts_alone(architecture):
    """A text, then a token beside another lane's text: the scores of transformers' own attention, 12 tokens seen."""
    narrator = make_narrator(architecture, sliding_window=12)
    texts = [torch.arange(100, 130), torch.arange(200, 218)]
    expected = [narrator(narrator.embed(ids)[None]).logits[0].numpy() for ids in texts]
    reader = LaneReader(narrator, 3)
    first = reader.read({2: read(texts[0][:29]), 0: read(texts[1][:10])})
    second = reader.read({2: read(texts[0][29:]), 0: read(texts[1][10:])})
    np.testing.assert_allclose(first[2][-1], expected[0][28], atol=1e-4)
    np.testing.assert_allclose(first[0][-1], expected[1][9], atol=1e-4)
    np.testing.assert_allclose(second[2][-1], expected[0][29], atol=1e-4)
    np.testing.assert_allclose(second[0][-1], expected[1][17], atol=1e-4)


def read(ids: torch.Tensor) -> Read:
    """A request for these tokens."""
    return Read(tuple(ids.tolist()))
