"""Packs from published weights, through our own models and their export to ONNX.

This needs PyTorch, which is imported only when a pack is made so.
"""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albumen.checkpoints import catalogue
from albumen.packs import manifest as pack
from albumen.packs import onnx_layouts
from albumen.packs.draft import Draft, Precision, Reduce
from albumen.packs.errors import PackError
from albumen.packs.quantize import quantize
from albumen.packs.settings import record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from albumen.checkpoints.card import Card


def has_onnx() -> bool:
    """Whether the library is here that reduces models to int8."""
    return find_spec("onnx") is not None


def has_pytorch() -> bool:
    """Whether models can be exported."""
    return find_spec("torch") is not None and has_onnx()


def require_pytorch(what: str) -> None:
    """Raise `PackError` where weights alone, such as those of `what`, cannot be exported."""
    if not has_pytorch():
        raise PackError(
            f"{what} holds weights without a ready ONNX model: to make a pack of them, install "
            "albumen[train], which brings PyTorch and onnx"
        )


def from_weights(source: Path, folder: Path, origin: dict[str, Any], precision: Precision) -> Draft:
    """Load the weights, write their towers into `folder`. Raises `PackError`, `CheckpointError`."""
    require_pytorch(str(source))
    from albumen.checkpoints import load

    model, card = load(source)
    entry = catalogue.find(str(origin["source"]))
    if entry is not None:
        card = catalogue.completed(replace(card, revision=origin.get("revision")), entry)
    if card.preprocessing is None:
        raise PackError(
            f"{source}: nothing says how pictures are prepared for this model; put its "
            "preprocessor_config.json beside it"
        )
    try:
        steps = record(card.preprocessing)
    except ValueError as error:
        raise PackError(f"{source}: a pack cannot prepare pictures so ({error})") from error
    reduce = halve if precision == "float16" else quantize
    return _exported(model, card, steps, source, folder, origin, reduce)


def _exported(
    model: "nn.Module",
    card: "Card",
    steps: pack.PreprocessingRecord,
    source: Path,
    folder: Path,
    origin: dict[str, Any],
    reduce: Reduce,
) -> Draft:
    from albumen.models.clip import CLIP
    from albumen.training.export import export_classifier, export_image, export_text

    side = steps.crop or (steps.resize if isinstance(steps.resize, int) else steps.resize[0])
    shared: dict[str, Any] = {
        "folder": folder,
        "architecture": card.architecture,
        "preprocessing": steps,
        "origin": origin,
        "licence": card.licence,
        "published": {score.task: score.value for score in card.published},
    }
    if not isinstance(model, CLIP):
        labels = card.labels or _numbered(model)
        export_classifier(model, side, folder / "image.onnx", half=False)
        return Draft(
            kind="classifier",
            dim=len(labels),
            image=pack.ImageTower("image.onnx", "pixels", "logits"),
            labels=labels,
            reduced={"image": reduce},
            **shared,
        )
    tokenizer = _tokenizer_of(source, folder, model)
    export_image(model, side, folder / "image.onnx", half=False)
    export_text(model, folder / "text.onnx", half=False)
    return Draft(
        kind="clip",
        dim=model.text.projection.out_features,
        image=pack.ImageTower("image.onnx", "pixels", "embeds"),
        text=pack.TextTower("text.onnx", "input_ids", "embeds"),
        tokenizer=tokenizer,
        logit_scale=round(float(model.scale.item()), 4),
        reduced={"image": reduce, "text": reduce},
        **shared,
    )


def halve(file: Path, target: Path, pixels: "NDArray[np.float32] | None") -> None:
    """Weights stored as float16; what is computed is float32, as in the starter."""
    from albumen.training.export import halve as store_as_float16

    store_as_float16(file, target, pixels)


def _tokenizer_of(source: Path, folder: Path, model: Any) -> pack.TokenizerRecord:
    file = (source if source.is_dir() else source.parent) / "tokenizer.json"
    if not file.is_file():
        raise PackError(f"a CLIP needs its tokenizer: put tokenizer.json into {file.parent}")
    record = onnx_layouts.tokenizer_record(file, model.text.context)
    if record.end_id != model.text.end_id:
        raise PackError(
            f"{file} ends texts with token {record.end_id}, the model wants {model.text.end_id}: "
            "it is another model's tokenizer"
        )
    (folder / "tokenizer.json").write_bytes(file.read_bytes())
    return record


def _numbered(model: Any) -> tuple[str, ...]:
    """Names for classes whose source names none."""
    return tuple(f"class {number}" for number in range(model.head.out_features))
