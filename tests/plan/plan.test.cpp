// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans as data: what fusing keeps, what check refuses, how they print and compare.
#include "dpm/plan/plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/plan/fuse.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"

using namespace dpm_test;
using dpm::Combine;
using dpm::Correct;
using dpm::Draw;
using dpm::Evaluate;
using dpm::Instruction;
using dpm::Level;
using dpm::noise_register;
using dpm::Plan;
using dpm::Prediction;
using dpm::Register;
using dpm::sample_register;
using dpm::stage_register;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Register m(std::size_t slot) { return dpm::prediction_register(slot); }

Combine combination(const std::vector<Register>& targets, const std::vector<Register>& operands,
                    const std::vector<double>& weights) {
  Combine c;
  for (const Register r : targets) c.targets.push_back(r);
  for (const Register r : operands) c.operands.push_back(r);
  for (const double w : weights) c.weights.push_back(w);
  return c;
}

/// All instructions of a plan, one after the other.
std::vector<Instruction> flattened(const Plan& plan) {
  std::vector<Instruction> all;
  for (const dpm::Step& step : plan.steps) {
    all.insert(all.end(), step.instructions.begin(), step.instructions.end());
  }
  return all;
}

template <class Kind>
std::size_t count(const Plan& plan) {
  std::size_t n = 0;
  for (const Instruction& i : flattened(plan)) n += std::holds_alternative<Kind>(i) ? 1 : 0;
  return n;
}

// A second executor -----------------------------------------------------------

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

// Random programs -------------------------------------------------------------

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

// Liveness, said forwards ------------------------------------------------------

bool reads(const Instruction& instruction, Register r) {
  if (const auto* c = std::get_if<Combine>(&instruction)) {
    return std::find(c->operands.begin(), c->operands.end(), r) != c->operands.end();
  }
  if (const auto* e = std::get_if<Evaluate>(&instruction)) return e->input == r;
  if (const auto* c = std::get_if<Correct>(&instruction)) return c->slot == r;
  return false;
}

bool writes(const Instruction& instruction, Register r) {
  if (const auto* c = std::get_if<Combine>(&instruction)) {
    return std::find(c->targets.begin(), c->targets.end(), r) != c->targets.end();
  }
  if (const auto* e = std::get_if<Evaluate>(&instruction)) return e->output == r;
  if (const auto* d = std::get_if<Draw>(&instruction)) return d->target == r;
  return false;
}

/// Whether the value of `r` after instruction `i` is ever looked at; the sample's last one is.
bool is_read_after(const std::vector<Instruction>& all, std::size_t i, Register r) {
  for (std::size_t j = i + 1; j < all.size(); ++j) {
    if (reads(all[j], r)) return true;
    if (writes(all[j], r)) return false;
  }
  return r == sample_register;
}

std::size_t dead_targets(const Plan& plan) {
  const std::vector<Instruction> all = flattened(plan);
  std::size_t dead = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (const auto* c = std::get_if<Combine>(&all[i])) {
      for (const Register r : c->targets) dead += is_read_after(all, i, r) ? 0 : 1;
    }
  }
  return dead;
}

/// Operands that a Combine reads and gives no weight.
std::size_t idle_operands(const Plan& plan) {
  std::size_t idle = 0;
  for (const Instruction& i : flattened(plan)) {
    const auto* c = std::get_if<Combine>(&i);
    if (c == nullptr) continue;
    for (std::size_t j = 0; j < c->operands.size(); ++j) {
      bool weighs = false;
      for (std::size_t t = 0; t < c->targets.size(); ++t) weighs |= c->weight(t, j) != 0.0;
      idle += weighs ? 0 : 1;
    }
  }
  return idle;
}

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

// Fusing ----------------------------------------------------------------------

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

TEST_CASE("no method makes more than one pass for each model call") {
  const dpm::AnySchedule schedule = dpm::VpLinear();
  for (const NamedMethod& method : every_method()) {
    for (const Prediction prediction :
         {Prediction::noise, Prediction::data, Prediction::velocity, Prediction::score}) {
      const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, 12);
      for (const auto correction : {dpm::Correction::none, dpm::Correction::data}) {
        const Plan plan = method.plan(grid, prediction, correction);
        INFO(method.name << ", a model of the " << dpm::name(prediction) << "\n" << plan);
        // A correction stands between two passes: the data prediction is formed for it, then used.
        const int allowed = correction == dpm::Correction::none ? 1 : 2;
        int passes = allowed;  // nothing before the first call
        for (const Instruction& i : flattened(plan)) {
          if (std::holds_alternative<Evaluate>(i)) passes = 0;
          if (std::holds_alternative<Combine>(i)) ++passes;
          REQUIRE(passes <= allowed);
        }
        REQUIRE(dead_targets(plan) == 0);
        REQUIRE(idle_operands(plan) == 0);
      }
    }
  }
}

