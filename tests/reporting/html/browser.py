"""A headless Chromium, driven through its debugging pipe: no port, no library."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: How long an answer may take; a busy machine needs some of it.
_SECONDS = 60.0
_FLAGS = (
    "--headless",
    "--no-sandbox",  # the pages are ours, and a container's user is often root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
#: Chromium reads from 3 and writes to 4, whatever numbers the pipes have here.
_LAUNCH = """
import os, sys
high = [os.dup2(int(end), 100 + place) for place, end in enumerate(sys.argv[1:3])]
os.dup2(high[0], 3)
os.dup2(high[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class _Gone(AssertionError):
    """The page refused a command, maybe since another one is about to take its place."""


def _loaded(loader: str) -> dict[str, str]:
    return {"name": "load", "loaderId": loader}


class Browser:
    """A browser with one page.

    `requests` are the addresses it asked for, `faults` what it wrote to its console.
    """

    def __init__(self, profile: Path, *, wide: int = 1280, high: int = 900) -> None:
        program = next(filter(None, map(shutil.which, _NAMES)), None)
        if program is None:
            pytest.skip(f"no Chromium here: none of {', '.join(_NAMES)} is on PATH")
        its_input, self._output = os.pipe()
        self._input, its_output = os.pipe()
        ends = (str(its_input), str(its_output))
        begin = (sys.executable, "-c", _LAUNCH, *ends, program)
        command = [*begin, *_FLAGS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [*command, f"--window-size={wide},{high}", "about:blank"],
            pass_fds=(its_input, its_output),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_input)
        os.close(its_output)
        self._number, self._rest = 0, b""
        self._events: deque[dict[str, Any]] = deque()
        self._session = ""
        self.requests: list[str] = []
        self.faults: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Page.setLifecycleEventsEnabled", enabled=True)
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=wide,
            height=high,
            deviceScaleFactor=1,
            mobile=False,
        )

    def close(self) -> None:
        """End the browser."""
        self._process.kill()
        self._process.wait()
        os.close(self._input)
        os.close(self._output)

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send a command and return what it answers."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self._output, rest) :]
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise _Gone(answer["error"])
                return answer["result"]
            self._events.append(answer)

    def wait_for(self, method: str) -> dict[str, Any]:
        """Return the parameters of the next event of a kind."""
        while True:
            event = self._events.popleft() if self._events else self._read()
            if event.get("method") == method:
                found: dict[str, Any] = event["params"]
                return found

    def open(self, address: str) -> None:
        """Load a page, until all that belongs to it is there."""
        self._events.clear()
        loader = self.ask("Page.navigate", url=address)["loaderId"]
        # A page that was left while it loaded itself anew may still tell of that.
        while (event := self.wait_for("Page.lifecycleEvent")) != {**event, **_loaded(loader)}:
            pass

    def run(self, script: str) -> Any:
        """Run a script in the page and return its value, as JSON knows it; promises are awaited."""
        done = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in done:
            raise _Gone(done["exceptionDetails"])
        return done["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until an expression is true in the page, also over its loading itself anew."""
        end = time.monotonic() + _SECONDS
        while True:
            try:
                # With every frame that it draws.
                if self.run(
                    "new Promise((done) => { let left = 60; const look = () => {"
                    f" if ({condition}) done(true); else if (left-- > 0)"
                    " requestAnimationFrame(look);"
                    " else done(false); }; look(); })"
                ):
                    return
            except _Gone:
                pass
            assert time.monotonic() < end, f"it never came true that {condition}"

    def press(self, key: str, text: str = "") -> None:
        """Press a key, such as Enter."""
        code = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowRight": 39, "Tab": 9}.get(key, 0)
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = "\r" if key == "Enter" else text
        self.ask(
            "Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common
        )
        self.ask("Input.dispatchKeyEvent", type="keyUp", **common)

    def click(self, x: float, y: float) -> None:
        """Move the mouse to a place of the window and click."""
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def shot(self, path: Path) -> None:
        """Write a picture of the window."""
        data = self.ask("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._input], [], [], _SECONDS)
            assert ready, f"Chromium said nothing for {_SECONDS:.0f} seconds"
            part = os.read(self._input, 1 << 16)
            assert part, "Chromium has ended"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        self._note(found)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown":
                self.faults.append(json.dumps(parameters["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.faults.append(json.dumps(parameters["args"]))
            case "Log.entryAdded":
                self.faults.append(json.dumps(parameters["entry"]))
