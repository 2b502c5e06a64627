"""Whatever the OpenAPI document allows, and what it forbids, is answered as it says: no 5xx, nothing undocumented.

Requests are made by schemathesis, the same ones every time. Where a film or a result is asked for, a real one is given
half of the time, or everything would end at its first check.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serve_app.asked import FIELDS
from tests.serve_app.ground import PRODUCT, Ground, application, endpoint, site

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MOST_EXAMPLES = 30
WITHOUT_LIMITS = {"requests_per_minute": 10**6, "max_jobs": 10**6}
WITH_BODY = [
    ("POST", "/v1/narrations"),
    ("POST", "/v1/narrations/{name}/clips/{index}:rewrite"),
    ("POST", "/v1/jobs"),
    ("POST", "/v1/lengths"),
    ("POST", "/v1/subtitles"),
]
WITHOUT_BODY = [
    ("GET", "/v1/narrations/{name}"),
    ("GET", "/v1/jobs/{name}"),
    ("POST", "/v1/jobs/{name}:cancel"),
    ("GET", "/v1/models"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
]
"""Nothing that is sent to these is against the document: any text is a name."""
ALLOWED, FORBIDDEN = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
TRIED = [(*operation, ALLOWED) for operation in WITH_BODY + WITHOUT_BODY]
TRIED += [(*operation, FORBIDDEN) for operation in WITH_BODY]


@dataclass(frozen=True)
class Served:
    """An endpoint, and what it can be asked for.

    Attributes:
        address: Of the endpoint.
        schema: Its document.
        film: A video that can be narrated.
        names: Of a result and of a job that there are, by the beginning of their paths.
    """

    address: str
    schema: Any
    film: bytes
    names: dict[str, str]

    def cases(self, operation: Any, mode: GenerationMode) -> st.SearchStrategy[Any]:
        """Requests of one operation; half of them with a film, or the name of something that there is."""
        known = {"name": next((own for path, own in self.names.items() if operation.path.startswith(path)), "")}
        if "{name}" in operation.path:
            return operation.as_strategy(mode) | operation.as_strategy(mode, path_parameters=known)
        made = operation.as_strategy(mode)
        return made | made.map(self._with_film) if operation.path in self.names else made

    def _with_film(self, case: Any) -> Any:
        if isinstance(case.body, dict):
            case.body = case.body | {"video": self.film}
        return case


@pytest.fixture(scope="module")
def served(film: bytes) -> Iterator[Served]:
    """An endpoint on this machine, with a result and a job."""
    with application(access=WITHOUT_LIMITS) as app, site(app) as address:
        form = {"data": {"product": PRODUCT}, "files": {"video": film}}
        names = {}
        for path in ("/v1/narrations", "/v1/jobs"):
            names[path] = requests.post(address + path, **form, timeout=60).json()["id"]
        document = requests.get(f"{address}/openapi.json", timeout=60).json()
        yield Served(address, schemathesis.openapi.from_dict(document), film, names)


def test_all_operations_are_tried(served: Served) -> None:
    """Those of the document."""
    paths = served.schema.raw_schema["paths"]
    assert sorted(WITH_BODY + WITHOUT_BODY) == sorted(
        (method.upper(), path) for path, own in paths.items() for method in own
    )


@pytest.mark.parametrize(("method", "path", "mode"), TRIED)
def test_every_answer_is_as_the_document_says(served: Served, method: str, path: str, mode: GenerationMode) -> None:
    """Status, media type, headers and body."""
    operation = served.schema[path][method]

    @settings(max_examples=MOST_EXAMPLES, derandomize=True, database=None)
    @given(served.cases(operation, mode))
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=served.address, checks=CHECKS, timeout=60)

    ask()


@pytest.fixture(scope="module")
def patient() -> Iterator[Ground]:
    """An endpoint that minds no number of requests."""
    with endpoint(access=WITHOUT_LIMITS) as unlimited:
        yield unlimited


NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 1e300])
TEXTS = st.text(max_size=20) | st.sampled_from(["\ud800", "\x00", "sore point", "<vid_patch>", "Clip 1/2", "商品"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
PRODUCTS = VALUES | st.fixed_dictionaries({"name": TEXTS}, optional={"knowledge": VALUES})


@settings(max_examples=150, derandomize=True, database=None)
@given(
    product=PRODUCTS,
    fields=st.dictionaries(st.sampled_from(FIELDS[1:]), VALUES | st.lists(st.lists(NUMBERS, max_size=3)), max_size=3),
)
def test_any_json_in_a_field_is_looked_at_or_refused(patient: Ground, film: bytes, product: Any, fields: Any) -> None:
    """Never an error that nobody foresaw."""
    texts = {name: json.dumps(value) for name, value in {"product": product, **fields}.items()}
    answer = patient.narrate(film[:64] + bytes(5000), **texts)
    assert answer.status_code in (404, 422), answer.text
    assert answer.json()["code"] in ("invalid_request", "unknown_adapter", "video_unreadable")