// Conversions ------------------------------------------------------------------

TEST_CASE("every prediction turns into the data and the noise that it stands for") {
  const double data = 0.7;
  const double noise = -0.4;
  // Variance preserving near both ends, and not variance preserving at all.
  const std::vector<Level> levels{dpm::VpLinear().level(0.9),
                                  dpm::VpLinear().level(1e-3),
                                  {0.5, 0.0, std::log(3.0), 0.5},
                                  {0.5, std::log(0.25), std::log(2.0), 0.5}};
  for (const Level& at : levels) {
    const double alpha = at.alpha();
    const double sigma = at.sigma();
    const double x = alpha * data + sigma * noise;
    const std::vector<std::pair<Prediction, double>> outputs{
        {Prediction::noise, noise},
        {Prediction::data, data},
        {Prediction::velocity, alpha * noise - sigma * data},
        {Prediction::score, -noise / sigma},
        {Prediction::flow, noise - data}};
    for (const auto& [prediction, output] : outputs) {
      CAPTURE(alpha, sigma, dpm::name(prediction));
      const dpm::Conversion to_data = dpm::to_data(prediction, at);
      const dpm::Conversion to_noise = dpm::to_noise(prediction, at);
      // Dividing by the smaller of alpha and sigma multiplies rounding by it.
      REQUIRE_THAT(to_data.input * x + to_data.output * output, WithinAbs(data, 1e-15 / alpha));
      REQUIRE_THAT(to_noise.input * x + to_noise.output * output, WithinAbs(noise, 1e-15 / sigma));
    }
  }
}

TEST_CASE("a model with scaled inputs predicts in the units that it is trained in") {
  // EDM's preconditioning as its paper prints it (arXiv 2206.00364, Table 1), with alpha = 1.
  const double d = 0.5;
  for (const double sigma : {0.002, 0.3, 1.0, 80.0}) {
    Level at{sigma, 0.0, std::log(sigma), 0.25 * std::log(sigma), d};
    const double data = 0.7;
    const double noise = -0.4;
    const double x = data + sigma * noise;
    const double total = sigma * sigma + d * d;
    const double c_skip = d * d / total;
    const double c_out = sigma * d / std::sqrt(total);
    REQUIRE_THAT(at.input_scale(), WithinRel(1.0 / std::sqrt(total), 1e-14));
    const double f = (data - c_skip * x) / c_out;
    const dpm::Conversion to_data = dpm::to_data(Prediction::edm, at);
    const dpm::Conversion to_noise = dpm::to_noise(Prediction::edm, at);
    REQUIRE_THAT(to_data.input, WithinRel(c_skip, 1e-13));
    REQUIRE_THAT(to_data.output, WithinRel(c_out, 1e-13));
    REQUIRE_THAT(to_data.input * x + to_data.output * f, WithinAbs(data, 1e-13));
    REQUIRE_THAT(to_noise.input * x + to_noise.output * f, WithinAbs(noise, 1e-13 / sigma));
    // F is minus the velocity.
    REQUIRE(dpm::to_data(Prediction::velocity, at).output == -to_data.output);
    REQUIRE(dpm::to_noise(Prediction::velocity, at).output == -to_noise.output);
  }
  const Level unscaled{0.5, 0.0, 0.0, 0.5};
  REQUIRE(unscaled.input_scale() == 1.0);
  REQUIRE_THROWS_WITH(dpm::to_data(Prediction::edm, unscaled),
                      "make_plan: Prediction::edm at time 0.5, where data_stddev is 0; it needs a "
                      "schedule that scales the model's input, such as Edm");
}

