"""The model's tags on real photos, beside people's: applied, kept, taken back, exported."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.library.worded import keywords, with_xmp, xmp
from tests.packs.tiny_pack import COLOURS

from albumen import Library, UsageError
from albumen.library import words
from albumen.library.records import LibraryError
from albumen.packs import Pack
from albumen.tags import vectors, vocabulary

WORDS = "[colours]\n" + "\n".join(COLOURS)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (80, 60), colour).save(folder / f"{name}.jpg", quality=95)
    return folder


@pytest.fixture
def library(tmp_path: Path, photos: Path, starter_like: Path):
    with Library(tmp_path / "home", str(starter_like)) as library:
        library.index(photos)
        library.vocabulary = WORDS
        yield library


@pytest.fixture(scope="module")
def starter_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny pack, with the background that its embeddings of mixed colours really have."""
    from safetensors.numpy import save_file
    from tests.packs.tiny_pack import build

    from albumen.packs import manifest

    folder = build(tmp_path_factory.mktemp("packs") / "tiny")
    mixed = np.random.default_rng(5).integers(90, 166, (600, 4, 4, 3), np.uint8)
    pixels = mixed.repeat(8, axis=1).repeat(8, axis=2)
    seen = Pack(folder).encode_images(pixels)
    values = {"mean": seen.mean(0), "covariance": np.cov(seen.T), "text_mean": seen.mean(0)}
    arrays = {name: value.astype(np.float32) for name, value in values.items()}
    save_file({**arrays, "sample": seen.astype(np.float16)}, folder / "background.safetensors")
    manifest.write(folder, manifest.read(folder))
    return folder


def by(library: Library, photo: Path) -> dict[str, str]:
    return {tag.tag: tag.by for tag in library.tags(photo)}


def test_photos_get_the_tags_that_they_show(library: Library, photos: Path) -> None:
    applied = library.apply_tags()
    assert applied.photos == len(COLOURS)
    for colour in ("red", "green", "blue"):
        assert by(library, photos / f"{colour}.jpg") == {colour: "model"}
    assert applied.tagged == sum(bool(library.tags(path)) for path in photos.iterdir())


def test_a_photo_like_the_background_gets_none(library: Library, photos: Path) -> None:
    Image.new("RGB", (80, 60), (125, 130, 127)).save(photos / "plain.png")
    library.index(photos)
    library.apply_tags()
    assert library.tags(photos / "plain.png") == []


def test_hands_win_whatever_is_applied(library: Library, photos: Path) -> None:
    library.remove_tags(photos / "red.jpg", "red")
    library.add_tags(photos / "blue.jpg", "blue", "Rosie")
    library.apply_tags()
    assert by(library, photos / "red.jpg") == {}
    assert by(library, photos / "blue.jpg") == {"blue": "hand", "Rosie": "hand"}
    library.add_tags(photos / "red.jpg", "RED")
    assert by(library, photos / "red.jpg") == {"red": "hand"}


def test_hand_tags_outlive_moving_rating_and_indexing_anew(library: Library, photos: Path) -> None:
    library.add_tags(photos / "red.jpg", "Rosie")
    moved = photos / "elsewhere" / "renamed.jpg"
    moved.parent.mkdir()
    (photos / "red.jpg").rename(moved)
    moved.write_bytes(with_xmp(moved.read_bytes(), xmp("", 'xmp:Rating="5"')))
    library.index(photos)
    library.apply_tags()
    assert by(library, moved)["Rosie"] == "hand"
    assert [r.path for r in library.search(tags="rosie")] == [moved]


def test_keywords_of_files_stand_between(library: Library, photos: Path) -> None:
    (photos / "red.xmp").write_bytes(xmp(keywords("red", "tomato")))
    library.index(photos)
    library.apply_tags()
    assert by(library, photos / "red.jpg") == {"red": "file", "tomato": "file"}


def test_a_new_vocabulary_replaces_what_the_model_said(library: Library, photos: Path) -> None:
    library.apply_tags()
    library.vocabulary = "[x]\nred tomato = red"
    library.apply_tags()
    assert by(library, photos / "red.jpg") == {"red tomato": "model"}
    assert "blue" not in by(library, photos / "blue.jpg")


def test_photos_that_come_later_are_tagged_once_it_was_asked_for(
    library: Library, photos: Path
) -> None:
    def arrive(name: str) -> Path:
        shade = (255, 0, len(list(photos.iterdir())))
        Image.new("RGB", (90, 60), shade).save(photos / name, quality=95)
        library.index(photos)
        return photos / name

    assert by(library, arrive("before.jpg")) == {}
    library.apply_tags()
    assert by(library, arrive("after.jpg")) == {"red": "model"}
    library.forget_applied_tags()
    assert by(library, photos / "after.jpg") == {}
    assert by(library, arrive("later.jpg")) == {}


