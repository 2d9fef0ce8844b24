"""torchvision beside any build of PyTorch.

The ordinary index has torchvision as a CUDA build; its compiled operators do not load beside
PyTorch's CPU build, and its Python part then fails at the first operator that it describes. The
models, which are all that is used here (by timm and open_clip too), need none of them.
"""

import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:
    for name in ("nms", "qnms"):
        signature = "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor"
        torch.library.define(f"torchvision::{name}", signature)
