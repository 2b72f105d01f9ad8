// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Every register that a plan may name holds a value of its own.
#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <span>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace {

using dpm::Combine;
using dpm::prediction_register;
using dpm::Register;

/// x <- a weighted sum of x and these, each with a weight of its own.
Combine add_to_sample(std::span<const Register> others) {
  Combine c;
  c.targets.push_back(dpm::sample_register);
  c.operands.push_back(dpm::sample_register);
  c.weights.push_back(0.5);
  for (const Register r : others) {
    c.operands.push_back(r);
    c.weights.push_back(0.1 / static_cast<double>(c.operands.size()));
  }
  return c;
}

/// Fills every register there is with something else, then adds all of them up.
dpm::Plan plan_with_every_register() {
  dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, dpm::VpLinear(), 1);
  dpm::Step& step = plan.steps[0];
  step.instructions.clear();
  std::vector<Register> filled;
  for (std::size_t k = 0; k < dpm::max_predictions; ++k) {
    filled.push_back(prediction_register(k));
    step.instructions.push_back(dpm::Evaluate{filled.back(), dpm::sample_register, step.from});
    step.instructions.push_back(add_to_sample(std::span(filled).last(1)));
  }
  step.instructions.push_back(Combine{
      {dpm::stage_register, dpm::input_register, dpm::error_register},
      {dpm::sample_register, prediction_register(0)},
      {0.3, 0.7, 0.6, -0.4, -0.2, 0.9},
  });
  step.instructions.push_back(dpm::Draw{dpm::noise_register, 0});
  for (const Register r :
       {dpm::stage_register, dpm::input_register, dpm::error_register, dpm::noise_register}) {
    filled.push_back(r);
  }
  for (std::size_t first = 0; first < filled.size(); first += 5) {
    step.instructions.push_back(add_to_sample(std::span(filled).subspan(first, 5)));
  }
  dpm::check(plan);
  return plan;
}

struct Network {
  template <class State>
  void operator()(const State& x, double /*timestep*/, State& output) {
    ++calls;
    for (Eigen::Index i = 0; i < x.size(); ++i) {
      output[i] = std::tanh(x[i] + 0.1 * static_cast<double>(calls));
    }
  }
  int calls = 0;
};

template <class State>
State sample_of(const dpm::Plan& plan) {
  dpm::RunOptions<State> options;
  options.noise = [](State& z, const dpm::NoiseRequest&) { z.setConstant(0.8); };
  State x(2);
  x << 0.5, 0.6;
  Network network;
  dpm::sample(plan, network, x, options);
  return x;
}

/// The same with a variable for each register.
double by_hand(const dpm::Plan& plan, double x) {
  std::vector<std::vector<double>> values(dpm::register_kinds,
                                          std::vector<double>(dpm::max_predictions));
  const auto at = [&values](Register r) -> double& {
    return values[static_cast<std::size_t>(r.kind)][r.index];
  };
  at(dpm::sample_register) = x;
  int calls = 0;
  for (const dpm::Instruction& i : plan.steps[0].instructions) {
    if (const auto* e = std::get_if<dpm::Evaluate>(&i)) {
      at(e->output) = std::tanh(at(e->input) + 0.1 * ++calls);
    } else if (const auto* d = std::get_if<dpm::Draw>(&i)) {
      at(d->target) = 0.8;
    } else if (const auto* c = std::get_if<Combine>(&i)) {
      std::vector<double> sums;
      for (std::size_t t = 0; t < c->targets.size(); ++t) {
        double sum = c->weight(t, 0) * at(c->operands[0]);
        for (std::size_t j = 1; j < c->operands.size(); ++j) {
          sum = std::fma(c->weight(t, j), at(c->operands[j]), sum);
        }
        sums.push_back(sum);
      }
      for (std::size_t t = 0; t < sums.size(); ++t) at(c->targets[t]) = sums[t];
    }
  }
  return at(dpm::sample_register);
}

/// A state of someone's own that looks like a tuple, has no default, and counts how many there are.
class Counted {
 public:
  explicit Counted(double first) : value(first) { ++alive; }
  Counted(const Counted& other) : value(other.value) { ++alive; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --alive; }

  double value;
  static inline int alive = 0;
};

void combine(const dpm::Weights& weights, std::span<Counted* const> targets,
             std::span<const Counted* const> operands) {
  std::vector<double> sums;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    sums.push_back(0.0);
    for (std::size_t j = 0; j < operands.size(); ++j) {
      sums[i] += weights(i, j) * operands[j]->value;
    }
  }
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i]->value = sums[i];
}

}  // namespace

template <>
struct std::tuple_size<Counted> : std::integral_constant<std::size_t, 2> {};

TEST_CASE("a state of one's own has as many copies as the plan writes registers") {
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, dpm::VpLinear(), 3);
  dpm::Stepper<Counted> run(plan, Counted(0.5));
  while (const auto call = run.next()) call->output.value = 0.5 * call->input.value;
  REQUIRE(run.sample().value != 0.5);
  REQUIRE(Counted::alive == 2);
}

TEST_CASE("every register holds a value of its own, in place and on the heap") {
  const dpm::Plan plan = plan_with_every_register();
  const Eigen::Array2d expected(by_hand(plan, 0.5), by_hand(plan, 0.6));
  REQUIRE((sample_of<Eigen::Array2d>(plan) == expected).all());
  REQUIRE((sample_of<Eigen::ArrayXd>(plan) == expected).all());
}
