"""What was trained, as a pack: `train … --to-pack NAME` ends in one that works."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from albumen.packs import Pack, manifest
from albumen.packs.calibration import Calibration
from albumen.packs.draft import CARD, Draft, building, complete, move_in
from albumen.packs.errors import PackError
from albumen.training import checkpoint, network
from albumen.training.classifying import Judged
from albumen.training.clipping import Trained
from albumen.training.data import square, stretch
from albumen.training.export import (
    export_classifier,
    export_fingerprint,
    export_image,
    export_text,
    halve,
    largest_difference,
)
from albumen.training.fingerprinting import Fingerprinted
from albumen.training.pictures import MEAN, STD, whole
from albumen.training.probe import Probe

OWN = manifest.Licence(
    "LicenseRef-own", CARD, "trained by whoever made it, and theirs, on the terms of their pictures"
)
MOST_COMPARED = 200


def check(name: str, packs: Path, again: bool) -> Path:
    """The folder that a pack of that name will have. Raises `PackError` before any work is done."""
    if (
        not all(manifest.PLAIN_NAME.fullmatch(part) for part in name.split("/"))
        or name.count("/") > 1
    ):
        raise PackError(f"'{name}' is no name for a pack: letters, digits, . _ - and one slash")
    if (packs / name).exists() and not again:
        raise PackError(f"there is a pack '{name}' already; choose another name, or --replace")
    return packs / name


def classifier(run: Path, judged: Judged, name: str, destination: Path) -> manifest.Manifest:
    """The best weights of the run in `run`, float16 where that answers alike."""
    weights, about = checkpoint.read(run / checkpoint.BEST)
    model, side = network.restored(weights, about), int(about["size"])
    with building(destination) as folder:
        export_classifier(model, side, folder / "image.onnx", half=False)
        draft = Draft(
            folder=folder,
            kind="classifier",
            architecture=str(about["model"]),
            dim=len(judged.classes),
            image=manifest.ImageTower("image.onnx", "pixels", "logits"),
            preprocessing=manifest.PreprocessingRecord(
                side, side, "bicubic", tuple(about["mean"]), tuple(about["std"])
            ),
            origin=_origin(judged) | {"begun with": about["start"] or "random weights"},
            labels=judged.classes,
            licence=OWN,
            figures={"test": judged.figures},
            reduced={"image": halve},
        )
        made = complete(draft, name, "float16", _compared(judged, side), [])
        move_in(folder, destination)
    return made


def clip(found: Trained, name: str, destination: Path) -> manifest.Manifest:
    """Both towers, float16 where they answer alike, with statistics of the pictures judged by."""
    plan, towers = found.plan, found.clip
    side, text = plan.size, plan.config.clip.text
    with building(destination) as folder:
        export_image(towers, side, folder / "image.onnx", half=False)
        export_text(towers, folder / "text.onnx", half=False)
        plan.tokenizer.save(str(folder / "tokenizer.json"))
        places = -(-side // 32)
        draft = Draft(
            folder=folder,
            kind="clip",
            architecture=f"{found.title}, {side} px",
            dim=plan.config.clip.dim,
            image=manifest.ImageTower(
                "image.onnx", "pixels", "embeds", "local_embeds", (places, places)
            ),
            text=manifest.TextTower("text.onnx", "input_ids", "embeds"),
            tokenizer=manifest.TokenizerRecord("tokenizer.json", text.context, 0, text.end_id),
            preprocessing=manifest.PreprocessingRecord(side, side, "bicubic", MEAN, STD),
            origin={"source": "albumen train", "pictures": found.figures["train"]},
            logit_scale=round(float(towers.scale.item()), 4),
            licence=OWN,
            figures={"test": found.figures},
            reduced={"image": halve, "text": halve},
        )
        held = plan.held.some(MOST_COMPARED)
        shown = np.stack([square(picture, side) for picture in held.pixels])
        origin = f"{len(shown)} pictures that it was judged by"
        compared = Calibration(shown, origin, generated=False)
        made = complete(draft, name, "float16", compared, [*held.texts])
        move_in(folder, destination)
    return made


def fingerprint(found: Fingerprinted, name: str, destination: Path) -> manifest.Manifest:
    """The network with float16 weights; whole pictures are stretched to its square."""
    size = found.recipe.size
    with building(destination) as folder:
        export_fingerprint(found.network, size, folder / "image.onnx")
        shown = np.stack([stretch(picture, size) for picture in found.pixels])
        pixels = whole(shown, size)
        apart = largest_difference(found.network, folder / "image.onnx", pixels)
        card = (
            f"# {name}\n\nA fingerprint for finding copies, learned from "
            f"{found.figures['train']} pictures; of {found.figures['test']} others an edited view "
            f"is nearest to its own picture in {found.figures['found']:.1%}.\n"
        )
        made = _moved_in(
            folder,
            destination,
            card,
            manifest.Manifest(
                format=manifest.FORMAT,
                name=name,
                kind="fingerprint",
                architecture=f"ConvNet at {size} px, generalised mean; after SSCD",
                version="1",
                dim=found.network.head.out_features,
                image=manifest.ImageTower("image.onnx", "pixels", "embeds"),
                preprocessing=manifest.PreprocessingRecord(
                    (size, size), None, "bicubic", MEAN, STD
                ),
                licence=OWN,
                files={},
                precision={
                    "weights": "float16",
                    "computation": "float32",
                    "verified": {"compared": len(shown), "max_difference": {"image": apart}},
                },
                figures={"test": found.figures},
                origin={"source": "albumen train", "pictures": found.figures["train"]},
            ),
        )
    return made


def probe(
    base: Pack, fitted: Probe, judged: Judged, name: str, destination: Path
) -> manifest.Manifest:
    """The base pack's image tower with the probe behind it."""
    tower = base.manifest.image
    with building(destination) as folder:
        model = onnx.load(base.folder / tower.file)
        onnx.save(_with_head(model, tower.embeds, fitted), folder / "image.onnx")
        notice = (base.folder / base.manifest.licence.notice).read_text("utf-8")
        card = (
            f"# {name}\n\nA linear probe on the pack {base.name}: {len(judged.classes)} classes, "
            f"learned from {judged.figures['train']} pictures; of {judged.figures['test']} others "
            f"it names {judged.figures['right']:.1%} rightly. What follows is that pack's notice."
            f"\n\n{notice}"
        )
        made = _moved_in(
            folder,
            destination,
            card,
            manifest.Manifest(
                format=manifest.FORMAT,
                name=name,
                kind="classifier",
                architecture=f"linear probe on {base.manifest.architecture}",
                version=base.manifest.version,
                dim=len(judged.classes),
                image=manifest.ImageTower("image.onnx", tower.input, "logits"),
                preprocessing=base.manifest.preprocessing,
                licence=replace(base.manifest.licence, notice=CARD),
                files={},
                labels=judged.classes,
                precision=base.manifest.precision,
                sources=base.manifest.sources,
                figures={"test": judged.figures},
                origin=_origin(judged) | {"pack": base.name, "pack id": base.id},
            ),
        )
    return made


