"""`albumen train`: what it prints, what it refuses, and that it can be gone on with."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.training.pets import build, captioned

from albumen.training import log

QUICK = ("--model", "convnet-8", "--size", "16", "--epochs", "2", "--batch", "8")


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return build(tmp_path / "pets", each=6)


def test_a_classifier_becomes_a_pack_that_classifies(albumen, pets: Path) -> None:
    done = albumen("train", "classifier", pets, *QUICK, "--to-pack", "pets", "--json")
    assert done.code == 0, done.err
    assert done.json["classes"] == ["cat", "coffee"]
    assert done.json["test"] == 2
    assert (pets.parent / "runs/classifier/report.html").exists()
    said = albumen("classify", pets / "cat/0.png", "--pack", "pets", "--json")
    assert {label["label"] for label in said.json["labels"]} == {"cat", "coffee"}


def test_progress_and_what_was_left_out_are_told_on_stderr(albumen, pets: Path) -> None:
    (pets / "cat/5.png").write_bytes(b"no picture")
    done = albumen("train", "classifier", pets, *QUICK)
    assert done.code == 0, done.err
    assert "of 2 pictures to judge by are right" in done.out
    assert "Training: 2 of 2" in done.err
    assert "Skipped: cat/5.png: " in done.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere is not there; give a folder with one folder a class, or .tar"),
        (["pets", "--model", "resnet19"], "has 6n + 2 layers"),
        (["pets", "--probe", "starter", "--model", "convnet"], "leave out --model"),
        (["pets", "--recipe", "best"], "there is no recipe 'best'"),
        (["pets", "--to-pack", "a/b/c"], "'a/b/c' is no name for a pack"),
        (["pets", "--from", "nowhere"], "nowhere: there is no such file or folder"),
        (
            ["pets", "--learning-rate", "1e9", "--optimizer", "sgd", "--clip", "0"],
            "the loss became",
        ),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    albumen, pets: Path, arguments: list[str], told: str
) -> None:
    quick = [] if "--model" in arguments or "--from" in arguments else ["--model", "convnet-8"]
    rest = ["--size", "16", "--batch", "4", "--quiet"]
    done = albumen("train", "classifier", *arguments, *quick, *rest)
    assert done.code in (2, 3)
    last = done.err.splitlines()[-1]
    assert last.startswith("albumen: ")
    assert told in last


OWN = """
from albumen.models.clip import CLIPConfig, TextConfig
from albumen.models.resnet import ResNetConfig
from albumen.training import captioned
from albumen.training.captioned import CaptionedMaterial, Shown
from albumen.training.loop import LoopConfig
from albumen.training.towers import Held, Plan, TowersConfig

TEXT = TextConfig(vocabulary=300, context=16, width=64, layers=1, heads=1, end_id=2)
CLIP = CLIPConfig(16, ResNetConfig(widths=(8, 16), depths=(1, 1)), TEXT)


def small(data):
    found = captioned.read(data, 36, data.parent / "read")
    rows, held = captioned.split(found)
    tokenizer = captioned.train_tokenizer(["part of a cat", "a rocket"], 300)
    material = CaptionedMaterial(found, rows, tokenizer, Shown(8, 0, ((2, 32),), 16, 0), None)
    texts = tuple(captioned.text_of(found, row) for row in held)
    loop = LoopConfig(100, 1e-3, warmup=1, log_every=1)
    config = TowersConfig(loop, CLIP, name=loop)
    return Plan(material, config, tokenizer, 32, Held(found.pixels[held], texts), len(rows))
"""


def test_a_recipe_of_ones_own_ends_as_the_others_do(albumen, pets: Path) -> None:
    (pets.parent / "mine.py").write_text(OWN)
    shard = captioned(pets.parent / "pieces.tar")
    command = ["train", "clip", shard, "--recipe", "mine:small", "--steps", "3"]
    done = albumen(*command, "--name", "0", "--json")
    assert done.code == 0, done.err
    assert (done.json["train"], done.json["test"]) == (34, 2)
    again = albumen(*command, "--name", "2")
    assert again.code == 0, again.err
    assert "Training, name: 2 of 2" in again.err
    assert "Training, match" not in again.err
    page = (pets.parent / "runs/clip/report.html").read_text()
    assert "A CLIP of mine:small" in page
    assert "Curves of the stage name" in page
    for wrong in (["--size", "64"], ["--teacher", "starter"], ["--see", "5"]):
        assert albumen(*command, *wrong).code == 2
    other = albumen(*command[:-1], "5", "--name", "2")
    assert "holds a run with steps 3, not 5; choose another folder" in other.err


def program(pets: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "albumen.cli.main", "train", "classifier", str(pets)]
    return subprocess.Popen(
        [*command, *QUICK[:4], "--batch", "8", *arguments],
        env=os.environ | environment,
        cwd=pets.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_it_has_a_checkpoint(process: subprocess.Popen[str], pets: Path) -> None:
    limit = time.monotonic() + 400
    while not (pets.parent / "runs/classifier/last.safetensors").exists():
        assert time.monotonic() < limit
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)


def test_ctrl_c_saves_and_the_same_command_goes_on(albumen, pets: Path) -> None:
    process = program(pets, "--epochs", "100000")
    until_it_has_a_checkpoint(process, pets)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=100)
    assert process.returncode == 130, told
    assert "Note: stopped; the same command goes on from where runs/classifier stands" in told
    process = program(pets, "--epochs", "100000")
    line = process.stderr.readline()
    while "going on at step" not in line:
        assert line, "it ended"
        line = process.stderr.readline()
    process.kill()
    process.communicate()


CLASSIFIER = ("classifier", "--epochs", "3", "--model", "convnet-8", "--size", "16", "--batch", "8",
              "--optimizer", "sgd", "--mixup", "1", "--precision", "32-true")  # fmt: skip
FINGERPRINT = ("fingerprint", "--steps", "3", "--batch", "8", "--size", "32")


@pytest.mark.long
@pytest.mark.parametrize(("task", "apart"), [(CLASSIFIER, 1e-4), (FINGERPRINT, 5e-2)])
def test_two_processes_learn_what_one_learns(
    pets: Path, task: tuple[str, ...], apart: float
) -> None:
    for count in (1, 2):
        command = [sys.executable, "-m", "albumen.cli.main", "train", task[0], str(pets), *task[1:]]
        several = ["--processes", str(count), "--run", str(count)]
        done = subprocess.run([*command, *several], cwd=pets.parent, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (pets.parent / str(count) / "report.html").exists()
    one, two = (log.read(pets.parent / str(count) / "log.csv") for count in (1, 2))
    assert len(one) == len(two) >= 3
    for alone, together in zip(one, two, strict=True):
        # The fingerprint learns in bfloat16 where the processor has it, which rounds to 3 digits.
        assert together["loss"] == pytest.approx(alone["loss"], rel=apart)


@pytest.mark.long
def test_a_process_that_is_killed_is_told_of(pets: Path) -> None:
    process = program(pets, "--epochs", "100000", "--processes", "2", "--quiet")
    until_it_has_a_checkpoint(process, pets)
    children = subprocess.check_output(["pgrep", "-P", str(process.pid)], text=True).split()
    os.kill(int(children[-1]), signal.SIGKILL)
    _, told = process.communicate(timeout=200)
    assert process.returncode == 3
    assert "process 2 of 2 was ended by SIGKILL (too little memory, perhaps)" in told
    assert "the same command goes on from the last checkpoint" in told.splitlines()[-1]
