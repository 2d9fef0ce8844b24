"""Where packs lie: those shipped inside the package, then those of the library's own folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from albumen.packs import manifest
from albumen.packs.errors import PackError
from albumen.packs.manifest import Manifest

SHIPPED = Path(__file__).parent
DEFAULT = "starter"
FINGERPRINT = "fingerprint"
"""By which copies are found; it is not searched with."""


@dataclass(frozen=True, slots=True)
class PackInfo:
    """A pack that was found; one that cannot be read has a `problem` instead of a manifest."""

    name: str
    folder: Path
    shipped: bool
    manifest: Manifest | None
    problem: str | None = None


def builtin_packs() -> list[PackInfo]:
    """The packs shipped inside the package."""
    return [_info(folder, SHIPPED, shipped=True) for folder in _folders(SHIPPED)]


def installed(packs_dir: Path) -> list[PackInfo]:
    """The packs in a library's own folder, one or two folders deep: a name may hold one slash."""
    return [_info(folder, packs_dir, shipped=False) for folder in _folders(packs_dir)]


def find(name: str | Path, packs_dir: Path | None = None) -> Path:
    """The folder of the pack of that name, or that folder itself; raises `PackError`."""
    known = builtin_packs() + (installed(packs_dir) if packs_dir is not None else [])
    for info in known:
        if info.name == str(name):
            return info.folder
    folder = Path(name).expanduser()
    if (folder / manifest.FILE).is_file():
        return folder
    names = ", ".join(info.name for info in known) or "none"
    raise PackError(f"there is no pack '{name}'; known: {names} (a pack's folder will do as well)")


def _folders(parent: Path) -> Iterator[Path]:
    found = [*parent.glob(f"*/{manifest.FILE}"), *parent.glob(f"*/*/{manifest.FILE}")]
    return (file.parent for file in sorted(found))


def _info(folder: Path, parent: Path, *, shipped: bool) -> PackInfo:
    name = folder.relative_to(parent).as_posix()
    try:
        return PackInfo(name, folder, shipped, manifest.read(folder))
    except PackError as error:
        return PackInfo(name, folder, shipped, None, str(error))
