"""Files of a hub's repositories: looked up, fetched so that it can go on where it broke, checked.

huggingface_hub, which the tokenizer brings along, speaks with the hub. Its own downloads begin anew
after every interruption, so the parts that came are kept here. `HF_ENDPOINT` names another hub.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from albumen.packs import telemetry
from albumen.packs.errors import PackError

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
SPARE = 200_000_000  # bytes that a download leaves free on the disk, for everybody else
PART = ".part"

OnBytes = Callable[[int, int], None]
"""Called with the bytes that are here and those that there will be."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub lists it; `sha256` of large files, `blob` (git's hash) of all."""

    name: str
    size: int
    sha256: str | None
    blob: str | None


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one commit."""

    name: str
    revision: str
    licence: str | None
    files: dict[str, RemoteFile]


def look_up(name: str, revision: str | None = None) -> Repository:
    """What the repository holds at that revision (None: its main branch). Raises `PackError`."""
    hub = _huggingface_hub()
    with _explained(name):
        info = hub.HfApi(endpoint=_endpoint()).model_info(
            name, revision=revision, files_metadata=True
        )
    files = {file.name: file for file in map(_remote_file, info.siblings or ())}
    licence = getattr(info.card_data, "license", None)
    if not re.fullmatch(r"[0-9a-f]{40}", info.sha or ""):
        raise PackError(f"the hub gives no commit of {name}; try again later")
    return Repository(name, info.sha, licence if isinstance(licence, str) else None, files)


def fetch(
    repository: Repository, names: Iterable[str], folder: Path, on_bytes: OnBytes | None = None
) -> dict[str, str]:
    """Have these files in `folder`, under the names they have there; returns their SHA-256.

    What came before an interruption is kept and the rest fetched. Raises `PackError`: no network,
    a file that is not there, too little space, a file that is not what the hub says it is.
    """
    wanted = [_listed(repository, name) for name in names]
    total = sum(file.size for file in wanted)
    there = {file.name: _already_there(repository, file, folder) for file in wanted}
    _require_space(folder, total - sum(there.values()))
    done, hashes = 0, {}
    for file in wanted:
        tell = partial(_tell, on_bytes, done, total)
        hashes[file.name] = _fetch_one(repository, file, folder, tell)
        done += file.size
    return hashes


def forget(folder: Path, downloads: Path) -> None:
    """Throw away what was fetched into `folder`, which lies in `downloads`."""
    shutil.rmtree(folder, ignore_errors=True)
    for parent in folder.parents:
        if parent == downloads.parent or any(parent.iterdir()):
            return
        parent.rmdir()


def _fetch_one(
    repository: Repository, file: RemoteFile, folder: Path, on_bytes: Callable[[int], None]
) -> str:
    target = folder / file.name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        if (cached := _cached(repository, file)) is not None:
            shutil.copyfile(cached, target)
        else:
            part = target.with_name(target.name + PART)
            _download(repository, file, part, on_bytes)
            part.replace(target)
    try:
        found = _checked(target, file, repository)
    except PackError:
        target.unlink()
        raise
    on_bytes(file.size)
    return found


def _download(
    repository: Repository, file: RemoteFile, part: Path, on_bytes: Callable[[int], None]
) -> None:
    hub = _huggingface_hub()
    from huggingface_hub.file_download import http_get

    url = hub.hf_hub_url(
        repository.name, file.name, revision=repository.revision, endpoint=_endpoint()
    )
    with _explained(repository.name, file.name), part.open("ab") as sink:
        got = sink.tell()
        if got > file.size:
            sink.truncate(got := 0)
        if got < file.size or not file.size:
            http_get(
                url,
                _Counted(sink, on_bytes),  # type: ignore[arg-type]  # what it uses of a file
                resume_size=got,
                headers=hub.utils.build_hf_headers(),
                expected_size=file.size,
                displayed_filename=file.name,
            )


class _Counted:
    """A file that tells how much of it has been written."""

    def __init__(self, sink: Any, on_bytes: Callable[[int], None]) -> None:
        self._sink, self._on_bytes = sink, on_bytes

    def write(self, data: bytes) -> int:
        count: int = self._sink.write(data)
        self._on_bytes(self._sink.tell())
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)


def _checked(path: Path, file: RemoteFile, repository: Repository) -> str:
    """The file's SHA-256, once it is certain to be what the hub lists."""
    sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with path.open("rb") as source:
        while chunk := source.read(1 << 20):
            sha256.update(chunk)
            blob.update(chunk)
    right = (
        sha256.hexdigest() == file.sha256
        if file.sha256 is not None
        else file.blob is None or blob.hexdigest() == file.blob
    )
    if path.stat().st_size != file.size or not right:
        raise PackError(
            f"{file.name} of {repository.name} came damaged (wrong hash) and was thrown away; "
            "run the same command again"
        )
    return sha256.hexdigest()


