"""From a source's names to ours, strictly: every tensor is mapped, ignored by name, or an error.

A table is a list of rules, tried in order: a pattern for the whole of a source's name, and our name
for it (`\\1` is the pattern's first group), or None for what is ignored on purpose. Two endings say
more: `name[1]` is the second part of a tensor that we keep joined (queries, keys and values),
`name^T` is transposed.
"""

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from albumen.checkpoints.errors import CheckpointError

Table = Sequence[tuple[str, str | None]]
State = Mapping[str, Tensor]

COUNTER = r".*\.num_batches_tracked"
"""Batch normalisation's counter, which evaluation does not use; every table ignores it."""

_PART = re.compile(r"(.+)\[(\d)\]")


def load_into(model: nn.Module, state: State, table: Table, where: str) -> None:
    """Give `model` the tensors of `state`, renamed by `table`, as float32.

    `model` may lie on PyTorch's "meta" device, so that nothing is initialised in vain. Raises
    CheckpointError, naming the tensor and its shape, if one has no place, is missing, or does not
    fit. Axes of length 1 alone may differ: `(1, 1, D)` fits `(D,)`.
    """
    renamed = rename(state, table, where)
    fitted = {}
    for name, ours in model.state_dict().items():
        if re.fullmatch(COUNTER, name):
            fitted[name] = torch.zeros((), dtype=torch.int64)
            continue
        tensor = renamed.pop(name, None)
        if tensor is None:
            raise CheckpointError(f"{where}: nothing for our {name} {tuple(ours.shape)}")
        if _without_ones(tensor.shape) != _without_ones(ours.shape):
            raise CheckpointError(
                f"{where}: {name} should be {tuple(ours.shape)}, and is {tuple(tensor.shape)}"
            )
        fitted[name] = tensor.reshape(ours.shape).to(torch.float32)
    if renamed:
        name, tensor = next(iter(renamed.items()))
        raise CheckpointError(
            f"{where}: {len(renamed)} tensors have no place in this model, the first is our "
            f"{name} {tuple(tensor.shape)}"
        )
    model.load_state_dict(fitted, assign=True)


def rename(state: State, table: Table, where: str) -> dict[str, Tensor]:
    """The tensors under our names; CheckpointError for a name that no rule knows."""
    rules = [(re.compile(pattern), ours) for pattern, ours in table]
    renamed: dict[str, Tensor] = {}
    parts: dict[str, dict[int, Tensor]] = {}
    for name, tensor in state.items():
        ours = _ours(name, rules, tensor, where)
        if ours is None:
            continue
        if ours.endswith("^T"):
            ours, tensor = ours[:-2], tensor.T
        if part := _PART.fullmatch(ours):
            parts.setdefault(part[1], {})[int(part[2])] = tensor
        elif ours in renamed:
            raise CheckpointError(f"{where}: {name} {tuple(tensor.shape)} is there twice ({ours})")
        else:
            renamed[ours] = tensor
    for ours, found in parts.items():
        if sorted(found) != [0, 1, 2]:
            raise CheckpointError(f"{where}: {ours} needs queries, keys and values, not only some")
        renamed[ours] = torch.cat([found[i] for i in range(3)])
    return renamed


def _ours(
    name: str, rules: Sequence[tuple[re.Pattern[str], str | None]], tensor: Tensor, where: str
) -> str | None:
    for pattern, ours in rules:
        if match := pattern.fullmatch(name):
            return None if ours is None else match.expand(ours)
    raise CheckpointError(
        f"{where}: no place is known for {name} {tuple(tensor.shape)}; this is not one of the "
        "architectures that Albumen has"
    )


def _without_ones(shape: torch.Size) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)
