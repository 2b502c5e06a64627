"""Random parts of a model in the formats of the real ones, made on the spot and small enough to be made often."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from narrator_ray.model.embedded import quiet_transformers, save_projection, seed_weights
from narrator_ray.model.model_dir import NUM_POSITIONS, VisionSpec

SIDE_PX = 28
NUM_QUERIES, DIM, HIDDEN, WIDTH = 4, 16, 32, 24
_QFORMER = {
    "hidden_size": DIM,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "encoder_hidden_size": WIDTH,
}
_BLIP2_VISION = {
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE_PX,
    "patch_size": 14,
}
_OPT = {
    "model_type": "opt",
    "vocab_size": 500,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "ffn_dim": 16,
    "num_attention_heads": 2,
    "max_position_embeddings": 32,
    "word_embed_proj_dim": 16,
}


def write_blip2(path: Path, **options) -> Path:
    """A Blip2Model with its language model, saved by transformers."""
    from transformers import Blip2Config, Blip2Model

    config = Blip2Config(
        vision_config=_BLIP2_VISION, qformer_config=_QFORMER, text_config=_OPT, num_query_tokens=NUM_QUERIES
    )
    model = Blip2Model(config)
    seed_weights(model, seed=3)
    with torch.no_grad():
        model.vision_model.post_layernorm.bias.normal_(generator=torch.Generator().manual_seed(0))
    with quiet_transformers():
        model.save_pretrained(path, **options)
    return path


def write_vit(path: Path, width: int = WIDTH) -> Path:
    """An open_clip ViT of three layers."""
    from narrator_ray.model.vision_encoder import new_tower, save_tower

    spec = VisionSpec(
        kind="open_clip_patches",
        image_size_px=SIDE_PX,
        num_queries=NUM_QUERIES,
        dim=DIM,
        mean=(0.1, 0.2, 0.3),
        std=(0.5, 0.6, 0.7),
        feature_layers=(-2,),
    )
    tower = {"image_size": SIDE_PX, "patch_size": 14, "width": width, "head_width": width // 2, "layers": 3}
    model, config = new_tower(tower, embed_dim=width)
    seed_weights(model, seed=4)
    save_tower(model, config, spec, path)
    return path


def write_qformer(path: Path) -> Path:
    """A Blip2QFormerModel saved by transformers, its query tokens and norm beside it."""
    from transformers import Blip2QFormerConfig, Blip2QFormerModel

    model = Blip2QFormerModel(Blip2QFormerConfig(**_QFORMER))
    seed_weights(model, seed=5)
    with quiet_transformers():
        model.save_pretrained(path)
    generator = torch.Generator().manual_seed(5)
    own = {
        "query_tokens": torch.randn(1, NUM_QUERIES, DIM, generator=generator),
        "ln_vision.weight": torch.rand(WIDTH, generator=generator) + 0.5,
        "ln_vision.bias": torch.randn(WIDTH, generator=generator),
    }
    save_file(own, path / "query_tokens.safetensors")
    return path


def write_base_llm(path: Path, architecture: str = "llama", spare_rows: int = 0) -> Path:
    """A language model whose tokenizer knows no video tokens; its matrices may have more rows than it has tokens."""
    from transformers import AutoConfig, AutoModelForCausalLM

    from narrator_ray.model.tiny_random import new_tokenizer

    tokenizer = new_tokenizer()
    config = AutoConfig.for_model(
        architecture,
        vocab_size=len(tokenizer) + spare_rows,
        hidden_size=HIDDEN,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = AutoModelForCausalLM.from_config(config)
    seed_weights(model, seed=6)
    with quiet_transformers():
        model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def write_projection(path: Path) -> Path:
    """A directory with a projection that is not zero."""
    import numpy as np

    path.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    shapes = ((HIDDEN, DIM), (HIDDEN,), (NUM_POSITIONS, DIM))
    save_projection(path, *(rng.standard_normal(shape, dtype=np.float32) for shape in shapes))
    return path


def pack_attention(llm: Path) -> Path:
    """Turn a LLaMA directory into one of Baichuan's kind: query, key and value in one matrix."""
    tensors = load_file(llm / "model.safetensors")
    for name in [name for name in tensors if name.endswith("q_proj.weight")]:
        parts = [tensors.pop(name.replace("q_proj", part)) for part in ("q_proj", "k_proj", "v_proj")]
        tensors[name.replace("q_proj", "W_pack")] = torch.cat(parts)
    save_file(tensors, llm / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((llm / "config.json").read_text())
    (llm / "config.json").write_text(json.dumps({**config, "model_type": "baichuan"}))
    return llm
