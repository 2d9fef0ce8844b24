"""Changed graphs are valid ONNX and compute what is said of them."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from albumen.packs import onnx_graph
from albumen.packs.onnx_graph import INT32, Ids

LENGTH = 6


def tower(kind: int, batch: int | str) -> bytes:
    """Ids of exactly LENGTH -> their sum, and the first three of them, as "states" and "out"."""
    put = helper.make_tensor_value_info("input_ids", kind, [batch, LENGTH])
    out = [
        helper.make_tensor_value_info("states", TensorProto.FLOAT, [batch, LENGTH]),
        helper.make_tensor_value_info("out", TensorProto.FLOAT, [batch, 3]),
    ]
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["states"], to=TensorProto.FLOAT),
        helper.make_node("Split", ["states"], ["out", "rest"], axis=1, num_outputs=2),
    ]
    graph = helper.make_graph(nodes, "tower", [put], out)
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def run(model: bytes, ids: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (put,), (out,) = session.get_inputs(), session.get_outputs()
    assert (put.type, out.type) == ("tensor(int64)", "tensor(float)")
    return session.run(None, {put.name: ids})[0]


@pytest.mark.parametrize("batch", [1, "batch"])
def test_shorter_ids_of_another_type_are_filled_and_the_output_has_length_1(
    batch: int | str,
) -> None:
    fixed = batch if isinstance(batch, int) else None
    ids = Ids("input_ids", INT32, fixed, LENGTH, fill=9)
    model = onnx_graph.with_free_length(tower(TensorProto.INT32, batch), ids, "any_ids")
    model = onnx_graph.with_unit_output(model, "out", "unit", 3)
    np.testing.assert_allclose(run(model, np.array([[3, 4]])), [np.array([3, 4, 9]) / 106**0.5])
    long = run(model, np.array([[0, 3, 4, 1, 1, 1]]))
    np.testing.assert_allclose(long, [[0, 0.6, 0.8]], atol=1e-7)


def test_an_input_that_is_not_there_is_refused() -> None:
    ids = Ids("text", INT32, None, LENGTH, fill=0)
    with pytest.raises(ValueError, match="has not the input or output"):
        onnx_graph.with_free_length(tower(TensorProto.INT32, "batch"), ids, "any_ids")


def test_an_output_without_a_name_goes_like_any_other() -> None:
    model = onnx.load_from_string(tower(TensorProto.INT64, 1))
    model.graph.output[0].ClearField("name")
    changed = onnx_graph.with_unit_output(model.SerializeToString(), "out", "embeds", 3)
    assert [output.name for output in onnx.load_from_string(changed).graph.output] == ["embeds"]
