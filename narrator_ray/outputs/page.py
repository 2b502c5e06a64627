"""One self-contained HTML file that opens from disk and requests nothing: how its parts come together safely.

Names, texts and details of whatever a page shows are untrusted: they reach it escaped by the template, or as JSON that
the script shows as text only, and a content security policy lets nothing but the page's own script and style run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_JSON_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def render_page(template: str, styles: Sequence[str], scripts: Sequence[str], **values: Any) -> str:
    """A page as the text of an HTML file, to be written as UTF-8.

    Args:
        template: Name of a file in ``templates/``, which places ``policy``, ``style`` and ``script``.
        styles: Names of style sheets there, one after another.
        scripts: Names of scripts there, which share one scope.
        values: Whatever else the template shows.
    """
    style = "".join(map(_template_text, styles))
    script = '(() => {\n"use strict";\n' + "\n".join(map(_template_text, scripts)) + "})();\n" if scripts else ""
    environment = Environment(
        loader=PackageLoader("narrator_ray.outputs"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(
        policy=_security_policy(script, style),
        style=Markup(style),  # noqa: S704 - files of this package
        script=Markup(script),  # noqa: S704 - files of this package
        **values,
    )


def json_text(value: Any) -> Markup:
    """JSON for a ``<script type="application/json">`` block: no character in it can end the block."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.translate(_JSON_ESCAPES))  # noqa: S704 - "<", ">" and "&" are written as \\uXXXX


def base64_text(data: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(data).decode("ascii")


def _template_text(name: str) -> str:
    return resources.files("narrator_ray.outputs").joinpath("templates", name).read_text(encoding="utf-8")


def _security_policy(script: str, style: str) -> str:
    """Nothing may be loaded but what is in the page or, for media and pictures, on the reader's own disk."""
    local = "data: blob: file:"
    return (
        f"default-src 'none'; script-src {_hash_source(script)}; style-src {_hash_source(style)}; img-src {local}; "
        f"media-src 'self' {local}; base-uri 'none'; form-action 'none'"
    )


def _hash_source(content: str) -> str:
    return f"'sha256-{base64_text(hashlib.sha256(content.encode()).digest())}'"
