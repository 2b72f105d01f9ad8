// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// diffusers' classes without recorded results against loops written from its formulas, and the
/// library's own methods against the plans that reproduce diffusers.
#include <cmath>
#include <string>
#include <variant>
#include <vector>

#include "dpm/interop/diffusers.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace diffusers_plans_test {

using namespace dpm_test;
using dpm::diffusers::Kind;
using dpm::diffusers::Mode;
using dpm::diffusers::Options;
using dpm::diffusers::Run;
using dpm::diffusers::Scheduler;
using State = std::vector<double>;

namespace {

State network(const State& x, double timestep) {
  State out(x.size());
  test_network(x, timestep / 1000.0, out);
  return out;
}

State run_plan(const dpm::Plan& plan, const Scheduler& scheduler) {
  State x = test_start();
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest& request) { test_draw(z, request); };
  if (scheduler.corrects()) options.correction = scheduler.correction(4);
  dpm::sample(
      plan,
      [](const State& at, double timestep, State& out) {
        test_network(at, timestep / 1000.0, out);
      },
      x, options);
  return x;
}

State run_plan(const Scheduler& scheduler, const Run& run) {
  return run_plan(scheduler.make_plan(run), scheduler);
}

/// The data prediction of Euler and Heun from the model's output.
State denoised(const Options& o, const State& x, const State& m, double sigma) {
  State data(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double c = std::sqrt(sigma * sigma + 1.0);
    data[i] = o.prediction_type == "v_prediction" ? x[i] / (c * c) - sigma / c * m[i]
              : o.prediction_type == "sample"     ? m[i]
                                                  : x[i] - sigma * m[i];
    if (o.kind == Kind::heun && o.clip_sample) {
      data[i] = std::max(-o.clip_sample_range, std::min(data[i], o.clip_sample_range));
    }
  }
  return data;
}

State scaled(const State& x, double factor) {
  State result = x;
  for (double& value : result) value *= factor;
  return result;
}

/// k-diffusion's loops over given sigmas and timesteps, one timestep for each model call.
State sigma_loop(const Options& o, const State& sigmas, const State& timesteps) {
  State x = test_start();
  const bool heun = o.kind == Kind::heun;
  std::size_t call = 0;
  for (std::size_t i = 0; i + 1 < sigmas.size();) {
    const auto slope_at = [&](const State& at, double sigma) {
      const State m = network(scaled(at, 1.0 / std::sqrt(sigma * sigma + 1.0)), timesteps[call++]);
      const State data = denoised(o, at, m, sigma);
      State slope(at.size());
      for (std::size_t k = 0; k < at.size(); ++k) slope[k] = (at[k] - data[k]) / sigma;
      return slope;
    };
    const double next = sigmas[i + 1];
    const double step = next - sigmas[i];
    State slope = slope_at(x, sigmas[i]);
    const bool corrected = heun && next > 0.0;
    if (corrected) {
      State trial = x;
      for (std::size_t k = 0; k < x.size(); ++k) trial[k] += step * slope[k];
      const State second = slope_at(trial, next);
      for (std::size_t k = 0; k < x.size(); ++k) slope[k] = (slope[k] + second[k]) / 2.0;
    }
    for (std::size_t k = 0; k < x.size(); ++k) x[k] += step * slope[k];
    i += corrected ? 2 : 1;  // Heun's inner sigmas stand in its list twice
  }
  return x;
}

}  // namespace

TEST_CASE("EulerDiscrete and HeunDiscrete agree with k-diffusion's loops") {
  for (const Kind kind : {Kind::euler, Kind::heun}) {
    for (const std::string prediction : {"epsilon", "v_prediction", "sample"}) {
      if (kind == Kind::heun && prediction == "sample") continue;
      for (const std::string spacing : {"linspace", "leading", "trailing", "karras", "clip"}) {
        Options o = dpm::diffusers::options_of(kind);
        o.beta_schedule = "scaled_linear";
        o.prediction_type = prediction;
        o.use_karras_sigmas = spacing == "karras";
        o.clip_sample = spacing == "clip" && kind == Kind::heun;
        if (!o.use_karras_sigmas && spacing != "clip") o.timestep_spacing = spacing;
        const Scheduler scheduler(o);
        CAPTURE(class_name(kind), prediction, spacing);
        const State expected = sigma_loop(o, scheduler.sigmas(9), scheduler.timesteps(9));
        REQUIRE(relative_difference(run_plan(scheduler, {.steps = 9}), expected) < 1e-12);
        REQUIRE(scheduler.make_plan(9).model_calls() == (kind == Kind::heun ? 17 : 9));
      }
    }
  }
}

