"""A classifier pack says which of its own labels a picture has, and never poses as a search."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.packs.tiny_classifier import SHARPNESS
from tests.packs.tiny_pack import COLOURS, SIDE

from albumen.packs import Pack, PackError, catalogue, manifest, open_pack


@pytest.fixture(scope="module")
def pack(tiny_classifier: Path) -> Pack:
    return open_pack(tiny_classifier)


def plain(*colours: tuple[int, int, int]) -> np.ndarray:
    values = np.uint8(colours)
    return np.broadcast_to(values[:, None, None], (len(colours), SIDE, SIDE, 3))


def test_probabilities_are_the_softmax_of_the_networks_outputs(pack: Pack) -> None:
    colour = (200, 30, 90)
    places = np.float64(list(COLOURS.values())) / 127.5 - 1
    powers = np.exp(-SHARPNESS * ((np.float64(colour) / 127.5 - 1 - places) ** 2).sum(axis=1))
    (probabilities,) = pack.classify_images(plain(colour))
    assert probabilities == pytest.approx(powers / powers.sum(), abs=1e-6)


def test_each_colour_is_its_own_label_in_any_batch(pack: Pack) -> None:
    many = plain(*list(COLOURS.values()) * 10)  # more than two batches
    probabilities = pack.classify_images(many)
    assert probabilities.shape == (70, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert [pack.labels[i] for i in probabilities.argmax(axis=1)] == list(COLOURS) * 10
    assert pack.classify_images(many[:0]).shape == (0, 7)


def test_outputs_too_large_to_exponentiate_are_still_probabilities(
    tiny_classifier: Path, tmp_path: Path
) -> None:
    model = onnx.load(tiny_classifier / "image.onnx")
    for weight in model.graph.initializer:
        if weight.name in ("weights", "bias"):
            scaled = onnx.numpy_helper.to_array(weight) * 10_000
            weight.CopyFrom(onnx.numpy_helper.from_array(scaled, weight.name))
    (tmp_path / "CARD.md").write_text("louder")
    onnx.save(model, tmp_path / "image.onnx")
    manifest.write(tmp_path, manifest.read(tiny_classifier))
    (red,) = open_pack(tmp_path).classify_images(plain((255, 0, 0)))
    assert red[0] == 1
    assert red.sum() == 1


def test_it_is_found_listed_and_verified(tiny_classifier: Path) -> None:
    (info,) = [i for i in catalogue.installed(tiny_classifier.parent) if i.name == "colours"]
    assert info.problem is None
    assert (info.manifest.kind, info.manifest.labels) == ("classifier", tuple(COLOURS))
    open_pack(tiny_classifier).verify()


def test_verify_finds_a_network_that_has_not_one_output_a_label(
    tiny_classifier: Path, tmp_path: Path
) -> None:
    for name in ("image.onnx", "CARD.md"):
        (tmp_path / name).write_bytes((tiny_classifier / name).read_bytes())
    known = manifest.read(tiny_classifier)
    manifest.write(tmp_path, replace(known, dim=3, labels=("a", "b", "c")))
    with pytest.raises(PackError, match=r"shape \(1, 7\).* where 3 numbers"):
        open_pack(tmp_path).verify()


@pytest.mark.parametrize(("labels", "dim"), [((), 0), (("one",), 2), (("one", "two"), 1)])
def test_labels_and_outputs_must_be_as_many(
    tiny_classifier: Path, labels: tuple[str, ...], dim: int
) -> None:
    known = manifest.read(tiny_classifier)
    with pytest.raises(PackError, match=f"classifier of {dim} outputs with {len(labels)} labels"):
        manifest.write(tiny_classifier, replace(known, labels=labels, dim=dim))


def test_its_outputs_are_never_taken_for_vectors_to_search_with(pack: Pack) -> None:
    with pytest.raises(PackError, match="is a classifier: .* no vectors to search with"):
        pack.encode_images(plain((255, 0, 0)))
    with pytest.raises(PackError, match="reads no texts"):
        pack.encode_texts(["red"])


def test_a_clip_has_no_labels_of_its_own(tiny_pack: Path) -> None:
    with pytest.raises(PackError, match='no classifier .* --labels "a cat, a dog"'):
        open_pack(tiny_pack).classify_images(plain((255, 0, 0)))


def test_a_label_with_an_article_does_not_get_a_second_one(tiny_pack: Path) -> None:
    pack = open_pack(tiny_pack)
    texts = pack.encode_texts(["a photo of an owl", "an owl"]).mean(axis=0)
    assert np.allclose(pack.encode_label("an owl"), texts / np.linalg.norm(texts), atol=1e-6)