def _moved_in(
    folder: Path, destination: Path, card: str, made: manifest.Manifest
) -> manifest.Manifest:
    """The pack in `folder`, with its card and manifest, where packs lie once it is verified."""
    (folder / CARD).write_text(card, "utf-8")
    written = manifest.write(folder, made)
    Pack(folder).verify()
    move_in(folder, destination)
    return written


def _with_head(model: onnx.ModelProto, embeds: str, fitted: Probe) -> onnx.ModelProto:
    graph = model.graph
    del graph.output[:]
    for name, value in (("probe.weights", fitted.weights), ("probe.bias", fitted.bias)):
        graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    graph.node.append(helper.make_node("MatMul", [embeds, "probe.weights"], ["probe.products"]))
    graph.node.append(helper.make_node("Add", ["probe.products", "probe.bias"], ["logits"]))
    shape: list[str | int | None] = ["batch", len(fitted.bias)]
    graph.output.append(helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, shape))
    onnx.checker.check_model(model)
    return model


def _origin(judged: Judged) -> dict[str, Any]:
    return {"source": "albumen train", "pictures": judged.figures["train"]}


def _compared(judged: Judged, side: int) -> Calibration:
    """Pictures to compare the pack with the module by: some of those that it was judged by."""
    step = max(1, len(judged.pixels) // MOST_COMPARED)
    chosen = np.stack([square(picture, side) for picture in judged.pixels[::step]])
    return Calibration(chosen, f"{len(chosen)} pictures that it was judged by", generated=False)
