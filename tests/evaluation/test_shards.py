"""Shards as they are written, and as they are damaged."""

import io
import json
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.shard import jpeg, row, write

from albumen.errors import AlbumenError, UsageError
from albumen.evaluation import shards
from albumen.evaluation.shards import EvaluationError, Sample, Skip, find_shards, read

RED = jpeg((255, 0, 0))
BYTES = 512 + 1024 + 512 + 512  # of a sample in a tar file: headers, the picture, its .json


def only(shard: Path) -> Sample | Skip:
    (item,) = read(shard)
    return item


def test_a_sample_is_what_shares_a_name(tmp_path: Path) -> None:
    shard = write(
        tmp_path / "a.tar",
        [
            (
                "one",
                {"jpg": RED, "json": b'{"source": "s", "captions": ["x", " "]}', "cls": b"3\n"},
            ),
            ("sub.dir/two", {"png": b"P", "json": b'{"label": "dog", "more": [1]}'}),
        ],
    )
    one, two = read(shard)
    assert isinstance(one, Sample)
    assert isinstance(two, Sample)
    assert (one.name, one.picture, one.number) == ("a.tar:one", RED, 3)
    assert (one.source, one.captions, one.label) == ("s", ("x",), None)
    # A sample's name ends at the first dot of the file's name, not the folder's.
    assert two.name == "a.tar:sub.dir/two"


def test_a_picture_without_annotation_counts_under_its_shards_name(tmp_path: Path) -> None:
    sample = only(write(tmp_path / "cifar10-test-000.tar", [("k", {"jpg": RED, "cls": b"7"})]))
    assert isinstance(sample, Sample)
    assert (sample.source, sample.captions, sample.label) == ("cifar10-test", (), None)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"json": b"{}"}, "has no picture"),
        ({"jpg": RED, "json": b"{"}, "its .json is unusable"),
        ({"jpg": RED, "json": b"[]"}, "its .json is unusable"),
        ({"jpg": RED, "json": b'{"captions": "a dog"}'}, r"\$.captions"),
        ({"jpg": RED, "json": b'{"label": 3}'}, r"\$.label"),
        ({"jpg": RED, "json": b"[" * 100_000}, "its .json is unusable"),
        ({"jpg": RED, "json": b" " * 1_000_001}, "larger than 1,000,000 bytes"),
        ({"jpg": RED, "cls": b"-1"}, "its .cls is not a number"),
        ({"jpg": RED, "cls": "²".encode()}, "its .cls is not a number"),
    ],
)
def test_an_unusable_sample_is_named_and_the_next_is_read(
    tmp_path: Path, parts: dict[str, bytes], reason: str
) -> None:
    bad, good = read(write(tmp_path / "a.tar", [("bad", parts), row("good", RED)]))
    assert isinstance(bad, Skip)
    assert bad.name == "a.tar:bad"
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(bad.reason)
    assert isinstance(good, Sample)


def test_links_and_folders_in_a_shard_are_no_members(tmp_path: Path) -> None:
    shard = tmp_path / "a.tar"
    with tarfile.open(shard, "w") as tar:
        for kind, name in [(tarfile.SYMTYPE, "k.jpg"), (tarfile.DIRTYPE, "d.jpg")]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    assert list(read(shard)) == []


@pytest.mark.parametrize("name", ["", ".", "./", "/", "..", "a/..", ".jpg"])
def test_a_member_whose_name_names_no_file_is_skipped(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for member in (name, "k.jpg"):
            info = tarfile.TarInfo(member)
            info.size = len(RED)
            tar.addfile(info, io.BytesIO(RED))
    found = list(read(tmp_path / "a.tar"))
    assert isinstance(found[-1], Sample)
    assert [type(one) for one in found[:-1]] in ([Skip], [Sample] if name == ".jpg" else [])


def test_a_caption_with_half_a_surrogate_pair_becomes_text(tmp_path: Path) -> None:
    parts = {"jpg": RED, "json": rb'{"captions": ["a \ud83d dog"]}'}
    sample = only(write(tmp_path / "a.tar", [("k", parts)]))
    assert isinstance(sample, Sample)
    assert sample.captions == ("a ? dog",)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_truncated_shard_gives_what_it_holds_and_says_so(tmp_path: Path, share: float) -> None:
    whole = write(tmp_path / "a.tar", [row(str(i), RED) for i in range(20)])
    whole.write_bytes(whole.read_bytes()[: int(20 * BYTES * share)])
    *samples, last = read(whole)
    assert len(samples) >= 20 * share - 1
    assert all(isinstance(sample, Sample) for sample in samples)
    assert isinstance(last, Skip)
    assert "what follows was not read" in last.reason


def test_noise_within_a_shard_is_told(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.tar", [row(str(i), RED) for i in range(6)])
    data = bytearray(whole.read_bytes())
    data[BYTES * 3 : BYTES * 3 + 512] = b"\xa5" * 512
    whole.write_bytes(data)
    items = list(read(whole))
    assert sum(isinstance(item, Sample) for item in items) == 3
    assert isinstance(items[-1], Skip)


@pytest.mark.parametrize("content", [b"", b"no tar file at all" * 200])
def test_a_file_that_is_no_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(EvaluationError, match=r"a\.tar cannot be read as a tar file"):
        list(read(tmp_path / "a.tar"))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=20))
def test_whatever_bytes_change_nothing_but_our_own_error_comes(changes: list) -> None:
    shard = io.BytesIO()
    with tarfile.open(fileobj=shard, mode="w") as tar:
        for name, content in (("a.jpg", RED), ("a.json", json.dumps({}).encode()), ("b.jpg", RED)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    data = bytearray(shard.getvalue())
    for place, value in changes:
        data[place % len(data)] = value
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.tar"
        file.write_bytes(data)
        try:
            items = list(shards.read(file))
        except AlbumenError:
            return
    assert all(isinstance(item, Sample | Skip) for item in items)


def test_shards_are_found_in_folders_and_by_name(tmp_path: Path) -> None:
    for name in ("b.tar", "a.tar", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    other = tmp_path / "more" / "shard"
    other.touch()
    assert find_shards([tmp_path, other]) == [tmp_path / "a.tar", tmp_path / "b.tar", other]


def test_a_missing_shard_and_a_folder_without_one_are_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.tar is not there"):
        find_shards([tmp_path / "none.tar"])
    with pytest.raises(UsageError, match="holds no shard"):
        find_shards([tmp_path])
