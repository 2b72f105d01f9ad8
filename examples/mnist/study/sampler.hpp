// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The trained networks behind an interface without torch, whose headers take long to compile.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <dpm/plan/plan.hpp>
#include <dpm/schedule/level.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace study {

constexpr int image_side = 28;
constexpr int pixels = image_side * image_side;

/// The digit that sample number `sample` is asked to show, where it is asked for one.
constexpr int asked_digit(int sample) { return sample % 10; }

/// Some of the samples; which noise each starts from does not depend on the others.
struct Batch {
  int first = 0;
  int count = 0;
};

/// What a run made, and what it took. A column of `samples` is one image, from -1 (paper) to 1
/// (ink), row by row from the top left.
struct Run {
  Eigen::MatrixXf samples;
  int calls = 0;
  double network_seconds = 0.0;  ///< in the model: forward, its labels, the copy of its output
  double sampler_seconds = 0.0;  ///< in the rest: combinations, guidance, noise
};

/// What the classifier says about samples.
struct Reading {
  Eigen::MatrixXd features;  ///< one column a sample
  std::vector<int> digits;
};

/// What classifier.pt knows about real digits that it was not trained on.
struct RealDigits {
  Eigen::VectorXd mean;        ///< of their features
  Eigen::MatrixXd covariance;  ///< of their features
  double floor = 0.0;          ///< the Frechet distance of other real digits from them
};

struct Machine {
  std::string device = "cpu";
  int threads = 1;  ///< of the CPU
};

/// Samples from the U-Net. A guidance scale of 0 is the network without a class and 1 the network
/// with it; other scales call it on a doubled batch.
class Sampler {
 public:
  /// Throws `std::runtime_error` where a file or the device is not there or is not as expected.
  Sampler(const std::string& network, const std::string& classifier, const Machine& machine,
          std::uint64_t seed);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// Called after each call of the network.
  std::function<void()> on_call = [] {};

  [[nodiscard]] Run run(double scale, const dpm::Plan& plan, const Batch& batch);
  /// The same by a Runge-Kutta method of order 5 whose steps adapt to the tolerance.
  [[nodiscard]] Run run_adaptive(double scale, double tolerance, const Batch& batch);

  /// What a run from these samples starts from, in columns: noise times sigma.
  [[nodiscard]] Eigen::ArrayXXf start(const Batch& batch) const;
  /// What the network says of the columns of x, with their classes and guidance, at that level.
  /// There are as many columns as samples in the batch.
  void predict(double scale, const Batch& batch, const Eigen::ArrayXXf& x, const dpm::Level& level,
               Eigen::ArrayXXf& noise);

  [[nodiscard]] Reading read(const Eigen::MatrixXf& samples) const;
  [[nodiscard]] RealDigits real_digits() const;

  /// "the CPU, 2 threads", or the name of the GPU's device.
  [[nodiscard]] std::string machine() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// What a call costs for one sample, in units of one evaluation of the network.
constexpr int evaluations_per_call(double scale) { return scale == 0.0 || scale == 1.0 ? 1 : 2; }

}  // namespace study
