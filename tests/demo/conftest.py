"""Films of the storefront."""

from tests.storefront_films import films, split_films

__all__ = ["films", "split_films"]
