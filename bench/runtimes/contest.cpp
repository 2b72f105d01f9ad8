// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// runtime_contest UNET FOLDER: draws 16 digits with UNET.onnx or UNET.pt whenever a line of its
/// input names a runtime, and answers with the seconds: all of the run, and the network's part of
/// it. compare.py calls it in turns with a loop in Python, which gets start, timesteps and noise
/// levels from the folder. At the end the samples go there too.
#include <ATen/Parallel.h>
#include <onnx/onnx_pb.h>
#include <onnxruntime_cxx_api.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <dpm/dpm.hpp>
#include <dpm/interop/libtorch.hpp>
#include <dpm/interop/onnx_graph.hpp>
#include <dpm/interop/onnxruntime.hpp>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Floats = std::vector<float>;

constexpr std::int64_t batch = 16;
constexpr std::size_t pixels = std::size_t{28} * 28;
constexpr std::array<std::int64_t, 4> image_shape{batch, 1, 28, 28};
constexpr int calls = 20;

// DPM-Solver++ 2M, which every library has.
dpm::Plan plan_of_contest() {
  return dpm::make_plan(dpm::DpmSolver{.order = 2}, dpm::DiscreteSchedule(dpm::linear_betas(1000)),
                        calls);
}

Floats start_of(const dpm::Plan& plan) {
  Floats x(batch * pixels);
  dpm::NormalNoise{.seed = 42, .elements_per_sample = pixels}.fill(x);
  for (float& value : x) value *= static_cast<float>(plan.start().sigma());
  return x;
}

std::vector<std::int64_t> digits() {
  std::vector<std::int64_t> labels(batch);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i % 10);
  return labels;
}

struct Turn {
  double whole = 0.0;    ///< seconds
  double network = 0.0;  ///< of these
  Floats samples;
};

class Clock {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

template <class State>
dpm::RunOptions<State> watching(double& network_seconds) {
  dpm::RunOptions<State> options;
  options.observer = [&network_seconds](const dpm::Progress<State>& progress) {
    network_seconds = progress.model_seconds;
  };
  return options;
}

Ort::SessionOptions one_thread() {
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  return options;
}

std::string bytes_of(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + name);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string one_graph(const std::string& name, const dpm::Plan& plan) {
  onnx::ModelProto network;
  if (!network.ParseFromString(bytes_of(name))) throw std::runtime_error("cannot read " + name);
  return dpm::make_onnx_graph(std::move(network), plan).SerializeAsString();
}

class Contest {
 public:
  explicit Contest(const std::string& network)
      : module_(torch::jit::load(network + ".pt")),
        session_(env_, (network + ".onnx").c_str(), one_thread()) {
    module_.to(torch::kFloat);  // the file has half types
    const std::string graph = one_graph(network + ".onnx", plan_);
    graph_ = Ort::Session(env_, graph.data(), graph.size(), one_thread());
  }

  [[nodiscard]] const dpm::Plan& plan() const { return plan_; }
  [[nodiscard]] const Floats& start() const { return start_; }

  Turn with(const std::string& runtime) {
    if (runtime == "libtorch") return with_libtorch();
    if (runtime == "onnxruntime") return with_onnxruntime();
    if (runtime == "graph") return with_one_graph();
    throw std::runtime_error("there is no runtime \"" + runtime + "\"");
  }

 private:
  Turn with_libtorch() {
    Turn turn;
    const at::Tensor labels = torch::from_blob(labels_.data(), {batch}, torch::kLong).clone();
    const dpm::TorchModel model(module_, {labels});
    const at::Tensor start = torch::from_blob(start_.data(), image_shape).clone();
    const auto options = watching<dpm::TensorState>(turn.network);
    const Clock clock;
    at::Tensor x = start.clone();
    dpm::sample(plan_, model, x, options);
    turn.whole = clock.seconds();
    turn.samples.assign(x.data_ptr<float>(), x.data_ptr<float>() + x.numel());
    return turn;
  }

  Turn with_onnxruntime() {
    Turn turn;
    dpm::OrtModel model(session_, {{"label", labels_}});
    const auto options = watching<Floats>(turn.network);
    const Clock clock;
    Floats x = start_;
    dpm::sample(plan_, model, x, options);
    turn.whole = clock.seconds();
    turn.samples = std::move(x);
    return turn;
  }

  Turn with_one_graph() {
    Turn turn;
    turn.samples.resize(start_.size());
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const auto images = [&](Floats& values) {
      return Ort::Value::CreateTensor<float>(memory, values.data(), values.size(),
                                             image_shape.data(), image_shape.size());
    };
    const Clock clock;
    Floats x = start_;
    const std::array<Ort::Value, 2> inputs{
        images(x), Ort::Value::CreateTensor<std::int64_t>(memory, labels_.data(), labels_.size(),
                                                          image_shape.data(), 1)};
    Ort::Value output = images(turn.samples);
    const std::array<const char*, 2> names{"start", "label"};
    const char* const name = "sample";
    graph_.Run(Ort::RunOptions{nullptr}, names.data(), inputs.data(), inputs.size(), &name, &output,
               1);
    turn.whole = clock.seconds();
    return turn;
  }

  Ort::Env env_{ORT_LOGGING_LEVEL_WARNING, "contest"};
  dpm::Plan plan_ = plan_of_contest();
  Floats start_ = start_of(plan_);
  std::vector<std::int64_t> labels_ = digits();
  torch::jit::Module module_;
  Ort::Session session_;
  Ort::Session graph_{nullptr};
};

void write(const Floats& values, const std::string& name) {
  std::ofstream file(name, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(float)));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + name);
}

/// A line for each step and one for the end: timestep, and sigma / alpha.
void write_levels(const dpm::Plan& plan, const std::string& name) {
  std::ofstream file(name);
  file.precision(17);
  for (const dpm::Step& step : plan.steps) {
    file << step.from.timestep << ' ' << step.from.sigma() / step.from.alpha() << '\n';
  }
  file << plan.end().timestep << ' ' << plan.end().sigma() / plan.end().alpha() << '\n';
  file.close();
  if (!file) throw std::runtime_error("cannot write " + name);
}

int run(const std::string& network, const std::string& folder) {
  at::set_num_threads(1);
  Contest contest(network);
  write(contest.start(), folder + "/start.f32");
  write_levels(contest.plan(), folder + "/levels.txt");
  std::cout << "ready" << std::endl;

  std::map<std::string, Floats> samples;
  std::string runtime;
  while (std::getline(std::cin, runtime)) {
    Turn turn = contest.with(runtime);
    std::cout << turn.whole << ' ' << turn.network << std::endl;
    samples[runtime] = std::move(turn.samples);
  }
  for (const auto& [name, values] : samples) {
    write(values, std::string(folder).append("/").append(name).append(".f32"));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: runtime_contest UNET FOLDER\n");
    return 2;
  }
  return run(argv[1], argv[2]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "runtime_contest: %s\n", error.what());
  return 1;
}
