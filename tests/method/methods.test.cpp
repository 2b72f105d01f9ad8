// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The methods' plans: what they cost, what they integrate exactly, singular ends, refusals.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/test_network.hpp"

using namespace dpm_test;
using dpm::Correction;
using dpm::Ddim;
using dpm::Ddpm;
using dpm::DpmSolver;
using dpm::Level;
using dpm::Plan;
using dpm::Pndm;
using dpm::Prediction;
using dpm::Space;
using State = std::vector<double>;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr auto singlestep = DpmSolver::Form::singlestep;
constexpr auto multistep = DpmSolver::Form::multistep;
constexpr auto taylor = DpmSolver::Update::taylor;
constexpr auto midpoint = DpmSolver::Update::midpoint;
constexpr auto on_grid = DpmSolver::Stages::on_grid;

const dpm::AnySchedule schedule = dpm::VpLinear();
const std::vector<Prediction> predictions{Prediction::noise, Prediction::data, Prediction::velocity,
                                          Prediction::score};

/// A table of 1000 betas that ends in pure noise, alpha = 0.
dpm::AnySchedule zero_terminal() {
  return dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::linear_betas(1000)));
}

/// How often each step calls the model.
std::vector<int> calls_of_steps(const Plan& plan) {
  std::vector<int> calls;
  for (const dpm::Step& step : plan.steps) {
    calls.push_back(0);
    for (const dpm::Instruction& i : step.instructions) {
      calls.back() += std::holds_alternative<dpm::Evaluate>(i) ? 1 : 0;
    }
  }
  return calls;
}

void require_finite(const State& x) {
  for (const double value : x) REQUIRE(std::isfinite(value));
}

void require_finite_weights(const Plan& plan) {
  for (const dpm::Step& step : plan.steps) {
    for (const dpm::Instruction& i : step.instructions) {
      if (const auto* c = std::get_if<dpm::Combine>(&i)) {
        for (const double weight : c->weights) REQUIRE(std::isfinite(weight));
      }
    }
  }
}

/// Data N(0.4, 0.6^2) in every dimension, in any prediction, written so that it exists at both
/// singular ends too.
constexpr double mean = 0.4;
constexpr double stddev = 0.6;
double gaussian_output(Prediction prediction, double x, const Level& at) {
  const double alpha = at.alpha();
  const double sigma = at.sigma();
  const double score = -(x - alpha * mean) / (alpha * alpha * stddev * stddev + sigma * sigma);
  const double data = mean - alpha * stddev * stddev * score;
  if (prediction == Prediction::noise) return -sigma * score;
  if (prediction == Prediction::data) return data;
  if (prediction == Prediction::velocity) return -alpha * sigma * score - sigma * data;
  return score;
}

auto gaussian_model(Prediction prediction) {
  return [prediction](const State& x, const Level& at, State& out) {
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = gaussian_output(prediction, x[i], at);
  };
}

/// Where the sample stands after each step; the last is the result.
std::vector<State> states_of(const Plan& plan) {
  std::vector<State> states;
  dpm::RunOptions<State> options;
  if (plan.draws() > 0) options.noise = &test_draw;
  options.observer = [&](const dpm::Progress<State>& p) { states.push_back(p.sample); };
  State x = test_start();
  dpm::sample(plan, gaussian_model(plan.prediction), x, options);
  REQUIRE(states.back() == x);
  return states;
}

/// The last step starts afresh at `from`: a step of first order to sigma = 0 is the data
/// prediction.
void require_data_prediction(const State& result, const State& before, const Level& from) {
  for (std::size_t i = 0; i < result.size(); ++i) {
    REQUIRE_THAT(result[i], WithinAbs(gaussian_output(Prediction::data, before[i], from), 1e-12));
  }
}

void refused(const std::function<void()>& call, const std::string& sentence) {
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), sentence);
}

}  // namespace

// Costs -----------------------------------------------------------------------

