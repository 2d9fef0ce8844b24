"""A run's state in one safetensors file: weights, their average, the optimiser's memory, the step.

One file, because what is written at once is whole or is not there: it is written beside the old
one, and takes its place when it is on disk. Nothing in it is code.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from albumen.training.errors import TrainingError
from albumen.whole_file import replacing

LAST, BEST = "last.safetensors", "best.safetensors"
FORMER = "checkpoint.pt"
"""What runs wrote before there was `LAST`; still read."""

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class State:
    """All that a run goes on from. `optimizer` is what its `state_dict` gives."""

    module: Weights
    average: Weights
    optimizer: dict[str, Any]
    about: dict[str, Any]


def write(file: Path, tensors: Weights, about: dict[str, Any]) -> None:
    """Replace `file` with these tensors and facts, or leave it as it was. Raises OSError."""
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    data = save(plain, {"albumen": json.dumps(about)})
    with replacing(file) as out:
        out.write(data)


def read(file: Path) -> tuple[Weights, dict[str, Any]]:
    """The tensors and the facts. Raises `TrainingError` for a file that is not one of ours."""
    try:
        with safe_open(file, "pt") as given:
            about = json.loads((given.metadata() or {}).get("albumen", "{}"))
            return {name: given.get_tensor(name) for name in given.keys()}, about  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise TrainingError(
            f"{file} is damaged or no checkpoint ({error}); remove it to begin anew"
        ) from error


def write_state(file: Path, state: State) -> None:
    """Write all of a run's state."""
    tensors = {f"module.{name}": value for name, value in state.module.items()}
    tensors |= {f"average.{name}": value for name, value in state.average.items()}
    for number, memory in state.optimizer["state"].items():
        for name, value in memory.items():
            if value is not None:
                tensors[f"optimizer.{number}.{name}"] = value
    write(file, tensors, state.about | {"groups": state.optimizer["param_groups"]})


def read_state(file: Path) -> State:
    """Read all of it back."""
    tensors, about = read(file)
    parts: dict[str, Weights] = {"module": {}, "average": {}, "optimizer": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = value
    if "groups" not in about:
        raise TrainingError(f"{file} holds weights alone, and no run that could go on")
    memory: dict[int, dict[str, Any]] = {}
    for name, value in parts["optimizer"].items():
        number, _, rest = name.partition(".")
        memory.setdefault(int(number), {})[rest] = value
    optimizer = {"state": memory, "param_groups": about.pop("groups")}
    return State(parts["module"], parts["average"], optimizer, about)


def trained(folder: Path) -> Weights:
    """The averaged weights that a run in `folder` has come to. Raises `TrainingError`."""
    if (folder / LAST).exists():
        return read_state(folder / LAST).average
    if (folder / FORMER).exists():
        state = torch.load(folder / FORMER, map_location="cpu", weights_only=True)
        average: Weights = state["average"]
        return average
    raise TrainingError(f"{folder} holds no run: there is no {LAST}")
