// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Merged combinations and dropped targets leave the same sample, on random programs.
#include "dpm/plan/fuse.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/plans.hpp"

namespace fuse_test {

using namespace dpm_test;
using dpm::Combine;
using dpm::Correct;
using dpm::Draw;
using dpm::Evaluate;
using dpm::Instruction;
using dpm::Level;
using dpm::noise_register;
using dpm::Plan;
using dpm::Register;
using dpm::sample_register;
using dpm::stage_register;

namespace {

template <class Kind>
std::size_t count(const Plan& plan) {
  std::size_t n = 0;
  for (const Instruction& i : flattened(plan)) n += std::holds_alternative<Kind>(i) ? 1 : 0;
  return n;
}

/// The registers of a run on plain numbers.
struct Registers {
  std::array<std::array<double, dpm::max_predictions>, dpm::register_kinds> values{};
  double& operator[](Register r) { return values[static_cast<std::size_t>(r.kind)][r.index]; }
};

void execute(const Combine& c, Registers& at) {
  std::vector<double> results(c.targets.size(), 0.0);
  for (std::size_t i = 0; i < c.targets.size(); ++i) {
    for (std::size_t j = 0; j < c.operands.size(); ++j) {
      results[i] += c.weight(i, j) * at[c.operands[j]];
    }
  }
  for (std::size_t i = 0; i < results.size(); ++i) at[c.targets[i]] = results[i];
}

void execute(const Evaluate& e, Registers& at) {
  at[e.output] = std::sin(at[e.input] + e.level.timestep);
}

void execute(const Correct& c, Registers& at) { at[c.slot] = std::tanh(at[c.slot]); }
void execute(const Draw& d, Registers& at) { at[d.target] = std::cos(1.7 * d.draw + 0.3); }

/// Runs a plan on one number; neither model nor correction is linear.
double execute(const Plan& plan, double x) {
  Registers at;
  at[sample_register] = x;
  for (const Instruction& i : flattened(plan)) {
    std::visit([&](const auto& kind) { execute(kind, at); }, i);
  }
  return at[sample_register];
}

/// Writes random programs that `check` passes: a register is read only once it holds a value.
/// Weights are at most 1 / operands, so values stay below 1 and errors do not grow.
class RandomPrograms {
 public:
  explicit RandomPrograms(std::uint32_t seed) : bits_(seed) {}

  std::size_t between(std::size_t least, std::size_t most) {
    return least + bits_() % (most - least + 1);
  }

  Combine combine() {
    const std::size_t targets = between(1, 3);
    const std::size_t operands = between(1, 8);
    std::vector<Register> writable{sample_register, stage_register};
    for (std::size_t k = 0; k < slots; ++k) writable.push_back(m(k));
    const std::vector<Register> to = some(writable, targets);
    const std::vector<Register> from = some(held_, operands);
    std::vector<double> weights;
    for (std::size_t i = 0; i < to.size() * from.size(); ++i) {
      const double weight = static_cast<double>(between(0, 1999)) / 1000.0 - 0.9995;
      // Some weigh nothing, but not a whole row: a Combine keeps an operand.
      const bool nothing = i % from.size() > 0 && between(0, 4) == 0;
      weights.push_back(nothing ? 0.0 : weight / static_cast<double>(from.size()));
    }
    for (const Register r : to) hold(r);
    return combination(to, from, weights);
  }

  Instruction instruction() {
    const std::size_t kind = between(0, 9);
    if (kind == 0) {
      const Register input =
          holds(stage_register) && between(0, 1) == 0 ? stage_register : sample_register;
      evaluated_ = m(between(0, slots - 1));
      hold(*evaluated_);
      Level level;
      level.timestep = static_cast<double>(between(0, 9));
      return Evaluate{*evaluated_, input, level};
    }
    if (kind == 1 && evaluated_) return Correct{*evaluated_, Level{}};
    if (kind == 2) {
      hold(noise_register);
      return Draw{noise_register, draws_++};
    }
    return combine();
  }

  Plan plan() {
    held_ = {sample_register};
    evaluated_.reset();
    draws_ = 0;
    Plan plan;
    plan.steps.resize(between(1, 4));
    for (dpm::Step& step : plan.steps) {
      const std::size_t length = between(2, 12);
      for (std::size_t i = 0; i < length; ++i) step.instructions.push_back(instruction());
    }
    return plan;
  }

  /// Registers that all hold a value, for the combinations that follow.
  Registers filled() {
    held_ = {sample_register, stage_register, noise_register};
    for (std::size_t k = 0; k < slots; ++k) held_.push_back(m(k));
    Registers at;
    for (const Register r : held_) at[r] = static_cast<double>(between(0, 2000)) / 1000.0 - 1.0;
    return at;
  }

 private:
  static constexpr std::size_t slots = 8;

  [[nodiscard]] bool holds(Register r) const {
    return std::find(held_.begin(), held_.end(), r) != held_.end();
  }
  void hold(Register r) {
    if (!holds(r)) held_.push_back(r);
  }
  /// At most `n` different ones of `from`.
  std::vector<Register> some(std::vector<Register> from, std::size_t n) {
    while (from.size() > n) {
      from.erase(from.begin() + static_cast<std::ptrdiff_t>(between(0, from.size() - 1)));
    }
    return from;
  }

