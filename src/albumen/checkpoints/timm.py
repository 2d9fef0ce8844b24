"""timm's names for VisionTransformer; its ResNets have torchvision's."""

from collections.abc import Mapping
from typing import Any

from albumen.checkpoints import shapes
from albumen.checkpoints.card import Preprocessing, colours
from albumen.checkpoints.renaming import State, Table
from albumen.models.vit import ViTConfig

_BLOCK = r"blocks\.(\d+)\."
VIT: Table = (
    (r"cls_token", "trunk.class_token"),
    (r"pos_embed", "trunk.positions"),
    (r"patch_embed\.proj\.(.+)", r"trunk.patches.projection.\1"),
    (_BLOCK + r"norm1\.(.+)", r"trunk.blocks.\1.norm1.\2"),
    (_BLOCK + r"norm2\.(.+)", r"trunk.blocks.\1.norm2.\2"),
    (_BLOCK + r"attn\.qkv\.(.+)", r"trunk.blocks.\1.attention.qkv.\2"),
    (_BLOCK + r"attn\.proj\.(.+)", r"trunk.blocks.\1.attention.out.\2"),
    (_BLOCK + r"mlp\.fc1\.(.+)", r"trunk.blocks.\1.mlp.0.\2"),
    (_BLOCK + r"mlp\.fc2\.(.+)", r"trunk.blocks.\1.mlp.2.\2"),
    (r"norm\.(.+)", r"trunk.norm.\1"),
    (r"head\.(.+)", r"head.\1"),
)


def vit(state: State, where: str) -> ViTConfig:
    """The config of a VisionTransformer of timm, with a class token or with averaged patches."""
    width, patch = (shapes.axis(state, "patch_embed.proj.weight", i, where) for i in (0, 2))
    has_class_token = "cls_token" in state
    patches = shapes.axis(state, "pos_embed", 1, where) - has_class_token
    return ViTConfig(
        size=patch * shapes.side(patches, where),
        patch=patch,
        width=width,
        layers=shapes.count(state, _BLOCK),
        heads=shapes.heads(width),
        classes=shapes.axis(state, "head.weight", 0, where),
        pool="class_token" if has_class_token else "mean",
    )


def preprocessing(config: Mapping[str, Any]) -> Preprocessing | None:
    """The `pretrained_cfg` of timm's config.json; None where it does not say enough."""
    said = config.get("pretrained_cfg") or config
    if not {"input_size", "mean", "std"} <= said.keys():
        return None
    crop = int(said["input_size"][-1])
    mean, std = (colours(said[key]) for key in ("mean", "std"))
    resize = int(crop / float(said.get("crop_pct", 0.875)))
    return Preprocessing(resize, crop, str(said.get("interpolation", "bicubic")), mean, std)
