"""Index a folder of whatever files in a process of its own, and call each file to account."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from albumen.library.home import Home
from albumen.library.scan import is_sidecar
from albumen.library.store import Store

RUN = """
import json, sys, time
from pathlib import Path
from albumen.library import indexing
from albumen.library.home import Home
from albumen.library.scan import is_sidecar
from albumen.packs import open_pack

def memory(name):
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index(name + ":") + 1]) * 1024

home, warm, folder, pack = map(Path, sys.argv[1:])
pack = open_pack(pack)
indexing.index(Home(home), [warm], pack)  # every library is loaded and every pool filled
Path("/proc/self/clear_refs").write_text("5")  # from here on the peak is counted anew
before = memory("VmRSS")
summary = indexing.index(Home(home), [folder], pack)
print(json.dumps({
    "indexed": summary.indexed, "moved": summary.moved, "skipped": summary.skipped,
    "failed": summary.failed, "seconds": summary.seconds,
    "peak": memory("VmHWM") - before, "kept": memory("VmRSS") - before,
}))
"""


@dataclass(frozen=True)
class Account:
    """How a run ended. `peak`, `kept`: bytes by which the parent grew, at most and at the end."""

    indexed: int
    moved: int
    skipped: int
    failed: int
    seconds: float
    peak: int
    kept: int
    reasons: dict[bytes, str]
    missing: tuple[bytes, ...]

    @property
    def photos(self) -> int:
        """Files in the library."""
        return self.indexed + self.moved


def index_and_account(
    home: Home, folder: Path, *, warm: Path, pack: Path, seconds: float
) -> Account:
    """Index `warm`, then `folder`. Raises if the run crashes or takes longer than `seconds`."""
    command = [sys.executable, "-c", RUN, str(home.path), str(warm), str(folder), str(pack)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    if done.returncode:
        raise RuntimeError(f"the run ended with {done.returncode}:\\n{done.stderr[-3000:]}")
    reasons, photos = _reasons(home), _photos(home)
    missing = [path for path in _files(folder) if path not in photos and path not in reasons]
    return Account(**json.loads(done.stdout), reasons=reasons, missing=tuple(missing))


def _files(folder: Path) -> list[bytes]:
    """All that lies in the folder but what is hidden, which is nobody's business, and sidecars,
    which are their photos'.
    """
    found = []
    for place, folders, names in os.walk(os.fsencode(folder)):
        folders[:] = [name for name in folders if not name.startswith(b".")]
        found += [os.path.join(place, name) for name in names if not name.startswith(b".")]
    return [path for path in found if not is_sidecar(path)]


def _photos(home: Home) -> set[bytes]:
    with Store.open(home) as store:
        rows = store.db.execute(
            """SELECT r.path, l.relative FROM location l JOIN root r ON r.id = l.root
               JOIN photo p ON p.id = l.photo WHERE p.status = 'decoded' AND l.gone IS NULL"""
        )
        return {os.path.join(root, relative) for root, relative in rows}


def _reasons(home: Home) -> dict[bytes, str]:
    with Store.open(home) as store:
        return {os.fsencode(p.path): f"{p.stage}: {p.reason}" for p in store.problems()}
