// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Problems whose diffusion ODE is solved: a mixture of Gaussians, starts and exact ends.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"

namespace dpm_bench {

using State = Eigen::ArrayXXd;

/// One problem on `VpLinear()`, from its last time to its first.
struct AnalyticProblem {
  std::string name;
  dpm::GaussianMixture model;
  State start;  ///< a sample is a column
  State exact;  ///< where the ODE takes each of them

  /// Root mean square of the error, over samples and dimensions.
  [[nodiscard]] double error(const State& x) const {
    return std::sqrt((x - exact).square().mean());
  }

  /// The error of a run of this plan.
  [[nodiscard]] double error(const dpm::Plan& plan) const {
    State x = start;
    dpm::sample(plan, model, x);
    return error(x);
  }
};

inline nlohmann::json read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  return nlohmann::json::parse(file);
}

inline State state_of(const nlohmann::json& samples) {
  State x(samples.at(0).size(), samples.size());
  for (Eigen::Index sample = 0; sample < x.cols(); ++sample) {
    const auto values = samples[static_cast<std::size_t>(sample)].get<std::vector<double>>();
    x.col(sample) = Eigen::Map<const Eigen::ArrayXd>(values.data(), x.rows());
  }
  return x;
}

/// The problems of a file like tests/conformance/reference/problems.json. Refuses a file without
/// any, and by its name a problem whose model is no mixture of Gaussians.
inline std::vector<AnalyticProblem> read_problems(const std::string& path) {
  std::vector<AnalyticProblem> problems;
  const nlohmann::json file = read_json(path);
  if (!file.is_object() || file.empty()) {
    throw std::runtime_error(path + " holds no problems; it must be an object with at least one");
  }
  for (const auto& [name, problem] : file.items()) {
    for (const char* const key : {"weights", "means", "stds", "x_T", "x_exact"}) {
      if (problem.is_object() && problem.contains(key) && !problem[key].empty()) continue;
      throw std::runtime_error(path + ": the model of \"" + name + "\" is unknown, as it has no " +
                               key +
                               "; a problem is a mixture of Gaussians (weights, means, stds) "
                               "with starts (x_T) and ends (x_exact)");
    }
    std::vector<dpm::GaussianMixture::Component> components;
    for (std::size_t k = 0; k < problem.at("weights").size(); ++k) {
      components.push_back(
          {problem["weights"][k], dpm::Gaussian(problem["means"][k].get<std::vector<double>>(),
                                                problem["stds"][k].get<std::vector<double>>())});
    }
    problems.push_back({name, dpm::GaussianMixture(std::move(components)), state_of(problem["x_T"]),
                        state_of(problem["x_exact"])});
  }
  return problems;
}

}  // namespace dpm_bench