TEST_CASE("what each method costs on a grid of 12 steps") {
  struct Cost {
    std::string name;
    int model_calls;
    int draws;
    std::size_t predictions;
    bool uses_stage;
  };
  std::vector<Cost> costs;
  for (const std::string solver : {"DPM-Solver", "DPM-Solver++"}) {
    const std::vector<Cost> both{
        {"-1 singlestep", 12, 0, 1, false},
        {"-2 singlestep", 24, 0, 2, true},
        {"-3 singlestep", 36, 0, 3, true},
        {"-1 multistep", 12, 0, 1, false},
        {"-2 multistep", 12, 0, 2, false},
        {"-3 multistep", 13, 0, 3, true},  // one more call for its singlestep start
        {"-2 singlestep, Taylor", 24, 0, 2, true},
        {"-3 singlestep, Taylor", 36, 0, 3, true},
        {"-2 multistep, Taylor", 12, 0, 2, false},
        {"-3 multistep, Taylor", 13, 0, 3, true},
        {"-2 singlestep, r1 = 0.3", 24, 0, 2, true},
        {"-3 singlestep, r2 = 0.5", 36, 0, 3, true},
        {"-3 singlestep, stages on the grid", 12, 0, 3, true},
        {"-3 singlestep, lower order at the end", 33, 0, 3, true},  // 10 * 3 + 2 + 1
        {"-3 multistep, halved difference", 13, 0, 3, true},
        {"-3 multistep, lower-order start", 12, 0, 3, false},
        {"-3 multistep, lower order at the end", 13, 0, 3, true},
    };
    for (Cost cost : both) {
      cost.name = solver + cost.name;
      costs.push_back(cost);
    }
  }
  for (const std::string solver : {"SDE-DPM-Solver-", "SDE-DPM-Solver++-"}) {
    for (const std::string suffix : {"", ", tau = 0.5"}) {
      costs.push_back({solver + "1" + suffix, 12, 12, 1, false});
      costs.push_back({solver + "2" + suffix, 12, 12, 2, false});
      costs.push_back({solver + "3" + suffix, 12, 12, 3, false});
    }
    costs.push_back({solver + "2, Taylor", 12, 12, 2, false});
  }
  for (const std::string suffix : {"", ", noise"}) {
    for (const std::string form : {" bh1", " bh2", " varying"}) {
      // One prediction more than the predictor's, for the corrector.
      costs.push_back({"UniPC-1" + form + suffix, 12, 0, 2, false});
      costs.push_back({"UniPC-2" + form + suffix, 12, 0, 3, false});
      costs.push_back({"UniPC-3" + form + suffix, 12, 0, 4, false});
    }
    costs.push_back({"UniPC-4 bh2" + suffix, 12, 0, 5, false});
    costs.push_back({"UniP-2 bh1" + suffix, 12, 0, 2, false});
    costs.push_back({"UniP-3 bh1" + suffix, 12, 0, 3, false});
    costs.push_back({"UniPC-3 bh2, lower order at the end" + suffix, 12, 0, 4, false});
    costs.push_back({"SA-Solver" + suffix, 12, 12, 4, false});
    costs.push_back({"SA-Solver, tau = 0.5" + suffix, 12, 12, 4, false});
    costs.push_back({"SA-Solver, predictor alone" + suffix, 12, 12, 3, false});
  }
  costs.push_back({"SA-Solver, predictor 4, corrector 2", 12, 12, 5, false});
  // Half of the steps lie between times 0.1 and 0.9, where tau is not 0.
  costs.push_back({"SA-Solver, tau within", 12, 6, 4, false});
  for (const std::size_t order : {2U, 3U, 4U}) {
    const std::string n = std::to_string(order);
    costs.push_back({"tAB-DEIS-" + n, 12, 0, order, false});
    costs.push_back({"rhoAB-DEIS-" + n, 12, 0, order, false});
    if (order > 2) costs.push_back({"DEIS-" + n + " in log rho", 12, 0, order, false});
    costs.push_back({"iPNDM-" + n, 12, 0, order, false});
  }
  costs.push_back({"DPM-Solver++-2 multistep, first order at the end", 12, 0, 2, false});
  costs.push_back({"Heun", 24, 0, 2, true});
  for (const std::string variable : {" in time", " in lambda"}) {
    costs.push_back({"Runge-Kutta-2" + variable, 24, 0, 2, true});
    costs.push_back({"Runge-Kutta-4" + variable, 48, 0, 4, true});
  }
  costs.push_back({"DDIM", 12, 0, 1, false});
  costs.push_back({"DDIM, eta = 0.5", 12, 12, 1, false});
  costs.push_back({"DDIM, eta = 1", 12, 12, 1, false});
  costs.push_back({"DDPM, posterior variance", 12, 12, 1, false});
  costs.push_back({"DDPM, beta variance", 12, 12, 1, false});
  costs.push_back({"PNDM", 21, 0, 6, true});  // 9 more in its warm-up
  costs.push_back({"PNDM, PLMS only", 13, 0, 4, true});

  const std::vector<NamedMethod> methods = every_method();
  REQUIRE(methods.size() == costs.size());
  for (const NamedMethod& method : methods) {
    const auto cost = std::find_if(costs.begin(), costs.end(),
                                   [&](const Cost& c) { return c.name == method.name; });
    INFO(method.name);
    REQUIRE(cost != costs.end());
    for (const Prediction prediction : predictions) {
      const Plan plan = method(method.grid(schedule, 1.0, 1e-3, 12), prediction);
      REQUIRE(plan.model_calls() == cost->model_calls);
      REQUIRE(plan.draws() == cost->draws);
      REQUIRE(plan.corrections() == 0);
      REQUIRE(plan.predictions() == cost->predictions);
      REQUIRE(plan.uses_stage() == cost->uses_stage);
      REQUIRE(plan.prediction == prediction);
    }
  }
}

