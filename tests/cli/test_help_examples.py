"""Every example of every help text is run, in a folder like the one it speaks of."""

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

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
EXAMPLES = [
    pytest.param(line, id=line)
    for _, command in COMMANDS
    for line in getattr(command, "examples", "").splitlines()
]


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_every_help_ends_in_examples(name: str) -> None:
    command = dict(COMMANDS)[name]
    text = command.get_help(click.Context(command, info_name=name))
    _, _, examples = text.rpartition("\nExamples:\n")
    lines = examples.splitlines()
    assert lines
    assert all("albumen" in line for line in lines)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_runs(
    example: str, album: Path, tmp_path: Path, sample_photos: Path, wide_shard: Path
) -> None:
    user = tmp_path / "user"
    (user / ".config/fish/completions").mkdir(parents=True)
    shutil.copytree(album, user / "Pictures")
    work = album.parent  # where `photos` are those that the library knows
    shutil.copy(sample_photos / "chelsea.png", work / "photo.jpg")
    shutil.copy(wide_shard, work / "val-000.tar")
    program = Path(sys.executable).parent
    environment = {**os.environ, "HOME": str(user), "PATH": f"{program}:{os.environ['PATH']}"}
    environment.pop("DISPLAY", None)
    done = subprocess.run(
        ["bash", "-c", example], cwd=work, env=environment, capture_output=True, text=True
    )
    expected = 1 if "--strict" in example else 0  # a broken photo lies in the folder
    assert done.returncode == expected, done.stderr
