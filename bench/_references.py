"""transformers, timm and torchvision beside any build of PyTorch: import this before them.

The ordinary index has torchvision as a CUDA build; its compiled operators do not load beside
PyTorch's CPU build, and its Python part then fails at the first operator that it describes. The
models, which are all that is used here (also by transformers, timm, open_clip), need none of them.
"""

import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:
    for name in ("nms", "qnms"):
        signature = "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor"
        torch.library.define(f"torchvision::{name}", signature)
