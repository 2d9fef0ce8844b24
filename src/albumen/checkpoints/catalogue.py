"""Published checkpoints that Albumen knows by name, with what their files do not say.

Only what is certain stands here. A revision of None, and hashes that are not listed, are to be
pinned at first use; a score is left out where its sources disagree.
"""

from dataclasses import dataclass, replace

from albumen.checkpoints.card import Card, Published


@dataclass(frozen=True)
class Entry:
    """A checkpoint by its hub name or file name. `sha256` of the file of weights."""

    name: str
    architecture: str
    licence: str
    source: str
    published: tuple[Published, ...] = ()
    revision: str | None = None
    sha256: str | None = None


ZERO_SHOT = "ImageNet-1k zero-shot top-1"
CLIP_PAPER = "Radford et al. 2021, table 11"
CIFAR10_TEST = "CIFAR-10 test accuracy"
CIFAR_SOURCE = "github.com/akamaster/pytorch_resnet_cifar10"


def _openai(name: str, architecture: str, accuracy: float) -> Entry:
    score = Published(ZERO_SHOT, accuracy, CLIP_PAPER)
    return Entry(name, architecture, "MIT", "github.com/openai/CLIP", (score,))


def _cifar(layers: int, accuracy: float, sha256: str) -> Entry:
    score = Published(CIFAR10_TEST, accuracy, f"{CIFAR_SOURCE}, README")
    name, architecture = f"resnet{layers}-{sha256[:8]}.th", f"CIFAR ResNet-{layers}"
    return Entry(name, architecture, "BSD-2-Clause", CIFAR_SOURCE, (score,), sha256=sha256)


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "google/vit-base-patch16-224",
        "ViT-B/16",
        "Apache-2.0",
        "github.com/google-research/vision_transformer",
    ),
    Entry("microsoft/resnet-50", "ResNet-50", "Apache-2.0", "huggingface.co/microsoft/resnet-50"),
    _openai("openai/clip-vit-base-patch32", "CLIP ViT-B/32", 0.632),
    _openai("openai/clip-vit-base-patch16", "CLIP ViT-B/16", 0.686),
    _openai("openai/clip-vit-large-patch14", "CLIP ViT-L/14", 0.753),
    _openai("timm/resnet50_clip.openai", "CLIP RN50", 0.596),
    Entry(
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "CLIP ViT-B/32",
        "MIT",
        "github.com/mlfoundations/open_clip",
        (Published(ZERO_SHOT, 0.666, "its model card"),),
    ),
    Entry(
        "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
        "CLIP ViT-B/32",
        "MIT",
        "github.com/mlfoundations/open_clip",
    ),
    Entry(
        "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        "CLIP ViT-B/32 at 256 px",
        "MIT",
        "github.com/mlfoundations/open_clip",
    ),
    _cifar(20, 0.9173, "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8"),
    _cifar(32, 0.9263, "d509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850"),
    _cifar(44, 0.9310, "014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4"),
    _cifar(56, 0.9339, "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367"),
)


def find(name: str) -> Entry | None:
    """The entry of that name, or None."""
    return next((entry for entry in ENTRIES if entry.name == name), None)


def completed(card: Card) -> Card:
    """The card with what the catalogue knows about its name, if it does."""
    entry = find(card.name)
    if entry is None:
        return card
    return replace(
        card,
        licence=entry.licence,
        published=entry.published,
        revision=card.revision or entry.revision,
    )
