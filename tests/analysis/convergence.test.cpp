// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The ruler for orders of convergence, held against errors that are known.
#include "dpm/analysis/convergence.hpp"

#include <Eigen/Core>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dpm/analysis/affine_state.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/test_network.hpp"

namespace convergence_test {

using namespace dpm_test;
using dpm::DpmSolver;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr auto no_model = [](const State&, double, State&) {};

/// A sampler that multiplies the start by `factor` and calls no model.
dpm::Plan scaling_plan(double factor) {
  dpm::Combine c;
  c.targets.push_back(dpm::sample_register);
  c.operands.push_back(dpm::sample_register);
  c.weights.push_back(factor);
  dpm::Plan plan;
  plan.steps.push_back({schedule.level(1.0), schedule.level(0.5), {c}});
  return plan;
}

/// From the start 1 and with the reference 1, the error is exactly `error_of(steps)`.
auto sampler_with(std::function<double(int)> error_of) {
  return [error_of](int steps) { return scaling_plan(1.0 + error_of(steps)); };
}

void refused(const std::function<void()>& call, const std::string& sentence) {
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), sentence);
}

void require_consistent(const dpm::Convergence& c, int fewest_steps) {
  REQUIRE(c.steps.size() == c.errors.size());
  REQUIRE(c.slopes.size() + 1 == c.errors.size());
  for (std::size_t k = 0; k < c.steps.size(); ++k) {
    REQUIRE(c.steps[k] == fewest_steps << k);
    if (k > 0) REQUIRE(c.slopes[k - 1] == std::log2(c.errors[k - 1] / c.errors[k]));
  }
}

}  // namespace

// Known errors ----------------------------------------------------------------

TEST_CASE("the ruler reads known powers of the step exactly") {
  for (int order = 1; order <= 4; ++order) {
    CAPTURE(order);
    const auto error = [order](int steps) { return std::pow(steps, -order); };
    const dpm::Convergence c = dpm::measure_order(sampler_with(error), no_model, State{1.0},
                                                  State{1.0}, {.fewest_steps = 4, .halvings = 5});
    require_consistent(c, 4);
    REQUIRE(c.steps == std::vector<int>{4, 8, 16, 32, 64, 128});
    // Powers of two, so that 1 + error is exact.
    for (std::size_t k = 0; k < 6; ++k) REQUIRE(c.errors[k] == error(c.steps[k]));
    for (const double slope : c.slopes) REQUIRE_THAT(slope, WithinAbs(order, 1e-12));
    REQUIRE_THAT(c.order, WithinAbs(order, 1e-12));
  }
}

TEST_CASE("the order is the least-squares slope") {
  // log2 of the errors is -1, -2, -5: slopes 1 and 3, least squares 2. With a fourth at -5 the
  // slopes are 1, 3 and 0 and least squares (3 * 4 + 1 * 3) / 10.
  const auto error = [](int steps) { return steps == 1 ? 0.5 : steps == 2 ? 0.25 : 1.0 / 32.0; };
  const auto measured = [&](int halvings) {
    return dpm::measure_order(sampler_with(error), no_model, State{1.0}, State{1.0},
                              {.fewest_steps = 1, .halvings = halvings});
  };
  REQUIRE(measured(2).slopes == State{1.0, 3.0});
  REQUIRE_THAT(measured(2).order, WithinAbs(2.0, 1e-14));
  REQUIRE(measured(3).slopes == State{1.0, 3.0, 0.0});
  REQUIRE_THAT(measured(3).order, WithinAbs(1.5, 1e-14));
}

TEST_CASE("the interval of the order holds the slopes and their trend") {
  const auto measured = [](auto error_of, int halvings) {
    return dpm::measure_order(sampler_with(error_of), no_model, State{1.0}, State{1.0},
                              {.fewest_steps = 1, .halvings = halvings});
  };
  // Slopes 1, 3 and then 0: from 0 to 3, and 2 or 3 more on either side.
  const auto error = [](int steps) { return steps == 1 ? 0.5 : steps == 2 ? 0.25 : 1.0 / 32.0; };
  REQUIRE_THAT(measured(error, 2).least_order, WithinAbs(-1.0, 1e-12));
  REQUIRE_THAT(measured(error, 2).most_order, WithinAbs(5.0, 1e-12));
  REQUIRE_THAT(measured(error, 3).least_order, WithinAbs(-3.0, 1e-12));
  REQUIRE_THAT(measured(error, 3).most_order, WithinAbs(6.0, 1e-12));
  // One slope alone says nothing.
  REQUIRE(measured(error, 1).least_order == -infinity);
  REQUIRE(measured(error, 1).most_order == infinity);
  // A pure power has no width.
  const auto power = [](int steps) { return std::pow(steps, -2); };
  REQUIRE_THAT(measured(power, 4).least_order, WithinAbs(2.0, 1e-12));
  REQUIRE_THAT(measured(power, 4).most_order, WithinAbs(2.0, 1e-12));
}

