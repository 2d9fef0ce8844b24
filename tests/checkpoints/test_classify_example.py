"""The example that classifies a photo with published weights, here with random ones."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image

PROGRAM = Path(__file__).parents[2] / "examples" / "classify_photo.py"


def tiny_vit(folder: Path) -> transformers.ViTForImageClassification:
    """With random weights, saved as the hub lays it out: tests fetch no published ones."""
    torch.manual_seed(0)
    labels = dict(enumerate(["cat", "dog", "coffee latte", "rocket"]))
    config = transformers.ViTConfig(
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=96,
        image_size=32,
        patch_size=8,
        initializer_range=0.3,
        id2label=labels,
        label2id={label: i for i, label in labels.items()},
    )
    model = transformers.ViTForImageClassification(config).eval()
    model.save_pretrained(folder)
    processor = transformers.ViTImageProcessorPil(size={"height": 32, "width": 32})
    processor.save_pretrained(folder)
    return model


def test_classify_photo_says_what_transformers_says(sample_photos: Path, tmp_path: Path) -> None:
    model, photo = tiny_vit(tmp_path / "vit"), sample_photos / "chelsea.png"
    command = [sys.executable, PROGRAM, tmp_path / "vit", photo, "--top", "3"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    processor = transformers.ViTImageProcessorPil.from_pretrained(tmp_path / "vit")
    with torch.inference_mode():
        inputs = processor(Image.open(photo).convert("RGB"), return_tensors="pt")
        wanted = model(**inputs).logits[0].softmax(-1).numpy()
    best = np.argsort(wanted)[::-1][:3]
    expected = [f"{wanted[i]:6.1%}  {model.config.id2label[int(i)]}" for i in best]
    assert done.stdout.splitlines() == expected
