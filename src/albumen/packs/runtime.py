"""ONNX Runtime sessions: quiet, as wide as the cores that we may use, on the device asked for."""

import os
from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albumen.packs import heap, telemetry
from albumen.packs.errors import PackError

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}


def cores() -> int:
    """Processor cores that this process may use: its affinity, and its control group's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min([allowed or 1, *_quotas()]))


def _quotas(control_groups: Path = Path("/sys/fs/cgroup")) -> Iterator[int]:
    """Cores granted to this process's control group and to each one around it (cgroup v2)."""
    try:
        own = Path("/proc/self/cgroup").read_text().rpartition("::")[2].strip().strip("/")
    except OSError:  # no Linux
        return
    group = control_groups / own
    for place in (group, *group.parents):
        try:
            quota, period = (place / "cpu.max").read_text().split()
            yield ceil(int(quota) / int(period))
        except (OSError, ValueError):  # no such file, or "max": no quota
            continue


def onnxruntime() -> Any:
    """The module, imported with its telemetry switched off."""
    telemetry.switch_off()
    heap.share_one()  # before its threads start
    import onnxruntime as ort

    ort.set_default_logger_severity(3)  # errors only: its warnings mean nothing to a user
    return ort


def devices() -> list[str]:
    """The devices that the installed ONNX Runtime offers, "cpu" first."""
    offered = onnxruntime().get_available_providers()
    return [device for device, provider in PROVIDERS.items() if provider in offered]


class Session:
    """One model, ready to run."""

    def __init__(
        self,
        model: bytes | Path,
        file: Path,
        *,
        device: str,
        threads: int | None,
        rearrange: bool = True,
    ) -> None:
        """`file` is named in errors. Raises `PackError` for a model or a device that won't do.

        A large `model` is best given by its path: of bytes, the runtime keeps a copy for good.
        rearrange: its weights, for faster products; that takes longer than a query saves.
        """
        ort = onnxruntime()
        if device not in PROVIDERS or PROVIDERS[device] not in ort.get_available_providers():
            offered = ", ".join(devices())
            raise PackError(f"no device '{device}' here; this ONNX Runtime offers: {offered}")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or cores()
        options.inter_op_num_threads = 1
        # It would plan, and keep, a block of its own for each size of batch.
        options.enable_mem_pattern = False
        # Spinning threads would take the cores from those that decode meanwhile.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Outside its arena, where the weights as they were read would stay beside the rearranged.
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        if not rearrange:
            options.add_session_config_entry("session.disable_prepacking", "1")
        providers = list(dict.fromkeys([PROVIDERS[device], PROVIDERS["cpu"]]))
        given = str(model) if isinstance(model, Path) else model
        try:
            with heap.large_blocks_returned():
                self._session = ort.InferenceSession(given, options, providers=providers)
        except Exception as error:  # the runtime's errors share no base class
            raise PackError(
                f"{file} cannot be run ({_reason(error)}); get the pack again"
            ) from error
        if self._session.get_providers()[0] != PROVIDERS[device]:
            # The runtime itself would go on with the CPU, and say so only in its log.
            raise PackError(
                f"the device '{device}' cannot be used here; choose another, such as cpu"
            )
        self._file = file
        # Some published towers were exported for exactly one picture or one text.
        self._singly = self._session.get_inputs()[0].shape[:1] == [1]

    @property
    def inputs(self) -> dict[str, tuple[str, list[int | str | None]]]:
        """Each input's type, as the runtime writes it ("tensor(float)"), and its shape."""
        return {put.name: (put.type, put.shape) for put in self._session.get_inputs()}

    @property
    def outputs(self) -> dict[str, list[int | str | None]]:
        """Each output's shape."""
        return {put.name: put.shape for put in self._session.get_outputs()}

    def run(self, output: str, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The output of that name for these inputs; raises `PackError` if the model fails."""
        count = len(next(iter(inputs.values())))
        if self._singly and count > 1:
            rows = range(count)
            singles = (
                {name: value[row : row + 1] for name, value in inputs.items()} for row in rows
            )
            return np.concatenate([self.run(output, single) for single in singles])
        try:
            result: NDArray[np.float32] = self._session.run([output], dict(inputs))[0]
        except Exception as error:  # as above
            raise PackError(f"{self._file} failed ({_reason(error)})") from error
        return result


def _reason(error: Exception) -> str:
    """The first line of what the runtime says, which goes on for pages."""
    return next(iter(str(error).splitlines()), type(error).__name__)
