"""Writes the second part of commands.md from every help: python docs/write_commands.py"""

from pathlib import Path

import click

from albumen.cli.main import COMMANDS, cli

PAGE = Path(__file__).with_name("commands.md")
MARK = "<!-- From here on written by docs/write_commands.py; a test compares. -->"


def page() -> str:
    """The page as it should be: the part above the mark as it is, the rest from the help."""
    above, _, _ = PAGE.read_text("utf-8").partition(MARK)
    root = click.Context(cli, info_name="albumen", terminal_width=90, **cli.context_settings)
    helps = [section(root)]
    for name in COMMANDS:
        command = cli.get_command(root, name)
        assert command is not None
        context = click.Context(command, root, info_name=name, terminal_width=90)
        helps.append(section(context))
        if isinstance(command, click.Group):
            helps += [
                section(click.Context(part, context, info_name=word, terminal_width=90))
                for word, part in command.commands.items()
            ]
    return above + MARK + "\n\n" + "\n\n".join(helps) + "\n"


def section(context: click.Context) -> str:
    """One command's help under its heading."""
    lines = [line.rstrip() for line in context.command.get_help(context).splitlines()]
    return f"## {context.command_path}\n```text\n" + "\n".join(lines) + "\n```"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
