// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Defects that other implementations have, one test for each: what this library does instead.
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "dpm/interop/diffusers.hpp"
#include "support/catch.hpp"
#include "support/gauss_legendre.hpp"
#include "support/order_problems.hpp"

namespace peers_test {

using namespace dpm_test;
using dpm::diffusers::Kind;
using dpm::diffusers::Mode;
using dpm::diffusers::Options;
using dpm::diffusers::Run;
using dpm::diffusers::Scheduler;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
const dpm::UniformLambda range{.start = 0.9, .end = 0.01};

/// A data prediction that depends on lambda alone, so that runs can be checked by integration.
double data_of(double lambda) { return std::sin(lambda) + 0.3 * lambda; }

/// The end of a run in data space from x = 1, its noise left out: the exact mean for tau = 1.
double mean_of(const dpm::Plan& plan) {
  State x{1.0};
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest&) { z[0] = 0.0; };
  dpm::sample(
      plan, [](const State&, const dpm::Level& at, State& m) { m[0] = data_of(at.lambda()); }, x,
      options);
  return x[0];
}

/// x_t = (sigma_t / sigma_s) e^(-h) x_s + 2 alpha_t times the integral of e^(-2 (lambda_t - l))
/// data(l), in 400 parts.
double exact_mean(const dpm::Level& s, const dpm::Level& t) {
  const double h = t.lambda() - s.lambda();
  double integral = 0.0;
  for (int k = 0; k < 400; ++k) {
    const double a = s.lambda() + h * k / 400.0;
    integral += gauss_legendre(a, a + h / 400.0, [&](double l) {
      return 2.0 * std::exp(-2.0 * (t.lambda() - l)) * data_of(l);
    });
  }
  return t.sigma() / s.sigma() * std::exp(-h) + t.alpha() * integral;
}

/// The slope of log error between 40 and 640 steps.
double order_of(const std::function<double(int)>& error_of) {
  return std::log2(std::abs(error_of(40) / error_of(640))) / 4.0;
}

Scheduler scheduler_of(Kind kind, const nlohmann::json& options, Mode mode = Mode::strict) {
  nlohmann::json config = options;
  config["_class_name"] = std::string(class_name(kind));
  return Scheduler::from_json(config, mode);
}

void refused(const std::function<void()>& call, const std::string& part) {
  INFO(part);
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), mentions(part));
}

/// The order on the mixture problem, where nothing is kind to the method.
double measured_order(const dpm::DpmSolver& method) {
  return measure(named("", method), order_problems()[2]).order;
}

}  // namespace

TEST_CASE("finding 1: third-order multistep is of third order, the common form of second") {
  REQUIRE_THAT(measured_order({.order = 3}), WithinAbs(3.0, 0.15));
  REQUIRE_THAT(measured_order({.order = 3, .halved_second_difference = true}),
               WithinAbs(2.0, 0.15));
  const auto from_config = scheduler_of(Kind::dpm_multistep, {{"solver_order", 3}}).method(20);
  REQUIRE(std::get<dpm::DpmSolver>(from_config).halved_second_difference);
}

TEST_CASE("finding 2: SDE-DPM-Solver++ of order 3 has the right sign") {
  const auto grid_of = [](int steps) { return make_grid(range, schedule, steps); };
  const double exact = exact_mean(schedule.level(0.9), schedule.level(0.01));
  const auto ours = [&](int steps) {
    return mean_of(make_plan(dpm::DpmSolver{.order = 3, .tau = 1.0}, grid_of(steps),
                             dpm::Prediction::data)) -
           exact;
  };
  // diffusers' weights over the same grid.
  Options peer = dpm::diffusers::options_of(Kind::dpm_multistep);
  peer.algorithm_type = "sde-dpmsolver++";
  peer.solver_order = 3;
  peer.prediction_type = "sample";
  peer.lower_order_final = false;
  const auto theirs = [&](int steps) {
    const auto plan =
        dpm::diffusers::detail::multistep_plan(peer, Mode::compatible, grid_of(steps).levels());
    return mean_of(plan) - exact;
  };
  REQUIRE(order_of(ours) > 1.9);
  REQUIRE(order_of(theirs) < 1.4);
  REQUIRE(std::abs(theirs(640)) > 50.0 * std::abs(ours(640)));

  const nlohmann::json config{{"algorithm_type", "sde-dpmsolver++"}, {"solver_order", 3}};
  for (const Kind kind : {Kind::dpm_multistep, Kind::dpm_singlestep}) {
    refused([&] { scheduler_of(kind, config); }, "wrong sign in diffusers");
    REQUIRE(scheduler_of(kind, config, Mode::compatible).make_plan(9).draws() == 9);
  }
  refused(
      [] {
        scheduler_of(Kind::dpm_multistep,
                     {{"algorithm_type", "sde-dpmsolver"},
                      {"solver_order", 3},
                      {"final_sigmas_type", "sigma_min"}},
                     Mode::compatible);
      },
      "does not exist in diffusers");
}

