"""Search an album from a program: index a folder, then find, filter and copy out the best photos.

    python examples/search_album.py ~/Pictures "a dog on a beach" best-dogs

Indexes the folder (a second run looks only at what is new), and copies the five photos most like
the words into the last folder. Photos and library are left as they are.
"""

import argparse
import shutil
from pathlib import Path

import albumen


def copy_best(
    album: Path, words: str, target: Path, limit: int = 5, pack: str | None = None
) -> list[Path]:
    """Copy the photos of `album` that are most like `words` into `target`; returns the copies."""
    target.mkdir(parents=True, exist_ok=True)
    with albumen.Library(pack=pack) as library:
        summary = library.index(album)
        print(f"{summary.indexed} new photos, {summary.unchanged} known, {summary.failed} failed")
        found = library.search(words, under=album, limit=limit, show_all=True)
    copies = []
    for result in found:
        print(f"{result.rank}. {result.path}  (score {result.score:.3f})")
        copies.append(Path(shutil.copy2(result.path, target / f"{result.rank}-{result.path.name}")))
    return copies


def main() -> None:
    parser = argparse.ArgumentParser(description=copy_best.__doc__)
    parser.add_argument("album", type=Path)
    parser.add_argument("words")
    parser.add_argument("target", type=Path)
    parser.add_argument("--pack", help="a pack's name or folder; the one in use when left out")
    arguments = parser.parse_args()
    try:
        copy_best(arguments.album, arguments.words, arguments.target, pack=arguments.pack)
    except albumen.AlbumenError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
