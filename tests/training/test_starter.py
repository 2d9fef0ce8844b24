"""The starter's recipe: what it says of pictures, and which pictures it keeps from training."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recipes.starter.concepts import Concepts, plain, read_groups
from recipes.starter.lessons import Described, is_development
from recipes.starter.matches import framed
from recipes.starter.prepare import SIDE, centre_square, prepare
from recipes.starter.texts import VOCABULARY, spans

from albumen.training.captioned import END, PAD, START, train_tokenizer

CLASSES = [["tabby", "tabby cat"], ["Great Dane"], ["tiger", "Panthera tigris"], ["teapot"]]
GROUPS = """\
# a comment
an animal, a creature: 0-2, dog
an animal with stripes: tabby, tiger
"""


def described(source: str, label: str) -> Described:
    return Described(f"{source}-{label}", source, (), label, (label,))


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    file = tmp_path / "groups.txt"
    file.write_text(GROUPS)
    return file


def said_of(concepts: Concepts, truths: np.ndarray) -> set[str]:
    return {phrase for c in truths.nonzero()[0] for phrase in concepts.phrases[c]}


def test_wider_words_are_true_of_the_classes_and_labels_they_name(groups: Path) -> None:
    pets = [described("pets", "dog"), described("pets", "teapot")]
    concepts = Concepts(CLASSES, pets, groups)
    assert said_of(concepts, concepts.of_class[0]) == {
        "tabby", "tabby cat", "an animal", "a creature", "an animal with stripes",
    }  # fmt: skip
    assert said_of(concepts, concepts.of_class[1]) == {"great dane", "an animal", "a creature"}
    assert said_of(concepts, concepts.of_label["pets", "dog"]) == {
        "dog", "an animal", "a creature",
    }  # fmt: skip
    assert said_of(concepts, concepts.of_label["pets", "teapot"]) == {"teapot"}
    assert concepts.is_group.sum() == 2


def test_a_label_is_true_of_whatever_a_group_of_its_name_means(groups: Path) -> None:
    groups.write_text("a dog, a puppy: great dane, dog\n")
    concepts = Concepts(CLASSES, [described("pets", "dog"), described("pets", "teapot")], groups)
    assert "dog" in said_of(concepts, concepts.of_class[1])
    assert "dog" not in said_of(concepts, concepts.of_class[0])
    assert "great dane" not in said_of(concepts, concepts.of_label["pets", "dog"])


def test_phrases_are_framed_as_phrases_and_names_as_names() -> None:
    random = np.random.default_rng(0)
    for phrase in ("a person eating", "riding a bicycle", "people dancing", "the sea"):
        assert not any(f"a {phrase}" in framed(phrase, random) for _ in range(30))
    assert any(framed("teapot", random) == "a photo of a teapot" for _ in range(30))


def test_a_group_with_an_unknown_member_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "groups.txt"
    file.write_text("a machine: teapot, engine\n")
    with pytest.raises(KeyError, match="no label is called 'engine'"):
        Concepts(CLASSES, [], file)


def test_the_shipped_groups_name_every_member_once() -> None:
    groups = read_groups()
    assert len(groups) > 100
    for phrases, members in groups:
        assert all(phrases)
        assert len(set(members)) == len(members), phrases


def test_about_one_picture_of_fifty_is_kept_to_choose_by() -> None:
    kept = sum(is_development(f"set-{i:012x}") for i in range(20_000))
    assert 300 < kept < 500


def test_a_text_is_lower_case_with_single_spaces_and_no_full_stop() -> None:
    assert plain('  "A Dog  runs ." ') == "a dog runs"


def test_pictures_become_rows_in_the_order_of_their_descriptions(
    sample_photos: Path, tmp_path: Path
) -> None:
    shards, jpegs = [], []
    for n, names in enumerate((["astronaut.png", "coffee.png"], ["chelsea.png"])):
        shards.append(tmp_path / f"train-{n:03d}.tar")
        with tarfile.open(shards[-1], "w") as tar:
            for name in names:
                out = io.BytesIO()
                Image.open(sample_photos / name).convert("RGB").save(out, "JPEG")
                jpegs.append(out.getvalue())
                about = {"source": "x", "captions": [name], "label": None}
                files = {"jpg": out.getvalue(), "json": json.dumps(about).encode()}
                for ending, data in files.items():
                    info = tarfile.TarInfo(f"{name[:-4]}.{ending}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    assert prepare(shards, tmp_path / "out") == 3
    pictures = np.load(tmp_path / "out/pictures.npy")
    lines = (tmp_path / "out/pictures.jsonl").read_text().splitlines()
    assert pictures.shape == (3, SIDE, SIDE, 3)
    assert [Described.parse(line).key for line in lines] == ["astronaut", "coffee", "chelsea"]
    for picture, jpeg in zip(pictures, jpegs, strict=True):
        assert np.array_equal(picture, centre_square(jpeg))


def test_every_text_has_tokens_between_start_and_end_and_reads_back() -> None:
    tokenizer = train_tokenizer(["a dog runs on the beach", "a cat sleeps"] * 20, VOCABULARY)
    assert [tokenizer.token_to_id(token) for token in (PAD, START, END)] == [0, 1, 2]
    for text in ("a dog", "Ein Hündchen 🐶", "日本", ""):
        ids = tokenizer.encode(text).ids
        assert (ids[0], ids[-1]) == (1, 2)
        assert tokenizer.decode(ids).strip() == text.lower()
    assert tokenizer.encode("A  DOG\n").ids == tokenizer.encode("a dog").ids


def test_spans_are_short_pieces_of_captions() -> None:
    captions = ["a man in a red shirt climbs a wall", "dogs"]
    for span in spans(captions, np.random.default_rng(0))[:500]:
        assert any(span in caption for caption in captions)
        assert 1 <= len(span.split()) <= 5
