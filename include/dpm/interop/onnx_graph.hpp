// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A network and a plan as one ONNX model. Needs ONNX's protobuf classes (`find_package(ONNX)`,
/// link `onnx_proto`; Debian: libonnx-dev and libprotobuf-dev). dpm/dpm.hpp does not include this.
#pragma once

#include <onnx/onnx_pb.h>

#include <utility>

#include "dpm/error.hpp"
#include "dpm/interop/onnx_graph/external_files.hpp"  // IWYU pragma: export
#include "dpm/interop/onnx_graph/network.hpp"
#include "dpm/interop/onnx_graph/options.hpp"
#include "dpm/interop/onnx_graph/plan_table.hpp"
#include "dpm/interop/onnx_graph/sampler_graph.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/plan/print.hpp"
#include "dpm/version.hpp"

namespace dpm {

/// Writes a network and a plan into one ONNX model, which draws samples in one call of any runtime
/// that has the operator Loop, such as ONNX Runtime:
///
///     onnx::ModelProto network;
///     network.ParseFromIstream(&file);
///     dpm::make_onnx_graph(network, plan, {.guidance = 7.5}).SerializeToOstream(&to);
///
/// Inputs:
/// - `start`, shaped like the network's sample: x where the plan starts, what a run starts from.
///   With guidance its batch is half the network's.
/// - `draws`, of one dimension more, if the plan draws noise: entry k is standard normal draw k.
/// - the network's conditions, under their names; with guidance those of the doubled batch.
///
/// The output is `sample`. All are float where the network is of float, float16 or bfloat16, and
/// double where it is of double: sums are formed in that type, as a stepper does, and cast for the
/// network. Batch and other sizes may be dynamic if the network's are.
///
/// The network stands in the file once, in a Loop over a table of the plan's weights (`PlanTable`).
/// So the file grows with the network and hardly with the steps, and it is loaded in the time of
/// the network alone. Weights that the network has in other files stay there
/// (`onnx_external_files`). Samples are those of a `Stepper` over the same network up to rounding.
/// The graph has nobody to ask: it cannot stop, be observed, or refuse what is not finite.
///
/// Refuses a plan that cannot be run (see `check`), a part of a run (`Plan::live`), corrections
/// without `clip`, CFG++ without `guidance`, timesteps with fractions for a network that takes
/// integers, an opset below 11, and a network whose inputs are not found. Cost: a copy of the
/// network, unless it is moved in.
[[nodiscard]] inline onnx::ModelProto make_onnx_graph(onnx::ModelProto network, const Plan& plan,
                                                      const OnnxGraphOptions& options = {}) {
  detail::check_plan(plan, options);
  const detail::PlanTable table = detail::PlanTabulator().tabulate(plan);
  const detail::OnnxNetwork parts = detail::read_network(network.graph(), options.network);
  detail::check_network(network, parts, table, options);
  onnx::GraphProto graph =
      detail::SamplerGraph(parts, table, options).make(std::move(*network.mutable_graph()));
  graph.set_doc_string(to_string(plan));
  *network.mutable_graph() = std::move(graph);
  // Constants that are not inputs exist since version 4 of the format.
  if (network.ir_version() < 4) network.set_ir_version(4);
  network.set_producer_name("dpm");
  network.set_producer_version(
      detail::sentence(DPM_VERSION_MAJOR, ".", DPM_VERSION_MINOR, ".", DPM_VERSION_PATCH));
  return network;
}

}  // namespace dpm
