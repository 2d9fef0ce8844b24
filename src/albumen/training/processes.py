"""Several processes that train one model: what each needs of the others.

`torchrun`, or `albumen train … --processes N`, starts them; Fabric joins them. Each makes its share
of every batch, and the gradients are averaged. A loss that compares pictures with one another has
to see those of all processes: `gathered` gives them, with their gradients.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

Precision = Literal["bf16-mixed", "32-true"]


def fabric(precision: Precision = "bf16-mixed", device: str = "cpu") -> Fabric:
    """The Fabric of this process, joined with the others' if the environment names any."""
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)  # it greets each process
    several = int(os.environ.get("WORLD_SIZE", "1"))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", several))
    made = Fabric(
        accelerator=device,
        devices=here,
        num_nodes=several // here,
        strategy=DDPStrategy() if several > 1 else "auto",
        precision=precision,
    )
    made.launch()
    return made


def best_precision(device: str = "cpu") -> Precision:
    """bfloat16 where the processor computes in it, and float32 where it would only pretend to."""
    if device == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "32-true"


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0; the first one writes."""
    return dist.get_rank() if dist.is_initialized() else 0


def wait() -> None:
    """Until all processes have come here."""
    if dist.is_initialized():
        dist.barrier()


@contextmanager
def first_alone() -> Iterator[None]:
    """What is within is done by the first process, then by the others, who find what it wrote."""
    if rank() > 0:
        wait()
    yield
    if rank() == 0:
        wait()


def share(count: int) -> slice:
    """This process's part of a batch of `count`, which the number of processes has to divide."""
    own, rest = divmod(count, world())
    if rest:
        raise ValueError(f"a batch of {count} cannot be shared equally by {world()} processes")
    return slice(rank() * own, (rank() + 1) * own)


class _Gather(torch.autograd.Function):
    """Concatenates what all processes have; backward, each gets what all say of its own part."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(world())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient.chunk(world())[rank()]


class _Sum(torch.autograd.Function):
    """Adds up what all processes have; the sum of gradients is what each gets back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous().clone()
        dist.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient


def gathered(x: Tensor) -> Tensor:
    """x: (B, ...) -> (B · processes, ...), the processes' parts in their order; differentiable.

    A loss of all of them that every process computes has, once the processes' gradients are
    averaged, exactly the gradient that it has in one process.
    """
    if world() == 1:
        return x
    joined: Tensor = _Gather.apply(x)  # type: ignore[no-untyped-call]
    return joined


def summed(x: Tensor) -> Tensor:
    """The sum over all processes, differentiable."""
    if world() == 1:
        return x
    total: Tensor = _Sum.apply(x)  # type: ignore[no-untyped-call]
    return total


def mean_of_all(values: Tensor) -> Tensor:
    """The mean of the values (n,) of all processes, however many each has; 0 if there are none.

    What a process gives is its share, so that the average over the processes is that mean.
    """
    several = summed(torch.tensor(float(len(values)), device=values.device)).clamp_min(1)
    return values.sum() * world() / several


class SyncedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by the statistics of all processes' pictures, on any device.

    PyTorch's own needs a GPU. x: (B, C, H, W) -> the same shape
    """

    def forward(self, x: Tensor) -> Tensor:
        """In training with several processes; otherwise batch normalisation as it always is."""
        if not self.training or world() == 1:
            return super().forward(x)
        exact = x.float()
        count = world() * x.numel() // x.shape[1]
        mean = summed(exact.sum((0, 2, 3))) / count
        centred = exact - mean[:, None, None]
        variance = summed(centred.square().sum((0, 2, 3))) / count
        self._follow(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)
        self.num_batches_tracked.add_(1)


def sync_batch_norm(module: nn.Module) -> None:
    """Make every batch normalisation within `module` one of all processes; its weights stay."""
    for parent in list(module.modules()):
        for name, norm in list(parent.named_children()):
            if type(norm) is nn.BatchNorm2d:
                synced = SyncedBatchNorm(norm.num_features, norm.eps, norm.momentum)
                synced.weight, synced.bias = norm.weight, norm.bias
                for buffer, value in norm.named_buffers():
                    setattr(synced, buffer, value)
                setattr(parent, name, synced.train(norm.training))
