"""`albumen problems`: which files were left out, and why."""

from collections import defaultdict
from typing import TYPE_CHECKING

import click

from albumen.cli.command import Command, Session
from albumen.cli.words import counted, print_json, printable

if TYPE_CHECKING:
    from albumen.library.store import Problem

SHOWN = 3  # files named for each reason; --all names every one


@click.command(
    "problems",
    cls=Command,
    examples="""
        albumen problems
        albumen problems --all
        albumen problems --json
    """,
)
@click.option(
    "--all", "every", is_flag=True, help="Name every file, not only the first of each kind."
)
@click.option("--json", "as_json", is_flag=True, help="All of them as JSON, for programs.")
@click.pass_obj
def problems(session: Session, every: bool, as_json: bool) -> None:
    """List files left out, and why.

    Failed: a photo that could not be read, or not wholly. Skipped: a file that is no photo, or was
    left aside on purpose. A failed step costs only what that step gives; the rest is kept.
    """
    with session.open() as library:
        found = list(library.store.problems())
    if as_json:
        print_json([as_dict(problem) for problem in found], indent=1)
    else:
        _print_groups(found, every)


def as_dict(problem: "Problem") -> dict[str, str]:
    """A problem under the names that scripts rely on."""
    return {
        "path": str(problem.path),
        "stage": problem.stage,
        "status": problem.status,
        "reason": problem.reason,
    }


def _print_groups(found: list["Problem"], every: bool) -> None:
    groups: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in found:
        groups[problem.status, problem.reason].append(problem)
    for (status, reason), members in sorted(groups.items(), key=lambda g: (g[0][0], -len(g[1]))):
        heading = f"{counted(len(members), 'file')} {status}: {reason}"
        click.echo(click.style(heading, bold=True))
        shown = members if every else members[:SHOWN]
        for problem in shown:
            click.echo(f"  {printable(problem.path)}")
        if len(members) > len(shown):
            click.echo(f"  … and {len(members) - len(shown):,} more (--all)")
    if not found:
        click.echo("No problems: every file that was found is in the library.", err=True)
    elif any(problem.status == "failed" for problem in found):
        click.echo("Try failed files again: albumen index FOLDER --retry-failed", err=True)
