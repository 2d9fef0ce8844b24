"""A model at run time: a folder with a manifest, ONNX towers and a tokenizer. No PyTorch here.

from albumen.packs import open_pack

pack = open_pack("starter")
pack.encode_texts(["a dog"])  # float32 (1, dim), of length 1
"""

from albumen.packs.errors import PackError
from albumen.packs.pack import Pack, open_pack

__all__ = ["Pack", "PackError", "open_pack"]
