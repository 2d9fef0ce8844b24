"""What Hugging Face's JSON files say of labels and preprocessing; read without PyTorch."""

from collections.abc import Mapping
from typing import Any

from albumen.checkpoints.card import Preprocessing, colours

Config = Mapping[str, Any]

MOST_LABELS = 1_000_000


def labels(config: Config) -> tuple[str, ...]:
    """`id2label` in the order of the ids; two of them where the file says nothing, as there."""
    named = config.get("id2label")
    if named is None:
        count = int(config.get("num_labels", 2))
        if count > MOST_LABELS:
            raise ValueError(f"num_labels is {count}")
        return tuple(f"LABEL_{i}" for i in range(count))
    return tuple(str(named[key]) for key in sorted(named, key=int))


def preprocessing(config: Config) -> Preprocessing:
    """preprocessor_config.json of ViT's, CLIP's and ConvNeXt's image processors (ResNet's)."""
    crop: int | None = None
    resize = _side(config["size"], "shortest_edge")
    kind = str(config.get("image_processor_type", config.get("feature_extractor_type", "")))
    if kind.startswith("ConvNext"):
        # 224 px: the short side becomes 256, and 224 are cut out; from 384 on all is squashed.
        if isinstance(resize, int) and resize < 384:
            crop, resize = resize, int(resize / float(config.get("crop_pct") or 224 / 256))
        elif isinstance(resize, int):
            resize = (resize, resize)
    elif config.get("do_center_crop"):
        side = _side(config.get("crop_size", resize), "height")
        crop = side if isinstance(side, int) else side[0]
    elif isinstance(resize, int) and kind.startswith("ViT"):
        resize = (resize, resize)  # older files: one number for both sides
    mean, std = (colours(config[key]) for key in ("image_mean", "image_std"))
    names = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
    return Preprocessing(resize, crop, names[int(config.get("resample", 3))], mean, std)


def _side(value: Any, edge: str) -> int | tuple[int, int]:
    if isinstance(value, Mapping):
        if edge in value and edge == "shortest_edge":
            return int(value[edge])
        return int(value["height"]), int(value["width"])
    return int(value)
