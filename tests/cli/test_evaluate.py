"""What `albumen evaluate` says while it works, and of what it left out."""

from pathlib import Path

import pytest
from tests.evaluation.shard import jpeg, row, write

from albumen.cli import evaluate as command
from albumen.evaluation.embedding import Progress

RED = jpeg((255, 0, 0))


def test_a_line_of_progress_gives_rate_and_time_left() -> None:
    line = command._line(Progress(pictures=1200, done=300, total=1200), seconds=6.0)
    assert line == "1,200 pictures, 25% of the shards, 200 a second, about 18 s left"


def test_progress_goes_to_stderr_and_quiet_keeps_it_away(
    albumen, tiny_pack: Path, wide_shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SECONDS_BETWEEN_LINES", 0.0)
    done = albumen("evaluate", wide_shard, "--pack", tiny_pack, "--json")
    assert "7 pictures" in done.err
    assert done.json["pack"] == "tiny"
    assert albumen("evaluate", wide_shard, "--pack", tiny_pack, "--quiet").err == ""


def test_many_damaged_samples_are_counted_and_the_first_named(
    albumen, tiny_pack: Path, tmp_path: Path
) -> None:
    rows = [row("good", RED, label="red"), *(row(f"bad{i:02}", b"none") for i in range(13))]
    done = albumen("evaluate", write(tmp_path / "a.tar", rows), "--pack", tiny_pack)
    assert done.code == 0
    assert done.err.count("Skipped: a.tar:bad") == 10
    assert "Skipped: 3 more" in done.err


def test_pictures_without_captions_or_labels_leave_nothing_to_measure(
    albumen, tiny_pack: Path, tmp_path: Path
) -> None:
    done = albumen("evaluate", write(tmp_path / "a.tar", [row("k", RED)]), "--pack", tiny_pack)
    assert done.code == 0
    assert "nothing to measure" in done.out


def test_a_file_that_is_no_shard_cannot_be_evaluated(
    albumen, tiny_pack: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.tar").write_bytes(RED)
    done = albumen("evaluate", tmp_path, "--pack", tiny_pack)
    assert done.code == 3
    assert "a.tar cannot be read as a tar file" in done.err


def test_neither_the_library_nor_a_new_one_is_touched(
    albumen, tiny_pack: Path, wide_shard: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    assert albumen("evaluate", wide_shard, "--pack", tiny_pack, "--library", home).code == 0
    assert not home.exists()
