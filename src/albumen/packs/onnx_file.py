"""Does an ONNX model keep weights in other files? Told from its bytes, before any runtime reads it.

ONNX is a Protocol Buffers message; a tensor whose weights lie elsewhere has `external_data` (field
13) or `data_location` (field 14). We walk down only to tensors. Field numbers: onnx.proto3, IR 10.
"""

from collections.abc import Iterator
from typing import Literal

Message = Literal["model", "graph", "node", "attribute", "function", "sparse", "tensor"]

# Which fields of a message hold messages that can contain tensors.
CHILDREN: dict[Message, dict[int, Message]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14
DEEPEST = 64  # graphs within graphs; real models have a handful


class NotONNXError(ValueError):
    """The bytes are no ONNX model."""


def uses_external_data(model: bytes) -> bool:
    """Whether any tensor's weights lie outside; raises `NotONNXError` for other bytes."""
    top = {number for number, _, _ in fields(memoryview(model))}
    if not {1, 7} <= top:  # ir_version and graph
        raise NotONNXError("it has no graph")
    return _any_outside(memoryview(model), "model", 0)


def _any_outside(message: memoryview, kind: Message, depth: int) -> bool:
    if depth > DEEPEST:
        raise NotONNXError(f"its graphs are nested more than {DEEPEST} deep")
    for number, wire, value in fields(message):
        if kind == "tensor" and number == EXTERNAL_DATA:
            return True
        if kind == "tensor" and number == DATA_LOCATION and bytes(value).strip(b"\x80\x00"):
            return True
        child = CHILDREN[kind].get(number) if wire == 2 else None
        if child is not None and _any_outside(value, child, depth + 1):
            return True
    return False


def fields(message: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Each field's number, wire type and value: the varint's bytes, or the content."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire, start = key >> 3, key & 7, at
        if wire == 0:
            _, at = _varint(message, at)
        elif wire == 2:
            length, start = _varint(message, at)
            at = start + length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise NotONNXError(f"wire type {wire}")
        if at > len(message):
            raise NotONNXError("it ends early")
        yield number, wire, message[start:at]


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise NotONNXError("it ends early")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise NotONNXError("a number of more than 10 bytes")
