"""A batch in parts, each on a thread of its own: cores meet twice a step, not at each operation.

PyTorch spreads every single operation over the cores and waits for the slowest. On a machine that
others use too, some core is always late, and a small network has hundreds of operations a step.
Here each thread takes a part of the batch through the whole module, forward and, later, backward.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

from albumen.training import processes


def in_parts(module: nn.Module, parts: Sequence[Tensor]) -> list[Tensor]:
    """What `module` makes of each part, computed at the same time.

    The same as `[module(part) for part in parts]`, gradients included: a sum of two gradients does
    not depend on their order. Batch normalisation sees each part as a batch of its own. The parts
    themselves get no gradient. Where several processes share the work, each computes its parts one
    after the other: what they say to each other has to come in the same order in all of them.
    """
    if len(parts) == 1 or processes.world() > 1:
        return [module(part) for part in parts]
    anchor = next(p for p in module.parameters() if p.requires_grad)
    return list(_Parts.apply(anchor, module, *parts))  # type: ignore[no-untyped-call]


class _Parts(torch.autograd.Function):
    """Forward keeps a graph for each part; backward walks all of them at the same time."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, module: nn.Module, *parts: Tensor) -> tuple[Tensor, ...]:
        ctx.graphs = _together(lambda part: module(part), [(part,) for part in parts])
        return tuple(graph.detach() for graph in ctx.graphs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, ...]:
        pairs = list(zip(ctx.graphs, grads, strict=True))
        _together(lambda graph, grad: torch.autograd.backward(graph, grad), pairs)
        ctx.graphs = None
        return (None,) * (2 + len(grads))


def _together(work: Callable[..., Any], several: Sequence[tuple[Any, ...]]) -> list[Any]:
    """`work` done on all of `several` at once, under the autocast of the thread that asks."""
    autocast = torch.is_autocast_enabled("cpu")

    def run(arguments: tuple[Any, ...]) -> Any:
        with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            return work(*arguments)

    with ThreadPoolExecutor(torch.get_num_interop_threads()) as threads:
        return list(threads.map(run, several))
