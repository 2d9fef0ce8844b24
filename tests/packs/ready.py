"""The tests' pack that knows colours, laid out as a repository with ready ONNX towers."""

import json
import shutil
from pathlib import Path

from tests.packs import tiny_pack

PROCESSOR = {
    "image_processor_type": "CLIPImageProcessor", "do_center_crop": True, "resample": 3,
    "crop_size": {"height": 32, "width": 32}, "size": {"shortest_edge": 32},
    "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
}  # fmt: skip


def colours(folder: Path) -> Path:
    """As Xenova/clip-vit-base-patch32; made without PyTorch, in no time."""
    made = tiny_pack.build(folder / ".made")
    (folder / "onnx").mkdir(parents=True)
    shutil.copy(made / "image.onnx", folder / "onnx/vision_model.onnx")
    shutil.copy(made / "text.onnx", folder / "onnx/text_model.onnx")
    shutil.copy(made / "tokenizer.json", folder / "tokenizer.json")
    shutil.rmtree(made)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    config = {"model_type": "clip", "projection_dim": tiny_pack.DIM, "text_config": {}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
