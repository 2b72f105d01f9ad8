// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Network and plan as one ONNX model give the samples of a stepper over the same network, both in
/// ONNX Runtime.
#include "dpm/interop/onnx_graph.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dpm/calibration/calibrate.hpp"
#include "dpm/catalogue.hpp"
#include "dpm/dpm.hpp"
#include "dpm/interop/plan_json.hpp"
#include "support/catch.hpp"
#include "support/onnx_session.hpp"
#include "support/onnx_text.hpp"

namespace onnx_graph_test {

using namespace dpm_test;

namespace {

constexpr std::size_t batch = 2;
constexpr std::size_t per_sample = 6;

using Values = std::vector<float>;
using Tensor = NamedTensor<float>;
using Labels = NamedTensor<std::int64_t>;

const dpm::AnySchedule schedule = dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000));
const dpm::AnySchedule whole_steps =
    dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000), dpm::TimestepType::discrete);

Values start() {
  Values x(batch * per_sample);
  dpm::NormalNoise{.seed = 7, .elements_per_sample = per_sample}.fill(x);
  return x;
}

const dpm::NormalNoise noise{.seed = 11, .elements_per_sample = per_sample};

/// All draws of a plan, one after the other.
Values draws_of(const dpm::Plan& plan) {
  Values all;
  for (int k = 0; k < plan.draws(); ++k) {
    Values z(batch * per_sample);
    noise(z, {.draw = static_cast<std::uint32_t>(k), .from = {}, .to = {}});
    all.insert(all.end(), z.begin(), z.end());
  }
  return all;
}

std::vector<std::int64_t> shape_for(std::size_t samples) {
  return {static_cast<std::int64_t>(samples), 2, 3};
}

/// The network in ONNX Runtime as a model; labels for as many samples as it is given.
class Network {
 public:
  explicit Network(const onnx::ModelProto& model, std::vector<std::int64_t> labels = {1, 2})
      : session_(model), labels_(std::move(labels)) {}

  void operator()(const Values& x, double timestep, Values& out) {
    const std::size_t samples = x.size() / per_sample;
    const Values t(samples, static_cast<float>(timestep));
    out = session_.run<float>("sample", Tensor{"x", shape_for(samples), x},
                              Tensor{"t", {static_cast<std::int64_t>(samples)}, t},
                              Labels{"label", {static_cast<std::int64_t>(samples)}, labels_});
  }

 private:
  OnnxSession session_;
  std::vector<std::int64_t> labels_;
};

template <class Model>
Values stepped(const dpm::Plan& plan, Model& model, const dpm::RunOptions<Values>& more = {}) {
  dpm::RunOptions<Values> options = more;
  if (plan.draws() > 0) options.noise = noise;
  Values x = start();
  dpm::sample(plan, model, x, options);
  return x;
}

/// What the one graph draws from the same start and draws.
Values drawn(const onnx::ModelProto& graph, const dpm::Plan& plan, Labels labels) {
  onnx::checker::check_model(graph);
  OnnxSession session(graph);
  const Tensor x{"start", shape_for(batch), start()};
  if (plan.draws() == 0) return session.run<float>("sample", x, std::move(labels));
  const Tensor draws{"draws", {plan.draws(), batch, 2, 3}, draws_of(plan)};
  return session.run<float>("sample", x, draws, std::move(labels));
}

const Labels two_labels{"label", {2}, {1, 2}};

/// Largest difference, relative to the largest value where that is above 1. A NaN stays one.
double difference(const Values& a, const Values& b) {
  REQUIRE(a.size() == b.size());
  double most = 0.0;
  double size = 1.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double gap = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    most = gap <= most ? most : gap;
    size = std::max(size, std::abs(static_cast<double>(b[i])));
  }
  return most / size;
}

/// Runs of a few calls lose some ten roundings of 6e-8 each, which the steps hardly enlarge.
constexpr double rounding = 1e-5;

}  // namespace

TEST_CASE("one graph draws the stepper's samples for every sampler by name") {
  const onnx::ModelProto model = label_network();
  Network network(model);
  for (const dpm::Sampler& sampler : dpm::samplers()) {
    if (sampler.name.find("cfg_pp") != std::string::npos) continue;  // these need guidance
    INFO(sampler.name);
    const dpm::Plan plan = dpm::plan_by_name(sampler.name, "", schedule, 6);
    const Values expected = stepped(plan, network);
    REQUIRE(difference(drawn(dpm::make_onnx_graph(model, plan), plan, two_labels), expected) <
            rounding);
  }
}

