"""A pack encodes pictures and words, and opens no more than that takes."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.packs.tiny_pack import COLOURS, SIDE
from tokenizers import Tokenizer

from albumen.packs import Pack, PackError, manifest, open_pack, runtime


@pytest.fixture(scope="module")
def pack(tiny_pack: Path) -> Pack:
    return open_pack(tiny_pack)


def plain(*colours: str) -> np.ndarray:
    """Pictures (n, SIDE, SIDE, 3), each of one colour."""
    values = np.uint8([COLOURS[name] for name in colours])
    return np.broadcast_to(values[:, None, None], (len(colours), SIDE, SIDE, 3))


def test_words_find_their_pictures(pack: Pack) -> None:
    names = list(COLOURS)
    scores = pack.encode_texts(names) @ pack.encode_images(plain(*names)).T
    assert scores.argmax(axis=1).tolist() == list(range(len(names)))


def test_vectors_are_of_length_one_and_the_same_in_any_batch(pack: Pack) -> None:
    many = plain(*list(COLOURS) * 10)  # more than two batches
    vectors = pack.encode_images(many)
    assert vectors.shape == (70, pack.dim)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.allclose(vectors[-1], pack.encode_images(many[-1:])[0], atol=1e-6)
    texts = [f"{name} {'dog ' * i}" for i, name in enumerate(list(COLOURS) * 10)]
    vectors = pack.encode_texts(texts)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_large_pictures_are_taken_few_at_a_time(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = pack.preprocessing.short_side
    pixels = np.random.default_rng(5).integers(0, 256, (7, side, side, 3), np.uint8)
    whole = pack.encode_images(pixels)
    taken = []
    run = runtime.Session.run

    def watched(session: runtime.Session, output: str, inputs: dict) -> np.ndarray:
        taken.append(len(inputs["pixels"]))
        return run(session, output, inputs)

    monkeypatch.setattr(runtime.Session, "run", watched)
    monkeypatch.setattr("albumen.packs.pack.PIXELS", 3 * side * side)
    monkeypatch.setattr("albumen.packs.pack.cores", lambda: 2)
    np.testing.assert_allclose(pack.encode_images(pixels), whole, atol=1e-6)
    assert sorted(taken) == [1, 3, 3]


def test_a_batch_is_shared_out_among_the_cores(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    side = pack.preprocessing.short_side
    pixels = np.random.default_rng(6).integers(0, 256, (9, side, side, 3), np.uint8)
    monkeypatch.setattr("albumen.packs.pack.cores", lambda: 4)
    shared = pack.encode_images(pixels)
    monkeypatch.setattr("albumen.packs.pack.cores", lambda: 1)
    np.testing.assert_allclose(shared, pack.encode_images(pixels), atol=1e-6)


def test_nothing_gives_no_vectors(pack: Pack) -> None:
    assert pack.encode_images(plain("red")[:0]).shape == (0, pack.dim)
    assert pack.encode_texts([]).shape == (0, pack.dim)


@pytest.mark.parametrize("text", ["", " ", "\0", "🐈\u200d", "\udcff red", "x" * 100_000])
def test_any_text_has_a_vector(pack: Pack, text: str) -> None:
    vector = pack.encode_texts([text])
    assert np.isfinite(vector).all()


def test_a_long_text_is_cut_off_and_told(pack: Pack, tiny_pack: Path) -> None:
    context = manifest.read(tiny_pack).tokenizer.context
    short, long = pack.tokens("red"), pack.tokens("red " * 10_000)
    assert (short.truncated, long.truncated) == (False, True)
    assert len(long.ids) == context
    assert (long.ids[0], long.ids[-1]) == (short.ids[0], short.ids[-1])
    assert np.array_equal(pack.encode_texts(["red " * 10_000]), pack.encode_texts(["red " * 14]))


def test_ids_are_the_librarys_own(pack: Pack, tiny_pack: Path) -> None:
    own = Tokenizer.from_file(str(tiny_pack / "tokenizer.json"))
    assert list(pack.tokens("A red DOG").ids) == own.encode("a red dog").ids


def test_a_label_is_the_mean_over_templates(pack: Pack) -> None:
    assert pack.manifest.templates == ("a photo of a {}", "{}")
    mean = pack.encode_texts(["a photo of a red", "red"]).mean(axis=0)
    assert np.allclose(pack.encode_label("red"), mean / np.linalg.norm(mean), atol=1e-6)


def test_places_average_to_the_embedding(pack: Pack) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    session = pack._image_session
    inputs = {"pixels": pack.preprocessing.normalise(picture)}
    places = session.run("local_embeds", inputs)
    assert places.shape == (1, 16, pack.dim)
    assert np.allclose(places.mean(axis=1), pack.encode_images(picture), atol=1e-6)


def test_the_mask_covers_the_text_even_if_its_end_is_also_the_padding(
    tiny_pack: Path, tmp_path: Path
) -> None:
    """As in the published CLIPs, whose end token fills up what is short."""
    ids = onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["b", "t"])
    mask = onnx.helper.make_tensor_value_info("mask", onnx.TensorProto.INT64, ["b", "t"])
    sizes = onnx.helper.make_tensor_value_info("sizes", onnx.TensorProto.FLOAT, ["b", 1])
    nodes = [
        onnx.helper.make_node("ReduceSum", ["mask", "axis"], ["sum"], keepdims=1),
        onnx.helper.make_node("Cast", ["sum"], ["sizes"], to=onnx.TensorProto.FLOAT),
    ]
    axis = onnx.numpy_helper.from_array(np.array([1]), "axis")
    graph = onnx.helper.make_graph(nodes, "lengths", [ids, mask], [sizes], [axis])
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9
    )
    for name in ("image.onnx", "tokenizer.json", "CARD.md"):
        (tmp_path / name).write_bytes((tiny_pack / name).read_bytes())
    onnx.save(model, tmp_path / "text.onnx")
    known = manifest.read(tiny_pack)
    text = manifest.TextTower("text.onnx", "ids", "sizes", attention_mask="mask")
    tokenizer = replace(known.tokenizer, pad_id=known.tokenizer.end_id)
    manifest.write(tmp_path, replace(known, dim=1, text=text, tokenizer=tokenizer, background=None))
    # Start, one token a word, end.
    lengths = open_pack(tmp_path).encode_texts(["red", "red green blue"])
    assert lengths.ravel().tolist() == [3, 5]


def test_background_statistics_are_read(pack: Pack) -> None:
    assert pack.background is not None
    assert pack.background.covariance.shape == (pack.dim, pack.dim)


def test_verify_passes_on_what_is_in_order(pack: Pack) -> None:
    pack.verify()


def test_a_search_in_words_opens_the_text_tower_alone(tiny_pack: Path, tmp_path: Path) -> None:
    for name in (manifest.FILE, "text.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes((tiny_pack / name).read_bytes())
    pack = open_pack(tmp_path)  # neither pictures' tower nor statistics lie here
    assert pack.encode_texts(["red"]).shape == (1, pack.dim)
    with pytest.raises(PackError, match=r"image\.onnx cannot be read"):
        pack.encode_images(plain("red"))


def test_a_search_in_words_imports_neither_pillow_nor_torch(tiny_pack: Path) -> None:
    code = (
        "import sys; from albumen.packs import open_pack\n"
        f"open_pack({str(tiny_pack)!r}).encode_texts(['red'])\n"
        "print([m for m in ('PIL', 'torch', 'safetensors', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


SWITCHES_SEEN_BY_IMPORTS = """
import importlib.abc, os, sys

