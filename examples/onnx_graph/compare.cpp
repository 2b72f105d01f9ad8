// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// compare_onnx_graph unet.onnx [rounds]: the seconds that 16 digits take in one graph, and in a
/// stepper's loop over the same network, both in ONNX Runtime with one thread, in turns. Fails if
/// their samples differ.
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dpm/dpm.hpp>
#include <dpm/interop/onnx_graph.hpp>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t batch = 16;
constexpr std::size_t pixels = std::size_t{28} * 28;
constexpr int calls = 20;

using Values = std::vector<float>;

/// A session of one thread with the inputs of one call.
class Session {
 public:
  Session(const std::string& bytes, std::vector<const char*> inputs, const char* output)
      : session_(environment(), bytes.data(), bytes.size(), options()),
        inputs_(std::move(inputs)),
        output_(output) {}

  void run(const std::vector<Ort::Value>& values, Values& to) {
    Ort::Value out = tensor(to, images);
    session_.Run(Ort::RunOptions{nullptr}, inputs_.data(), values.data(), values.size(), &output_,
                 &out, 1);
  }

  /// Over values that somebody else owns.
  template <class Element, std::size_t Dimensions>
  static Ort::Value tensor(std::vector<Element>& values,
                           const std::array<std::int64_t, Dimensions>& shape) {
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    return Ort::Value::CreateTensor<Element>(memory, values.data(), values.size(), shape.data(),
                                             Dimensions);
  }

  static constexpr std::array<std::int64_t, 4> images{batch, 1, 28, 28};
  static constexpr std::array<std::int64_t, 1> list{batch};

 private:
  static Ort::Env& environment() {
    static Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "compare");
    return env;
  }
  static Ort::SessionOptions options() {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    return options;
  }

  Ort::Session session_;
  std::vector<const char*> inputs_;
  const char* output_;
};

template <class Action>
double seconds(const Action& action) {
  const auto begin = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

int compare(const char* path, int rounds) {
  onnx::ModelProto network;
  std::ifstream file(path, std::ios::binary);
  if (!network.ParseFromIstream(&file))
    throw std::runtime_error(std::string("cannot read ") + path);
  const std::string output = network.graph().output(0).name();
  const dpm::DiscreteSchedule schedule(dpm::linear_betas(1000));
  const dpm::Plan plan = dpm::make_plan(schedule, calls);

  Values start(batch * pixels);
  dpm::NormalNoise{.seed = 42, .elements_per_sample = pixels}.fill(start);
  std::vector<std::int64_t> labels(batch);
  for (std::size_t i = 0; i < batch; ++i) labels[i] = static_cast<std::int64_t>(i % 10);

  double network_seconds = 0.0;
  Session alone(network.SerializeAsString(), {"sample", "timestep", "label"}, output.c_str());
  Values timesteps(batch);
  dpm::Stepper<Values> stepper(plan, start);
  const auto step = [&] {
    stepper.reset(start);
    while (const auto call = stepper.next()) {
      std::fill(timesteps.begin(), timesteps.end(), static_cast<float>(call->level.timestep));
      auto& x = const_cast<Values&>(call->input);  // a tensor takes no const; nothing is written
      std::vector<Ort::Value> inputs;
      inputs.push_back(Session::tensor(x, Session::images));
      inputs.push_back(Session::tensor(timesteps, Session::list));
      inputs.push_back(Session::tensor(labels, Session::list));
      network_seconds += seconds([&] { alone.run(inputs, call->output); });
    }
  };

  Session whole(dpm::make_onnx_graph(network, plan).SerializeAsString(), {"start", "label"},
                "sample");
  Values samples(batch * pixels);
  const auto draw = [&] {
    std::vector<Ort::Value> inputs;
    inputs.push_back(Session::tensor(start, Session::images));
    inputs.push_back(Session::tensor(labels, Session::list));
    whole.run(inputs, samples);
  };

  step();
  draw();
  network_seconds = 0.0;
  std::vector<double> stepped;
  std::vector<double> drawn;
  for (int round = 0; round < rounds; ++round) {
    stepped.push_back(seconds(step));
    drawn.push_back(seconds(draw));
  }
  if (samples.size() != stepper.sample().size()) throw std::runtime_error("the sizes differ");
  float most = 0.0F;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const float gap = std::abs(samples[i] - stepper.sample()[i]);
    if (!(gap <= most)) most = gap;  // a NaN stays one
  }
  std::printf("%d calls of a batch of %zu, the median of %d rounds in turns:\n", calls, batch,
              rounds);
  std::printf("  stepper's loop  %.4f s, of which the network %.4f s\n", median(stepped),
              network_seconds / rounds);
  std::printf("  one graph       %.4f s\n", median(drawn));
  std::printf("  samples differ by %.2g at most\n", static_cast<double>(most));
  return most < 1e-4F ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: compare_onnx_graph unet.onnx [rounds]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 15;
  if (rounds < 1) {
    std::fprintf(stderr, "compare_onnx_graph: rounds = %s; it must be 1 or more\n", argv[2]);
    return 2;
  }
  return compare(argv[1], rounds);
} catch (const std::exception& error) {
  std::fprintf(stderr, "compare_onnx_graph: %s\n", error.what());
  return 1;
}
