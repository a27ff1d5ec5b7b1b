"""The recording in the README plays every scene, shows nothing private, and was filmed when nothing moved."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any, Final

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.demo.film import recording
from tests.demo.scenes import TOURS, Frame, Scene
from tests.demo.steady import until_still
from tests.tui.screenshots import FOLDER, RECORDING

FILE: Final = FOLDER / f"{RECORDING}.svg"

LARGEST: Final = 400 * 1024


def test_it_is_small_and_plays_every_scene() -> None:
    text = FILE.read_text(encoding="utf-8")
    scenes = [scene for _, scenes in TOURS for scene in scenes if scene.seconds]
    assert len(text) < LARGEST
    assert len(re.findall(r"@keyframes k\d+\{", text)) == len(scenes)
    groups = [each for each in ElementTree.fromstring(text) if each.get("class") == "f"]
    assert [each.get("id") for each in groups] == [f"f{number}" for number in range(len(scenes))]
    words = [" ".join("".join(each.itertext()).split()) for each in groups]
    for scene, said in zip(scenes, words, strict=True):
        assert " ".join(scene.words.split()) in said
    assert "It works" not in text and "<script" not in text and "http-equiv" not in text


def test_it_shows_no_key_and_nothing_of_this_machine() -> None:
    text = FILE.read_text(encoding="utf-8").replace("&#160;", " ")
    assert "sk-demo" not in text and "hvs." not in text and "/tmp/" not in text
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", text)) == {"44300", "48200"}


def test_frames_follow_each_other_without_a_gap() -> None:
    made = recording([Frame("", Scene((), "one", 1)), Frame("", Scene(name="picture")), Frame("", Scene((), "two", 3))])
    assert "animation:4s step-end infinite" in made
    assert "@keyframes k0{0%{visibility:visible}25.000%{visibility:hidden}}" in made
    assert "@keyframes k1{0%{visibility:hidden}25.000%{visibility:visible}}" in made


class Restless(App[None]):
    """Comes to rest after some time: by steps that follow each refresh, or by work in the background."""

    def __init__(self, steps: int, *, by_worker: bool) -> None:
        super().__init__()
        self.steps = steps
        self.by_worker = by_worker
        self.at = 0

    def compose(self) -> ComposeResult:
        yield Static("0", id="at")

    def key_x(self) -> None:
        if self.by_worker:
            self.run_worker(self.work_on())
        else:
            self.step()

    async def work_on(self) -> None:
        import asyncio

        while self.at < self.steps:
            await asyncio.sleep(0.01)
            self.show()

    def step(self) -> None:
        self.show()
        if self.at < self.steps:
            self.call_after_refresh(self.step)

    def show(self) -> None:
        self.at += 1
        self.query_one("#at", Static).update(str(self.at))


@pytest.mark.parametrize("by_worker", [False, True], ids=["after refreshes", "in the background"])
async def test_nothing_is_filmed_before_it_stands_still(by_worker: bool) -> None:
    app = Restless(25, by_worker=by_worker)
    async with app.run_test(size=(20, 5)) as pilot:
        shown: list[Any] = []

        def look() -> str:
            shown.append(app.at)
            return app.export_screenshot(simplify=True)

        await pilot.press("x")
        drawn = await until_still(app, pilot, look)
        assert app.at == 25 and ">25<" in drawn.replace("&#160;", ""), shown
