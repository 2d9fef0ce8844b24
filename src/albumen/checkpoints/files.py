"""Weights from a file, without running anything that the file contains."""

import json
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from albumen.checkpoints.errors import CheckpointError

WRAPPERS = ("state_dict", "model", "model_state_dict")
"""Keys under which training programs put the weights, beside their own notes."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file or of a PyTorch file that holds nothing but tensors.

    Wrappers (`state_dict`, and `module.` before each name, which DataParallel adds) are taken off.
    Raises CheckpointError for anything else: a PyTorch file is a pickle, and a pickle that wants
    more than tensors can run any program.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file")
    if path.suffix == ".safetensors":
        try:
            return safetensors.torch.load_file(path)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path} is damaged or no safetensors file: {error}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of archives that are refused in the next moment
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} is refused: it is damaged, or holds more than tensors and so could run a "
            f"program when opened ({reason}). Ask its author for safetensors, or save its "
            "state_dict on a machine where you trust it"
        ) from error
    return _unwrapped(content, path)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; CheckpointError if it is missing, damaged or something else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} is not a JSON object")
    return value


def _unwrapped(content: object, path: Path) -> dict[str, Tensor]:
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(f"{path} holds no weights by name, but a {type(content).__name__}")
    for name, tensor in content.items():
        if not isinstance(tensor, Tensor):
            raise CheckpointError(f"{path}: {name} is no tensor, but a {type(tensor).__name__}")
    if all(name.startswith("module.") for name in content):
        return {name.removeprefix("module."): tensor for name, tensor in content.items()}
    return dict(content)