TEST_CASE("the model is given the scaled input, and the sample stays as it is") {
  dpm::PlanBuilder builder(Prediction::noise);
  builder.set_space(dpm::Space::data);
  const Level from{2.0, 0.0, std::log(2.0), 0.0, 0.5};
  builder.begin_step(from, {1.0, 0.0, 0.0, 0.0, 0.5});
  const Register m = builder.evaluate(0, sample_register, from);
  builder.combine(sample_register, {{sample_register, 0.5}, {m, 0.5}});
  const Plan plan = std::move(builder).finish();
  REQUIRE(plan.uses_input());
  double seen = 0.0;
  std::vector<double> x{3.0};
  dpm::sample(
      plan,
      [&](const std::vector<double>& input, double, std::vector<double>& noise) {
        seen = input[0];
        noise[0] = 0.25;
      },
      x);
  REQUIRE_THAT(seen, WithinRel(3.0 / std::sqrt(4.25), 1e-15));
  REQUIRE_THAT(x[0], WithinRel(0.5 * 3.0 + 0.5 * (3.0 - 2.0 * 0.25), 1e-15));
}

TEST_CASE("conversions exist at the singular ends or are refused") {
  const Level pure_noise{1.0, -infinity, 0.0, 999.0};
  const Level clean_data{};
  // There v = -x_0 and v = epsilon.
  REQUIRE(dpm::to_data(Prediction::velocity, pure_noise).input == 0.0);
  REQUIRE(dpm::to_data(Prediction::velocity, pure_noise).output == -1.0);
  REQUIRE(dpm::to_noise(Prediction::velocity, clean_data).input == 0.0);
  REQUIRE(dpm::to_noise(Prediction::velocity, clean_data).output == 1.0);
  // The same with epsilon - x_0.
  REQUIRE(dpm::to_data(Prediction::flow, pure_noise).output == -1.0);
  REQUIRE(dpm::to_noise(Prediction::flow, clean_data).output == 1.0);
  // Clean data is the sample itself, pure noise too.
  for (const Prediction prediction :
       {Prediction::noise, Prediction::velocity, Prediction::score, Prediction::flow}) {
    REQUIRE(dpm::to_data(prediction, clean_data).input == 1.0);
    REQUIRE(dpm::to_data(prediction, clean_data).output == 0.0);
  }
  for (const Prediction prediction : {Prediction::data, Prediction::velocity}) {
    REQUIRE(dpm::to_noise(prediction, pure_noise).input == 1.0);
    REQUIRE(dpm::to_noise(prediction, pure_noise).output == 0.0);
  }
  for (const Prediction prediction : {Prediction::noise, Prediction::score}) {
    REQUIRE_THROWS_AS(dpm::to_data(prediction, pure_noise), dpm::InvalidArgument);
    REQUIRE_THROWS_WITH(
        dpm::to_data(prediction, pure_noise),
        "make_plan: at time 1 alpha is 0, where a prediction of the noise or the score says "
        "nothing about the data; use a data, velocity or flow prediction, or start below that "
        "time");
  }
  REQUIRE_THROWS_AS(dpm::to_noise(Prediction::data, clean_data), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(
      dpm::to_noise(Prediction::data, clean_data),
      "make_plan: at time 0 sigma is 0, where a prediction of the data says nothing about the "
      "noise; use a noise or velocity prediction, or leave that time out");
}

// Check -----------------------------------------------------------------------

namespace {

/// Two steps of DDIM with fresh noise and a correction: every kind of instruction, and levels that
/// differ. Step 0 is: z = draw 0;  m0 = model(x);  m0 = ...;  m0 = correct(m0);  x = ...
Plan good_plan() {
  const std::vector<double> times{0.9, 0.5, 0.1};
  return make_plan(dpm::Ddim{.eta = 1.0}, grid_of_times(dpm::VpLinear(), times), Prediction::noise,
                   dpm::Correction::data);
}

template <class Kind>
Kind& instruction(Plan& plan, std::size_t step, std::size_t i) {
  return std::get<Kind>(plan.steps.at(step).instructions.at(i));
}

void refused(const Plan& plan, const std::string& sentence) {
  REQUIRE_THROWS_AS(dpm::check(plan), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(dpm::check(plan), sentence);
}

void refused_combine(const Combine& last, const std::string& sentence) {
  Plan plan = good_plan();
  plan.steps[1].instructions.push_back(last);
  refused(plan, sentence);
}

}  // namespace

TEST_CASE("check passes the plan that the refusals below are made from") {
  Plan plan = good_plan();
  REQUIRE_NOTHROW(dpm::check(plan));
  REQUIRE(plan.steps.size() == 2);
  REQUIRE(plan.start() == dpm::VpLinear().level(0.9));
  REQUIRE(plan.end() == dpm::VpLinear().level(0.1));
  for (std::size_t step = 0; step < 2; ++step) {
    REQUIRE(plan.steps[step].instructions.size() == 5);
    REQUIRE(instruction<Draw>(plan, step, 0).draw == step);
    REQUIRE(instruction<Evaluate>(plan, step, 1).output == m(0));
    REQUIRE(instruction<Combine>(plan, step, 2).targets[0] == m(0));
    REQUIRE(instruction<Correct>(plan, step, 3).slot == m(0));
    REQUIRE(instruction<Combine>(plan, step, 4).targets[0] == sample_register);
  }
}

TEST_CASE("check refuses a plan without steps") {
  refused(Plan{}, "check: the plan has no steps; it must have at least one");
}

TEST_CASE("check refuses levels that do not join up") {
  Plan plan = good_plan();
  plan.steps[1].from.time += 1e-9;
  refused(plan, "check: step 1 starts at another level than the step before it ends at");
}

TEST_CASE("check refuses levels that are no point of a forward process") {
  const auto refused_with = [](const Level& bad, const std::string& numbers) {
    const std::string sentence =
        " has a level that is not a point of a forward process: " + numbers;
    Plan plan = good_plan();
    plan.steps[0].from = bad;
    refused(plan, "check: step 0" + sentence);
    plan = good_plan();
    plan.steps[1].to = bad;
    refused(plan, "check: step 1" + sentence);
    plan = good_plan();
    instruction<Evaluate>(plan, 0, 1).level = bad;
    refused(plan, "check: step 0" + sentence);
    plan = good_plan();
    instruction<Correct>(plan, 1, 3).level = bad;
    refused(plan, "check: step 1" + sentence);
  };
  refused_with({not_a_number, -1.0, -0.5, 3.0},
               "time nan, log alpha -1, log sigma -0.5, timestep 3");
  refused_with({infinity, -1.0, -0.5, 3.0}, "time inf, log alpha -1, log sigma -0.5, timestep 3");
  refused_with({0.5, not_a_number, -0.5, 3.0},
               "time 0.5, log alpha nan, log sigma -0.5, timestep 3");
  refused_with({0.5, infinity, -0.5, 3.0}, "time 0.5, log alpha inf, log sigma -0.5, timestep 3");
  refused_with({0.5, -1.0, not_a_number, 3.0}, "time 0.5, log alpha -1, log sigma nan, timestep 3");
  refused_with({0.5, -1.0, infinity, 3.0}, "time 0.5, log alpha -1, log sigma inf, timestep 3");
  refused_with({0.5, 800.0, -0.5, 3.0}, "time 0.5, log alpha 800, log sigma -0.5, timestep 3");
  refused_with({0.5, -1.0, 800.0, 3.0}, "time 0.5, log alpha -1, log sigma 800, timestep 3");
  refused_with({0.5, -infinity, -infinity, 3.0},
               "time 0.5, log alpha -inf, log sigma -inf, timestep 3");
  refused_with({0.5, -1.0, -0.5, not_a_number},
               "time 0.5, log alpha -1, log sigma -0.5, timestep nan");
  refused_with({0.5, -1.0, -0.5, -infinity},
               "time 0.5, log alpha -1, log sigma -0.5, timestep -inf");
}

TEST_CASE("check refuses levels that scale the model's input by no number") {
  for (const auto& [bad, number] :
       {std::pair{-0.5, "-0.5"}, {infinity, "inf"}, {not_a_number, "nan"}}) {
    Plan plan = good_plan();
    instruction<Evaluate>(plan, 0, 1).level.data_stddev = bad;
    refused(plan, std::string("check: step 0 has a level with data_stddev = ") + number +
                      "; it must be finite and at least 0");
  }
}

TEST_CASE("check refuses a plan for EDM's prediction at a level that is not EDM's") {
  Plan plan = good_plan();
  plan.prediction = dpm::Prediction::edm;
  refused(
      plan,
      "check: step 0 has an Evaluate with data_stddev = 0 in a plan for Prediction::edm; it must "
      "be above 0 there");
}

TEST_CASE("check passes both singular ends") {
  Plan plan = good_plan();
  plan.steps[0].from.log_alpha = -infinity;
  plan.steps[1].to.log_sigma = -infinity;
  REQUIRE_NOTHROW(dpm::check(plan));
}

TEST_CASE("check refuses a Combine that is not a matrix of finite weights") {
  refused_combine(combination({}, {sample_register}, {}),
                  "check: step 1 has a Combine without targets or operands");
  refused_combine(combination({sample_register}, {}, {}),
                  "check: step 1 has a Combine without targets or operands");
  refused_combine(
      combination({sample_register, stage_register}, {sample_register, m(0)}, {1.0, 2.0, 3.0}),
      "check: step 1 has a Combine of 2 targets and 2 operands with 3 weights; it "
      "needs one for each pair");
  refused_combine(combination({sample_register}, {sample_register}, {1.0, 2.0}),
                  "check: step 1 has a Combine of 1 targets and 1 operands with 2 weights; it "
                  "needs one for each pair");
  for (const auto& [weight, text] : {std::pair{not_a_number, "nan"}, {infinity, "inf"}}) {
    refused_combine(
        combination({sample_register}, {sample_register, m(0)}, {1.0, weight}),
        std::string("check: step 1 has the weight ") + text + "; weights must be finite");
  }
}

TEST_CASE("check refuses a Combine that writes twice or writes the noise") {
  refused_combine(combination({m(0), m(0)}, {sample_register}, {1.0, 2.0}),
                  "check: step 1 has a Combine that writes one register twice");
  refused_combine(combination({m(0), m(1), m(0)}, {sample_register}, {1.0, 2.0, 3.0}),
                  "check: step 1 has a Combine that writes one register twice");
  refused_combine(combination({noise_register}, {sample_register}, {1.0}),
                  "check: step 1 has a Combine that writes the noise register; only Draw may");
}

TEST_CASE("check refuses to read what nothing has written") {
  const std::string sentence = "check: step 1 reads a register that nothing has written";
  refused_combine(combination({sample_register}, {m(1)}, {1.0}), sentence);
  refused_combine(combination({sample_register}, {sample_register, stage_register}, {1.0, 1.0}),
                  sentence);
  // Operands are read before targets are written.
  refused_combine(combination({stage_register}, {stage_register}, {1.0}), sentence);
  Plan plan = good_plan();
  instruction<Correct>(plan, 1, 3).slot = m(5);
  refused(plan, sentence);
  plan = good_plan();
  instruction<Evaluate>(plan, 1, 1).input = stage_register;
  refused(plan, sentence);
  // Without the draw, step 0 reads z before anything is in it.
  plan = good_plan();
  plan.steps[0].instructions.erase(plan.steps[0].instructions.begin());
  refused(plan, "check: step 0 reads a register that nothing has written");
}

TEST_CASE("check refuses registers out of range, wherever they stand") {
  const std::string prediction = " names register number 16 of its kind; there are 16";
  const std::string single = " names register number 1 of its kind; there are 1";
  refused_combine(combination({m(16)}, {sample_register}, {1.0}), "check: step 1" + prediction);
  refused_combine(combination({m(0)}, {m(16)}, {1.0}), "check: step 1" + prediction);
  REQUIRE_NOTHROW(dpm::check(good_plan()));
  for (const auto kind : {Register::Kind::sample, Register::Kind::stage, Register::Kind::noise}) {
    refused_combine(combination({m(0)}, {Register{kind, 1}}, {1.0}), "check: step 1" + single);
  }
  Plan plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).output = m(16);
  refused(plan, "check: step 0" + prediction);
  plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).input.index = 1;
  refused(plan, "check: step 0" + single);
  plan = good_plan();
  instruction<Correct>(plan, 0, 3).slot = m(255);
  refused(plan, "check: step 0 names register number 255 of its kind; there are 16");
  plan = good_plan();
  instruction<Draw>(plan, 0, 0).target.index = 1;
  refused(plan, "check: step 0" + single);
}

