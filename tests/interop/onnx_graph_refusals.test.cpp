// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How a model of network and plan is written, and what is refused.
#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/interop/onnx_graph.hpp"
#include "support/catch.hpp"
#include "support/onnx_text.hpp"
#include "support/plans.hpp"
#include "support/refused.hpp"

namespace onnx_graph_refusals_test {

using namespace dpm_test;

namespace {

const dpm::AnySchedule schedule = dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000));

dpm::Plan plan_of(int calls, dpm::Correction correction = dpm::Correction::none) {
  return dpm::make_plan(dpm::DpmSolver{}, schedule, calls, dpm::Prediction::noise, correction);
}

void refused_graph(const onnx::ModelProto& network, const dpm::Plan& plan,
                   const dpm::OnnxGraphOptions& options, const std::string& sentence) {
  refused([&] { (void)dpm::make_onnx_graph(network, plan, options); },
          "make_onnx_graph: " + sentence);
}

void refused_network(const std::string& graph, const std::string& sentence,
                     const dpm::OnnxNetworkNames& names = {}) {
  refused_graph(onnx_model(graph), plan_of(4), {.network = names}, sentence);
}

std::size_t count_nodes(const onnx::GraphProto& graph, const std::string& op) {
  std::size_t count = 0;
  for (const onnx::NodeProto& node : graph.node()) {
    if (node.op_type() == op) ++count;
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) count += count_nodes(attribute.g(), op);
    }
  }
  return count;
}

}  // namespace

TEST_CASE("one graph holds the network once and grows by a few numbers a call") {
  const onnx::ModelProto few = dpm::make_onnx_graph(label_network(), plan_of(10));
  const onnx::ModelProto many = dpm::make_onnx_graph(label_network(), plan_of(60));
  REQUIRE(count_nodes(many.graph(), "Tanh") == 1);
  REQUIRE(many.graph().node_size() == few.graph().node_size());
  // Besides the table it is the text of the plan that grows.
  const auto size = [](onnx::ModelProto model) {
    model.mutable_graph()->clear_doc_string();
    return model.ByteSizeLong();
  };
  REQUIRE(size(many) - size(few) < std::size_t{50} * 100);
  REQUIRE(few.graph().doc_string() == dpm::to_string(plan_of(10)));
  REQUIRE(few.producer_name() == "dpm");
}

TEST_CASE("one graph names and shapes its inputs after those of the network") {
  const auto graph_of = [](const dpm::Plan& plan, const std::string& batch, bool guided) {
    dpm::OnnxGraphOptions options;
    if (guided) options.guidance = 2.0;
    return dpm::make_onnx_graph(label_network({.sample = "float[" + batch + ", 2, 3] x"}), plan,
                                options)
        .graph();
  };
  const auto require_inputs = [](const onnx::GraphProto& graph,
                                 const std::vector<std::string>& expected) {
    std::vector<std::string> inputs;
    for (const auto& input : graph.input()) inputs.push_back(dpm::detail::described(input));
    REQUIRE(inputs == expected);
    REQUIRE(graph.output_size() == 1);
    REQUIRE("start" + dpm::detail::described(graph.output(0)).substr(6) == expected[0]);
  };
  const dpm::Plan noisy = dpm::make_plan(dpm::DpmSolver{.tau = 1.0}, schedule, 5);
  REQUIRE(noisy.draws() == 5);
  require_inputs(graph_of(plan_of(5), "B", false), {"start FLOAT [B, 2, 3]", "label INT64 [L]"});
  require_inputs(graph_of(noisy, "B", false),
                 {"start FLOAT [B, 2, 3]", "draws FLOAT [5, B, 2, 3]", "label INT64 [L]"});
  require_inputs(graph_of(noisy, "B", true),
                 {"start FLOAT [?, 2, 3]", "draws FLOAT [5, ?, 2, 3]", "label INT64 [L]"});
  require_inputs(graph_of(plan_of(5), "6", true), {"start FLOAT [3, 2, 3]", "label INT64 [L]"});
}

TEST_CASE("one graph takes the inputs that are named") {
  const onnx::ModelProto network = onnx_model(
      "network (float[B, 4] text, float[B, 4] image, float[B] t, float[B] size) => (float[B, 4] "
      "other, float[B, 4] noise) { other = Neg (text)  noise = Add (image, text) }");
  const onnx::GraphProto graph =
      dpm::make_onnx_graph(network, plan_of(3),
                           {.network = {.sample = "image", .timestep = "size", .output = "noise"}})
          .graph();
  REQUIRE(graph.input_size() == 3);
  REQUIRE(graph.input(1).name() == "text");
  REQUIRE(graph.input(2).name() == "t");
}

