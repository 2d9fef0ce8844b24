"""The program's edges: help, wrong usage, errors in one line, Ctrl-C, a reader that goes away."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from albumen import AlbumenError
from albumen.cli import main
from albumen.cli.command import Command, Session

ALBUMEN = [sys.executable, "-m", "albumen.cli.main"]


def albumen(*args: str | bytes, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*ALBUMEN, *args], capture_output=True, text=True, **options)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Makes `albumen stats` raise what a test wants."""

    def make(error: BaseException) -> None:
        @click.command("stats", cls=Command)
        def stats() -> None:
            raise error

        monkeypatch.setattr("albumen.cli.stats.stats", stats)

    return make


@pytest.mark.parametrize("name", main.COMMANDS)
def test_the_table_says_of_each_command_what_its_own_help_says_first(name: str) -> None:
    module, attribute = main.COMMANDS[name].target.split(":")
    command = getattr(import_module(module), attribute)
    assert command.name == name
    assert main.COMMANDS[name].summary.endswith(".")
    assert len(main.COMMANDS[name].summary) < 60


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from albumen.cli.main import run; run(['--help']);"
        "print(sorted({'numpy','rich','onnxruntime','PIL','torch','sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    done = albumen("--version")
    assert (done.returncode, done.stdout) == (0, "albumen 0.1.0\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["serach"], "albumen: No such command 'serach'"),
        (["search", "--frob"], "albumen: No such option '--frob'"),
        (["index"], "albumen: say which folder to index, such as: albumen index ~/Pictures"),
        (["show"], "albumen: Missing argument 'PHOTO' (see albumen show --help)"),
        (["search", "dog", "-n", "many"], "'many' is not a valid integer"),
        (["search"], 'albumen: the query is empty; say what to look for, such as "a dog on a'),
        (["search", "dog", "--after", "yesterday"], "'yesterday' is no date; write 2023, 2023-05"),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
    ],
)
def test_wrong_usage_is_told_in_one_line_with_exit_code_2(args: list[str], message: str) -> None:
    done = albumen(*args)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (AlbumenError("no library\nhere; do x"), "albumen: no library\\nhere; do x\n"),
        (OSError(28, "No space left on device"), "albumen: the disk is full; make room, then run"),
        (PermissionError(13, "Permission denied", "/x\n/y"), "albumen: Permission denied: /x\\n/y"),
        (ZeroDivisionError("oops"), "albumen: unexpected ZeroDivisionError: oops (--debug shows"),
    ],
)
def test_errors_are_told_in_one_line_with_exit_code_3(failing, capsys, error, message) -> None:
    failing(error)
    assert main.run(["stats"]) == 3
    stderr = capsys.readouterr().err
    assert stderr.startswith(message)
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize("args", [["--debug", "stats"], ["stats", "--debug"]])
def test_debug_shows_the_traceback_from_either_place(failing, capsys, args: list[str]) -> None:
    failing(AlbumenError("no library"))
    assert main.run(args) == 3
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_ends_with_130_and_a_word(failing, capsys) -> None:
    failing(KeyboardInterrupt())
    assert main.run(["stats"]) == 130
    assert capsys.readouterr().err.strip() == "albumen: stopped"


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_library_can_be_named_before_or_after_the_command(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    @click.command("stats", cls=Command)
    @click.pass_obj
    def stats(session: Session) -> None:
        seen.append(session.home().path)

    monkeypatch.setattr("albumen.cli.stats.stats", stats)
    option = ["--library", str(tmp_path / "mine")]
    main.run([*option, "stats"] if place == "before" else ["stats", *option])
    assert seen == [tmp_path / "mine"]


def test_without_it_albumen_home_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALBUMEN_HOME", str(tmp_path / "home"))
    assert Session().home().path == tmp_path / "home"


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = f"{sys.executable} -m albumen.cli.main --help | head -1"
    pipe = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert pipe.stderr == ""
    assert pipe.stdout.startswith("Usage: albumen")


def test_help_works_where_the_terminal_knows_only_ascii() -> None:
    done = albumen("index", "--help", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("group", ["packs", "models"])
def test_no_summary_in_a_list_of_commands_is_cut_short(group: str) -> None:
    done = albumen(group, "--help", env={**os.environ, "COLUMNS": "80"})
    assert "..." not in done.stdout.partition("Commands:")[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_know_the_program(shell: str) -> None:
    done = albumen("completion", shell)
    assert done.returncode == 0
    assert "_ALBUMEN_COMPLETE" in done.stdout


def test_the_tab_key_completes_commands() -> None:
    words = {"COMP_WORDS": "albumen se", "COMP_CWORD": "1", "_ALBUMEN_COMPLETE": "bash_complete"}
    done = subprocess.run([*ALBUMEN], capture_output=True, text=True, env={**os.environ, **words})
    assert done.stdout == "plain,search\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("albumen search --pack ti", "tiny"),
        ("albumen packs use ti", "tiny"),
        ("albumen packs verify st", "starter"),
        ("albumen packs pull google/", "google/vit-base-patch16-224"),
    ],
)
def test_the_tab_key_completes_names_of_packs(album: Path, typed: str, completed: str) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": "3", "_ALBUMEN_COMPLETE": "bash_complete"}
    done = subprocess.run([*ALBUMEN], capture_output=True, text=True, env={**os.environ, **words})
    assert done.stdout == f"plain,{completed}\n"
