// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Law 5: the identities between methods.
#include <cstddef>
#include <type_traits>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"
#include "support/textbook.hpp"
#include "support/textbook_job.hpp"

namespace identities_test {

using namespace dpm_test;
namespace book = dpm_test::textbook;
using book::Job;
using book::job_on;
using book::run_plan;
using book::Vec;
using dpm::Deis;
using dpm::DpmSolver;
using dpm::Ipndm;
using dpm::Level;
using dpm::Plan;
using dpm::SaSolver;
using dpm::Space;
using dpm::UniPc;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

template <class Method>
Vec run(const Method& method, const dpm::Grid& grid) {
  return run_plan(make_plan(method, grid));
}

}  // namespace

TEST_CASE("law 5: DDIM, DPM-Solver-1 and DPM-Solver++-1 are one method") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 15);
  const Vec ddim = run_plan(make_plan(dpm::Ddim{}, grid));
  for (const auto space : {dpm::Space::noise, dpm::Space::data}) {
    for (const auto form : {dpm::DpmSolver::Form::singlestep, dpm::DpmSolver::Form::multistep}) {
      const dpm::DpmSolver first{.order = 1, .form = form, .space = space};
      REQUIRE(relative_difference(run_plan(make_plan(first, grid)), ddim) < 1e-12);
    }
  }
}

TEST_CASE("law 5: DDIM with eta = 1 on the full grid is DDPM with the posterior variance") {
  const dpm::DiscreteSchedule table(dpm::linear_betas(1000));
  const dpm::Grid full = make_grid(dpm::UniformTime{}, table, 999);
  REQUIRE(full.steps() == 999);
  const Vec ddim = run_plan(make_plan(dpm::Ddim{.eta = 1.0}, full));
  REQUIRE(relative_difference(run_plan(make_plan(dpm::Ddpm{}, full)), ddim) < 1e-12);
  const dpm::Ddpm beta{.variance = dpm::Ddpm::Variance::beta};
  REQUIRE(relative_difference(run_plan(make_plan(beta, full)), ddim) > 1e-6);
}

TEST_CASE("law 5: UniP-3 is multistep-3") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{.start = 0.9}, schedule, 12);
  for (const auto space : {dpm::Space::noise, dpm::Space::data}) {
    const auto book_space = space == dpm::Space::noise ? book::Space::noise : book::Space::data;
    const dpm::DpmSolver method{.order = 3, .space = space};
    // UniP-3 is given the states that our run passes through first.
    std::vector<Vec> states{test_start()};
    dpm::RunOptions<Vec> options;
    options.observer = [&](const dpm::Progress<Vec>& p) { states.push_back(p.sample); };
    Vec x = test_start();
    dpm::sample(make_plan(method, grid), test_model(dpm::Prediction::noise), x, options);
    states.resize(3);
    const Job job = job_on(grid);
    for (const auto form : {book::UniPForm::bh1, book::UniPForm::varying}) {
      const Vec unip =
          book::unip_3_from(states, book::network_of(job, book_space), job.grid, book_space, form);
      REQUIRE(relative_difference(x, unip) < 1e-12);
    }
  }
}

TEST_CASE("law 5: UniPC without its corrector is multistep DPM-Solver") {
  using Coefficients = UniPc::Coefficients;
  for (const Space space : {Space::noise, Space::data}) {
    const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 12);
    for (int order = 1; order <= 3; ++order) {
      const DpmSolver solver{
          .order = order, .space = space, .start = DpmSolver::Start::lower_order};
      DpmSolver taylor = solver;
      taylor.update = DpmSolver::Update::taylor;
      const UniPc uni{.order = order, .space = space, .corrector = false};
      UniPc varying = uni;
      varying.coefficients = Coefficients::varying;
      REQUIRE(relative_difference(run(uni, grid), run(solver, grid)) < 1e-13);
      REQUIRE(relative_difference(run(varying, grid), run(taylor, grid)) < 1e-13);
    }
  }
}

TEST_CASE("law 5: SA-Solver without noise is UniPC with exact coefficients") {
  const auto no_noise = [](const Level&) { return 0.0; };
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 12);
  for (const Space space : {Space::noise, Space::data}) {
    for (int order = 1; order <= 3; ++order) {
      const SaSolver sa{
          .predictor_order = order, .corrector_order = order + 1, .space = space, .tau = no_noise};
      const UniPc uni{.order = order, .coefficients = UniPc::Coefficients::varying, .space = space};
      const Plan plan = make_plan(sa, grid);
      REQUIRE(plan.draws() == 0);
      REQUIRE(relative_difference(run_plan(plan), run(uni, grid)) < 1e-13);
    }
  }
}

