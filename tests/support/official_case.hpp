// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs one case of the official DPM-Solver code's recorded results.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/reference_case.hpp"
#include "support/test_network.hpp"

namespace dpm_test {

/// One of the names that a text may be; refuses others.
template <class Value>
Value chosen(const std::string& what, const std::string& name,
             const std::vector<std::pair<std::string, Value>>& choices) {
  for (const auto& [known, value] : choices) {
    if (known == name) return value;
  }
  dpm::detail::fail<dpm::InvalidArgument>("the " + what + " " + name + " is not known");
}

inline dpm::AnySchedule official_schedule(const std::string& name) {
  return chosen<dpm::AnySchedule>(
      "schedule", name,
      {{"vp_linear", dpm::VpLinear()},
       {"discrete_linear", dpm::DiscreteSchedule(dpm::linear_betas(1000))},
       {"discrete_scaled_linear", dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000))}});
}

inline dpm::Prediction official_prediction(const std::string& model_type) {
  using dpm::Prediction;
  return chosen<Prediction>("model_type", model_type,
                            {{"noise", Prediction::noise},
                             {"x_start", Prediction::data},
                             {"v", Prediction::velocity},
                             {"score", Prediction::score}});
}

inline dpm::Grid official_grid(const nlohmann::json& c, const dpm::AnySchedule& schedule,
                               int steps) {
  const double end = c.at("t_end");
  const std::string skip_type = c.at("skip_type");
  if (skip_type == "time_uniform") return make_grid(dpm::UniformTime{.end = end}, schedule, steps);
  if (skip_type == "logSNR") return make_grid(dpm::UniformLambda{.end = end}, schedule, steps);
  dpm::detail::require(skip_type == "time_quadratic", "the skip_type ", skip_type, " is not known");
  return make_grid(dpm::QuadraticTime{.end = end}, schedule, steps);
}

/// The official code's options in this library's words.
inline dpm::Plan official_plan(const nlohmann::json& c) {
  using dpm::DpmSolver;
  const int steps = c.at("steps");
  DpmSolver method;
  method.order = c.at("order");
  method.space =
      chosen<dpm::Space>("algorithm_type", c.at("algorithm_type"),
                         {{"dpmsolver", dpm::Space::noise}, {"dpmsolver++", dpm::Space::data}});
  method.update = chosen<DpmSolver::Update>(
      "solver_type", c.at("solver_type"),
      {{"dpmsolver", DpmSolver::Update::midpoint}, {"taylor", DpmSolver::Update::taylor}});
  method.denoise_to_zero = c.at("denoise_to_zero");
  const std::string form = c.at("method");
  int grid_steps = steps;
  if (form == "multistep") {
    method.start = DpmSolver::Start::lower_order;
    method.halved_second_difference = method.order == 3;
    method.lower_order_final = c.at("lower_order_final") && steps < 10;
  } else {
    // Inner points come from the same spacing: for times, that is the grid of all the calls.
    dpm::detail::require(form == "singlestep" || form == "singlestep_fixed", "the method ", form,
                         " is not known");
    method.form = DpmSolver::Form::singlestep;
    const bool fixed = form == "singlestep_fixed";
    const int order = method.order;
    const int shared = order == 3 ? steps / 3 + 1 : (steps + order - 1) / order;
    const int blocks = fixed ? steps / order : shared;
    if (c.at("skip_type") == "logSNR") {
      if (!fixed) method.model_calls = steps;
      grid_steps = blocks;
    } else {
      method.stages = DpmSolver::Stages::on_grid;
      method.lower_order_final = !fixed && order == 3;
      if (fixed) grid_steps = blocks * order;
    }
  }
  const dpm::AnySchedule schedule = official_schedule(c.at("schedule"));
  return make_plan(
      method, official_grid(c, schedule, grid_steps), official_prediction(c.at("model_type")),
      c.contains("thresholding_max_val") ? dpm::Correction::data : dpm::Correction::none);
}

inline CaseResult run_official_case(const nlohmann::json& c) {
  using State = std::vector<double>;
  CaseResult result;
  const dpm::Plan plan = official_plan(c);
  result.expect_equal("nfe", plan.model_calls(), c.at("nfe"));
  dpm::RunOptions<State> options;
  if (plan.corrections() > 0) {
    options.correction =
        dpm::DynamicThresholding(c.at("dynamic_thresholding_ratio"), c.at("thresholding_max_val"),
                                 std::numeric_limits<double>::infinity(), 4);
  }
  const double label_of_one = c.at("schedule") == "vp_linear" ? 1.0 : 1000.0;
  State x = test_start();
  dpm::sample(
      plan,
      [=](const State& at, double timestep, State& out) {
        test_network(at, timestep / label_of_one, out);
      },
      x, options);
  result.compare("x_0", x, c.at("x_0").get<State>());
  return result;
}

}  // namespace dpm_test
