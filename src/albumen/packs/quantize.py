"""A float32 tower's weights as 8-bit numbers, by ONNX Runtime's own tools.

Transformers: matrices and embeddings are rounded, activations while it runs ("dynamic"). Networks
of convolutions: activations' ranges are taken from calibration pictures beforehand ("static"), as
ONNX Runtime recommends for them. Weights use seven bits: with eight, processors without VNNI add up
16-bit sums that overflow, and the same pack would answer differently from machine to machine.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albumen.packs import patches
from albumen.packs.errors import PackError
from albumen.packs.runtime import onnxruntime

BATCH = 8


def quantize(file: Path, target: Path, pixels: NDArray[np.float32] | None) -> None:
    """Write `file`, a float32 tower, to `target` with 8-bit weights.

    pixels: (N, 3, S, S), the calibration pictures, of an image tower. Raises `PackError` where the
    `onnx` library is missing, or its tools fail.
    """
    try:
        import onnx
    except ImportError as error:
        raise PackError(
            "reducing a model to int8 needs the library onnx; install albumen[train], or keep "
            "float32 (--precision float32)"
        ) from error
    onnxruntime()  # telemetry off
    model = onnx.load(file, load_external_data=False)
    kinds = [node.op_type for node in model.graph.node]
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the tools advise their programmer
    try:
        if pixels is not None and kinds.count("Conv") > kinds.count("MatMul"):
            _static(file, target, pixels)
        else:
            patches.as_products(model)
            _dynamic(model, target)
    except Exception as error:  # the tools raise whatever they meet
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise PackError(
            f"the model cannot be reduced to int8 ({reason}); keep float32 (--precision float32)"
        ) from error
    finally:
        logging.disable(before)


def _dynamic(model: Any, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        model,
        target,
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )


def _static(file: Path, target: Path, pixels: NDArray[np.float32]) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    quantize_static(
        file,
        target,
        _Pictures(file, pixels),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "MatMul", "Gemm"],
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


class _Pictures:
    """The pictures as the tools ask for them: a batch at a time, then None."""

    def __init__(self, file: Path, pixels: NDArray[np.float32]) -> None:
        session = onnxruntime().InferenceSession(str(file), providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        starts = range(0, len(pixels), BATCH)
        self._batches = iter([{name: pixels[at : at + BATCH]} for at in starts])

    def get_next(self) -> dict[str, Any] | None:
        """The next batch."""
        return next(self._batches, None)