  std::mt19937 bits_;
  std::vector<Register> held_;
  std::optional<Register> evaluated_;
  std::uint32_t draws_ = 0;
};

/// One combination that does both, if it is small enough.
std::optional<Combine> merged(Combine first, const Combine& second) {
  if (!dpm::detail::merge_into(first, second)) return std::nullopt;
  return first;
}

/// The plan as the builder would have written it.
Plan fused(Plan plan) {
  for (dpm::Step& step : plan.steps) {
    std::vector<Instruction> list;
    for (const Instruction& instruction : step.instructions) dpm::detail::append(list, instruction);
    step.instructions = list;
  }
  dpm::detail::drop_dead_targets(plan);
  return plan;
}

}  // namespace

TEST_CASE("two combinations merged do what they did one after the other") {
  RandomPrograms random(1);
  int done = 0;
  int too_large = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    const Registers start = random.filled();
    const Combine first = random.combine();
    const Combine second = random.combine();
    const auto one = merged(first, second);

    // The limits are kept, and nothing below them is left apart.
    const auto by_number = [](Register a, Register b) {
      return std::pair(a.kind, a.index) < std::pair(b.kind, b.index);
    };
    std::set<Register, decltype(by_number)> targets(first.targets.begin(), first.targets.end(),
                                                    by_number);
    std::set<Register, decltype(by_number)> operands(by_number);
    for (const Register r : second.operands) {
      if (targets.count(r) == 0) operands.insert(r);
    }
    operands.insert(first.operands.begin(), first.operands.end());
    targets.insert(second.targets.begin(), second.targets.end());
    CAPTURE(trial, targets.size(), operands.size());
    REQUIRE(one.has_value() == (targets.size() <= 3 && operands.size() <= 8));
    if (!one) {
      ++too_large;
      continue;
    }
    ++done;
    REQUIRE(one->targets.size() == targets.size());
    REQUIRE(one->operands.size() == operands.size());

    Registers expected = start;
    execute(first, expected);
    execute(second, expected);
    Registers result = start;
    execute(*one, result);
    double largest = 0.0;
    for (std::size_t kind = 0; kind < dpm::register_kinds; ++kind) {
      for (std::size_t k = 0; k < dpm::max_predictions; ++k) {
        largest = std::max(largest, std::abs(result.values[kind][k] - expected.values[kind][k]));
      }
    }
    REQUIRE(largest < 1e-14);  // values below 1, at most 20 products
  }
  REQUIRE(done > 500);
  REQUIRE(too_large > 500);
}

TEST_CASE("a combination may read what the one before wrote, and overwrite what it read") {
  // x = 2x + 3m0;  m0 = x - m0, which is x = 2x + 3m0, m0 = 2x + 2m0 at once.
  const Combine first = combination({sample_register}, {sample_register, m(0)}, {2.0, 3.0});
  const Combine second = combination({m(0)}, {sample_register, m(0)}, {1.0, -1.0});
  const auto one = merged(first, second);
  REQUIRE(one ==
          combination({m(0), sample_register}, {sample_register, m(0)}, {2.0, 2.0, 2.0, 3.0}));
}

TEST_CASE("a fused program leaves the same sample") {
  RandomPrograms random(2);
  std::size_t before = 0;
  std::size_t after = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    const Plan naive = random.plan();
    const Plan short_plan = fused(naive);
    INFO("naive " << naive << "fused " << short_plan);
    REQUIRE_NOTHROW(dpm::check(naive));
    REQUIRE_NOTHROW(dpm::check(short_plan));
    // Below 50 instructions that do not amplify, each with at most 8 products of numbers below 1.
    REQUIRE_THAT(execute(short_plan, 0.7), WithinAbs(execute(naive, 0.7), 1e-13));
    REQUIRE(dead_targets(short_plan) == 0);
    REQUIRE(idle_operands(short_plan) == 0);
    REQUIRE(count<Evaluate>(short_plan) == count<Evaluate>(naive));
    REQUIRE(count<Correct>(short_plan) == count<Correct>(naive));
    REQUIRE(count<Draw>(short_plan) == count<Draw>(naive));
    REQUIRE(count<Combine>(short_plan) <= count<Combine>(naive));
    Plan again = short_plan;
    dpm::detail::drop_dead_targets(again);
    REQUIRE(again == short_plan);
    before += count<Combine>(naive);
    after += count<Combine>(short_plan);
  }
  REQUIRE(4 * after < 3 * before);
}

TEST_CASE("dropping dead targets alone leaves the same sample") {
  RandomPrograms random(3);
  std::size_t dropped = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const Plan naive = random.plan();
    Plan live = naive;
    dpm::detail::drop_dead_targets(live);
    INFO("naive " << naive << "live " << live);
    // Nothing is reordered and only zeros leave the sums.
    REQUIRE(execute(live, -0.4) == execute(naive, -0.4));
    REQUIRE(dead_targets(live) == 0);
    REQUIRE(idle_operands(live) == 0);
    dropped += dead_targets(naive);
  }
  REQUIRE(dropped > 1000);
}

TEST_CASE("fusing keeps what a correction reads, and a target that is set to zero") {
  const dpm::Level s = dpm::VpLinear().level(0.5);
  const dpm::Level t = dpm::VpLinear().level(0.25);
  const dpm::Register m = dpm::prediction_register(0);
  dpm::Plan plan;
  plan.steps.push_back({s, t, {}});
  auto& list = plan.steps[0].instructions;
  list.push_back(dpm::Combine{{m}, {dpm::sample_register}, {0.1}});
  list.push_back(dpm::Correct{m, s});
  list.push_back(dpm::Combine{{dpm::sample_register}, {dpm::sample_register}, {0.0}});
  const Plan short_plan = fused(plan);
  REQUIRE_NOTHROW(check(short_plan));
  REQUIRE(short_plan.steps[0].instructions.size() == 3);
}

}  // namespace fuse_test