TEST_CASE(
    "law 5: DEIS in log rho is multistep DPM-Solver in noise space, and first order is DDIM") {
  for (const auto& grid : {make_grid(dpm::UniformTime{}, schedule, 12),
                           make_grid(dpm::QuadraticTime{}, schedule, 12)}) {
    for (int order = 1; order <= 3; ++order) {
      const DpmSolver solver{.order = order,
                             .space = Space::noise,
                             .update = DpmSolver::Update::taylor,
                             .start = DpmSolver::Start::lower_order};
      REQUIRE(relative_difference(run(Deis{.order = order}, grid), run(solver, grid)) < 1e-13);
    }
    for (const auto variable :
         {Deis::Variable::time, Deis::Variable::sigma_over_alpha, Deis::Variable::lambda}) {
      REQUIRE(run(Deis{.order = 1, .variable = variable}, grid) == run(dpm::Ddim{}, grid));
    }
    REQUIRE(run(Ipndm{.order = 1}, grid) == run(dpm::Ddim{}, grid));
  }
}

TEST_CASE("law 5: SA-Solver's predictor alone is multistep DPM-Solver with exact weights") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 12);
  for (const double tau : {0.0, 0.5, 1.0}) {
    for (const Space space : {Space::noise, Space::data}) {
      for (int order = 1; order <= 3; ++order) {
        const SaSolver sa{.predictor_order = order,
                          .corrector_order = 0,
                          .space = space,
                          .tau = [tau](const Level&) { return tau; }};
        const DpmSolver solver{.order = order,
                               .space = space,
                               .update = DpmSolver::Update::taylor,
                               .start = DpmSolver::Start::lower_order,
                               .tau = tau};
        CAPTURE(tau, order, dpm::name(space));
        REQUIRE(relative_difference(run(sa, grid), run(solver, grid)) < 1e-13);
      }
    }
  }
}

TEST_CASE("law 5: SDE-DPM-Solver++-1 is DDIM with eta = 1") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 12);
  const Vec ddim = run(dpm::Ddim{.eta = 1.0}, grid);
  REQUIRE(relative_difference(run(DpmSolver{.order = 1, .tau = 1.0}, grid), ddim) < 1e-12);
  // In noise space the same SDE is discretised otherwise.
  const DpmSolver in_noise{.order = 1, .space = Space::noise, .tau = 1.0};
  REQUIRE(relative_difference(run(in_noise, grid), ddim) > 0.01);
}

TEST_CASE("law 5: the SDE solvers go over to the ODE's as tau goes to 0") {
  // The noise is in proportion to tau, all else to tau^2.
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 12);
  for (const Space space : {Space::noise, Space::data}) {
    for (int order = 1; order <= 3; ++order) {
      const DpmSolver ode{.order = order, .space = space, .start = DpmSolver::Start::lower_order};
      const Vec limit = run(ode, grid);
      const auto distance = [&](double tau) {
        DpmSolver sde = ode;
        sde.tau = tau;
        return relative_difference(run(sde, grid), limit);
      };
      CAPTURE(order, dpm::name(space));
      REQUIRE_THAT(distance(1e-4) / distance(1e-6), WithinRel(100.0, 0.01));
    }
  }
}

TEST_CASE("law 5: Euler's method in sigma / alpha is DDIM, its ancestral form DDIM with eta") {
  static_assert(std::is_same_v<dpm::Euler, dpm::Ddim>);
  const dpm::Grid grid = make_grid(dpm::Karras{}, schedule, 12);
  const Job job = job_on(grid);
  for (const double eta : {0.0, 0.5, 1.0}) {
    const Vec loop = book::euler(job.noise, job.grid, job.x, eta, job.draws);
    REQUIRE(relative_difference(run(dpm::Euler{.eta = eta}, grid), loop) < 1e-12);
  }
}

TEST_CASE("law 5: DEIS in rho is the linear multistep method of k-diffusion") {
  const dpm::Grid grid = make_grid(dpm::Karras{}, schedule, 12);
  const Job job = job_on(grid);
  for (int order = 1; order <= 4; ++order) {
    const Vec loop =
        book::linear_multistep(job.noise, job.grid, job.x, static_cast<std::size_t>(order));
    const Deis deis{.order = order, .variable = Deis::Variable::sigma_over_alpha};
    REQUIRE(relative_difference(run(deis, grid), loop) < 1e-12);
  }
}

}  // namespace identities_test
