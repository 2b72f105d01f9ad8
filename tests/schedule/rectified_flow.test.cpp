// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Rectified flow: levels, refusals, and whole runs of a flow network.
#include "dpm/schedule/rectified_flow.hpp"

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/analysis/convergence.hpp"
#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/gaussian_networks.hpp"
#include "support/refused.hpp"

namespace rectified_flow_test {

using namespace dpm_test;
using dpm::DpmSolver;
using dpm::Level;
using dpm::Prediction;
using dpm::RectifiedFlow;

namespace {

const std::vector<double> shifts{0.01, 0.25, 1.0, 3.0, 17.0};

}  // namespace

TEST_CASE("rectified flow keeps its digits at both ends") {
  // Computed with 60 decimal digits from sigma = shift t / (1 + (shift - 1) t), alpha = 1 - sigma.
  struct Row {
    double shift, time, log_alpha, log_sigma, lambda;
  };
  for (const Row& row : std::vector<Row>{
           {3, 1e-300, -3.0000000000000000752e-300, -689.67691560954559549, 689.67691560954559549},
           {3, 1e-9, -2.9999999985000001898e-9, -19.6246535502783014, 19.624653547278301402},
           {3, 0.001, -0.0029985029962565895808, -5.8111409929767003959, 5.8081424899804438063},
           {3, 0.3, -0.82667857318446790283, -0.57536414490356187801, -0.25131442828090602482},
           {3, 0.75, -2.302585092994045684, -0.10536051565782630123, -2.1972245773362193828},
           {3, 1 - 0x1p-20, -14.961555264083936166, -3.1789169143970394787e-7,
            -14.961554946192244726},
           {3, 1 - 0x1p-40, -28.824499511065315738, -3.031649005912058517e-13,
            -28.824499511065012573},
           {3, 1 - 0x1p-53, -37.835412858345211016, -3.7007434154171888105e-17,
            -37.835412858345210979},
           {0.25, 1e-9, -2.5000000021875001576e-10, -22.109560197316301712, 22.109560197066301712},
           {0.25, 0.3, -0.10178269430994231687, -2.3353749158170366023, 2.2335922215070942854},
           {0.25, 0.75, -0.55961578793542268627, -0.84729786038720361371, 0.28768207245178092744},
           {0.25, 1 - 0x1p-40, -26.339592861280650242, -3.6379788070884042292e-12,
            -26.339592861277012263}}) {
    CAPTURE(row.shift, row.time);
    const Level level = RectifiedFlow(row.shift).level(row.time);
    CHECK(level.time == row.time);
    CHECK_THAT(level.log_alpha, WithinRel(row.log_alpha, 2e-15));
    CHECK_THAT(level.log_sigma, WithinRel(row.log_sigma, 2e-15));
    CHECK_THAT(level.lambda(), WithinRel(row.lambda, 2e-15));
  }
}

TEST_CASE("rectified flow is the straight path with its time shifted") {
  for (const double shift : shifts) {
    for (double time = 0.0; time <= 1.0; time += 1.0 / 64) {
      CAPTURE(shift, time);
      const Level level = RectifiedFlow(shift, 1000.0).level(time);
      CHECK_THAT(level.alpha() + level.sigma(), WithinAbs(1.0, 4e-16));
      CHECK_THAT(level.sigma(), WithinAbs(shift * time / (1 - time + shift * time), 4e-16));
      CHECK_THAT(level.timestep, WithinAbs(1000.0 * level.sigma(), 1e-12));
      CHECK(level.data_stddev == 0.0);
    }
  }
  for (const double shift : {1e-6, 0.01, 0.3, 7.7}) {
    CAPTURE(shift);
    CHECK(RectifiedFlow(shift).level(1.0).sigma() == 1.0);
  }
  CHECK(RectifiedFlow(1.0, 1.0).level(0.25).timestep == 0.25);
  CHECK(RectifiedFlow().first_time() == 0.0);
  CHECK(RectifiedFlow().last_time() == 1.0);
}

TEST_CASE("clean data and pure noise are the legal ends of a flow") {
  const Level flow_data = RectifiedFlow(3.0).level(0.0);
  CHECK(flow_data.log_alpha == 0.0);
  CHECK(flow_data.sigma() == 0.0);
  CHECK(flow_data.lambda() == infinity);
  CHECK(flow_data.timestep == 0.0);
  const Level flow_noise = RectifiedFlow(3.0).level(1.0);
  CHECK(flow_noise.alpha() == 0.0);
  CHECK(flow_noise.sigma() == 1.0);
  CHECK(flow_noise.lambda() == -infinity);
  CHECK(flow_noise.timestep == 1000.0);
}

TEST_CASE("time_of_lambda inverts a flow over the whole range") {
  for (const double shift : shifts) {
    const RectifiedFlow flow(shift);
    for (const double time : {1e-300, 1e-30, 1e-9, 0.001, 0.25, 0.5, 0.7, 0.999, 1 - 1e-9}) {
      CAPTURE(shift, time);
      CHECK_THAT(flow.time_of_lambda(flow.level(time).lambda()), WithinRel(time, 1e-13));
    }
    CHECK(flow.time_of_lambda(infinity) == 0.0);
    CHECK(flow.time_of_lambda(-infinity) == 1.0);
  }
}

TEST_CASE("a flow refuses times and lambdas outside its domain") {
  for (const double time : {-1e-300, 80.5, infinity, -infinity, not_a_number}) {
    CAPTURE(time);
    CHECK_THROWS_AS(RectifiedFlow().level(time), dpm::InvalidArgument);
  }
  refused([] { (void)RectifiedFlow().level(1.5); },
          "RectifiedFlow: time must be in [0, 1] and is 1.5");
  refused([] { (void)RectifiedFlow().time_of_lambda(not_a_number); },
          "RectifiedFlow: lambda is nan; it must be a number");
}

TEST_CASE("a flow refuses parameters out of range") {
  refused([] { (void)RectifiedFlow(0.0); }, "RectifiedFlow: shift must be in (0, inf) and is 0");
  refused([] { (void)RectifiedFlow(infinity); },
          "RectifiedFlow: shift must be in (0, inf) and is inf");
  refused([] { (void)RectifiedFlow(not_a_number); },
          "RectifiedFlow: shift must be in (0, inf) and is nan");
  refused([] { (void)RectifiedFlow(1.0, -1.0); },
          "RectifiedFlow: timestep_scale must be in (0, inf) and is -1");
  refused([] { (void)RectifiedFlow(1.0, infinity); },
          "RectifiedFlow: timestep_scale must be in (0, inf) and is inf");
}

namespace {

double apply(const dpm::Conversion& by, double x, double output) {
  return by.input * x + by.output * output;
}

}  // namespace

TEST_CASE("a flow gives data and noise at every level of its path, the ends included") {
  const double x0 = 0.7;
  const double epsilon = -0.4;
  for (const double time : {0.0, 1e-12, 0.2, 0.5, 0.9, 1 - 1e-12, 1.0}) {
    CAPTURE(time);
    const Level at = RectifiedFlow(3.0).level(time);
    const double x = at.alpha() * x0 + at.sigma() * epsilon;
    CHECK_THAT(apply(dpm::to_data(Prediction::flow, at), x, epsilon - x0), WithinAbs(x0, 1e-15));
    CHECK_THAT(apply(dpm::to_noise(Prediction::flow, at), x, epsilon - x0),
               WithinAbs(epsilon, 1e-15));
  }
  // On the straight path alpha + sigma = 1, so that x0 = x - sigma flow.
  const Level at = RectifiedFlow().level(0.25);
  CHECK_THAT(dpm::to_data(Prediction::flow, at).input, WithinRel(1.0, 1e-15));
  CHECK_THAT(dpm::to_data(Prediction::flow, at).output, WithinRel(-0.25, 1e-15));
  CHECK_THAT(dpm::to_noise(Prediction::flow, at).output, WithinRel(0.75, 1e-15));
}

TEST_CASE("Euler's method along a flow is the sum of its steps") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, RectifiedFlow(3.0), 12);
  Batch by_hand = start_at(grid.front());
  Batch x = by_hand;
  dpm::sample(make_plan(dpm::Euler{}, grid, Prediction::flow), &flow_network, x);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const double sigma = grid[i].sigma();
    by_hand += (grid[i + 1].sigma() - sigma) * flow_network(by_hand, 1000.0 * sigma);
  }
  REQUIRE(((x - by_hand).abs() < 1e-13).all());
}

