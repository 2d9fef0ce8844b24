"""Telemetry of what we depend on, switched off before it is imported.

ONNX Runtime's own function for this comes too late: from version 1.29 on its Linux build reports
when it is loaded. We hold it below that version and set its variable all the same.
"""

import os

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def switch_off() -> None:
    """Set every switch, whatever the environment said. Call it before the import it protects."""
    os.environ.update(SWITCHES)