TEST_CASE("finding 3: singlestep-3 is of third order by default, and says so where it is not") {
  constexpr auto singlestep = dpm::DpmSolver::Form::singlestep;
  for (const auto update : {dpm::DpmSolver::Update::midpoint, dpm::DpmSolver::Update::taylor}) {
    dpm::DpmSolver method{.order = 3, .form = singlestep, .update = update};
    REQUIRE(convergence_order(method) == 3);
    REQUIRE_THAT(measured_order(method), WithinAbs(3.0, 0.15));
    method.r1 = 0.3;
    method.r2 = 0.5;
    REQUIRE(convergence_order(method) == 2);
    REQUIRE_THAT(measured_order(method), WithinAbs(2.0, 0.15));
  }
}

TEST_CASE("finding 4: trailing of diffusers ends with -1 for 62 counts, and ours for none") {
  const nlohmann::json config{{"timestep_spacing", "trailing"}, {"clip_sample", false}};
  for (const Kind kind : {Kind::ddpm, Kind::dpm_multistep}) {
    int too_long = 0;
    const auto theirs = scheduler_of(kind, config, Mode::compatible);
    const auto strict = scheduler_of(kind, config);
    for (int steps = 1; steps <= 1000; ++steps) {
      const State timesteps = theirs.timesteps(steps);
      REQUIRE(dpm::trailing_timesteps(1000, steps).size() == static_cast<std::size_t>(steps));
      REQUIRE(dpm::trailing_timesteps(1000, steps).back() >= 0);
      if (timesteps.back() >= 0.0) {
        REQUIRE(strict.timesteps(steps) == timesteps);
        continue;
      }
      ++too_long;
      CAPTURE(steps);
      REQUIRE(timesteps.size() == static_cast<std::size_t>(steps) + 1);
      refused([&] { (void)strict.make_plan(steps); }, "makes diffusers add a timestep of -1");
    }
    REQUIRE(too_long == 62);
  }
  REQUIRE(scheduler_of(Kind::dpm_multistep, config, Mode::compatible).make_plan(61).model_calls() ==
          62);
}

TEST_CASE(
    "finding 5: trailing does not end with -1 for counts that openvino.genai adds up wrongly") {
  for (const int steps : {9, 11, 12, 18, 21, 22, 30}) {
    REQUIRE(dpm::trailing_timesteps(1000, steps).size() == static_cast<std::size_t>(steps));
    REQUIRE(dpm::trailing_timesteps(1000, steps).back() > 0);
  }
}

TEST_CASE("finding 6: thresholding thresholds, where diffusers' default clips") {
  refused([] { scheduler_of(Kind::ddim, {{"thresholding", true}}); }, "is plain clipping");
  REQUIRE_NOTHROW(scheduler_of(Kind::ddim, {{"thresholding", true}, {"sample_max_value", 1.5}}));
  State ours{0.1, -0.2, 3.0, -6.0};
  State theirs = ours;
  dpm::DynamicThresholding(1.0)(ours, {});
  scheduler_of(Kind::ddim, {{"thresholding", true}}, Mode::compatible).correction()(theirs, {});
  REQUIRE(theirs == State{0.1, -0.2, 1.0, -1.0});
  REQUIRE_THAT(ours[2], WithinRel(0.5, 1e-15));
  REQUIRE(ours[3] == -1.0);
}

