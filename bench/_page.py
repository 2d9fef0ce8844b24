"""Where a measurement's table stands in a page of the documentation."""

from pathlib import Path


def put(file: Path, mark: str, text: str) -> None:
    """Put `text` between `<!-- MARK -->` and the next `<!-- end -->` of the page."""
    before, after = around(file, mark)
    file.write_text(f"{before}{text.strip()}\n{after}", encoding="utf-8")


def around(file: Path, mark: str) -> tuple[str, str]:
    """The page up to that place and from its end on; ends the program if there is no such place.

    To be asked before what takes long, too.
    """
    page = file.read_text(encoding="utf-8")
    before, start, rest = page.partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not (start and end):
        raise SystemExit(f"{file} has no place marked <!-- {mark} --> ... <!-- end -->")
    return before + start, end + after