TEST_CASE("one graph draws the stepper's samples for a plan that was calibrated to its network") {
  const onnx::ModelProto model = label_network();
  Network network(model);
  std::vector<Values> starts(6, Values(batch * per_sample));
  for (std::size_t i = 0; i < starts.size(); ++i) {
    dpm::NormalNoise{.seed = 3, .first_sample = batch * i, .elements_per_sample = per_sample}.fill(
        starts[i]);
  }
  const dpm::Plan base = dpm::make_plan(dpm::Ddim{}, schedule, 5);
  const dpm::Plan fine = dpm::make_plan(dpm::default_method, schedule, 60, dpm::UniformTime{});
  const dpm::References<Values> references(fine, network, starts);
  const auto [plan, report] = dpm::calibrate(
      base, network, references,
      {.schedule = schedule, .sweeps = 1, .turns = 1, .elements_per_sample = per_sample});
  REQUIRE_FALSE(report.kept_base);
  const Values expected = stepped(plan, network);
  REQUIRE(difference(expected, stepped(base, network)) > 100.0 * rounding);
  REQUIRE(difference(drawn(dpm::make_onnx_graph(model, plan), plan, two_labels), expected) <
          rounding);
}

TEST_CASE("one graph guides on a doubled batch as the stepper does") {
  const onnx::ModelProto model = label_network();
  const auto require_guided = [&](const dpm::Plan& plan, const dpm::GuidanceScale& scale) {
    Network network(model, {1, 2, 3, 3});
    dpm::BatchedClassifierFreeGuidance guided(std::ref(network), scale);
    const Values expected = stepped(plan, guided);
    const auto graph = dpm::make_onnx_graph(model, plan, {.guidance = scale});
    REQUIRE(difference(drawn(graph, plan, {"label", {4}, {1, 2, 3, 3}}), expected) < rounding);
  };
  require_guided(dpm::plan_by_name("DPM++ 2M Karras", schedule, 8), 3.0);
  require_guided(dpm::plan_by_name("DPM++ SDE", schedule, 5), 2.5);
  const dpm::Plan plan = dpm::make_plan(dpm::UniPc{}, schedule, 8);
  require_guided(plan, dpm::GuidanceScale(4.0).within(0.3, 3.0));
  require_guided(plan, 1.0);
  int count = 0;
  for (const dpm::Sampler& sampler : dpm::samplers()) {
    if (sampler.name.find("cfg_pp") == std::string::npos) continue;
    INFO(sampler.name);
    require_guided(dpm::plan_by_name(sampler.name, "", schedule, 6), 1.6);
    ++count;
  }
  REQUIRE(count > 0);
}

TEST_CASE("one graph runs a plan that was loaded from JSON") {
  const onnx::ModelProto model = label_network();
  const dpm::Plan plan = dpm::plan_by_name("DPM++ 3M SDE", schedule, 7);
  const dpm::Plan loaded = dpm::plan_from_text(dpm::plan_to_text(plan));
  REQUIRE(drawn(dpm::make_onnx_graph(model, loaded), loaded, two_labels) ==
          drawn(dpm::make_onnx_graph(model, plan), plan, two_labels));
}

TEST_CASE("one graph scales the input of a network that was trained so") {
  const onnx::ModelProto model = label_network();
  Network network(model);
  for (const dpm::Plan& plan :
       {dpm::make_plan(dpm::DpmSolver{}, dpm::Edm(), 8, dpm::Prediction::edm),
        dpm::make_plan(dpm::Heun{}, dpm::Edm(), 10, dpm::Prediction::edm)}) {
    REQUIRE(plan.uses_input());
    const Values expected = stepped(plan, network);
    REQUIRE(difference(drawn(dpm::make_onnx_graph(model, plan), plan, two_labels), expected) <
            rounding);
  }
}

TEST_CASE("one graph clips the data prediction where the plan corrects it") {
  const onnx::ModelProto model = label_network();
  Network network(model);
  for (const double tau : {0.0, 1.0}) {
    const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.tau = tau}, schedule, 8,
                                          dpm::Prediction::noise, dpm::Correction::data);
    const Values expected = stepped(plan, network, {.correction = dpm::Clip(0.5)});
    const auto graph = dpm::make_onnx_graph(model, plan, {.clip = 0.5});
    REQUIRE(difference(drawn(graph, plan, two_labels), expected) < rounding);
    const dpm::Plan free = dpm::make_plan(dpm::DpmSolver{.tau = tau}, schedule, 8);
    REQUIRE(difference(expected, stepped(free, network)) > 0.1);
  }
}

