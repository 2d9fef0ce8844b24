"""`make verify-published` on a hub of this machine: what agrees, and what does not."""

import json
from collections.abc import Iterator
from pathlib import Path

import bench._references  # noqa: F401  (before open_clip: it loads beside any PyTorch)
import open_clip
import pytest
import safetensors.torch
import torch
from bench._page import around
from recipes import verify_published
from tests.packs import published
from tests.packs.local_hub import LocalHub

from albumen.checkpoints import Card, catalogue, load
from albumen.checkpoints.card import Preprocessing

HALVES = (0.5, 0.5, 0.5)
STEPS = Preprocessing((32, 32), None, "bilinear", HALVES, HALVES)
CLIP_STEPS = Preprocessing(32, 32, "bicubic", HALVES, HALVES)


def open_clips(folder: Path) -> None:
    """A CLIP in open_clip's layout, with its tokenizer."""
    words = published.tokenizer(folder / "tokenizer.json").get_vocab_size()
    vision = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 8}
    text = {"context_length": 24, "vocab_size": words, "width": 64, "heads": 1, "layers": 1}
    torch.manual_seed(6)
    model = open_clip.CLIP(16, vision, text).eval()
    weights = folder / "open_clip_model.safetensors"
    safetensors.torch.save_file(model.state_dict(), weights)
    said = {
        "model_cfg": {"embed_dim": 16, "vision_cfg": vision, "text_cfg": text},
        "preprocess_cfg": {"mean": HALVES, "std": HALVES},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(said))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    makers = {
        "tiny/vit": published.vit_weights,
        "tiny/clip": published.clip_weights,
        "tiny/open": open_clips,
    }
    for name, make in makers.items():
        (tmp_path / "hub" / name).mkdir(parents=True)
        make(tmp_path / "hub" / name)
    server = LocalHub(tmp_path / "hub")
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    entries = tuple(
        catalogue.Entry(
            name, "tiny", "MIT", "a test", STEPS if name == "tiny/vit" else CLIP_STEPS,
            "open_clip_model.safetensors" if name == "tiny/open" else "model.safetensors",
        )
        for name in makers
    )  # fmt: skip
    monkeypatch.setattr(catalogue, "ENTRIES", entries)
    yield server
    server.close()


def test_what_agrees_with_its_own_model_is_a_row_with_its_hash_and_int8(
    server: LocalHub, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- recipes.verify_published -->\n<!-- end -->\nafter\n")
    assert verify_published.main(["--write", str(page)]) == 0
    table = capsys.readouterr().out
    rows = table.strip().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == ["tiny/vit", "tiny/clip", "tiny/open"]
    assert "logits" in rows[0]
    assert "differs" not in table
    assert all("cosine 0." in row or "cosine 1." in row for row in rows)
    assert table.strip() in page.read_text()


def test_what_differs_is_said_and_ends_with_1(
    server: LocalHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded_wrongly(folder: Path) -> tuple[torch.nn.Module, Card]:
        model, card = load(folder)
        model.head.bias[0] += 0.01
        return model, card

    monkeypatch.setattr(verify_published, "load", loaded_wrongly)
    assert verify_published.main(["tiny/vit"]) == 1
    assert "**differs by more than 1e-05**" in capsys.readouterr().out


def test_what_cannot_be_had_is_said_and_the_others_go_on(
    server: LocalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    server.hidden.add("open_clip_model.safetensors")
    assert verify_published.main(["tiny/open", "tiny/vit"]) == 1
    told = capsys.readouterr()
    assert "tiny/open: open_clip_model.safetensors of tiny/open is not there" in told.err
    assert "`tiny/vit`" in told.out


def test_a_page_without_a_place_for_the_table_is_told_before_anything_is_fetched(
    server: LocalHub, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("no place\n")
    with pytest.raises(SystemExit, match="has no place marked <!-- recipes.verify_published -->"):
        verify_published.main(["tiny/vit", "--write", str(page)])
    assert server.headers == []


def test_the_page_that_the_command_names_has_a_place_for_the_table() -> None:
    page = Path(__file__).parents[2] / "docs/models.md"
    around(page, verify_published.MARK)
