"""`albumen packs add` and `packs pull`, as a person uses them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.packs.local_hub import LocalHub
from tests.packs.ready import colours

from albumen.cli.main import run

CLIP = "Xenova/clip-vit-base-patch32"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    colours(tmp_path / "hub" / CLIP)
    server = LocalHub(tmp_path / "hub")
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    yield server
    server.close()


def home() -> Path:
    return Path(os.environ["ALBUMEN_HOME"])


def left() -> list[str]:
    """Names of files in the library's folder that are no parts of a download."""
    return [path.name for path in home().rglob("*") if path.is_file() and path.suffix != ".part"]


def test_a_pack_of_the_hub_is_added_listed_checked_and_used(
    server: LocalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["packs", "add", CLIP, "--name", "colours"]) == 0
    told = capsys.readouterr()
    assert "colours is here: clip" in told.out
    assert "albumen packs use colours" in told.out
    assert f"fetching {CLIP}" in told.err
    assert "Note: no hash of" in told.err
    assert run(["packs", "verify", "colours"]) == 0
    capsys.readouterr()
    assert run(["packs", "list", "--json"]) == 0
    listed = {pack["name"]: pack for pack in json.loads(capsys.readouterr().out)}
    said = listed["colours"]
    assert (said["kind"], said["licence"]["id"]) == ("clip", "Apache-2.0")
    assert said["precision"]["towers"].keys() == {"image", "text"}
    assert {"image", "text"} <= said["precision"]["verified"].keys()
    assert run(["packs", "use", "colours"]) == 0


def spoil(server: LocalHub, how: str) -> None:
    folder = server.folder / CLIP
    if how == "no network":
        server.close()
    elif how == "a wrong hash":
        server.damaged.add("onnx/vision_model.onnx")
    elif how == "a missing file":
        (folder / "tokenizer.json").unlink()
    elif how == "a file gone meanwhile":
        server.hidden.add("tokenizer.json")
    elif how == "no space":
        server.claimed["onnx/text_model.onnx"] = 10**15
    elif how == "a connection that drops":
        server.drop_after["onnx/text_model.onnx"], server.for_ever = 0, True


@pytest.mark.parametrize(
    ("how", "advice"),
    [
        ("no network", "check the network"),
        ("a wrong hash", "run the same command again"),
        ("a missing file", "choose another repository"),
        ("a file gone meanwhile", "try again later"),
        ("no space", "make room"),
        ("a connection that drops", "run the same command again"),
    ],
)
def test_what_goes_wrong_is_one_line_with_advice_and_leaves_nothing(
    server: LocalHub,
    how: str,
    advice: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client waits between its tries
    spoil(server, how)
    assert run(["packs", "add", CLIP, "--name", "colours", "--quiet"]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert advice in told.err
    packs = home() / "packs"
    assert not packs.exists() or list(packs.iterdir()) == []


def test_a_dropped_connection_is_no_failure_when_it_comes_back(server: LocalHub) -> None:
    server.drop_after["onnx/vision_model.onnx"] = 100
    assert run(["packs", "add", CLIP, "--name", "colours", "--quiet"]) == 0
    assert run(["packs", "verify", "colours"]) == 0


def test_names_that_the_catalogue_lacks_are_answered_with_those_it_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["packs", "pull", "someone/unknown"]) == 3
    assert "google/vit-base-patch16-224" in capsys.readouterr().err
    assert run(["packs", "pull", "resnet20-12fca82f.th"]) == 3
    assert "packs add resnet20-12fca82f.th --name" in capsys.readouterr().err


def test_ctrl_c_leaves_no_half_pack(server: LocalHub) -> None:
    server.stall.add("onnx/text_model.onnx")
    program = [sys.executable, "-m", "albumen.cli.main", "packs", "add", CLIP, "--name", "colours"]
    running = subprocess.Popen(program, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not server.stalled.wait(0.1):
        assert time.monotonic() < deadline
        assert running.poll() is None, running.stderr.read()
    running.send_signal(signal.SIGINT)
    _, error = running.communicate(timeout=30)
    assert running.returncode == 130
    assert error.splitlines()[-1] == "albumen: stopped"
    assert not any((home() / "packs").rglob("*.onnx"))
    assert list((home() / "packs").iterdir()) == []
    server.stall.clear()
    assert run(["packs", "add", CLIP, "--name", "colours", "--quiet"]) == 0