TEST_CASE("the files with a network's weights are found wherever they are named") {
  const auto put = [](onnx::TensorProto& tensor, const std::string& location) {
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    for (const char* const key : {"offset", "location"}) {
      onnx::StringStringEntryProto& entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(key == std::string("offset") ? "0" : location);
    }
  };
  onnx::ModelProto model = label_network();
  REQUIRE(dpm::onnx_external_files(model).empty());
  put(*model.mutable_graph()->mutable_initializer(0), "weights");
  put(*model.mutable_graph()->add_sparse_initializer()->mutable_values(), "sparse");
  onnx::AttributeProto& attribute = *model.mutable_graph()->add_node()->add_attribute();
  put(*attribute.mutable_t(), "constant");
  put(*attribute.add_tensors(), "more/constants");
  put(*attribute.mutable_sparse_tensor()->mutable_indices(), "indices");
  put(*attribute.add_sparse_tensors()->mutable_values(), "weights");
  put(*attribute.mutable_g()->add_initializer(), "branch");
  put(*attribute.add_graphs()->add_node()->add_attribute()->mutable_t(), "loop");
  put(*model.add_functions()->add_node()->add_attribute()->mutable_t(), "function");
  REQUIRE(dpm::onnx_external_files(model) ==
          std::set<std::string>{"branch", "constant", "function", "indices", "loop",
                                "more/constants", "sparse", "weights"});
}

TEST_CASE("one graph refuses plans that it cannot hold") {
  dpm::Plan part = plan_of(4);
  part.live = {m(0)};
  refused_graph(label_network(), part, {},
                "the plan is a part of a run, 1 of its registers live on; it must be a whole one");
  refused([&] { (void)dpm::make_onnx_graph(label_network(), dpm::Plan{}); },
          "check: the plan has no steps; it must have at least one");
  const std::string no_clip =
      " corrections and no clip is given; give its range, or make the plan with Correction::none, "
      "since other corrections cannot be written into a graph";
  refused_graph(label_network(), plan_of(4, dpm::Correction::data), {},
                "the plan asks for 4" + no_clip);
  refused_graph(label_network(), plan_of(4), {.clip = 1.0},
                "a clip is given and the plan asks for no correction; make the plan with "
                "Correction::data");
  const auto refused_clip = [](double clip, const std::string& number) {
    refused_graph(label_network(), plan_of(4, dpm::Correction::data), {.clip = clip},
                  "clip = " + number + "; it must be positive and finite as a float");
  };
  refused_clip(0.0, "0");
  refused_clip(-1.0, "-1");
  refused_clip(1e-60, "1e-60");
  refused_clip(infinity, "inf");
  refused_clip(not_a_number, "nan");
  refused_graph(
      label_network(), dpm::make_plan(dpm::CfgPlusPlus{}, schedule, 4), {},
      "the plan asks for the prediction without condition as well (CFG++) and no guidance "
      "is given; give its scale");
}

TEST_CASE("one graph refuses weights that no float holds") {
  dpm::Plan plan = plan_of(1);
  for (dpm::Step& step : plan.steps) {
    for (dpm::Instruction& instruction : step.instructions) {
      if (auto* const sum = std::get_if<dpm::Combine>(&instruction)) sum->weights[0] = 1e39;
    }
  }
  refused_graph(
      label_network(), plan, {},
      "the plan has a weight of 1e+39; it must be finite as a float, since the network is "
      "not of double");
}

TEST_CASE("one graph refuses a network whose inputs or output it cannot tell") {
  const std::string whole = "(float[B, 4] x, float[B] t) => (float[B, 4] out) {out = Neg (x)}";
  const std::string inputs = "x FLOAT [B, 4], t FLOAT [B]";
  const std::string variances =
      " (cut a network that predicts variances as well to its first channels)";
  refused_network("network " + whole,
                  "the network has no output \"noise\"; its outputs are: out "
                  "FLOAT [B, 4]",
                  {.output = "noise"});
  refused_network("network " + whole,
                  "the network has no input \"y\" for the sample; its inputs are: " + inputs,
                  {.sample = "y"});
  refused_network("network " + whole,
                  "the network has no input \"y\" for the timestep; its inputs beside the sample "
                  "are: t FLOAT [B]",
                  {.timestep = "y"});
  refused_network(
      "network (float[B] x, float[B] t) => (float[B, 4] out) {out = Neg (x)}",
      "the network's sample is: x FLOAT [B]; it must be of floating-point numbers and have the "
      "shape of its output: out FLOAT [B, 4]" +
          variances);
  refused_network(
      "network (float[B, 4] x, int64[B, 4] y, float[B] t) => (float[B, 4] out) {out = "
      "Neg (x)}",
      "the network's sample is: y INT64 [B, 4]; it must be of floating-point numbers "
      "and have the shape of its output: out FLOAT [B, 4]" +
          variances,
      {.sample = "y"});
  refused_network(
      "network (float[B, 4] x, float[B, 2] t) => (float[B, 4] out) {out = Neg (x)}",
      "the network's timestep is: t FLOAT [B, 2]; it must be one number or one for each "
      "sample, floating-point, INT64 or INT32",
      {.timestep = "t"});
  const std::string unclear =
      "which input of the network is the timestep is not clear; name it "
      "(OnnxNetworkNames::timestep); its inputs beside the sample are: ";
  refused_network("network (float[B, 4] x) => (float[B, 4] out) {out = Neg (x)}", unclear + "none");
  refused_network(
      "network (float[B, 4] x, float[B] a, int64[B] b) => (float[B, 4] out) {out = Neg "
      "(x)}",
      unclear + "a FLOAT [B], b INT64 [B]");
  refused_network(
      "network (float[B, 4] a, float[B, 4] b, float[B] t) => (float[B, 4] out) {out = Add (a, b)}",
      "which input of the network is the sample is not clear; name it (OnnxNetworkNames::sample); "
      "its inputs are: a FLOAT [B, 4], b FLOAT [B, 4], t FLOAT [B]");
  refused_network(
      "network (float[B, 4] x, float[B] t) => (float[B, 4] plus, float[B, 4] minus) "
      "{plus = Identity (x)  minus = Neg (x)}",
      "which output of the network is the prediction is not clear; name it "
      "(OnnxNetworkNames::output); its outputs are: plus FLOAT [B, 4], minus FLOAT [B, 4]");
  onnx::ModelProto empty = onnx_model("network " + whole);
  empty.mutable_graph()->clear_output();
  refused_graph(empty, plan_of(4), {}, "the network has no output; it must have one");
}

