"""What `import covary` does not do."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Any

import pytest

PROBE = """
import json, sys, threading
import numpy
from pathlib import Path

def tasks():
    folder = Path("/proc/self/task")
    return len(list(folder.iterdir())) if folder.exists() else threading.active_count()

events = []
def hear(event, arguments):
    if event.startswith(("socket.", "os.fork", "subprocess.")):
        events.append(event)

modules, threads = set(sys.modules), tasks()
sys.addaudithook(hear)
{statement}
print(json.dumps({{"modules": sorted(set(sys.modules) - modules), "threads": tasks() - threads, "events": events}}))
"""


def probe(statement: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)], capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_import_brings_no_slow_module() -> None:
    brought = {module.partition(".")[0] for module in probe("import covary")["modules"]}
    slow = {"cv2", "scipy", "yaml", "torch", "simplejpeg", "soundfile", "soxr", "rich", "typer", "skimage", "PIL"}
    assert "covary" in brought
    assert not brought & slow


def test_operations_on_sound_bring_no_slow_module_and_none_that_is_not_used() -> None:
    brought = probe("from covary import audio; audio.Gain(); dir(audio); audio.Room")["modules"]
    assert "covary.ops.audio.level" in brought and "covary.ops.audio.stretch" not in brought
    assert not {module.partition(".")[0] for module in brought} & {"cv2", "scipy", "soundfile", "soxr", "yaml"}


def test_mixers_bring_no_slow_module() -> None:
    brought = {module.partition(".")[0] for module in probe("import covary; covary.mix.MixUp()")["modules"]}
    assert not brought & {"cv2", "scipy", "yaml", "torch", "simplejpeg"}


def test_import_of_text_brings_no_slow_module_and_no_data() -> None:
    brought = {module.partition(".")[0] for module in probe("import covary; covary.text.RandomSwap")["modules"]}
    assert not brought & {"cv2", "scipy", "yaml", "torch", "lemminflect", "sentencex", "spacy", "transformers", "gzip"}


ROOMS = ("audio", "image", "mix", "spectrogram", "text")


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_one_module_under_both_names(room: str) -> None:
    public, home = f"covary.{room}", f"covary.ops.{room}"
    for first, second in ((public, home), (home, public)):
        done = probe(
            f"import {first}, {second}; assert {first} is {second} is covary.{room} is sys.modules[{public!r}]"
        )
        assert home in done["modules"]
    module = importlib.import_module(public)
    assert module.__name__ == home
    assert module.__all__


def test_import_of_rooms_by_name_brings_no_slow_module() -> None:
    brought = {module.partition(".")[0] for module in probe("import covary.text, covary.audio")["modules"]}
    assert not brought & {"cv2", "scipy", "yaml", "torch", "soundfile", "soxr", "lemminflect", "sentencex", "gzip"}


def test_import_starts_no_thread_and_opens_no_socket() -> None:
    result = probe("import covary")
    assert result["threads"] == 0
    assert result["events"] == []


def test_the_probe_hears_a_thread() -> None:
    assert probe("import threading; threading.Timer(0.5, print).start()")["threads"] == 1


def test_the_probe_hears_a_socket() -> None:
    assert probe("import socket; socket.socket().close()")["events"] != []
