// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// CFG++: what it is where both predictions agree and where they do not, refusals.
#include <cmath>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"
#include "support/textbook.hpp"
#include "support/textbook_job.hpp"

namespace cfg_plus_plus_test {

using namespace dpm_test;
namespace book = dpm_test::textbook;
using book::Levels;
using book::Vec;
using dpm::CfgPlusPlus;
using dpm::DpmSolver;
using dpm::Plan;
using State = std::vector<double>;
using Update = CfgPlusPlus::Update;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
constexpr auto singlestep = DpmSolver::Form::singlestep;

/// Both predictions in one call; the one without condition is `scale` times the other's noise.
auto both(dpm::Prediction prediction, double scale) {
  return [=](const State& x, const dpm::Level& at, State& out, State& unconditional) {
    test_network(x, at.time, out);
    unconditional = out;
    for (double& value : unconditional) value *= scale;
    convert_noise_to(prediction, x, at, out);
    convert_noise_to(prediction, x, at, unconditional);
  };
}

State run(const Plan& plan, double scale) {
  State x = test_start();
  dpm::RunOptions<State> options;
  if (plan.draws() > 0) options.noise = &test_draw;
  dpm::sample(plan, both(plan.prediction, scale), x, options);
  return x;
}

template <class Method>
State plain(const Method& method, const dpm::Grid& grid) {
  return book::run_plan(make_plan(method, grid));
}

const std::vector<Update> updates{Update::euler, Update::multistep, Update::gradient_estimation,
                                  Update::exponential, Update::singlestep};

/// ComfyUI's loops on y = x / alpha: D guided, U without condition, u the factor between the
/// noises.
Vec loop(const book::Job& job, Update update, double u) {
  const auto guided = [&](const Vec& y, const dpm::Level& at) {
    return book::denoised(job.noise, y, at);
  };
  const auto unguided = [&](const Vec& y, const dpm::Level& at) {
    using namespace book;
    const Vec x = at.alpha() * y;
    return data_from_noise(x, u * job.noise(x, at), at);
  };
  using book::operator+;
  using book::operator-;
  using book::operator*;
  using book::operator/;
  Vec y = job.x / job.grid[0].alpha();
  Vec U_old;
  Vec d_old;
  for (std::size_t i = 0; i + 1 < job.grid.size(); ++i) {
    const double s = book::sigma_over_alpha(job.grid[i]);
    const double t = book::sigma_over_alpha(job.grid[i + 1]);
    const double h = std::log(s / t);
    const double h_last = i > 0 ? std::log(book::sigma_over_alpha(job.grid[i - 1]) / s) : 0.0;
    const Vec D = guided(y, job.grid[i]);
    const Vec U = unguided(y, job.grid[i]);
    const Vec d = (y - U) / s;
    if (update == Update::euler || (i == 0 && update != Update::singlestep)) {
      y = D + t * d;
    } else if (update == Update::multistep) {
      y = D - std::exp(-h) * U + std::exp(-h) * y - std::expm1(-h) * h / (2 * h_last) * (D - U_old);
    } else if (update == Update::gradient_estimation) {
      y = D + t * d + (t - s) * (d - d_old);
    } else if (update == Update::exponential) {
      const double phi_1 = std::expm1(-h) / -h;
      const double b_2 = (phi_1 - 1) / -h / (-h_last / h);
      y = std::exp(-h) * (y + D - U) + h * ((phi_1 - b_2) * U + b_2 * U_old);
    } else {
      const double mid = std::sqrt(s * t);
      const Vec moved = y + D - U;
      const Vec y_2 = mid / s * moved - std::expm1(-h / 2) * D;
      const Vec D_2 = guided(y_2, book::level_at_rho(schedule, mid));
      y = t / s * moved - std::expm1(-h) * D_2;
    }
    U_old = U;
    d_old = d;
  }
  return job.grid.back().alpha() * y;
}

}  // namespace