TEST_CASE(
    "EulerDiscrete takes its sigmas from the table, from between its entries, or from the run") {
  Options o = dpm::diffusers::options_of(Kind::euler);
  const dpm::diffusers::detail::Table table(o);
  const Scheduler scheduler(o);
  const State linspace = scheduler.timesteps(5);
  REQUIRE(linspace == State{999.0, 749.25, 499.5, 249.75, 0.0});
  const State sigmas = scheduler.sigmas(5);
  REQUIRE(sigmas.back() == 0.0);
  REQUIRE_THAT(sigmas[2], WithinRel((table.sigma_at(499.0) + table.sigma_at(500.0)) / 2.0, 1e-14));
  o.final_sigmas_type = "sigma_min";
  REQUIRE(Scheduler(o).sigmas(5).back() == table.sigma_min());
  o.final_sigmas_type = "zero";
  o.timestep_type = "continuous";
  o.prediction_type = "v_prediction";
  o.use_karras_sigmas = true;
  const Scheduler karras(o);
  REQUIRE_THAT(karras.timesteps(5)[1], WithinRel(0.25 * std::log(karras.sigmas(5)[1]), 1e-15));
  const State own =
      Scheduler(dpm::diffusers::options_of(Kind::euler))
          .timesteps(Run{.sigmas = {table.sigma_at(700.0), table.sigma_at(10.0), 0.0}});
  REQUIRE_THAT(own[0], WithinRel(700.0, 1e-12));
  REQUIRE_THAT(own[1], WithinRel(10.0, 1e-10));
}

TEST_CASE(
    "FlowMatchEulerDiscrete shifts its sigmas, stretches them to their end and inverts them") {
  Options o = dpm::diffusers::options_of(Kind::flow_match_euler);
  o.shift = 3.0;
  const auto shift = [](double s, double t) { return s * t / (1.0 + (s - 1.0) * t); };
  const Scheduler scheduler(o);
  const State sigmas = scheduler.sigmas(4);
  REQUIRE(sigmas[0] == 1.0);
  REQUIRE_THAT(sigmas[3], WithinRel(shift(3.0, shift(3.0, 0.001)), 1e-13));
  REQUIRE(sigmas[4] == 0.0);
  REQUIRE_THAT(scheduler.timesteps(4)[1], WithinRel(1000.0 * sigmas[1], 1e-15));

  State x = test_start();
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const State flow = network(x, 1000.0 * sigmas[i]);
    for (std::size_t k = 0; k < x.size(); ++k) x[k] += (sigmas[i + 1] - sigmas[i]) * flow[k];
  }
  REQUIRE(relative_difference(run_plan(scheduler, {.steps = 4}), x) < 1e-13);

  o.use_dynamic_shifting = true;
  const Scheduler dynamic(o);
  const Run run{.sigmas = {1.0, 0.75, 0.5, 0.25}, .mu = 1.15};
  REQUIRE_THAT(dynamic.sigmas(run)[2], WithinRel(shift(std::exp(1.15), 0.5), 1e-14));
  o.time_shift_type = "linear";
  REQUIRE_THAT(Scheduler(o).sigmas(run)[2], WithinRel(shift(1.15, 0.5), 1e-14));
  o.shift_terminal = 0.1;
  REQUIRE_THAT(Scheduler(o).sigmas(run)[3], WithinRel(0.1, 1e-14));
  o.invert_sigmas = true;
  REQUIRE_THAT(Scheduler(o).sigmas(run)[3], WithinRel(0.9, 1e-14));
  REQUIRE(Scheduler(o).sigmas(run)[4] == 1.0);
}

TEST_CASE("invert_sigmas runs from noise to data at levels that say so") {
  Options o = dpm::diffusers::options_of(Kind::flow_match_euler);
  o.invert_sigmas = true;
  const Scheduler scheduler(o);
  const Run run{.sigmas = {1.0, 0.75, 0.5, 0.25}};
  const State sigmas{0.0, 0.25, 0.5, 0.75, 1.0};
  REQUIRE(scheduler.sigmas(run) == sigmas);
  REQUIRE(scheduler.timesteps(run) == State{0.0, 250.0, 500.0, 750.0});
  const dpm::Plan plan = scheduler.make_plan(run);
  REQUIRE(plan.start().sigma() == 1.0);
  REQUIRE(plan.start().alpha() == 0.0);
  REQUIRE(plan.start().timestep == 0.0);
  REQUIRE(plan.end().sigma() == 0.0);
  REQUIRE(plan.end().alpha() == 1.0);

  // diffusers' step with its own sigmas.
  State x = test_start();
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const State m = network(x, 1000.0 * sigmas[i]);
    for (std::size_t k = 0; k < x.size(); ++k) x[k] += (sigmas[i + 1] - sigmas[i]) * m[k];
  }
  REQUIRE(relative_difference(run_plan(plan, scheduler), x) < 1e-13);

  // The model predicts minus a flow: with its sign changed, Euler along the flow is the same.
  REQUIRE_THROWS_WITH(scheduler.prediction(), mentions("minus a flow, which no Prediction names"));
  const dpm::Grid grid = scheduler.grid(run);
  REQUIRE_THAT(grid.schedule().level(grid[1].time).timestep, WithinRel(250.0, 1e-14));
  State same = test_start();
  dpm::sample(
      dpm::diffusers::make_plan(scheduler.method(run), grid, dpm::Prediction::flow),
      [](const State& at, double timestep, State& out) {
        test_network(at, timestep / 1000.0, out);
        for (double& value : out) value = -value;
      },
      same);
  REQUIRE(relative_difference(same, x) < 1e-13);
}

