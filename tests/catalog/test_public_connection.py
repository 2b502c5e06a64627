"""Which addresses are public, however they are written."""

import pytest

from narrator_ray.catalog.public_connection import AddressRefused, connect, is_public


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.0.0.7", False),
        ("172.16.3.4", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:a9fe:a9fe::1", False),
    ],
)
def test_addresses(address: str, expected: bool) -> None:
    """Private ones stay private inside IPv6."""
    assert is_public(address) is expected


def test_a_name_of_this_machine_is_refused() -> None:
    """Before anything is connected to."""
    with pytest.raises(AddressRefused, match=r"localhost is .*127\.0\.0\.1"):
        connect("localhost", 80, 1.0)
