"""From a source (a file, a folder laid out as the hub's, a hub's name) to a model and its card."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from albumen.checkpoints import catalogue, cifar, huggingface, openai, timm, torchvision
from albumen.checkpoints.card import CIFAR_PREPROCESSING, Card
from albumen.checkpoints.errors import CheckpointError
from albumen.checkpoints.files import read_json, read_state
from albumen.checkpoints.labels import CIFAR10
from albumen.checkpoints.renaming import State, Table, load_into
from albumen.models.clip import CLIP
from albumen.models.layers import Activation
from albumen.models.resnet import ResNet
from albumen.models.vit import ViT

UNFIT = (
    LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError,
    RuntimeError,
)  # fmt: skip
"""What reading files of any content as if they were what they claim to be can end in."""


def load(source: str | Path, *, activation: Activation | None = None) -> tuple[nn.Module, Card]:
    """The model that `source` holds, in evaluation mode and float32, and what is known about it.

    `source`: a file of weights, recognised by its keys; a folder laid out as the hub's; or a hub's
    name such as "openai/clip-vit-base-patch32", which is looked up in the hub's cache on this
    machine and never fetched. `activation` is needed for a lone file of CLIP weights that does not
    say it. Raises CheckpointError, in words, for everything that does not fit exactly.

    >>> model, card = load("resnet20-12fca82f.th")
    >>> card.architecture
    'CIFAR ResNet-20'
    """
    path, name, revision = _locate(source)
    weights = _weights(path) if path.is_dir() else path
    entry = catalogue.find(name)
    if entry is not None and revision in (None, entry.revision):
        entry.check(weights)
    state = read_state(weights)
    try:
        if path.is_dir():
            model, card = _from_folder(path, state, weights.name, activation)
        else:
            model, card = from_state(state, path.name, activation)
    except UNFIT as error:
        raise CheckpointError(f"{path}: a setting is missing or wrong: {error}") from error
    card = replace(card, name=name, revision=revision)
    if entry is not None:
        card = catalogue.completed(card, entry)
    return model.eval().requires_grad_(False), card


def _locate(source: str | Path) -> tuple[Path, str, str | None]:
    path = Path(source)
    if path.exists():
        return path, path.name, None
    name = str(source)
    if isinstance(source, Path) or name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise CheckpointError(f"{source}: there is no such file or folder")
    snapshot = _cached(name)
    if snapshot is None:
        raise CheckpointError(
            f"{name} is not in the hub's cache on this machine, and loading never fetches: "
            "download the repository's files and give their folder"
        )
    return snapshot, name, snapshot.name


def _cached(name: str) -> Path | None:
    """A snapshot of a hub's repository in the cache that huggingface_hub keeps.

    The catalogued revision if it is there, otherwise the one that was fetched as "main".
    """
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    hub = Path(os.environ.get("HF_HUB_CACHE", home / "hub")).expanduser()
    folder = hub / ("models--" + name.replace("/", "--"))
    entry = catalogue.find(name)
    if entry is not None and entry.revision is not None:
        pinned = folder / "snapshots" / entry.revision
        if pinned.is_dir():
            return pinned
    try:
        snapshot = folder / "snapshots" / (folder / "refs" / "main").read_text().strip()
    except OSError:
        return None
    return snapshot if snapshot.is_dir() else None


def _weights(folder: Path) -> Path:
    weights = next((folder / name for name in catalogue.WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise CheckpointError(f"{folder} holds none of {', '.join(catalogue.WEIGHTS)}")
    return weights


def _from_folder(
    folder: Path, state: State, where: str, activation: Activation | None
) -> tuple[nn.Module, Card]:
    if (folder / "open_clip_config.json").is_file() and openai.is_clip(state):
        return _from_open_clip(folder, state, where)
    config = read_json(folder / "config.json")
    if "model_type" in config:
        return _from_huggingface(folder, config, state, where)
    model, card = from_state(state, where, activation)
    return model, replace(card, preprocessing=timm.preprocessing(config))


def _from_huggingface(
    folder: Path, config: dict[str, Any], state: State, where: str
) -> tuple[nn.Module, Card]:
    builders: dict[str, tuple[Callable[[], nn.Module], Table, str]] = {
        "vit": (lambda: ViT(huggingface.vit(config)), huggingface.VIT, "ViT"),
        "clip": (lambda: CLIP(huggingface.clip(config)), huggingface.CLIP, "CLIP"),
        "resnet": (lambda: ResNet(huggingface.resnet(config)), huggingface.RESNET, "ResNet"),
    }
    kind = str(config["model_type"])
    if kind not in builders:
        known = ", ".join(builders)
        raise CheckpointError(f"{folder}: model type {kind}, where these are known: {known}")
    build, names, architecture = builders[kind]
    model = _built(build, state, names, where)
    labels = () if kind == "clip" else huggingface.labels(config)
    file = folder / "preprocessor_config.json"
    preprocessing = huggingface.preprocessing(read_json(file)) if file.is_file() else None
    return model, Card(folder.name, "Hugging Face", architecture, preprocessing, labels)


def _from_open_clip(folder: Path, state: State, where: str) -> tuple[nn.Module, Card]:
    said = read_json(folder / "open_clip_config.json")
    towers = said.get("model_cfg", {})
    quick = bool(towers.get("quick_gelu", False))
    config = openai.clip(state, where, "quick_gelu" if quick else "gelu")
    table = openai.VIT if openai.has_vit(state) else openai.RESNET
    model = _built(lambda: CLIP(config), state, table, where)
    preprocessing = openai.preprocessing(config, said.get("preprocess_cfg"))
    return model, Card(folder.name, "open_clip", "CLIP", preprocessing)


def from_state(
    state: State, where: str, activation: Activation | None = None
) -> tuple[nn.Module, Card]:
    """The model for tensors whose source is told by their names alone."""
    if openai.is_clip(state):
        return _from_clip_names(state, where, activation)
    if "conv_proj.weight" in state and "class_token" in state:
        vit = torchvision.vit(state, where)
        model: nn.Module = _built(lambda: ViT(vit), state, torchvision.VIT, where)
        return model, Card(where, "torchvision", f"ViT, {vit.patch} px a patch")
    if "patch_embed.proj.weight" in state and "pos_embed" in state:
        vit = timm.vit(state, where)
        model = _built(lambda: ViT(vit), state, timm.VIT, where)
        return model, Card(where, "timm", f"ViT, {vit.patch} px a patch")
    if cifar.is_cifar(state):
        resnet = cifar.resnet(state, where)
        model = _built(lambda: ResNet(resnet), state, cifar.RESNET, where)
        labels = CIFAR10 if resnet.classes == 10 else ()
        name = f"CIFAR ResNet-{6 * resnet.depths[0] + 2}"
        return model, Card(where, "CIFAR", name, CIFAR_PREPROCESSING, labels)
    if "layer4.0.conv1.weight" in state and "fc.weight" in state:
        resnet = torchvision.resnet(state, where)
        model = _built(lambda: ResNet(resnet), state, torchvision.RESNET, where)
        layers = (2 if resnet.block == "basic" else 3) * sum(resnet.depths) + 2
        return model, Card(where, "torchvision", f"ResNet-{layers}")
    if any(name.startswith(("vit.", "vision_model.", "resnet.")) for name in state):
        raise CheckpointError(
            f"{where} has Hugging Face's names: give its folder, whose config.json is needed"
        )
    name, tensor = next(iter(state.items()))
    raise CheckpointError(
        f"{where}: none of the known sources has such names (the first is {name} "
        f"{tuple(tensor.shape)})"
    )


def _from_clip_names(
    state: State, where: str, activation: Activation | None
) -> tuple[nn.Module, Card]:
    if activation is None and openai.NUMBERS[0] in state:
        activation = "quick_gelu"
    if activation is None:
        raise CheckpointError(
            f"{where} does not say which activation it was trained with: pass "
            'activation="quick_gelu" (OpenAI\'s weights) or "gelu" (LAION\'s and DataComp\'s), or '
            "give the folder with its open_clip_config.json"
        )
    config = openai.clip(state, where, activation)
    table = openai.VIT if openai.has_vit(state) else openai.RESNET
    model = _built(lambda: CLIP(config), state, table, where)
    return model, Card(where, "OpenAI CLIP", "CLIP", openai.preprocessing(config))


def _built(build: Callable[[], nn.Module], state: State, table: Table, where: str) -> nn.Module:
    with torch.device("meta"):  # nothing is drawn at random only to be overwritten
        model = build()
    load_into(model, state, table, where)
    return model
