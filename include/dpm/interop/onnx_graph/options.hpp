// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The options of a model of network and plan, and what of both it refuses.
#pragma once

#include <onnx/onnx_pb.h>

#include <cmath>
#include <optional>
#include <string>

#include "dpm/error.hpp"
#include "dpm/guidance/guidance_scale.hpp"
#include "dpm/interop/onnx_graph/network.hpp"
#include "dpm/interop/onnx_graph/plan_table.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/plan.hpp"

namespace dpm {

/// The options of `make_onnx_graph`.
struct OnnxGraphOptions {
  /// Classifier-free guidance on a doubled batch, as `BatchedClassifierFreeGuidance` does it: the
  /// network is given [x | x], and its conditions must be [with | without]. Rescaled guidance
  /// (`GuidanceRescale`) cannot be written.
  std::optional<GuidanceScale> guidance = std::nullopt;
  /// The range of `Clip`, for a plan with corrections. Others, such as dynamic thresholding, cannot
  /// be written.
  std::optional<double> clip = std::nullopt;
  /// Needed only where the inputs cannot be told apart without.
  OnnxNetworkNames network = {};
};

namespace detail {

/// Refuses a plan that the options do not fit, or that no graph can hold.
inline void check_plan(const Plan& plan, const OnnxGraphOptions& options) {
  check(plan);
  require(plan.live.empty(), "make_onnx_graph: the plan is a part of a run, ", plan.live.size(),
          " of its registers live on; it must be a whole one");
  const int corrections = plan.corrections();
  require(corrections == 0 || options.clip, "make_onnx_graph: the plan asks for ", corrections,
          " corrections and no clip is given; give its range, or make the plan with "
          "Correction::none, since other corrections cannot be written into a graph");
  require(
      corrections > 0 || !options.clip,
      "make_onnx_graph: a clip is given and the plan asks for no correction; make the plan with "
      "Correction::data");
  if (!options.clip) return;
  const double rounded = static_cast<float>(*options.clip);
  require(rounded > 0.0 && std::isfinite(rounded), "make_onnx_graph: clip = ", *options.clip,
          "; it must be positive and finite as a float");
}

/// Refuses a network that cannot answer the calls of the plan, or cannot lie in a graph.
inline void check_network(const onnx::ModelProto& model, const OnnxNetwork& network,
                          const PlanTable& table, const OnnxGraphOptions& options) {
  require(table.outputs == 1 || options.guidance,
          "make_onnx_graph: the plan asks for the prediction without condition as well (CFG++) and "
          "no guidance is given; give its scale");
  bool has_opset = false;
  for (const auto& opset : model.opset_import()) {
    const bool is_onnx = opset.domain().empty() || opset.domain() == "ai.onnx";
    has_opset = has_opset || is_onnx;
    require(!is_onnx || opset.version() >= 11, "make_onnx_graph: the network has opset ",
            opset.version(), "; it must be 11 or later (onnx.version_converter converts it)");
  }
  require(
      has_opset,
      "make_onnx_graph: the network imports no opset of ONNX itself; it must import 11 or later");
  for (const onnx::ValueInfoProto& condition : network.conditions) {
    const std::string& name = condition.name();
    require(name != "start" && name != "draws" && name != "sample",
            "make_onnx_graph: the network has a condition \"", name,
            "\"; start, draws and sample are names of the sampler, so it must have another");
  }
  const auto& batch = network.sample.type().tensor_type().shape().dim(0);
  require(!options.guidance || batch.dim_value() % 2 == 0,
          "make_onnx_graph: the network's batch is ", batch.dim_value(),
          " and guidance doubles the batch; it must be even, or dynamic");
  if (!is_whole(element_type(network.timestep))) return;
  for (const PlanTable::Call& call : table.calls) {
    require(call.level.timestep == std::floor(call.level.timestep),
            "make_onnx_graph: timestep = ", call.level.timestep,
            "; it must be a whole number, as the network takes integers (make the schedule with "
            "TimestepType::discrete)");
  }
}

}  // namespace detail
}  // namespace dpm
