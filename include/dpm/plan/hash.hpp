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

  template <class... Parts>
  void add_all(const Parts&... parts) {
    (add(parts), ...);
  }
  template <class Registers>
  void add_list(const Registers& registers) {
    add(std::uint64_t{registers.size()});
    for (const Register r : registers) add(r);
  }

  void add(double number) { hash.add(number); }
  void add(std::uint64_t word) { hash.add(word); }
  void add(const Level& at) {
    add_all(at.time, at.log_alpha, at.log_sigma, at.timestep, at.data_stddev);
  }
  void add(Register r) { add(static_cast<std::uint64_t>(r.kind) << 8U | std::uint64_t{r.index}); }
  void add(const Combine& c) {
    add_list(c.targets);
    add_list(c.operands);
    for (const double weight : c.weights) add(weight);
  }
  void add(const Evaluate& e) {
    add_all(e.output, e.input, e.level);
    if (e.unconditional) add(*e.unconditional);
  }
  void add(const Correct& c) { add_all(c.slot, c.level); }
  void add(const Draw& d) { add(std::uint64_t{d.draw}); }
};

DPM_INLINE std::uint64_t plan_hash(const Plan& plan) {
  PlanHash parts;
  parts.add(static_cast<std::uint64_t>(plan.prediction));
  parts.add(static_cast<std::uint64_t>(plan.space));
  parts.add_list(plan.live);
  for (const Step& step : plan.steps) {
    parts.add_all(std::uint64_t{step.instructions.size()}, step.from, step.to);
    for (const Instruction& instruction : step.instructions) {
      parts.add(std::uint64_t{instruction.index()});
      std::visit([&](const auto& i) { parts.add(i); }, instruction);
    }
  }
  return parts.hash.value();
}

#endif

}  // namespace dpm::detail
