"""Fixtures that every room may use: real photos, and a home of one's own for each test."""

import signal
from pathlib import Path

import pytest

# A run in the background inherits that Ctrl-C is ignored; the tests that press it would then fail.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def sample_photos() -> Path:
    """The folder of scikit-image's freely licensed sample photos (astronaut, cat, coffee, ...)."""
    import skimage.data

    return Path(skimage.data.__file__).parent


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test ever sees, or writes to, the library or the trash of the person who runs it."""
    monkeypatch.setenv("ALBUMEN_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real pack of a few kilobytes that knows colours: "red" finds red pictures."""
    from tests.packs.tiny_pack import build

    return build(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture(scope="session")
def tiny_classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real classifier pack of a few kilobytes, whose labels are colours."""
    from tests.packs.tiny_classifier import build

    return build(tmp_path_factory.mktemp("classifiers") / "colours")


@pytest.fixture(scope="session")
def wide_shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WebDataset shard of plain pictures with labels and captions."""
    from tests.evaluation.shard import colours

    return colours(tmp_path_factory.mktemp("shards") / "val-000.tar")
