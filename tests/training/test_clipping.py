"""From captioned pictures to a CLIP that is a pack."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.evaluation.shard import jpeg, row, write
from tests.training.pets import captioned as pieces

from albumen.errors import UsageError
from albumen.models.resnet import ResNet, ResNetConfig
from albumen.packs import open_pack
from albumen.training import captioned, clipping, log, to_pack
from albumen.training.captioned import CaptionedMaterial, Shown
from albumen.training.reports import clip_report
from albumen.training.told import Told

RECIPE = clipping.recipe(
    "captions", size=32, steps=30, batch=12, texts=4, dim=16, learning_rate=3e-3, average=0.8
)
RECIPE = replace(RECIPE, text_width=64, text_layers=1, context=16, vocabulary=300)
SHOWN = Shown(12, 4, ((2.0, 32),), 16, 0)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pieces(tmp_path_factory.mktemp("shards") / "pieces.tar")


@pytest.fixture(scope="module")
def found(shard: Path) -> captioned.Captioned:
    return captioned.read(shard, 36, shard.parent / "read")


def material(found: captioned.Captioned, teacher: captioned.Teacher | None) -> CaptionedMaterial:
    texts = [text for several in found.captions for text in several]
    tokenizer = captioned.train_tokenizer(texts, 300)
    return CaptionedMaterial(found, np.arange(len(found.pixels)), tokenizer, SHOWN, teacher)


def test_captions_are_read_plainly_and_pictures_without_words_left_out(tmp_path: Path) -> None:
    rows = [
        row("a", jpeg((9, 9, 9)), captions=['  "A Dog  runs ." ']),
        row("b", jpeg((99, 9, 9)), label="Cat"),
        row("c", jpeg((9, 99, 9))),
    ]
    read = captioned.read(write(tmp_path / "a.tar", rows), 16, tmp_path / "read")
    assert read.captions == (("a dog runs",), ())
    assert read.labels == (None, "cat")
    assert read.pixels.shape == (2, 16, 16, 3)
    assert [(skip.name, skip.reason) for skip in read.skipped] == [
        ("a.tar:c", "has neither caption nor label")
    ]


def test_a_text_is_true_of_every_picture_that_it_is_said_of(found) -> None:
    batch = material(found, None).matches(0, 0.0)
    assert batch.truth.shape == (12, 12)
    assert (batch.truth.diagonal() == 1).all()
    labels = batch.lesson.labels
    labelled = labels >= 0
    ids = batch.texts.ids[:12]
    same = (ids[:, None] == ids[None]).all(2)
    assert torch.equal(batch.truth[same], torch.ones(int(same.sum())))
    both = labelled[:, None] & labelled[None] & (labels[:, None] == labels[None])
    assert (batch.truth[both] == 1).all()
    other = labelled[:, None] & labelled[None] & (labels[:, None] != labels[None])
    assert (batch.truth[other] == 0).all()


def test_a_batch_depends_on_its_step_alone(found) -> None:
    one, other = material(found, None), material(found, None)
    one.matches(5, 0.1)
    for batch, again in ((one.matches(3, 0.5), other.matches(3, 0.5)),):
        assert torch.equal(batch.lesson.pixels, again.lesson.pixels)
        assert torch.equal(batch.texts.ids, again.texts.ids)
        assert torch.equal(batch.truth, again.truth)


def test_a_teacher_says_what_its_pack_says(found, tmp_path: Path) -> None:
    pack = open_pack("starter")
    teacher = captioned.teach(pack, found, tmp_path, lambda done, total: None)
    batch = material(found, teacher).matches(0, 0.0)
    assert batch.lesson.taught.all()
    assert batch.lesson.features.shape == (12, pack.dim)
    known = torch.from_numpy(pack.encode_texts(["part of a cat"]))
    row = teacher.row["part of a cat"]
    torch.testing.assert_close(
        torch.from_numpy(teacher.texts[row : row + 1]), known, atol=1e-3, rtol=1e-2
    )
    again = captioned.teach(pack, found, tmp_path, pytest.fail)
    assert np.array_equal(again.images, teacher.images)


def test_it_learns_to_find_pieces_by_their_words_and_becomes_a_pack(
    shard: Path, tmp_path: Path
) -> None:
    config = replace(RECIPE, steps=40)
    trained = clipping.train(shard, tmp_path / "run", config, None, Told())
    rows = log.read(tmp_path / "run/match/log.csv")
    assert rows[-1]["matched"] < rows[0]["matched"] - 0.3
    assert trained.figures["test"] == 2
    clip_report(tmp_path / "run", trained)
    page = (tmp_path / "run/report.html").read_text()
    held = trained.plan.held
    assert page.count("data:image/jpeg") == len(held.texts) == 2
    assert "matched" in page
    made = to_pack.clip(trained, "mine", tmp_path / "mine")
    pack = open_pack(tmp_path / "mine")
    assert made.image.grid == (1, 1)
    shown = np.stack([to_pack.square(pixels, 32) for pixels in held.pixels])
    likeness = pack.encode_texts(held.texts) @ pack.encode_images(shown).T
    np.testing.assert_allclose(likeness.T, trained.likeness(held), atol=2e-2)


def test_stages_before_the_last_need_a_teacher(shard: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="need a teacher"):
        clipping.train(shard, tmp_path, replace(RECIPE, see=5), None, Told())


def test_stages_go_on_from_each_other_and_the_last_leaves_the_eye_alone(
    shard: Path, tmp_path: Path
) -> None:
    config, pack, begun = replace(RECIPE, see=4, read=4, steps=4), open_pack("starter"), []
    before = clipping.train(shard, tmp_path, config, pack, Told(stage=begun.append)).clip
    assert begun == ["see", "read", "match"]
    begun.clear()
    longer = replace(config, name=4)  # a stage that has not begun yet may be added
    after = clipping.train(shard, tmp_path, longer, pack, Told(stage=begun.append)).clip
    assert begun == ["name"]
    for name, value in before.image.trunk.state_dict().items():
        assert torch.equal(value, after.image.trunk.state_dict()[name]), name
    assert not torch.equal(before.image.projection.weight, after.image.projection.weight)
    with pytest.raises(UsageError, match="holds a run with steps 4, not 5; choose another"):
        clipping.train(shard, tmp_path, replace(longer, steps=5), pack, Told())


def test_a_question_is_asked_among_the_labels_of_the_pictures_own_source(
    found, tmp_path: Path
) -> None:
    own = material(found, None)
    trunk = ResNet(ResNetConfig(widths=(8, 16), depths=(1, 1))).trunk
    looked_at = []
    batch = own.naming(trunk, tmp_path, lambda done, total: looked_at.append((done, total)))(0, 0.0)
    assert looked_at[-1] == (36, 36)
    assert batch.features.shape == (12, 16)
    question = batch.question
    assert question.allowed.shape == (12, 3)
    assert question.allowed.all()  # one source, three labels
    assert set(question.labels.tolist()) == {0, 1, 2}
    assert question.names.shape[0] == 3
    again = own.naming(trunk, tmp_path, pytest.fail)(0, 0.0)  # what was seen is kept
    assert torch.equal(again.features, batch.features)


def test_pictures_without_labels_cannot_be_asked_for_names(found, tmp_path: Path) -> None:
    bare = replace(found, labels=(None,) * len(found.labels))
    with pytest.raises(UsageError, match="no picture has a label"):
        material(bare, None).naming(None, tmp_path, pytest.fail)
