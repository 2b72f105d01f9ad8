// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs one adaptive case of the official DPM-Solver code's recorded results, and what tests of
/// adaptive runs share.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/adaptive.hpp"
#include "support/official_case.hpp"
#include "support/reference_case.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

/// The official code's adaptive options in this library's words.
inline dpm::AdaptiveDpmSolver adaptive_method(const nlohmann::json& c) {
  using Update = dpm::DpmSolver::Update;
  dpm::AdaptiveDpmSolver method;
  method.order = c.at("order");
  method.space =
      chosen<dpm::Space>("algorithm_type", c.at("algorithm_type"),
                         {{"dpmsolver", dpm::Space::noise}, {"dpmsolver++", dpm::Space::data}});
  method.update = chosen<Update>("solver_type", c.at("solver_type"),
                                 {{"dpmsolver", Update::midpoint}, {"taylor", Update::taylor}});
  method.tolerance = {.absolute = c.at("atol"), .relative = c.at("rtol"), .elements_per_sample = 4};
  method.end = c.at("t_end");
  method.time_tolerance = 1e-5;
  method.denoise_to_zero = c.at("denoise_to_zero");
  return method;
}

/// Runs one case. The official code makes `order` calls in every trial; here a trial after a
/// rejected one saves the first, so that there may be fewer.
inline CaseResult run_adaptive_case(const nlohmann::json& c) {
  using State = std::vector<double>;
  CaseResult result;
  const double label_of_one = c.at("schedule") == "vp_linear" ? 1.0 : 1000.0;
  State x = test_start();
  dpm::RunOptions<State> options;
  if (c.contains("thresholding_max_val")) {
    options.correction =
        dpm::DynamicThresholding(c.at("dynamic_thresholding_ratio"), c.at("thresholding_max_val"),
                                 std::numeric_limits<double>::infinity(), 4);
  }
  const dpm::AdaptiveReport report = dpm::sample_adaptive(
      adaptive_method(c), official_schedule(c.at("schedule")),
      [=](const State& at, double timestep, State& out) {
        test_network(at, timestep / label_of_one, out);
      },
      x, official_prediction(c.at("model_type")), options);
  if (report.model_calls > c.at("nfe").get<int>()) {
    result.expect_equal("nfe", report.model_calls, c.at("nfe"));
  }
  result.compare("x_0", x, c.at("x_0").get<State>());
  return result;
}

/// The levels that a run stood at.
inline dpm::Grid accepted_grid(const dpm::AdaptiveReport& report,
                               const dpm::AnySchedule& schedule) {
  std::vector<dpm::Level> levels{report.trials.front().from};
  for (const dpm::AdaptiveTrial& trial : report.trials) {
    if (trial.accepted) levels.push_back(trial.to);
  }
  return {schedule, std::move(levels)};
}

/// The fixed-step method that an adaptive run takes its accepted steps with.
inline dpm::DpmSolver fixed_method(const dpm::AdaptiveDpmSolver& method) {
  return {.order = method.order,
          .form = dpm::DpmSolver::Form::singlestep,
          .space = method.space,
          .update = method.update,
          .denoise_to_zero = method.denoise_to_zero};
}

}  // namespace dpm_test
