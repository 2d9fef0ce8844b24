"""Hub folders that hold ONNX models already, as the beginning of a pack. No PyTorch, no `onnx`.

Three layouts are known by their files:
- `onnx/vision_model.onnx`, `onnx/text_model.onnx` (as in Xenova/clip-vit-base-patch32);
- `visual/model.onnx`, `textual/model.onnx` (as in immich-app/ViT-B-32__openai);
- `onnx/model.onnx`, a classifier with labels in config.json (as in Xenova/vit-base-patch16-224).
"""

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from albumen.packs import manifest as pack
from albumen.packs import onnx_graph, settings
from albumen.packs.draft import Draft, Precision, Reduce
from albumen.packs.errors import PackError
from albumen.packs.onnx_file import NotONNXError, uses_external_data
from albumen.packs.onnx_graph import INT32, INT64, Ids
from albumen.packs.runtime import Session
from albumen.packs.settings import Settings
from albumen.packs.tokenizer import read_safely

TYPES = {"tensor(int32)": INT32, "tensor(int64)": INT64}
MASK, UNIT = "attention_mask", "unit_embeds"
Edit = Callable[[bytes], bytes]
VARIANTS: Mapping[Precision, str] = {"int8": "_quantized", "float16": "_fp16"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts lie; `needed` files must be there, `wanted` ones are taken along."""

    kind: Literal["clip", "classifier"]
    image: str
    text: str | None
    tokenizer: str | None
    preprocessing: str
    also: tuple[str, ...] = ()

    @property
    def needed(self) -> tuple[str, ...]:
        """The files without which no pack can be made."""
        parts = (self.image, self.text, self.tokenizer, self.preprocessing, "config.json")
        return tuple(part for part in parts if part is not None)

    def reduced(self, precision: Precision, files: Collection[str]) -> dict[str, str]:
        """The ready-made smaller towers of that precision: "image", "text" to their files."""
        towers = {"image": self.image, "text": self.text}
        variant = VARIANTS.get(precision)
        named = {
            tower: file.replace(".onnx", f"{variant}.onnx")
            for tower, file in towers.items()
            if file is not None and variant is not None
        }
        return {tower: file for tower, file in named.items() if file in files}

    def files(self, precision: Precision, there: Collection[str]) -> list[str]:
        """All that is worth fetching of a repository that holds the files `there`."""
        more = [*self.reduced(precision, there).values(), *self.also]
        return [*self.needed, *(name for name in more if name in there)]


XENOVA = Layout(
    "clip", "onnx/vision_model.onnx", "onnx/text_model.onnx", "tokenizer.json",
    "preprocessor_config.json", ("tokenizer_config.json",),
)  # fmt: skip
IMMICH = Layout(
    "clip", "visual/model.onnx", "textual/model.onnx", "textual/tokenizer.json",
    "visual/preprocess_cfg.json", ("textual/tokenizer_config.json",),
)  # fmt: skip
CLASSIFIER = Layout("classifier", "onnx/model.onnx", None, None, "preprocessor_config.json")


def recognise(files: Collection[str]) -> Layout | None:
    """The layout of a repository with these files, if it is one of those above."""
    if {XENOVA.image, XENOVA.text} <= set(files):
        return XENOVA
    if {IMMICH.image, IMMICH.text} <= set(files):
        return IMMICH
    # A whole CLIP lies in onnx/model.onnx too, beside its towers.
    return CLASSIFIER if CLASSIFIER.image in files else None


def draft(
    source: Path,
    layout: Layout,
    target: Path,
    precision: Precision,
    origin: dict[str, Any],
    said: Settings,
) -> Draft:
    """Write the towers, changed to what a pack promises, into `target`. Raises `PackError`."""
    there = [path.relative_to(source).as_posix() for path in source.rglob("*.onnx")]
    reduced = layout.reduced(precision, there)
    image, dim, edit_image = _image(source, layout, said)
    (target / image.file).write_bytes(edit_image(_checked(source / layout.image)))
    made: dict[str, Reduce] = {}
    if "image" in reduced:
        made["image"] = _ready(source / reduced["image"], edit_image)
    text: pack.TextTower | None = None
    tokenizer: pack.TokenizerRecord | None = None
    if layout.text is not None:
        tower = _Tower(source / layout.text)
        tokenizer = _tokenizer(source, layout, target, tower, said)
        text, edit_text = _text(tower, tokenizer.pad_id, dim)
        (target / text.file).write_bytes(edit_text(tower.model))
        if "text" in reduced:
            made["text"] = _ready(source / reduced["text"], edit_text)
    return Draft(
        folder=target,
        kind=layout.kind,
        architecture=said.architecture,
        dim=dim,
        image=image,
        preprocessing=said.steps,
        origin=origin,
        text=text,
        tokenizer=tokenizer,
        labels=said.labels,
        reduced=made,
    )


class _Tower:
    """A published ONNX file, opened to see what it takes and gives."""

    def __init__(self, file: Path) -> None:
        self.file, self.model = file, _checked(file)
        session = Session(self.model, file, device="cpu", threads=None)
        self.inputs, self.outputs = session.inputs, session.outputs

    def output(self, preferred: str) -> str:
        """`preferred`, else the only output of two dimensions."""
        flat = [name for name, shape in self.outputs.items() if len(shape) == 2]
        if preferred in flat:
            return preferred
        if len(flat) == 1:
            return flat[0]
        raise PackError(
            f"{self.file} gives {', '.join(self.outputs)}: which of them to take cannot be told"
        )

    def width(self, output: str, said: int | None) -> int:
        """The output's width, as the file says or else config.json."""
        last = self.outputs[output][-1]
        if isinstance(last, int):
            return last
        if said is None:
            raise PackError(f"neither {self.file} nor its config.json says how wide its output is")
        return said


def _image(source: Path, layout: Layout, said: Settings) -> tuple[pack.ImageTower, int, Edit]:
    """The record of the picture tower, its output's width, and what makes it keep its promises."""
    tower = _Tower(source / layout.image)
    if len(tower.inputs) != 1:
        raise PackError(
            f"{tower.file} takes {', '.join(tower.inputs)}, where a picture tower takes pixels "
            "only; it cannot become a pack"
        )
    (pixels,) = tower.inputs
    if layout.kind == "classifier":
        output = tower.output("logits")
        dim = tower.width(output, len(said.labels))
        if dim != len(said.labels):
            raise PackError(
                f"{tower.file} gives {dim} logits, but config.json {len(said.labels)} labels"
            )
        return pack.ImageTower("image.onnx", pixels, output), dim, lambda model: model
    output = tower.output("image_embeds")
    dim = tower.width(output, said.width)
    edit = partial(onnx_graph.with_unit_output, output=output, name=UNIT, dim=dim)
    return pack.ImageTower("image.onnx", pixels, UNIT), dim, edit


def _text(tower: _Tower, pad_id: int, dim: int) -> tuple[pack.TextTower, Edit]:
    """The record of the text tower, and what makes it take int64 ids of any length."""
    output, inputs = tower.output("text_embeds"), tower.inputs
    ids = next((name for name in inputs if name != MASK), None)
    if ids is None or any(kind not in TYPES for kind, _ in inputs.values()) or len(inputs) > 2:
        raise PackError(f"{tower.file} takes {', '.join(inputs)}: it is no text tower of a CLIP")
    names, changed = {}, []
    for theirs, fill in {ids: pad_id, **({MASK: 0} if MASK in inputs else {})}.items():
        kind, shape = inputs[theirs]
        batch, length = (size if isinstance(size, int) else None for size in shape)
        names[theirs] = theirs
        if length is not None or TYPES[kind] != INT64:
            names[theirs] = f"any_{theirs}"
            changed.append(Ids(theirs, TYPES[kind], batch, length, fill))

    def edit(model: bytes) -> bytes:
        for given in changed:
            model = onnx_graph.with_free_length(model, given, names[given.name])
        return onnx_graph.with_unit_output(model, output, UNIT, dim)

    return pack.TextTower("text.onnx", names[ids], UNIT, names.get(MASK)), edit


def _tokenizer(
    source: Path, layout: Layout, target: Path, tower: _Tower, said: Settings
) -> pack.TokenizerRecord:
    """Copy the tokenizer; returns its record."""
    assert layout.tokenizer is not None
    file = source / layout.tokenizer
    (_, shape), *_ = tower.inputs.values()
    context = shape[1] if isinstance(shape[1], int) else said.context
    record = tokenizer_record(file, context)
    config = file.with_name("tokenizer_config.json")
    if config.is_file():
        record = replace(record, pad_id=_pad_id(file, config, record.pad_id))
    shutil.copyfile(file, target / "tokenizer.json")
    return record


def _pad_id(file: Path, config: Path, otherwise: int) -> int:
    """The id of the `pad_token` that tokenizer_config.json names."""
    from tokenizers import Tokenizer

    token = settings.pad_token(config)
    found = Tokenizer.from_file(str(file)).token_to_id(token) if token else None
    return otherwise if found is None else int(found)


def tokenizer_record(file: Path, context: int) -> pack.TokenizerRecord:
    """The record of a tokenizer.json, its end token as it writes it; raises `PackError`."""
    from tokenizers import Tokenizer

    with read_safely(file):
        ids = Tokenizer.from_file(str(file)).encode("a").ids
    if len(ids) < 2:
        raise PackError(f"{file} does not add start and end to a text; it is no CLIP's tokenizer")
    # CLIPs read the state at the first end token: what is filled in behind it changes nothing.
    return pack.TokenizerRecord("tokenizer.json", context, pad_id=ids[-1], end_id=ids[-1])


def _checked(file: Path) -> bytes:
    """The bytes of a model that holds all of its weights; raises `PackError`."""
    try:
        model = file.read_bytes()
        outside = uses_external_data(model)
    except (OSError, NotONNXError) as error:
        raise PackError(f"{file} cannot be read as ONNX ({error}); get it again") from error
    if outside:
        raise PackError(
            f"{file} keeps its weights in other files, which a pack may not; use the repository's "
            "safetensors (needs albumen[train])"
        )
    return model


def _ready(file: Path, edit: Edit) -> Reduce:
    """The repository's own smaller tower, changed in the same way."""

    def write(exact: Path, smaller: Path, pixels: NDArray[np.float32] | None) -> None:
        del exact, pixels
        try:
            smaller.write_bytes(edit(_checked(file)))
        except ValueError as error:
            raise PackError(f"{file} is not the smaller form of its tower ({error})") from error

    return write
