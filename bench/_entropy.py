"""Entropy decoding alone: what nobody who looks at a JPEG's pixels can leave out.

Pillow's wheels carry libjpeg-turbo with all its functions. `jpeg_read_coefficients` undoes the
Huffman codes of a whole JPEG and stops before the inverse cosine transform.
"""

import ctypes
from functools import cache
from pathlib import Path

import PIL

VERSION = 62  # of libjpeg's interface
SIZE = 632  # of its main structure, on 64 bits; a library that expects another says so and ends
ERROR_MANAGER = 512  # bytes, more than the structure takes


@cache
def library() -> ctypes.CDLL:
    """libjpeg-turbo as Pillow brings it along; SystemExit where it brings none."""
    folder = Path(PIL.__file__).parents[1] / "pillow.libs"
    found = sorted(folder.glob("libjpeg*"))
    if not found:
        raise SystemExit("this Pillow carries no libjpeg of its own: install its wheel")
    opened = ctypes.CDLL(str(found[0]))
    opened.jpeg_std_error.restype = ctypes.c_void_p
    opened.jpeg_read_coefficients.restype = ctypes.c_void_p
    return opened


def decode(data: bytes) -> None:
    """Undo the Huffman codes of a whole JPEG, which is in order; releases the interpreter."""
    jpeg = library()
    errors = ctypes.create_string_buffer(ERROR_MANAGER)
    state = ctypes.create_string_buffer(SIZE)
    at = ctypes.byref(state)
    ctypes.cast(state, ctypes.POINTER(ctypes.c_void_p))[0] = jpeg.jpeg_std_error(errors)
    jpeg.jpeg_CreateDecompress(at, VERSION, ctypes.c_size_t(SIZE))
    jpeg.jpeg_mem_src(at, data, ctypes.c_ulong(len(data)))
    jpeg.jpeg_read_header(at, 1)
    jpeg.jpeg_read_coefficients(at)
    jpeg.jpeg_destroy_decompress(at)
