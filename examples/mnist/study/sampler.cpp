// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The only file that sees torch.
#include "sampler.hpp"

#include <ATen/Parallel.h>
#include <torch/cuda.h>
#include <torch/script.h>

#include <chrono>
#include <cstddef>
#include <dpm/dpm.hpp>
#include <dpm/interop/libtorch.hpp>
#include <filesystem>
#include <functional>
#include <span>
#include <stdexcept>
#include <utility>

#include "black_box.hpp"
#include "methods.hpp"

namespace study {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int no_class = 10;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The network with a stopwatch. On a GPU it waits before and after each call: the times are then
/// those of the work, not of handing it over.
class TimedNetwork {
 public:
  TimedNetwork(dpm::TorchModel model, const std::function<void()>& on_call, torch::Device device)
      : model_(std::move(model)), on_call_(on_call), device_(device) {}

  void operator()(const dpm::TensorState& x, double label, dpm::TensorState& noise) {
    wait();
    const Clock::time_point begin = Clock::now();
    model_(x, label, noise);
    wait();
    seconds_ += seconds_since(begin);
    ++calls_;
    on_call_();
  }

  void wait() const {
    if (device_.is_cuda()) torch::cuda::synchronize(device_.index());
  }
  [[nodiscard]] double seconds() const { return seconds_; }
  [[nodiscard]] int calls() const { return calls_; }

