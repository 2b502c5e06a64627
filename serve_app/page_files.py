"""The page's files, read once. Everything that the page loads is among them."""

from __future__ import annotations

from functools import cache
from importlib import resources

_TYPES = {"html": "text/html; charset=utf-8", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
INDEX = "index.html"


@cache
def page_files() -> dict[str, tuple[bytes, str]]:
    """Content and media type of every file, by name."""
    folder = resources.files("serve_app") / "page"
    return {file.name: (file.read_bytes(), _TYPES[file.name.rpartition(".")[2]]) for file in folder.iterdir()}