TEST_CASE("check refuses what no enumerator names") {
  const std::string kind =
      " names a register of kind number 9; it must be one that `Register::Kind` names";
  const Register strange{static_cast<Register::Kind>(9), 0};
  refused_combine(combination({strange}, {m(0)}, {1.0}), "check: step 1" + kind);
  refused_combine(combination({m(0)}, {strange}, {1.0}), "check: step 1" + kind);
  Plan plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).input = strange;
  refused(plan, "check: step 0" + kind);
  plan = good_plan();
  plan.prediction = static_cast<dpm::Prediction>(6);
  refused(plan, "check: the plan's prediction is number 6; it must be one that `Prediction` names");
  plan = good_plan();
  plan.space = static_cast<dpm::Space>(2);
  refused(plan, "check: the plan's space is number 2; it must be one that `Space` names");
}

TEST_CASE("check refuses registers of the wrong kind") {
  Plan plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).output = stage_register;
  refused(plan, "check: step 0 has an Evaluate whose output is not a prediction register");
  plan = good_plan();
  instruction<Evaluate>(plan, 0, 1).input = noise_register;
  refused(plan,
          "check: step 0 has an Evaluate whose input is none of the sample, stage and input "
          "registers");
  plan = good_plan();
  instruction<Correct>(plan, 0, 3).slot = sample_register;
  refused(plan, "check: step 0 has a Correct of a register that is not a prediction");
  plan = good_plan();
  instruction<Draw>(plan, 0, 0).target = stage_register;
  refused(plan, "check: step 0 has a Draw into a register that is not the noise register");
}