TEST_CASE("one graph refuses a network that predicts variances as well") {
  const std::string advice =
      " (cut a network that predicts variances as well to its first channels)";
  const auto network = [](const std::string& name) {
    return "network (float[B, 3, W] " + name +
           ", float[B] t) => (float[B, 6, W] out) {out = Concat "
           "<axis = 1> (" +
           name + ", " + name + ")}";
  };
  refused_network(network("sample"),
                  "the network's sample is: sample FLOAT [B, 3, W]; it must be of floating-point "
                  "numbers and have the shape of its output: out FLOAT [B, 6, W]" +
                      advice);
  refused_network(network("image"),
                  "the network has no input of floating-point numbers that is shaped like its "
                  "output; its inputs are: image FLOAT [B, 3, W], t FLOAT [B]; its output is: out "
                  "FLOAT [B, 6, W]" +
                      advice);
}

TEST_CASE("one graph prefers usual names, and else takes the only value of the right shape") {
  const auto require_parts = [](const std::string& graph, const std::string& sample,
                                const std::string& timestep, const std::string& output,
                                const dpm::OnnxNetworkNames& names = {}) {
    const dpm::detail::OnnxNetwork network =
        dpm::detail::read_network(onnx_model("network " + graph).graph(), names);
    REQUIRE(network.sample.name() == sample);
    REQUIRE(network.timestep.name() == timestep);
    REQUIRE(network.output.name() == output);
  };
  require_parts(
      "(float[B, 4] text, float[B, 4] latents, float[B] size, float[B, 1] sigma) => (float[B, 4] "
      "other, float[B, 4] noise_pred) {other = Neg (text)  noise_pred = Add (latents, text)}",
      "latents", "sigma", "noise_pred");
  require_parts(
      "(float[B, 5] text, float[B, 4] image, float level, float[B, 4] sigma) => (float[B, 4] out) "
      "{out = Neg (image)}",
      "image", "level", "out", {.timestep = "level"});
  require_parts(
      "(float[B, 4] x, float[B, 4] image, float[B, 1] noise) => (float[B, 4] out) {out = "
      "Neg (x)}",
      "x", "noise", "out", {.timestep = "noise"});
}

TEST_CASE("one graph refuses a network that cannot lie in it") {
  const auto old = onnx_model(
      "network (float[B, 4] x, float[B] t) => (float[B, 4] out) {out = Neg "
      "(x)}",
      10);
  refused_graph(old, plan_of(4), {},
                "the network has opset 10; it must be 11 or later (onnx.version_converter converts "
                "it)");
  onnx::ModelProto without = label_network();
  without.mutable_opset_import(0)->set_domain("another");
  refused_graph(without, plan_of(4), {},
                "the network imports no opset of ONNX itself; it must import 11 or later");
  refused_network(
      "network (float[B, 4] x, float[B] t, float[B, 2] draws) => (float[B, 4] out) {out "
      "= Neg (x)}",
      "the network has a condition \"draws\"; start, draws and sample are names of the "
      "sampler, so it must have another");
  refused_graph(onnx_model("network (float[3, 4] x, float t) => (float[3, 4] out) {out = Neg (x)}"),
                plan_of(4), {.guidance = 2.0},
                "the network's batch is 3 and guidance doubles the batch; it must be even, or "
                "dynamic");
  const dpm::Plan plan = plan_of(4);
  double fraction = 0.0;
  for (const dpm::Instruction& instruction : flattened(plan)) {
    const auto* const e = std::get_if<dpm::Evaluate>(&instruction);
    if (e == nullptr || e->level.timestep == std::floor(e->level.timestep)) continue;
    fraction = e->level.timestep;
    break;
  }
  REQUIRE(fraction > 0.0);
  refused_graph(label_network({.timestep = "int64[B] t"}), plan, {},
                dpm::detail::sentence("timestep = ", fraction,
                                      "; it must be a whole number, as the network takes integers "
                                      "(make the schedule with TimestepType::discrete)"));
}

}  // namespace onnx_graph_refusals_test
