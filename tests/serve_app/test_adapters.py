"""A voice for every brand: a request is narrated with the adapter it names; unknown ones are told apart."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from narrator_ray.model.presets import prepare_model
from narrator_ray.narration.read_request import num_equal
from serve_app.narrator import Narrator
from tests.model.test_resident_adapters import write_adapter
from tests.serve_app.ground import TINY, endpoint, tiny_settings


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_a_request_is_narrated_with_the_adapter_it_names(film: bytes, tmp_path: Path) -> None:
    """Beside others that name none or another, and with a key of its own."""
    llm = prepare_model(TINY).path / "llm"
    places = {
        name: str(write_adapter(llm, tmp_path / name, seed, lora_alpha=64)) for seed, name in enumerate(("a", "b"))
    }
    settings = {"settings": {"model": {"adapters": places}}}
    narrator = Narrator(TINY, tiny_settings(**settings).config, "cpu")
    with endpoint(narrator=narrator, **settings) as ground, ThreadPoolExecutor(4) as clients:
        results = [ground.narrate(film, adapter=name).json() for name in ("", "a", "b", "a")]
        together = list(clients.map(lambda name: ground.narrate(film, adapter=name).json(), ("", "a", "b", "a")))
        unknown = ground.narrate(film, adapter="c")
        assert ground.client.get("/v1/models").json()["models"][0]["adapters"] == ["a", "b"]
    told, told_together = (
        [" ".join(clip["narration"] for clip in result["narrations"]) for result in each]
        for each in (results, together)
    )
    assert [closest(text, told[:3]) for text in told_together] == [0, 1, 2, 1]
    assert len(set(told)) == len({result["key"] for result in results}) == 3
    assert told[1] == told[3]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_adapter")
    assert "there are: a, b" in unknown.json()["detail"]


def closest(text: str, others: Sequence[str]) -> int:
    """Which text begins most like another: random weights like many words as well, and neighbours move the last bit."""
    return max(range(len(others)), key=lambda place: num_equal(text, others[place]))
