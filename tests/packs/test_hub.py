"""Fetching from a hub whose network fails in the ways that networks fail."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.packs.local_hub import LocalHub

from albumen.packs import PackError, hub

NAME = "someone/model"
BIG = np.random.default_rng(5).bytes(3_000_000)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    folder = tmp_path / "hub" / NAME
    (folder / "onnx").mkdir(parents=True)
    (folder / "onnx/model.onnx").write_bytes(BIG)
    (folder / "config.json").write_text('{"model_type": "clip"}')
    server = LocalHub(tmp_path / "hub")
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    yield server
    server.close()


def fetch(folder: Path, **arguments) -> dict[str, str]:
    names = ["onnx/model.onnx", "config.json"]
    return hub.fetch(hub.look_up(NAME), names, folder, **arguments)


def test_files_come_whole_with_their_hashes_and_progress(server: LocalHub, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    hashes = fetch(tmp_path / "got", on_bytes=lambda done, total: told.append((done, total)))
    assert (tmp_path / "got/onnx/model.onnx").read_bytes() == BIG
    assert hashes["onnx/model.onnx"] == hashlib.sha256(BIG).hexdigest()
    total = len(BIG) + len('{"model_type": "clip"}')
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_licence_and_the_commit_are_told(server: LocalHub) -> None:
    found = hub.look_up(NAME)
    assert (found.licence, found.revision) == ("apache-2.0", server.revision(NAME))


def test_nothing_says_who_fetches_but_that_it_is_a_download(server: LocalHub) -> None:
    hub.look_up(NAME)
    sent = {key.lower() for headers in server.headers for key in headers}
    assert "authorization" not in sent
    assert "cookie" not in sent


def test_a_line_that_breaks_once_is_picked_up_where_it_broke(
    server: LocalHub, tmp_path: Path
) -> None:
    server.drop_after["onnx/model.onnx"] = 1_500_000
    fetch(tmp_path / "got")
    assert (tmp_path / "got/onnx/model.onnx").read_bytes() == BIG
    assert server.ranges[0] == ("onnx/model.onnx", None)
    begun = int(server.ranges[1][1].removeprefix("bytes=").rstrip("-"))
    assert begun == 1 << 20


def test_what_came_before_the_network_went_is_kept_for_the_next_try(
    server: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client waits between its tries
    server.drop_after["onnx/model.onnx"], server.for_ever = 1_500_000, True
    with pytest.raises(PackError, match="check the network and run the same command again"):
        fetch(tmp_path / "got")
    assert not (tmp_path / "got/onnx/model.onnx").exists()
    came = (tmp_path / "got/onnx/model.onnx.part").stat().st_size
    assert came == 1 << 20
    server.drop_after.clear()
    server.ranges.clear()
    fetch(tmp_path / "got")
    assert (tmp_path / "got/onnx/model.onnx").read_bytes() == BIG
    assert server.ranges[0] == ("onnx/model.onnx", f"bytes={came}-")


@pytest.mark.parametrize("name", ["onnx/model.onnx", "config.json"], ids=["large", "small"])
def test_a_file_with_another_hash_is_refused_and_thrown_away(
    server: LocalHub, tmp_path: Path, name: str
) -> None:
    server.damaged.add(name)
    with pytest.raises(PackError, match=rf"{name} of someone/model came damaged \(wrong hash\)"):
        fetch(tmp_path / "got")
    assert not (tmp_path / "got" / name).exists()


def test_a_file_that_is_not_there_is_named(server: LocalHub, tmp_path: Path) -> None:
    found = hub.look_up(NAME)
    with pytest.raises(PackError, match=r"has no file tokenizer\.json at revision"):
        hub.fetch(found, ["tokenizer.json"], tmp_path / "got")
    server.hidden.add("config.json")
    with pytest.raises(PackError, match=r"config\.json of someone/model is not there"):
        hub.fetch(found, ["config.json"], tmp_path / "got")


def test_space_is_looked_for_before_anything_is_fetched(server: LocalHub, tmp_path: Path) -> None:
    server.claimed["onnx/model.onnx"] = 10**15
    with pytest.raises(PackError, match=r"not enough space in .*: 1,000,000\.2 GB are needed"):
        fetch(tmp_path / "got")
    assert server.ranges == []
    assert not (tmp_path / "got").exists()


def test_without_a_network_one_line_says_so(
    server: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.close()
    with pytest.raises(PackError, match="check the network") as told:
        hub.look_up(NAME)
    assert "\n" not in str(told.value)


def test_an_unknown_repository_and_an_unknown_revision_are_told_apart(server: LocalHub) -> None:
    with pytest.raises(PackError, match="there is no repository someone/else on"):
        hub.look_up("someone/else")
    with pytest.raises(PackError, match="has no such revision"):
        hub.look_up(NAME, "0" * 40)
