// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Plans as data: written short, taken apart, and which of their values nobody reads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"

namespace dpm_test {

/// m0, m1, ...; slots too that do not exist, which the library's own function refuses.
inline dpm::Register m(std::size_t slot) {
  return {dpm::Register::Kind::prediction, static_cast<std::uint8_t>(slot)};
}

inline dpm::Combine combination(const std::vector<dpm::Register>& targets,
                                const std::vector<dpm::Register>& operands,
                                const std::vector<double>& weights) {
  dpm::Combine c;
  for (const dpm::Register r : targets) c.targets.push_back(r);
  for (const dpm::Register r : operands) c.operands.push_back(r);
  for (const double w : weights) c.weights.push_back(w);
  return c;
}

/// All instructions of a plan, one after the other.
inline std::vector<dpm::Instruction> flattened(const dpm::Plan& plan) {
  std::vector<dpm::Instruction> all;
  for (const dpm::Step& step : plan.steps) {
    all.insert(all.end(), step.instructions.begin(), step.instructions.end());
  }
  return all;
}

inline bool reads(const dpm::Instruction& instruction, dpm::Register r) {
  if (const auto* c = std::get_if<dpm::Combine>(&instruction)) {
    return std::find(c->operands.begin(), c->operands.end(), r) != c->operands.end();
  }
  if (const auto* e = std::get_if<dpm::Evaluate>(&instruction)) return e->input == r;
  if (const auto* c = std::get_if<dpm::Correct>(&instruction)) return c->slot == r;
  return false;
}

inline bool writes(const dpm::Instruction& instruction, dpm::Register r) {
  if (const auto* c = std::get_if<dpm::Combine>(&instruction)) {
    return std::find(c->targets.begin(), c->targets.end(), r) != c->targets.end();
  }
  if (const auto* e = std::get_if<dpm::Evaluate>(&instruction)) return e->output == r;
  if (const auto* d = std::get_if<dpm::Draw>(&instruction)) return d->target == r;
  return false;
}

/// Whether the value of `r` after instruction `i` is ever looked at; the sample's last one is.
inline bool is_read_after(const std::vector<dpm::Instruction>& all, std::size_t i,
                          dpm::Register r) {
  for (std::size_t j = i + 1; j < all.size(); ++j) {
    if (reads(all[j], r)) return true;
    if (writes(all[j], r)) return false;
  }
  return r == dpm::sample_register;
}

inline std::size_t dead_targets(const dpm::Plan& plan) {
  const std::vector<dpm::Instruction> all = flattened(plan);
  std::size_t dead = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (const auto* c = std::get_if<dpm::Combine>(&all[i])) {
      for (const dpm::Register r : c->targets) dead += is_read_after(all, i, r) ? 0 : 1;
    }
  }
  return dead;
}

/// Operands that a Combine reads and gives no weight.
inline std::size_t idle_operands(const dpm::Plan& plan) {
  std::size_t idle = 0;
  for (const dpm::Instruction& i : flattened(plan)) {
    const auto* c = std::get_if<dpm::Combine>(&i);
    if (c == nullptr) continue;
    for (std::size_t j = 0; j < c->operands.size(); ++j) {
      bool weighs = false;
      for (std::size_t t = 0; t < c->targets.size(); ++t) weighs |= c->weight(t, j) != 0.0;
      idle += weighs ? 0 : 1;
    }
  }
  return idle;
}

/// Two steps of DDIM with fresh noise and a correction: every kind of instruction, and levels that
/// differ. Step 0 is: z = draw 0;  m0 = model(x);  m0 = ...;  m0 = correct(m0);  x = ...
inline dpm::Plan good_plan() {
  const std::vector<double> times{0.9, 0.5, 0.1};
  return make_plan(dpm::Ddim{.eta = 1.0}, grid_of_times(dpm::VpLinear(), times),
                   dpm::Prediction::noise, dpm::Correction::data);
}

template <class Kind>
Kind& instruction(dpm::Plan& plan, std::size_t step, std::size_t i) {
  return std::get<Kind>(plan.steps.at(step).instructions.at(i));
}

}  // namespace dpm_test
