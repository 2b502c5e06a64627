"""An HTTP proxy in front of an S3 server that does to requests what networks and busy services do, and counts them.

Which request meets which fault depends on the seed, the request and how often it was made, not on the order in which
threads happen to come.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
NOT_IMPLEMENTED = b"<Error><Code>NotImplemented</Code><Message>A header is not implemented.</Message></Error>"
_OF_ONE_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "expect"})


class Fault(StrEnum):
    """What may happen to a request."""

    SLOW_DOWN = "503 SlowDown, nothing done"
    NOT_IMPLEMENTED = "501 NotImplemented, nothing done"
    RESET = "connection reset, nothing done"
    LOST_ANSWER = "done, then connection reset before the answer"
    STALL = "silence before the answer"
    STALL_INSIDE = "silence in the middle of the answer, or before one without a body"
    CUT_ANSWER = "connection closed in the middle of the answer, or before one without a body"
    SHORT_ANSWER = "half an answer that says it is whole"
    CUT_REQUEST = "connection reset in the middle of the request"


@dataclass
class Seen:
    """A request that came by.

    Attributes:
        method: GET, PUT, …
        key: Bucket and key.
        query: Parameters.
        fault: What happened to it.
        num_bytes: Bytes of the body that have been sent in answer.
    """

    method: str
    key: str
    query: dict[str, list[str]]
    fault: Fault | None
    num_bytes: int = 0


@dataclass
class _Order:
    fault: Fault
    method: str
    part: str
    times: int


class FaultyProxy(ThreadingHTTPServer):
    """The proxy. Use :func:`faulty_proxy`.

    Attributes:
        stall_s: Length of a silence.
        seen: All requests so far.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: str, shares: Mapping[Fault, float], seed: int, stall_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.stall_s = stall_s
        self.seen: list[Seen] = []
        self._shares = shares
        self._seed = seed
        self._times: Counter[str] = Counter()
        self._orders: list[_Order] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def order(self, fault: Fault, method: str, part: str = "", times: int = 1) -> None:
        """Let the next requests of that method, whose path or query has that part, meet a fault."""
        self._orders.append(_Order(fault, method, part, times))

    def forget(self) -> None:
        """Start anew: no requests seen, no orders."""
        with self._lock:
            self.seen.clear()
            self._orders.clear()
            self._times.clear()

    def fate_of(self, method: str, path: str) -> Fault | None:
        """The fault that the request is to meet."""
        with self._lock:
            for order in self._orders:
                if order.times and order.method == method and order.part in path:
                    order.times -= 1
                    return order.fault
            request = f"{method} {path}"
            self._times[request] += 1
            draw = random.Random(f"{self._seed} {request} {self._times[request]}").random()
        for fault, share in self._shares.items():
            if draw < share:
                return fault
            draw -= share
        return None

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go whenever they like."""


class _Handler(BaseHTTPRequestHandler):
    """Hands one request on, in its own way."""

    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def do_GET(self) -> None:
        """Any request."""
        fault = self.server.fate_of(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        seen = Seen(self.command, unquote(parts.path).strip("/"), query, fault)
        self.server.seen.append(seen)
        seen.num_bytes = self._answer(fault, body)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, fault: Fault | None, body: bytes) -> int:
        if fault in (Fault.SLOW_DOWN, Fault.NOT_IMPLEMENTED):
            is_busy = fault is Fault.SLOW_DOWN
            return self._send(503 if is_busy else 501, {}, SLOW_DOWN if is_busy else NOT_IMPLEMENTED)
        if fault is Fault.RESET or (fault is Fault.CUT_REQUEST and not body):
            return self._reset()
        if fault is Fault.CUT_REQUEST:
            with closing(self._forward(body[: len(body) // 2])):
                return self._reset()
        with closing(self._forward(body)) as upstream:
            response = upstream.getresponse()
            answer = response.read()
        if not answer:
            fault = {Fault.CUT_ANSWER: Fault.LOST_ANSWER, Fault.STALL_INSIDE: Fault.STALL}.get(fault, fault)
        if fault is Fault.LOST_ANSWER:
            return self._reset()
        if fault is Fault.STALL:
            time.sleep(self.server.stall_s)
        left_out = _OF_ONE_HOP if self.command == "HEAD" else _OF_ONE_HOP | {"content-length"}
        headers = {name: value for name, value in response.getheaders() if name.lower() not in left_out}
        return self._send(response.status, headers, answer, fault)

    def _forward(self, body: bytes) -> HTTPConnection:
        """The request on its way; a body shorter than announced stays so."""
        upstream = HTTPConnection(self.server.upstream, timeout=60)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _OF_ONE_HOP:
                upstream.putheader(name, value)
        upstream.endheaders(body)
        return upstream

    def _send(self, status: int, headers: Mapping[str, str], body: bytes, fault: Fault | None = None) -> int:
        half = len(body) // 2
        announced = half if fault is Fault.SHORT_ANSWER else len(body)
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(announced))
        self.end_headers()
        if self.command == "HEAD":
            return 0
        if fault in (Fault.SHORT_ANSWER, Fault.CUT_ANSWER):
            self.wfile.write(body[:half])
            self.close_connection |= fault is Fault.CUT_ANSWER
            return half
        self.wfile.write(body[:half])
        if fault is Fault.STALL_INSIDE:
            self.wfile.flush()
            time.sleep(self.server.stall_s)
        self.wfile.write(body[half:])
        return len(body)

    def _reset(self) -> int:
        """Close at once, so that the client is sent a reset rather than an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            self.connection.close()
        self.close_connection = True
        return 0


@contextmanager
def faulty_proxy(
    upstream: str, shares: Mapping[Fault, float] | None = None, seed: int = 0, stall_s: float = 1.5
) -> Iterator[FaultyProxy]:
    """A proxy at work.

    Args:
        upstream: URL of the S3 server.
        shares: Share of the requests that meet a fault, by fault.
        seed: Which ones.
        stall_s: Length of a silence.
    """
    proxy = FaultyProxy(upstream, shares or {}, seed, stall_s)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
