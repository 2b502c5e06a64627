"""VideoNarrator: visual tokens replace placeholders, and nothing else changes."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.narrator import END_TOKEN, PATCH_TOKEN, START_TOKEN, VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model


@pytest.fixture(scope="module")
def directory():
    """The tiny random model."""
    return prepare_model(find_preset("tiny-random")).path


@pytest.fixture(scope="module")
def narrator(directory) -> VideoNarrator:
    """Loaded once."""
    return VideoNarrator.load(directory)


def ids_with(narrator: VideoNarrator, num_patches: int) -> torch.Tensor:
    """A short text around a visual span."""
    text = f"scene: {START_TOKEN}{PATCH_TOKEN * num_patches}{END_TOKEN}\nmore"
    return torch.tensor(narrator.tokenizer.encode(text, add_special_tokens=False))


def test_each_visual_token_is_projected_with_its_position(narrator):
    """P(f) + P(e): the projector is applied twice, bias included."""
    tokens = torch.randn(5, narrator.projector.in_features)
    weight, bias = narrator.projector.weight, narrator.projector.bias
    place = narrator.position_embedding.weight[42]
    expected = tokens @ weight.T + place @ weight.T + 2 * bias
    torch.testing.assert_close(narrator.embed_visual(tokens, 42), expected)
    torch.testing.assert_close(narrator.embed_visual(tokens, None), tokens @ weight.T + bias)


def test_exactly_the_placeholders_are_replaced(narrator):
    """Start, end and text keep their own embeddings."""
    ids = ids_with(narrator, 4)
    visual = torch.randn(4, narrator.token_embedding.embedding_dim)
    embedded = narrator.embed(ids, [visual])
    is_patch = ids == narrator.patch_id
    assert is_patch.sum() == 4
    torch.testing.assert_close(embedded[is_patch], visual)
    torch.testing.assert_close(embedded[~is_patch], narrator.token_embedding(ids[~is_patch]))


def test_a_wrong_number_of_visual_tokens_is_refused(narrator):
    """Nothing is dropped or repeated silently."""
    with pytest.raises(ValueError, match="4 <vid_patch> placeholders, but 3 visual tokens"):
        narrator.embed(ids_with(narrator, 4), [torch.zeros(3, narrator.token_embedding.embedding_dim)])


def test_the_visual_tokens_of_a_batch_stay_in_their_rows(narrator):
    """Rows are filled one after another, each span by its own vectors."""
    short, long = ids_with(narrator, 2), ids_with(narrator, 3)
    padded = torch.cat([short, short.new_full((len(long) - len(short),), narrator.tokenizer.pad_token_id)])
    width = narrator.token_embedding.embedding_dim
    visual = [torch.randn(2, width), torch.randn(3, width)]
    together = narrator.embed(torch.stack([padded, long]), visual)
    torch.testing.assert_close(together[0, : len(short)], narrator.embed(short, visual[:1]))
    torch.testing.assert_close(together[1], narrator.embed(long, visual[1:]))
    with pytest.raises(ValueError, match=r"spans of \[2, 3\] placeholders, but \[3, 2\] visual tokens"):
        narrator.embed(torch.stack([padded, long]), visual[::-1])


def test_a_placeholder_outside_a_span_is_refused(narrator):
    """Visual tokens have one place only."""
    ids = ids_with(narrator, 2)
    ids = torch.cat([ids, ids.new_tensor([narrator.patch_id])])
    with pytest.raises(ValueError, match="stands elsewhere than between <vid_start> and <vid_end>"):
        narrator.embed(ids, [torch.zeros(3, narrator.token_embedding.embedding_dim)])


def test_gradients_reach_projector_and_position(directory):
    """The visual path can be trained while the language model stays as it is."""
    narrator = VideoNarrator.load(directory).train()
    trained = (narrator.projector.weight, narrator.projector.bias, narrator.position_embedding.weight)
    for weight in trained:
        weight.requires_grad_()
    ids = ids_with(narrator, 4)
    embedded = narrator.embed(ids, [narrator.embed_visual(torch.randn(4, narrator.projector.in_features), 7)])
    narrator(embedded[None], labels=ids[None]).loss.backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in trained)
    assert narrator.token_embedding.weight.grad is None


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_another_adapter_can_be_given(narrator, directory, tmp_path):
    """It changes what is computed, and nothing on disk."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    llm = AutoModelForCausalLM.from_pretrained(directory / "llm")
    config = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    get_peft_model(llm, config).save_pretrained(tmp_path / "adapter")
    ids = torch.tensor(narrator.tokenizer.encode("a warm mug"))
    with_adapter = VideoNarrator.load(directory, adapter=tmp_path / "adapter")
    difference = with_adapter(with_adapter.embed(ids)[None]).logits - narrator(narrator.embed(ids)[None]).logits
    assert difference.abs().max() > 1e-4
    with pytest.raises(ModelLoadError, match="nothing: not a PEFT adapter"):
        VideoNarrator.load(directory, adapter=tmp_path / "nothing")


def test_what_is_seen_changes_what_is_predicted(narrator):
    """The visual path reaches the logits."""
    ids = ids_with(narrator, 4)
    tokens = torch.randn(2, 4, narrator.projector.in_features)
    logits = [narrator(narrator.embed(ids, [narrator.embed_visual(seen, 10)])[None]).logits for seen in tokens]
    assert (logits[0] - logits[1]).abs().max() > 1e-4


def test_text_alone_gives_the_language_models_own_logits(narrator):
    """Without a visual span the wrapper adds nothing."""
    ids = torch.tensor(narrator.tokenizer.encode("a warm mug"))
    torch.testing.assert_close(narrator(narrator.embed(ids)[None]).logits, narrator.llm(ids[None]).logits)


def test_parts_that_do_not_fit_are_refused(directory, tmp_path):
    """A projection for another model is an error that says so."""
    copy = tmp_path / "model"
    copy.mkdir()
    (copy / "llm").symlink_to(directory / "llm")
    tensors = load_file(directory / "projection.safetensors")
    tensors["projector.weight"] = tensors["projector.weight"][:-1].contiguous()
    tensors["projector.bias"] = tensors["projector.bias"][:-1].contiguous()
    save_file(tensors, copy / "projection.safetensors")
    with pytest.raises(ModelLoadError, match="projector"):
        VideoNarrator.load(copy)


def test_a_missing_directory_is_refused(tmp_path):
    """The message names the place."""
    with pytest.raises(ModelLoadError, match=str(tmp_path)):
        VideoNarrator.load(tmp_path)
