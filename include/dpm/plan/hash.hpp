// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A number that tells plans apart.
#pragma once

#include <cstdint>

#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm::detail {

/// A number that tells plans apart.
std::uint64_t plan_hash(const Plan& plan);

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <cstddef>
#  include <variant>

#  include "dpm/standard_library.hpp"

namespace dpm::detail {

/// The 64-bit FNV-1a hash (Fowler, Noll, Vo; draft-eastlake-fnv): it tells apart, it does not
/// protect.
class Fnv {
 public:
  void add(std::byte byte) { hash_ = (hash_ ^ static_cast<std::uint64_t>(byte)) * 1099511628211U; }
  void add(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) add(static_cast<std::byte>(value >> shift));
  }
  void add(double value) { add(bit_cast<std::uint64_t>(value)); }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 14695981039346656037U;
};

/// Goes through all parts of a plan.
class PlanHash {
 public:
  explicit PlanHash(const Plan& plan) {
    fnv_.add(static_cast<std::uint64_t>(plan.prediction));
    fnv_.add(static_cast<std::uint64_t>(plan.space));
    for (const Step& step : plan.steps) {
      fnv_.add(std::uint64_t{step.instructions.size()});
      add(step.from);
      add(step.to);
      for (const Instruction& instruction : step.instructions) {
        fnv_.add(static_cast<std::uint64_t>(instruction.index()));
        std::visit([this](const auto& i) { add(i); }, instruction);
      }
    }
  }
  [[nodiscard]] std::uint64_t value() const { return fnv_.value(); }

 private:
  void add(const Level& level) {
    for (const double value :
         {level.time, level.log_alpha, level.log_sigma, level.timestep, level.data_stddev}) {
      fnv_.add(value);
    }
  }
  void add(Register r) {
    fnv_.add(static_cast<std::uint64_t>(r.kind) << 8U | std::uint64_t{r.index});
  }
  void add(const Combine& c) {
    fnv_.add(std::uint64_t{c.targets.size()});
    for (const Register r : c.targets) add(r);
    fnv_.add(std::uint64_t{c.operands.size()});
    for (const Register r : c.operands) add(r);
    for (const double weight : c.weights) fnv_.add(weight);
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
  void add(const Draw& d) { fnv_.add(std::uint64_t{d.draw}); }

  Fnv fnv_;
};

DPM_INLINE std::uint64_t plan_hash(const Plan& plan) { return PlanHash(plan).value(); }

}  // namespace dpm::detail

#endif
