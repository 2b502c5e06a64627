"""Small tokenizers of several families, trained on the spot."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

ENGLISH = (
    "The bottle keeps your drink cold for twenty-four hours, even in the sun.",
    "It's made of steel: 1.5 litres, 20% off, only $30 today!",
    "Order today and the second one is half price. Isn't that a café offer?",
)
CHINESE = (
    "这款台灯的光线柔和，晚上看书写字眼睛也不累。",
    "杯子采用双层不锈钢，热水放一整天还是温的！",
    "面料柔软透气，颜色鲜亮，洗了很多次也不会褪色，你喜欢吗？",
)


def _wrap(tokenizer):
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>")


def byte_level(texts, vocab_size=700):
    """Byte-level BPE; a character without merges takes several tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<unk>", "</s>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _wrap(tokenizer)


def greedy_bytes(texts):
    r"""Byte-level BPE whose merges cross word, punctuation and line borders: tokens such as ``e b`` and ``.\n``."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=["<unk>", "</s>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([f"{text}\n" for text in texts] * 3, trainer)
    return _wrap(tokenizer)


def sentencepiece_bpe(texts):
    """LLaMA's form: ``▁`` for spaces and a token for every byte as a fallback."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=800, special_tokens=["<unk>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    vocab, merges = _parts(tokenizer)
    vocab.update({token: len(vocab) + index for index, token in enumerate(fallback)})
    tokenizer.model = models.BPE(vocab=vocab, merges=merges, byte_fallback=True, unk_token="<unk>")
    return _wrap(tokenizer)


def _parts(tokenizer):
    import json

    model = json.loads(tokenizer.to_str())["model"]
    return dict(model["vocab"]), [tuple(merge) for merge in model["merges"]]


def unigram(texts):
    """A sentencepiece unigram model with Metaspace."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=500, special_tokens=["<unk>", "</s>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(texts * 20, trainer)
    return _wrap(tokenizer)
