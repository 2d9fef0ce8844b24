"""Which copy is kept: each rule decides when those before it leave a tie, and gives its reason."""

from dataclasses import replace
from pathlib import Path

from albumen.duplicates.keeper import Copy, choose

PHOTO = Copy(Path("/photos/a.jpg"), 1, 4000, 3000, "JPEG", 3_000_000, None, None, None)


def kept(*copies: Copy, prefer: tuple[Path, ...] = ()) -> tuple[int, str]:
    chosen = choose(copies, prefer)
    return copies.index(chosen.copy), chosen.reason


def test_the_highest_resolution_is_kept() -> None:
    small = replace(PHOTO, path=Path("/photos/0.jpg"), width=1600, height=1200)
    assert kept(small, PHOTO) == (1, "it has the highest resolution, 4000 × 3000")


def test_a_crop_has_the_resolution_of_its_original_and_shows_less() -> None:
    crop = replace(PHOTO, path=Path("/photos/0.jpg"), width=2000, height=3000, region=0.5)
    assert kept(crop, PHOTO) == (1, "it shows the most of the picture")


def test_a_screenshot_is_larger_but_has_less_of_the_picture() -> None:
    screen = replace(PHOTO, width=5000, height=4000, inner=0.3, path=Path("/photos/0.png"))
    assert kept(screen, PHOTO)[0] == 1


def test_the_cameras_metadata_come_before_the_date() -> None:
    camera = replace(PHOTO, taken="2024-05-01T10:00:00", taken_source="exif", camera="A")
    named = replace(PHOTO, taken="2020-01-01T10:00:00", taken_source="name")
    assert kept(named, camera) == (1, "it has the camera's own metadata")


def test_the_earliest_date_is_kept() -> None:
    early = replace(PHOTO, taken="2020-01-01T10:00:00", taken_source="name")
    late = replace(early, taken="2021-01-01T10:00:00", path=Path("/photos/0.jpg"))
    assert kept(late, early) == (1, "it has the earliest date, 2020-01-01")


def test_then_the_format_then_the_preferred_folder_then_the_name() -> None:
    webp = replace(PHOTO, format="WEBP", path=Path("/photos/0.webp"))
    assert kept(webp, PHOTO)[1] == "its format, JPEG, is likelier the original's"
    other = replace(PHOTO, path=Path("/best/z.jpg"))
    assert kept(PHOTO, other, prefer=(Path("/best"),)) == (1, "it lies in a preferred folder")
    second = replace(PHOTO, path=Path("/photos/b.jpg"))
    assert kept(second, PHOTO) == (1, "the first by name; otherwise they are equal")