TEST_CASE("an order that is measured on too few steps has a wide interval around the true one") {
  // Of second order, with a term of fifth order that is greater until 27 steps.
  const auto error_of = [](int steps) {
    const double h = 1.0 / steps;
    return 1e-2 * h * h * (1.0 + 2e4 * h * h * h);
  };
  const auto measured = [&](int fewest_steps, int halvings) {
    return dpm::measure_order(sampler_with(error_of), no_model, State{1.0}, State{1.0},
                              {.fewest_steps = fewest_steps, .halvings = halvings});
  };
  const dpm::Convergence rough = measured(12, 2);
  REQUIRE(rough.order > 3.2);
  REQUIRE((rough.least_order < 2.0 && rough.most_order > 4.5));
  const dpm::Convergence sure = measured(200, 2);
  REQUIRE((sure.least_order < 2.0 && sure.most_order > 2.0));
  REQUIRE(sure.most_order - sure.least_order < 0.03);
}

TEST_CASE("errors are root mean squares over all values") {
  // The start (1, 2, -2, 4) times 1 + e is off by e (1, 2, -2, 4), whose root mean square is 2.5 e.
  const auto error = [](int steps) { return 1.0 / steps; };
  const State x{1.0, 2.0, -2.0, 4.0};
  const dpm::Convergence c =
      dpm::measure_order(sampler_with(error), no_model, x, x, {.fewest_steps = 2, .halvings = 1});
  REQUIRE_THAT(c.errors[0], WithinRel(1.25, 1e-15));
  REQUIRE_THAT(c.errors[1], WithinRel(0.625, 1e-15));
  // The same for the columns of an Eigen object.
  Eigen::ArrayXXd columns(2, 2);
  columns << 1.0, 2.0, -2.0, 4.0;
  const auto no_model_for_arrays = [](const Eigen::ArrayXXd&, double, Eigen::ArrayXXd&) {};
  REQUIRE_THAT(dpm::measure_order(sampler_with(error), no_model_for_arrays, columns, columns,
                                  {.fewest_steps = 2, .halvings = 1})
                   .errors[0],
               WithinRel(1.25, 1e-15));
}

TEST_CASE("errors at the level of rounding are left out, and all after them") {
  // 100 epsilon of the reference is 2.2e-14 for double: 2^-45 is above it, 2^-46 below.
  const auto error = [](int steps) { return std::pow(steps, -5); };  // 2^-5 k
  const dpm::ConvergenceRange range{.fewest_steps = 1, .halvings = 14};
  const dpm::Convergence c =
      dpm::measure_order(sampler_with(error), no_model, State{1.0}, State{1.0}, range);
  require_consistent(c, 1);
  REQUIRE(c.steps.back() == 512);
  REQUIRE_THAT(c.order, WithinAbs(5.0, 1e-12));
  // A larger reference raises the floor with it: 2^-45 is below 100 epsilon of 2.
  const auto absolute = [&](int steps) { return error(steps) / 2.0; };
  REQUIRE(dpm::measure_order(sampler_with(absolute), no_model, State{2.0}, State{2.0}, range)
              .steps.back() == 256);
  // In float, 100 epsilon is 1.2e-5: 2^-15 is above it, 2^-20 below. A stray larger error after
  // that does not come back in.
  const auto no_float_model = [](const std::vector<float>&, double, std::vector<float>&) {};
  const auto stray = [&](int steps) { return steps == 64 ? 0.125 : error(steps); };
  const dpm::Convergence single =
      dpm::measure_order(sampler_with(stray), no_float_model, std::vector<float>{1.0F},
                         std::vector<float>{1.0F}, {.fewest_steps = 1, .halvings = 8});
  REQUIRE(single.steps == std::vector<int>{1, 2, 4, 8});
  REQUIRE_THAT(single.order, WithinAbs(5.0, 1e-12));
}

TEST_CASE("the ruler asks for the step counts of the range and leaves the start alone") {
  std::vector<int> asked;
  const auto plan_of = [&](int steps) {
    asked.push_back(steps);
    return scaling_plan(1.0 + 1.0 / steps);
  };
  const State x{1.0, 1.0};
  const dpm::Convergence c =
      dpm::measure_order(plan_of, no_model, x, x, {.fewest_steps = 5, .halvings = 3});
  REQUIRE(asked == std::vector<int>{5, 10, 20, 40});
  REQUIRE(c.steps == asked);
  REQUIRE(x == State{1.0, 1.0});
  asked.clear();
  (void)dpm::measure_order(plan_of, no_model, x, x);
  REQUIRE(asked == std::vector<int>{12, 24, 48, 96, 192});
}

// Methods ---------------------------------------------------------------------

