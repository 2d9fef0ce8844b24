"""Every example of every help text is run, in a folder like the one it speaks of."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest
from tests.packs.local_hub import LocalHub
from tests.packs.published import vit_weights
from tests.packs.ready import colours
from tests.training import pets

from albumen.checkpoints import catalogue
from albumen.cli import main


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its full name, those of groups included."""
    found: list[tuple[str, click.Command]] = [("albumen", main.cli)]
    for name, entry in main.COMMANDS.items():
        module, attribute = entry.target.split(":")
        command = getattr(import_module(module), attribute)
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {word}", part) for word, part in command.commands.items()]
    return found


COMMANDS = commands()
LINES = [line for _, c in COMMANDS for line in getattr(c, "examples", "").splitlines()]
EXAMPLES = [pytest.param(line, id=line) for line in dict.fromkeys(LINES)]  # groups repeat some


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_every_help_ends_in_examples(name: str) -> None:
    command = dict(COMMANDS)[name]
    text = command.get_help(click.Context(command, info_name=name, **command.context_settings))
    _, _, examples = text.rpartition("\nExamples:\n")
    lines = examples.splitlines()
    assert lines
    assert all("albumen" in line for line in lines)


def examples_hub(folder: Path) -> LocalHub:
    """Small models by the names that examples fetch, on a hub of this machine."""
    colours(folder / "Xenova/clip-vit-base-patch32")
    vit = "google/vit-base-patch16-224"
    (folder / vit).mkdir(parents=True)
    vit_weights(folder / vit)
    entry = catalogue.find(vit)
    assert entry is not None
    assert entry.revision is not None
    return LocalHub(folder, revisions={vit: entry.revision})


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    server = examples_hub(tmp_path_factory.mktemp("hub"))
    yield server
    server.close()


@pytest.fixture
def work(
    request: pytest.FixtureRequest, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The folder whose `photos` the library knows; of the example's own, if it moves them."""
    example = request.node.callspec.params["example"]
    if example.startswith("albumen import"):
        assert main.run(["export", str(album.parent / "decisions.json")]) == 0
    if "--tag" in example:
        assert main.run(["tags", "add", str(album / "cat.png"), "cat"]) == 0
    if not example.startswith("albumen trash"):
        return album.parent
    shutil.copytree(album, tmp_path / "own" / "photos")
    monkeypatch.chdir(tmp_path / "own")
    assert main.run(["index", "photos", "--pack", "tiny", "--quiet"]) == 0
    if "restore" in example:
        assert main.run(["trash", "photos/coffee.png", "photos/2024/rocket.jpg", "--quiet"]) == 0
    return tmp_path / "own"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_runs(
    example: str,
    work: Path,
    tmp_path: Path,
    sample_photos: Path,
    wide_shard: Path,
    hub: LocalHub,
) -> None:
    user = tmp_path / "user"
    (user / ".config/fish/completions").mkdir(parents=True)
    shutil.copytree(work / "photos", user / "Pictures")
    shutil.copy(sample_photos / "chelsea.png", work / "photo.jpg")
    shutil.copy(wide_shard, work / "val-000.tar")
    if not (work / "pets").exists():
        pets.build(work / "pets")
        pets.captioned(work / "captioned.tar")
    program = Path(sys.executable).parent
    environment = {**os.environ, "HOME": str(user), "PATH": f"{program}:{os.environ['PATH']}"}
    environment.pop("DISPLAY", None)
    environment["HF_ENDPOINT"] = hub.endpoint
    done = subprocess.run(
        ["bash", "-c", example], cwd=work, env=environment, capture_output=True, text=True
    )
    expected = 1 if "--strict" in example else 0  # a broken photo lies in the folder
    assert done.returncode == expected, done.stderr
