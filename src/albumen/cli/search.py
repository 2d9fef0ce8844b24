"""`albumen search`: find photos by words, by example, or by both."""

from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Command, Session, pack_option
from albumen.cli.words import counted, one_line, print_json, printable

if TYPE_CHECKING:
    from albumen.api import Library
    from albumen.search import Answer, Result

ABOUT_PACKS = (
    "Searching with the pack {name!r}. A published one of full size finds more, and takes more "
    "time and disk: albumen packs pull {best} ({share:.0%} {of}). Others: albumen packs list "
    "--available. (Said once.)"
)


def _day(ctx: click.Context, param: click.Parameter, value: str | None) -> date | None:
    from albumen.search import parse_day

    return parse_day(value) if value else None


@click.command(
    "search",
    cls=Command,
    examples="""
        albumen search "a dog on a beach"
        albumen search sunset --not people --after 2023 --before 2024-06
        albumen search --like photos/cat.png -n 5
        albumen search "in the snow" --like photos/cat.png --under photos
        albumen search a cup of coffee --sheet coffee.html
        albumen search "a motorcycle" --json
        albumen search asleep --tag cat
    """,
)
@click.argument("text", nargs=-1)
@click.option(
    "--like",
    multiple=True,
    metavar="IMAGE",
    type=click.Path(path_type=Path),
    help="Photos like this one, which may lie anywhere; repeatable.",
)
@click.option("--not", "negative", multiple=True, metavar="TEXT", help="Less of this; repeatable.")
@click.option("--after", callback=_day, metavar="DATE", help="Taken in 2023, 2023-05 … or later.")
@click.option("--before", callback=_day, metavar="DATE", help="Taken earlier than that.")
@click.option(
    "--under",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Only photos in this folder or deeper.",
)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only with it; repeatable.")
@click.option("-n", "limit", default=20, show_default=True, metavar="K", help="At most K photos.")
@click.option("--all", "show_all", is_flag=True, help="Also photos below the cut-off.")
@click.option("--open", "open_it", is_flag=True, help="Show a contact sheet in the browser.")
@click.option(
    "--sheet",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the contact sheet to this HTML file.",
)
@pack_option
@click.option("--device", default="cpu", metavar="NAME", help="Where the model runs; cpu, cuda, …")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON, for programs.")
@click.pass_obj
def search(
    session: Session, /, pack: str | None, device: str, as_json: bool, open_it: bool, **asked: Any
) -> int:
    """Find photos by what they show, in words, by example pictures, or by both.

    A photo comes once, however many copies of it there are. The number before it says how alike
    photo and query are; it compares the photos of one search. An example that is in the library
    comes first itself.

    Only photos that match are shown: where matches end is judged anew for each query. With --all
    the most alike are shown all the same, and those that do not match are marked with a dot. When
    nothing is shown, the exit code is 1.
    """
    from albumen.search import Query

    sheet = asked.pop("sheet")
    text, under = " ".join(asked.pop("text")), asked.pop("under")
    query = Query(text=(text,), under=under and under.expanduser().absolute(), **asked)
    with session.open(pack, device=device) as library:
        _tell_about_packs(library)
        answer = library.answer(query)
        for notice in answer.notices:
            click.echo(f"Note: {notice}.", err=True)
        if as_json:
            print_json(as_dict(answer, text))
        else:
            _print_words(library, answer)
        if answer.results and (sheet or open_it):
            _contact_sheet(library, answer, sheet, open_it)
    return 0 if answer.results else 1


def as_dict(answer: "Answer", text: str) -> dict[str, Any]:
    """The answer under the names that scripts rely on."""
    return {
        "query": text,
        "pack": answer.pack,
        "cutoff": answer.cutoff,
        "results": [
            {
                "rank": result.rank,
                "path": str(result.path),
                "paths": [str(path) for path in result.paths],
                "score": result.score,
                "match": result.match,
            }
            for result in answer.results
        ],
    }


def _print_words(library: "Library", answer: "Answer") -> None:
    for result in answer.results:
        photo = library.store.photo(result.photo)
        taken = photo.metadata.taken if photo else None
        also = len(result.paths) - 1
        copies = click.style(f"  (+{counted(also, 'copy', 'copies')})", dim=True) if also else ""
        mark = " " if result.match else "·"
        click.echo(
            f"{result.rank:>3} {mark}{result.score:6.3f}  {(taken or '')[:10]:<10}  "
            f"{printable(result.path)}{copies}{_says(result)}"
        )
    if not answer.results:
        click.echo(_why_nothing(answer), err=True)


def _why_nothing(answer: "Answer") -> str:
    if answer.cutoff is not None and answer.cutoff > 1:
        return f"Nothing matches: the pack {answer.pack!r} knows none of these words."
    if answer.closest is not None and answer.cutoff is not None:
        return (
            f"Nothing matches: the most alike photo has {answer.closest:.3f}, a match would have "
            f"{answer.cutoff:.3f}. Show the most alike all the same: --all"
        )
    if answer.query.filtered:
        return "Nothing found: no photo of the library passes these filters."
    return "Nothing found: the library holds no photo; take some in with: albumen index FOLDER"


def _says(result: "Result") -> str:
    """Which of the query's words stand in the photo's own."""
    words = f"  (says {', '.join(result.words)})" if result.words else ""
    return click.style(one_line(words), dim=True)


def _tell_about_packs(library: "Library") -> None:
    """Once a library: which pack is in use, and what others would bring."""
    from albumen.errors import AlbumenError
    from albumen.packs.offers import TO_BEGIN_WITH, offers

    if library.store.setting("told_about_packs") is not None:
        return
    best = next(offer for offer in offers() if offer.name == TO_BEGIN_WITH)
    of, share = next(iter(best.published.items()))
    told = ABOUT_PACKS.format(name=library.pack.name, best=best.name, share=share, of=of)
    click.echo(told, err=True)
    with suppress(AlbumenError):  # a library that cannot be written to says it again
        library.store.set_setting("told_about_packs", "1")


def _contact_sheet(library: "Library", answer: "Answer", file: Path | None, open_it: bool) -> None:
    from albumen.cli.pages import opened, place
    from albumen.search import contact_sheet

    target = place(library, file, "contact-sheet.html")
    contact_sheet.write(target, [answer], library.store)
    if not (open_it and opened(target)):
        click.echo(f"Contact sheet: {printable(target)}", err=True)
