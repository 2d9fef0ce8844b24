"""What a pack makes of tags' names: one vector a tag, kept in the cache, since texts take time."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from albumen.whole_file import replacing

if TYPE_CHECKING:
    from albumen.packs import Pack

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]


def encode(
    pack: "Pack", asked: Sequence[tuple[str, ...]], cache: Path, on_progress: Progress
) -> Floats:
    """The vectors (K, D), of length 1, of tags: each the mean over its questions and templates.

    Those in the cache are taken from there. `on_progress` hears how many of how many are done.
    """
    file = cache / f"tags-{pack.id}.npz"
    keys = [_key(pack, questions) for questions in asked]
    known = read(file, pack.dim)
    missing = {key: one for key, one in zip(keys, asked, strict=True) if key not in known}
    on_progress(len(keys) - len(missing), len(keys))
    for done, (key, questions) in enumerate(missing.items(), len(keys) - len(missing) + 1):
        vector = np.mean([pack.encode_label(question) for question in questions], axis=0)
        known[key] = (vector / np.linalg.norm(vector)).astype(np.float32)
        on_progress(min(done, len(keys)), len(keys))
    if missing:
        write(file, known)
    return np.stack([known[key] for key in keys]) if keys else np.empty((0, pack.dim), np.float32)


def _key(pack: "Pack", questions: tuple[str, ...]) -> bytes:
    """Of all that the vector follows from, besides the pack's files."""
    told = "\0".join([*pack.manifest.templates, "", *questions])
    return blake3(told.encode("utf-8", "replace")).digest(length=16)


def read(file: Path, dim: int) -> dict[bytes, Floats]:
    """What the cache holds; nothing if it is missing or damaged."""
    try:
        with np.load(file, allow_pickle=False) as saved:
            keys, vectors = saved["keys"], saved["vectors"]
            checked = (
                blake3(keys.tobytes() + vectors.tobytes()).digest() == saved["check"].tobytes()
            )
    except Exception:  # zipfile, NumPy and the disk have each their own
        return {}
    if not checked or vectors.shape != (len(keys), dim):
        return {}
    return {key.tobytes(): vector for key, vector in zip(keys, vectors, strict=True)}


def write(file: Path, known: dict[bytes, Floats]) -> None:
    """Put the cache in place; without room for it, the next run takes the time again."""
    keys = np.frombuffer(b"".join(known), np.uint8).reshape(len(known), 16)
    vectors = np.stack(list(known.values()))
    check = np.frombuffer(blake3(keys.tobytes() + vectors.tobytes()).digest(), np.uint8)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file, durable=False) as opened:
            np.savez(opened, keys=keys, vectors=vectors, check=check)