TEST_CASE("CFG++ of a model whose two predictions agree is the method without it") {
  // The last has a step that is too short for a slope.
  const std::vector<double> short_step{1.0, 0.8, 0.6, 0.6 - 1e-8, 0.4, 0.2, 0.05};
  for (const dpm::Grid& grid : {make_grid(dpm::UniformTime{}, schedule, 9),
                                make_grid(dpm::UniformTime{.end = 0.0}, schedule, 7),
                                dpm::grid_of_times(schedule, short_step)}) {
    const auto agrees = [&](const CfgPlusPlus& method, const State& expected) {
      REQUIRE(relative_difference(run(make_plan(method, grid), 1.0), expected) < 1e-12);
    };
    agrees({.update = Update::euler}, plain(dpm::Euler{}, grid));
    agrees({.update = Update::multistep}, plain(DpmSolver{}, grid));
    agrees({.update = Update::gradient_estimation}, plain(dpm::GradientEstimation{}, grid));
    agrees({.update = Update::exponential},
           plain(DpmSolver{.update = DpmSolver::Update::taylor}, grid));
    agrees({.update = Update::singlestep}, plain(DpmSolver{.form = singlestep}, grid));
    const dpm::FreshNoise fresh{.eta = 0.7};
    agrees({.update = Update::euler, .fresh = fresh}, plain(dpm::Euler{.eta = 0.7}, grid));
    agrees({.update = Update::exponential, .fresh = fresh},
           plain(DpmSolver{.update = DpmSolver::Update::taylor, .fresh = fresh}, grid));
    agrees({.update = Update::singlestep, .fresh = fresh},
           plain(DpmSolver{.form = singlestep, .fresh = fresh}, grid));
  }
}

TEST_CASE("CFG++ of a model whose two predictions differ is ComfyUI's loop") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 8);
  for (const Update update : updates) {
    for (const double scale : {0.5, 1.5}) {
      CAPTURE(static_cast<int>(update), scale);
      const Vec expected = loop(book::job_on(grid), update, scale);
      for (const auto prediction :
           {dpm::Prediction::noise, dpm::Prediction::data, dpm::Prediction::velocity}) {
        const Plan plan = make_plan(CfgPlusPlus{.update = update}, grid, prediction);
        REQUIRE(relative_difference(run(plan, scale), expected) < 1e-11);
      }
    }
  }
}

TEST_CASE("CFG++ makes exactly the number of calls that it is given") {
  for (const Update update : updates) {
    const Plan plan = make_plan(CfgPlusPlus{.update = update}, schedule, 10);
    REQUIRE(plan.model_calls() == 10);
    REQUIRE(plan.draws() == 0);
  }
  const CfgPlusPlus two{.update = Update::singlestep, .fresh = {.eta = 1.0}};
  const dpm::Grid to_zero = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 6);
  REQUIRE(make_plan(two, to_zero).model_calls() == 11);
  REQUIRE(make_plan(two, to_zero).draws() == 5);
}

TEST_CASE("CFG++ starts at pure noise with every update") {
  // The prediction at pure noise has no place in lambda, so the second step has no slope.
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, dpm::RectifiedFlow(), 6);
  for (const Update update : updates) {
    State x = test_start();
    dpm::sample(
        make_plan(CfgPlusPlus{.update = update}, grid, dpm::Prediction::data),
        [](const State&, double, State& out, State& unconditional) {
          out.assign(out.size(), 0.2);
          unconditional.assign(out.size(), 0.2);
        },
        x);
    for (const double value : x) REQUIRE_THAT(value, WithinRel(0.2, 1e-13));
  }
}

TEST_CASE("CfgPlusPlus refuses options out of range, odd numbers of calls and inversion") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{0.5, 0.25});
  for (const Update update : {Update::multistep, Update::gradient_estimation}) {
    refused([&] { (void)make_plan(CfgPlusPlus{.update = update, .fresh = {.eta = 1.0}}, grid); },
            "CfgPlusPlus: fresh.eta = 1 with a multistep update; it must be 0 there");
  }
  refused([&] { (void)make_plan(CfgPlusPlus{.fresh = {.eta = -1.0}}, grid); },
          "CfgPlusPlus: eta = -1; it must be finite and at least 0");
  refused([&] { (void)make_plan(CfgPlusPlus{.gamma = infinity}, grid); },
          "CfgPlusPlus: gamma = inf; it must be finite");
  refused([&] { (void)make_plan(CfgPlusPlus{.update = Update::singlestep}, schedule, 7); },
          "make_plan: model_calls = 7 over a grid from time 1 to time 0.001, where 4 steps make 8 "
          "calls; ask for a number that whole steps make, unless the method's for_model_calls has "
          "named the wrong number of steps");
  refused([&] { (void)make_plan(CfgPlusPlus{}, grid.reversed()); },
          "CfgPlusPlus: the grid runs from time 0.25 to time 0.5, towards more noise; it must run "
          "towards clean data");
}

}  // namespace cfg_plus_plus_test