TEST_CASE("the ruler finds the order of the solvers on Gaussian data") {
  const dpm::Gaussian gaussian({1.0, -1.0}, {0.3, 1.2});
  const State x{0.3, -1.2, 2.0, 0.4};
  for (int order = 1; order <= 3; ++order) {
    const DpmSolver method{.order = order, .form = DpmSolver::Form::singlestep};
    const auto plan_of = [&](int steps) {
      return make_plan(method, make_grid(dpm::UniformLambda{}, schedule, steps));
    };
    const State exact = gaussian.solve_ode(x, schedule.level(1.0), schedule.level(1e-3));
    const dpm::Convergence c = dpm::measure_order(plan_of, gaussian, x, exact, {96, 4});
    require_consistent(c, 96);
    REQUIRE(c.steps.size() == 5);
    REQUIRE_THAT(c.order, WithinAbs(order, 0.1));

    // With a reference of its own, from the same ends, it reads the same.
    const dpm::Convergence own = dpm::measure_order(method, dpm::UniformLambda{}, schedule,
                                                    gaussian, x, dpm::Prediction::noise, {96, 4});
    require_consistent(own, 96);
    REQUIRE(own.steps.size() == 5);
    for (std::size_t k = 0; k < 5; ++k) {
      // Its reference takes 8 times as many third-order steps as the finest run.
      REQUIRE_THAT(own.errors[k], WithinRel(c.errors[k], 1.0 / 256.0));
    }
  }
}

TEST_CASE("the ruler takes the spacing and the prediction it is given") {
  const dpm::UniformTime spacing{.start = 0.7, .end = 0.1};
  const dpm::Gaussian gaussian({0.5}, {0.4});
  std::vector<double> timesteps;
  const auto velocity = [&](const State& x, const dpm::Level& at, State& out) {
    timesteps.push_back(at.time);
    gaussian(x, at, out);
    convert_noise_to(dpm::Prediction::velocity, x, at, out);
  };
  const State x{0.9};
  const dpm::Convergence c = dpm::measure_order(dpm::Ddim{}, spacing, schedule, velocity, x,
                                                dpm::Prediction::velocity, {32, 3});
  REQUIRE_THAT(c.order, WithinAbs(1.0, 0.1));
  for (const double t : timesteps) REQUIRE((t <= 0.7 && t >= 0.1));
  // The reference and its half, then the runs.
  const std::size_t fine = 3 * (8 + 4) * 32 * 8;
  REQUIRE(timesteps.size() == fine + 32 + 64 + 128 + 256);
  const State exact = gaussian.solve_ode(x, schedule.level(0.7), schedule.level(0.1));
  State end = x;
  dpm::sample(make_plan(dpm::Ddim{}, make_grid(spacing, schedule, 32)), gaussian, end);
  REQUIRE_THAT(c.errors[0], WithinRel(std::abs(end[0] - exact[0]), 1e-6));
}

namespace {

/// A smooth "network" on a batch of columns: each value looks at its neighbour and at the time.
template <class Array>
Array network_output(const Array& x, double timestep) {
  using Scalar = typename Array::Scalar;
  const auto tau = static_cast<Scalar>(timestep);
  Array next(x.rows(), x.cols());
  next << x.bottomRows(x.rows() - 1), x.topRows(1);
  return Scalar(0.8) * x.tanh() + Scalar(0.3) * (next + 2 * tau).sin() + Scalar(0.1) * tau;
}

}  // namespace

TEST_CASE("the ruler works on a user's network in single precision") {
  Eigen::ArrayXXf x(4, 3);
  x << 0.3F, -1.2F, 0.8F, 1.5F, 0.1F, -0.4F, -0.9F, 0.6F, 1.1F, 0.2F, -1.7F, 0.5F;
  const dpm::UniformLambda spacing{.start = 0.5, .end = 0.01};
  const dpm::ConvergenceRange range{.fewest_steps = 16, .halvings = 5};
  for (int order = 1; order <= 3; ++order) {
    CAPTURE(order);
    const DpmSolver method{.order = order};
    const dpm::Convergence c = dpm::measure_order(
        method, spacing, schedule,
        [](const Eigen::ArrayXXf& at, double timestep) { return network_output(at, timestep); }, x,
        dpm::Prediction::noise, range);
    require_consistent(c, 16);
    // The errors that are kept are above 100 epsilon of the state, and a run rounds by a quarter of
    // that at most, which moves a slope over one halving by log2(1.25).
    REQUIRE_THAT(c.order, WithinAbs(order, 0.32));

    // So they agree with the same runs in double, where rounding is far away; and where the method
    // is good enough to reach the level of rounding, some were left out.
    const dpm::Convergence real = dpm::measure_order(
        method, spacing, schedule,
        [](const Eigen::ArrayXXd& at, double timestep) { return network_output(at, timestep); },
        Eigen::ArrayXXd(x.cast<double>()), dpm::Prediction::noise, range);
    REQUIRE(real.steps.size() == 6);
    for (std::size_t k = 0; k < c.errors.size(); ++k) {
      REQUIRE_THAT(c.errors[k], WithinRel(real.errors[k], 0.25));
    }
    REQUIRE((c.steps.size() < 6) == (order > 1));
  }
}

