"""Small changes to an ONNX graph that another made, so that it keeps what a pack promises.

They are made on the level of Protocol Buffers, of which an ONNX file is one message: nodes are put
before or after those that are there, which stay as they came. So a pack can be made of published
towers without the `onnx` library, which the plain install lacks. Field numbers: onnx.proto3.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from albumen.packs.onnx_file import fields

GRAPH = 7  # of a model
NODE, INITIALIZER, INPUT, OUTPUT = 1, 5, 11, 12  # of a graph
FLOAT, INT32, INT64 = 1, 6, 7  # types of tensors' elements
ATTRIBUTE_INT = 2


@dataclass(frozen=True, slots=True)
class Ids:
    """An input of token ids as the published tower takes it.

    `type`: INT32 or INT64. `batch`, `length`: how many texts and ids it always wants, None if any
    number. `fill`: what shorter texts are filled with.
    """

    name: str
    type: int
    batch: int | None
    length: int | None
    fill: int


def with_unit_output(model: bytes, output: str, name: str, dim: int) -> bytes:
    """The model with one output, `name`, a new one: float32 (B, dim), `output` of length 1."""
    nodes = [
        node("Cast", [output], [f"{name}.float"], {"to": FLOAT}),
        node("LpNormalization", [f"{name}.float"], [name], {"axis": -1, "p": 2}),
    ]
    result = _field(OUTPUT, value_info(name, FLOAT, ["batch", dim]))
    return _changed(model, after=nodes, drop={OUTPUT: None}, more=[result])


def with_free_length(model: bytes, ids: Ids, name: str) -> bytes:
    """The model with the input `name`, int64 (B, T) for any T up to its length, in place of `ids`.

    What read the former input goes on doing so: `name` has to be a new one. Raises ValueError if
    the model has no such input.
    """
    nodes, constants = [], []
    if ids.length is not None:
        # As many as it always wants are put behind, then what is too much is cut off.
        constants = [
            tensor(f"{name}.pads", np.array([0, 0, 0, ids.length])),
            tensor(f"{name}.fill", np.array(ids.fill)),
            tensor(f"{name}.from", np.array([0])),
            tensor(f"{name}.to", np.array([ids.length])),
            tensor(f"{name}.axis", np.array([1])),
        ]
        nodes = [
            node("Pad", [name, f"{name}.pads", f"{name}.fill"], [f"{name}.padded"]),
            node(
                "Slice",
                [f"{name}.padded", f"{name}.from", f"{name}.to", f"{name}.axis"],
                [f"{name}.cut"],
            ),
        ]
    last = f"{name}.cut" if nodes else name
    nodes.append(node("Cast", [last], [ids.name], {"to": ids.type}))
    added = [_field(INPUT, value_info(name, INT64, [ids.batch or "batch", "tokens"]))]
    added += [_field(INITIALIZER, constant) for constant in constants]
    return _changed(model, before=nodes, drop={INPUT: ids.name}, more=added)


def node(
    kind: str, inputs: list[str], outputs: list[str], attributes: dict[str, int] | None = None
) -> bytes:
    """A NodeProto; its attributes are whole numbers."""
    parts = [_field(1, name.encode()) for name in inputs]
    parts += [_field(2, name.encode()) for name in outputs]
    parts.append(_field(4, kind.encode()))
    for name, value in (attributes or {}).items():
        said = [_field(1, name.encode()), _number(3, value), _number(20, ATTRIBUTE_INT)]
        parts.append(_field(5, b"".join(said)))
    return b"".join(parts)


def tensor(name: str, values: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> bytes:
    """A TensorProto of int64."""
    parts = [_number(1, length) for length in values.shape]
    parts += [_number(2, INT64), _field(8, name.encode())]
    parts.append(_field(9, values.astype("<i8").tobytes()))
    return b"".join(parts)


def value_info(name: str, type_: int, shape: list[str | int]) -> bytes:
    """A ValueInfoProto; names in `shape` stand for sizes that may vary."""
    sizes = [
        _field(1, _number(1, size) if isinstance(size, int) else _field(2, size.encode()))
        for size in shape
    ]
    described = _number(1, type_) + _field(2, b"".join(sizes))
    return _field(1, name.encode()) + _field(2, _field(1, described))


def _changed(
    model: bytes,
    *,
    before: Iterable[bytes] = (),
    after: Iterable[bytes] = (),
    drop: dict[int, str | None],
    more: Iterable[bytes] = (),
) -> bytes:
    """The model, its graph without the inputs or outputs to drop (None: all of that field)."""
    parts, dropped = [], 0
    for number, wire, value in fields(memoryview(model)):
        if number != GRAPH:
            parts.append(_raw(number, wire, value))
            continue
        graph = [_field(NODE, each) for each in before]
        for inner, inner_wire, content in fields(value):
            if inner in drop and drop[inner] in (None, _name(content)):
                dropped += 1
            else:
                graph.append(_raw(inner, inner_wire, content))
        graph += [_field(NODE, each) for each in after]
        parts.append(_field(GRAPH, b"".join([*graph, *more])))
    if not dropped:
        raise ValueError("it has not the input or output that it is said to have")
    return b"".join(parts)


def _name(value: memoryview) -> str:
    names = (bytes(content).decode() for number, _, content in fields(value) if number == 1)
    return next(names, "")


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers take all 64 bits
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _raw(number: int, wire: int, value: memoryview) -> bytes:
    return _field(number, bytes(value)) if wire == 2 else _varint(number << 3 | wire) + bytes(value)


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)
