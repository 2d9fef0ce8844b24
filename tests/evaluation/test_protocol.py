"""The protocol on shards whose right answers can be worked out by hand."""

import json
from pathlib import Path

import pytest
from tests.evaluation.shard import jpeg, row, write

from albumen.cli.main import run
from albumen.evaluation import EvaluationError, evaluate
from albumen.packs import Pack, open_pack

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture(scope="module")
def pack(tiny_pack: Path) -> Pack:
    return open_pack(tiny_pack)


def test_a_pack_that_knows_colours_finds_every_colour(pack: Pack, wide_shard: Path) -> None:
    report = evaluate([wide_shard], pack)
    names = report.zero_shot["colours"]
    assert (names.images, names.classes) == (7, 7)
    assert (names.top1.value, names.top1_ensemble.value) == (1.0, 1.0)
    found = report.retrieval["colours"]
    assert (found.images, found.captions) == (7, 14)
    assert [found.recall[k].value for k in (1, 5, 10)] == [1.0, 1.0, 1.0]
    assert report.classification is None


def test_wrong_labels_and_captions_are_counted_as_wrong(pack: Pack, tmp_path: Path) -> None:
    rows = [
        row("a", jpeg(RED), label="red", captions=["red"]),
        row("b", jpeg(GREEN), label="blue", captions=["green", "blue"]),
        row("c", jpeg(BLUE), label="blue", captions=["blue"]),
    ]
    report = evaluate([write(tmp_path / "a.tar", rows)], pack)
    # Green lies nearer to red than to blue: one of three labels is wrong.
    assert report.zero_shot["colours"].classes == 2
    assert report.zero_shot["colours"].top1.value == pytest.approx(2 / 3)
    assert report.zero_shot["colours"].top1.error == pytest.approx((2 / 9 / 2) ** 0.5)
    # Of four captions, "blue" for the green picture finds another first.
    assert report.retrieval["colours"].recall[1].value == pytest.approx(3 / 4)
    assert report.retrieval["colours"].recall[5].value == 1.0


def test_sources_do_not_compete_but_shards_of_one_source_do(pack: Pack, tmp_path: Path) -> None:
    first = [
        row("a", jpeg(RED), source="one", captions=["green"]),
        row("b", jpeg(GREEN), source="two", captions=["red"]),
    ]
    second = [row("c", jpeg(GREEN), source="one"), row("d", jpeg(BLUE), source="two")]
    alone = write(tmp_path / "a-000.tar", first)
    report = evaluate([alone], pack)
    assert [report.retrieval[s].recall[1].value for s in ("one", "two")] == [1.0, 1.0]
    report = evaluate([alone, write(tmp_path / "a-001.tar", second)], pack)
    # The other shard's green picture is what "green" finds; it counts though nobody captioned it.
    assert (report.retrieval["one"].images, report.retrieval["one"].captions) == (2, 1)
    assert report.retrieval["one"].recall[1].value == 0.0
    assert report.zero_shot == {}


def test_class_numbers_are_judged_by_the_names_that_labels_give(pack: Pack, tmp_path: Path) -> None:
    rows = [
        row("r", jpeg(RED), label="red"),
        row("g", jpeg(GREEN), label="green"),
        row("wrong", jpeg(GREEN), label="red"),
        ("nameless", {"jpg": jpeg(BLUE)}),
        row("b", jpeg(BLUE), label="blue"),
    ]
    for (_, parts), number in zip(rows, (4, 0, 4, 9, 9), strict=True):
        parts["cls"] = str(number).encode()
    classes = evaluate([write(tmp_path / "a.tar", rows)], pack).classification
    assert classes is not None
    assert (classes.images, classes.classes) == (5, 3)
    assert (classes.top1.value, classes.top5.value) == (pytest.approx(0.8), 1.0)


@pytest.mark.parametrize(("labels", "said"), [(("red", "blue"), "blue, red"), ((None,), "none")])
def test_a_class_number_without_one_name_is_not_judged(
    pack: Pack, tmp_path: Path, labels: tuple[str | None, ...], said: str
) -> None:
    rows = [row(str(i), jpeg(RED), label=label) for i, label in enumerate(labels)]
    for _, parts in rows:
        parts["cls"] = b"2"
    report = evaluate([write(tmp_path / "a.tar", rows)], pack)
    assert report.classification is None
    assert f"class 2 has not one name but {said}" in report.notes[0]


def test_what_cannot_be_read_is_named_and_left_out(pack: Pack, tmp_path: Path) -> None:
    whole = jpeg(RED, (400, 300))
    rows = [
        row("good", whole, label="red"),
        row("cut", whole[: len(whole) // 2], label="red"),
        row("text", b"this is no picture", label="red"),
        ("bare", {"json": b"{}"}),
    ]
    report = evaluate([write(tmp_path / "a.tar", rows)], pack)
    assert {skip.name for skip in report.skipped} == {"a.tar:cut", "a.tar:text", "a.tar:bare"}
    assert report.zero_shot["colours"].images == 1


def test_shards_without_a_picture_are_refused(pack: Pack, tmp_path: Path) -> None:
    shard = write(tmp_path / "a.tar", [("k", {"json": b"{}"})])
    with pytest.raises(EvaluationError, match=r"no picture could be read from .*a\.tar"):
        evaluate([shard], pack)


def test_progress_counts_pictures_and_bytes(pack: Pack, tmp_path: Path, wide_shard: Path) -> None:
    seen = []
    evaluate([wide_shard, wide_shard], pack, seen.append)
    assert [one.pictures for one in seen] == [7, 14]
    assert 0.4 < seen[0].done / seen[0].total < 0.5 < seen[1].done / seen[1].total <= 1


def test_the_command_prints_what_scripts_rely_on(
    tiny_pack: Path, wide_shard: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(wide_shard), "--pack", str(tiny_pack), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report) == ["pack", "retrieval", "zero_shot", "classification"]
    assert (report["pack"], report["classification"]) == ("tiny", None)
    assert report["retrieval"]["colours"] == {
        "images": 7, "captions": 14,
        "r@1": 1.0, "r@1_se": 0.0, "r@5": 1.0, "r@5_se": 0.0, "r@10": 1.0, "r@10_se": 0.0,
    }  # fmt: skip
    assert report["zero_shot"]["colours"] == {
        "images": 7, "classes": 7,
        "top1": 1.0, "top1_se": 0.0, "top1_ensemble": 1.0, "top1_ensemble_se": 0.0,
    }  # fmt: skip


def test_the_command_prints_a_table_and_names_what_it_left_out(
    tiny_pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row("a", jpeg(RED), label="red"), row("bad\n", b"", label="red")]
    shard = write(tmp_path / "a.tar", rows)
    assert run(["evaluate", str(shard), "--pack", str(tiny_pack)]) == 0
    out, err = capsys.readouterr()
    assert "colours" in out
    assert "1.000" in out
    assert r"Skipped: a.tar:bad\n" in err


def test_the_command_says_what_is_missing(
    tmp_path: Path, tiny_pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(tmp_path / "none.tar"), "--pack", str(tiny_pack)]) == 2
    assert "none.tar is not there" in capsys.readouterr().err
    shard = write(tmp_path / "a.tar", [row("a", jpeg(RED))])
    assert run(["evaluate", str(shard), "--pack", "unheard-of"]) == 3
    assert "unheard-of" in capsys.readouterr().err
