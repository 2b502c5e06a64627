"""The embedded model ``tiny-random``: random weights in the on-disk format of the real models, made in seconds.

For tests and dry runs: every part is there and works, in Chinese and English, but what it writes is random text. Unlike
an untrained real model its projector is random too, not zero, so that what is seen changes what is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from narrator_ray.model.embedded import (
    add_visual_tokens,
    build_once,
    save_language_model,
    save_projection,
    seed_weights,
)
from narrator_ray.model.model_dir import NUM_POSITIONS, ModelDirectory, VisionSpec, seal_model_directory

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

    from narrator_ray.model.qformer import FrameQFormer

RECIPE = 2
"""Raised whenever the build gives other bytes."""
SEED = 7

VISION = VisionSpec(
    kind="open_clip_qformer",
    image_size_px=48,
    num_queries=4,
    dim=32,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    feature_layers=(-1,),
)
_TOWER: dict[str, Any] = {
    "image_size": 48,
    "patch_size": 16,
    "width": 48,
    "head_width": 24,
    "layers": 1,
    "mlp_ratio": 2.0,
}
_QFORMER: dict[str, Any] = {
    "hidden_size": 32,
    "encoder_hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "cross_attention_frequency": 1,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
_LLM: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
}
_VOCABULARY = 800
_SENTENCES = (
    "This lamp brings a warm light to your desk and saves energy every evening.",
    "The bottle keeps your drink cold for twenty-four hours, even in the sun.",
    "Soft cotton, bright colours and a clean cut: a bag for work and for travel.",
    "Order today and the second one is half price, with free delivery to your door.",
    "Wash it at thirty degrees and it looks like new for a very long time.",
    "Our kettle boils a litre of water in three minutes and turns itself off.",
    "Light on your feet and made for long days, these shoes go where you go.",
    "Turn the dial, hear the click, and the music fills the whole room.",
    "The product, the price and the offer: everything is made for your home.",
    "Tired of cables on the table? Put the phone down and it starts to charge.",
    "这款台灯的光线柔和，晚上看书写字眼睛也不累。",
    "杯子采用双层不锈钢，热水放一整天还是温的。",
    "面料柔软透气，颜色鲜亮，洗了很多次也不会褪色。",
    "现在下单第二件半价，我们免费送到您的家门口。",
    "产品的材质很轻，女生一只手就可以拿起来。",
    "早上起来用一次，皮肤一整天都水润有光泽。",
    "这个背包容量大，出差旅行上班都可以用。",
    "按一下按钮就可以开始，三分钟做好一杯咖啡。",
    "喜欢的朋友不要错过，今天的价格是全年最好的。",
    "鞋底柔软有弹性，走一整天的路脚也不会累。",
)
"""What the tokenizer learns its words from."""


def build_tiny_random() -> ModelDirectory:
    """The directory of ``tiny-random`` in the cache, built now if it is not there."""
    return build_once(f"tiny-random-r{RECIPE}", write_tiny_random)


def write_tiny_random(path: Path) -> ModelDirectory:
    """Write the model directory of ``tiny-random`` into an empty directory; the same bytes every time."""
    import torch

    tokenizer = new_tokenizer()
    model = _new_language_model(tokenizer)
    add_visual_tokens(model, tokenizer)
    save_language_model(path, model, tokenizer, torch.float32)
    write_vision(path)
    rng = np.random.default_rng(SEED)
    hidden, dim = model.config.hidden_size, VISION.dim
    save_projection(
        path,
        weight_HD=rng.standard_normal((hidden, dim), dtype=np.float32) * np.float32(dim**-0.5),
        bias_H=rng.standard_normal(hidden, dtype=np.float32),
        position_PD=rng.standard_normal((NUM_POSITIONS, dim), dtype=np.float32),
    )
    return seal_model_directory(path, name="tiny-random", languages=("zh", "en"), vision=VISION, is_trained=False)


def new_tokenizer() -> PreTrainedTokenizerBase:
    """A byte-level BPE tokenizer with <bos> before every text, as LLaMA's has it, and <eos>, but no pad token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=["<bos>", "<eos>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", tokenizer.token_to_id("<bos>"))]
    )
    special = {"bos_token": "<bos>", "eos_token": "<eos>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)  # type: ignore[no-untyped-call]


def _new_language_model(tokenizer: PreTrainedTokenizerBase) -> LlamaForCausalLM:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer), bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, **_LLM
    )
    model = LlamaForCausalLM(config)
    seed_weights(model, SEED)
    return model


def write_vision(path: Path) -> None:
    """Write vision/ and qformer/ of a model directory."""
    from narrator_ray.model.qformer import save_qformer
    from narrator_ray.model.vision_encoder import new_tower, save_tower

    model, config = new_tower(_TOWER, embed_dim=_TOWER["width"])
    seed_weights(model, SEED)
    save_tower(model, config, VISION, path / "vision")
    save_qformer(_new_qformer(), path / "qformer")


def _new_qformer() -> FrameQFormer:
    from transformers import Blip2QFormerConfig

    from narrator_ray.model.qformer import FrameQFormer, GridTokens

    config = Blip2QFormerConfig(**_QFORMER)
    num_places = (_TOWER["image_size"] // _TOWER["patch_size"]) ** 2
    grid = GridTokens(_TOWER["width"], num_places, config.encoder_hidden_size)
    qformer = FrameQFormer(config, VISION.num_queries, [grid])
    seed_weights(qformer, SEED)
    return qformer
