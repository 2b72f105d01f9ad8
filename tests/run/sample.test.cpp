// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// sample(): every form of model, every kind of state, what the hooks see, and what a refusal
/// leaves behind.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

using namespace dpm_test;
using Eigen::Dynamic;
using Eigen::RowMajor;

namespace {

/// Timesteps are whole numbers here, so that they fit every type a model may take them in.
const dpm::AnySchedule schedule =
    dpm::DiscreteSchedule(dpm::linear_betas(), dpm::TimestepType::discrete);

/// Seven calls in six steps: the first step is singlestep and so uses the trial register.
dpm::Plan third_order_plan(dpm::Correction correction = dpm::Correction::none) {
  return make_plan(dpm::DpmSolver{.order = 3}, make_grid(dpm::UniformLambda{}, schedule, 6),
                   dpm::Prediction::noise, correction);
}

/// The "network", value by value.
double network(double x, double timestep) { return x / (1.0 + x * x) + 1e-4 * timestep; }

/// The network as a model for every state with `data()` and `size()`.
struct Network {
  template <class State>
  void operator()(const State& x, double timestep, State& out) const {
    using Scalar = std::remove_cvref_t<decltype(*out.data())>;
    for (decltype(x.size()) i = 0; i < x.size(); ++i) {
      out.data()[i] = static_cast<Scalar>(network(static_cast<double>(x.data()[i]), timestep));
    }
  }
};

constexpr int rows = 4;
constexpr int cols = 3;

/// Where element r of sample c starts.
double start_at(int r, int c) { return std::sin(1.0 + 1.3 * r + 4.1 * c) * 1.4; }

/// Where it ends: the run of that number alone, in a state of its own.
template <class Scalar>
Scalar end_at(const dpm::Plan& plan, int r, int c) {
  std::vector<Scalar> x{static_cast<Scalar>(start_at(r, c))};
  dpm::sample(plan, Network{}, x);
  return x[0];
}

template <class X>
void set_start(X& x) {
  if constexpr (dpm::EigenState<X>) {
    for (int c = 0; c < x.cols(); ++c) {
      for (int r = 0; r < x.rows(); ++r) x(r, c) = static_cast<typename X::Scalar>(start_at(r, c));
    }
  } else {
    for (int i = 0; i < rows * cols; ++i) {
      x[static_cast<std::size_t>(i)] =
          static_cast<std::remove_cvref_t<decltype(x[0])>>(start_at(i % rows, i / rows));
    }
  }
}

template <class X>
void require_end(const dpm::Plan& plan, const X& x) {
  if constexpr (dpm::EigenState<const X>) {
    for (int c = 0; c < x.cols(); ++c) {
      for (int r = 0; r < x.rows(); ++r) {
        REQUIRE(x(r, c) == end_at<typename X::Scalar>(plan, r, c));
      }
    }
  } else {
    for (int i = 0; i < rows * cols; ++i) {
      using Scalar = std::remove_cvref_t<decltype(x[0])>;
      REQUIRE(x[static_cast<std::size_t>(i)] == end_at<Scalar>(plan, i % rows, i / rows));
    }
  }
}

/// Samples in `x` and requires of every value, bit for bit, what it becomes alone.
template <class X>
void require_samples(X&& x) {
  const dpm::Plan plan = third_order_plan();
  set_start(x);
  const dpm::RunReport report = dpm::sample(plan, Network{}, x);
  REQUIRE(report.model_calls == 7);
  REQUIRE(report.steps == 6);
  require_end(plan, x);
}

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

TEST_CASE("sample runs the loop of the paper") {
  // DDIM with eta = 0 (arXiv 2010.02502, Eq. 12), written out.
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 10);
  std::vector<double> x{1.3, -0.4};
  std::vector<double> expected = x;
  dpm::sample(make_plan(dpm::Ddim{}, grid), Network{}, x);
  for (double& value : expected) {
    for (std::size_t i = 0; i < grid.steps(); ++i) {
      const double noise = network(value, grid[i].timestep);
      const double data = (value - grid[i].sigma() * noise) / grid[i].alpha();
      value = grid[i + 1].alpha() * data + grid[i + 1].sigma() * noise;
    }
  }
  REQUIRE_THAT(x[0], WithinRel(expected[0], 1e-12));
  REQUIRE_THAT(x[1], WithinRel(expected[1], 1e-12));
}

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

