// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What every method gets from its one function: plans, also for a number of model calls.
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/gaussian_runs.hpp"
#include "support/refused.hpp"
#include "support/test_network.hpp"

namespace method_test {

using namespace dpm_test;
using dpm::Correction;
using dpm::Ddim;
using dpm::Ddpm;
using dpm::Deis;
using dpm::DpmSolver;
using dpm::Ipndm;
using dpm::Plan;
using dpm::Pndm;
using dpm::Prediction;
using dpm::SaSolver;
using dpm::Space;
using dpm::UniPc;

namespace {

constexpr auto singlestep = DpmSolver::Form::singlestep;
constexpr auto multistep = DpmSolver::Form::multistep;
constexpr auto on_grid = DpmSolver::Stages::on_grid;
const dpm::AnySchedule schedule = dpm::VpLinear();

/// The orders of the steps for a number of calls (arXiv 2206.00927, App. D.3, for order 3; order 2
/// as the official code): full orders first, whatever is left in the last one or two.
std::vector<int> shared_out(int order, int calls, bool lower_order_final) {
  std::vector<int> orders(static_cast<std::size_t>(calls / order), order);
  const int rest = calls % order;
  if (rest > 0) orders.push_back(rest);
  if (order > 1 && rest == 0 && lower_order_final) {
    orders.back() = order - 1;
    orders.push_back(1);
  }
  return orders;
}

/// All combinations of the options that decide how calls are spent.
std::vector<DpmSolver> solvers() {
  std::vector<DpmSolver> all;
  for (const auto form : {singlestep, multistep}) {
    for (const auto space : {Space::noise, Space::data}) {
      for (const auto stages : {DpmSolver::Stages::at_ratios, on_grid}) {
        for (const auto start : {DpmSolver::Start::singlestep, DpmSolver::Start::lower_order}) {
          for (const bool lower_order_final : {false, true}) {
            for (const bool denoise : {false, true}) {
              for (int order = 1; order <= 3; ++order) {
                all.push_back({.order = order,
                               .form = form,
                               .space = space,
                               .stages = stages,
                               .start = start,
                               .lower_order_final = lower_order_final,
                               .denoise_to_zero = denoise});
              }
            }
          }
        }
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("DPM-Solver makes exactly the calls it is given") {
  for (const DpmSolver& solver : solvers()) {
    for (int calls = solver.denoise_to_zero ? 2 : 1; calls <= 40; ++calls) {
      CAPTURE(solver.order, solver.form == singlestep, solver.space == Space::noise,
              solver.stages == on_grid, solver.start == DpmSolver::Start::lower_order,
              solver.lower_order_final, solver.denoise_to_zero, calls);
      const Plan plan = make_plan(solver, schedule, calls);
      REQUIRE(plan.model_calls() == calls);
      REQUIRE(plan.steps.front().from == schedule.level(1.0));
      REQUIRE(plan.steps.back().to == schedule.level(solver.denoise_to_zero ? 0.0 : 1e-3));

      std::vector<int> orders = calls_of_steps(plan);
      if (solver.denoise_to_zero) {
        REQUIRE(orders.back() == 1);
        orders.pop_back();
      }
      const int left = solver.denoise_to_zero ? calls - 1 : calls;
      if (solver.form == singlestep) {
        REQUIRE(orders == shared_out(solver.order, left, solver.lower_order_final));
      } else {
        std::vector<int> expected(static_cast<std::size_t>(left), 1);
        const bool only_step_is_last = solver.lower_order_final && left == 2;
        if (solver.order == 3 && solver.start == DpmSolver::Start::singlestep && left >= 2 &&
            !only_step_is_last) {
          expected.pop_back();
          expected.front() = 2;
        }
        REQUIRE(orders == expected);
      }
    }
  }
}

TEST_CASE("the other methods make exactly the calls they are given") {
  for (int calls = 1; calls <= 40; ++calls) {
    CAPTURE(calls);
    REQUIRE(make_plan(Ddim{}, schedule, calls).model_calls() == calls);
    REQUIRE(make_plan(Ddim{.eta = 1.0}, schedule, calls).model_calls() == calls);
    REQUIRE(make_plan(Ddpm{}, schedule, calls).model_calls() == calls);
    if (calls >= 2) {
      REQUIRE(make_plan(Pndm{.warmup = Pndm::Warmup::plms}, schedule, calls).model_calls() ==
              calls);
    }
    if (calls >= 12) REQUIRE(make_plan(Pndm{}, schedule, calls).model_calls() == calls);
  }
}

TEST_CASE("a plan by calls lies on the spacing and takes the prediction it is given") {
  const dpm::QuadraticTime spacing{.start = 0.8, .end = 0.02};
  const Plan plan =
      make_plan(DpmSolver{}, schedule, 7, spacing, Prediction::velocity, Correction::data);
  REQUIRE(plan == make_plan(DpmSolver{}, make_grid(spacing, schedule, 7), Prediction::velocity,
                            Correction::data));
  REQUIRE(make_plan(Ddim{}, schedule, 7) ==
          make_plan(Ddim{}, make_grid(dpm::UniformTime{}, schedule, 7)));
  REQUIRE(make_plan(DpmSolver{}, schedule, 7) ==
          make_plan(DpmSolver{}, make_grid(dpm::UniformLambda{}, schedule, 7)));
}

TEST_CASE("every method refuses fewer calls than it needs") {
  for (const int calls : {0, -1, std::numeric_limits<int>::min()}) {
    const std::string value = std::to_string(calls);
    refused([&] { (void)make_plan(DpmSolver{}, schedule, calls); },
            "DpmSolver: model_calls = " + value + "; it needs at least 1");
    refused([&] { (void)make_plan(DpmSolver{.form = singlestep}, schedule, calls); },
            "DpmSolver: model_calls = " + value + "; it needs at least 1");
    refused([&] { (void)make_plan(Ddim{}, schedule, calls); },
            "Ddim: model_calls = " + value + "; it needs at least 1");
    refused([&] { (void)make_plan(Ddpm{}, schedule, calls); },
            "Ddpm: model_calls = " + value + "; it needs at least 1");
  }
  refused([&] { (void)make_plan(DpmSolver{.denoise_to_zero = true}, schedule, 1); },
          "DpmSolver: model_calls = 1; it needs at least 2");
  refused([&] { (void)make_plan(Pndm{}, schedule, 11); },
          "Pndm with the Runge-Kutta warm-up: model_calls = 11; it needs at least 12");
  refused([&] { (void)make_plan(Pndm{.warmup = Pndm::Warmup::plms}, schedule, 1); },
          "Pndm: model_calls = 1; it needs at least 2");
}

TEST_CASE("DPM-Solver on a grid spends its budget of calls") {
  const auto orders = [](int calls, int steps, bool lower_order_final) {
    const DpmSolver solver{.order = 3,
                           .form = singlestep,
                           .model_calls = calls,
                           .lower_order_final = lower_order_final};
    return calls_of_steps(make_plan(solver, make_grid(dpm::UniformLambda{}, schedule, steps)));
  };
  REQUIRE(orders(0, 4, false) == std::vector<int>{3, 3, 3, 3});
  REQUIRE(orders(0, 4, true) == std::vector<int>{3, 3, 2, 1});
  REQUIRE(orders(12, 4, false) == std::vector<int>{3, 3, 3, 3});
  REQUIRE(orders(9, 4, false) == std::vector<int>{3, 3, 2, 1});
  REQUIRE(orders(7, 4, false) == std::vector<int>{3, 2, 1, 1});
  REQUIRE(orders(4, 4, false) == std::vector<int>{1, 1, 1, 1});
  REQUIRE(orders(9, 4, true) == std::vector<int>{3, 3, 2, 1});
  REQUIRE(orders(8, 4, true) == std::vector<int>{3, 3, 1, 1});
}

TEST_CASE("DPM-Solver refuses a budget that its grid cannot spend") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 5);
  const auto refuses = [&](const DpmSolver& solver, const std::string& sentence) {
    refused([&] { (void)make_plan(solver, grid); }, sentence);
  };
  for (const int calls : {4, 16}) {
    refuses({.order = 3, .form = singlestep, .model_calls = calls},
            "DpmSolver: model_calls = " + std::to_string(calls) +
                " over 5 steps of order at most 3; it must lie between 5 and 15");
  }
  refuses(
      {.order = 3, .form = singlestep, .model_calls = 13, .lower_order_final = true},
      "DpmSolver: model_calls = 13 over 5 steps of order at most 3; it must lie between 5 and 12");
  refuses(
      {.order = 2, .form = singlestep, .stages = on_grid, .model_calls = 6},
      "DpmSolver: model_calls = 6 with stages on a grid of 5 steps; there each step is one call");
  REQUIRE(make_plan(DpmSolver{.order = 3, .form = singlestep, .stages = on_grid, .model_calls = 5},
                    grid)
              .model_calls() == 5);
}

TEST_CASE("a number of calls is met exactly or refused") {
  const DpmSolver third{.order = 3};
  // The first step of this one is of first order, so that there is a call for one step more.
  const dpm::Plan from_noise =
      make_plan(third, zero_terminal(), 20, dpm::UniformTime{}, Prediction::velocity);
  REQUIRE(from_noise.model_calls() == 20);
  REQUIRE(from_noise.steps.size() == 20);
  const DpmSolver second{.order = 2, .form = singlestep};
  REQUIRE_THROWS_WITH(
      make_plan(second, schedule, 20, dpm::UniformTime{.end = 0.0}),
      mentions(
          "calls = 20 over a grid from time 1 to time 0, where 10 steps make 19 calls, because "
          "steps that touch sigma = 0 or alpha = 0 are of first order"));
  REQUIRE_THROWS_WITH(
      make_plan(DpmSolver{.order = 2, .form = singlestep, .model_calls = 7}, schedule, 10),
      "DpmSolver: model_calls = 7 among the options and 10 to plan for; leave the option 0");
}

TEST_CASE("the multistep methods refuse fewer calls than one") {
  for (const int bad : {0, -3}) {
    const std::string text = std::to_string(bad) + "; it needs at least 1";
    refused([&] { (void)dpm::make_plan(UniPc{}, schedule, bad); }, "UniPc: model_calls = " + text);
    refused([&] { (void)dpm::make_plan(Deis{}, schedule, bad); }, "Deis: model_calls = " + text);
    refused([&] { (void)dpm::make_plan(SaSolver{}, schedule, bad); },
            "SaSolver: model_calls = " + text);
    refused([&] { (void)dpm::make_plan(Ipndm{}, schedule, bad); }, "Ipndm: model_calls = " + text);
  }
}

namespace {
namespace mine {

/// DDIM twice over each interval's first half and second half.
struct Halves {
  static constexpr const char* name = "Halves";
};

void write(dpm::PlanBuilder& builder, const Halves& /*method*/, const dpm::Grid& grid) {
  std::vector<double> times{grid[0].time};
  for (std::size_t i = 1; i < grid.levels().size(); ++i) {
    times.push_back(0.5 * (grid[i - 1].time + grid[i].time));
    times.push_back(grid[i].time);
  }
  write(builder, Ddim{}, dpm::grid_of_times(grid.schedule(), times));
}

dpm::Budget<Halves> for_model_calls(const Halves& method, int model_calls) {
  return {method, model_calls / 2};
}

dpm::UniformLambda default_spacing(const Halves& /*method*/) { return {}; }

/// One call a step and uniform time, which it need not say.
struct Plain {
  static constexpr const char* name = "Plain";
};

void write(dpm::PlanBuilder& builder, const Plain& /*method*/, const dpm::Grid& grid) {
  write(builder, Ddim{}, grid);
}

/// Two calls a step, of which it says nothing.
struct Silent {
  static constexpr const char* name = "Silent";
};

void write(dpm::PlanBuilder& builder, const Silent& /*method*/, const dpm::Grid& grid) {
  write(builder, dpm::Heun{}, grid);
}

}  // namespace mine
}  // namespace

TEST_CASE("a method of another namespace is planned and sampled like the library's") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 6);
  for (const Prediction prediction : {Prediction::noise, Prediction::data, Prediction::velocity,
                                      Prediction::score, Prediction::flow}) {
    for (const Correction correction : {Correction::none, Correction::data}) {
      REQUIRE(make_plan(mine::Plain{}, grid, prediction, correction) ==
              make_plan(Ddim{}, grid, prediction, correction));
    }
  }
  REQUIRE(dpm::make_plan(mine::Plain{}, schedule, 20) == dpm::make_plan(Ddim{}, schedule, 20));
  std::vector<double> x = test_start();
  std::vector<double> y = test_start();
  dpm::sample(mine::Plain{}, schedule, 8, test_model(Prediction::noise), x);
  dpm::sample(Ddim{}, schedule, 8, test_model(Prediction::noise), y);
  REQUIRE(x == y);
  REQUIRE_THROWS_WITH(dpm::make_plan(mine::Plain{}, schedule, 0),
                      "Plain: model_calls = 0; it needs at least 1");
}

TEST_CASE("a method's own rules for model calls and spacing count") {
  const Plan plan = dpm::make_plan(mine::Halves{}, schedule, 10);
  REQUIRE(plan.model_calls() == 10);
  REQUIRE(plan == make_plan(mine::Halves{}, make_grid(dpm::UniformLambda{}, schedule, 5)));
  // The caller's number is at fault here, not the method's rule.
  REQUIRE_THROWS_WITH(dpm::make_plan(mine::Halves{}, schedule, 11),
                      mentions("model_calls = 11 over a grid from time 1 to time 0.001, where 5 "
                               "steps make 10 calls; ask for a number that whole steps make"));
}

TEST_CASE("a method that makes more calls a step and does not say so is told what to say") {
  REQUIRE_THROWS_WITH(dpm::make_plan(mine::Silent{}, schedule, 20),
                      "make_plan: model_calls = 20 over a grid from time 1 to time 0.001, where 20 "
                      "steps make 40 calls; ask for a number that whole steps make, unless the "
                      "method's for_model_calls has named the wrong number of steps");
  // Nor is the end at sigma = 0 to blame, where one of 40 calls is saved.
  REQUIRE_THROWS_WITH(
      dpm::make_plan(mine::Silent{}, schedule, 20, dpm::UniformTime{.end = 0.0}),
      mentions("where 20 steps make 39 calls; ask for a number that whole steps make"));
}

namespace {
namespace mine {

/// A mistake that a method's author may make, in each of its steps.
enum class Mistake { none, nothing, a_step_too_few, late_start, a_step_too_many, no_call };

struct Mistaken {
  static constexpr const char* name = "Mistaken";
  Mistake mistake = Mistake::none;
};

void write(dpm::PlanBuilder& builder, const Mistaken& method, const dpm::Grid& grid) {
  if (method.mistake == Mistake::nothing) return;
  builder.set_space(Space::data);
  const auto step = [&](const dpm::Level& s, const dpm::Level& t) {
    builder.begin_step(s, t);
    if (method.mistake == Mistake::no_call) {
      builder.combine(dpm::sample_register, {{dpm::sample_register, 0.5}});
      return;
    }
    const dpm::Register now = builder.evaluate(0, dpm::sample_register, s);
    builder.combine(dpm::sample_register, {{dpm::sample_register, 0.5}, {now, 0.5}});
  };
  const std::size_t first = method.mistake == Mistake::late_start ? 1 : 0;
  const std::size_t last = grid.steps() - (method.mistake == Mistake::a_step_too_few ? 1 : 0);
  for (std::size_t i = first; i < last; ++i) step(grid[i], grid[i + 1]);
  if (method.mistake == Mistake::a_step_too_many) {
    step(grid.back(), grid.schedule().level(0.5 * grid.back().time));
  }
}

}  // namespace mine
}  // namespace

TEST_CASE("a plan that does not lead over its grid, or never calls the model, is refused") {
  using mine::Mistake;
  const dpm::Grid grid = make_grid(dpm::UniformTime{.start = 1.0, .end = 0.25}, schedule, 3);
  REQUIRE(make_plan(mine::Mistaken{}, grid).model_calls() == 3);
  const auto refuses = [&](Mistake mistake, const std::string& sentence) {
    refused([&] { (void)make_plan(mine::Mistaken{mistake}, grid); }, sentence);
  };
  const auto leads = [](int steps, const std::string& from, const std::string& to) {
    return "Mistaken: the plan's " + std::to_string(steps) + " steps lead from time " + from +
           " to time " + to +
           " and the 3 of the grid from time 1 to time 0.25; write must call begin_step with the "
           "levels grid[i] and grid[i + 1], for each i below grid.steps()";
  };
  refuses(Mistake::a_step_too_few, leads(2, "1", "0.5"));
  refuses(Mistake::late_start, leads(2, "0.75", "0.25"));
  refuses(Mistake::a_step_too_many, leads(4, "1", "0.125"));
  refuses(
      Mistake::no_call,
      "Mistaken: the plan never calls the model; write must call evaluate and combine its result");
  refuses(Mistake::nothing,
          "PlanBuilder: the plan has no steps; write must call begin_step, then evaluate and "
          "combine, for each interval of the grid");
}

TEST_CASE("a plan may go on from the end of its grid to clean data") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 4);
  const Plan plan = make_plan(DpmSolver{.denoise_to_zero = true}, grid);
  REQUIRE(plan.steps.size() == 5);
  REQUIRE(plan.end() == schedule.level(0.0));
}

