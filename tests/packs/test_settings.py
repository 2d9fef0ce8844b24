"""The JSON files beside a published model are read, or refused in words, whatever they hold."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.packs.ready import PROCESSOR

from albumen.packs import PackError, settings

CLIP = {"model_type": "clip", "projection_dim": 16, "text_config": {"max_position_embeddings": 24}}


def beside(folder: Path, config: Any, preprocessing: Any = PROCESSOR) -> Path:
    for name, said in (("config.json", config), ("preprocessor_config.json", preprocessing)):
        (folder / name).write_text(said if isinstance(said, str) else json.dumps(said))
    return folder


def test_what_is_said_is_read(tmp_path: Path) -> None:
    said = settings.read(beside(tmp_path, CLIP), "preprocessor_config.json", "clip")
    assert (said.width, said.context, said.steps.resize, said.labels) == (16, 24, 32, ())


@pytest.mark.parametrize(
    ("config", "preprocessing"),
    [
        ("[" * 100_000, PROCESSOR),
        ([], PROCESSOR),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), PROCESSOR),
        ({**CLIP, "text_config": [24]}, PROCESSOR),
        ({**CLIP, "text_config": {"max_position_embeddings": "many"}}, PROCESSOR),
        ('{"text_config": {"max_position_embeddings": Infinity}}', PROCESSOR),
        (CLIP, {**PROCESSOR, "size": []}),
        (CLIP, {**PROCESSOR, "resample": 99}),
        (CLIP, {**PROCESSOR, "image_mean": None}),
        (CLIP, {**PROCESSOR, "image_processor_type": "ConvNext", "crop_pct": 1e-320}),
        (CLIP, " " * (settings.LARGEST + 1)),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(tmp_path: Path, config: Any, preprocessing: Any) -> None:
    with pytest.raises(PackError, match="is damaged or lacks a setting"):
        settings.read(beside(tmp_path, config, preprocessing), "preprocessor_config.json", "clip")


@pytest.mark.parametrize("mean", [[0.5], [0.5, 0, 5, 0.5], [], None, ["a", 0, 0]])
def test_open_clip_s_colours_are_three(tmp_path: Path, mean: Any) -> None:
    said = {"size": 32, "mean": mean, "std": [0.5, 0.5, 0.5]}
    (tmp_path / settings.OPEN_CLIPS).write_text(json.dumps(said))
    with pytest.raises(PackError, match="is damaged or lacks a setting"):
        settings.read(beside(tmp_path, CLIP), settings.OPEN_CLIPS, "clip")


@pytest.mark.parametrize("said", [{"num_labels": 10**12}, {"id2label": ["cat"]}])
def test_labels_that_would_fill_the_memory_are_refused(tmp_path: Path, said: Any) -> None:
    with pytest.raises(PackError, match="is damaged or lacks a setting"):
        settings.read(beside(tmp_path, said), "preprocessor_config.json", "classifier")


@pytest.mark.parametrize("said", ["{", "[]", '{"pad_token": 3}', "[" * 100_000])
def test_a_pad_token_that_is_no_text_is_refused(tmp_path: Path, said: str) -> None:
    (tmp_path / "tokenizer_config.json").write_text(said)
    with pytest.raises(PackError, match="is damaged"):
        settings.pad_token(tmp_path / "tokenizer_config.json")