TEST_CASE("a state may be an Eigen array or matrix") {
  require_samples(Eigen::ArrayXXf(rows, cols));
  require_samples(Eigen::ArrayXXd(rows, cols));
  require_samples(Eigen::MatrixXf(rows, cols));
  require_samples(Eigen::MatrixXd(rows, cols));
  require_samples(Eigen::ArrayXd(rows));
  require_samples(Eigen::VectorXf(rows));
  require_samples(Eigen::RowVectorXd(cols));
  SECTION("of fixed size") {
    require_samples(Eigen::Array2d());
    require_samples(Eigen::Array<float, 4, 3>());
    require_samples(Eigen::Array<double, 4, Dynamic>(rows, cols));
    require_samples(Eigen::Array<double, 4, Dynamic, 0, 4, 5>(rows, cols));
    require_samples(Eigen::Vector4f());
  }
  SECTION("in row-major order") {
    require_samples(Eigen::Array<float, Dynamic, Dynamic, RowMajor>(rows, cols));
    require_samples(Eigen::Matrix<double, Dynamic, Dynamic, RowMajor>(rows, cols));
    require_samples(Eigen::Array<float, 4, 3, RowMajor>());
  }
}

TEST_CASE("a state may be a view of values that live elsewhere") {
  std::array<double, rows * cols> doubles{};
  std::array<float, rows * cols> floats{};
  const dpm::Plan plan = third_order_plan();

  SECTION("an Eigen map") {
    Eigen::Map<Eigen::ArrayXXd> map(doubles.data(), rows, cols);
    require_samples(map);
    require_end(plan, doubles);
    require_samples(Eigen::Map<Eigen::ArrayXXf>(floats.data(), rows, cols));
    require_end(plan, floats);
  }
  SECTION("an Eigen map as a temporary argument") {
    set_start(floats);
    dpm::sample(plan, Network{}, Eigen::Map<Eigen::MatrixXf>(floats.data(), rows, cols));
    require_end(plan, floats);
  }
  SECTION("an Eigen map with gaps, which keep what they hold") {
    std::array<float, 5 * cols> wide;
    wide.fill(7.0F);
    using Stride = Eigen::OuterStride<>;
    require_samples(Eigen::Map<Eigen::ArrayXXf, 0, Stride>(wide.data(), rows, cols, Stride(5)));
    for (std::size_t c = 0; c < cols; ++c) REQUIRE(wide[5 * c + rows] == 7.0F);
  }
  SECTION("a span") {
    std::span<double> span(doubles);
    require_samples(span);
    require_end(plan, doubles);
    require_samples(std::span<float, rows * cols>(floats));
    require_end(plan, floats);
    set_start(doubles);
    dpm::sample(plan, Network{}, std::span<double>(doubles));
    require_end(plan, doubles);
    const std::span<float> constant(floats);  // its values are not
    set_start(floats);
    dpm::sample(plan, Network{}, constant);
    require_end(plan, floats);
  }
}

TEST_CASE("a state may be a vector or an array of float or double") {
  require_samples(std::vector<float>(rows * cols));
  require_samples(std::vector<double>(rows * cols));
  require_samples(std::array<float, rows * cols>());
  require_samples(std::array<double, rows * cols>());
}

namespace elsewhere {

/// A user's own state: two numbers in a record. It has no `data()` and is no range.
struct Pair {
  double first = 0.0;
  double second = 0.0;
};

void combine(const dpm::Weights& weights, std::span<Pair* const> targets,
             std::span<const Pair* const> operands) {
  std::array<Pair, dpm::Combine::max_targets> sums{};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    for (std::size_t j = 0; j < operands.size(); ++j) {
      sums[i].first += weights(i, j) * operands[j]->first;
      sums[i].second += weights(i, j) * operands[j]->second;
    }
  }
  for (std::size_t i = 0; i < targets.size(); ++i) *targets[i] = sums[i];
}

bool all_finite(const Pair& pair) {
  return std::isfinite(pair.first) && std::isfinite(pair.second);
}

/// A state the library could combine by itself, but that has its own way.
struct CountedVector : std::vector<double> {
  using std::vector<double>::vector;
  static inline int combinations = 0;
};

