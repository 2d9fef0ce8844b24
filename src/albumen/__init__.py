"""Albumen: private photo search on one's own machine.

    from albumen import Library

    with Library() as library:
        library.index("~/Pictures")
        for result in library.search("a dog on a beach"):
            print(result.score, result.path)

docs/python.md has the rest.
"""

from typing import TYPE_CHECKING, Any

from albumen.errors import AlbumenError, UsageError

if TYPE_CHECKING:
    from albumen.api import Library

__version__ = "0.1.0"
__all__ = ["AlbumenError", "Library", "UsageError", "__version__"]


def __getattr__(name: str) -> Any:
    # `Library` brings NumPy and the readers along; `import albumen` alone stays quick.
    if name == "Library":
        from albumen.api import Library

        return Library
    raise AttributeError(f"module 'albumen' has no attribute {name!r}")
