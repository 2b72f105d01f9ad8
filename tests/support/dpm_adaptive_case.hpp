// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs one case of the recorded results of `dpm_adaptive`.
#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dpm/catalogue.hpp"
#include "support/reference_case.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

/// The run of the case with its options. Refuses options that are not known here.
inline dpm::NamedAdaptive dpm_adaptive_run(const nlohmann::json& c, bool flow) {
  const dpm::AnySchedule schedule =
      flow ? dpm::AnySchedule(dpm::RectifiedFlow(3.0))
           : dpm::AnySchedule(dpm::DiscreteSchedule(dpm::scaled_linear_betas()));
  dpm::SamplerOptions set{.as_coded = true};
  if (c.at("options").contains("eta")) set.eta = c["options"]["eta"];
  dpm::NamedAdaptive run =
      dpm::adaptive_by_name("dpm_adaptive", schedule, c.at("n"), std::nullopt, set);
  for (const auto& option : c["options"].items()) {
    const std::string& key = option.key();
    const auto& value = option.value();
    if (key == "eta") continue;
    if (key == "order") {
      run.method.order = value;
    } else if (key == "rtol") {
      run.method.tolerance.relative = value;
    } else if (key == "atol") {
      run.method.tolerance.absolute = value;
    } else if (key == "h_init") {
      run.method.first_step = value;
    } else if (key == "pcoeff") {
      run.method.pid->proportional = value;
    } else if (key == "icoeff") {
      run.method.pid->integral = value;
    } else if (key == "dcoeff") {
      run.method.pid->derivative = value;
    } else {
      dpm::detail::require(false, "the option ", key, " is not known");
    }
  }
  // The list of the case may be a part of its scheduler's.
  const auto time_of = [&](double sigma) {
    const double ratio = flow ? sigma / (1.0 - sigma) : sigma;
    return std::min(run.schedule.time_of_lambda(-std::log(ratio)), run.schedule.last_time());
  };
  auto sigmas = c.at("sigmas").get<std::vector<double>>();
  if (sigmas.back() == 0.0) sigmas.pop_back();
  run.method.start = time_of(sigmas.front());
  run.method.end = time_of(sigmas.back());
  return run;
}

/// Compares each trial and each recorded state with a case. A trial after a rejected one saves its
/// first call here.
inline void run_dpm_adaptive_case(const nlohmann::json& c, CaseResult& result) {
  using State = std::vector<double>;
  const bool flow = c.at("model") == "flow";
  const dpm::NamedAdaptive named = dpm_adaptive_run(c, flow);
  // Theirs is x / alpha.
  const auto theirs = [&](State x, const dpm::Level& level) {
    for (double& value : x) value /= flow ? 1.0 : level.alpha();
    return x;
  };
  std::vector<State> accepted;
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
  options.observer = [&](const dpm::Progress<State>& progress) {
    accepted.push_back(theirs(progress.sample, progress.level));
  };
  State x = test_start();
  const double start = flow ? 1.0 : named.schedule.level(*named.method.start).sigma();
  for (double& value : x) value *= start;
  const dpm::AdaptiveReport report = dpm::sample_adaptive(
      named.method, named.schedule,
      [](const State& at, double timestep, State& out) {
        test_network(at, timestep / 1000.0, out);
      },
      x, named.prediction, options);
  result.expect_equal("trials", static_cast<int>(report.trials.size()), c.at("info").at("steps"));
  result.expect_equal("accepted", static_cast<int>(report.accepted), c["info"]["n_accept"]);
  result.expect_equal("nfe", report.model_calls + static_cast<int>(report.rejected), c.at("nfe"));
  State sigmas;
  State errors;
  std::size_t done = 0;
  for (std::size_t i = 0; i < report.trials.size(); ++i) {
    const dpm::AdaptiveTrial& trial = report.trials[i];
    sigmas.push_back(std::exp(-(trial.accepted ? trial.to : trial.from).lambda()));
    errors.push_back(trial.error);
    if (trial.accepted) ++done;
    const auto recorded = c.at("x_after").find(std::to_string(i));
    if (recorded == c["x_after"].end() || done == 0) continue;
    result.compare("x after trial " + std::to_string(i), accepted[done - 1],
                   recorded->get<State>());
  }
  result.compare("the sigmas after trials", sigmas, c.at("s_after").get<State>());
  result.compare("errors", errors, c.at("error").get<State>());
}

}  // namespace dpm_test
