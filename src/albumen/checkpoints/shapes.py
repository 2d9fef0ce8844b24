"""What the tensors themselves say about an architecture, for files that come without a config."""

import math
import re
from collections.abc import Iterable

from albumen.checkpoints.errors import CheckpointError
from albumen.checkpoints.renaming import State


def count(state: State, pattern: str) -> int:
    """How many different numbers stand where `pattern` has its group: blocks, layers, stages."""
    return len({match[1] for match in _matches(state, pattern)})


def depths(state: State, pattern: str) -> tuple[int, ...]:
    """Blocks of each stage, of names in which `pattern`'s two groups are stage and block."""
    pairs = {(int(match[1]), int(match[2])) for match in _matches(state, pattern)}
    stages = sorted({stage for stage, _ in pairs})
    return tuple(sum(1 for stage, _ in pairs if stage == wanted) for wanted in stages)


def axis(state: State, name: str, index: int, where: str) -> int:
    """Length of an axis of a tensor that has to be there; CheckpointError if it is not."""
    if name not in state or state[name].ndim <= index:
        raise CheckpointError(f"{where}: {name} is missing, or has another shape than expected")
    length: int = state[name].shape[index]
    return length


def side(patches: int, where: str) -> int:
    """Side of a square of that many patches; CheckpointError if it is none."""
    root = math.isqrt(max(0, patches))
    if root * root != patches:
        raise CheckpointError(f"{where}: positions for {patches} patches, which are no square")
    return root


def heads(width: int) -> int:
    """No tensor says how many heads there are: 64 values a head in every published ViT and CLIP
    text tower but ViT-H/14, which has 16 of 80.
    """
    return 16 if width == 1280 else max(1, width // 64)


def _matches(state: State, pattern: str) -> Iterable[re.Match[str]]:
    return (match for name in state if (match := re.match(pattern, name)))
