"""What lies where: the photos, and what is in the trash folders, as other programs see it."""

import configparser
import os
from pathlib import Path
from urllib.parse import unquote_to_bytes


def contents(folder: Path) -> dict[str, bytes]:
    """Every photo below a folder, by its path below it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def in_bin(bin: Path, top: Path | None = None) -> dict[bytes, Path]:
    """What a file manager shows of a trash: the path each file came from, and the file.

    Each has its .trashinfo, and each .trashinfo its file, or an AssertionError tells. `top`: the
    folder that paths are relative to.
    """
    files, infos = (
        sorted(os.listdir(os.fsencode(bin / part))) if (bin / part).exists() else []
        for part in ("files", "info")
    )
    assert infos == [name + b".trashinfo" for name in files]
    found = {}
    for name in files:
        told = configparser.ConfigParser(interpolation=None)
        told.read_string((bin / "info" / os.fsdecode(name + b".trashinfo")).read_text("ascii"))
        path = unquote_to_bytes(told["Trash Info"]["Path"])
        assert path.startswith(b"/") == (top is None)
        if top is not None:
            path = os.path.join(os.fsencode(top), path)
        found[path] = bin / "files" / os.fsdecode(name)
    return found


def own_bin(top: Path) -> Path:
    """$topdir/.Trash-$uid."""
    return top / f".Trash-{os.getuid()}"
