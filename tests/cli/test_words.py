"""What is printed can hurt no terminal and no parser."""

import json
import os

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from albumen.cli.words import counted, duration, print_json, printable, size


@given(st.binary(max_size=40).filter(lambda name: b"\0" not in name))
def test_any_name_is_printed_on_one_line_that_any_terminal_can_show(name: bytes) -> None:
    shown = printable(name)
    assert shown.isprintable()
    shown.encode("utf-8")


def test_ordinary_names_are_printed_as_they_are() -> None:
    assert printable('/été/🐕 rex\'s "best".jpg') == '/été/🐕 rex\'s "best".jpg'


def test_undecodable_bytes_and_control_characters_are_escaped() -> None:
    assert printable(b"/a\nb\x1b[31m\xff.jpg") == "/a\\nb\\x1b[31m\\xff.jpg"


@given(st.binary(max_size=40).filter(lambda name: b"\0" not in name))
def test_a_program_gets_every_byte_of_a_name_back_from_json(name: bytes) -> None:
    import click

    @click.command()
    def command() -> None:
        print_json({"path": os.fsdecode(name)})

    output = CliRunner().invoke(command).stdout_bytes
    assert output.isascii()
    assert os.fsencode(json.loads(output)["path"]) == name


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (42.4, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_read_well(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sizes_and_counts_read_well() -> None:
    assert size(999) == "999 bytes"
    assert size(16_000_000) == "16.0 MB"
    assert size(3.2e12) == "3.2 TB"
    assert counted(1, "photo") == "1 photo"
    assert counted(12_000, "photo") == "12,000 photos"
