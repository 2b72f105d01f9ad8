// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The official DPM-Solver code's own results, reproduced through the public interface.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

using namespace dpm_test;
using nlohmann::json;
using State = std::vector<double>;

namespace {

dpm::AnySchedule schedule_of(const std::string& name) {
  if (name == "discrete_linear") return dpm::DiscreteSchedule(dpm::linear_betas(1000));
  if (name == "discrete_scaled_linear") {
    return dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000));
  }
  REQUIRE(name == "vp_linear");
  return dpm::VpLinear();
}

dpm::Prediction prediction_of(const std::string& model_type) {
  if (model_type == "x_start") return dpm::Prediction::data;
  if (model_type == "v") return dpm::Prediction::velocity;
  if (model_type == "score") return dpm::Prediction::score;
  REQUIRE(model_type == "noise");
  return dpm::Prediction::noise;
}

dpm::Grid grid_of(const json& c, const dpm::AnySchedule& schedule, int steps) {
  const double end = c["t_end"];
  if (c["skip_type"] == "time_uniform")
    return make_grid(dpm::UniformTime{.end = end}, schedule, steps);
  if (c["skip_type"] == "logSNR") return make_grid(dpm::UniformLambda{.end = end}, schedule, steps);
  REQUIRE(c["skip_type"] == "time_quadratic");
  return make_grid(dpm::QuadraticTime{.end = end}, schedule, steps);
}

dpm::Plan plan_of(const json& c, const dpm::AnySchedule& schedule) {
  const int steps = c["steps"];
  const bool uniform_lambda = c["skip_type"] == "logSNR";
  dpm::DpmSolver method;
  method.order = c["order"];
  method.space = c["algorithm_type"] == "dpmsolver" ? dpm::Space::noise : dpm::Space::data;
  method.denoise_to_zero = c["denoise_to_zero"];
  if (c["solver_type"] == "taylor") method.update = dpm::DpmSolver::Update::taylor;
  int grid_steps = steps;
  if (c["method"] == "multistep") {
    method.start = dpm::DpmSolver::Start::lower_order;
    method.halved_second_difference = method.order == 3;
    method.lower_order_final = c["lower_order_final"] && steps < 10;
  } else {
    // Inner points come from the same spacing: for times, that is the grid of all the calls.
    method.form = dpm::DpmSolver::Form::singlestep;
    const bool fixed = c["method"] == "singlestep_fixed";
    const int blocks =
        fixed ? steps / method.order
              : (method.order == 3 ? steps / 3 + 1 : (steps + method.order - 1) / method.order);
    if (uniform_lambda) {
      if (!fixed) method.calls = steps;
      grid_steps = blocks;
    } else {
      method.stages = dpm::DpmSolver::Stages::on_grid;
      method.lower_order_final = !fixed && method.order == 3;
      if (fixed) grid_steps = blocks * method.order;
    }
  }
  const bool corrected = c.contains("thresholding_max_val");
  return make_plan(method, grid_of(c, schedule, grid_steps), prediction_of(c["model_type"]),
                   corrected ? dpm::Correction::data : dpm::Correction::none);
}

/// Dynamic thresholding (Saharia et al. 2022, arXiv 2205.11487, Sec. 2.3) of samples of four
/// values.
void threshold(State& data, double ratio, double max_val) {
  for (std::size_t first = 0; first < data.size(); first += 4) {
    State sorted(4);
    for (std::size_t i = 0; i < 4; ++i) sorted[i] = std::abs(data[first + i]);
    std::sort(sorted.begin(), sorted.end());
    const double at = ratio * 3.0;
    const auto below = static_cast<std::size_t>(at);
    const double next = sorted[std::min<std::size_t>(below + 1, 3)];
    const double quantile = sorted[below] + (at - std::floor(at)) * (next - sorted[below]);
    const double s = std::max(quantile, max_val);
    for (std::size_t i = 0; i < 4; ++i) {
      data[first + i] = std::clamp(data[first + i], -s, s) / s;
    }
  }
}

}  // namespace

TEST_CASE("the official code's fixed-step results are reproduced to 1e-9") {
  std::ifstream file(DPM_TEST_DATA "/dpm_solver.json");
  const json cases = json::parse(file);
  int checked = 0;
  int adaptive = 0;
  for (const json& c : cases) {
    if (c["method"] == "adaptive") {
      ++adaptive;
      continue;
    }
    INFO(c.dump());
    const std::string name = c["schedule"];
    const bool discrete = name != "vp_linear";
    const dpm::Plan plan = plan_of(c, schedule_of(name));
    REQUIRE(plan.evaluations() == c["nfe"].get<int>());
    dpm::RunOptions<State> options;
    if (plan.corrections() > 0) {
      const double ratio = c["dynamic_thresholding_ratio"];
      const double max_val = c["thresholding_max_val"];
      options.correction = [=](State& data, const dpm::Level&) { threshold(data, ratio, max_val); };
    }
    State x = test_start();
    dpm::sample(
        plan,
        [&](const State& at, double label, State& out) {
          test_network(at, discrete ? label / 1000.0 : label, out);
        },
        x, options);
    REQUIRE(relative_difference(x, c["x_0"].get<State>()) < 1e-9);
    ++checked;
  }
  REQUIRE(checked == 424);
  REQUIRE(adaptive == 12);
}
