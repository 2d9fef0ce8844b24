"""The promises of the design that no single room keeps alone.

Durability and failures of single stages are tested in tests/library/, packs in tests/packs/.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

JOURNEY = """
import sys
from pathlib import Path
from albumen.cli.main import run

photos, pack, shard = sys.argv[1:4]
one, other = sorted(map(str, Path(photos).glob("*.png")))[:2]
for command in (
    ["index", photos, "--pack", pack, "--quiet"],
    ["index", photos, "--quiet"],
    ["search", "red"],
    ["search", "--like", one, "--not", "blue"],
    ["search", "green", "--sheet", "sheet.html"],
    ["show", one],
    ["classify", photos, "--pack", pack, "--labels", "red, green", "--quiet"],
    ["evaluate", shard, "--pack", pack, "--quiet"],
    ["problems"], ["stats"], ["packs", "list"], ["packs", "list", "--available"],
    ["packs", "verify", pack], ["packs", "use", pack], ["doctor"], ["trash", "list"],
    ["tags", "add", one, "Rosie"], ["tags", "show", one], ["tags", "list"],
    ["tags", "apply", "--quiet"], ["tags", "remove", one, "Rosie"],
    ["duplicates", "decide", one, other, "--not-duplicates"],
    ["export", "decisions.json"], ["import", "decisions.json"],
):
    code = run(command)
    assert code == 0, (command, code)
assert run(["duplicates"]) == 1  # there are none
"""

THERE_AND_BACK = """
pictures = sorted(str(path) for path in Path(photos).iterdir())
assert run(["trash", *pictures]) == 0
assert not any(Path(photos).iterdir())
assert run(["index", photos, "--quiet"]) == 0
assert run(["trash", "restore", *(str(id + 1) for id in range(len(pictures)))]) == 0
"""

WATCHED = """
import sys

def watch(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        print("NETWORK", event, arguments[1:], file=sys.stderr)

sys.addaudithook(watch)
"""


@pytest.fixture
def photos(sample_photos: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg", "horse.png", "multipage.tif"):
        shutil.copy(sample_photos / name, folder / name)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    return folder


@pytest.fixture
def way(photos: Path, tiny_pack: Path, wide_shard: Path) -> tuple[Path, ...]:
    """What the journey is given: photos, a pack, and a shard to evaluate the pack on."""
    return photos, tiny_pack, wide_shard


def journey(
    script: str, way: tuple[Path, ...], **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, way)]
    variables = {**os.environ, **environment}
    place = way[0].parent
    done = subprocess.run(command, cwd=place, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def test_nothing_asks_for_the_network(way: tuple[Path, ...]) -> None:
    done = journey(WATCHED + JOURNEY, way)
    assert "NETWORK" not in done.stderr


def test_a_beacon_would_be_noticed(way: tuple[Path, ...]) -> None:
    beacon = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()"
    done = journey(WATCHED + beacon, way)
    assert "NETWORK" in done.stderr


def state(folder: Path) -> dict[str, tuple]:
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None,
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            {name: os.getxattr(path, name) for name in os.listxattr(path)}
            if hasattr(os, "listxattr")
            else None,
        )
        for path in [folder, *sorted(folder.rglob("*"))]
    }


def test_originals_stay_as_they_are(way: tuple[Path, ...]) -> None:
    photos = way[0]
    before = state(photos)
    journey(JOURNEY, way)
    assert state(photos) == before


def test_what_was_trashed_and_put_back_is_as_it_was(way: tuple[Path, ...], tmp_path: Path) -> None:
    photos = way[0]
    if hasattr(os, "setxattr"):
        os.setxattr(photos / "coffee.png", "user.rating", b"5")
    (photos / "rocket.jpg").chmod(0o640)
    before = state(photos)
    journey(JOURNEY + THERE_AND_BACK, way, XDG_DATA_HOME=str(tmp_path / "data"))
    after = state(photos)
    assert before.pop(".")[2:] == after.pop(".")[2:]  # files came and went: its time has changed
    assert after == before


def test_nothing_is_written_but_in_the_library_and_where_one_says(
    way: tuple[Path, ...], tmp_path: Path
) -> None:
    for name in ("user", "temporary"):
        (tmp_path / name).mkdir()
    places = {
        "HOME": "user",
        "XDG_DATA_HOME": "user",
        "XDG_CACHE_HOME": "user",
        "TMPDIR": "temporary",
    }
    journey(
        JOURNEY, way, PYTHONDONTWRITEBYTECODE="1",
        **{variable: str(tmp_path / name) for variable, name in places.items()},
    )  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "decisions.json", "photos", "sheet.html", "temporary", "user",
    ]  # fmt: skip
    assert not any((tmp_path / "user").iterdir())
    assert not any((tmp_path / "temporary").iterdir())


def test_import_albumen_brings_nothing_heavy() -> None:
    script = "import sys, albumen; print(*sorted(sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    heavy = {"torch", "onnxruntime", "numpy", "PIL", "click", "rich", "fastapi"}
    assert not heavy & set(loaded)


def test_a_search_in_words_opens_no_torch_and_no_picture_decoder(way: tuple[Path, ...]) -> None:
    script = """
import sys
from albumen.cli.main import run
photos, pack = sys.argv[1:3]
run(["search", "red", "--pack", pack])
print(*sorted(sys.modules))
"""
    journey(JOURNEY, way)
    loaded = journey(script, way).stdout.splitlines()[-1].split()
    assert not {"torch", "simplejpeg", "pi_heif", "rich", "exifread"} & set(loaded)
