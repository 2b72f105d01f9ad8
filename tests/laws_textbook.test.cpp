// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Law 4, every plan equals the paper's loop, and law 5, the identities between methods.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"
#include "support/textbook.hpp"

using namespace dpm_test;
namespace book = dpm_test::textbook;
using book::Vec;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

/// What a textbook loop is given: a noise network, the grid, the start and the draws.
struct Job {
  book::Network noise;
  book::Levels grid;
  Vec x;
  std::vector<Vec> draws;
};
using Loop = std::function<Vec(const Job&)>;

book::Network network_of(const Job& job, book::Space space) {
  return space == book::Space::noise ? job.noise : book::data_network(job.noise);
}

Loop singlestep_loop(book::Space space, int order, book::Flavour flavour, double r1, double r2) {
  return [=](const Job& job) -> Vec {
    const book::Network network = network_of(job, space);
    const bool noise = space == book::Space::noise;
    if (order == 1) {
      return noise ? book::dpm_solver_1(network, job.grid, job.x)
                   : book::dpm_solver_pp_1(network, job.grid, job.x);
    }
    if (order == 2) {
      return noise ? book::dpm_solver_2(network, schedule, job.grid, job.x, r1, flavour)
                   : book::dpm_solver_pp_2(network, schedule, job.grid, job.x, r1, flavour);
    }
    return noise ? book::dpm_solver_3(network, schedule, job.grid, job.x, r1, r2, flavour)
                 : book::dpm_solver_pp_3(network, schedule, job.grid, job.x, r1, r2, flavour);
  };
}

Loop multistep_loop(book::Multistep options) {
  return [=](const Job& job) {
    return book::multistep(network_of(job, options.space), schedule, job.grid, job.x, options);
  };
}

/// Third-order steps that take three grid intervals each, with the ratios those give.
Loop on_grid_loop(book::Space space) {
  return [=](const Job& job) {
    const book::Network network = network_of(job, space);
    Vec x = job.x;
    for (std::size_t i = 0; i + 3 < job.grid.size(); i += 3) {
      const dpm::Level& s = job.grid[i];
      const dpm::Level& t = job.grid[i + 3];
      const double h = t.lambda() - s.lambda();
      const double r1 = (job.grid[i + 1].lambda() - s.lambda()) / h;
      const double r2 = (job.grid[i + 2].lambda() - s.lambda()) / h;
      x = space == book::Space::noise
              ? book::dpm_solver_3_step(network, schedule, s, t, x, r1, r2, book::Flavour::midpoint)
              : book::dpm_solver_pp_3_step(network, schedule, s, t, x, r1, r2,
                                           book::Flavour::midpoint);
    }
    return x;
  };
}

std::map<std::string, Loop> textbook_loops() {
  using book::Flavour;
  std::map<std::string, Loop> loops;
  for (const book::Space space : {book::Space::noise, book::Space::data}) {
    const std::string solver = space == book::Space::noise ? "DPM-Solver" : "DPM-Solver++";
    for (int order = 1; order <= 3; ++order) {
      const std::string name = solver + "-" + std::to_string(order);
      const double r1 = order == 2 ? 0.5 : 1.0 / 3.0;
      for (const Flavour flavour : {Flavour::midpoint, Flavour::taylor}) {
        const std::string suffix = flavour == Flavour::taylor ? ", Taylor" : "";
        loops[name + " singlestep" + suffix] =
            singlestep_loop(space, order, flavour, r1, 2.0 / 3.0);
        loops[name + " multistep" + suffix] = multistep_loop({.order = order,
                                                              .space = space,
                                                              .flavour = flavour,
                                                              .singlestep_start = order == 3,
                                                              .start_flavour = flavour});
      }
    }
    loops[solver + "-2 singlestep, r1 = 0.3"] =
        singlestep_loop(space, 2, Flavour::midpoint, 0.3, 0.0);
    loops[solver + "-3 singlestep, r2 = 0.5"] =
        singlestep_loop(space, 3, Flavour::midpoint, 0.25, 0.5);
    loops[solver + "-3 singlestep, stages on the grid"] = on_grid_loop(space);
    loops[solver + "-3 singlestep, lower order at the end"] = [=](const Job& job) {
      std::vector<int> orders(job.grid.size() - 1, 3);
      orders[orders.size() - 2] = 2;
      orders.back() = 1;
      return book::dpm_solver_fast(network_of(job, space), schedule, job.grid, orders, job.x,
                                   space);
    };
    loops[solver + "-3 multistep, halved difference"] =
        multistep_loop({.order = 3,
                        .space = space,
                        .second_difference = book::SecondDifference::halved,
                        .singlestep_start = true});
    loops[solver + "-3 multistep, lower-order start"] =
        multistep_loop({.order = 3, .space = space});
    loops[solver + "-3 multistep, lower order at the end"] = multistep_loop(
        {.order = 3, .space = space, .lower_order_final = true, .singlestep_start = true});
  }
  loops["DDIM"] = [](const Job& j) { return book::ddim(j.noise, j.grid, j.x); };
  for (const auto& [name, eta] : {std::pair{"DDIM, eta = 0.5", 0.5}, {"DDIM, eta = 1", 1.0}}) {
    loops[name] = [eta = eta](const Job& j) {
      return book::ddim(j.noise, j.grid, j.x, eta, j.draws);
    };
  }
  loops["DDPM, posterior variance"] = [](const Job& j) {
    return book::ddpm(j.noise, j.grid, j.x, book::DdpmVariance::posterior, j.draws);
  };
  loops["DDPM, beta variance"] = [](const Job& j) {
    return book::ddpm(j.noise, j.grid, j.x, book::DdpmVariance::beta, j.draws);
  };
  loops["PNDM"] = [](const Job& j) { return book::pndm(j.noise, schedule, j.grid, j.x); };
  loops["PNDM, PLMS only"] = [](const Job& j) { return book::plms(j.noise, j.grid, j.x); };
  return loops;
}

