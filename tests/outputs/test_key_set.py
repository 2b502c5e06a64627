"""KeySet: a set of keys that takes 16 bytes a key."""

import hashlib

from narrator_ray.outputs.key_set import KeySet


def key(number: int) -> str:
    """A key like any other."""
    return hashlib.sha256(b"%d" % number).hexdigest()[:32]


def test_it_holds_what_was_put_in_and_nothing_else():
    """Keys are found, others and texts that are no keys are not; each is held once."""
    keys = KeySet(key(number % 500) for number in range(1000))
    assert len(keys) == 500
    assert all(key(number) in keys for number in range(500))
    assert not any(key(number) in keys for number in range(500, 1000))
    assert "README" not in keys and None not in keys and key(1).upper() not in keys
    assert set(keys) == {key(number) for number in range(500)}


def test_keys_at_the_edges():
    """The lowest and highest keys, keys that share a half, and the empty set."""
    edges = ["0" * 32, "f" * 32, "0" * 31 + "1", "1" + "0" * 31, "f" * 16 + "0" * 16]
    keys = KeySet([*edges, "no key", ""])
    assert list(keys) == sorted(edges)
    assert all(edge in keys for edge in edges)
    assert "0" * 16 + "f" * 16 not in keys
    assert len(KeySet()) == 0 and key(1) not in KeySet()


def test_a_union_holds_both():
    """Keys of either set, each once."""
    both = KeySet(map(key, range(10))) | KeySet(map(key, range(5, 20)))
    assert set(both) == set(map(key, range(20)))
    assert len(both) == 20