TEST_CASE("one graph clips and draws at the first opset that it takes") {
  const onnx::ModelProto model =
      onnx_model(R"(network (float[B, 2, 3] x, float[B] t, int64[L] label) =>
    (float[B, 2, 3] sample) <float[1] rate = {0.002}, int64[3] wide = {-1, 1, 1}> {
      phase = Mul (t, rate)
      wide_phase = Reshape (phase, wide)
      real_label = Cast <to = 1> (label)
      wide_label = Reshape (real_label, wide)
      moved = Add (x, wide_phase)
      sum = Sub (moved, wide_label)
      sample = Tanh (sum)
    })",
                 11);
  Network network(model);
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{.tau = 1.0}, schedule, 6,
                                        dpm::Prediction::noise, dpm::Correction::data);
  const Values expected = stepped(plan, network, {.correction = dpm::Clip(0.5)});
  const auto graph = dpm::make_onnx_graph(model, plan, {.clip = 0.5});
  REQUIRE(difference(drawn(graph, plan, two_labels), expected) < rounding);
}

TEST_CASE("one graph gives the timestep in the type and shape of the network's input") {
  const dpm::Plan plan = dpm::plan_by_name("DPM++ 2M Karras", whole_steps, 6);
  const onnx::ModelProto model = label_network();
  Network network(model);
  const Values expected = stepped(plan, network);
  for (const char* timestep :
       {"float t", "float[1] t", "int64 t", "int64[1] t", "int64[B] t", "int32[B] t", "double[B] t",
        "double t", "float16 t", "float[B, 1] t", "int64[1, 1] t"}) {
    INFO(timestep);
    const auto graph = dpm::make_onnx_graph(label_network({.timestep = timestep}), plan);
    REQUIRE(difference(drawn(graph, plan, two_labels), expected) <
            (std::string(timestep) == "float16 t" ? 1e-3 : rounding));
  }
}

TEST_CASE("one graph gives a timestep of double with all of its digits") {
  const onnx::ModelProto model = onnx_model(
      "network (float[B, 2, 3] x, double[B] t) => (float[B, 2, 3] out) <double[1] rate = "
      "{100000.0}, "
      "int64[3] wide = {-1, 1, 1}> { far = Mul (t, rate)  wave = Sin (far)  near = Cast <to = 1> "
      "(wave)  shift = Reshape (near, wide)  s = Tanh (x)  out = Add (s, shift) }");
  const auto network = [](const Values& x, double timestep, Values& out) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      out[i] = std::tanh(x[i]) + static_cast<float>(std::sin(100000.0 * timestep));
    }
  };
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{}, schedule, 8);
  OnnxSession session(dpm::make_onnx_graph(model, plan));
  const Values samples = session.run<float>("sample", Tensor{"start", shape_for(batch), start()});
  REQUIRE(difference(samples, stepped(plan, network)) < rounding);
}

TEST_CASE("one graph casts for a network of half types") {
  const dpm::Plan plan = dpm::plan_by_name("DPM++ 2M SDE", schedule, 6);
  // The same network of float whose input and output are rounded to half.
  onnx::ModelProto rounded = onnx_model(R"(network (float[B, 2, 3] x, float[B] t, int64[L] label) =>
    (float[B, 2, 3] sample) <float[4] table = {0.1, 0.6, -0.3, 0.0}> {
      rate = Constant <value = float {0.002}> ()
      slope = Constant <value = float {0.8}> ()
      wide = Constant <value = int64[3] {-1, 1, 1}> ()
      phase = Mul (t, rate)
      wide_phase = Reshape (phase, wide)
      entry = Gather <axis = 0> (table, label)
      wide_entry = Reshape (entry, wide)
      half_x = Cast <to = 10> (x)
      real_x = Cast <to = 1> (half_x)
      product = Mul (real_x, slope)
      moved = Add (product, wide_phase)
      sum = Add (moved, wide_entry)
      curve = Tanh (sum)
      half = Cast <to = 10> (curve)
      sample = Cast <to = 1> (half)
    })");
  Network network(rounded);
  const auto graph = dpm::make_onnx_graph(
      label_network({.sample = "float16[B, 2, 3] x", .output = "float16[B, 2, 3] sample"}), plan);
  // Where rounding to half is a near thing, the last bit of x decides on one part in 2000.
  REQUIRE(difference(drawn(graph, plan, two_labels), stepped(plan, network)) < 1e-3);
}