 private:
  dpm::TorchModel model_;
  const std::function<void()>& on_call_;
  torch::Device device_;
  double seconds_ = 0.0;
  int calls_ = 0;
};

/// Throws with the first line of what torch says; the rest is where in torch it happened.
[[noreturn]] void refuse(const std::string& what, const c10::Error& error) {
  const std::string said = error.what_without_backtrace();
  throw std::runtime_error(what + ": " + said.substr(0, said.find('\n')));
}

torch::jit::Module load(const std::string& path, torch::Device device) {
  if (!std::filesystem::is_regular_file(path)) {
    throw std::runtime_error("there is no file " + path);
  }
  try {
    torch::jit::Module module = torch::jit::load(path, device);
    module.to(torch::kFloat);
    module.eval();
    return module;
  } catch (const c10::Error& error) {
    refuse("cannot read the network in " + path, error);
  }
}

torch::Device find_device(const std::string& name) {
  try {
    const torch::Device device(name);
    if (device.is_cpu() || (device.is_cuda() && torch::cuda::is_available())) return device;
  } catch (const c10::Error& error) {
    refuse("--device", error);
  }
  throw std::runtime_error("--device: this torch has no " + name + " here");
}

std::span<float> values_of(const torch::Tensor& x) {
  return {x.data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

}  // namespace

struct Sampler::Parts {
  torch::Device device;
  torch::jit::Module network;
  torch::jit::Module classifier;
  std::uint64_t seed;

  [[nodiscard]] dpm::NormalNoise noise(const Batch& batch) const {
    return {.seed = seed,
            .first_sample = static_cast<std::uint64_t>(batch.first),
            .elements_per_sample = pixels};
  }

  /// Noise that depends on the sample alone, on any device.
  [[nodiscard]] torch::Tensor start(const Batch& batch) const {
    torch::Tensor x = torch::empty({batch.count, 1, image_side, image_side});
    noise(batch).fill(values_of(x));
    x *= schedule().level(schedule().last_time()).sigma();
    return x.to(device);
  }

  [[nodiscard]] dpm::RunOptions<dpm::TensorState> options(const Batch& batch) const {
    // Only the CPU can write to the values themselves. What a GPU draws depends on the batch.
    if (!device.is_cpu()) {
      return {.noise = dpm::TensorNoise{seed + static_cast<std::uint64_t>(batch.first)}};
    }
    return {.noise = [source = noise(batch)](dpm::TensorState& z, const dpm::NoiseRequest& draw) {
      std::span<float> values = values_of(z.tensor());
      source(values, draw);
    }};
  }

  /// The network with the classes of these samples; where it is guided, for the doubled batch.
  [[nodiscard]] TimedNetwork model_of(double scale, const Batch& batch,
                                      const std::function<void()>& on_call) const {
    torch::Tensor labels = torch::arange(batch.first, batch.first + batch.count).remainder(10);
    const torch::Tensor none = torch::full_like(labels, no_class);
    if (scale == 0.0) labels = none;
    if (evaluations_per_call(scale) == 2) labels = torch::cat({labels, none});
    return {dpm::TorchModel(network, {labels.to(device)}), on_call, device};
  }

  /// `use(model)` with the network as it is, or with guidance around it.
  template <class Use>
  static void guided(double scale, TimedNetwork& model, Use use) {
    if (evaluations_per_call(scale) == 2) {
      dpm::TorchClassifierFreeGuidance guidance(std::ref(model), scale);
      use(guidance);
    } else {
      use(model);
    }
  }

  /// Runs `solve(model, x)`, which leaves the samples in x, and takes the times.
  template <class Solve>
  Run timed(double scale, const Batch& batch, const std::function<void()>& on_call, Solve solve) {
    TimedNetwork model = model_of(scale, batch, on_call);
    torch::Tensor x = start(batch);
    model.wait();
    const Clock::time_point begin = Clock::now();
    guided(scale, model, [&](auto& network_or_guidance) { solve(network_or_guidance, x); });
    model.wait();
    const double seconds = seconds_since(begin);

    x = x.to(torch::kCPU).contiguous();
    if (!x.isfinite().all().item<bool>()) throw std::runtime_error("a sample is not finite");
    return {.samples = Eigen::Map<const Eigen::MatrixXf>(x.data_ptr<float>(), pixels, batch.count),
            .calls = model.calls(),
            .network_seconds = model.seconds(),
            .sampler_seconds = seconds - model.seconds()};
  }
};

Sampler::Sampler(const std::string& network, const std::string& classifier, const Machine& machine,
                 std::uint64_t seed) {
  at::set_num_threads(machine.threads);
  const torch::Device device = find_device(machine.device);
  parts_ =
      std::make_unique<Parts>(Parts{device, load(network, device), load(classifier, device), seed});
}

Sampler::~Sampler() = default;

Run Sampler::run(double scale, const dpm::Plan& plan, const Batch& batch) {
  return parts_->timed(scale, batch, on_call, [&](auto& model, torch::Tensor& x) {
    dpm::sample(plan, model, x, parts_->options(batch));
  });
}

Run Sampler::run_adaptive(double scale, double tolerance, const Batch& batch) {
  return parts_->timed(scale, batch, on_call, [&](auto& model, torch::Tensor& x) {
    const auto network = [&](const dpm::TensorState& input, const dpm::Level& level,
                             dpm::TensorState& noise) {
      dpm::call_model<dpm::TensorState>(model, input, level, noise);
    };
    x = solve_black_box(schedule(), network, x, tolerance);
  });
}

Eigen::ArrayXXf Sampler::start(const Batch& batch) const {
  const torch::Tensor x = parts_->start(batch).to(torch::kCPU).contiguous();
  return Eigen::Map<const Eigen::ArrayXXf>(x.data_ptr<float>(), pixels, batch.count);
}

void Sampler::predict(double scale, const Batch& batch, const Eigen::ArrayXXf& x,
                      const dpm::Level& level, Eigen::ArrayXXf& noise) {
  const dpm::TensorState input(
      torch::from_blob(const_cast<float*>(x.data()), {batch.count, 1, image_side, image_side})
          .to(parts_->device));
  dpm::TensorState output(input);
  TimedNetwork model = parts_->model_of(scale, batch, on_call);
  Parts::guided(scale, model, [&](auto& network_or_guidance) {
    dpm::call_model<dpm::TensorState>(network_or_guidance, input, level, output);
  });
  const torch::Tensor said = output.tensor().to(torch::kCPU).contiguous();
  noise = Eigen::Map<const Eigen::ArrayXXf>(said.data_ptr<float>(), pixels, batch.count);
}

Reading Sampler::read(const Eigen::MatrixXf& samples) const {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::from_blob(const_cast<float*>(samples.data()),
                                           {samples.cols(), 1, image_side, image_side})
                              .to(parts_->device);
  const auto output = parts_->classifier.forward({x}).toTuple();
  const torch::Tensor features =
      output->elements()[0].toTensor().to(torch::kCPU, torch::kDouble).contiguous();
  const torch::Tensor digits =
      output->elements()[1].toTensor().argmax(1).to(torch::kCPU, torch::kInt).contiguous();
  const int* const first = digits.data_ptr<int>();
  return {.features = Eigen::Map<const Eigen::MatrixXd>(features.data_ptr<double>(),
                                                        features.size(1), features.size(0)),
          .digits = {first, first + digits.numel()}};
}

RealDigits Sampler::real_digits() const {
  const auto tensor = [&](const char* name) {
    return parts_->classifier.attr(name).toTensor().to(torch::kCPU, torch::kDouble).contiguous();
  };
  try {
    const torch::Tensor mean = tensor("real_mean");
    const torch::Tensor covariance = tensor("real_covariance");
    const c10::IValue floor = parts_->classifier.attr("floor");
    return {.mean = Eigen::Map<const Eigen::VectorXd>(mean.data_ptr<double>(), mean.numel()),
            .covariance = Eigen::Map<const Eigen::MatrixXd>(covariance.data_ptr<double>(),
                                                            covariance.size(0), covariance.size(1)),
            .floor = floor.isTensor() ? floor.toTensor().item<double>() : floor.toDouble()};
  } catch (const c10::Error& error) {
    refuse("the classifier knows no real digits", error);
  }
}

std::string Sampler::machine() const {
  if (!parts_->device.is_cpu()) return parts_->device.str();
  return "the CPU, threads: " + std::to_string(at::get_num_threads());
}

}  // namespace study