void combine(const dpm::Weights& weights, std::span<CountedVector* const> targets,
             std::span<const CountedVector* const> operands) {
  ++CountedVector::combinations;
  std::array<std::vector<double>*, dpm::Combine::max_targets> to{};
  std::array<const std::vector<double>*, dpm::Combine::max_operands> from{};
  for (std::size_t i = 0; i < targets.size(); ++i) to[i] = targets[i];
  for (std::size_t j = 0; j < operands.size(); ++j) from[j] = operands[j];
  dpm::combine(weights, std::span<std::vector<double>* const>(to.data(), targets.size()),
               std::span<const std::vector<double>* const>(from.data(), operands.size()));
}

}  // namespace elsewhere

TEST_CASE("a state may be a type of one's own with combine in its own namespace") {
  using elsewhere::Pair;
  const dpm::Plan plan = third_order_plan();
  Pair pair{start_at(0, 0), start_at(1, 0)};
  int calls = 0;
  const dpm::RunReport report = dpm::sample(
      plan,
      [&](const Pair& x, double timestep) {
        ++calls;
        return Pair{network(x.first, timestep), network(x.second, timestep)};
      },
      pair);
  REQUIRE(calls == 7);
  REQUIRE(report.model_calls == 7);
  REQUIRE_THAT(pair.first, WithinRel(end_at<double>(plan, 0, 0), 1e-13));
  REQUIRE_THAT(pair.second, WithinRel(end_at<double>(plan, 1, 0), 1e-13));

  const auto spoils_one = [](const Pair&, double) { return Pair{0.0, NAN}; };
  const double before = pair.first;
  REQUIRE_THROWS_AS(dpm::sample(plan, spoils_one, pair), dpm::NonFinite);
  REQUIRE(pair.first == before);

  elsewhere::CountedVector vector(rows * cols);
  set_start(vector);
  dpm::sample(plan, Network{}, vector);
  require_end(plan, vector);
  REQUIRE(elsewhere::CountedVector::combinations >= 7);
}

namespace {

/// The timesteps that a model sees in a run.
std::vector<double> labels_seen(const dpm::Plan& plan) {
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
        labels_seen(make_plan(dpm::Ddim{}, grid_of_every_index(discrete)));
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
  const auto by_index = labels_seen(make_plan(dpm::Ddim{}, grid_of_every_index(indexed)));
  const auto by_time = labels_seen(make_plan(dpm::Ddim{}, grid_of_every_index(continuous)));
  REQUIRE(by_index.size() == 100);
  REQUIRE(by_time.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) {
    REQUIRE(by_index[i] == 99.0 - static_cast<double>(i));
    REQUIRE_THAT(by_time[i], WithinAbs(990.0 - 10.0 * static_cast<double>(i), 1e-10));
  }
}

TEST_CASE("between the table's times timesteps are real numbers, or the nearest index") {
  const dpm::DpmSolver singlestep{.order = 3, .form = dpm::DpmSolver::Form::singlestep};
  const auto labels_of = [&](dpm::TimestepType timestep) {
    const dpm::DiscreteSchedule discrete(dpm::linear_betas(), timestep);
    return labels_seen(make_plan(singlestep, make_grid(dpm::UniformLambda{}, discrete, 5)));
  };
  const std::vector<double> real = labels_of(dpm::TimestepType::continuous);
  const std::vector<double> whole = labels_of(dpm::TimestepType::discrete);
  REQUIRE(real.size() == 15);
  REQUIRE(whole.size() == 15);
  REQUIRE(real[1] != std::round(real[1]));
  for (std::size_t i = 0; i < 15; ++i) REQUIRE(whole[i] == std::round(real[i]));
}

TEST_CASE("a model of the continuous schedules is told the time itself") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, dpm::VpLinear(), 7);
  const std::vector<double> timesteps = labels_seen(make_plan(dpm::Ddim{}, grid));
  REQUIRE(timesteps.size() == 7);
  for (std::size_t i = 0; i < 7; ++i) REQUIRE(timesteps[i] == grid[i].time);
}

