"""A folder's run goes on only by what it was begun with."""

import json
from pathlib import Path
from typing import Any

from albumen.errors import UsageError
from albumen.training import processes
from albumen.whole_file import replacing

FILE = "config.json"


def agree(folder: Path, said: dict[str, Any], begun: bool, free: tuple[str, ...] = ()) -> None:
    """Keep what a run is made by, or, if it has `begun`, compare it with what was kept.

    `said` holds JSON values, those of its "recipe" among them; names in `free` may change. Raises
    `UsageError` for what differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file, said = folder / FILE, json.loads(json.dumps(said))
    if begun and file.exists():
        before, now = _flat(json.loads(file.read_text("utf-8"))), _flat(said)
        for name in [*now, *before]:
            # What is not said, as by a version that did not know of it, is as what is off.
            old, new = before.get(name) or None, now.get(name) or None
            if name not in free and old != new:
                raise UsageError(
                    f"{folder} holds a run with {name} {_told(old)}, not {_told(new)}; choose "
                    "another folder (--run), or remove it"
                )
    if processes.rank() == 0:
        with replacing(file) as out:
            out.write(f"{json.dumps(said, indent=1)}\n".encode())


def recipe(folder: Path) -> dict[str, Any]:
    """The recipe of the folder's run, as it was said; empty if none was."""
    file = folder / FILE
    said: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    found: dict[str, Any] = said.get("recipe", {})
    return found


def _flat(said: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = said.get("recipe", {})
    return {name: value for name, value in said.items() if name != "recipe"} | values


def _told(value: Any) -> str:
    return "none" if value is None else str(value)