TEST_CASE("FlowMatchEulerDiscrete with stochastic_sampling draws around the data prediction") {
  Options o = dpm::diffusers::options_of(Kind::flow_match_euler);
  o.stochastic_sampling = true;
  const Scheduler scheduler(o);
  const State sigmas = scheduler.sigmas(3);
  State x = test_start();
  State z(x.size());
  for (std::size_t i = 0; i < 3; ++i) {
    const State flow = network(x, 1000.0 * sigmas[i]);
    test_draw(z, {static_cast<std::uint32_t>(i), {}, {}});
    for (std::size_t k = 0; k < x.size(); ++k) {
      x[k] = (1.0 - sigmas[i + 1]) * (x[k] - sigmas[i] * flow[k]) + sigmas[i + 1] * z[k];
    }
  }
  REQUIRE(relative_difference(run_plan(scheduler, {.steps = 3}), x) < 1e-13);
}

TEST_CASE("DDIM with use_clipped_model_output derives the noise from the clipped data prediction") {
  Options o = dpm::diffusers::options_of(Kind::ddim);
  const Scheduler scheduler(o);
  const dpm::diffusers::detail::Table table(o);
  State x = test_start();
  for (const double t : scheduler.timesteps(5)) {
    const dpm::Level at = table.level(static_cast<int>(t));
    const dpm::Level to = t >= 200.0 ? table.level(static_cast<int>(t) - 200) : dpm::Level{};
    const State m = network(x, t);
    for (std::size_t k = 0; k < x.size(); ++k) {
      double data = (x[k] - at.sigma() * m[k]) / at.alpha();
      data = std::max(-1.0, std::min(data, 1.0));
      x[k] = to.alpha() * data + to.sigma() * (x[k] - at.alpha() * data) / at.sigma();
    }
  }
  const Run run{.steps = 5, .use_clipped_model_output = true};
  REQUIRE(relative_difference(run_plan(scheduler, run), x) < 1e-12);
}

TEST_CASE("the library's own method over the scheduler's grid gives the same samples") {
  struct Case {
    Kind kind;
    nlohmann::json options;
    int steps;
  };
  const std::vector<Case> cases{
      {Kind::dpm_multistep, {{"solver_order", 3}}, 12},
      {Kind::dpm_multistep, {{"solver_type", "heun"}, {"use_karras_sigmas", true}}, 20},
      {Kind::dpm_multistep, {{"use_flow_sigmas", true}, {"prediction_type", "flow_prediction"}}, 9},
      {Kind::dpm_multistep,
       {{"algorithm_type", "sde-dpmsolver"}, {"final_sigmas_type", "sigma_min"}},
       10},
      {Kind::dpm_multistep_inverse, {{"timestep_spacing", "leading"}, {"steps_offset", 1}}, 10},
      {Kind::edm_dpm_multistep, {{"sigma_schedule", "exponential"}}, 10},
      {Kind::dpm_singlestep, {{"solver_order", 2}, {"final_sigmas_type", "sigma_min"}}, 9},
      {Kind::unipc, {{"solver_order", 3}}, 10},
      {Kind::unipc, {{"predict_x0", false}, {"final_sigmas_type", "sigma_min"}}, 10},
      {Kind::deis, {{"solver_order", 3}}, 20},
      {Kind::ddim, {{"prediction_type", "v_prediction"}, {"clip_sample", false}}, 10},
      {Kind::ddim_inverse, {{"clip_sample", false}}, 10},
      {Kind::ddpm, {{"clip_sample", false}}, 10},
      {Kind::ddpm, {{"variance_type", "fixed_large"}}, 10},
      {Kind::pndm, {{"skip_prk_steps", true}, {"steps_offset", 1}}, 10},
      {Kind::euler, {{"prediction_type", "v_prediction"}}, 10},
      {Kind::heun, {{"use_karras_sigmas", true}}, 10},
      {Kind::flow_match_euler, {{"shift", 3.0}}, 10}};
  for (const Case& c : cases) {
    nlohmann::json config = c.options;
    config["_class_name"] = std::string(class_name(c.kind));
    CAPTURE(config.dump());
    const auto scheduler = Scheduler::from_json(config);
    const auto correction = scheduler.corrects() ? dpm::Correction::data : dpm::Correction::none;
    const dpm::Plan own = dpm::diffusers::make_plan(
        scheduler.method(c.steps), scheduler.grid(c.steps), scheduler.prediction(), correction);
    const State expected = run_plan(scheduler, {.steps = c.steps});
    REQUIRE(relative_difference(run_plan(own, scheduler), expected) < 1e-11);
  }
}

}  // namespace diffusers_plans_test