TEST_CASE("sampling in one call plans exactly the calls it is asked for") {
  const std::vector<double> start{0.3, -1.1, 0.8};
  const auto require_one_call = [&](const auto& method, int calls) {
    int made = 0;
    const auto model = [&](const std::vector<double>& x, double timestep,
                           std::vector<double>& out) {
      ++made;
      Network{}(x, timestep, out);
    };
    std::vector<double> x = start;
    const dpm::RunReport report = dpm::sample(method, schedule, calls, model, x);
    REQUIRE(made == calls);
    REQUIRE(report.model_calls == calls);
    std::vector<double> expected = start;
    dpm::sample(make_plan(method, schedule, calls), Network{}, expected);
    REQUIRE(x == expected);
    REQUIRE(x != start);
  };
  require_one_call(dpm::DpmSolver{}, 20);
  require_one_call(dpm::DpmSolver{.order = 3}, 20);
  require_one_call(dpm::DpmSolver{.order = 3, .form = dpm::DpmSolver::Form::singlestep}, 20);
  require_one_call(dpm::DpmSolver{.denoise_to_zero = true}, 20);
  require_one_call(dpm::Ddim{}, 20);
  require_one_call(dpm::Pndm{}, 20);
  require_one_call(dpm::Ddim{}, 1);

  SECTION("the schedule may be a concrete one, and the state a temporary view") {
    std::vector<double> expected = start;
    dpm::sample(dpm::DpmSolver{}, schedule, 20, Network{}, expected);
    std::vector<double> x = start;
    const dpm::DiscreteSchedule concrete(dpm::linear_betas(), dpm::TimestepType::discrete);
    dpm::sample(dpm::DpmSolver{}, concrete, 20, Network{}, std::span<double>(x));
    REQUIRE(x == expected);
  }
  SECTION("for another prediction") {
    std::vector<double> expected = start;
    dpm::sample(make_plan(dpm::DpmSolver{}, schedule, 20, dpm::Prediction::velocity), Network{},
                expected);
    std::vector<double> x = start;
    dpm::sample(dpm::DpmSolver{}, schedule, 20, Network{}, x, dpm::Prediction::velocity);
    REQUIRE(x == expected);
  }
  SECTION("with noise and an observer") {
    const dpm::NormalNoise noise{.seed = 3};
    std::vector<double> expected = start;
    dpm::sample(make_plan(dpm::Ddpm{}, schedule, 20), Network{}, expected, {.noise = noise});
    std::vector<double> x = start;
    int steps = 0;
    dpm::sample(dpm::Ddpm{}, schedule, 20, Network{}, x, dpm::Prediction::noise,
                {.noise = noise, .observer = [&](const auto&) { ++steps; }});
    REQUIRE(x == expected);
    REQUIRE(steps == 20);
  }
  SECTION("with a correction, for which it makes the plan") {
    const auto clip = [](std::vector<double>& data, const dpm::Level&) {
      for (double& value : data) value = std::min(std::max(value, -0.5), 0.5);
    };
    std::vector<double> expected = start;
    dpm::sample(
        make_plan(dpm::DpmSolver{}, schedule, 20, dpm::Prediction::noise, dpm::Correction::data),
        Network{}, expected, {.correction = clip});
    std::vector<double> x = start;
    dpm::sample(dpm::DpmSolver{}, schedule, 20, Network{}, x, dpm::Prediction::noise,
                {.correction = clip});
    REQUIRE(x == expected);
    std::vector<double> unclipped = start;
    dpm::sample(dpm::DpmSolver{}, schedule, 20, Network{}, unclipped);
    REQUIRE(x != unclipped);
  }
}

TEST_CASE("the noise source is asked once for each draw, in order, with the step it is for") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 5).then(0.0);
  const dpm::Plan plan = make_plan(dpm::Ddpm{}, grid);
  std::vector<dpm::NoiseRequest> requests;
  std::vector<double> x{0.2, 0.4};
  dpm::sample(plan, Network{}, x, {.noise = [&](std::vector<double>& z, const auto& request) {
                REQUIRE(z.size() == 2);
                z.assign(2, 0.1);
                requests.push_back(request);
              }});
  REQUIRE(plan.steps.size() == 6);
  REQUIRE(requests.size() == 5);  // the step to sigma = 0 draws none
  for (std::size_t i = 0; i < requests.size(); ++i) {
    REQUIRE(requests[i].draw == i);
    REQUIRE(requests[i].from == grid[i]);
    REQUIRE(requests[i].to == grid[i + 1]);
  }
}

