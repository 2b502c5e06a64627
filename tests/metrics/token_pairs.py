"""Candidates and references as the released code compared them."""

from narrator_ray.metrics.captions import Tokens
from tests.metrics.golden import recorded


def recorded_pairs() -> list[tuple[Tokens, Tokens]]:
    """Tokens of candidate and reference of every clip that was scored, in the order of the recorded scores."""
    tokens = recorded("out_tokens.json.gz")
    keys = recorded("expected_caption.json.gz")["keys"]
    return [(tuple(map(str, tokens[key]["0.1"])), tuple(map(str, tokens[key]["gt"]))) for key in keys]
