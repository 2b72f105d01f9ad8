#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) the dpm authors
"""Writes the networks of the tests of ONNX Runtime beside itself. Needs python3-onnx.

Unless it says otherwise, the output of a network is sample / 2 + timestep / 1000 + the mean of each further
input over what belongs to the sample.
"""

import pathlib

import onnx
from onnx import TensorProto, external_data_helper, helper, numpy_helper

FLOAT, HALF, DOUBLE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE
INT32, INT64 = TensorProto.INT32, TensorProto.INT64


class Graph:
    """Nodes in the order in which they are asked for."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, kind: int, values: list, shape: list) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(helper.make_tensor(name, kind, shape, values))
        return name

    def node(self, operator: str, *inputs: str, **attributes) -> str:
        name = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def for_each_sample(self, value: str, kind: int) -> str:
        """One number for each sample, or one for all: [n, 1, 1]."""
        rows = self.node("Reshape", value, self.constant(INT64, [-1, 1, 1], [3]))
        return self.node("Cast", rows, to=kind)

    def save(self, name: str, inputs: list, outputs: list, weights: str = "") -> None:
        """The constants of float go to the file `weights` beside the network, if it is named."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(graph, producer_name="dpm", ir_version=8,
                                  opset_imports=[helper.make_opsetid("", 17)])
        onnx.checker.check_model(model, full_check=True)
        folder = pathlib.Path(__file__).parent
        if weights:
            (folder / weights).unlink(missing_ok=True)  # onnx would append to it
        for constant in model.graph.initializer if weights else ():
            if constant.data_type == FLOAT:
                constant.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(constant), constant.name))
                external_data_helper.set_external_data(constant, weights)
        onnx.save(model, str(folder / f"{name}.onnx"))


def tensor(name: str, kind: int, *shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def save(name: str, sample, timestep, output, *further, weights: str = "") -> None:
    """The network of the sentence above."""
    kind = sample.type.tensor_type.elem_type
    graph = Graph()
    time = graph.for_each_sample(timestep.name, kind)
    total = graph.node("Add", graph.node("Mul", sample.name, graph.constant(kind, [0.5], [])),
                       graph.node("Mul", time, graph.constant(kind, [0.001], [])))
    for value in further:
        mean = graph.node("Cast", value.name, to=kind)
        dimensions = len(value.type.tensor_type.shape.dim)
        if dimensions > 1:
            mean = graph.node("ReduceMean", mean, axes=list(range(1, dimensions)), keepdims=0)
        total = graph.node("Add", total, graph.for_each_sample(mean, kind))
    to = output.type.tensor_type.elem_type
    graph.nodes.append(helper.make_node("Cast", [total], [output.name], to=to))
    graph.save(name, [sample, timestep, *further], [output], weights)


def main() -> None:
    sample = tensor("sample", FLOAT, "batch", 2, 3)
    output = tensor("out_sample", FLOAT, "batch", 2, 3)
    save("float_timesteps", sample, tensor("timestep", FLOAT, "batch"), output)
    save("scalar_int64", sample, tensor("timestep", INT64), output)
    save("one_int32", sample, tensor("timesteps", INT32, 1), output)
    save("column_of_half", sample, tensor("t", HALF, "batch", 1), output)
    save("fixed_batch", tensor("a", FLOAT, 2, 2, 3), tensor("b", DOUBLE, 2), tensor("c", FLOAT, 2, 2, 3))
    save("labels", sample, tensor("timestep", FLOAT, "batch"), output, tensor("label", INT64, "batch"),
         tensor("encoder_hidden_states", FLOAT, "batch", 4, 5))
    save("half", tensor("sample", HALF, "batch", 2, 3), tensor("timestep", INT64, "batch"),
         tensor("out_sample", HALF, "batch", 2, 3))
    save("half_inputs", tensor("sample", HALF, "batch", 2, 3), tensor("timestep", FLOAT),
         tensor("out_sample", HALF, "batch", 2, 3), tensor("encoder_hidden_states", HALF, "batch", 4, 5),
         tensor("guidance", HALF))
    save("scalar_inputs", sample, tensor("timestep", FLOAT), output, tensor("guidance", FLOAT),
         tensor("frames", INT64), tensor("masks", TensorProto.BOOL))
    save("external", sample, tensor("timestep", FLOAT), output, weights="external.weights")
    save("half_to_float", tensor("sample", HALF, "batch", 2, 3), tensor("timestep", FLOAT), output)
    save("open_shape", tensor("sample", FLOAT, "batch", 2, "width"), tensor("timestep", FLOAT),
         tensor("out_sample", FLOAT, "batch", 2, "width"))
    save("two_states", tensor("a", FLOAT, "batch", 2, 3), tensor("b", FLOAT), tensor("c", FLOAT, "batch", 2, 3),
         tensor("d", FLOAT, "batch", 2, 3))
    save("two_times", tensor("a", FLOAT, "batch", 2, 3), tensor("b", FLOAT), tensor("c", FLOAT, "batch", 2, 3),
         tensor("d", FLOAT))
    save("double", tensor("sample", DOUBLE, "batch", 2, 3), tensor("timestep", FLOAT),
         tensor("out_sample", DOUBLE, "batch", 2, 3))
    save("matrix_of_times", sample, tensor("timestep", FLOAT, "batch", 2), output)
    save("bool_timestep", sample, tensor("timestep", TensorProto.BOOL), output)

    # The prediction and, beside it, its negative.
    graph = Graph()
    graph.nodes += [helper.make_node("Mul", ["sample", "timestep"], ["plus"]),
                    helper.make_node("Neg", ["plus"], ["minus"])]
    outputs = [tensor(name, FLOAT, "batch", 2, 3) for name in ("plus", "minus")]
    graph.save("two_outputs", [sample, tensor("timestep", FLOAT)], outputs)

    # Twice the channels, as networks that predict variances have.
    graph = Graph()
    both = graph.node("Concat", "sample", "sample", axis=1)
    graph.nodes.append(helper.make_node("Mul", [both, "timestep"], ["out_sample"]))
    graph.save("variances", [sample, tensor("timestep", FLOAT)], [tensor("out_sample", FLOAT, "batch", 4, 3)])

    # Knows the timesteps 0 to 9 and fails at any other.
    graph = Graph()
    time = graph.node("Gather", graph.constant(FLOAT, [0.001 * i for i in range(10)], [10]), "timestep")
    graph.nodes.append(helper.make_node("Add", ["sample", time], ["out_sample"]))
    graph.save("ten_timesteps", [sample, tensor("timestep", INT64)], [output])


if __name__ == "__main__":
    main()
