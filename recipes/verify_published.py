"""Are the catalogued checkpoints in our models what they are in their publishers' own?

    python -m recipes.verify_published [NAME…] [--calibrate FOLDER] [--write docs/models.md]

For anyone with a network and PyTorch (`make verify-published`): each checkpoint of the catalogue
that lies on the hub (some GB) is fetched at its revision, loaded by us and by `transformers` (or by
`open_clip`, whose layout LAION's and DataComp's have), compared on photos, and made a pack whose
int8 is verified. Prints a table to commit. Ends with 1 if one of them differs, or cannot be had.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bench._references  # noqa: F401  (before transformers: it loads beside any PyTorch)
import numpy as np
import torch
from bench._page import around, put
from torch import Tensor, nn

from albumen.checkpoints import catalogue, load
from albumen.errors import AlbumenError
from albumen.models.clip import CLIP
from albumen.packs import hub
from albumen.packs.add import BESIDE_WEIGHTS, Options, add, sentences
from albumen.packs.calibration import calibration
from albumen.packs.manifest import Manifest, PreprocessingRecord
from albumen.packs.preprocessing import Preprocessing
from albumen.packs.tokenizer import Tokenizer

TOLERANCE = 1e-5  # of the output's largest magnitude, in float32
COMPARED = 16  # photos and texts
MARK = "recipes.verify_published"
CLASSES = {
    "clip": "CLIPModel",
    "vit": "ViTForImageClassification",
    "resnet": "ResNetForImageClassification",
}

Outputs = dict[str, Tensor]


@dataclass(frozen=True)
class Row:
    """One checkpoint. `apart`: largest difference, as a share of the largest value, by output."""

    name: str
    revision: str
    sha256: str
    apart: dict[str, float]
    pack: Manifest

    @property
    def agrees(self) -> bool:
        return all(value <= TOLERANCE for value in self.apart.values())


def verify(entry: catalogue.Entry, work: Path, calibrate: Path) -> Row:
    """Fetch, compare, convert one checkpoint; what it needs on the disk is given back."""
    repository = hub.look_up(entry.name, entry.revision)
    folder = work / "files" / entry.name
    wanted = [entry.file, *(name for name in BESIDE_WEIGHTS if name in repository.files)]
    hashes = hub.fetch(repository, wanted, folder, _progress(entry.name))
    try:
        entry.check(folder / entry.file)
        apart = compared(entry, folder, calibrate)
        made = add(str(folder), entry.name, Options(work / "packs", work, calibrate)).manifest
    finally:
        shutil.rmtree(folder)
    return Row(entry.name, repository.revision, hashes[entry.file], apart, made)


@torch.inference_mode()
def compared(entry: catalogue.Entry, folder: Path, photos: Path) -> dict[str, float]:
    """How far our outputs are from the reference's, in float32, on photos and texts."""
    model, _ = load(folder)
    steps = Preprocessing(PreprocessingRecord(**_fields(entry)))
    pixels = torch.from_numpy(steps.normalise(calibration(photos, steps).pixels[:COMPARED]))
    ids = None
    if isinstance(model, CLIP):
        ids = torch.from_numpy(_ids(folder / "tokenizer.json", model))
    ours, theirs = _ours(model, pixels, ids), reference(folder)(pixels, ids)
    return {
        name: float((ours[name] - wanted).abs().max() / wanted.abs().max())
        for name, wanted in theirs.items()
    }


def reference(folder: Path) -> Callable[[Tensor, Tensor | None], Outputs]:
    """The publisher's own model of a folder, as a function with outputs by our names."""
    if (folder / "open_clip_config.json").is_file():
        import open_clip

        theirs = open_clip.create_model(f"local-dir:{folder}").eval()
        return lambda pixels, ids: {
            "image": theirs.encode_image(pixels, normalize=True),
            "text": theirs.encode_text(ids, normalize=True),
        }
    import transformers

    kind = json.loads((folder / "config.json").read_text("utf-8"))["model_type"]
    model = getattr(transformers, CLASSES[kind]).from_pretrained(folder).eval()
    if kind != "clip":
        return lambda pixels, ids: {"logits": model(pixels).logits}

    def clip(pixels: Tensor, ids: Tensor | None) -> Outputs:
        found = model(pixel_values=pixels, input_ids=ids)
        return {
            "image": found.image_embeds,
            "text": found.text_embeds,
            "logits": found.logits_per_image,
        }

    return clip