TEST_CASE("finding 7: runs whose last sigmas are equal, or infinite in diffusers, are finite") {
  const nlohmann::json third{
      {"solver_order", 3}, {"use_karras_sigmas", true}, {"final_sigmas_type", "sigma_min"}};
  const auto strict = scheduler_of(Kind::dpm_multistep, third);
  refused([&] { (void)strict.make_plan(15); },
          "ends with two equal sigmas, where diffusers gives NaN");
  REQUIRE_NOTHROW(strict.make_plan(14));
  for (const Mode mode : {Mode::strict, Mode::compatible}) {
    refused(
        [&] {
          scheduler_of(Kind::unipc, {{"lower_order_final", false}}, mode);
        },
        "gives infinities in diffusers");
    refused([&] { scheduler_of(Kind::unipc, {{"solver_type", "bh1"}}, mode); }, "gives NaN");
  }
  refused([&] { (void)dpm::grid_of_sigmas(schedule, State{5.0, 1.0, 1.0}); }, "strictly monotone");
  // The library's own: Karras down to the last sigma, and UniPC without lower orders down to 0.
  const auto karras = make_grid(dpm::Karras{}, schedule, 15);
  REQUIRE(
      std::isfinite(mean_of(make_plan(dpm::DpmSolver{.order = 3}, karras, dpm::Prediction::data))));
  const dpm::UniPc full{.order = 3, .lower_order_final = false};
  REQUIRE(std::isfinite(mean_of(make_plan(full, karras.then(0.0), dpm::Prediction::data))));
}

TEST_CASE("finding 8: DDPM's larger variance is finite, and its last step adds no noise") {
  for (const Mode mode : {Mode::strict, Mode::compatible}) {
    refused(
        [&] {
          scheduler_of(Kind::ddpm, {{"variance_type", "fixed_large_log"}}, mode);
        },
        "gives NaN in diffusers; use fixed_large");
  }
  const nlohmann::json config{{"variance_type", "fixed_large"}, {"timestep_spacing", "trailing"}};
  const auto strict = scheduler_of(Kind::ddpm, config);
  refused([&] { (void)strict.make_plan(10); }, "adds noise in its last step");
  REQUIRE(scheduler_of(Kind::ddpm, config, Mode::compatible).make_plan(10).draws() == 10);
  const auto grid = make_grid(dpm::Trailing{}, schedule, 10);
  const auto ours = make_plan(dpm::Ddpm{.variance = dpm::Ddpm::Variance::beta}, grid);
  REQUIRE(ours.draws() == 9);
}

TEST_CASE("finding 9: DDIM steps to the next timestep of its grid") {
  const nlohmann::json config{{"timestep_spacing", "linspace"}, {"clip_sample", false}};
  const auto strict = scheduler_of(Kind::ddim, config);
  refused([&] { (void)strict.make_plan(10); },
          "steps from timestep 999 to 899 and goes on from 888");
  REQUIRE_NOTHROW(scheduler_of(Kind::ddim, {{"timestep_spacing", "leading"}}).make_plan(15));

  // With a constant data prediction the end is that prediction, if the last step goes to sigma = 0;
  // each step's level before it is exactly alpha x_0 + sigma epsilon if no step is too short.
  const dpm::Grid grid = make_grid(dpm::Linspace{}, strict.schedule(), 10);
  const dpm::Plan plan = make_plan(dpm::Ddim{}, grid, dpm::Prediction::data);
  const dpm::Level& from = grid.front();
  const double noise = (1.0 - from.alpha() * 0.5) / from.sigma();
  State x{1.0};
  dpm::RunOptions<State> options;
  options.observer = [&](const dpm::Progress<State>& progress) {
    const dpm::Level& at = progress.level;
    REQUIRE_THAT(progress.sample[0], WithinRel(at.alpha() * 0.5 + at.sigma() * noise, 1e-12));
  };
  dpm::sample(
      plan, [](const State&, double, State& m) { m[0] = 0.5; }, x, options);
}

}  // namespace peers_test