TEST_CASE("check refuses draws out of order") {
  Plan plan = good_plan();
  instruction<Draw>(plan, 0, 0).draw = 1;
  refused(plan,
          "check: step 0 has draw number 1; draws are numbered in order and this one is number 0");
  plan = good_plan();
  instruction<Draw>(plan, 1, 0).draw = 0;
  refused(plan,
          "check: step 1 has draw number 0; draws are numbered in order and this one is number 1");
}

TEST_CASE("a bounded vector refuses more than it holds") {
  Combine c;
  for (std::size_t k = 0; k < Combine::max_operands; ++k) c.operands.push_back(m(k));
  const auto one_more = [&] { c.operands.push_back(m(8)); };
  REQUIRE_THROWS_AS(one_more(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(one_more(),
                      "BoundedVector: it holds 8 values at most; one more was appended");
  REQUIRE(c.operands.size() == 8);
  REQUIRE(c.operands[7] == m(7));
}

// Printing --------------------------------------------------------------------

namespace {

/// alpha = 1 and sigma = t, so that lambda = -log t and the papers' weights are short numbers.
struct GrowingNoise {
  [[nodiscard]] Level level(double time) const { return {time, 0.0, std::log(time), time}; }
  [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }
  [[nodiscard]] double first_time() const { return 0.25; }
  [[nodiscard]] double last_time() const { return 16.0; }
};

dpm::Grid geometric_grid(const std::vector<double>& times) {
  return dpm::grid_of_times(GrowingNoise{}, times);
}

}  // namespace

TEST_CASE("a printed plan of DPM-Solver++(2M) reads as its algorithm") {
  // arXiv 2211.01095, Alg. 2: with sigma falling by 4 in each step, e^(-h) = 1/4 and r = 1, so
  // x = x / 4 + (1 - 1/4) D, where D = m_0 first and then 3/2 of the new less 1/2 of the old.
  const Plan plan =
      make_plan(dpm::DpmSolver{}, geometric_grid({16.0, 4.0, 1.0, 0.25}), Prediction::data);
  const std::string expected =
      "3 steps, 3 model calls, 0 noise draws; data space, the model predicts data\n"
      "step       time     lambda   instructions\n"
      "   1         16   -2.77259   m0 = model(x, timestep 16)  at time 16\n"
      "                             x = 0.25 x + 0.75 m0\n"
      "   2          4   -1.38629   m1 = model(x, timestep 4)  at time 4\n"
      "                             x = 0.25 x + 1.125 m1 - 0.375 m0\n"
      "   3          1          0   m0 = model(x, timestep 1)  at time 1\n"
      "                             x = 0.25 x + 1.125 m0 - 0.375 m1\n"
      " end       0.25    1.38629\n";
  REQUIRE(to_string(plan) == expected);
  std::ostringstream stream;
  stream << plan;
  REQUIRE(stream.str() == expected);
}

TEST_CASE("a printed plan of DPM-Solver-2 reads as its algorithm") {
  // arXiv 2206.00927, Alg. 1: u = x - (sigma_mid - sigma_s) ..., with alpha = 1 and the middle of
  // lambda at the geometric mean of the times; then x takes the prediction at the middle.
  const dpm::DpmSolver method{
      .order = 2, .form = dpm::DpmSolver::Form::singlestep, .space = dpm::Space::noise};
  REQUIRE(to_string(make_plan(method, geometric_grid({16.0, 4.0, 0.0}))) ==
          "2 steps, 3 model calls, 0 noise draws; noise space, the model predicts noise\n"
          "step       time     lambda   instructions\n"
          "   1         16   -2.77259   m0 = model(x, timestep 16)  at time 16\n"
          "                             y = 1 x - 8 m0\n"
          "                             m1 = model(y, timestep 8)  at time 8\n"
          "                             x = 1 x - 12 m1\n"
          "   2          4   -1.38629   m0 = model(x, timestep 4)  at time 4\n"
          "                             x = 1 x - 4 m0\n"
          " end          0        inf\n");
}

TEST_CASE("a printed plan shows draws, corrections and merged combinations") {
  // arXiv 2010.02502, Eq. 12 and 16 with eta = 1 from sigma = 5 to 3: the fresh noise has
  // 3 sqrt(1 - 9/25) = 2.4, sqrt(3^2 - 2.4^2) = 1.8 of the old remains: x = 9/25 x + 16/25 x_0.
  REQUIRE(
      to_string(make_plan(dpm::Ddim{.eta = 1.0}, geometric_grid({5.0, 3.0, 0.0}), Prediction::noise,
                          dpm::Correction::data)) ==
      "2 steps, 2 model calls, 1 noise draw, 2 corrections; data space, the model predicts noise\n"
      "step       time     lambda   instructions\n"
      "   1          5   -1.60944   z = normal draw 0\n"
      "                             m0 = model(x, timestep 5)  at time 5\n"
      "                             m0 = 1 x - 5 m0\n"
      "                             m0 = correct(m0)\n"
      "                             x = 0.36 x + 0.64 m0 + 2.4 z\n"
      "   2          3   -1.09861   m0 = model(x, timestep 3)  at time 3\n"
      "                             m0 = 1 x - 3 m0\n"
      "                             m0 = correct(m0)\n"
      "                             x = 1 m0\n"
      " end          0        inf\n");
  // The prediction is converted for later steps and used in this one, in one pass.
  REQUIRE(to_string(make_plan(dpm::DpmSolver{}, geometric_grid({16.0, 4.0, 1.0}))) ==
          "2 steps, 2 model calls, 0 noise draws; data space, the model predicts noise\n"
          "step       time     lambda   instructions\n"
          "   1         16   -2.77259   m0 = model(x, timestep 16)  at time 16\n"
          "                             x = 1 x - 12 m0;  m0 = 1 x - 16 m0\n"
          "   2          4   -1.38629   m1 = model(x, timestep 4)  at time 4\n"
          "                             x = 1.375 x - 4.5 m1 - 0.375 m0\n"
          " end          1          0\n");
}

TEST_CASE("a printed plan names every prediction and both spaces") {
  REQUIRE(dpm::name(Prediction::noise) == "noise");
  REQUIRE(dpm::name(Prediction::data) == "data");
  REQUIRE(dpm::name(Prediction::velocity) == "velocity");
  REQUIRE(dpm::name(Prediction::score) == "score");
  REQUIRE(dpm::name(dpm::Space::noise) == "noise");
  REQUIRE(dpm::name(dpm::Space::data) == "data");
  REQUIRE(to_string(Plan{}) ==
          "0 steps, 0 model calls, 0 noise draws; noise space, the model predicts noise\n"
          "step       time     lambda   instructions\n");
}

// Values ----------------------------------------------------------------------

TEST_CASE("plans compare equal exactly when they are the same") {
  const Plan plan = good_plan();
  REQUIRE(plan == good_plan());
  const auto differs = [&](const std::function<void(Plan&)>& change) {
    Plan other = plan;
    REQUIRE(other == plan);
    change(other);
    REQUIRE(other != plan);
  };
  differs([](Plan& p) { p.prediction = Prediction::velocity; });
  differs([](Plan& p) { p.space = dpm::Space::noise; });
  differs([](Plan& p) { p.steps.pop_back(); });
  differs([](Plan& p) { p.steps[1].to.timestep += 1.0; });
  differs([](Plan& p) { p.steps[0].instructions.pop_back(); });
  differs([](Plan& p) { std::swap(p.steps[0].instructions[0], p.steps[0].instructions[1]); });
  differs([](Plan& p) { instruction<Combine>(p, 0, 4).weights[0] *= 1.0 + 1e-15; });
  differs([](Plan& p) { instruction<Combine>(p, 0, 4).operands[0] = stage_register; });
  differs([](Plan& p) { instruction<Combine>(p, 0, 4).targets[0] = stage_register; });
  differs([](Plan& p) { instruction<Combine>(p, 0, 4).weights.push_back(0.0); });
  differs([](Plan& p) { instruction<Evaluate>(p, 0, 1).level.time = 0.8; });
  differs([](Plan& p) { instruction<Evaluate>(p, 0, 1).output = m(1); });
  differs([](Plan& p) { instruction<Correct>(p, 0, 3).level.log_alpha = -2.0; });
  differs([](Plan& p) { instruction<Draw>(p, 0, 0).draw = 7; });
}

TEST_CASE("plans made twice are equal, and those of other methods are not") {
  const dpm::Grid grid = make_grid(dpm::UniformTime{}, dpm::VpLinear(), 6);
  const std::vector<NamedMethod> methods = every_method();
  std::vector<Plan> plans;
  for (const NamedMethod& method : methods) {
    plans.push_back(method(grid, Prediction::noise));
    REQUIRE(plans.back() == method(grid, Prediction::noise));
  }
  for (std::size_t i = 0; i < plans.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      // The same program under several names: without history, stages and noise there is one
      // first-order step in each space, and DDPM's posterior is DDIM's with eta = 1.
      const bool first_order = methods[i].order == 1 && methods[j].order == 1;
      const bool deterministic = !methods[i].stochastic && !methods[j].stochastic;
      const bool posterior =
          methods[i].name == "DDPM, posterior variance" && methods[j].name == "DDIM, eta = 1";
      const bool same =
          posterior || (first_order && deterministic && plans[i].space == plans[j].space);
      CAPTURE(methods[i].name, methods[j].name);
      REQUIRE((plans[i] == plans[j]) == same);
    }
  }
}

TEST_CASE("a copy of a plan is a plan of its own") {
  Plan plan = good_plan();
  const Plan copy = plan;
  plan.steps.clear();
  REQUIRE(copy == good_plan());
  REQUIRE(copy.model_calls() == 2);
  REQUIRE(copy.draws() == 2);
  REQUIRE(copy.corrections() == 2);
  REQUIRE(copy.predictions() == 1);
  REQUIRE(!copy.uses_stage());
}

TEST_CASE("the builder adds up repeated registers and refuses what it cannot hold") {
  const dpm::Level s = dpm::VpLinear().level(0.5);
  const dpm::Level t = dpm::VpLinear().level(0.25);
  dpm::PlanBuilder builder(dpm::Prediction::noise);
  builder.set_space(dpm::Space::noise);
  REQUIRE_THROWS_WITH(builder.evaluate(0, dpm::sample_register, s), mentions("no step has begun"));
  builder.begin_step(s, t);
  REQUIRE_THROWS_WITH(builder.set_space(dpm::Space::data),
                      "PlanBuilder: set_space after begin_step; a plan has one space");
  REQUIRE_THROWS_WITH(dpm::PlanBuilder(dpm::Prediction::noise).begin_step(s, t),
                      "PlanBuilder: no space is set; call set_space before begin_step");
  REQUIRE_THROWS_WITH(builder.evaluate(dpm::max_predictions, dpm::sample_register, s),
                      "PlanBuilder: slot = 16; there are 16");
  const dpm::Register m = builder.evaluate(0, dpm::sample_register, s);
  builder.combine(dpm::sample_register, {{dpm::sample_register, 1.0}, {dpm::sample_register, 2.0}});
  builder.combine(dpm::sample_register, {{dpm::sample_register, 1.0}, {m, 1.0}});
  const dpm::Plan plan = std::move(builder).finish();
  const auto& c = std::get<dpm::Combine>(plan.steps[0].instructions.back());
  REQUIRE(dpm::detail::weight_of(c, 0, dpm::sample_register) == 3.0);
  REQUIRE(dpm::detail::weight_of(c, 0, m) == 1.0);

  dpm::Plan twice = plan;
  auto& damaged = std::get<dpm::Combine>(twice.steps[0].instructions.back());
  damaged.operands[1] = damaged.operands[0];
  REQUIRE_THROWS_WITH(check(twice), mentions("reads one register twice"));
}

TEST_CASE("the builder refuses registers that do not exist") {
  const dpm::Level s = dpm::VpLinear().level(0.5);
  const dpm::Level t = dpm::VpLinear().level(0.25);
  for (const std::size_t slot : {std::size_t{16}, std::size_t{27}, std::size_t{255}}) {
    dpm::PlanBuilder builder(dpm::Prediction::noise);
    builder.set_space(dpm::Space::noise);
    builder.begin_step(s, t);
    builder.combine(dpm::sample_register,
                    {{dpm::sample_register, 1.0}, {dpm::prediction_register(slot), 1.0}});
    REQUIRE_THROWS_WITH(std::move(builder).finish(),
                        mentions("names register number " + std::to_string(slot)));
  }
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
  const dpm::Plan short_plan = fused(plan);
  REQUIRE_NOTHROW(check(short_plan));
  REQUIRE(short_plan.steps[0].instructions.size() == 3);
}