TEST_CASE("one graph of a network of double works in double") {
  const onnx::ModelProto model = onnx_model(
      "network (double[N, 3] x, double t) => (double[N, 3] out) { s = Tanh (x)  u = Sin (t)  out = "
      "Add (s, u) }");
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{}, schedule, 10);
  std::vector<double> x{0.3, -1.2, 0.8};
  const NamedTensor<double> from{"start", {1, 3}, x};
  dpm::sample(
      plan,
      [](const std::vector<double>& at, double t, std::vector<double>& out) {
        for (std::size_t i = 0; i < at.size(); ++i) out[i] = std::tanh(at[i]) + std::sin(t);
      },
      x);
  const auto samples = OnnxSession(dpm::make_onnx_graph(model, plan)).run<double>("sample", from);
  for (std::size_t i = 0; i < x.size(); ++i) REQUIRE_THAT(samples[i], WithinAbs(x[i], 1e-11));
}

TEST_CASE("one graph keeps what lies within a network, its fixed shapes and its functions") {
  // A branch reads values from outside, a function is the model's own, and a constant is listed as
  // an input, as older files do.
  onnx::ModelProto model = onnx_model(R"(
    network (float[2, 2, 3] x, float[2] t, int64 side, float[1] shift) => (float[2, 2, 3] out)
    <float[1] shift = {0.25}> {
      wide = Constant <value = int64[3] {-1, 1, 1}> ()
      scaled = own.scaled (t)
      phase = Reshape (scaled, wide)
      moved = Add (x, phase)
      mirrored = Cast <to = 9> (side)
      bent = If (mirrored) <then_branch = yes () => (float[2, 2, 3] a) {n = Neg (moved) a = Tanh (n)},
                            else_branch = no () => (float[2, 2, 3] b) {b = Tanh (moved)}>
      out = Add (bent, shift)
    }
    <domain: "own", opset_import: ["": 17]>
    scaled (t) => (s) {rate = Constant <value = float {0.001}> () s = Mul (t, rate)})");
  const dpm::Plan plan = dpm::make_plan(dpm::DpmSolver{}, schedule, 8);
  OnnxSession alone(model);
  OnnxSession whole(dpm::make_onnx_graph(model, plan));
  Values samples[2];
  for (const std::int64_t side : {0, 1}) {
    const auto network = [&](const Values& x, double timestep, Values& out) {
      out = alone.run<float>("out", Tensor{"x", shape_for(batch), x},
                             Tensor{"t", {2}, Values(2, static_cast<float>(timestep))},
                             Labels{"side", {}, {side}});
    };
    const Values expected = stepped(plan, network);
    samples[side] = whole.run<float>("sample", Tensor{"start", shape_for(batch), start()},
                                     Labels{"side", {}, {side}});
    REQUIRE(difference(samples[side], expected) < rounding);
  }
  REQUIRE(samples[0] != samples[1]);
}

TEST_CASE("one graph finds the weights that its network has in a file beside it") {
  onnx::ModelProto network = label_network();
  const dpm::Plan plan = dpm::make_plan(schedule, 6);
  const Values expected = drawn(dpm::make_onnx_graph(network, plan), plan, two_labels);

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("dpm_external_weights_" + std::to_string(std::random_device{}()));
  std::filesystem::create_directories(folder / "weights");
  onnx::TensorProto& table = *network.mutable_graph()->mutable_initializer(0);
  const Values values(table.float_data().begin(), table.float_data().end());
  REQUIRE(values.size() == 4);
  std::ofstream(folder / "weights/table.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), 4 * sizeof(float));
  table.clear_float_data();
  table.set_data_location(onnx::TensorProto::EXTERNAL);
  onnx::StringStringEntryProto& entry = *table.add_external_data();
  entry.set_key("location");
  entry.set_value("weights/table.bin");

  const onnx::ModelProto graph = dpm::make_onnx_graph(network, plan);
  REQUIRE(dpm::onnx_external_files(graph) == std::set<std::string>{"weights/table.bin"});
  std::ofstream file(folder / "sampler.onnx", std::ios::binary);
  REQUIRE(graph.SerializeToOstream(&file));
  file.close();
  OnnxSession session(folder / "sampler.onnx");
  REQUIRE(session.run<float>("sample", Tensor{"start", shape_for(batch), start()}, two_labels) ==
          expected);
  std::filesystem::remove_all(folder);
}

TEST_CASE("the samples of one graph do not depend on the batch") {
  const onnx::ModelProto model = label_network();
  const dpm::Plan plan = dpm::plan_by_name("DPM++ 2M Karras", schedule, 6);
  const auto graph = dpm::make_onnx_graph(model, plan);
  const Values both = drawn(graph, plan, two_labels);
  OnnxSession session(graph);
  const Values x = start();
  const Values second = session.run<float>(
      "sample", Tensor{"start", shape_for(1), Values(x.begin() + per_sample, x.end())},
      Labels{"label", {1}, {2}});
  REQUIRE(difference(second, Values(both.begin() + per_sample, both.end())) < rounding);
}

}  // namespace onnx_graph_test
