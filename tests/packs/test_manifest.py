"""pack.json: what is read, what is refused, and in which words."""

import copy
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albumen.packs import PackError, manifest

FOLDER = Path("a-pack")


@pytest.fixture(scope="module")
def good(tiny_pack: Path) -> dict[str, Any]:
    return json.loads((tiny_pack / manifest.FILE).read_text())


def with_change(good: dict[str, Any], path: str, value: Any) -> bytes:
    """The manifest with one value changed; `path` such as "image.file"."""
    changed = copy.deepcopy(good)
    place: Any = changed
    *steps, last = path.split("/")
    for step in steps:
        place = place[step]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return json.dumps(changed).encode()


def test_what_is_written_is_read_again(tiny_pack: Path) -> None:
    read = manifest.read(tiny_pack)
    assert (read.name, read.kind, read.dim, read.image.grid) == ("tiny", "clip", 16, (4, 4))
    assert read.towers == ("image.onnx", "text.onnx", "tokenizer.json")
    assert read.size == sum(
        file.stat().st_size for file in tiny_pack.iterdir() if file.name != manifest.FILE
    )


def test_fields_of_a_later_minor_version_are_passed_over(good: dict[str, Any]) -> None:
    assert manifest.parse(with_change(good, "colour", "blue"), FOLDER).name == "tiny"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("format", 2, "written by a newer Albumen .* update"),
        ("format", 0, "no pack format 0"),
        ("format", "1", r"\$.format is not a whole number"),
        ("dim", KeyError, r"\$.dim is missing"),
        ("dim", True, r"\$.dim is not a whole number"),
        ("dim", -1, "out of range"),
        ("kind", "virus", r"\$.kind is not one of clip, classifier, fingerprint"),
        ("name", "../elsewhere", "no plain name"),
        ("name", "a/b/c", "one slash"),
        ("image/file", "../../image.onnx", "no plain name"),
        ("image/file", "/etc/passwd", "no plain name"),
        ("image/file", "other.onnx", "no size and hash of other.onnx"),
        ("image/grid", [7], r"\$.image.grid"),
        ("text", None, "a CLIP without a text tower"),
        ("tokenizer/context", 0, "context is out of range"),
        ("preprocessing/crop", 0, "sizes are out of range"),
        ("preprocessing/crop", None, "must be cropped"),
        ("preprocessing/resize", 100_000, "sizes are out of range"),
        ("preprocessing/std", [0.5, 0.0, 0.5], "mean, std or logit_scale"),
        ("preprocessing/mean", [float("nan")] * 3, "mean, std or logit_scale"),
        ("preprocessing/interpolation", "nearest", "bilinear, bicubic, lanczos"),
        ("logit_scale", 10**400, "too large"),
        ("files/image.onnx/size", 10**15, "may have 8,000,000,000 bytes at most"),
        ("files/CARD.md/size", -1, "bytes at most, not -1"),
        ("files", {"a/../b": {"size": 1, "blake3": "0"}}, "no plain name"),
    ],
)
def test_what_is_wrong_is_named(good: dict[str, Any], path: str, value: Any, reason: str) -> None:
    with pytest.raises(PackError, match=reason) as told:
        manifest.parse(with_change(good, path, value), FOLDER)
    assert "a-pack" in str(told.value)
    assert "again" in str(told.value) or "update" in str(told.value)


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"null", b"[]", b"\xff\xfe", b"[" * 500_000, b"\x80\x04pickle", b"9" * 5000],
)
def test_what_is_no_manifest_is_damaged(text: bytes) -> None:
    with pytest.raises(PackError, match="damaged .* get the pack again"):
        manifest.parse(text, FOLDER)


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    (tmp_path / manifest.FILE).write_bytes(b" " * (manifest.LARGEST_MANIFEST + 1))
    with pytest.raises(PackError, match="larger than 4,000,000 bytes"):
        manifest.read(tmp_path)


def test_a_folder_without_a_manifest_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"no pack: it has no pack\.json"):
        manifest.read(tmp_path)


def test_a_manifest_that_is_a_link_or_a_pipe_is_refused(tmp_path: Path, tiny_pack: Path) -> None:
    (tmp_path / manifest.FILE).symlink_to(tiny_pack / manifest.FILE)
    with pytest.raises(PackError, match="is a link"):
        manifest.read(tmp_path)
    (tmp_path / manifest.FILE).unlink()
    os.mkfifo(tmp_path / manifest.FILE)
    with pytest.raises(PackError, match="no plain file"):
        manifest.read(tmp_path)


def test_the_id_changes_with_what_determines_embeddings_alone(tiny_pack: Path) -> None:
    read = manifest.read(tiny_pack)
    known = manifest.pack_id(read)
    assert len(known) == 32
    assert int(known, 16)
    figures = replace(read, name="other", figures={"r": 1}, templates=(), version="2")
    assert manifest.pack_id(figures) == known
    preprocessing = replace(read.preprocessing, interpolation="bilinear")
    assert manifest.pack_id(replace(read, preprocessing=preprocessing)) != known
    image = replace(read.files["image.onnx"], blake3="0" * 64)
    files = read.files | {"image.onnx": image}
    assert manifest.pack_id(replace(read, files=files)) != known


def test_writing_refuses_what_reading_would(tiny_pack: Path, tmp_path: Path) -> None:
    read = manifest.read(tiny_pack)
    (tmp_path / "image.onnx").touch()
    with pytest.raises(PackError, match=r"no size and hash of text\.onnx"):
        manifest.write(tmp_path, read)
    assert not (tmp_path / manifest.FILE).exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_it_is_only_our_own_error_comes(text: bytes) -> None:
    with pytest.raises(PackError):
        manifest.parse(text, FOLDER)


def paths(value: Any, before: str = "") -> list[str]:
    """Every place in a JSON value, as `with_change` takes it."""
    if not isinstance(value, dict):
        return []
    own = [before + key for key in value]
    return own + [path for key in value for path in paths(value[key], f"{before}{key}/")]


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_value_in_any_place_is_read_or_refused(good: dict[str, Any], data: Any) -> None:
    text = with_change(good, data.draw(st.sampled_from(paths(good))), data.draw(JSON))
    try:
        read = manifest.parse(text, FOLDER)
    except PackError:
        return
    assert manifest.pack_id(read)
