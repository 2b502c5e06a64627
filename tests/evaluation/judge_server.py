"""A small endpoint that speaks chat completions, with faults on demand."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = int | str
"""An HTTP status to answer with, ``hang``, ``drop`` the connection, or ``garbage`` instead of an answer."""


class JudgeServer:
    """What the endpoint answers and what it was asked.

    Attributes:
        answer: The text of the answer to a request.
        faults: Taken one by one instead of answers, first of all.
        requests: Bodies of all requests.
        keys: The keys that were sent.
        most_at_once: Most requests that were under way at one time.
        closing: Set when the endpoint ends; requests that hang wait for it.
    """

    def __init__(self, answer: Callable[[dict], str]) -> None:
        self.answer = answer
        self.faults: deque[Fault] = deque()
        self.requests: list[dict] = []
        self.keys: set[str] = set()
        self.most_at_once = 0
        self.base_url = ""
        self.closing = threading.Event()
        self._lock, self._under_way = threading.Lock(), 0

    @contextmanager
    def under_way(self, request: dict, key: str) -> Iterator[Fault | None]:
        """Count a request, and give the fault that it meets."""
        with self._lock:
            self.requests.append(request)
            self.keys.add(key)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            fault = self.faults.popleft() if self.faults else None
        try:
            yield fault
        finally:
            with self._lock:
                self._under_way -= 1


@contextmanager
def judge_server(answer: Callable[[dict], str]) -> Iterator[JudgeServer]:
    """An endpoint on a free port of this machine, ended with the block."""
    judge = JudgeServer(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with judge.under_way(request, self.headers["Authorization"]) as fault:
                time.sleep(0.01)  # so that requests meet
                if fault == "hang":
                    judge.closing.wait(60)
                    self.close_connection = True
                elif fault == "drop":
                    self.close_connection = True
                elif isinstance(fault, int):
                    self._send(fault, {"error": {"message": f"fault {fault}"}})
                elif fault == "garbage":
                    self._send(200, {"surprise": True})
                else:
                    self._send(200, completion(judge.answer(request)))

        def _send(self, status: int, content: dict):
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if status >= 429:
                self.send_header("retry-after-ms", "10")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    judge.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield judge
    finally:
        judge.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def completion(text: str) -> dict:
    """An answer of seven tokens to a question of eleven."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