class Watch(importlib.abc.MetaPathFinder):
    seen = {}
    def find_spec(self, name, path, target=None):
        if name in ("onnxruntime", "tokenizers"):
            keys = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")
            Watch.seen[name] = [os.environ.get(key) for key in keys]

sys.meta_path.insert(0, Watch())
from albumen.packs import open_pack
open_pack(sys.argv[1]).encode_texts(["red"])
print(Watch.seen)
"""


def test_telemetry_is_off_before_what_could_send_it_is_imported(tiny_pack: Path) -> None:
    environment = os.environ | {"ORT_DISABLE_TELEMETRY": "0"}
    for name in ("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", SWITCHES_SEEN_BY_IMPORTS, str(tiny_pack)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seen = {"onnxruntime": ["1", "1", "1"], "tokenizers": ["1", "1", "1"]}
    assert eval(done.stdout) == seen


def test_a_device_that_is_not_here_is_named_with_those_that_are(tiny_pack: Path) -> None:
    assert "cpu" in runtime.devices()
    pack = open_pack(tiny_pack, device="toaster")
    with pytest.raises(PackError, match="no device 'toaster' here; .* offers: cpu"):
        pack.encode_texts(["red"])


def test_as_many_threads_as_this_process_may_use(tiny_pack: Path) -> None:
    affinity = os.sched_getaffinity(0)
    assert 1 <= runtime.cores() <= len(affinity)
    os.sched_setaffinity(0, {min(affinity)})
    try:
        assert runtime.cores() == 1
        assert open_pack(tiny_pack).encode_texts(["red"]).shape == (1, 16)
    finally:
        os.sched_setaffinity(0, affinity)


def test_a_quota_of_any_control_group_around_counts(tmp_path: Path) -> None:
    line = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip()
    own = tmp_path / line.strip("/") if line.strip("/") else tmp_path
    own.mkdir(parents=True, exist_ok=True)
    assert list(runtime._quotas(tmp_path)) == []
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert list(runtime._quotas(tmp_path)) == [2]
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert list(runtime._quotas(tmp_path)) == []


def test_a_model_that_is_no_clip_reads_no_texts(tiny_pack: Path, tmp_path: Path) -> None:
    for name in ("image.onnx", "CARD.md"):
        (tmp_path / name).write_bytes((tiny_pack / name).read_bytes())
    known = manifest.read(tiny_pack)
    manifest.write(
        tmp_path, replace(known, kind="fingerprint", text=None, tokenizer=None, background=None)
    )
    pack = open_pack(tmp_path)
    pack.verify()
    with pytest.raises(PackError, match="reads no texts"):
        pack.encode_texts(["red"])
