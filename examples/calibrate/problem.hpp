// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What is calibrated: a network with its schedule.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <dpm/plan/plan.hpp>
#include <dpm/schedule/noise_schedule.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace calibrate {

using State = Eigen::ArrayXXf;  // a batch; each column is one sample
using Model = std::function<void(const State&, const dpm::Level&, State&)>;

/// A 64-bit hash (FNV-1a) that tells calibrations apart.
inline std::uint64_t fingerprint(std::string_view text,
                                 std::uint64_t before = 0xcbf2'9ce4'8422'2325U) {
  for (const char c : text) before = (before ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3U;
  return before;
}

struct Problem {
  std::string title;
  std::uint64_t fingerprint;  ///< of the network and whatever else it is given
  dpm::AnySchedule schedule;
  dpm::Prediction prediction;
  Eigen::Index elements;  ///< values of a sample
  /// The network for the samples of a batch, by the number of the batch.
  std::function<Model(std::size_t)> network;
};

/// The exact model of examples/digits.
Problem digits_problem(const std::string& images);

/// A network of the user's.
struct OnnxSettings {
  std::string network;
  std::string schedule = "scaled_linear";  ///< a name, or a scheduler_config.json
  std::optional<dpm::Prediction> prediction;
  bool whole_timesteps = false;
  std::optional<double> flow_shift;
  std::vector<std::int64_t> shape;   ///< of one sample
  std::vector<std::string> inputs;   ///< NAME=VALUES
  std::vector<std::string> without;  ///< the same for the half without condition
  std::optional<double> guidance;
  std::size_t batch = 0;  ///< samples of each call
  int threads = 1;
};

/// Refuses settings that the network does not fit, with a sentence.
Problem onnx_problem(const OnnxSettings& settings);

}  // namespace calibrate
