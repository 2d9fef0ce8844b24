"""What is refused, and how it is said."""

import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from albumen.checkpoints import CheckpointError, load
from albumen.checkpoints.files import read_state
from albumen.checkpoints.renaming import load_into, rename
from albumen.models.resnet import ResNet, cifar

TABLE = ((r"ignored", None), (r"a\.(.+)", r"b.\1"), (r"q(\d)", r"qkv[\1]"), (r"p", "proj^T"))


def torchvision_state() -> dict[str, torch.Tensor]:
    import torchvision

    block = torchvision.models.resnet.BasicBlock
    return torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=3).state_dict()


def test_each_name_is_mapped_or_ignored_or_an_error_that_names_it() -> None:
    one, wide = torch.ones(1, 2), torch.arange(6.0).reshape(2, 3)
    state = {"a.x": one, "ignored": one, "q0": one, "q1": 2 * one, "q2": 3 * one, "p": wide}
    renamed = rename(state, TABLE, "f")
    assert sorted(renamed) == ["b.x", "proj", "qkv"]
    assert renamed["qkv"].tolist() == [[1, 1], [2, 2], [3, 3]]
    assert torch.equal(renamed["proj"], wide.T)
    with pytest.raises(CheckpointError, match=r"f: no place is known for surprise \(1, 2\)"):
        rename({**state, "surprise": one}, TABLE, "f")
    del state["q1"]
    with pytest.raises(CheckpointError, match="qkv needs queries, keys and values"):
        rename(state, TABLE, "f")


def test_a_missing_a_surplus_and_a_misshapen_tensor_are_named(tmp_path: Path) -> None:
    state = torchvision_state()
    for change, message in [
        ({"bn1.weight": torch.ones(3)}, r"trunk.0.0.1.weight should be \(64,\), and is \(3,\)"),
        ({"layer1.0.conv9.weight": torch.ones(3)}, r"layer1.0.conv9.weight \(3,\)"),
        ({"fc.bias": None}, r"nothing for our head.bias \(3,\)"),
    ]:
        changed = {k: v for k, v in {**state, **change}.items() if v is not None}
        torch.save(changed, tmp_path / "changed.pth")
        with pytest.raises(CheckpointError, match=message):
            load(tmp_path / "changed.pth")


def test_a_tensor_with_no_place_in_the_model_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"1 tensors have no place.* our extra \(2,\)"):
        load_into(
            torch.nn.Linear(1, 1),
            {"weight": torch.ones(1, 1), "bias": torch.ones(1), "extra": torch.ones(2)},
            ((r"(.+)", r"\1"),),
            "f",
        )


class Touch:
    """A pickle that would make a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_file_that_would_run_a_program_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    file, trace = tmp_path / "evil.pth", tmp_path / "trace"
    torch.save({"state_dict": {"conv1.weight": Touch(trace)}}, file)
    with pytest.raises(CheckpointError, match=r"evil.pth is refused.*safetensors"):
        load(file)
    file.write_bytes(pickle.dumps(Touch(trace)))
    with pytest.raises(CheckpointError, match="refused"):
        load(file)
    assert not trace.exists()


def test_a_torchscript_archive_is_refused(tmp_path: Path) -> None:
    """As OpenAI's own CLIP files are."""
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "ViT-B-32.pt")
    with pytest.raises(CheckpointError, match="ViT-B-32.pt is refused"):
        load(tmp_path / "ViT-B-32.pt")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"PK\x03\x04 no archive"])
def test_damaged_files_are_refused_in_words(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        load(tmp_path / name)


def test_what_holds_no_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="epoch is no tensor, but a int"):
        load(tmp_path / "w.pth")
    torch.save([torch.ones(2)], tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="no weights by name, but a list"):
        load(tmp_path / "w.pth")
    safetensors.torch.save_file({"mystery": torch.ones(2)}, tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match=r"none of the known sources.*mystery \(2,\)"):
        load(tmp_path / "w.safetensors")


def test_clip_weights_that_do_not_say_their_activation_are_not_guessed(tmp_path: Path) -> None:
    state = {"visual.proj": torch.ones(2, 2), "token_embedding.weight": torch.ones(3, 2)}
    safetensors.torch.save_file(state, tmp_path / "clip.safetensors")
    with pytest.raises(CheckpointError, match='pass activation="quick_gelu"'):
        load(tmp_path / "clip.safetensors")


def test_a_hub_name_is_looked_up_in_the_cache_and_never_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match="microsoft/resnet-50 is not in the hub's cache"):
        load("microsoft/resnet-50")
    import transformers

    repository = tmp_path / "models--microsoft--resnet-50"
    snapshot = repository / "snapshots" / "0123abc"
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[32], depths=[1], num_labels=3
    )
    transformers.ResNetForImageClassification(config).save_pretrained(snapshot)
    said = {
        "image_processor_type": "ConvNextImageProcessor",
        "size": {"shortest_edge": 224},
        "crop_pct": 0.875,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "resample": 3,
    }
    (snapshot / "preprocessor_config.json").write_text(json.dumps(said))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")
    _, card = load("microsoft/resnet-50")
    assert (card.name, card.revision, card.licence) == (
        "microsoft/resnet-50",
        "0123abc",
        "Apache-2.0",
    )
    assert card.preprocessing is not None
    assert (card.preprocessing.resize, card.preprocessing.crop) == (256, 224)


@pytest.mark.parametrize("source", ["no/such/file.pth", "./nothing", "nothing"])
def test_a_source_that_is_nowhere_is_said_so(source: str) -> None:
    with pytest.raises(CheckpointError, match="no such file or folder"):
        load(source)


def test_the_model_comes_ready_to_be_used(tmp_path: Path) -> None:
    torch.save(torchvision_state(), tmp_path / "w.pth")
    model, _ = load(tmp_path / "w.pth")
    assert not model.training
    assert not any(p.requires_grad or p.is_meta for p in model.parameters())


def test_safetensors_and_pytorch_files_give_the_same_tensors(tmp_path: Path) -> None:
    state = ResNet(cifar(8)).state_dict()
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    torch.save({"model": state}, tmp_path / "w.pth")
    one, other = read_state(tmp_path / "w.safetensors"), read_state(tmp_path / "w.pth")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