TEST_CASE("a step that ends at sigma = 0 draws no noise") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 12);
  REQUIRE(make_plan(Ddim{.eta = 1.0}, grid).draws() == 11);
  REQUIRE(make_plan(Ddpm{}, grid).draws() == 11);
  REQUIRE(make_plan(Ddpm{.variance = Ddpm::Variance::beta}, grid).draws() == 11);
}

// By calls --------------------------------------------------------------------

namespace {

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

// Options ---------------------------------------------------------------------

TEST_CASE("DPM-Solver refuses options out of range") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 5);
  const auto refuses = [&](const DpmSolver& solver, const std::string& sentence) {
    refused([&] { (void)make_plan(solver, grid); }, sentence);
    refused([&] { (void)make_plan(solver, schedule, 10); }, sentence);
  };
  for (const int order : {0, 4, -1}) {
    refuses({.order = order},
            "DpmSolver: order = " + std::to_string(order) + "; it must be 1, 2 or 3");
  }
  const std::vector<std::pair<double, std::string>> not_ratios{
      {0.0, "0"}, {1.0, "1"}, {-0.5, "-0.5"}, {1.5, "1.5"}, {not_a_number, "nan"}};
  for (const auto& [r1, text] : not_ratios) {
    refuses({.form = singlestep, .r1 = r1},
            "DpmSolver: r1 = " + text + "; it must lie between 0 and 1");
  }
  const std::vector<std::pair<double, std::string>> not_above_r1{
      {0.5, "0.5"}, {0.25, "0.25"}, {1.0, "1"}, {not_a_number, "nan"}};
  for (const auto& [r2, text] : not_above_r1) {
    refuses({.order = 3, .form = singlestep, .r1 = 0.5, .r2 = r2},
            "DpmSolver: r2 = " + text + "; it must lie between r1 = 0.5 and 1");
  }
  refuses({.form = singlestep, .model_calls = -1},
          "DpmSolver: model_calls = -1; it must be 0 (as many as the steps need) or positive");
  refuses({.model_calls = 7},
          "DpmSolver: model_calls = 7 with the multistep form; it shares out calls over singlestep "
          "steps only");
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

TEST_CASE("Ddim refuses an eta that is no number, or more noise than there is") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 5);
  for (const auto& [eta, text] : std::vector<std::pair<double, std::string>>{
           {-0.5, "-0.5"}, {not_a_number, "nan"}, {infinity, "inf"}}) {
    refused([&, eta = eta] { (void)make_plan(Ddim{.eta = eta}, grid); },
            "Ddim: eta = " + text + "; it must be finite and at least 0");
  }
  // d = eta sigma_t sqrt(1 - e^(-2h)) may be sigma_t at most; here e^(-2h) = 9/25 and so 1.25.
  struct GrowingNoise {
    [[nodiscard]] Level level(double time) const { return {time, 0.0, std::log(time), time}; }
    [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }
    [[nodiscard]] double first_time() const { return 0.0; }
    [[nodiscard]] double last_time() const { return 5.0; }
  };
  const dpm::Grid steep = dpm::grid_of_times(GrowingNoise{}, std::vector<double>{5.0, 3.0});
  REQUIRE_NOTHROW(make_plan(Ddim{.eta = 1.2499}, steep));
  const auto too_much = [&] { (void)make_plan(Ddim{.eta = 1.2501}, steep); };
  REQUIRE_THROWS_AS(too_much(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(too_much(), mentions("make_plan: eta = 1.2501 over the step from time 5 to "
                                           "time 3; there it must be at most 1.2"));
}

TEST_CASE("inversion is refused where noise would have to be taken back") {
  const dpm::Grid up = make_grid(dpm::UniformTime{.start = 0.25, .end = 0.75}, schedule, 2);
  refused([&] { (void)make_plan(Ddim{.eta = 0.5}, up); },
          "make_plan: the step from time 0.25 to time 0.5 runs towards more noise with eta = 0.5; "
          "inversion needs eta = 0");
  for (const auto variance : {Ddpm::Variance::posterior, Ddpm::Variance::beta}) {
    const auto call = [&] { (void)make_plan(Ddpm{.variance = variance}, up); };
    REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(call(), mentions("Ddpm: the grid runs from time 0.25 to time 0.75"));
  }
  REQUIRE_NOTHROW(make_plan(Ddim{}, up));
}

TEST_CASE("Pndm refuses too few steps for its warm-up") {
  for (const int steps : {1, 2}) {
    const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, steps);
    refused([&] { (void)make_plan(Pndm{}, grid); },
            "Pndm: " + std::to_string(steps) +
                " steps with the Runge-Kutta warm-up; it takes at least 3 (or use Warmup::plms)");
    REQUIRE(make_plan(Pndm{.warmup = Pndm::Warmup::plms}, grid).model_calls() == steps + 1);
  }
}

