// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A hash of all the numbers in a plan.
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

/// Adds the parts of a plan to a hash.
struct PlanHash {
  Hash hash;

  void add(const Level& level) {
    for (const double value :
         {level.time, level.log_alpha, level.log_sigma, level.timestep, level.data_stddev}) {
      hash.add(value);
    }
  }
  void add(Register r) {
    hash.add(static_cast<std::uint64_t>(r.kind) << 8U | std::uint64_t{r.index});
  }
  void add(const Combine& c) {
    hash.add(std::uint64_t{c.targets.size()});
    for (const Register r : c.targets) add(r);
    hash.add(std::uint64_t{c.operands.size()});
    for (const Register r : c.operands) add(r);
    for (const double weight : c.weights) hash.add(weight);
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
  void add(const Draw& d) { hash.add(std::uint64_t{d.draw}); }
};

DPM_INLINE std::uint64_t plan_hash(const Plan& plan) {
  PlanHash parts;
  parts.hash.add(static_cast<std::uint64_t>(plan.prediction));
  parts.hash.add(static_cast<std::uint64_t>(plan.space));
  parts.hash.add(std::uint64_t{plan.live.size()});
  for (const Register r : plan.live) parts.add(r);
  for (const Step& step : plan.steps) {
    parts.hash.add(std::uint64_t{step.instructions.size()});
    parts.add(step.from);
    parts.add(step.to);
    for (const Instruction& instruction : step.instructions) {
      parts.hash.add(static_cast<std::uint64_t>(instruction.index()));
      std::visit([&](const auto& i) { parts.add(i); }, instruction);
    }
  }
  return parts.hash.value();
}

#endif

}  // namespace dpm::detail
