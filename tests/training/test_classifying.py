"""From a folder of pictures to a classifier that is a pack."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training.pets import build

from albumen.errors import UsageError
from albumen.packs import open_pack
from albumen.packs.errors import PackError
from albumen.training import checkpoint, classifying, network, recipes, to_pack
from albumen.training.classifying import Job
from albumen.training.reports import classifier_report
from albumen.training.told import Told

CONFIG = recipes.classifier(
    "small-pictures",
    model="convnet-8-16",
    size=32,
    epochs=40,
    batch=8,
    learning_rate=0.01,
    precision="32-true",
    average=0.5,
    test=0.3,
)


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("data") / "pets", each=8)


@pytest.fixture(scope="module")
def trained(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, classifying.Judged]:
    job = Job(pets, tmp_path_factory.mktemp("run"))
    return job, classifying.train(job, CONFIG, None, Told())


def test_it_learns_to_tell_pieces_of_two_photos_apart(trained) -> None:
    job, judged = trained
    assert judged.figures["right"] == 1.0
    assert judged.figures["train"] == 12
    assert judged.figures["test"] == 4
    assert {"best.safetensors", "last.safetensors", "log.csv", "evaluation.csv"} <= {
        file.name for file in job.folder.iterdir()
    }


def test_the_same_command_again_trains_no_further(trained) -> None:
    job, judged = trained
    before = (job.folder / checkpoint.LAST).read_bytes()
    notes = []
    again = classifying.train(job, CONFIG, None, Told(note=notes.append))
    assert notes == ["going on at step 40 of 40"]
    assert again.figures == judged.figures
    assert (job.folder / checkpoint.LAST).read_bytes() == before


def test_another_recipe_in_the_same_folder_is_refused(trained) -> None:
    job, _ = trained
    with pytest.raises(UsageError, match=r"holds a run with epochs 40, not 41; choose another"):
        classifying.train(job, replace(CONFIG, epochs=41), None, Told())


def test_the_pack_answers_as_the_network_did(trained, tmp_path: Path) -> None:
    job, judged = trained
    made = to_pack.classifier(job.folder, judged, "pets", tmp_path / "pets")
    pack = open_pack(tmp_path / "pets")
    assert pack.labels == ("cat", "coffee")
    assert made.figures["test"]["right"] == 1.0
    shown = np.stack([to_pack.square(picture, 32) for picture in judged.pixels])
    assert (pack.logits(shown).argmax(1) == judged.logits.argmax(1)).all()
    assert "trained by whoever made it" in (tmp_path / "pets/CARD.md").read_text()


def test_a_name_that_is_taken_or_none_is_told_of_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(PackError, match="there is a pack 'mine' already"):
        to_pack.check("mine", tmp_path, again=False)
    assert to_pack.check("mine", tmp_path, again=True) == tmp_path / "mine"
    with pytest.raises(PackError, match="is no name for a pack"):
        to_pack.check("../mine", tmp_path, again=False)


def test_a_run_begins_with_the_weights_of_another(trained, tmp_path: Path) -> None:
    job, _ = trained
    weights, about = checkpoint.read(job.folder / checkpoint.BEST)
    same = network.begin("", 64, str(job.folder)).build(about["classes"])
    for name, value in same.state_dict().items():
        assert torch.equal(value, weights[name]), name
    other = network.begin("", 64, str(job.folder)).build(["a", "b", "c"])
    assert other.head.out_features == 3
    assert torch.equal(other.layers[0][0].weight, weights["layers.0.0.weight"])
    with pytest.raises(UsageError, match="holds a convnet-8-16, not a resnet18"):
        network.begin("resnet18", 64, str(job.folder))


def test_the_report_shows_curves_confusion_and_samples_and_asks_for_nothing(trained) -> None:
    job, judged = trained
    classifier_report(job.folder, judged)
    page = (job.folder / "report.html").read_text()
    assert page.count("<svg") >= 3
    assert page.count('src="data:image/jpeg;base64,') == 4
    assert "<tr><th>cat</th><td" in page
    assert 'src="http' not in page
    assert 'href="' not in page.replace('xlink:href="#', "")
    figures = json.loads((job.folder / "figures.json").read_text())
    assert figures["right"] == 1.0


def test_a_probe_on_the_starter_needs_few_pictures(pets: Path, tmp_path: Path) -> None:
    base = open_pack("starter")
    job = Job(pets, tmp_path / "run", each=3)
    fitted, judged = classifying.probe(job, base, CONFIG, Told())
    assert judged.figures == {"train": 6, "test": 10, "right": 1.0} | {
        "loss": judged.figures["loss"]
    }
    made = to_pack.probe(base, fitted, judged, "mine", tmp_path / "mine")
    assert made.origin["pack"] == "starter"
    pack = open_pack(tmp_path / "mine")
    photo = np.asarray(Image.open(pets / "cat/7.png").convert("RGB"))
    shown = pack.preprocessing.apply(photo)[np.newaxis]
    logits = fitted(base.encode_images(shown))
    np.testing.assert_allclose(pack.logits(shown), logits, rtol=1e-3, atol=1e-3)
    assert pack.labels[int(logits.argmax())] == "cat"


def test_unknown_names_are_told_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no recipe 'cifar'; there are: .*cifar10-resnet20"):
        recipes.classifier("cifar")
    with pytest.raises(UsageError, match=r"no model is called resnet19"):
        network.begin("resnet19-x", 32, None)
    with pytest.raises(UsageError, match="is no classifier"):
        network.begin("clip-b32", 224, None)
    with pytest.raises(UsageError, match="a batch of 10 has no 4 equal parts"):
        recipes.classifier("photos", batch=10, accumulate=4)


@pytest.mark.parametrize("name", recipes.CLASSIFIERS)
def test_every_recipe_has_a_network_that_takes_its_pictures(name: str) -> None:
    config = recipes.classifier(name)
    if not config.model:
        return
    module = recipes.network(config.model, 7, config.size)
    assert module(torch.zeros(2, 3, config.size, config.size)).shape == (2, 7)
    assert recipes.from_dict(json.loads(json.dumps(recipes.as_dict(config)))) == config
