"""`albumen completion`: what makes the Tab key know Albumen."""

import click

from albumen.cli.command import Command


@click.command(
    "completion",
    cls=Command,
    examples="""
        albumen completion bash >> ~/.bashrc
        albumen completion zsh >> ~/.zshrc
        albumen completion fish > ~/.config/fish/completions/albumen.fish
    """,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell: commands, options and names of packs.

    Add it to the shell's start-up file, as below, and open a new shell.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    program = ctx.find_root().command
    click.echo(kind(program, {}, "albumen", "_ALBUMEN_COMPLETE").source())
