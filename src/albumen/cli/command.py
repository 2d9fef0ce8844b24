"""What every command shares: options that may stand anywhere, and examples that end its help."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from albumen.api import Library
    from albumen.library.home import Home


@dataclass
class Session:
    """What the options of the whole program say; commands get it by `@click.pass_obj`."""

    library: Path | None = None
    debug: bool = False
    args: tuple[str, ...] = ()

    def home(self) -> "Home":
        """The folder that holds everything Albumen writes: `--library`, `ALBUMEN_HOME`, default."""
        from albumen.library.home import Home, default

        return Home(self.library.expanduser().absolute()) if self.library else default()

    def open(self, pack: str | None = None, *, device: str = "cpu") -> "Library":
        """The library, with the pack of that name, else the one in use; both opened when needed."""
        from albumen.api import Library

        return Library(self.home().path, pack, device=device)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    # Given before the command or after it: the later one counts, and silence changes nothing.
    if value:
        setattr(ctx.ensure_object(Session), str(param.name), value)


def shared_options() -> list[click.Parameter]:
    """`--library` and `--debug`, which scripts may put before the command or after it."""
    return [
        click.Option(
            ["--library"],
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            expose_value=False,
            callback=_remember,
            help="Where Albumen keeps its library (default: ALBUMEN_HOME, else your data folder).",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="Show the full traceback when something goes wrong.",
        ),
    ]


HELP = {"help_option_names": ["-h", "--help"]}


def complete_pack(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names of packs that begin with what was typed, for the shell's completion."""
    from albumen.packs import catalogue

    session = ctx.find_object(Session) or Session()
    known = [*catalogue.builtin_packs(), *catalogue.installed(session.home().packs)]
    return [info.name for info in known if info.name.startswith(incomplete)]


pack_option = click.option(
    "--pack",
    metavar="NAME",
    shell_complete=complete_pack,
    help="The model to use (default: the one in use; see `albumen packs list`).",
)


class _WithExamples:
    """Help that ends in examples; a test runs each of them."""

    examples: str = ""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they were typed."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}".rstrip() + "\n")


class Command(_WithExamples, click.Command):
    """A command: `@click.command("index", cls=Command, examples='''...''')`."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **{"context_settings": HELP, **kwargs})
        self.examples = textwrap.dedent(examples).strip()
        self.params.extend(shared_options())


class Group(_WithExamples, click.Group):
    """A command with commands of its own, such as `albumen packs list`; they are `Command`s."""

    command_class = Command

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **{"context_settings": HELP, **kwargs})
        self.examples = textwrap.dedent(examples).strip()
        self.params.extend(shared_options())
