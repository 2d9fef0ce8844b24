"""The program `albumen`: finds the command; what goes wrong becomes one line and an exit code.

Commands are loaded when they are asked for, so that `albumen search` starts without the rest.
Exit codes: 0 done · 1 nothing found, or failures under `--strict` · 2 wrong usage · 3 cannot go on
· 130 stopped by Ctrl-C.
"""

import errno
import os
import sys
import traceback
from importlib import import_module
from typing import Any, NamedTuple

import click

from albumen import __version__
from albumen.cli.command import Group, Session
from albumen.cli.words import one_line, printable
from albumen.errors import AlbumenError


class Entry(NamedTuple):
    """Where a command lives (`module:name`), and its line in `albumen --help`."""

    target: str
    summary: str


COMMANDS = {
    "index": Entry("albumen.cli.index:index", "Take the photos of folders into the library."),
    "search": Entry("albumen.cli.search:search", "Find photos by words, by example, or by both."),
    "duplicates": Entry("albumen.cli.duplicates:duplicates", "Find copies, and which to keep."),
    "show": Entry("albumen.cli.show:show", "Show everything the library knows of a photo."),
    "stats": Entry("albumen.cli.stats:stats", "Count what is in the library."),
    "problems": Entry("albumen.cli.problems:problems", "List files left out, and why."),
    "tags": Entry("albumen.cli.tags:tags", "Tag photos, by hand or by the model."),
    "classify": Entry("albumen.cli.classify:classify", "Say what photos show."),
    "trash": Entry("albumen.cli.trash:trash", "Move photos to the system's trash, and back."),
    "export": Entry("albumen.cli.exchange:export", "Write what was decided by hand to a file."),
    "import": Entry("albumen.cli.exchange:import_", "Take such a file into the library."),
    "packs": Entry("albumen.cli.packs:packs", "List, choose and check the models."),
    "train": Entry("albumen.cli.train:train", "Train models of your own."),
    "models": Entry("albumen.cli.models:models", "Describe the networks, layer by layer."),
    "evaluate": Entry("albumen.cli.evaluate:evaluate", "Measure a pack on labelled pictures."),
    "doctor": Entry("albumen.cli.doctor:doctor", "Check the installation and the library."),
    "demo": Entry("albumen.cli.demo:demo", "Try it: index sample photos and search them."),
    "completion": Entry("albumen.cli.completion:completion", "Print the shell's completion."),
}


class LazyGroup(Group):
    """A group that knows its commands from a table and imports one only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The table's names, in the order of a person's way through the program."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of the command that is asked for."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].target.split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    examples="""
        albumen index ~/Pictures
        albumen search "a dog on a beach"
        albumen search --like photo.jpg --not people --open
    """,
)
@click.version_option(__version__, message="albumen %(version)s")
def cli() -> None:
    """Find your photos by what they show, on your own machine.

    Albumen reads the photos of the folders you name, never changes them, and sends nothing
    anywhere. Begin with `albumen index FOLDER`, then `albumen search WORDS`.
    """


def main(args: list[str] | None = None) -> None:
    """Run the program and end the process with its exit code."""
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """Run the program; returns its exit code. Whatever goes wrong is told in one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A name that the terminal's encoding cannot show is escaped; it never ends the program.
            stream.reconfigure(errors="backslashreplace")
    session = Session(args=tuple(sys.argv[1:] if args is None else args))
    try:
        result: Any = cli.main(args, prog_name="albumen", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has enough. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except (KeyboardInterrupt, click.Abort):
        return _say("stopped", 130)
    except Exception as error:
        if session.debug:
            traceback.print_exc()
        return _explain(error)
    return result if isinstance(result, int) else 0


def _explain(error: Exception) -> int:
    """One line for a person, and the exit code."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return 2
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "albumen"
            return _say(f"{error.format_message().rstrip('.')} (see {command} --help)", 2)
        case click.ClickException():
            return _say(error.format_message(), error.exit_code)
        case AlbumenError():
            return _say(str(error), error.exit_code)
        case OSError() if error.errno == errno.ENOSPC:
            return _say("the disk is full; make room, then run the same command again", 3)
        case OSError() if error.filename is not None:
            return _say(f"{error.strerror}: {printable(error.filename)}", 3)
    return _say(f"unexpected {type(error).__name__}: {error} (--debug shows where)", 3)


def _say(message: str, code: int) -> int:
    click.echo(f"albumen: {one_line(message)}", err=True)
    return code


if __name__ == "__main__":
    main()
