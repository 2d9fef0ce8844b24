"""Packs of published weights answer as the publishers' own models do."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from tests.packs import published
from tests.packs.local_hub import LocalHub
from tests.packs.ready import colours
from tests.packs.tiny_pack import build as colours_pack

from albumen.checkpoints import CheckpointError
from albumen.packs import Pack, PackError, manifest, open_pack
from albumen.packs.add import Options, add, pull
from albumen.packs.calibration import agreement, generated, good_enough

CLIP = "Xenova/clip-vit-base-patch32"
TEXTS = ["a cat", "a photo of a dog on the beach", "", "a " * 40]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, torch.nn.Module]]:
    """Each layout's folder, and the model that it was made of."""
    root = tmp_path_factory.mktemp("published")
    made = {}
    for layout in ("clip_weights", "xenova", "immich", "vit_weights", "classifier"):
        (root / layout).mkdir()
        made[layout] = (root / layout, getattr(published, layout)(root / layout))
    return made


@pytest.fixture
def options(tmp_path: Path, sample_photos: Path) -> Options:
    return Options(tmp_path / "packs", tmp_path / "downloads", sample_photos, "float32")


def wanted(model: torch.nn.Module, pack: Pack, pixels: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(pack.preprocessing.normalise(pixels))
    with torch.inference_mode():
        if pack.is_classifier:
            return model(x).logits.numpy()
        return torch.nn.functional.normalize(published.Vision(model)(x), dim=-1).numpy()


def read(model: torch.nn.Module, pack: Pack, text: str) -> np.ndarray:
    ids = torch.tensor([pack.tokens(text).ids])
    with torch.inference_mode():
        return torch.nn.functional.normalize(published.Text(model)(ids), dim=-1).numpy()[0]


@pytest.mark.parametrize("layout", ["clip_weights", "xenova", "immich"])
def test_a_clip_answers_as_its_publishers_model(
    layout: str, sources: dict, options: Options
) -> None:
    folder, model = sources[layout]
    added = add(str(folder), "someone/clip", options)
    pack = open_pack("someone/clip", packs_dir=options.packs)
    pack.verify()
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_allclose(pack.encode_images(pixels), wanted(model, pack, pixels), atol=2e-5)
    expected = np.stack([read(model, pack, text) for text in TEXTS])
    np.testing.assert_allclose(pack.encode_texts(TEXTS), expected, atol=2e-5)
    assert pack.manifest.precision["towers"] == {"image": "float32", "text": "float32"}
    assert added.manifest.background == "background.safetensors"
    assert pack.background is not None
    assert pack.background.sample is not None
    assert pack.background.sample.mean(0) == pytest.approx(pack.background.mean, abs=1e-3)
    assert sorted(path.name for path in options.packs.iterdir()) == ["someone"]


@pytest.mark.parametrize("layout", ["vit_weights", "classifier"])
def test_a_classifier_answers_as_its_publishers_model(
    layout: str, sources: dict, options: Options
) -> None:
    folder, model = sources[layout]
    add(str(folder), "vit", options)
    pack = open_pack("vit", packs_dir=options.packs)
    pack.verify()
    assert pack.labels == tuple(published.CLASSES)
    pixels = np.random.default_rng(2).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    expected = wanted(model, pack, pixels)
    np.testing.assert_allclose(pack.logits(pixels), expected, atol=1e-5 * np.abs(expected).max())


def test_int8_is_kept_where_it_answers_alike_and_its_figures_stand_in_the_pack(
    sources: dict, options: Options
) -> None:
    folder, model = sources["clip_weights"]
    whole = add(str(folder), "whole", options).manifest
    int8 = Options(options.packs, options.downloads, options.calibrate, "int8")
    added = add(str(folder), "small", int8)
    small = added.manifest
    verified = small.precision["verified"]
    assert "pictures of a folder and 210 texts" in verified["on"]
    for tower, form in small.precision["towers"].items():
        kept = good_enough(verified[tower])
        assert form == ("int8" if kept else "float32")
        bigger, smaller = (each.files[f"{tower}.onnx"] for each in (whole, small))
        assert (smaller.size < 0.8 * bigger.size) if kept else smaller == bigger
        assert any(f"the {tower} tower stays float32" in note for note in added.notes) != kept
    assert "int8" in small.precision["towers"].values()
    pack = open_pack("small", packs_dir=options.packs)
    pixels = np.random.default_rng(1).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    cosines = (pack.encode_images(pixels) * wanted(model, pack, pixels)).sum(1)
    assert cosines.min() > 0.9
    assert "cosine_mean" in (pack.folder / "CARD.md").read_text()


@pytest.mark.parametrize("layout", ["immich", "classifier"])
def test_ready_models_without_a_smaller_form_get_int8_of_ours(
    layout: str, sources: dict, options: Options
) -> None:
    added = add(str(sources[layout][0]), "ready", replace(options, precision="int8"))
    verified = added.manifest.precision["verified"]
    towers = added.manifest.precision["towers"]
    assert all("cosine_mean" in verified[tower] for tower in towers)
    assert towers == {t: "int8" if verified[t]["kept"] else "float32" for t in towers}
    open_pack("ready", packs_dir=options.packs).verify()


def test_without_the_means_to_make_it_int8_is_said_to_be_missing(
    sources: dict, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("albumen.packs.from_weights.find_spec", lambda name: None)
    added = add(str(sources["immich"][0]), "ready", replace(options, precision="int8"))
    assert added.manifest.precision["towers"] == {"image": "float32", "text": "float32"}
    for tower in ("image", "text"):
        assert f"the {tower} tower stays float32: its source has no int8 form" in str(added.notes)


def test_towers_larger_than_any_other_file_may_be_are_verified_like_small_ones(
    sources: dict, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = sources["clip_weights"]
    whole = add(str(folder), "whole", options).manifest
    others = [each.size for name, each in whole.files.items() if not name.endswith(".onnx")]
    towers = [whole.files[name].size for name in ("image.onnx", "text.onnx")]
    assert max(others) < min(towers)
    monkeypatch.setattr(manifest, "LARGEST_OTHER", max(others))
    small = add(str(folder), "small", replace(options, precision="int8")).manifest
    for tower in ("image", "text"):
        assert "cosine_mean" in small.precision["verified"][tower]


@pytest.mark.parametrize("layout", ["clip_weights", "vit_weights", "immich"])
def test_float16_halves_the_weights_and_hardly_changes_answers(
    layout: str, sources: dict, options: Options
) -> None:
    folder, model = sources[layout]
    whole = add(str(folder), "whole", options).manifest
    half = add(str(folder), "half", replace(options, precision="float16")).manifest
    assert set(half.precision["towers"].values()) == {"float16"}
    for tower in half.precision["towers"]:
        assert half.precision["verified"][tower]["cosine_least"] > 0.999
        # A ready model keeps its exporter's notes: in this tiny one 92 kB, its weights 62 kB.
        most = 0.9 if layout == "immich" else 0.8
        assert half.files[f"{tower}.onnx"].size < most * whole.files[f"{tower}.onnx"].size
    pack = open_pack("half", packs_dir=options.packs)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    found = pack.logits(pixels) if pack.is_classifier else pack.encode_images(pixels)
    expected = wanted(model, pack, pixels)
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_a_tower_whose_smaller_form_answers_otherwise_stays_float32(
    sources: dict, options: Options, tmp_path: Path
) -> None:
    source = tmp_path / "copy"
    shutil.copytree(sources["xenova"][0], source)
    # The "quantized" picture tower is that of another model.
    other = onnx.load(source / "onnx/vision_model.onnx")
    for weight in other.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT and len(weight.dims) > 1:
            values = np.ascontiguousarray(-onnx.numpy_helper.to_array(weight))
            weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(other, source / "onnx/vision_model_quantized.onnx")
    int8 = Options(options.packs, options.downloads, options.calibrate, "int8")
    made = add(str(source), "clip", int8).manifest
    assert made.precision["towers"]["image"] == "float32"
    assert made.precision["verified"]["image"]["kept"] is False
    assert made.precision["verified"]["image"]["cosine_mean"] < 0.9


def test_cifar_resnets_become_packs_in_int8(options: Options, tmp_path: Path) -> None:
    from albumen.models import resnet

    torch.manual_seed(0)
    model = resnet.ResNet(resnet.cifar(8))
    for _ in range(4):  # batch normalisation that has seen something
        model(torch.randn(16, 3, 32, 32))
    model.eval()
    theirs = {_akamasters(name): value for name, value in model.state_dict().items()}
    torch.save({"state_dict": theirs}, tmp_path / "resnet8.th")
    int8 = Options(options.packs, options.downloads, options.calibrate, "int8")
    made = add(str(tmp_path / "resnet8.th"), "resnet8", int8).manifest
    assert made.kind == "classifier"
    assert made.labels[3] == "cat"
    pack = open_pack("resnet8", packs_dir=options.packs)
    pixels = np.random.default_rng(3).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    with torch.inference_mode():
        expected = model(torch.from_numpy(pack.preprocessing.normalise(pixels))).numpy()
    assert agreement(expected, pack.logits(pixels), classifier=True)["cosine_mean"] > 0.98
    assert made.precision["towers"] == {"image": "int8"}


def _akamasters(name: str) -> str:
    """The name in the files of github.com/akamaster/pytorch_resnet_cifar10."""
    parts = name.split(".")
    if parts[0] == "head":
        return f"module.linear.{parts[1]}"
    if parts[:2] == ["trunk", "0"]:
        return f"module.{ {'0': 'conv1', '1': 'bn1'}[parts[3]] }.{parts[4]}"
    stage, block, layer, kind = int(parts[2]) + 1, parts[3], int(parts[5]) // 2 + 1, parts[6]
    return f"module.layer{stage}.{block}.{'conv' if kind == '0' else 'bn'}{layer}.{parts[7]}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    colours(tmp_path / "hub" / CLIP)
    server = LocalHub(tmp_path / "hub")
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    yield server
    server.close()


def test_a_repository_of_the_hub_becomes_a_pack_that_says_where_it_came_from(
    server: LocalHub, options: Options
) -> None:
    added = add(CLIP, "colours", options)
    pack = open_pack("colours", packs_dir=options.packs)
    red, blue = (np.full((1, 32, 32, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    query = pack.encode_texts(["red"])[0]
    assert pack.encode_images(red)[0] @ query > pack.encode_images(blue)[0] @ query
    origin = added.manifest.origin
    assert (origin["source"], origin["revision"]) == (CLIP, server.revision(CLIP))
    assert set(origin["sha256"]) >= {"onnx/vision_model.onnx", "tokenizer.json"}
    assert added.manifest.licence.id == "Apache-2.0"
    assert "is pinned in the pack" in added.notes[0]
    card = (pack.folder / "CARD.md").read_text()
    assert server.revision(CLIP) in card
    assert not options.downloads.exists()  # nothing is kept twice


def test_a_pack_is_replaced_by_the_revision_that_was_pinned(
    server: LocalHub, options: Options
) -> None:
    first = add(CLIP, "colours", options).manifest
    with pytest.raises(PackError, match="there is a pack in .*colours already"):
        add(CLIP, "colours", options)
    again = Options(options.packs, options.downloads, options.calibrate, "float32", replace=True)
    assert add(CLIP, "colours", again).manifest.origin == first.origin
    # The hub now gives another file under the same revision.
    server.revisions[CLIP] = first.origin["revision"]
    file = server.folder / CLIP / "config.json"
    file.write_text(file.read_text() + " ")
    with pytest.raises(PackError, match=r"config\.json of .* is not the file that this pack"):
        add(CLIP, "colours", again)
    assert manifest.read(options.packs / "colours") == first


def test_a_catalogued_file_with_another_hash_is_refused(server: LocalHub, options: Options) -> None:
    name = "openai/clip-vit-base-patch32"
    folder = server.folder / name
    folder.mkdir(parents=True)
    (folder / "pytorch_model.bin").write_bytes(b"something else" * 1000)
    server.revisions[name] = "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268"
    with pytest.raises(CheckpointError, match=r"is not the published openai/clip-vit-base-patch32"):
        pull(name, options)
    assert not any(options.packs.rglob("*.onnx"))


def test_without_pytorch_the_ready_models_of_a_catalogued_name_are_taken(
    server: LocalHub, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("albumen.packs.from_weights.find_spec", lambda name: None)
    added = pull("openai/clip-vit-base-patch32", options)
    assert added.manifest.name == "openai/clip-vit-base-patch32"
    assert added.manifest.origin["source"] == CLIP
    assert "PyTorch is not installed" in added.notes[0]
    with pytest.raises(PackError, match=r"needs PyTorch.*install albumen\[train\]"):
        pull("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", options)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda f: (f / "tokenizer.json").unlink(), "has no file tokenizer.json"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "is no tokenizer"),
        (lambda f: (f / "config.json").write_text("{"), "is damaged or lacks a setting"),
        (lambda f: (f / "onnx/text_model.onnx").write_bytes(b"x"), "cannot be read as ONNX"),
        (lambda f: published.outside(f), "keeps its weights in other files"),
        (lambda f: published.not_a_tower(f / "onnx/vision_model.onnx"), "takes pixels only"),
    ],
    ids=["no tokenizer", "a broken tokenizer", "a broken config", "no ONNX", "weights elsewhere",
         "another kind of model"],
)  # fmt: skip
def test_what_cannot_become_a_pack_is_said_and_leaves_nothing(
    spoil, reason: str, options: Options, tmp_path: Path
) -> None:
    source = colours(tmp_path / "source")
    spoil(source)
    with pytest.raises(PackError, match=reason) as told:
        add(str(source), "someone/colours", options)
    assert "\n" not in str(told.value)
    assert not any(path.is_file() for path in options.packs.rglob("*"))


@pytest.mark.parametrize("name", ["../outside", "a/b/c", "", ".hidden", "a b"])
def test_a_name_is_no_path(name: str, options: Options, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="is no name for a pack"):
        add(str(tmp_path), name, options)


@pytest.mark.parametrize("name", ["starter", "someone", "someone/clip/more", "taken/more"])
def test_a_name_where_it_would_not_be_found_or_would_hold_another_is_refused(
    name: str, options: Options, tmp_path: Path
) -> None:
    for installed in ("someone/clip", "taken"):
        shutil.copytree(colours_pack(tmp_path / "made"), options.packs / installed)
        shutil.rmtree(tmp_path / "made")
    before = sorted(options.packs.rglob("*"))
    with pytest.raises(PackError, match="choose another --name|is no name for a pack"):
        add(str(colours(tmp_path / "source")), name, options)
    assert sorted(options.packs.rglob("*")) == before


def test_agreement_tells_a_rounded_tower_from_another() -> None:
    random = np.random.default_rng(0)
    exact = random.normal(size=(60, 32)).astype(np.float32)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    assert agreement(exact, exact, classifier=False) == {
        "cosine_mean": 1.0, "cosine_least": 1.0, "top_5": 1.0,
    }  # fmt: skip
    assert good_enough(agreement(exact, exact + 1e-3, classifier=False))
    assert not good_enough(agreement(exact, exact[::-1], classifier=False))
    shuffled = np.roll(exact, 1, axis=1)
    assert agreement(exact, shuffled, classifier=True)["top_1"] < 0.2


def test_generated_pictures_are_the_same_each_time_and_vary() -> None:
    first, again = list(generated(4)), list(generated(4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(20 < picture.std() < 110 for picture in first)
    assert not np.array_equal(first[0], first[1])