TEST_CASE("the ruler measures weak orders from exact moments") {
  const dpm::Gaussian gaussian({1.0, -1.0, 0.5}, {0.3, 0.5, 1.2});
  const auto plan_of = [&](const auto& method) {
    return [&, method](int steps) {
      return make_plan(method, make_grid(dpm::UniformLambda{}, schedule, steps));
    };
  };
  const dpm::ConvergenceRange range{.fewest_steps = 200, .halvings = 3};
  const auto first = dpm::measure_weak_order(plan_of(dpm::Ddim{.eta = 1.0}), gaussian, range);
  require_consistent(first, 200);
  REQUIRE_THAT(first.order, WithinAbs(1.0, 0.1));
  const auto second = dpm::measure_weak_order(plan_of(DpmSolver{}), gaussian, range);
  REQUIRE_THAT(second.order, WithinAbs(2.0, 0.1));

  // The error is the root mean square over dimensions of both moments' errors.
  const dpm::Plan plan = plan_of(dpm::Ddim{.eta = 1.0})(200);
  const dpm::Moments moments = dpm::output_moments(plan, gaussian);
  const dpm::Level end = schedule.level(1e-3);
  double sum = 0.0;
  for (std::size_t i = 0; i < 3; ++i) {
    sum += std::pow(moments.mean[i] - end.alpha() * gaussian.mean()[i], 2);
    sum += std::pow(moments.stddev[i] - gaussian.marginal_stddev(i, end), 2);
  }
  REQUIRE_THAT(first.errors[0], WithinRel(std::sqrt(sum / 3.0), 1e-14));
}

// Refusals --------------------------------------------------------------------

TEST_CASE("the ruler refuses ranges that measure nothing") {
  const auto error = [](int steps) { return 1.0 / steps; };
  for (const auto& [fewest, halvings] : std::vector<std::pair<int, int>>{
           {0, 4}, {-3, 4}, {12, 0}, {12, -1}, {12, 21}, {5000000, 2}}) {
    const std::string sentence = ": fewest_steps = " + std::to_string(fewest) +
                                 " and halvings = " + std::to_string(halvings) +
                                 "; they must be at least 1, halvings at most 20, and the "
                                 "finest run at most 10000000 steps";
    const dpm::ConvergenceRange range{fewest, halvings};
    refused(
        [&] {
          (void)dpm::measure_order(sampler_with(error), no_model, State{1.0}, State{1.0}, range);
        },
        "measure_order" + sentence);
    refused(
        [&] {
          (void)dpm::measure_weak_order(sampler_with(error), dpm::Gaussian({0.0}, {1.0}), range);
        },
        "measure_weak_order" + sentence);
  }
}

TEST_CASE("the ruler refuses errors that are all rounding") {
  const std::string sentence =
      "measure_order: the error at fewest_steps = 8 or at twice as many is at the level of "
      "rounding, ";
  const auto measured = [&](auto error_of) {
    (void)dpm::measure_order(sampler_with(error_of), no_model, State{1.0}, State{1.0},
                             {.fewest_steps = 8, .halvings = 3});
  };
  for (const std::function<double(int)>& error_of :
       std::vector<std::function<double(int)>>{[](int) { return 0.0; }, [](int) { return 1e-15; },
                                               [](int steps) { return steps == 8 ? 0.5 : 0.0; }}) {
    REQUIRE_THROWS_AS(measured(error_of), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(measured(error_of), mentions(sentence));
    REQUIRE_THROWS_WITH(measured(error_of), mentions("; start from fewer steps"));
  }
}

TEST_CASE("the ruler refuses a plan that draws noise") {
  const auto call = [] {
    (void)dpm::measure_order(dpm::Ddim{.eta = 1.0}, dpm::UniformTime{}, schedule,
                             dpm::Gaussian({0.0}, {1.0}), State{0.5});
  };
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), mentions("use measure_weak_order"));
}

TEST_CASE("the ruler refuses a reference of another shape, or one that is not finite") {
  const auto error = [](int steps) { return 1.0 / steps; };
  for (const State& reference : {State{1.0}, State{1.0, 2.0, 3.0}, State{1.0, NAN}}) {
    REQUIRE_THROWS_WITH(
        dpm::measure_order(sampler_with(error), no_model, State{1.0, 2.0}, reference),
        mentions("it must have the shape of x, 2 x 1, and be finite"));
  }
}

}  // namespace convergence_test