TEST_CASE("the declared order follows from the options") {
  const auto order = [](const DpmSolver& solver) { return convergence_order(solver); };
  for (const auto space : {Space::noise, Space::data}) {
    for (const auto update : {midpoint, taylor}) {
      for (int p = 1; p <= 3; ++p) {
        REQUIRE(order({.order = p, .form = singlestep, .space = space, .update = update}) == p);
        REQUIRE(order({.order = p, .form = multistep, .space = space, .update = update}) == p);
      }
    }
  }
  // Third order is lost by each of these, second and first by none.
  const auto loses_third = [&](DpmSolver solver) {
    solver.order = 3;
    REQUIRE(order(solver) == 2);
    solver.order = 2;
    REQUIRE(order(solver) == 2);
    solver.order = 1;
    REQUIRE(order(solver) == 1);
  };
  loses_third({.form = singlestep, .r2 = 0.6});
  loses_third({.form = singlestep, .r2 = 0.6666});
  loses_third({.form = singlestep, .model_calls = 20});
  loses_third({.form = singlestep, .lower_order_final = true});
  loses_third({.form = multistep, .lower_order_final = true});
  loses_third({.form = multistep, .start = DpmSolver::Start::lower_order});
  loses_third({.form = multistep, .halved_second_difference = true});
  // These do not matter to the form that does not have them, nor to the limit.
  REQUIRE(order({.order = 3, .form = singlestep, .r1 = 0.2}) == 3);
  REQUIRE(order({.order = 3, .form = singlestep, .start = DpmSolver::Start::lower_order}) == 3);
  REQUIRE(order({.order = 3, .form = singlestep, .halved_second_difference = true}) == 3);
  REQUIRE(order({.order = 3, .form = singlestep, .r2 = 0.6, .stages = on_grid}) == 3);
  REQUIRE(order({.order = 3, .form = multistep, .r2 = 0.6}) == 3);
  REQUIRE(convergence_order(Ddim{}) == 1);
  REQUIRE(convergence_order(Ddim{.eta = 1.0}) == 1);
  REQUIRE(convergence_order(Ddpm{}) == 1);
  REQUIRE(convergence_order(Pndm{}) == 2);
  REQUIRE(convergence_order(dpm::Heun{}) == 2);
  for (const int p : {2, 4}) REQUIRE(convergence_order(dpm::RungeKutta{.order = p}) == p);
}

TEST_CASE("the declared order of multistep methods is limited by their start and their noise") {
  for (int p = 1; p <= 4; ++p) {
    const int at_most_2 = std::min(p, 2);
    REQUIRE(convergence_order(dpm::Deis{.order = p}) == at_most_2);
    REQUIRE(convergence_order(dpm::Ipndm{.order = p}) == at_most_2);
    REQUIRE(convergence_order(dpm::UniPc{.order = p}) == std::min(p + 1, 3));
    REQUIRE(convergence_order(dpm::UniPc{.order = p, .lower_order_final = true}) == 2);
    const dpm::UniPc predictor{.order = p, .corrector = false};
    REQUIRE(convergence_order(predictor) == at_most_2);
    REQUIRE(convergence_order(dpm::SaSolver{.predictor_order = p}) == 2);
    const dpm::SaSolver predictor_alone{.predictor_order = p, .corrector_order = 0};
    REQUIRE(convergence_order(predictor_alone) == at_most_2);
    if (p <= 3) REQUIRE(convergence_order(DpmSolver{.order = p, .tau = 1.0}) == at_most_2);
  }
}

// Exactness -------------------------------------------------------------------

namespace {

/// The antiderivative of e^(sign l) l^degree, for degrees up to 2.
double antiderivative(double sign, int degree, double l) {
  double polynomial = 1.0;
  if (degree == 1) polynomial = l - sign;
  if (degree == 2) polynomial = l * l - 2.0 * sign * l + 2.0;
  return sign * std::exp(sign * l) * polynomial;
}

/// x at t where the prediction is lambda^degree whatever x is: the integrals of arXiv 2206.00927,
/// Eq. 3.4 (noise space) and arXiv 2211.01095, Eq. 8 (data space).
double exact_polynomial(Space space, int degree, double x, const Level& s, const Level& t) {
  const double sign = space == Space::noise ? -1.0 : 1.0;
  const double integral =
      antiderivative(sign, degree, t.lambda()) - antiderivative(sign, degree, s.lambda());
  return space == Space::noise ? t.alpha() / s.alpha() * x - t.alpha() * integral
                               : t.sigma() / s.sigma() * x + t.sigma() * integral;
}

/// Error at grid[last] of a run whose prediction is lambda^degree, against the exact solution
/// through what the run itself has at grid[first].
double polynomial_error(const DpmSolver& solver, const dpm::Grid& grid, int degree,
                        std::size_t first, std::size_t last) {
  const Prediction prediction = solver.space == Space::noise ? Prediction::noise : Prediction::data;
  std::vector<double> values{0.8};
  dpm::RunOptions<State> options;
  options.observer = [&](const dpm::Progress<State>& p) { values.push_back(p.sample[0]); };
  State x{values[0]};
  dpm::sample(
      make_plan(solver, grid, prediction),
      [&](const State&, const Level& at, State& out) { out[0] = std::pow(at.lambda(), degree); }, x,
      options);
  const double exact =
      exact_polynomial(solver.space, degree, values.at(first), grid[first], grid[last]);
  return std::abs(values.at(last) - exact);
}

/// What rounding may leave of an exact result, and what no inexact one comes near.
constexpr double rounding = 1e-13;
constexpr double inexact = 1e-4;

/// Requires that steps first .. last - 1 are exact for polynomials up to `degree` and no further.
void require_degree(const DpmSolver& solver, const dpm::Grid& grid, int degree, std::size_t first,
                    std::size_t last) {
  CAPTURE(solver.space == Space::noise, solver.form == singlestep, solver.order, degree, first);
  for (int d = 0; d <= degree; ++d) {
    REQUIRE(polynomial_error(solver, grid, d, first, last) < rounding);
  }
  if (degree < 2) REQUIRE(polynomial_error(solver, grid, degree + 1, first, last) > inexact);
}

/// `steps` uneven steps within lambda = -2 .. 2, where no weight is above 8.
dpm::Grid uneven_grid(int steps) {
  return make_grid(dpm::QuadraticTime{.start = 0.65, .end = 0.02}, schedule, steps);
}

}  // namespace

