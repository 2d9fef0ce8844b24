"""Where a measurement's table stands in a page of the documentation."""

from pathlib import Path


def put(file: Path, mark: str, text: str) -> None:
    """Put `text` between `<!-- MARK -->` and the next `<!-- end -->` of the page."""
    page = file.read_text(encoding="utf-8")
    before, start, rest = page.partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if not (start and end):
        raise SystemExit(f"{file} has no place marked <!-- {mark} --> ... <!-- end -->")
    file.write_text(f"{before}{start}{text.strip()}\n{end}{after}", encoding="utf-8")
