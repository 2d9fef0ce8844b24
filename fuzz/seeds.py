"""Where fuzzing begins: small whole inputs of each kind, made in view."""

import io
import json
import tarfile
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from albumen.exchange import document
from albumen.library.exif import exif_block
from albumen.packs import background
from albumen.search import matrix
from albumen.tags import vectors


def pictures() -> Iterable[bytes]:
    from tests.library.hostile import small_samples

    return small_samples().values()


def exif_blocks() -> Iterable[bytes]:
    return [block for data in pictures() if (block := exif_block(data)) is not None]


def packets() -> Iterable[bytes]:
    date = 'xmlns:e="http://ns.adobe.com/exif/1.0/" e:DateTimeOriginal="2024-05-01T10:20:30"'
    return [
        f"<x {date}/>".encode(),
        b'<x xmlns:p="http://ns.adobe.com/photoshop/1.0/"><p:DateCreated>2024</p:DateCreated></x>',
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
    ]


def packs() -> dict[str, bytes]:
    from tests.packs.tiny_pack import build

    with tempfile.TemporaryDirectory() as place:
        folder = build(Path(place) / "tiny")
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def models() -> Iterable[bytes]:
    return [data for name, data in packs().items() if name.endswith(".onnx")]


def iptc() -> Iterable[bytes]:
    from tests.library.albums import jpeg
    from tests.library.worded import iim, with_iptc, with_windows_words

    fields = iim((1, 90, b"\x1b%G"), (2, 25, b"Rosie"), (2, 120, b"We dig."), (2, 55, b"19850617"))
    return [with_iptc(jpeg(1), fields), with_windows_words("Rosie;beach", "We dig.", 3)]


def documents() -> Iterable[bytes]:
    said = {"tag": "dog", "has": True, "at": "2024-05-01T10:20:30Z"}
    pair = {"first": "1" * 64, "second": "2" * 64, "verdict": "keep-both", "at": said["at"]}
    whole = {
        "format": document.FORMAT, "version": 1, "exported": said["at"], "vocabulary": ["[a]"],
        "tags": [{"picture": "0" * 64, "tags": [said], "path": "a.jpg"}], "pairs": [pair],
    }  # fmt: skip
    return [json.dumps(whole).encode(), json.dumps({**whole, "version": 2}).encode()]


def answers() -> Iterable[bytes]:
    whole = {
        "format": "PNG", "width": 2, "height": 1, "shape": [1, 2, 3], "image_hash": "00" * 32,
        "metadata": {"taken": "2024-05-01T10:20:30", "taken_source": "exif", "latitude": 1.5},
        "told": {"keywords": ["dog"], "rating": 3}, "failures": [],
    }  # fmt: skip
    failure = {"stage": "decode", "status": "failed", "reason": "it is damaged", "lasting": True}
    lines = (whole, {**whole, "failures": [failure]}, {"failure": failure})
    return [json.dumps(line).encode() + b"\n\0\1\2\3\4\5" for line in lines]


def settings() -> Iterable[bytes]:
    from tests.packs.ready import PROCESSOR

    vision = {
        "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "patch_size": 8,
        "num_hidden_layers": 2, "image_size": 32,
    }  # fmt: skip
    text = {**vision, "vocab_size": 200, "max_position_embeddings": 24, "eos_token_id": 199}
    clip = {"model_type": "clip", "projection_dim": 8, "vision_config": vision, "text_config": text}
    vit = {"model_type": "vit", **vision, "id2label": {"0": "cat", "1": "dog"}}
    resnet = {
        "model_type": "resnet", "embedding_size": 8, "hidden_sizes": [32, 64], "depths": [1, 1],
        "layer_type": "bottleneck", "num_labels": 2,
    }  # fmt: skip
    open_clip = {"size": [32, 32], "mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}
    pad = {"pad_token": {"content": "!"}}
    pairs = [(clip, PROCESSOR), (vit, PROCESSOR), (resnet, open_clip), (pad, open_clip)]
    return [json.dumps(a).encode() + b"\0" + json.dumps(b).encode() for a, b in pairs]


@cache
def one_tensor() -> bytes:
    from safetensors.numpy import save

    return save({"classifier.weight": np.zeros((2, 2), np.float32)})


def statistics() -> Iterable[bytes]:
    chance = np.random.default_rng(0)
    seen, read, against = (chance.normal(size=(6, 4)).astype(np.float32) for _ in range(3))
    return [background.dump(seen, read, against, 6)]


def tag_vectors() -> Iterable[bytes]:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "tags.npz"
        vectors.write(file, {bytes(16): np.zeros(4, np.float32)})
        return [file.read_bytes()]


def tars() -> Iterable[bytes]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, data in {
            "a.jpg": b"\xff\xd8", "a.json": b'{"captions": ["a cat"]}', "a.cls": b"7",
            "b.png": b"\x89PNG",
        }.items():  # fmt: skip
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return [file.getvalue()]


def headers() -> Iterable[bytes]:
    return [matrix.Header("library", "0" * 32, 4, 7, 9, 2, ("ab",)).dumps().encode(), b"{}"]
