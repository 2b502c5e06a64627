"""A headless Chromium, driven over the pipe of its DevTools protocol: what a page does, not what its source says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--window-size=1300,900",
    "--remote-debugging-pipe",
)


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """A browser with an empty profile in that directory and one page, ended with the block."""
    commands_in, commands = os.pipe()
    answers, answers_out = os.pipe()
    redirect = f'exec "$@" 3<&{commands_in} 4>&{answers_out}'
    process = subprocess.Popen(
        ["bash", "-c", redirect, "bash", EXECUTABLE, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(commands_in, answers_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        os.close(commands_in)
        os.close(answers_out)
        yield Page(commands, answers)
    finally:
        process.terminate()
        process.wait()
        os.close(commands)
        os.close(answers)


class Page:
    """A page of the browser.

    Attributes:
        messages: What the page logged or threw, and every dialog it opened.
        requests: Every address the page asked for, those inside the page (data:, blob:) left out.
    """

    def __init__(self, commands: int, answers: int):
        self.messages: list[str] = []
        self.requests: list[str] = []
        self._commands, self._answers = commands, answers
        self._number, self._buffer, self._session = 0, b"", None
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def open(self, path: Path):
        """Open a file of this machine and wait until its script has run."""
        self._call("Page.navigate", {"url": path.as_uri()})
        self.run("new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))")

    def allow_downloads(self, directory: Path):
        """Keep what the page saves in that directory."""
        self._call("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(directory)})

    def run(self, script: str):
        """Value of a JavaScript expression in the page; a promise is waited for."""
        parameters = {"expression": script, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self._call("Runtime.evaluate", parameters)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def _call(self, method, parameters=None):
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters or {}}
        if self._session is not None:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while (message := self._next_message()).get("id") != self._number:
            self._note(message)
        assert "error" not in message, message
        return message["result"]

    def _next_message(self):
        while b"\0" not in self._buffer:
            chunk = os.read(self._answers, 1 << 16)
            assert chunk, "the browser has ended"
            self._buffer += chunk
        first, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(first)

    def _note(self, message):
        name, parameters = message.get("method"), message.get("params", {})
        if name == "Network.requestWillBeSent":
            address = parameters["request"]["url"]
            self.requests += [] if address.startswith(("data:", "blob:")) else [address]
        elif name in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.messages.append(json.dumps(parameters))
        elif name == "Page.javascriptDialogOpening":
            self.messages.append(f"dialog: {parameters['message']}")