TEST_CASE("the drawn noise enters with its weight") {
  // Two runs that differ in one draw of the last step differ by that step's deviation.
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, schedule, 3);
  const auto last = [&](double z) {
    std::vector<double> x{0.2};
    dpm::sample(make_plan(dpm::Ddpm{}, grid), Network{}, x,
                {.noise = [&](std::vector<double>& noise, const dpm::NoiseRequest& request) {
                  noise.assign(1, request.draw == 2 ? z : 0.3);
                }});
    return x[0];
  };
  const double h = grid[3].lambda() - grid[2].lambda();
  const double deviation = grid[3].sigma() * std::sqrt(1.0 - std::exp(-2.0 * h));
  REQUIRE_THAT(last(2.0) - last(1.0), WithinRel(deviation, 1e-10));
}

TEST_CASE(
    "the correction is called after each model call, at its level, with its data prediction") {
  const dpm::Plan plan = third_order_plan(dpm::Correction::data);
  std::vector<dpm::Level> evaluated;
  std::vector<dpm::Level> corrected;
  double input = 0.0;
  double output = 0.0;
  std::vector<double> x{0.7};
  const auto model = [&](const std::vector<double>& at, const dpm::Level& level,
                         std::vector<double>& out) {
    REQUIRE(evaluated.size() == corrected.size());
    evaluated.push_back(level);
    input = at[0];
    Network{}(at, level.timestep, out);
    output = out[0];
  };
  const auto correction = [&](std::vector<double>& data, const dpm::Level& level) {
    corrected.push_back(level);
    REQUIRE_THAT(data[0], WithinRel((input - level.sigma() * output) / level.alpha(), 1e-12));
  };
  dpm::sample(plan, model, x, {.correction = correction});
  REQUIRE(evaluated.size() == 7);
  REQUIRE(corrected == evaluated);
}

TEST_CASE("the observer sees every step: its number, its level, its sample") {
  const dpm::Plan plan = third_order_plan();
  struct Seen {
    std::size_t step, steps;
    int model_calls;
    dpm::Level level;
    std::vector<double> sample;
  };
  std::vector<Seen> seen;
  const std::vector<double> start{0.7, -1.0};
  std::vector<double> x = start;
  dpm::sample(plan, Network{}, x, {.observer = [&](const dpm::Progress<std::vector<double>>& now) {
                seen.push_back({now.step, now.steps, now.model_calls, now.level, now.sample});
                REQUIRE(x == start);
              }});
  REQUIRE(seen.size() == 6);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    REQUIRE(seen[i].step == i + 1);
    REQUIRE(seen[i].steps == 6);
    REQUIRE(seen[i].model_calls == static_cast<int>(i) + 2);  // the first step takes two
    REQUIRE(seen[i].level == plan.steps[i].to);
    // A plan is data: its first steps alone lead to what the observer saw then.
    dpm::Plan beginning = plan;
    beginning.steps.resize(i + 1);
    std::vector<double> expected = start;
    dpm::sample(beginning, Network{}, expected);
    REQUIRE(seen[i].sample == expected);
  }
  REQUIRE(seen.back().sample == x);
}

