"""What is known about published checkpoints besides their files."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
import torchvision
import transformers

from albumen.checkpoints import CheckpointError, catalogue, load
from albumen.checkpoints.card import Card
from albumen.checkpoints.labels import CIFAR10, imagenet

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_the_catalogue_has_what_was_promised() -> None:
    names = {entry.name for entry in catalogue.ENTRIES}
    assert len(names) == len(catalogue.ENTRIES)
    assert names >= {
        "google/vit-base-patch16-224",
        "openai/clip-vit-base-patch32",
        "openai/clip-vit-base-patch16",
        "openai/clip-vit-large-patch14",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
        "microsoft/resnet-50",
    }


@pytest.mark.parametrize("entry", catalogue.ENTRIES, ids=lambda entry: entry.name)
def test_each_entry_is_complete_and_plausible(entry: catalogue.Entry) -> None:
    assert entry.licence
    assert entry.source
    assert entry.file
    assert ("/" in entry.name) == (entry.revision is not None or entry.name.startswith("timm/"))
    classes = 0 if "CLIP" in entry.architecture else 10 if "CIFAR" in entry.architecture else 1000
    assert len(entry.labels) == classes
    assert entry.revision is None or len(bytes.fromhex(entry.revision)) == 20
    assert entry.sha256 is None or len(bytes.fromhex(entry.sha256)) in (4, 32)
    assert all(0.5 < score.value < 1 and score.task and score.source for score in entry.published)


def test_torchvisions_entries_are_what_torchvision_says() -> None:
    entries = {e.file: e for e in catalogue.ENTRIES if "pytorch/vision" in e.source}
    resnets = [f"resnet{layers}" for layers in (18, 34, 50, 101, 152)]
    for name in (*resnets, "vit_b_16", "vit_b_32"):
        weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
        entry = entries.pop(weights.url.rpartition("/")[2])
        accuracy = weights.meta["_metrics"]["ImageNet-1K"]["acc@1"]
        assert entry.published[0].value == pytest.approx(accuracy / 100)
        prepared = weights.transforms()
        assert entry.preprocessing.resize == prepared.resize_size[0]
        assert entry.preprocessing.crop == prepared.crop_size[0]
        assert entry.preprocessing.interpolation == prepared.interpolation.value
        assert (list(entry.preprocessing.mean), list(entry.preprocessing.std)) == (
            prepared.mean,
            prepared.std,
        )
    assert not entries


def test_imagenets_labels_are_in_the_order_of_timm_and_torchvision() -> None:
    info = timm.data.ImageNetInfo()
    assert imagenet() == tuple(info.index_to_description(i) for i in range(1000))
    short = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.meta["categories"]
    differ = [(a, b) for a, b in zip(short, imagenet(), strict=True) if a not in b.split(", ")]
    # torchvision tells the two cranes and the two maillots apart, and renames a few others.
    assert len(differ) < 15


def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, catalogue.Entry]:
    """A file of weights, and the catalogue's first entry changed so that it speaks of this file."""
    file = tmp_path / "resnet8-made-here.th"
    torch.save(cifar_state(), file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    known = catalogue.find("resnet20-12fca82f.th")
    assert known is not None
    entry = replace(known, name=file.name, file=file.name, sha256=digest)
    monkeypatch.setattr(catalogue, "ENTRIES", (entry,))
    return file, entry


def cifar_state() -> dict[str, torch.Tensor]:
    from tests.checkpoints.test_published_names import CifarReference

    return CifarReference(1).state_dict()


def test_a_catalogued_file_gets_licence_labels_and_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, entry = published(tmp_path, monkeypatch)
    card = load(file)[1]
    assert (card.licence, card.labels, card.published) == (entry.licence, CIFAR10, entry.published)


def test_another_file_by_a_published_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = published(tmp_path, monkeypatch)
    torch.save({"conv1.weight": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match=r"is not the published resnet8-made-here\.th"):
        load(file)


def test_a_score_belongs_to_one_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalogue.find("openai/clip-vit-base-patch32")
    assert entry is not None
    same = Card(entry.name, "Hugging Face", "CLIP", revision=entry.revision)
    other = replace(same, revision="0123abc")
    assert catalogue.completed(same, entry).published == entry.published
    assert catalogue.completed(other, entry).published == ()
    assert catalogue.completed(other, entry).licence == "MIT"


def test_the_pinned_revision_in_the_hubs_cache_comes_before_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    entry = catalogue.find("microsoft/resnet-50")
    assert entry is not None
    assert entry.revision is not None
    repository = tmp_path / "models--microsoft--resnet-50"
    for revision, classes in ((entry.revision, 1000), ("0123abc", 3)):
        config = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[32], depths=[1], num_labels=classes
        )
        model = transformers.ResNetForImageClassification(config)
        model.save_pretrained(repository / "snapshots" / revision)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")
    model, card = load("microsoft/resnet-50")
    assert card.revision == entry.revision
    assert len(model.head.bias) == 1000
    assert card.preprocessing == entry.preprocessing  # the folder has no preprocessor_config.json


def test_the_page_shows_the_catalogue_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert catalogue.table() in page, "run: python -m docs/write_outputs.py"
