// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The hash of a plan.
#pragma once

#include <cstdint>
#include <variant>

#include "dpm/math/hash.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm::detail {

/// A number that tells plans apart: of all their numbers, to the bit.
std::uint64_t plan_hash(const Plan& plan);

#if DPM_DEFINE

/// Goes through all parts of a plan.
class PlanHash {
 public:
  explicit PlanHash(const Plan& plan) {
    hash_.add(static_cast<std::uint64_t>(plan.prediction));
    hash_.add(static_cast<std::uint64_t>(plan.space));
    hash_.add(std::uint64_t{plan.live.size()});
    for (const Register r : plan.live) add(r);
    for (const Step& step : plan.steps) {
      hash_.add(std::uint64_t{step.instructions.size()});
      add(step.from);
      add(step.to);
      for (const Instruction& instruction : step.instructions) {
        hash_.add(static_cast<std::uint64_t>(instruction.index()));
        std::visit([this](const auto& i) { add(i); }, instruction);
      }
    }
  }
  [[nodiscard]] std::uint64_t value() const { return hash_.value(); }

 private:
  void add(const Level& level) {
    for (const double value :
         {level.time, level.log_alpha, level.log_sigma, level.timestep, level.data_stddev}) {
      hash_.add(value);
    }
  }
  void add(Register r) {
    hash_.add(static_cast<std::uint64_t>(r.kind) << 8U | std::uint64_t{r.index});
  }
  void add(const Combine& c) {
    hash_.add(std::uint64_t{c.targets.size()});
    for (const Register r : c.targets) add(r);
    hash_.add(std::uint64_t{c.operands.size()});
    for (const Register r : c.operands) add(r);
    for (const double weight : c.weights) hash_.add(weight);
  }
  void add(const Evaluate& e) {
    add(e.output);
    add(e.input);
    add(e.level);
  }
  void add(const Correct& c) {
    add(c.slot);
    add(c.level);
  }
  void add(const Draw& d) { hash_.add(std::uint64_t{d.draw}); }

  Hash hash_;
};

DPM_INLINE std::uint64_t plan_hash(const Plan& plan) { return PlanHash(plan).value(); }

#endif

}  // namespace dpm::detail
