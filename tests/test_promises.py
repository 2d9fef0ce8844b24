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

photos, pack = sys.argv[1:3]
for command in (
    ["index", photos, "--pack", pack, "--quiet"],
    ["index", photos, "--quiet"],
    ["search", "red"],
    ["search", "--like", str(next(Path(photos).glob("*.png"))), "--not", "blue"],
    ["search", "green", "--sheet", "sheet.html"],
    ["show", str(next(Path(photos).glob("*.png")))],
    ["problems"], ["stats"], ["packs", "list"], ["packs", "verify", pack], ["doctor"],
):
    code = run(command)
    assert code == 0, (command, code)
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


def journey(script: str, photos: Path, pack: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, str(photos), str(pack)]
    done = subprocess.run(command, cwd=photos.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def test_nothing_asks_for_the_network(photos: Path, tiny_pack: Path) -> None:
    done = journey(WATCHED + JOURNEY, photos, tiny_pack)
    assert "NETWORK" not in done.stderr


def test_a_beacon_would_be_noticed(photos: Path, tiny_pack: Path) -> None:
    beacon = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()"
    done = journey(WATCHED + beacon + JOURNEY, photos, tiny_pack)
    assert "NETWORK" in done.stderr


def state(folder: Path) -> dict[str, tuple]:
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None,
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            sorted(os.listxattr(path)) if hasattr(os, "listxattr") else None,
        )
        for path in [folder, *sorted(folder.rglob("*"))]
    }


def test_originals_stay_as_they_are(photos: Path, tiny_pack: Path) -> None:
    before = state(photos)
    journey(JOURNEY, photos, tiny_pack)
    assert state(photos) == before


def test_import_albumen_brings_nothing_heavy() -> None:
    script = "import sys, albumen; print(*sorted(sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    heavy = {"torch", "onnxruntime", "numpy", "PIL", "click", "rich", "fastapi"}
    assert not heavy & set(loaded)


def test_a_search_in_words_opens_no_torch_and_no_picture_decoder(
    photos: Path, tiny_pack: Path
) -> None:
    script = """
import sys
from albumen.cli.main import run
photos, pack = sys.argv[1:3]
run(["search", "red", "--pack", pack])
print(*sorted(sys.modules))
"""
    journey(JOURNEY, photos, tiny_pack)
    loaded = journey(script, photos, tiny_pack).stdout.splitlines()[-1].split()
    assert not {"torch", "simplejpeg", "pi_heif", "rich", "exifread"} & set(loaded)
