"""What a network is made of: for each layer its weights, its work, its output, and what it sees.

Beside each layer stands the dense layer that would give the same output, in which every output has
a weight of its own for every input: what convolutions and shared projections save.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from albumen.models.layers import Attention

WHOLE = math.inf
"""The receptive field of a layer each of whose outputs depends on the whole picture."""


@dataclass(frozen=True)
class Dense:
    """A fully connected layer: one weight for each pair of input and output, one bias an output."""

    inputs: int
    outputs: int

    @property
    def weights(self) -> int:
        """Without the biases, of which there are as many as outputs."""
        return self.inputs * self.outputs


@dataclass(frozen=True)
class LayerReport:
    """One layer, for one picture.

    `shape`: of the output, without the batch. `receptive_field`: side in pixels of the square that
    one output can depend on, or WHOLE; 0 where it depends on no pixel, as in a text tower.
    `dense`: None where a layer has no weights of this kind.
    """

    name: str
    kind: str
    parameters: int
    multiply_adds: int
    shape: tuple[int, ...]
    receptive_field: float
    dense: Dense | None


def describe(model: nn.Module, *inputs: Tensor) -> list[LayerReport]:
    """The layers of `model` in the order in which `inputs` (a batch of one) pass through them.

    The first input is the picture, (1, 3, H, W). A model and inputs on PyTorch's "meta" device cost
    neither memory nor time: `with torch.device("meta"): describe(ViT(VIT_L16), torch.empty(...))`.
    """
    reports: list[LayerReport] = []
    fields = _ReceptiveFields(inputs[0])

    def record(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(module: nn.Module, taken: tuple[Tensor, ...], given: Tensor) -> None:
            reports.append(_report(name, module, taken[0], given, fields.of(given)))

        return hook

    layers = [(name, module) for name, module in model.named_modules() if _is_layer(module)]
    hooks = [module.register_forward_hook(record(name)) for name, module in layers]
    training = model.training
    try:
        model.eval()
        with torch.no_grad(), fields:
            model(*inputs)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return reports


def table(reports: Iterable[LayerReport]) -> str:
    """The report as text, a line for each layer, with the sums at the end."""
    rows: list[tuple[str, ...]] = [
        ("layer", "kind", "parameters", "multiply-adds", "output", "sees", "dense layer instead")
    ]
    parameters = multiply_adds = 0
    for report in reports:
        parameters += report.parameters
        multiply_adds += report.multiply_adds
        sees = "whole" if report.receptive_field == WHOLE else f"{report.receptive_field:.0f} px"
        if report.receptive_field == 0:  # a text tower sees no picture
            sees = ""
        dense = f"{report.dense.weights:,} + {report.dense.outputs:,}" if report.dense else ""
        shape = " × ".join(map(str, report.shape))
        counts = (f"{report.parameters:,}", f"{report.multiply_adds:,}")
        rows.append((report.name, report.kind, *counts, shape, sees, dense))
    rows.append(("all layers", "", f"{parameters:,}", f"{multiply_adds:,}", "", "", ""))
    return _aligned(rows)


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _is_layer(module: nn.Module) -> bool:
    return isinstance(module, Attention) or (
        not any(True for _ in module.children()) and not isinstance(module, nn.Identity)
    )


def _report(
    name: str, module: nn.Module, taken: Tensor, given: Tensor, field: float
) -> LayerReport:
    own = sum(p.numel() for p in module.parameters(recurse=False))
    dense = None
    if isinstance(module, nn.Conv2d | nn.Linear):
        dense = Dense(taken[0].numel(), given[0].numel())
    work = _multiply_adds(module, taken, given)
    return LayerReport(name, type(module).__name__, own, work, tuple(given.shape[1:]), field, dense)


def _multiply_adds(module: nn.Module, taken: Tensor, given: Tensor) -> int:
    """Of convolutions, projections and attention's two products; the rest is small beside them."""
    outputs = given[0].numel()
    if isinstance(module, nn.Conv2d):
        return outputs * module.weight[0].numel()
    if isinstance(module, nn.Linear):
        return outputs * module.in_features
    if isinstance(module, Attention):
        asked, width = given.shape[1:]
        return 2 * asked * taken.shape[1] * width  # q kᵀ, and its softmax times v, over all heads
    return 0


class _ReceptiveFields(TorchFunctionMode):
    """Follows how far each tensor's values reach, through every operation of a forward pass.

    A tensor carries (side of what one value sees, pixels between neighbours) as an attribute. A
    sum or a concatenation sees what its widest part sees; attention and averages over all places
    see the whole picture.
    """

    def __init__(self, picture: Tensor) -> None:
        super().__init__()
        self.seen = {id(picture): (1.0, 1.0)}
        self.alive = [picture]  # an id is a tensor's own only while the tensor lives

    def of(self, tensor: Tensor) -> float:
        return self.seen.get(id(tensor), (0.0, 1.0))[0]

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        known = [self.seen[id(x)] for x in _tensors((args, kwargs)) if id(x) in self.seen]
        if known:
            field = _after(func, args, kwargs, max(known))
            for tensor in _tensors(result):
                self.seen[id(tensor)] = field
                self.alive.append(tensor)
        return result


def _after(func: Any, args: Any, kwargs: Any, field: tuple[float, float]) -> tuple[float, float]:
    size, step = field
    if func is torch.conv2d or func is F.conv2d:
        kernel, stride = args[1].shape[-1], _side(kwargs.get("stride", args[3]))
        dilation = _side(kwargs.get("dilation", args[5] if len(args) > 5 else 1))
        return size + (kernel - 1) * dilation * step, step * stride
    if func in _POOLING:
        kernel = _side(args[1])
        stride = _side(kwargs.get("stride") or (args[2] if len(args) > 2 else kernel) or kernel)
        return size + (kernel - 1) * step, step * stride
    if func in _WHOLE:
        return WHOLE, step
    return field


_POOLING = {F.max_pool2d, torch.max_pool2d, F.avg_pool2d, torch._C._nn.avg_pool2d}
_WHOLE = {F.scaled_dot_product_attention, torch.mean, Tensor.mean, F.adaptive_avg_pool2d}


def _side(value: Any) -> int:
    return int(value[0] if isinstance(value, Sequence) else value)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [tensor for part in value for tensor in _tensors(part)]
    return []