TEST_CASE("singlestep integrates polynomials in lambda exactly") {
  // Taylor updates use every value: degree order - 1. The midpoint update of order 2 is exact for
  // constants only, and order 3 proper takes its derivative from two values: degree 1.
  const auto check = [](DpmSolver solver, int degree) {
    for (const auto space : {Space::noise, Space::data}) {
      solver.form = singlestep;
      solver.space = space;
      require_degree(solver, uneven_grid(3), degree, 0,
                     solver.stages == on_grid ? 1 : 3);  // on the grid, three are one step
    }
  };
  check({.order = 1}, 0);
  check({.order = 2}, 0);
  check({.order = 3}, 1);
  check({.order = 2, .update = taylor}, 1);
  check({.order = 3, .update = taylor}, 2);
  check({.order = 2, .update = taylor, .r1 = 0.3}, 1);
  check({.order = 3, .update = taylor, .r1 = 0.2, .r2 = 0.9}, 2);
  check({.order = 3, .r1 = 0.2, .r2 = 0.5}, 1);
}

TEST_CASE("multistep integrates polynomials in lambda exactly once it has its history") {
  const auto check = [](DpmSolver solver, int degree) {
    for (const auto space : {Space::noise, Space::data}) {
      solver.space = space;
      require_degree(solver, uneven_grid(6), degree, static_cast<std::size_t>(solver.order - 1), 6);
    }
  };
  check({.order = 1}, 0);
  check({.order = 2}, 0);
  check({.order = 2, .update = taylor}, 1);
  check({.order = 3}, 2);
  check({.order = 3, .start = DpmSolver::Start::lower_order}, 2);
  check({.order = 3, .halved_second_difference = true}, 1);
}

TEST_CASE("third-order multistep starts with steps that keep its order") {
  for (const auto space : {Space::noise, Space::data}) {
    for (int steps = 1; steps <= 3; ++steps) {
      // Two steps of second order, which with Taylor updates are exact for straight lines.
      CAPTURE(steps);
      const dpm::Grid grid = uneven_grid(steps);
      const auto last = static_cast<std::size_t>(steps);
      DpmSolver solver{.order = 3, .space = space, .update = taylor};
      REQUIRE(make_plan(solver, grid).model_calls() == steps + 1);
      require_degree(solver, grid, 1, 0, last);
      // The second is that in any case: its first value is as good as Taylor needs it.
      solver.update = midpoint;
      if (steps >= 2) require_degree(solver, grid, 1, 1, 2);
      if (steps >= 3) require_degree(solver, grid, 2, 2, 3);

      solver.start = DpmSolver::Start::lower_order;
      REQUIRE(make_plan(solver, grid).model_calls() == steps);
      require_degree(solver, grid, 0, 0, 1);
    }
    // One step is the singlestep method of second order.
    const DpmSolver second{.order = 2, .form = singlestep, .space = space};
    const Plan plan = make_plan(DpmSolver{.order = 3, .space = space}, uneven_grid(1));
    REQUIRE(relative_difference(states_of(plan).back(),
                                states_of(make_plan(second, uneven_grid(1))).back()) < 1e-13);
  }
}

TEST_CASE("lower orders at the end are what they are called") {
  for (const auto space : {Space::noise, Space::data}) {
    for (const auto form : {singlestep, multistep}) {
      const DpmSolver solver{
          .order = 3, .form = form, .space = space, .update = taylor, .lower_order_final = true};
      const dpm::Grid grid = uneven_grid(6);
      require_degree(solver, grid, 0, 5, 6);
      require_degree(solver, grid, 1, 4, 5);
      require_degree(solver, grid, 2, 3, 4);
    }
  }
}

// Weights ---------------------------------------------------------------------

