"""The contact sheet is one page that needs nothing else and cannot be talked into anything."""

import base64
import io
import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np
import pytest
from PIL import Image

from albumen.search.contact_sheet import THUMBNAIL_HEIGHT, Card, render


class Page(HTMLParser):
    """What a browser would make of the page: tags with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def picture(height: int = 400, width: int = 600) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


def page(*cards: Card, heading: str = "a dog") -> Page:
    return Page(render([(heading, "1 photo", cards)]))


HOSTILE = [
    b"/photos/<script>alert(1)</script>.jpg",
    b'/photos/\'quote" onload="x.jpg',
    b"/photos/new\nline&amp;.jpg",
    "/photos/été 🐕 #1?.jpg".encode(),
    b"/photos/\xff\xfe undecodable.jpg",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_shown_harmlessly_and_links_to_its_file(name: bytes) -> None:
    card = Card((Path(os.fsdecode(name)),), picture(), 0.3, "2024-05-01T10:20:30")
    sheet = page(card)
    (link,) = sheet.every("a")
    assert unquote_to_bytes(urlsplit(link["href"]).path) == name
    assert not sheet.every("script")
    allowed = {
        "class",
        "href",
        "title",
        "src",
        "alt",
        "style",
        "name",
        "content",
        "charset",
        "lang",
    }
    allowed |= {"http-equiv"}
    assert {key for _, attributes in sheet.tags for key in attributes} <= allowed


def test_a_query_cannot_write_html_either() -> None:
    sheet = page(heading="<script>alert('$x')</script>")
    assert not sheet.every("script")
    assert "<script>alert('$x')</script>" in sheet.text


def test_nothing_is_loaded_from_anywhere() -> None:
    sheet = page(Card((Path("/a.jpg"),), picture(), 0.3, None))
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in sheet.every("img"))
    assert not sheet.every("link")
    (policy,) = [m["content"] for m in sheet.every("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'")


def test_thumbnails_are_small_jpegs_of_the_right_shape() -> None:
    sheet = page(Card((Path("/a.jpg"),), picture(1000, 1500), 0.3, None))
    (image,) = sheet.every("img")
    jpeg = base64.b64decode(image["src"].split(",")[1])
    with Image.open(io.BytesIO(jpeg)) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert thumbnail.size == (THUMBNAIL_HEIGHT * 1500 // 1000, THUMBNAIL_HEIGHT)


def test_a_photo_that_cannot_be_read_keeps_its_place() -> None:
    sheet = page(Card((Path("/gone.jpg"),), None, 0.3, None))
    assert "this photo cannot be read" in sheet.text
    assert len(sheet.every("figure")) == 1


def test_copies_are_folded_under_their_photo() -> None:
    paths = (Path("/a.jpg"), Path("/b.jpg"), Path("/c.jpg"))
    sheet = page(Card(paths, picture(), 0.3, "2024-05-01T10:20:30"))
    assert len(sheet.every("figure")) == 1
    assert [link["href"] for link in sheet.every("a")] == [f"file://{p}" for p in paths]
    assert "2 copies" in sheet.text


def test_captions_say_score_and_day() -> None:
    sheet = page(Card((Path("/a.jpg"),), picture(), 0.31234, "2024-05-01T10:20:30"))
    assert "0.312" in sheet.text
    assert "2024-05-01" in sheet.text


def test_several_answers_make_several_sections() -> None:
    text = render([("a dog", "none", []), ("a cat", "none", [])])
    assert Page(text).every("h1") == [{}, {}]
    assert "<title>a dog · a cat · Albumen</title>" in text