Vec run_plan(const dpm::Plan& plan) {
  Vec x = test_start();
  dpm::RunOptions<Vec> options;
  if (plan.draws() > 0) options.noise = &test_draw;
  dpm::sample(plan, test_model(plan.prediction), x, options);
  return x;
}

Job job_on(const dpm::Grid& grid) {
  Job job;
  job.noise = [](const Vec& x, const dpm::Level& at) {
    Vec out(x.size());
    test_network(x, at.time, out);
    return out;
  };
  job.grid.assign(grid.levels().begin(), grid.levels().end());
  job.x = test_start();
  for (std::uint32_t k = 0; k < grid.steps(); ++k) {
    job.draws.emplace_back(job.x.size());
    test_draw(job.draws.back(), {k, {}, {}});
  }
  return job;
}

}  // namespace

TEST_CASE("law 4: every plan equals the paper's loop") {
  const auto loops = textbook_loops();
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    REQUIRE(loops.count(method.name) == 1);
    const std::vector<dpm::Grid> grids{
        make_grid(dpm::UniformLambda{}, schedule, 12),
        make_grid(dpm::UniformTime{.end = 0.01}, schedule, 18),
        make_grid(dpm::QuadraticTime{.start = 0.8}, schedule, 9),
        make_grid(dpm::UniformLambda{.start = 0.02, .end = 0.9}, schedule, 12),  // inversion
    };
    for (const dpm::Grid& grid : grids) {
      const bool inverts = grid.back().time > grid.front().time;
      if (inverts && method.stochastic) continue;
      const Vec expected = loops.at(method.name)(job_on(grid));
      const Vec result = run_plan(method(grid, dpm::Prediction::noise));
      CAPTURE(grid.front().time, grid.steps());
      REQUIRE(relative_difference(result, expected) < 1e-12);
    }
  }
}

TEST_CASE("law 4: DPM-Solver-fast equals the paper's loop for every budget") {
  for (int calls = 3; calls <= 24; ++calls) {
    CAPTURE(calls);
    const std::vector<int> orders = book::dpm_solver_fast_orders(calls);
    const dpm::Grid grid =
        make_grid(dpm::UniformLambda{}, schedule, static_cast<int>(orders.size()));
    const dpm::DpmSolver fast{.order = 3,
                              .form = dpm::DpmSolver::Form::singlestep,
                              .space = dpm::Space::noise,
                              .calls = calls};
    const dpm::Plan plan = make_plan(fast, grid);
    REQUIRE(plan.evaluations() == calls);
    const Job job = job_on(grid);
    const Vec expected = book::dpm_solver_fast(job.noise, schedule, job.grid, orders, job.x);
    REQUIRE(relative_difference(run_plan(plan), expected) < 1e-12);
  }
}

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
          book::unip_3_from(states, network_of(job, book_space), job.grid, book_space, form);
      REQUIRE(relative_difference(x, unip) < 1e-12);
    }
  }
}
