"""Published checkpoints that Albumen knows by name, with what their files do not say.

Only what is certain stands here: a score is left out where its sources disagree or say nothing, and
a hash is left out where we have not found it published. Such a file is pinned at its first use: who
fetches it keeps the hash of what came, and later fetches have to give the same.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from albumen.checkpoints.card import (
    CIFAR_PREPROCESSING,
    IMAGENET_MEAN,
    IMAGENET_STD,
    OPENAI_PREPROCESSING,
    Card,
    Preprocessing,
    Published,
)
from albumen.checkpoints.errors import CheckpointError
from albumen.checkpoints.labels import CIFAR10, imagenet


@dataclass(frozen=True)
class Entry:
    """A checkpoint by its hub name or file name.

    `file`: the file of weights, and `sha256` its hash, or the beginning of it where the publisher
    gives no more. `revision`: the hub's commit that both belong to.
    """

    name: str
    architecture: str
    licence: str
    source: str
    preprocessing: Preprocessing
    file: str
    labels: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()
    revision: str | None = None
    sha256: str | None = None

    def check(self, weights: Path) -> None:
        """Raise CheckpointError if `weights` is not the file that was published by this name."""
        if self.sha256 is None or weights.name != self.file:
            return
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(self.sha256):
            raise CheckpointError(
                f"{weights} is not the published {self.name}: its SHA-256 begins with "
                f"{found[:8]}, not {self.sha256[:8]}. It is damaged or something else: get it "
                "again, or give it another name"
            )


WEIGHTS = (
    "model.safetensors",
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
)
"""Files that hold a folder's weights; safetensors before pickles."""

HALVES = (0.5, 0.5, 0.5)
IMAGENET = "ImageNet-1k top-1"
ZERO_SHOT = "ImageNet-1k zero-shot top-1"
OPEN_CLIP = "github.com/mlfoundations/open_clip"
LAION_PREPROCESSING = OPENAI_PREPROCESSING  # LAION and DataComp kept OpenAI's


def _openai(
    name: str,
    architecture: str,
    accuracy: float,
    revision: str | None = None,
    file: str = "pytorch_model.bin",
    sha256: str | None = None,
) -> Entry:
    return Entry(
        name,
        architecture,
        "MIT",
        "github.com/openai/CLIP",
        OPENAI_PREPROCESSING,
        file,
        published=(Published(ZERO_SHOT, accuracy, "Radford et al. 2021, table 11"),),
        revision=revision,
        sha256=sha256,
    )


def _laion(name: str, accuracy: float, revision: str, sha256: str, size: int = 224) -> Entry:
    """In open_clip's layout; the score is from open_clip's table of results."""
    return Entry(
        name,
        "CLIP ViT-B/32" if size == 224 else f"CLIP ViT-B/32 at {size} px",
        "MIT",
        OPEN_CLIP,
        replace(LAION_PREPROCESSING, resize=size, crop=size),
        "open_clip_model.safetensors",
        published=(Published(ZERO_SHOT, accuracy, f"{OPEN_CLIP}, docs/openclip_results.csv"),),
        revision=revision,
        sha256=sha256,
    )


def _torchvision(file: str, architecture: str, accuracy: float) -> Entry:
    """The name ends in the first eight digits of the file's hash."""
    source = "github.com/pytorch/vision"
    return Entry(
        file,
        architecture,
        "BSD-3-Clause",
        source,
        Preprocessing(256, 224, "bilinear", IMAGENET_MEAN, IMAGENET_STD),
        file,
        labels=imagenet(),
        published=(Published(IMAGENET, accuracy, f"{source}, weights' metadata"),),
        sha256=file.removesuffix(".pth").rpartition("-")[2],
    )


