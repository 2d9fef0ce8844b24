"""A hub on this machine that speaks the hub's protocol, and can misbehave as networks do.

`LocalHub(folder)` serves `folder/OWNER/NAME/...`; every repository has one commit, the hash of what
lies in it, and answers to that, to "main" and to any revision in `revisions`.
"""

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = 10_000  # bytes from which on a file is listed with its SHA-256, as those in LFS are


@dataclass
class LocalHub:
    """`drop_after`: bytes of a file's answer, by name, after which the line goes dead; once, or
    `for_ever`. `damaged`: files sent with a byte changed. `hidden`: listed, but not there.
    `stall`: files whose answer begins and never ends; `stalled` is set when one has. `claimed`:
    sizes that are listed in place of the true ones.
    """

    folder: Path
    drop_after: dict[str, int] = field(default_factory=dict)
    for_ever: bool = False
    damaged: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    stall: set[str] = field(default_factory=set)
    stalled: threading.Event = field(default_factory=threading.Event)
    claimed: dict[str, int] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    ranges: list[tuple[str, str | None]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def files(self, repository: str) -> dict[str, bytes]:
        root = self.folder / repository
        paths = sorted(path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}

    def revision(self, repository: str) -> str:
        content = [name.encode() + data for name, data in self.files(repository).items()]
        return self.revisions.get(repository, hashlib.sha1(b"".join(content)).hexdigest())

    def listed(self, repository: str) -> dict:
        siblings = []
        for name, data in self.files(repository).items():
            size = self.claimed.get(name, len(data))
            entry = {
                "rfilename": name,
                "size": size,
                "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
            }
            if len(data) >= LARGE:
                sha256 = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 130}
            siblings.append(entry)
        card = {"license": "apache-2.0"}
        return {
            "id": repository, "modelId": repository, "sha": self.revision(repository),
            "siblings": siblings, "cardData": card, "tags": [], "downloads": 0, "private": False,
        }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    hub: LocalHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, body: bool) -> None:
        hub = self.hub
        hub.headers.append(dict(self.headers))
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        if parts[:2] == ["api", "models"] and len(parts) in (4, 6):
            repository, revision = "/".join(parts[2:4]), (parts[5:6] or ["main"])[0]
            assert len(parts) == 4 or parts[4] == "revision"
            blobs = "blobs" in parse_qs(urlsplit(self.path).query)
            assert blobs, "sizes and hashes were not asked for"
            if not (hub.folder / repository).is_dir():
                self._error(404, "RepoNotFound")
            elif revision not in ("main", hub.revision(repository)):
                self._error(404, "RevisionNotFound")
            else:
                self._send(200, json.dumps(hub.listed(repository)).encode(), body)
            return
        repository, name = "/".join(parts[:2]), "/".join(parts[4:])
        assert parts[2] == "resolve"
        assert parts[3] == hub.revision(repository), "not the revision that was looked up"
        if name in hub.hidden or name not in hub.files(repository):
            self._error(404, "EntryNotFound")
            return
        self._send_file(repository, name, body)

    def _send_file(self, repository: str, name: str, body: bool) -> None:
        hub, data = self.hub, self.hub.files(repository)[name]
        if name in hub.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        asked = self.headers.get("Range")
        hub.ranges.append((name, asked))
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        headers = {
            "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
            "X-Repo-Commit": hub.revision(repository),
            "X-Linked-Size": str(len(data)),
            "Accept-Ranges": "bytes",
        }
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(206 if asked else 200, data[start:], body, headers, name)

    def _send(
        self,
        status: int,
        data: bytes,
        body: bool,
        headers: dict[str, str] | None = None,
        name: str = "",
    ) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if not body:
            return
        if name in self.hub.drop_after:
            limit = self.hub.drop_after[name]
            if not self.hub.for_ever:
                del self.hub.drop_after[name]
            elif limit:
                self.hub.drop_after[name] = 0
            self.wfile.write(data[:limit])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        if name in self.hub.stall:
            self.wfile.write(data[:1])
            self.wfile.flush()
            self.hub.stalled.set()
            while name in self.hub.stall:
                time.sleep(0.05)
            self.close_connection = True
            return
        self.wfile.write(data)

    def _error(self, status: int, code: str) -> None:
        self._send(status, b"{}", True, {"X-Error-Code": code, "X-Error-Message": code})
