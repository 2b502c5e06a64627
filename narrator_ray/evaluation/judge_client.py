"""Asks a language model behind any OpenAI-compatible endpoint: many questions at once, each answered as JSON or not.

An answer that is not what was asked for is counted as malformed and never guessed at. Answers are kept by what was
asked, so that a second evaluation asks only what is new. Knows nothing of what the questions mean.
"""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from narrator_ray.config import JudgeSettings, StorageSettings
from narrator_ray.errors import ConfigError
from narrator_ray.outputs.keys import content_key
from narrator_ray.records import JsonDict
from narrator_ray.storage import Storage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

CACHE_FORMAT = "narrator-ray.judge-answer/1"
_TOKENS_PER_PRICE = 1e6
_PASSING = (408, 409)
"""Statuses that are tried again, besides 429 and those of the endpoint's own faults."""
_NO_KEY = "none"
"""What endpoints without keys are sent; the client wants to send something."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a question.

    Attributes:
        jpeg: The file.
    """

    jpeg: bytes

    def __repr__(self) -> str:
        return f"Picture({len(self.jpeg)} bytes)"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        instruction: What the model is to do.
        parts: What it is to do it with.
        answer: What an answer must look like.
    """

    instruction: str
    parts: tuple[str | Picture, ...]
    answer: type[BaseModel]

    def request(self, model: str, max_tokens: int) -> JsonDict:
        """The body of a request."""
        schema = {"name": self.answer.__name__, "schema": self.answer.model_json_schema(), "strict": True}
        return {
            "model": model,
            "messages": [
                {"role": "system", "content": self.instruction},
                {"role": "user", "content": [_part(part) for part in self.parts]},
            ],
            "response_format": {"type": "json_schema", "json_schema": schema},
            "temperature": 0,
            "max_tokens": max_tokens,
        }


@dataclass(slots=True)
class JudgeUsage:
    """What asking took.

    Attributes:
        asked: Questions that went to the endpoint.
        cached: Questions whose answers were kept from before.
        retries: Requests that were repeated.
        malformed: Answers that were not what was asked for.
        failed: Questions without an answer after all attempts.
        tokens_in: Tokens asked.
        tokens_out: Tokens answered.
        last_error: Why the last question failed.
    """

    asked: int = 0
    cached: int = 0
    retries: int = 0
    malformed: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    last_error: str = ""

    def to_json(self, settings: JudgeSettings) -> JsonDict:
        """Counts, and the cost where there are prices."""
        cost = (self.tokens_in * settings.price_in + self.tokens_out * settings.price_out) / _TOKENS_PER_PRICE
        counts = {name: getattr(self, name) for name in self.__slots__ if name != "last_error"}
        return counts | ({"cost": cost} if settings.price_in or settings.price_out else {})


class JudgeClient:
    """A model that answers questions.

    Args:
        settings: Which model, and how it is asked.
        storage: How S3 is spoken, where answers are kept there.

    Raises:
        ConfigError: The settings name no endpoint or no model, or the client is not installed.
    """

    def __init__(self, settings: JudgeSettings, storage: StorageSettings) -> None:
        if not settings.base_url or not settings.model:
            raise ConfigError("needs a judge: set judge.base_url and judge.model")
        if find_spec("openai") is None:
            raise ConfigError("needs the openai client: pip install 'narrator-ray[judge]'")
        self.usage = JudgeUsage()
        self._settings = settings
        self._cache = Storage.open(settings.cache, storage) if settings.cache else None

    def ask(self, questions: Sequence[Question]) -> list[BaseModel | None]:
        """Answers in the order of the questions; None where there is none or it is malformed.

        Raises:
            ConfigError: The endpoint refuses the key, the model or the request, which no repetition would change.
        """
        try:
            return asyncio.run(self._ask_all(questions))
        except BaseExceptionGroup as group:  # of tasks, the first of which failed
            raise group.exceptions[0] from group

    async def _ask_all(self, questions: Sequence[Question]) -> list[BaseModel | None]:
        from openai import AsyncOpenAI

        key = os.environ.get(self._settings.api_key_variable) or _NO_KEY
        room = asyncio.Semaphore(self._settings.max_concurrent)
        async with AsyncOpenAI(
            api_key=key,
            base_url=self._settings.base_url,
            timeout=self._settings.timeout_s,
            max_retries=self._settings.max_attempts - 1,
        ) as client:

            async def in_turn(question: Question) -> BaseModel | None:
                async with room:
                    return await self._ask_one(client, question)

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(in_turn(question)) for question in questions]
        return [task.result() for task in tasks]

    async def _ask_one(self, client: AsyncOpenAI, question: Question) -> BaseModel | None:
        request = question.request(self._settings.model, self._settings.max_answer_tokens)
        key = content_key(CACHE_FORMAT, base_url=self._settings.base_url, request=request)
        kept = await asyncio.to_thread(self._kept, key)
        if kept is not None:
            self.usage.cached += 1
            return question.answer.model_validate_json(kept)
        text = await self._answer(client, request)
        if text is None:
            return None
        try:
            answer = question.answer.model_validate_json(text)
        except ValidationError:
            self.usage.malformed += 1
            return None
        await asyncio.to_thread(self._keep, key, text)
        return answer

    async def _answer(self, client: AsyncOpenAI, request: JsonDict) -> str | None:
        """The text of an answer; None where none came."""
        import openai

        self.usage.asked += 1
        try:
            response = await client.chat.completions.with_raw_response.create(**request)
            self.usage.retries += response.retries_taken
            completion: Any = response.parse()
            text = completion.choices[0].message.content
        except (openai.APITimeoutError, openai.APIConnectionError, openai.RateLimitError) as error:
            self._note_failure(error)
            return None
        except openai.APIStatusError as error:
            if error.status_code < 500 and error.status_code not in _PASSING:
                raise ConfigError(f"the judge at {self._settings.base_url} refuses: {error}") from error
            self._note_failure(error)
            return None
        except (openai.APIError, AttributeError, IndexError, TypeError, ValueError):  # an answer of no such form
            self.usage.malformed += 1
            return None
        if completion.usage is not None:
            self.usage.tokens_in += completion.usage.prompt_tokens
            self.usage.tokens_out += completion.usage.completion_tokens
        return text or ""

    def _note_failure(self, error: Exception) -> None:
        self.usage.failed += 1
        self.usage.retries += self._settings.max_attempts - 1
        self.usage.last_error = str(error)

    def _kept(self, key: str) -> str | None:
        if self._cache is None or not self._cache.exists(_path(key)):
            return None
        text: str = json.loads(self._cache.read(_path(key)))["answer"]
        return text

    def _keep(self, key: str, text: str) -> None:
        if self._cache is not None:
            self._cache.write(_path(key), json.dumps({"format": CACHE_FORMAT, "answer": text}).encode())


def _path(key: str) -> str:
    return f"{key[:2]}/{key}.json"


def _part(part: str | Picture) -> JsonDict:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{b64encode(part.jpeg).decode()}"}}