def _cifar(layers: int, accuracy: float, sha256: str) -> Entry:
    source = "github.com/akamaster/pytorch_resnet_cifar10"
    file = f"resnet{layers}-{sha256[:8]}.th"
    return Entry(
        file,
        f"CIFAR ResNet-{layers}",
        "BSD-2-Clause",
        source,
        CIFAR_PREPROCESSING,
        file,
        labels=CIFAR10,
        published=(Published("CIFAR-10 test accuracy", accuracy, f"{source}, README"),),
        sha256=sha256,
    )


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "google/vit-base-patch16-224",
        "ViT-B/16",
        "Apache-2.0",
        "github.com/google-research/vision_transformer",
        Preprocessing((224, 224), None, "bilinear", HALVES, HALVES),
        "model.safetensors",
        labels=imagenet(),
        revision="3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
    ),
    Entry(
        "microsoft/resnet-50",
        "ResNet-50",
        "Apache-2.0",
        "huggingface.co/microsoft/resnet-50",
        Preprocessing(256, 224, "bicubic", IMAGENET_MEAN, IMAGENET_STD),
        "model.safetensors",
        labels=imagenet(),
        revision="34c2154c194f829b11125337b98c8f5f9965ff19",
    ),
    _openai(
        "openai/clip-vit-base-patch32",
        "CLIP ViT-B/32",
        0.632,
        "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268",
        sha256="a63082132ba4f97a80bea76823f544493bffa8082296d62d71581a4feff1576f",
    ),
    _openai(
        "openai/clip-vit-base-patch16",
        "CLIP ViT-B/16",
        0.686,
        "57c216476eefef5ab752ec549e440a49ae4ae5f3",
    ),
    _openai(
        "openai/clip-vit-large-patch14",
        "CLIP ViT-L/14",
        0.753,
        "32bd64288804d66eefd0ccbe215aa642df71cc41",
        "model.safetensors",
        "a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb",
    ),
    _openai("timm/resnet50_clip.openai", "CLIP RN50", 0.596, file="open_clip_model.safetensors"),
    _laion(
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        0.6656,
        "1a25a446712ba5ee05982a381eed697ef9b435cf",
        "ac4f8c4b88af6d963118cbf40ad93176d092abbedfcb752601ae1866352656e6",
    ),
    _laion(
        "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
        0.6917,
        "f0e2ffa09cbadab3db6a261ec1ec56407ce42912",
        "3c00043509d2e3f35ec62bd85a643a393883dcda624d8208d034cc390c708297",
    ),
    _laion(
        "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        0.7281,
        "4afec35ffe57a943d569ff7ee888061830164da8",
        "92c26d60d3200ed5ed040dff31a8d19f8140648da8007216c25744c478deef27",
        size=256,
    ),
    _torchvision("resnet18-f37072fd.pth", "ResNet-18", 0.69758),
    _torchvision("resnet34-b627a593.pth", "ResNet-34", 0.73314),
    _torchvision("resnet50-0676ba61.pth", "ResNet-50", 0.76130),
    _torchvision("resnet101-63fe2227.pth", "ResNet-101", 0.77374),
    _torchvision("resnet152-394f9c45.pth", "ResNet-152", 0.78312),
    _torchvision("vit_b_16-c867db91.pth", "ViT-B/16", 0.81072),
    _torchvision("vit_b_32-d86f8d99.pth", "ViT-B/32", 0.75912),
    _cifar(20, 0.9173, "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8"),
    _cifar(32, 0.9263, "d509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850"),
    _cifar(44, 0.9310, "014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4"),
    _cifar(56, 0.9339, "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367"),
)


def find(name: str) -> Entry | None:
    """The entry of that name, or None."""
    return next((entry for entry in ENTRIES if entry.name == name), None)


def completed(card: Card, entry: Entry) -> Card:
    """The card with what the catalogue knows besides; what the files say themselves comes first.

    A score was measured on one revision: it is left out for another.
    """
    same = entry.revision is None or card.revision in (None, entry.revision)
    return replace(
        card,
        architecture=entry.architecture,
        preprocessing=card.preprocessing or entry.preprocessing,
        labels=card.labels or entry.labels,
        licence=entry.licence,
        published=entry.published if same else (),
        revision=card.revision or entry.revision,
    )


def table() -> str:
    """The catalogue as docs/models.md shows it."""
    rows = [
        "| name | architecture | licence | input | labels | published | revision | SHA-256 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for entry in ENTRIES:
        published = "; ".join(f"{100 * s.value:.2f} % {s.task}" for s in entry.published) or "–"
        rows.append(
            f"| `{entry.name}` | {entry.architecture} | {entry.licence} "
            f"| {_in_words(entry.preprocessing)} | {len(entry.labels) or '–'} | {published} "
            f"| {(entry.revision or '–')[:8]} "
            f"| {entry.sha256[:8] if entry.sha256 else 'pinned at first use'} |"
        )
    return "\n".join(rows)


def _in_words(preprocessing: Preprocessing) -> str:
    resize, crop = preprocessing.resize, preprocessing.crop
    if isinstance(resize, tuple):
        return f"{resize[0]} × {resize[1]} px, {preprocessing.interpolation}"
    return f"{resize} px, {crop} cut out, {preprocessing.interpolation}"
