"""Packs that mean harm, met by every command that opens one: refused unread, and what to do.

What is wrong with a file is told by its type, size and hash, before ONNX Runtime or anything else
parses it; the single checks are tested in tests/packs/.
"""

import json
import os
import pickle
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from tests.packs.test_loading import outside, sign

from albumen.packs import manifest, pack


class Runs:
    """What a pickle does when it is opened."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("pickle-was-run",)


def changed(folder: Path, **fields: object) -> None:
    """The manifest with other fields, as an attacker would write it."""
    file = folder / manifest.FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def pickled_tower(folder: Path) -> None:
    (folder / "image.onnx").write_bytes(pickle.dumps(Runs()))
    sign(folder)


def pickled_manifest(folder: Path) -> None:
    (folder / manifest.FILE).write_bytes(pickle.dumps(Runs()))


def external_data(folder: Path) -> None:
    model = onnx.load(folder / "image.onnx")
    outside(model.graph.initializer[0])
    (folder / "image.onnx").write_bytes(model.SerializeToString())
    sign(folder)


def traversal(folder: Path) -> None:
    (folder.parent / "image.onnx").write_bytes((folder / "image.onnx").read_bytes())
    known = json.loads((folder / manifest.FILE).read_text())
    record = known["files"]["image.onnx"]
    changed(
        folder,
        image={**known["image"], "file": "../image.onnx"},
        files={**known["files"], "../image.onnx": record},
    )


def linked_tower(folder: Path) -> None:
    target = (folder / "image.onnx").rename(folder.parent / "outside.onnx")
    (folder / "image.onnx").symlink_to(target)


def linked_manifest(folder: Path) -> None:
    target = (folder / manifest.FILE).rename(folder.parent / "outside.json")
    (folder / manifest.FILE).symlink_to(target)


def wrong_hash(folder: Path) -> None:
    data = bytearray((folder / "image.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "image.onnx").write_bytes(data)


def wrong_size(folder: Path) -> None:
    with (folder / "image.onnx").open("ab") as file:
        file.write(b"more")


def oversized_manifest(folder: Path) -> None:
    (folder / manifest.FILE).write_bytes(b" " * (manifest.LARGEST_MANIFEST + 1))


def oversized_header(folder: Path) -> None:
    header = struct.pack("<Q", 1 << 62) + b"{}"
    (folder / "background.safetensors").write_bytes(header)
    sign(folder)


def oversized_tower(folder: Path) -> None:
    known = json.loads((folder / manifest.FILE).read_text())
    record = {**known["files"]["image.onnx"], "size": 10**15}
    changed(folder, files={**known["files"], "image.onnx": record})


def deep_manifest(folder: Path) -> None:
    (folder / manifest.FILE).write_bytes(b"[" * 500_000)


def newer_version(folder: Path) -> None:
    changed(folder, format=manifest.FORMAT + 1)


def a_pipe(folder: Path) -> None:
    (folder / "image.onnx").unlink()
    os.mkfifo(folder / "image.onnx")


HARMS: dict[Callable[[Path], None], str] = {
    pickled_tower: r"image\.onnx is no ONNX model .* get the pack again",
    pickled_manifest: r"pack\.json is damaged .* get the pack again",
    external_data: r"image\.onnx keeps weights in other files, which is not allowed",
    traversal: r"'\.\./image\.onnx' is no plain name.* get the pack again",
    linked_tower: r"image\.onnx is a link; a pack holds plain files only",
    linked_manifest: r"pack\.json is a link; a pack holds plain files only",
    wrong_hash: r"image\.onnx is not what the pack was made with .* get the pack again",
    wrong_size: r"image\.onnx has more bytes .* get the pack again",
    oversized_manifest: r"pack\.json is larger than 4,000,000 bytes; not read",
    oversized_tower: r"image\.onnx may have 8,000,000,000 bytes at most.* get the pack again",
    deep_manifest: r"pack\.json is damaged .* get the pack again",
    newer_version: r"written by a newer Albumen .* update Albumen",
    a_pipe: r"image\.onnx is no plain file; a pack holds plain files only",
}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The towers that were handed to ONNX Runtime."""
    names: list[str] = []
    session = pack.Session

    def note(model: bytes, path: Path, **options: object) -> object:
        names.append(path.name)
        return session(model, path, **options)

    monkeypatch.setattr(pack, "Session", note)
    return names


@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_a_hostile_pack_is_refused_unread_by_every_command(
    albumen, album: Path, tiny_pack: Path, tmp_path: Path, harm, parsed: list[str]
) -> None:
    folder = shutil.copytree(tiny_pack, Path(os.environ["ALBUMEN_HOME"]) / "packs" / "bad")
    harm(folder)
    photo = (album / "cat.png").read_bytes() + b"unknown to the library"
    (tmp_path / "new.png").write_bytes(photo)
    commands = [
        ("packs", "verify", "bad"),
        ("search", "--like", tmp_path / "new.png", "--pack", "bad"),
        ("classify", album / "cat.png", "--labels", "red, blue", "--pack", "bad"),
    ]
    for command in commands:
        done = albumen(*command)
        told = done.err + done.out
        assert done.code in (1, 3), (command, told)
        assert re.search(HARMS[harm], told), (command, told)
        assert "Traceback" not in told
    assert "image.onnx" not in parsed
    assert not Path("pickle-was-run").exists()
    assert albumen("packs", "list").code == 0


def test_statistics_with_a_header_of_exabytes_are_refused(
    albumen, album: Path, tiny_pack: Path
) -> None:
    folder = shutil.copytree(tiny_pack, Path(os.environ["ALBUMEN_HOME"]) / "packs" / "bad")
    oversized_header(folder)
    done = albumen("packs", "verify", "bad")
    assert done.code == 3
    assert "background.safetensors is damaged" in done.err + done.out
    assert "get the pack again" in done.err + done.out
