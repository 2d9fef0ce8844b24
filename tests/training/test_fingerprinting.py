"""From a folder of photos to a fingerprint that is a pack."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.training.pets import build

from albumen.errors import UsageError
from albumen.packs import open_pack
from albumen.training import fingerprinting, to_pack
from albumen.training.fingerprinting import FingerprintRecipe
from albumen.training.reports import fingerprint_report
from albumen.training.told import Told

RECIPE = FingerprintRecipe(steps=4, batch=8, size=32)


def test_photos_of_no_class_become_a_fingerprint_pack(tmp_path: Path) -> None:
    photos = build(tmp_path / "photos", each=8)
    found = fingerprinting.train(photos, tmp_path / "run", RECIPE, Told())
    assert found.figures["test"] == 2
    assert found.figures["train"] == 14
    fingerprint_report(tmp_path / "run", found)
    assert "data:image/jpeg" in (tmp_path / "run/report.html").read_text()
    assert json.loads((tmp_path / "run/figures.json").read_text()) == found.figures
    made = to_pack.fingerprint(found, "copies", tmp_path / "copies")
    assert made.kind == "fingerprint"
    pack = open_pack(tmp_path / "copies")
    shown = np.stack([pack.preprocessing.apply(picture) for picture in found.pixels])
    np.testing.assert_allclose(np.linalg.norm(pack.encode_images(shown), axis=1), 1, atol=1e-3)
    with pytest.raises(UsageError, match="holds a run with steps 4, not 5; choose"):
        fingerprinting.train(photos, tmp_path / "run", FingerprintRecipe(steps=5), Told())


def test_a_folder_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there; give a folder of photos"):
        fingerprinting.train(tmp_path / "none", tmp_path / "run", RECIPE, Told())


def test_too_few_photos_are_told_of(tmp_path: Path) -> None:
    photos = build(tmp_path / "photos", each=2)
    with pytest.raises(UsageError, match="holds 4 pictures that can be read; give 8 at least"):
        fingerprinting.train(photos, tmp_path / "run", RECIPE, Told())
