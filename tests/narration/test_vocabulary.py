"""Tokens as bytes, whatever family their tokenizer is of."""

import pytest
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from narrator_ray.errors import ModelLoadError
from narrator_ray.narration.vocabulary import Vocabulary
from tests.narration.tokenizers_on_the_spot import CHINESE, ENGLISH, byte_level, greedy_bytes, sentencepiece_bpe

TEXT = "The bottle keeps 24 hours. 面料柔软！"


@pytest.mark.parametrize("make", [byte_level, greedy_bytes, sentencepiece_bpe])
def test_the_bytes_of_tokens_are_the_bytes_of_the_text(make):
    """Encoding a text and joining its tokens' bytes gives the text back."""
    tokenizer = make(ENGLISH + CHINESE)
    vocabulary = Vocabulary.of(tokenizer, len(tokenizer))
    written = vocabulary.text(tokenizer.encode(TEXT, add_special_tokens=False))
    assert written.decode().lstrip() == TEXT


def test_special_and_added_tokens_say_nothing():
    """They cannot be written, and end-of-text stops."""
    tokenizer = byte_level(ENGLISH)
    tokenizer.add_tokens(["<vid_patch>"], special_tokens=True)
    tokenizer.add_tokens(["<note>"])
    vocabulary = Vocabulary.of(tokenizer, len(tokenizer) + 2)
    silent = tokenizer.convert_tokens_to_ids(["<vid_patch>", "<note>", "</s>", "<unk>"])
    assert [vocabulary.tokens[index] for index in (*silent, len(tokenizer), len(tokenizer) + 1)] == [b""] * 6
    assert tokenizer.eos_token_id in vocabulary.stop_ids


def test_line_breaks_stop():
    """Every token that begins with one, and further ids that the model names."""
    tokenizer = greedy_bytes(ENGLISH)
    vocabulary = Vocabulary.of(tokenizer, len(tokenizer), end_ids=[7])
    line_break = vocabulary.tokens.index(b"\n")
    assert {line_break, 7, tokenizer.eos_token_id} <= set(vocabulary.stop_ids.tolist())


def test_text_is_spelled_in_one_token_or_in_bytes():
    """The final mark of a tokenizer that never saw Chinese takes three tokens."""
    tokenizer = byte_level(ENGLISH)
    vocabulary = Vocabulary.of(tokenizer, len(tokenizer))
    assert len(vocabulary.spell(".")) == 1
    assert vocabulary.text(vocabulary.spell("。")) == "。".encode()
    assert len(vocabulary.spell("。")) == 3


def test_a_model_with_fewer_outputs_than_tokens_is_refused():
    """Some tokens could never be written."""
    tokenizer = byte_level(ENGLISH)
    with pytest.raises(ModelLoadError, match="outputs"):
        Vocabulary.of(tokenizer, len(tokenizer) - 1)


def test_other_families_are_refused():
    """WordPiece does not say where spaces are."""
    backend = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    backend.decoder = decoders.WordPiece()
    with pytest.raises(ModelLoadError, match="WordPiece"):
        Vocabulary.of(PreTrainedTokenizerFast(tokenizer_object=backend), 2)


def test_a_tokenizer_that_cannot_end_a_line_is_refused():
    """Decoding could never stop by itself."""
    backend = Tokenizer(models.BPE({"a": 0, ".": 1}, []))
    with pytest.raises(ModelLoadError, match="ends a text or a line"):
        Vocabulary.of(PreTrainedTokenizerFast(tokenizer_object=backend), 2)