TEST_CASE("the exponential step's weights are the integrals that they stand for") {
  // weight(n) = alpha_t or sigma_t times the integral of e^(-+l) (l - lambda_s)^n / n!, by
  // Simpson's rule in long double: over 2000 panels of at most 0.005, an error below 1e-11
  // relative.
  using Wide = long double;
  const auto integral = [](Wide sign, int n, Wide a, Wide b) {
    const auto f = [&](Wide l) {
      return std::exp(sign * l) * std::pow(l - a, static_cast<Wide>(n)) / (n == 2 ? 2.0L : 1.0L);
    };
    constexpr int panels = 2000;
    const Wide width = (b - a) / panels;
    Wide sum = 0.0L;
    for (int i = 0; i < panels; ++i) {
      const Wide left = a + width * static_cast<Wide>(i);
      sum += f(left) + 4.0L * f(left + width / 2.0L) + f(left + width);
    }
    return static_cast<double>(sum * width / 6.0L);
  };
  const std::vector<double> times{1.0, 0.99, 0.6, 0.3, 0.29, 0.01, 0.001, 1e-5};
  for (const double from : times) {
    for (const double to : times) {
      if (from == to) continue;
      const Level s = schedule.level(from);
      const Level t = schedule.level(to);
      CAPTURE(from, to);
      const dpm::ExponentialStep noise(Space::noise, s, t);
      const dpm::ExponentialStep data(Space::data, s, t);
      REQUIRE_THAT(noise.linear(), WithinRel(t.alpha() / s.alpha(), 1e-13));
      REQUIRE_THAT(data.linear(), WithinRel(t.sigma() / s.sigma(), 1e-13));
      for (int n = 0; n <= 2; ++n) {
        CAPTURE(n);
        REQUIRE_THAT(noise.weight(n),
                     WithinRel(-t.alpha() * integral(-1.0L, n, s.lambda(), t.lambda()), 1e-10));
        REQUIRE_THAT(data.weight(n),
                     WithinRel(t.sigma() * integral(1.0L, n, s.lambda(), t.lambda()), 1e-10));
      }
    }
  }
}

TEST_CASE("weights stay finite and right as the ends are approached") {
  // One step from nearly pure noise to nearly clean data, then all methods on such grids.
  const dpm::AnySchedule cosine = dpm::VpCosine(0.008, 1.0);
  for (const double end : {1e-3, 1e-12, 1e-100, 1e-300}) {
    CAPTURE(end);
    const Level s = cosine.level(1.0 - 1e-12);
    const Level t = cosine.level(end);
    const dpm::ExponentialStep noise(Space::noise, s, t);
    const dpm::ExponentialStep data(Space::data, s, t);
    // x_t = alpha_t x_0 + sigma_t epsilon, for the pair that makes x_s.
    REQUIRE_THAT(data.linear() * (s.alpha() * 0.7 + s.sigma() * 0.3) + data.weight(0) * 0.7,
                 WithinRel(t.alpha() * 0.7 + t.sigma() * 0.3, 1e-12));
    REQUIRE_THAT(noise.linear() * s.alpha(), WithinRel(t.alpha(), 1e-12));
    REQUIRE_THAT(noise.weight(0), WithinRel(t.sigma() - t.alpha() / s.alpha() * s.sigma(), 1e-12));

    for (const NamedMethod& method : every_method()) {
      INFO(method.name);
      const dpm::Grid grid =
          make_grid(dpm::UniformTime{.start = 1.0 - 1e-12, .end = end}, cosine, 12);
      for (const Prediction prediction : predictions) {
        const Plan plan = method(grid, prediction);
        require_finite_weights(plan);
        require_finite(states_of(plan).back());
      }
    }
  }
}

// Singular ends ---------------------------------------------------------------

TEST_CASE("a grid that ends at sigma = 0 ends at the data prediction") {
  const std::vector<dpm::AnySchedule> schedules{schedule, dpm::VpCosine(),
                                                dpm::DiscreteSchedule(dpm::linear_betas(1000))};
  for (const dpm::AnySchedule& on : schedules) {
    for (const NamedMethod& method : every_method()) {
      if (method.name.find("stages on the grid") != std::string::npos) continue;  // below
      INFO(method.name);
      const dpm::Grid above = method.grid(on, on.last_time(), 0.01, 11);
      // Refused: black-box solvers, and in noise space SDEs, which would leave noise in clean data.
      const Space space = method(above, Prediction::data).space;
      if (!method.exact_on_constants || (has_tau(method) && space == Space::noise)) continue;
      const dpm::Grid grid = above.then(0.0);
      for (const Prediction prediction : predictions) {
        const Plan plan = method(grid, prediction);
        const std::vector<State> states = states_of(plan);
        require_finite(states.back());
        // PNDM mixes earlier predictions into every step, and UniPC in noise space takes its last
        // step from a corrected sample; all others end with one of first order.
        if (method.name.rfind("PNDM", 0) == 0) continue;
        if (method.name.rfind("UniPC", 0) == 0 && plan.space == Space::noise) continue;
        require_data_prediction(states.back(), states[states.size() - 2], grid[11]);
      }
    }
  }
}