TEST_CASE("a flow is followed at the method's order, and at second order up to its very ends") {
  const dpm::AnySchedule schedule = RectifiedFlow(3.0);
  const auto measure = [&](auto method, double start, double end, int fewest_steps) {
    const auto plan_of = [&](int steps) {
      return make_plan(method, make_grid(dpm::UniformTime{start, end}, schedule, steps),
                       Prediction::flow);
    };
    const Batch x = start_at(schedule.level(start));
    const Batch exact = exact_end(x, schedule.level(start), schedule.level(end));
    return dpm::measure_order(plan_of, &flow_network, x, exact, {fewest_steps, 4});
  };
  REQUIRE(schedule.level(1.0).alpha() == 0.0);
  REQUIRE(schedule.level(0.0).sigma() == 0.0);
  check_order(measure(dpm::Euler{}, 1.0, 0.0, 64), 1.0);
  check_order(measure(DpmSolver{.order = 1}, 1.0, 0.0, 64), 1.0);
  for (const auto form : {DpmSolver::Form::singlestep, DpmSolver::Form::multistep}) {
    CAPTURE(static_cast<int>(form));
    for (int order = 1; order <= 3; ++order) {
      check_order(measure(DpmSolver{.order = order, .form = form}, 0.7, 0.2, 64), order);
    }
    // Steps that touch an end are of first order: a local error of second order, once at each end.
    check_order(measure(DpmSolver{.order = 3, .form = form}, 1.0, 0.0, 128), 2.0);
    // The k-th step from alpha = 0 is log(1 + 1/k) long in lambda however many there are, so that
    // it errs by n^-2 / k, and all of them by n^-2 log n: error n^2 grows evenly at each doubling.
    const auto second = measure(DpmSolver{.order = 2, .form = form}, 1.0, 0.0, 256);
    const auto scaled = [&](std::size_t k) { return second.errors[k] * std::pow(4.0, k); };
    REQUIRE(second.errors.size() == 5);
    for (std::size_t k = 2; k < 5; ++k) {
      CHECK_THAT(scaled(k) - scaled(k - 1), WithinRel(scaled(k - 1) - scaled(k - 2), 0.1));
    }
  }
}

}  // namespace rectified_flow_test
