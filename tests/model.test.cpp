// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a model may be, and which timestep it is told.
#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/value_runs.hpp"

namespace model_test {

using namespace dpm_test;

namespace {

using State = Eigen::ArrayXXf;

State start_state() {
  State x(rows, cols);
  set_start(x);
  return x;
}

State network_of(const State& x, double timestep) {
  State out(x.rows(), x.cols());
  Network{}(x, timestep, out);
  return out;
}

void network_into(const State& x, double timestep, State& out) { Network{}(x, timestep, out); }

/// Samples with `model` and requires the same bits as from the plain in-place form.
template <class Model>
void require_same_samples(Model&& model) {
  State expected = start_state();
  dpm::sample(third_order_plan(), &network_into, expected);
  State x = start_state();
  REQUIRE((x != expected).all());
  const dpm::RunReport report = dpm::sample(third_order_plan(), std::forward<Model>(model), x);
  REQUIRE((x == expected).all());
  REQUIRE(report.model_calls == 7);
}

}  // namespace

TEST_CASE("a model may fill its output or return it, and take the timestep or the level") {
  SECTION("lambdas") {
    require_same_samples(
        [](const State& x, double timestep, State& out) { network_into(x, timestep, out); });
    require_same_samples([](const State& x, double timestep) { return network_of(x, timestep); });
    require_same_samples([](const State& x, const dpm::Level& level, State& out) {
      network_into(x, level.timestep, out);
    });
    require_same_samples(
        [](const State& x, const dpm::Level& level) { return network_of(x, level.timestep); });
    require_same_samples([](State x, dpm::Level level) { return network_of(x, level.timestep); });
  }
  SECTION("timesteps that are float, int or unsigned") {
    const auto with_float = [](const State& x, float timestep) {
      return network_of(x, static_cast<double>(timestep));
    };
    const auto with_int = [](const State& x, int timestep, State& out) {
      network_into(x, timestep, out);
    };
    const auto with_unsigned = [](const State& x, unsigned timestep) {
      return network_of(x, timestep);
    };
    require_same_samples(std::ref(with_float));
    require_same_samples(std::ref(with_int));
    require_same_samples(std::ref(with_unsigned));
  }
  SECTION("generic lambdas") {
    require_same_samples(
        [](const auto& x, auto timestep, auto& out) { Network{}(x, timestep, out); });
    require_same_samples([](const auto& x, auto timestep) { return network_of(x, timestep); });
    require_same_samples([](const auto& x, const dpm::Level& level, auto& out) {
      Network{}(x, level.timestep, out);
    });
  }
  SECTION("an Eigen expression as the result") {
    require_same_samples([](const State& x, double timestep) {
      return x.unaryExpr([timestep](float value) {
        return static_cast<float>(network(static_cast<double>(value), timestep));
      });
    });
  }
  SECTION("functions") {
    require_same_samples(network_into);
    require_same_samples(&network_into);
    require_same_samples(network_of);
    require_same_samples(&network_of);
  }
  SECTION("std::function") {
    const std::function<void(const State&, double, State&)> into = network_into;
    const std::function<State(const State&, double)> of = network_of;
    const std::function<State(const State&, const dpm::Level&)> of_level =
        [](const State& x, const dpm::Level& level) { return network_of(x, level.timestep); };
    require_same_samples(into);
    require_same_samples(of);
    require_same_samples(of_level);
    require_same_samples(std::function<State(const State&, double)>(of));
  }
  SECTION("function objects, const and not") {
    struct Returns {
      State operator()(const State& x, double timestep) const { return network_of(x, timestep); }
    };
    struct OwnsItsOutput {
      State out = {};
      const State& operator()(const State& x, double timestep) {
        return out = network_of(x, timestep);
      }
    };
    require_same_samples(Network{});
    const Network constant;
    require_same_samples(constant);
    require_same_samples(Returns{});
    OwnsItsOutput owner;
    require_same_samples(owner);
    require_same_samples(OwnsItsOutput{});
  }
  SECTION("a lambda with state of its own") {
    require_same_samples([scratch = State()](const State& x, double timestep) mutable {
      scratch = network_of(x, timestep);
      return scratch;
    });
  }
}

TEST_CASE("a model is taken by reference and neither copied nor moved") {
  struct Counter {
    int calls = 0;
    Counter() = default;
    Counter(const Counter&) = delete;
    Counter& operator=(const Counter&) = delete;
    void operator()(const State& x, double timestep, State& out) {
      ++calls;
      network_into(x, timestep, out);
    }
  };
  Counter counter;
  require_same_samples(counter);
  REQUIRE(counter.calls == 7);
  require_same_samples(std::ref(counter));
  REQUIRE(counter.calls == 14);

  struct MoveOnly {
    std::unique_ptr<double> factor = std::make_unique<double>(1.0);
    State operator()(const State& x, double timestep) const {
      return *factor * network_of(x, timestep);
    }
  };
  MoveOnly move_only;
  require_same_samples(move_only);
  REQUIRE(move_only.factor != nullptr);
  require_same_samples(MoveOnly{});
}

TEST_CASE("of several signatures the first documented one is called") {
  struct All {
    std::array<int, 4> calls{};
    void operator()(const State& x, double timestep, State& out) {
      ++calls[0];
      network_into(x, timestep, out);
    }
    State operator()(const State& x, double timestep) {
      ++calls[1];
      return network_of(x, timestep);
    }
    void operator()(const State& x, const dpm::Level& level, State& out) {
      ++calls[2];
      network_into(x, level.timestep, out);
    }
    State operator()(const State& x, const dpm::Level& level) {
      ++calls[3];
      return network_of(x, level.timestep);
    }
  };
  struct WithoutFirst : private All {
    using All::calls;
    State operator()(const State& x, double timestep) { return All::operator()(x, timestep); }
    void operator()(const State& x, const dpm::Level& level, State& out) {
      All::operator()(x, level, out);
    }
  };
  struct LevelOnly : private All {
    using All::calls;
    void operator()(const State& x, const dpm::Level& level, State& out) {
      All::operator()(x, level, out);
    }
    State operator()(const State& x, const dpm::Level& level) { return All::operator()(x, level); }
  };
  All all;
  require_same_samples(all);
  REQUIRE(all.calls == std::array<int, 4>{7, 0, 0, 0});
  WithoutFirst without_first;
  require_same_samples(without_first);
  REQUIRE(without_first.calls == std::array<int, 4>{0, 7, 0, 0});
  LevelOnly level_only;
  require_same_samples(level_only);
  REQUIRE(level_only.calls == std::array<int, 4>{0, 0, 7, 0});
}

namespace {

/// The timesteps that a model sees in a run.
std::vector<double> timesteps_seen(const dpm::Plan& plan) {
  std::vector<double> timesteps;
  std::vector<double> x{0.5};
  dpm::sample(
      plan,
      [&](const std::vector<double>& at, double timestep, std::vector<double>& out) {
        timesteps.push_back(timestep);
        out = at;
      },
      x);
  return timesteps;
}

dpm::Grid grid_of_every_index(const dpm::DiscreteSchedule<double>& discrete) {
  std::vector<double> times;
  for (std::size_t i = discrete.size(); i-- > 0;) times.push_back(discrete.time_of_index(i));
  times.push_back(0.0);
  return dpm::grid_of_times(discrete, times);
}

}  // namespace

TEST_CASE("a model of a thousand betas is told 999 to 0") {
  for (const auto timestep : {dpm::TimestepType::continuous, dpm::TimestepType::discrete}) {
    const dpm::DiscreteSchedule discrete(dpm::linear_betas(), timestep);
    const std::vector<double> timesteps =
        timesteps_seen(make_plan(dpm::Ddim{}, grid_of_every_index(discrete)));
    REQUIRE(timesteps.size() == 1000);
    for (std::size_t i = 0; i < timesteps.size(); ++i) {
      REQUIRE(timesteps[i] == 999.0 - static_cast<double>(i));
    }
  }
}

TEST_CASE("a model of a hundred betas is told indices, or the time times a thousand") {
  const dpm::DiscreteSchedule indexed(dpm::linear_betas(100, 1e-3, 0.2),
                                      dpm::TimestepType::discrete);
  const dpm::DiscreteSchedule continuous(dpm::linear_betas(100, 1e-3, 0.2));
  const auto by_index = timesteps_seen(make_plan(dpm::Ddim{}, grid_of_every_index(indexed)));
  const auto by_time = timesteps_seen(make_plan(dpm::Ddim{}, grid_of_every_index(continuous)));
  REQUIRE(by_index.size() == 100);
  REQUIRE(by_time.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) {
    REQUIRE(by_index[i] == 99.0 - static_cast<double>(i));
    REQUIRE_THAT(by_time[i], WithinAbs(990.0 - 10.0 * static_cast<double>(i), 1e-10));
  }
}

TEST_CASE("between the table's times timesteps are real numbers, or the nearest index") {
  const dpm::DpmSolver singlestep{.order = 3, .form = dpm::DpmSolver::Form::singlestep};
  const auto timesteps_of = [&](dpm::TimestepType timestep) {
    const dpm::DiscreteSchedule discrete(dpm::linear_betas(), timestep);
    return timesteps_seen(make_plan(singlestep, make_grid(dpm::UniformLambda{}, discrete, 5)));
  };
  const std::vector<double> real = timesteps_of(dpm::TimestepType::continuous);
  const std::vector<double> whole = timesteps_of(dpm::TimestepType::discrete);
  REQUIRE(real.size() == 15);
  REQUIRE(whole.size() == 15);
  REQUIRE(real[1] != std::round(real[1]));
  for (std::size_t i = 0; i < 15; ++i) REQUIRE(whole[i] == std::round(real[i]));
}

TEST_CASE("a model of the continuous schedules is told the time itself") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, dpm::VpLinear(), 7);
  const std::vector<double> timesteps = timesteps_seen(make_plan(dpm::Ddim{}, grid));
  REQUIRE(timesteps.size() == 7);
  for (std::size_t i = 0; i < 7; ++i) REQUIRE(timesteps[i] == grid[i].time);
}

}  // namespace model_test