def _ours(model: nn.Module, pixels: Tensor, ids: Tensor | None) -> Outputs:
    if not isinstance(model, CLIP):
        return {"logits": model(pixels)}
    assert ids is not None
    image, text = model.image(pixels)[0], model.text(ids)
    return {"image": image, "text": text, "logits": model.scale * image @ text.T}


def _ids(file: Path, model: CLIP) -> np.ndarray:
    """Texts as the reference reads them: (COMPARED, context), the rest filled with end tokens."""
    from albumen.packs.onnx_layouts import tokenizer_record

    record = tokenizer_record(file, model.text.context)
    ids, _ = Tokenizer(file.read_bytes(), record, file).batch(sentences()[:COMPARED])
    width = ((0, 0), (0, model.text.context - ids.shape[1]))
    return np.pad(ids, width, constant_values=record.end_id)


def _fields(entry: catalogue.Entry) -> dict:
    return {name: getattr(entry.preprocessing, name) for name in PreprocessingRecord.__slots__}


def table(rows: Sequence[Row]) -> str:
    """Markdown to commit."""
    lines = [
        "| checkpoint | revision | SHA-256 | largest difference from its own model | int8 |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        apart = ", ".join(f"{name} {value:.1e}" for name, value in row.apart.items())
        verdict = "" if row.agrees else f" **differs by more than {TOLERANCE}**"
        lines.append(
            f"| `{row.name}` | {row.revision[:8]} | {row.sha256[:16]} | {apart}{verdict} "
            f"| {_int8(row.pack)} |"
        )
    return "\n".join(lines)


def _int8(made: Manifest) -> str:
    said = made.precision["verified"]
    parts = []
    for tower, form in made.precision["towers"].items():
        figures = said[tower]
        best = f", top 1 {figures['top_1']:.3f}" if "top_1" in figures else ""
        cosine = f"cosine {figures.get('cosine_mean', 0):.4f}, least "
        cosine += f"{figures.get('cosine_least', 0):.4f}"
        parts.append(f"{tower}: {form} ({cosine}, top 5 {figures.get('top_5', 0):.3f}{best})")
    return "; ".join(parts)


def _progress(name: str) -> Callable[[int, int], None]:
    shown = -1

    def tell(done: int, total: int) -> None:
        nonlocal shown
        if (tenth := 10 * done // max(total, 1)) != shown:
            shown = tenth
            print(f"{name}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB", file=sys.stderr)

    return tell


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="checkpoints (default: all that are on the hub)")
    parser.add_argument("--calibrate", type=Path, help="photos (default: scikit-image's samples)")
    parser.add_argument("--write", type=Path, help="put the table into this page, at its marks")
    options = parser.parse_args(arguments)
    known = {entry.name: entry for entry in catalogue.ENTRIES if "/" in entry.name}
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"the catalogue has no {', '.join(unknown)}; it has {', '.join(known)}")
    if options.write:
        around(options.write, MARK)  # a page without a place is told now, not after some GB
    rows, failed = [], False
    with tempfile.TemporaryDirectory() as work:
        for name in options.names or known:
            try:
                rows.append(verify(known[name], Path(work), options.calibrate or _samples()))
            except AlbumenError as error:
                print(f"{name}: {error}", file=sys.stderr)
                failed = True
    print(table(rows))
    if options.write and rows:
        put(options.write, MARK, table(rows))
    return int(failed or not all(row.agrees for row in rows))


def _samples() -> Path:
    import skimage.data

    return Path(skimage.data.__file__).parent


if __name__ == "__main__":
    sys.exit(main())
