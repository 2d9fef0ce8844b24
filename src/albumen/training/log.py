"""A run's figures as CSV: one row a step that was logged, and none that was not lived through."""

import csv
from pathlib import Path
from types import TracebackType

from albumen.training import processes
from albumen.whole_file import replacing


def read(file: Path) -> list[dict[str, float]]:
    """The rows of a log; a file that is not there has none."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as rows:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(rows)]


class Log:
    """Appends rows to `file`; those after step `gone_on_from` are of a run that died, and go."""

    def __init__(self, file: Path, gone_on_from: int) -> None:
        self._file, self._after = file, gone_on_from

    def __enter__(self) -> "Log":
        if processes.rank() == 0:
            self._forget_what_was_lost()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        pass

    def _forget_what_was_lost(self) -> None:
        if not self._file.exists():
            return
        header, *rows = self._file.read_text("utf-8").splitlines() or [""]
        lived = [row for row in rows if float(row.split(",")[0]) <= self._after]
        if len(lived) < len(rows):
            with replacing(self._file) as out:
                out.write("".join(f"{line}\n" for line in [header, *lived]).encode())

    def write(self, row: dict[str, float]) -> None:
        """Append a row; the first one brings the header. "step" comes first."""
        if processes.rank() > 0:
            return
        with self._file.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow({name: f"{value:.6g}" for name, value in row.items()})
