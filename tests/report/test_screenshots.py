"""The page in a real browser: what it draws, what it asks for, how wide it is, with scripts and without.

Pictures of it are kept in the folder that RATCHET_SCREENSHOTS names, for people to look at.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.report.build import Report
from ratchet.io.pictures import draw_gain_by_cluster
from ratchet.io.render import render_html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER, reason="no chromium or google-chrome on PATH (Debian: apt-get install chromium)"),
]
WIDTHS = (1280, 375)
PATIENCE = 30.0
"""Seconds until a page that has not drawn its charts has failed."""
MOVE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Puts the pipes where Chromium reads and writes, and is Chromium from then on."""
ASKED = "Network.requestWillBeSent"
TROUBLE = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")


class Browser:
    """Chromium by its own protocol over two pipes: messages are JSON, each ended by a zero byte."""

    def __init__(self, profile: Path) -> None:
        ours, theirs = os.pipe(), os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (ours[0], theirs[1])]
        command = [
            sys.executable, "-c", MOVE, *map(str, ends), BROWSER, "--headless=new", "--disable-gpu",
            "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run", "about:blank",
        ]  # fmt: skip
        if os.geteuid() == 0:
            command.insert(-1, "--no-sandbox")
        self.process = subprocess.Popen(
            command, pass_fds=ends, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for end in (*ends, ours[0], theirs[1]):
            os.close(end)
        self.sink, self.source = os.fdopen(ours[1], "wb", buffering=0), os.fdopen(theirs[0], "rb")
        self.events: list[dict[str, Any]] = []
        self.asked = 0
        self.session = ""

    def open_tab(self) -> str:
        """An empty tab, which all calls go to from now on; what the last one told is forgotten."""
        self.session = ""
        target: str = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.events.clear()
        return target

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """What the browser answers; what it tells meanwhile is kept in `events`."""
        self.asked += 1
        message = {"id": self.asked, "method": method, "params": arguments}
        if self.session and not method.startswith(("Browser", "Target")):
            message["sessionId"] = self.session
        self.sink.write(json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self.asked:
            self.events.append(answer)
        if "error" in answer:
            raise LookupError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self.source.read(1)) != b"\0":
            if not byte:
                raise ConnectionError(f"{BROWSER} is gone")
            text += byte
        message: dict[str, Any] = json.loads(text)
        return message

    def value(self, expression: str) -> Any:
        """What the page says."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait for the page to say yes."""
        end = time.monotonic() + PATIENCE
        while not self.value(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def seen(self, *methods: str) -> list[dict[str, Any]]:
        """What happened, of these kinds."""
        return [event["params"] for event in self.events if event["method"] in methods]

    def close(self) -> None:
        """End it."""
        self.call("Browser.close")
        self.process.wait(PATIENCE)
        self.sink.close()
        self.source.close()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests: it takes seconds to start."""
    found = Browser(tmp_path_factory.mktemp("profile"))
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser with an empty tab."""
    target = chromium.open_tab()
    yield chromium
    chromium.call("Target.closeTarget", targetId=target)


@pytest.fixture(scope="module")
def page(reports: dict[str, Report], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The address of a case's page."""
    folder = tmp_path_factory.mktemp("pages")
    import numpy as np

    draw_gain_by_cluster(folder / "gain.png", ["a", "b"], np.array([0.1, -0.1]), "champion")

    def write(case: str) -> str:
        path = folder / f"{case}.html"
        path.write_text(render_html(reports[case], folder), encoding="utf-8")
        return path.as_uri()

    return write


def look(browser: Browser, address: str, width: int) -> None:
    """Open the page as wide as a screen or a phone, and wait until its charts are drawn."""
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    browser.call("Page.navigate", url=address)
    browser.until("document.readyState === 'complete'")


def keep(browser: Browser, name: str) -> None:
    if folder := os.environ.get("RATCHET_SCREENSHOTS"):
        shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(shot))


DRAWN = "document.querySelectorAll('[data-chart] svg.marks').length"
BROKEN = "[...document.images].filter(image => !image.complete || !image.naturalWidth).length"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOLD = "document.querySelector('tbody tr').getBoundingClientRect().top"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", ["promote-everything", "hold-everything", "reject-no-comparison", "promote-first"])
def test_the_page_is_whole(browser: Browser, page: Callable[[str], str], case: str, width: int) -> None:
    """All charts are drawn, no picture is broken, nothing is wider than the screen, and nothing complains."""
    look(browser, page(case), width)
    charts = browser.value("document.querySelectorAll('[data-chart]').length")
    assert charts == {"promote-everything": 7, "hold-everything": 6}.get(case, 0)
    browser.until(f"{DRAWN} === {charts}")
    keep(browser, f"{case}-{width}")
    assert browser.value("document.images.length") == 1
    assert browser.value(BROKEN) == 0
    assert browser.value(OVERFLOW) <= 0
    assert browser.seen(*TROUBLE) == []
    assert {event["request"]["url"].split(":")[0] for event in browser.seen(ASKED)} <= {"file", "data"}


@pytest.mark.parametrize(("width", "fold"), [(1280, 500), (375, 800)])
def test_verdict_and_metrics_are_above_the_fold(
    browser: Browser, page: Callable[[str], str], width: int, fold: int
) -> None:
    """Who opens the page sees the metrics' first rows without scrolling."""
    look(browser, page("hold-everything"), width)
    assert browser.value(FOLD) < fold


def test_hovering_shows_the_value(browser: Browser, page: Callable[[str], str]) -> None:
    """The mouse on a point of the history shows its batch and its value."""
    look(browser, page("promote-everything"), 1280)
    browser.until(f"{DRAWN} === 7")
    browser.value("document.querySelector('.history').scrollIntoView({block: 'center'})")
    x, y = browser.value(
        "(() => { const box = document.querySelector('.history .mark-symbol.role-mark path').getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2] })()"
    )
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x - 9, y=y)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    browser.until("!!document.querySelector('#vg-tooltip-element.visible')")
    assert "2013-03" in browser.value("document.querySelector('#vg-tooltip-element').textContent")


def test_a_click_on_the_legend_leaves_one_model(browser: Browser, page: Callable[[str], str]) -> None:
    """The other line becomes faint."""
    faint = "document.querySelectorAll('.roc .mark-line path[opacity=\"0.12\"]').length"
    look(browser, page("promote-everything"), 1280)
    browser.until(f"{DRAWN} === 7")
    browser.value("document.querySelector('.roc').scrollIntoView({block: 'center'})")
    assert browser.value(faint) == 0
    x, y = browser.value(
        "(() => { const box = document.querySelectorAll('.roc .role-legend-symbol path')[1].getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2] })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    browser.until(f"{faint} === 1")


def test_without_scripts_the_pictures_are_still_there(browser: Browser, page: Callable[[str], str]) -> None:
    """Each chart has a still picture that loads, and the page is no wider for it."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    look(browser, page("promote-everything"), 375)
    browser.until("document.images.length === 8")
    browser.until(f"{BROKEN} === 0")
    keep(browser, "no-scripts-375")
    assert browser.value(DRAWN) == 0
    assert browser.value(OVERFLOW) <= 0