def _listed(repository: Repository, name: str) -> RemoteFile:
    try:
        return repository.files[name]
    except KeyError:
        raise PackError(
            f"{repository.name} has no file {name} at revision {repository.revision[:8]}; "
            "choose another repository or another --revision"
        ) from None


def _already_there(repository: Repository, file: RemoteFile, folder: Path) -> int:
    for path in (folder / file.name, folder / (file.name + PART)):
        if path.is_file():
            return min(path.stat().st_size, file.size)
    return 0


def _cached(repository: Repository, file: RemoteFile) -> Path | None:
    """The file in the cache that huggingface_hub's other users share, if it is there."""
    found = _huggingface_hub().try_to_load_from_cache(
        repository.name, file.name, revision=repository.revision
    )
    return Path(found) if isinstance(found, str) else None


def _require_space(folder: Path, needed: int) -> None:
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if needed + SPARE > free:
        raise PackError(
            f"not enough space in {place}: {(needed + SPARE) / 1e9:,.1f} GB are needed, "
            f"{free / 1e9:,.1f} GB are free; make room, or put the library elsewhere (--library)"
        )


def _remote_file(sibling: Any) -> RemoteFile:
    name = str(sibling.rfilename)
    if name.startswith("/") or ".." in name.split("/") or "\\" in name:
        raise PackError(f"the hub lists a file with an unsafe name, {name!r}; nothing was fetched")
    sha256 = sibling.lfs.sha256 if sibling.lfs is not None else None
    return RemoteFile(name, int(sibling.size or 0), sha256, sibling.blob_id)


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _tell(on_bytes: OnBytes | None, before: int, total: int, got: int) -> None:
    if on_bytes is not None:
        on_bytes(before + got, total)


def _huggingface_hub() -> Any:
    """The module, imported without telemetry, bars and the second transport it would prefer."""
    telemetry.switch_off()
    # Its other transport, Xet, cannot be continued from a part, nor told apart when it breaks.
    os.environ["HF_HUB_DISABLE_XET"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    import huggingface_hub
    from huggingface_hub import constants

    # Its 10 MB at a time are minutes on a slow line: no progress told, and lost when it breaks.
    constants.DOWNLOAD_CHUNK_SIZE = 1 << 20
    huggingface_hub.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    return huggingface_hub


@contextmanager
def _explained(name: str, file: str | None = None) -> Iterator[None]:
    """Whatever the hub's client raises, as one line that says what to do."""
    from huggingface_hub import errors

    what = f"{file} of {name}" if file else name
    try:
        yield
    except errors.GatedRepoError as error:
        raise PackError(
            f"{name} is given only to those who accept its terms: do so on its page, then run "
            "`hf auth login`, or take another repository"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise PackError(f"there is no repository {name} on {_endpoint()}") from error
    except errors.RevisionNotFoundError as error:
        raise PackError(f"{name} has no such revision; choose another --revision") from error
    except errors.EntryNotFoundError as error:
        raise PackError(f"{what} is not there, though it is listed; try again later") from error
    except errors.OfflineModeIsEnabled as error:
        raise PackError(
            f"{what} cannot be fetched: HF_HUB_OFFLINE is set; unset it, or give a folder"
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise PackError(f"the hub answered {status} for {what}; try again later") from error
    except PackError:
        raise
    except OSError as error:
        if error.errno is not None and error.filename is not None:  # of this machine's disk
            raise
        raise _unreachable(what, error) from error
    except Exception as error:  # the client's network errors come from changing libraries
        raise _unreachable(what, error) from error


def _unreachable(what: str, error: Exception) -> PackError:
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return PackError(
        f"{what} could not be fetched from {_endpoint()} ({reason.rstrip('.')}); check the "
        "network and run the same command again: it goes on with what has come"
    )