TEST_CASE("one step of first order from pure noise to clean data is the data prediction") {
  const dpm::Grid grid = dpm::grid_of_times(schedule, std::vector<double>{1.0, 0.0});
  for (const Space space : {Space::noise, Space::data}) {
    for (const auto form : {singlestep, multistep}) {
      for (int order = 1; order <= 3; ++order) {
        const DpmSolver solver{.order = order, .form = form, .space = space};
        const Plan plan = make_plan(solver, grid);
        REQUIRE(plan.model_calls() == 1);
        require_data_prediction(states_of(plan).back(), test_start(), grid.front());
      }
    }
  }
  for (const double eta : {0.0, 0.5, 1.0}) {
    require_data_prediction(states_of(make_plan(Ddim{.eta = eta}, grid)).back(), test_start(),
                            grid.front());
  }
}

TEST_CASE("denoise_to_zero is one more step of the grid") {
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 6);
  for (const Space space : {Space::noise, Space::data}) {
    for (const auto form : {singlestep, multistep}) {
      for (int order = 1; order <= 3; ++order) {
        for (const Prediction prediction : predictions) {
          CAPTURE(space == Space::noise, form == singlestep, order);
          DpmSolver solver{.order = order, .form = form, .space = space};
          const Plan longer = make_plan(solver, grid.then(0.0), prediction);
          solver.denoise_to_zero = true;
          const Plan denoised = make_plan(solver, grid, prediction);
          REQUIRE(denoised.model_calls() == longer.model_calls());
          REQUIRE(denoised.steps.back().to == schedule.level(0.0));
          REQUIRE(relative_difference(states_of(denoised).back(), states_of(longer).back()) <
                  1e-15);
        }
      }
    }
  }
  // With stages on the grid too, where the added step is not one of a group.
  const DpmSolver solver{
      .order = 3, .form = singlestep, .stages = on_grid, .denoise_to_zero = true};
  const Plan plan = make_plan(solver, grid);
  REQUIRE(calls_of_steps(plan) == std::vector<int>{3, 3, 1});
  const std::vector<State> states = states_of(plan);
  require_data_prediction(states[2], states[1], grid.back());
}

namespace {

/// The method's plan where nothing is singular, to see which space it works in.
Plan usual_plan(const NamedMethod& method, Prediction prediction, Correction correction) {
  return method.plan(make_grid(dpm::UniformTime{}, schedule, 12), prediction, correction);
}

}  // namespace

TEST_CASE("a table that ends in pure noise is sampled from its very end") {
  const dpm::AnySchedule table = zero_terminal();
  const dpm::Gaussian gaussian({mean}, {stddev});
  const State exact = gaussian.solve_ode(test_start(), table.level(1.0), table.level(1e-3));
  for (const NamedMethod& method : every_method()) {
    if (method.name.find("stages on the grid") != std::string::npos) continue;  // below
    INFO(method.name);
    for (const Prediction prediction : {Prediction::data, Prediction::velocity}) {
      if (usual_plan(method, prediction, Correction::none).space == Space::noise) continue;
      const auto plan_of = [&](int steps) {
        return method(make_grid(dpm::UniformTime{}, table, steps), prediction);
      };
      require_finite_weights(plan_of(12));
      require_finite(states_of(plan_of(12)).back());
      if (method.stochastic) continue;
      const double coarse = relative_difference(states_of(plan_of(100)).back(), exact);
      const double fine = relative_difference(states_of(plan_of(400)).back(), exact);
      REQUIRE(coarse < 0.02);
      REQUIRE(fine < 0.5 * coarse);
    }
  }
}

TEST_CASE("at pure noise, a prediction of the noise or the score is refused") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, zero_terminal(), 12);
  const std::string says_nothing =
      "make_plan: at time 1 alpha is 0, where a prediction of the noise or the score says nothing "
      "about the data; use a data, velocity or flow prediction, or start below that time";
  const std::string no_solution =
      "make_plan: the step from time 1 starts at alpha = 0, where noise space has no solution; use "
      "a method in data space, such as UniPc or DpmSolver, with a model that predicts data, "
      "velocity "
      "or flow";
  constexpr auto npos = std::string::npos;
  for (const NamedMethod& method : every_method()) {
    INFO(method.name);
    for (const Prediction prediction : predictions) {
      const bool about_noise = prediction == Prediction::noise || prediction == Prediction::score;
      for (const Correction correction : {Correction::none, Correction::data}) {
        const auto call = [&] { (void)method.plan(grid, prediction, correction); };
        if (method.name.find("on the grid") != npos) {  // no third-order step starts there at all
          REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
          continue;
        }
        if (usual_plan(method, prediction, correction).space == Space::data) {
          if (about_noise) refused(call, says_nothing);
        } else if (correction == Correction::none && method.exact_on_constants &&
                   method.name.rfind("PNDM", 0) != 0) {
          refused(call, no_solution);
        } else {
          REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);  // whichever is met first
        }
      }
    }
  }
}

