"""What the JSON files beside a published ONNX model say of it.

Anybody may have written them: whatever they hold, they are read or refused in words.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from albumen.checkpoints.card import Preprocessing as Steps
from albumen.checkpoints.card import colours
from albumen.checkpoints.processors import labels as labels_of
from albumen.checkpoints.processors import preprocessing as preprocessing_of
from albumen.packs import manifest as pack
from albumen.packs.errors import PackError

LARGEST = 10_000_000  # bytes; the labels of ImageNet's 21,000 classes are a tenth of that
OPEN_CLIPS = "preprocess_cfg.json"  # by its name it is known
UNUSABLE = (
    OSError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
"""What reading JSON of any shape as if it were of the one that is expected can end in."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`width`: of the shared space, where it is said; `context`: the most tokens of a text."""

    steps: pack.PreprocessingRecord
    labels: tuple[str, ...]
    width: int | None
    context: int
    architecture: str


def read(source: Path, preprocessing: str, kind: Literal["clip", "classifier"]) -> Settings:
    """The settings in config.json and in the file `preprocessing`. Raises `PackError`."""
    try:
        config, said = read_json(source / "config.json"), read_json(source / preprocessing)
        open_clips = Path(preprocessing).name == OPEN_CLIPS
        text = config.get("text_config") or config.get("text_cfg") or {}
        width = config.get("projection_dim", config.get("embed_dim"))
        return Settings(
            steps=_open_clips(said) if open_clips else record(preprocessing_of(said)),
            labels=labels_of(config) if kind == "classifier" else (),
            width=width if isinstance(width, int) else None,
            context=int(text.get("max_position_embeddings", text.get("context_length", 77))),
            architecture=_architecture(config, kind),
        )
    except UNUSABLE as error:
        raise PackError(
            f"{source}: config.json or {preprocessing} is damaged or lacks a setting "
            f"({error}); get them again"
        ) from error


def pad_token(config: Path) -> str | None:
    """The `pad_token` of a tokenizer_config.json. Raises `PackError`."""
    try:
        token = read_json(config).get("pad_token")
        content = token.get("content") if isinstance(token, dict) else token
        if not isinstance(content, str | None):
            raise TypeError(f"pad_token is {content!r}")
    except UNUSABLE as error:
        raise PackError(f"{config} is damaged ({error}); get it again") from error
    return content or None


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object. Raises one of UNUSABLE."""
    if file.stat().st_size > LARGEST:
        raise ValueError(f"{file.name} is larger than {LARGEST:,} bytes")
    value = json.loads(file.read_text("utf-8"))
    if not isinstance(value, dict):
        raise TypeError(f"{file.name} is no JSON object")
    return value


def record(steps: Steps) -> pack.PreprocessingRecord:
    """A card's preprocessing as a pack carries it out; ValueError where it cannot."""
    if steps.interpolation not in ("bilinear", "bicubic", "lanczos"):
        raise ValueError(f"interpolation {steps.interpolation}")
    resize = steps.resize
    if isinstance(resize, int) and steps.crop is None:
        resize = (resize, resize)
    return pack.PreprocessingRecord(
        resize,
        steps.crop,
        steps.interpolation,  # type: ignore[arg-type]  # one of three
        steps.mean,
        steps.std,
    )


def _open_clips(said: Mapping[str, Any]) -> pack.PreprocessingRecord:
    """open_clip's preprocess_cfg: `resize_mode` "squash" makes a square of everything."""
    size = said["size"]
    height, width = (size, size) if isinstance(size, int) else map(int, size)
    mode = said.get("resize_mode", "shortest")
    if mode not in ("shortest", "squash") or (mode == "shortest" and height != width):
        raise ValueError(f"resize_mode {mode} for {height} by {width} pixels")
    squashed = mode == "squash"
    steps = Steps(
        (height, width) if squashed else height,
        None if squashed else height,
        str(said.get("interpolation", "bicubic")),
        colours(said["mean"]),
        colours(said["std"]),
    )
    return record(steps)


def _architecture(config: Mapping[str, Any], kind: str) -> str:
    vision = config.get("vision_config") or config.get("vision_cfg") or config
    patch = vision.get("patch_size")
    family = "CLIP" if kind == "clip" else str(config.get("model_type", "classifier"))
    return f"{family}, ready-made ONNX" + (f", {patch} px a patch" if patch else "")