def test_an_empty_vocabulary_is_told_and_changes_nothing(library: Library, photos: Path) -> None:
    library.apply_tags()
    library.vocabulary = "# nothing"
    with pytest.raises(UsageError, match="vocabulary is empty.*--default"):
        library.apply_tags()
    assert by(library, photos / "red.jpg") == {"red": "model"}
    Image.new("RGB", (90, 60), "red").save(photos / "new.jpg")
    assert library.index(photos).indexed == 1
    library.vocabulary = vocabulary.default()
    assert library.store.setting(vocabulary.SETTING) is None


def test_ten_thousand_tags_are_applied(library: Library, photos: Path) -> None:
    library.vocabulary = "red\nblue\n" + "\n".join(f"white grey {n}" for n in range(10_000))
    library.apply_tags()
    assert "red" in by(library, photos / "red.jpg")


def test_a_photo_in_no_library_is_told(library: Library, tmp_path: Path) -> None:
    (tmp_path / "stranger.jpg").write_bytes(b"x")
    for call in (library.tags, lambda p: library.add_tags(p, "x")):
        with pytest.raises(LibraryError, match=r"stranger\.jpg is not in the library; take it in"):
            call(tmp_path / "stranger.jpg")


def test_tags_that_are_none_change_nothing(library: Library, photos: Path) -> None:
    with pytest.raises(LibraryError, match="at least one character"):
        library.add_tags(photos / "red.jpg", "Rosie", " ")
    assert by(library, photos / "red.jpg") == {}


def test_vectors_are_kept_and_a_damaged_cache_is_made_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encode() -> np.ndarray:
        return vectors.encode(
            library.pack, [("red",), ("a blue thing", "blue")], library.home.cache, lambda *n: None
        )

    first = encode()
    with monkeypatch.context() as context:
        context.setattr(Pack, "encode_label", None)
        assert (encode() == first).all()
    [file] = library.home.cache.glob("tags-*.npz")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.write_bytes(data)
    assert (encode() == first).all()


def test_a_pack_without_statistics_needs_photos_of_ones_own(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(library.pack), "background", None)
    with pytest.raises(UsageError, match=r"from 500 on \(there are 7\)"):
        library.apply_tags()
    monkeypatch.setattr("albumen.tags.tagging.FEWEST", 7)
    assert library.apply_tags().photos == 7


# Sidecars


def exported(library: Library, to: Path | None, **options: bool) -> dict[str, str]:
    return {one.path.name: one.outcome for one in library.export_tags(to, **options)}


def test_tags_are_written_into_sidecars_and_read_back(
    library: Library, photos: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in photos.iterdir()}
    library.apply_tags()
    library.add_tags(photos / "blue.jpg", "Rosie & <co>", "🎉", "חוף")
    assert exported(library, tmp_path / "out") == {"blue.jpg.xmp": "written"}
    file = tmp_path / "out" / "photos" / "blue.jpg.xmp"
    assert set(words.read_sidecar(file.read_bytes()).keywords) == {"Rosie & <co>", "🎉", "חוף"}
    assert exported(library, tmp_path / "out") == {"blue.jpg.xmp": "unchanged"}
    assert {path: path.read_bytes() for path in photos.iterdir()} == before


def test_what_a_model_gave_is_never_read_back_as_a_persons(library: Library, photos: Path) -> None:
    library.apply_tags()
    library.add_tags(photos / "blue.jpg", "Rosie")
    assert exported(library, None, by_model=True)["blue.jpg.xmp"] == "written"
    assert "blue" in (photos / "blue.jpg.xmp").read_text()
    library.index(photos)
    assert by(library, photos / "blue.jpg") == {"Rosie": "hand", "blue": "model"}
    assert words.read_sidecar((photos / "blue.jpg.xmp").read_bytes()).keywords == ("Rosie",)


@pytest.mark.parametrize("content", [xmp(keywords("x")), b"no XML", b""])
def test_a_sidecar_of_another_program_stays(library: Library, photos: Path, content: bytes) -> None:
    (photos / "blue.jpg.xmp").write_bytes(content)
    library.add_tags(photos / "blue.jpg", "Rosie")
    assert exported(library, None) == {"blue.jpg.xmp": "kept"}
    assert (photos / "blue.jpg.xmp").read_bytes() == content


def test_a_place_that_cannot_be_written_to_is_named(
    library: Library, photos: Path, tmp_path: Path
) -> None:
    library.add_tags(photos / "blue.jpg", "Rosie")
    (tmp_path / "file").write_text("")
    [one] = library.export_tags(tmp_path / "file")
    assert (one.outcome, one.reason) == ("failed", "not a directory")