TEST_CASE("inversion starts at clean data where the noise can be predicted there") {
  const dpm::Grid up = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 400).reversed();
  const dpm::Gaussian gaussian({mean}, {stddev});
  const State exact = gaussian.solve_ode(test_start(), up.front(), up.back());
  std::vector<DpmSolver> in_noise_space;
  for (const auto form : {singlestep, multistep}) {
    for (int order = 1; order <= 3; ++order) {
      in_noise_space.push_back({.order = order, .form = form, .space = Space::noise});
    }
  }
  for (const Prediction prediction : {Prediction::noise, Prediction::velocity, Prediction::score}) {
    REQUIRE(relative_difference(states_of(make_plan(Ddim{}, up, prediction)).back(), exact) < 0.02);
    REQUIRE(relative_difference(states_of(make_plan(Pndm{}, up, prediction)).back(), exact) < 0.02);
    for (const DpmSolver& solver : in_noise_space) {
      const Plan plan = make_plan(solver, up, prediction);
      REQUIRE(relative_difference(states_of(plan).back(), exact) < 0.02);
    }
  }
  const std::string says_nothing =
      "make_plan: at time 0 sigma is 0, where a prediction of the data says nothing about the "
      "noise; use a noise or velocity prediction, or leave that time out";
  refused([&] { (void)make_plan(Ddim{}, up, Prediction::data); }, says_nothing);
  refused([&] { (void)make_plan(in_noise_space[0], up, Prediction::data); }, says_nothing);
  refused([&] { (void)make_plan(DpmSolver{}, up, Prediction::velocity); },
          "make_plan: the step from time 0 starts at sigma = 0, where data space has no solution; "
          "use noise space, with a model that predicts noise or velocity");
}

TEST_CASE("inversion ends at pure noise") {
  const dpm::AnySchedule table = zero_terminal();
  const dpm::Grid up = make_grid(dpm::UniformTime{}, table, 400).reversed();
  const State exact =
      dpm::Gaussian({mean}, {stddev}).solve_ode(test_start(), up.front(), up.back());
  for (const Prediction prediction : predictions) {
    const Plan ddim = make_plan(Ddim{}, up, prediction);
    REQUIRE(relative_difference(states_of(ddim).back(), exact) < 0.02);
    for (const Space space : {Space::noise, Space::data}) {
      const Plan plan = make_plan(DpmSolver{.space = space}, up, prediction);
      REQUIRE(relative_difference(states_of(plan).back(), exact) < 0.02);
    }
  }
}

TEST_CASE("a group of grid points that ends or starts at infinity is refused") {
  // A step of order 2 or 3 needs its whole interval to be finite in lambda.
  const dpm::Grid to_data = make_grid(dpm::UniformTime{.end = 0.0}, schedule, 12);
  const dpm::Grid from_noise = make_grid(dpm::UniformTime{}, zero_terminal(), 12);
  for (const int order : {2, 3}) {
    const DpmSolver solver{.order = order, .form = singlestep, .stages = on_grid};
    REQUIRE_THROWS_AS(make_plan(solver, to_data), dpm::InvalidArgument);
    REQUIRE_THROWS_AS(make_plan(solver, from_noise, Prediction::velocity), dpm::InvalidArgument);
  }
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

TEST_CASE("denoise_to_zero is refused where there is nothing left to remove") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 5);
  for (const DpmSolver method : {DpmSolver{.denoise_to_zero = true},
                                 DpmSolver{.form = singlestep, .denoise_to_zero = true}}) {
    REQUIRE_THROWS_WITH(make_plan(method, grid.then(0.0)),
                        mentions("must run towards clean data and stop short of it"));
    REQUIRE_THROWS_WITH(make_plan(method, grid.reversed()),
                        mentions("denoise_to_zero over a grid from time 0.001 to time 1"));
  }
}

TEST_CASE("the default options of DpmSolver are second-order multistep DPM-Solver++") {
  const DpmSolver method;
  REQUIRE(method.order == 2);
  REQUIRE(method.form == multistep);
  REQUIRE(method.space == Space::data);
}

// A method of one's own ---------------------------------------------------------

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

}  // namespace mine
}  // namespace

TEST_CASE("a method of another namespace is planned and sampled like the library's") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 6);
  for (const Prediction prediction : predictions) {
    for (const Correction correction : {Correction::none, Correction::data}) {
      REQUIRE(make_plan(mine::Plain{}, grid, prediction, correction) ==
              make_plan(Ddim{}, grid, prediction, correction));
    }
  }
  REQUIRE(dpm::make_plan(mine::Plain{}, schedule, 20) == dpm::make_plan(Ddim{}, schedule, 20));
  State x = test_start();
  State y = test_start();
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
  REQUIRE_THROWS_WITH(dpm::make_plan(mine::Halves{}, schedule, 11), mentions("model_calls = 11"));
}
