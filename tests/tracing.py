"""A program's system calls, as strace saw them: which files it opened to write, whom it called.

Python's own audit hooks see what Python does; strace sees what every library and child does.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

WRITERS = (
    "open", "openat", "openat2", "creat", "truncate", "ftruncate", "rename", "renameat",
    "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "link", "linkat",
    "symlink", "symlinkat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "chown",
    "fchown", "lchown", "fchownat", "utime", "utimes", "utimensat", "futimesat", "setxattr",
    "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
)  # fmt: skip
"""Calls that can change a file or a folder; of the first three only those that ask to write."""

_OPENS = ("open", "openat", "openat2")
_FOR_WRITING = re.compile(r"\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b")
_CALL = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)", re.S)
_PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<([^>]*)>")
_MARK = re.compile(r'"/journey/([^"]*)"')
_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"')
_LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.")
_NAMES = ("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf")
_RESOLVERS = ("systemd/resolve", "avahi-daemon")
_DNS = "53"

HAS_STRACE = shutil.which("strace") is not None
WITHOUT = "strace is not installed; on Debian and Ubuntu: apt-get install strace"
needs_strace = pytest.mark.skipif(not HAS_STRACE, reason=WITHOUT)


@dataclass(frozen=True)
class Call:
    """A system call; `step`: the last mark before it."""

    step: str
    name: str
    arguments: str

    @property
    def writes(self) -> bool:
        """Whether it changes a file or a folder, or opens one to do so."""
        return self.name not in _OPENS or bool(_FOR_WRITING.search(self.arguments))

    @property
    def failed(self) -> bool:
        """Whether it came to nothing: a folder that was there already, a file that was not."""
        return " = -1 E" in self.arguments

    @property
    def paths(self) -> list[str]:
        """The paths it names; relative ones below the folder that it names with each."""
        found = [
            f"{folder}/{path}" if folder and not path.startswith("/") else path
            for folder, path in _PATH.findall(self.arguments)
        ]
        folder = _FOLDER.match(self.arguments)
        return found or ([folder[1]] if folder else [])

    @property
    def beyond_loopback(self) -> bool:
        """Whether it has to do with another machine: its address, or the look-up of its name.

        A name is looked up through files that nobody else reads, or through a service on this
        machine, which asks others.
        """
        if self.name in _OPENS:
            return any(path in _NAMES for path in self.paths)
        if any(service in self.arguments for service in _RESOLVERS):
            return True
        address = _ADDRESS.search(self.arguments)
        return address is not None and (address[1] == _DNS or not _LOOPBACK.match(address[2]))

    @property
    def is_inet(self) -> bool:
        """Whether it makes a socket that could reach anywhere at all."""
        return self.name == "socket" and not self.arguments.startswith("AF_UNIX")


def trace(
    command: Sequence[str | Path], log: Path, *, env: Mapping[str, str], **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command with all its children under strace, which writes to `log`."""
    calls = ",".join(f"?{name}" for name in WRITERS)
    strace = ["strace", "-f", "-y", "-s", "4096", "--seccomp-bpf", "-e", f"trace=%network,{calls}"]
    full = [*strace, "-o", str(log), *map(str, command)]
    return subprocess.run(full, env=dict(env), capture_output=True, text=True, **options)


def calls(log: Path) -> Iterator[Call]:
    """Every call in the log, told to the step that it belongs to.

    A program marks its steps by opening `/journey/NAME`, which never exists.
    """
    step = ""
    with log.open(errors="replace") as lines:
        for line in lines:
            match = _CALL.match(line)
            if match is None:  # a signal, the end of a process
                continue
            mark = _MARK.search(match[2])
            if mark:
                step = mark[1]
            else:
                yield Call(step, match[1], match[2])


def changes(log: Path, folder: Path) -> list[Call]:
    """The calls that change something in the folder, or could have."""
    top = str(folder)
    return [
        call
        for call in calls(log)
        if call.name in WRITERS
        and call.writes
        and any(path == top or path.startswith(top + "/") for path in call.paths)
    ]