TEST_CASE("a prediction that is left out is the noise, where networks predict the noise") {
  for (const dpm::AnySchedule& on :
       {dpm::AnySchedule(dpm::VpLinear()), dpm::AnySchedule(dpm::VpCosine()),
        dpm::AnySchedule(dpm::DiscreteSchedule(dpm::scaled_linear_betas())),
        dpm::AnySchedule(dpm::VarianceExploding())}) {
    REQUIRE(dpm::make_plan(on, 5) == dpm::make_plan(on, 5, dpm::Prediction::noise));
    const dpm::Grid grid = make_grid(dpm::UniformTime{.start = 0.02}, on, 5);
    REQUIRE(make_plan(dpm::DpmSolver{}, grid).prediction == dpm::Prediction::noise);
  }
}

TEST_CASE("a prediction that is left out is refused where networks predict something else") {
  using State = std::vector<double>;
  const auto model = [](const State& in, double, State& out) { out = in; };
  const auto refused_on = [&](const dpm::AnySchedule& on, double end, const std::string& sentence) {
    const dpm::DpmSolver method;
    State x{0.5, -0.5};
    const dpm::Grid grid = make_grid(dpm::UniformTime{.end = end}, on, 4);
    refused([&] { (void)make_plan(method, grid); }, sentence);
    refused([&] { (void)dpm::make_plan(method, on, 4); }, sentence);
    refused([&] { (void)dpm::make_plan(method, on, 4, dpm::UniformTime{}); }, sentence);
    refused([&] { (void)dpm::make_plan(on, 4); }, sentence);
    refused([&] { dpm::sample(method, on, 4, model, x); }, sentence);
    refused([&] { dpm::sample(on, 4, model, x); }, sentence);
    const double start = 0.9 * on.last_time();
    refused([&] { dpm::sample_adaptive({.start = start, .end = end}, on, model, x); }, sentence);
    const auto no_edit = [](State&, const dpm::Progress<State>&) { return false; };
    refused([&] { dpm::sample_with_edits(method, grid, model, x, no_edit); }, sentence);
    REQUIRE(x == State{0.5, -0.5});
    // What is said is legal.
    REQUIRE(dpm::make_plan(on, 4, dpm::Prediction::velocity).model_calls() == 4);
    REQUIRE(
        dpm::make_plan(method, on, 4, dpm::UniformTime{}, dpm::Prediction::data).model_calls() ==
        4);
    REQUIRE_NOTHROW(make_plan(method, grid.from(1), dpm::Prediction::noise));
  };
  refused_on(dpm::Edm(), 0.01,
             "make_plan: no prediction is given on a schedule that scales the model's input, as "
             "the networks of EDM want it; say what the model predicts, such as Prediction::edm");
  refused_on(dpm::RectifiedFlow(3.0), 0.01,
             "make_plan: no prediction is given on the path of a flow, where alpha + sigma is 1; "
             "say what the model predicts, such as Prediction::flow");
}

TEST_CASE("methods of several calls a step end at sigma 0 with the number of calls asked for") {
  const dpm::Karras to_zero{.final = dpm::FinalSigma::zero};
  const auto check = [&](const auto& method, int calls, std::size_t steps) {
    CAPTURE(method.name, calls);
    const Plan plan = make_plan(method, schedule, calls, to_zero);
    CHECK(plan.model_calls() == calls);
    CHECK(plan.steps.size() == steps);
    CHECK(plan.end().sigma() == 0.0);
    // One call more is that of no number of steps.
    CHECK_THROWS_WITH(
        (void)make_plan(method, schedule, calls + 1, to_zero),
        mentions("because steps that touch sigma = 0 or alpha = 0 are of first order"));
  };
  check(dpm::Heun{}, 39, 20);
  check(dpm::Heun{}, 1, 1);
  check(dpm::DpmSolverSde{}, 39, 20);
  check(dpm::Seeds{}, 39, 20);
  check(dpm::Seeds{.stages = 3}, 58, 20);
  check(dpm::CfgPlusPlus{.update = dpm::CfgPlusPlus::Update::singlestep}, 39, 20);
  check(dpm::Restart{}, 57, 29);
}

}  // namespace method_test
