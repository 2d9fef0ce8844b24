"""`albumen stats`: what is in the library, in numbers."""

from dataclasses import asdict

import click

from albumen.cli.command import Command, Session
from albumen.cli.words import print_json


@click.command(
    "stats",
    cls=Command,
    examples="""
        albumen stats
        albumen stats --json
    """,
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def stats(session: Session, as_json: bool) -> None:
    """Count what is in the library."""
    with session.open() as library:
        counts = library.store.stats()
    print_json(asdict(counts))