namespace {

template <class X>
std::vector<unsigned char> bytes_of(const X& x) {
  std::vector<unsigned char> bytes(static_cast<std::size_t>(x.size()) * sizeof(*x.data()));
  if (!bytes.empty()) std::memcpy(bytes.data(), x.data(), bytes.size());
  return bytes;
}

/// Requires that sampling fails with `Error` and leaves every bit of `x` as it was.
template <class Error, class X, class Model>
void require_untouched(X& x, const dpm::Plan& plan, Model model,
                       dpm::RunOptions<dpm::OwnedState<X>> options = {}) {
  const auto before = bytes_of(x);
  REQUIRE_THROWS_AS(dpm::sample(plan, model, x, options), Error);
  REQUIRE(bytes_of(x) == before);
}

struct Stop : std::runtime_error {
  Stop() : std::runtime_error("stop") {}
};

/// The network, until from call number `first` on `spoil` is let loose on its output.
template <class Spoil>
auto spoiled_from(int first, Spoil spoil) {
  return [=, calls = 0](const auto& x, double timestep, auto& out) mutable {
    Network{}(x, timestep, out);
    if (++calls >= first) spoil(out);
  };
}

template <class State>
constexpr bool resizable = false;
template <class Scalar>
constexpr bool resizable<std::vector<Scalar>> = true;

/// Every way in which a run can end early, on a state of any kind.
template <class X>
void require_untouched_by_failures(X&& x) {
  using Owned = dpm::OwnedState<X>;
  using Scalar = std::remove_cvref_t<decltype(*x.data())>;
  using Options = dpm::RunOptions<Owned>;
  const dpm::Plan plan = third_order_plan();
  const dpm::Plan corrected = third_order_plan(dpm::Correction::data);
  const dpm::Plan stochastic = make_plan(dpm::Ddpm{}, schedule, 5);
  set_start(x);

  for (const int call : {1, 4, 7}) {
    INFO("from model call " << call);
    require_untouched<dpm::NonFinite>(x, plan, spoiled_from(call, [](auto& out) {
                                        out.data()[1] = std::numeric_limits<Scalar>::quiet_NaN();
                                      }));
    require_untouched<Stop>(x, plan, spoiled_from(call, [](auto&) { throw Stop(); }));
  }
  if constexpr (resizable<Owned>) {
    require_untouched<dpm::InvalidArgument>(
        x, plan, spoiled_from(3, [](auto& out) { out.resize(out.size() + 1); }));
  }
  const auto add_a_lot = [](auto& out) {
    for (decltype(out.size()) i = 0; i < out.size(); ++i) {
      out.data()[i] = -std::numeric_limits<Scalar>::max();
    }
  };
  require_untouched<dpm::NonFinite>(x, plan, spoiled_from(1, add_a_lot));

  require_untouched<dpm::InvalidArgument>(x, stochastic, Network{});
  require_untouched<dpm::InvalidArgument>(x, corrected, Network{});
  require_untouched<dpm::InvalidArgument>(x, plan, Network{},
                                          Options{.correction = [](Owned&, const dpm::Level&) {}});
  dpm::Plan damaged = plan;
  damaged.steps[3].from.time = 0.5;
  require_untouched<dpm::InvalidArgument>(x, damaged, Network{});
  require_untouched<dpm::InvalidArgument>(x, dpm::Plan{}, Network{});

  require_untouched<Stop>(x, stochastic, Network{},
                          Options{.noise = [](Owned&, const dpm::NoiseRequest& request) {
                            if (request.draw == 2) throw Stop();
                          }});
  require_untouched<Stop>(x, corrected, Network{},
                          Options{.correction = [](Owned&, const dpm::Level&) { throw Stop(); }});
  for (const std::size_t step : {std::size_t{1}, std::size_t{6}}) {
    require_untouched<Stop>(x, plan, Network{},
                            Options{.observer = [=](const dpm::Progress<Owned>& now) {
                              if (now.step == step) throw Stop();
                            }});
  }

  const auto before = bytes_of(x);
  REQUIRE_THROWS_AS(dpm::sample(dpm::DpmSolver{}, schedule, 0, Network{}, x), dpm::InvalidArgument);
  REQUIRE_THROWS_AS(dpm::sample(dpm::Ddpm{}, schedule, 5, Network{}, x), dpm::InvalidArgument);
  REQUIRE(bytes_of(x) == before);

  x.data()[2] = -std::numeric_limits<Scalar>::quiet_NaN();
  require_untouched<dpm::NonFinite>(x, plan, Network{});
  x.data()[2] = std::numeric_limits<Scalar>::infinity();
  require_untouched<dpm::NonFinite>(x, plan, Network{});

  set_start(x);
  dpm::sample(plan, Network{}, x);
  require_end(plan, x);
}

}  // namespace

TEST_CASE("whatever ends a run early, x is untouched to the last bit") {
  SECTION("vectors and arrays") {
    require_untouched_by_failures(std::vector<float>(rows * cols));
    require_untouched_by_failures(std::vector<double>(rows * cols));
    require_untouched_by_failures(std::array<double, rows * cols>());
  }
  SECTION("Eigen objects") {
    require_untouched_by_failures(Eigen::ArrayXXf(rows, cols));
    require_untouched_by_failures(Eigen::Array<double, 4, 3, RowMajor>());
  }
  SECTION("views") {
    std::array<float, rows * cols> values{};
    require_untouched_by_failures(std::span<float>(values));
    require_untouched_by_failures(Eigen::Map<Eigen::MatrixXf>(values.data(), rows, cols));
  }
}
