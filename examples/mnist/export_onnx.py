#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) the dpm authors
"""Exports unet.pt to ONNX, opset 17: unet.onnx, for any runtime. Needs python3-torch and python3-onnx.

Inputs are sample [batch, 1, 28, 28], timestep [batch] and label [batch] int64, the output is noise [batch, 1, 28, 28].
It computes in single precision. Parameters are stored in half precision, as in unet.pt, where that loses nothing.
"""

import argparse
import pathlib
import tempfile

import onnx
import torch
from onnx import helper, numpy_helper

from network import UNet


def store_in_half(model: onnx.ModelProto) -> None:
    """Parameters that half precision holds exactly are stored in it, each with a Cast, which runtimes do once."""
    graph = model.graph
    casts = []
    for parameter in graph.initializer:
        if parameter.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(parameter)
        half = values.astype("float16")
        if values.size < 32 or (half.astype("float32") != values).any():
            continue
        name = parameter.name
        parameter.CopyFrom(numpy_helper.from_array(half, name + "_half"))
        casts.append(helper.make_node("Cast", [parameter.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def export(module: torch.nn.Module, inputs: dict, output: str, path: pathlib.Path, open_sizes: dict = {}) -> None:
    """The module as ONNX. The first dimension of inputs and output is the batch; open_sizes names further ones."""
    axes = {name: {0: "batch", **open_sizes.get(name, {})} for name in [*inputs, output]}
    with tempfile.TemporaryDirectory() as folder:
        file = str(pathlib.Path(folder) / "exported.onnx")
        torch.onnx.export(module.eval(), tuple(inputs.values()), file, opset_version=17, input_names=list(inputs),
                          output_names=[output], dynamic_axes=axes)
        model = onnx.load(file)
    store_in_half(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    print(f"{path.name}: {path.stat().st_size} bytes, opset {model.opset_import[0].version}")


def main() -> None:
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=pathlib.Path, default=here / "unet.pt")
    parser.add_argument("--to", type=pathlib.Path, default=here / "unet.onnx")
    options = parser.parse_args()
    network = UNet()
    network.load_state_dict(torch.jit.load(str(options.network)).float().state_dict())
    inputs = {"sample": torch.randn(2, 1, 28, 28), "timestep": torch.tensor([0.0, 999.0]), "label": torch.tensor([0, 10])}
    export(network, inputs, "noise", options.to)


if __name__ == "__main__":
    main()
