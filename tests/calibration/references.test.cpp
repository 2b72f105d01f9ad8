// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
#include "dpm/calibration/references.hpp"

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace references_test {

using namespace dpm_test;
using State = std::vector<double>;

namespace {

const dpm::AnySchedule schedule = dpm::VpLinear();

/// Data of one dimension with this mean and deviation.
dpm::Gaussian gaussian(double mean = 1.0, double stddev = 0.3) { return {{mean}, {stddev}}; }

/// Where the ODE leads from x at `start`: standardised samples stay as they are.
double exact(double x, const dpm::Level& start, const dpm::Level& level, double mean = 1.0,
             double stddev = 0.3) {
  const auto deviation = [&](const dpm::Level& at) {
    return std::hypot(at.alpha() * stddev, at.sigma());
  };
  return level.alpha() * mean + (x - start.alpha() * mean) * deviation(level) / deviation(start);
}

std::vector<State> some_starts() { return {{-1.3}, {0.2, 0.9}, {2.5}}; }

dpm::Plan fine_plan(int calls = 400) {
  return dpm::make_plan(dpm::default_method, schedule, calls, dpm::PowerTime{.power = 4.0});
}

template <class Error = dpm::InvalidArgument, class Make>
void refused(const Make& make, const std::string& sentence) {
  REQUIRE_THROWS_AS(make(), Error);
  REQUIRE_THROWS_WITH(make(), mentions(sentence));
}

}  // namespace

TEST_CASE("references lie on the exact trajectories at every level") {
  const std::vector<State> starts = some_starts();
  const dpm::References<State> references(fine_plan(), gaussian(), starts);
  REQUIRE(references.size() == 3);
  REQUIRE(references.model_calls() == 3 * 400);
  REQUIRE(references.nodes().size() > 50);
  REQUIRE(references.nodes().size() <= 64);
  const dpm::Level& first = references.nodes().front();
  for (const double t : {1.0, 0.83, 0.5, 0.21, 0.05, 0.011, 0.002, 0.001}) {
    for (std::size_t i = 0; i < starts.size(); ++i) {
      CAPTURE(t, i);
      State state;
      references.at(i, schedule.level(t), state);
      REQUIRE(state.size() == starts[i].size());
      for (std::size_t e = 0; e < state.size(); ++e) {
        // 400 calls of a third-order method between nodes of 0.15 in lambda.
        REQUIRE_THAT(state[e], WithinAbs(exact(starts[i][e], first, schedule.level(t)), 2e-6));
      }
    }
  }
}

TEST_CASE("references give back the start and the end as they are") {
  const std::vector<State> starts = some_starts();
  const dpm::Plan fine = fine_plan(50);
  const dpm::References<State> references(fine, gaussian(), starts);
  State state;
  references.at(1, fine.start(), state);
  REQUIRE(state == starts[1]);
  REQUIRE(references.start(1) == starts[1]);
  references.at(1, fine.end(), state);
  State end = starts[1];
  dpm::sample(fine, gaussian(), end);
  REQUIRE(state == end);
}

TEST_CASE("trajectories of your own are interpolated through six nodes") {
  // A polynomial of degree 5 in sigma / (alpha + sigma) is exact, and one of degree 6 is not.
  const auto share = [](const dpm::Level& at) { return at.sigma() / (at.alpha() + at.sigma()); };
  for (const int degree : {5, 6}) {
    std::vector<dpm::Level> nodes;
    std::vector<State> states;
    for (const double t : {1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.01}) {
      nodes.push_back(schedule.level(t));
      states.push_back({std::pow(share(nodes.back()), degree)});
    }
    const dpm::References<State> references(nodes, {states});
    REQUIRE(references.model_calls() == 0);
    State state;
    references.at(0, schedule.level(0.25), state);
    const double off = std::abs(state[0] - std::pow(share(schedule.level(0.25)), degree));
    CAPTURE(degree, off);
    REQUIRE((degree == 5 ? off < 1e-13 : off > 1e-7));
  }
}

TEST_CASE("references reach from alpha 0 to sigma 0") {
  const dpm::Plan fine =
      dpm::make_plan(dpm::UniPc{.order = 3}, dpm::RectifiedFlow(), 300, dpm::Prediction::flow);
  const auto flow = [](const State& x, const dpm::Level& at, State& out) {
    // x_0 is one point, 0.5; so epsilon - x_0 follows from x.
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = (x[i] - 0.5) / at.sigma();
  };
  const std::vector<State> starts{{-2.0}, {1.5}};
  const dpm::References<State> references(fine, flow, starts);
  for (const double t : {1.0, 0.6, 0.1, 0.0}) {
    const dpm::Level at = dpm::RectifiedFlow().level(t);
    State state;
    references.at(0, at, state);
    REQUIRE_THAT(state[0], WithinAbs(at.alpha() * 0.5 - at.sigma() * 2.0, 1e-9));
  }
}

TEST_CASE("a network of the start's number is called with its condition") {
  const std::vector<State> starts{{0.4}, {0.4}};
  const auto network = [](std::size_t start) {
    return [model = gaussian(start == 0 ? -1.0 : 2.0)](const State& x, const dpm::Level& at,
                                                       State& out) { model(x, at, out); };
  };
  const dpm::References<State> references(fine_plan(), network, starts);
  const dpm::Level& end = references.nodes().back();
  for (std::size_t i = 0; i < 2; ++i) {
    State state;
    references.at(i, end, state);
    REQUIRE_THAT(state[0],
                 WithinAbs(exact(0.4, schedule.level(1.0), end, i == 0 ? -1.0 : 2.0), 1e-6));
  }
}

TEST_CASE("references keep no more nodes than they are asked to") {
  const std::vector<State> starts{{0.4}};
  for (const std::size_t most : {6U, 20U, 64U, 300U}) {
    const dpm::References<State> references(fine_plan(200), gaussian(), starts, most);
    REQUIRE(references.nodes().size() <= most);
    REQUIRE(references.nodes().size() >= std::min<std::size_t>(201, most / 2));
    REQUIRE(references.nodes().back() == fine_plan(200).end());
  }
}

TEST_CASE("starts and plans that are no reference are refused") {
  const std::vector<State> starts{{0.4}};
  const auto make = [&](const dpm::Plan& plan, const std::vector<State>& from,
                        std::size_t most = 64) {
    return [=] { (void)dpm::References<State>(plan, gaussian(), from, most); };
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refused(make(fine_plan(9), {}), "References: it was given no starts; it needs at least one");
  refused(make(fine_plan(9), {{0.1}, {}}), "References: start 1 is empty");
  refused<dpm::NonFinite>(make(fine_plan(9), {{0.1}, {0.2, nan}}),
                          "References: start 1 holds a NaN or an infinity");
  using Columns = Eigen::ArrayXXd;
  for (const Columns& empty : {Columns(0, 4), Columns(2, 0)}) {
    refused([&] { (void)dpm::References<Columns>(fine_plan(9), gaussian(), std::vector{empty}); },
            "References: start 0 is empty; it must hold at least one value");
  }
  std::vector<Columns> columns(3, Columns::Zero(2, 4));
  columns[2](1, 3) = nan;
  refused<dpm::NonFinite>(
      [&] { (void)dpm::References<Columns>(fine_plan(9), gaussian(), columns); },
      "References: sample 3 of start 2 holds a NaN or an infinity");
  refused(make(fine_plan(9), starts, 5), "References: most_nodes = 5; it must be at least 6");
  refused(make({}, starts), "check: the plan has no steps");
  refused(make(dpm::make_plan(dpm::Ddim{.eta = 1.0}, schedule, 9), starts),
          "References: the plan draws noise 9 times and asks for 0 corrections");
  refused(make(dpm::make_plan(schedule, 9, std::nullopt, dpm::Correction::data), starts),
          "References: the plan draws noise 0 times and asks for 9 corrections");
  const dpm::Grid inversion = make_grid(dpm::UniformLambda{}, schedule, 9).reversed();
  refused(make(dpm::make_plan(dpm::Ddim{}, inversion), starts),
          "nodes must lead from noise to data");
}

TEST_CASE("a network that returns a NaN for one start is refused where it does") {
  const std::vector<State> starts{{0.4}, {0.5}};
  const auto network = [](std::size_t start) {
    return [start](const State& x, const dpm::Level& at, State& out) {
      gaussian()(x, at, out);
      if (start == 1 && at.time < 0.1) out[0] = std::numeric_limits<double>::quiet_NaN();
    };
  };
  refused<dpm::NonFinite>([&] { (void)dpm::References<State>(fine_plan(20), network, starts); },
                          "References: start 1: step 12 of 20: the model's output (time 0.09");
}

TEST_CASE("trajectories of your own that do not fit are refused") {
  const std::vector<dpm::Level> nodes{schedule.level(1.0), schedule.level(0.1)};
  const auto make = [](const std::vector<dpm::Level>& levels,
                       const std::vector<std::vector<State>>& states) {
    return [=] { (void)dpm::References<State>(levels, states); };
  };
  const double infinity = std::numeric_limits<double>::infinity();
  refused(make({nodes[0]}, {{{1.0}}}), "References: it has 1 nodes; it needs at least 2");
  refused(make({nodes[1], nodes[0]}, {{{1.0}, {1.0}}}), "nodes must lead from noise to data");
  refused(make(nodes, {}), "References: it was given no starts");
  refused(make(nodes, {{{1.0}}}), "References: start 0 has 1 states and there are 2 nodes");
  refused(make(nodes, {{{1.0}, {1.0, 2.0}}}), "References: a state of start 0 is 2 x 1");
  refused<dpm::NonFinite>(make(nodes, {{{1.0}, {infinity}}}), "References: start 0 holds a NaN");

  const dpm::References<State> good(nodes, {{{1.0}, {2.0}}});
  State state;
  dpm::Level near = nodes[1];
  near.log_sigma -= 5e-7;
  good.at(0, near, state);
  REQUIRE_THAT(state[0], WithinAbs(2.0, 1e-6));
  near.log_sigma -= 5e-6;
  refused([&] { good.at(0, near, state); }, "References: the level at time 0.1 is not between");
  refused([&] { good.at(0, schedule.level(0.05), state); },
          "References: the level at time 0.05 is not between the first node, at time 1, and the "
          "last, at time 0.1");
}

}  // namespace references_test
