"""The wheel works outside the checkout, without PyTorch, and stays small."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
LIMIT = 250_000_000  # bytes that the plain install may add to a fresh environment


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bytes_in(folder: Path) -> int:
    return sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `python -m build` makes it: a source distribution, and the wheel of that."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, PROJECT, cwd=folder)
    return next(folder.glob("albumen-*.whl"))


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A fresh environment with the wheel alone, and the bytes that the install added."""
    folder = tmp_path_factory.mktemp("fresh") / "env"
    venv.create(folder, with_pip=True, symlinks=True)
    before = bytes_in(folder)
    constraints = PROJECT / "constraints.txt"
    install = ["-m", "pip", "install", "--quiet", "--constraint", constraints, wheel]
    run(folder / "bin/python", *install, cwd=folder)
    return folder, bytes_in(folder) - before


def test_the_plain_install_is_small_and_brings_no_pytorch(fresh: tuple[Path, int]) -> None:
    folder, added = fresh
    assert added < LIMIT, f"the plain install adds {added / 1e6:.0f} MB"
    assert not list(folder.glob("lib/python*/site-packages/torch*"))


def test_the_installed_wheel_indexes_and_searches(
    fresh: tuple[Path, int], sample_photos: Path, tmp_path: Path
) -> None:
    albumen = fresh[0] / "bin/albumen"
    home = {"ALBUMEN_HOME": str(tmp_path / "home")}
    lines = run(albumen, "index", sample_photos, "--json", cwd=tmp_path, **home).splitlines()
    assert json.loads(lines[-1])["indexed"] > 20
    asked = ("search", "a cat", "--all", "--json", "-n", "3")
    found = json.loads(run(albumen, *asked, cwd=tmp_path, **home))
    assert "chelsea.png" in [Path(result["path"]).name for result in found["results"]]


def test_the_wheel_carries_the_licence_and_the_notice_of_the_weights(
    fresh: tuple[Path, int],
) -> None:
    licences = next(fresh[0].glob("lib/python*/site-packages/albumen-*.dist-info/licenses"))
    names = {str(p.relative_to(licences)) for p in licences.rglob("*") if p.is_file()}
    cards = {f"src/albumen/packs/{pack}/CARD.md" for pack in ("starter", "fingerprint")}
    assert names == {"LICENSE", *cards}
