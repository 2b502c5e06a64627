"""Tiny random networks in the on-disk formats of the real ones."""

import json
from pathlib import Path

import torch

_WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"红色的杯子", *"abcdefghijklmnopqrstuvwxyz"]
_TEXT = {
    "vocab_size": len(_WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 16,
}
_PICTURES = {"size": {"height": 16, "width": 16}, "crop_size": {"height": 16, "width": 16}}


def save_bert(path: Path) -> None:
    """A BERT with its tokenizer."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    BertModel(BertConfig(**_TEXT)).save_pretrained(path)
    _save_tokenizer(path)


def save_chinese_clip(path: Path) -> None:
    """A Chinese-CLIP with tokenizer and image processor, 24 wide."""
    from transformers import ChineseCLIPConfig, ChineseCLIPModel

    torch.manual_seed(0)
    sides = dict.fromkeys(("hidden_size", "intermediate_size", "image_size"), 16)
    vision = {**sides, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 8}
    config = ChineseCLIPConfig(text_config=_TEXT, vision_config=vision, projection_dim=24)
    ChineseCLIPModel(config).save_pretrained(path)
    _save_tokenizer(path)
    processor = {"image_processor_type": "ChineseCLIPImageProcessor", "do_center_crop": True, **_PICTURES}
    (path / "preprocessor_config.json").write_text(json.dumps(processor))


def save_open_clip(path: Path) -> None:
    """An open_clip model directory, 24 wide."""
    from open_clip import CLIP
    from safetensors.torch import save_file

    torch.manual_seed(0)
    vision = {"image_size": 16, "patch_size": 8, "width": 16, "head_width": 8, "layers": 1}
    text = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    config = {"model_cfg": {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}, "preprocess_cfg": {"size": 16}}
    (path / "open_clip_config.json").write_text(json.dumps(config))
    weights = {name: tensor.contiguous() for name, tensor in CLIP(24, vision, text).state_dict().items()}
    save_file(weights, path / "open_clip_model.safetensors", metadata={"format": "pt"})


def _save_tokenizer(path: Path) -> None:
    (path / "vocab.txt").write_text("\n".join(_WORDS), encoding="utf-8")
    (path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
