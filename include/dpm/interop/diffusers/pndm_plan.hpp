// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The plan of diffusers' PNDM.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/diffusers/levels.hpp"
#include "dpm/interop/diffusers/table_plans.hpp"
#include "dpm/method/pndm.hpp"
#include "dpm/plan/builder.hpp"

namespace dpm::diffusers::detail {

/// PNDM (Liu et al. 2022, arXiv 2202.09778): pseudo Runge-Kutta blocks of four calls, then linear
/// multistep; or that alone, with a second call in its first step. Slots 0 to 3 keep the
/// predictions that the multistep formula uses, 4 to 6 those inside a block; the stage register
/// keeps the sample that a block or the first step began with.
class PndmWriter {
 public:
  PndmWriter(const Options& o, const Table& table, int stride)
      : o_(o), table_(table), stride_(stride), builder_(builder_for(o)) {}

  Plan write(std::span<const double> calls) && {
    const std::size_t block_calls = o_.skip_prk_steps ? 0 : 12;
    Level current = table_.level(static_cast<int>(calls[0]));
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const int t = static_cast<int>(calls[i]);
      const Level at = table_.level(t);
      const std::size_t part = i % 4;
      const bool in_block = i < block_calls;
      const bool repeated = !in_block && o_.skip_prk_steps && i == 1;
      int from = in_block ? static_cast<int>(calls[i - part]) : t;
      int target = t - (in_block ? (part % 2 == 1 ? 0 : stride_ / 2) : stride_);
      if (repeated) {
        target = t;
        from = t + stride_;
      }
      const Level to = level_or_end(o_, table_, target);
      builder_.begin_step(current, to);
      const bool kept = in_block ? part == 0 : !repeated;
      const std::size_t slot = kept ? stored_ % 4 : (in_block ? 3 + part : 4);
      const Register m = builder_.evaluate_raw(slot, sample_register, at);
      if (kept) ++stored_;
      if (in_block ? part == 0 : o_.skip_prk_steps && i == 0) {
        builder_.combine(stage_register, {{sample_register, 1.0}});
      }
      const bool from_trial = in_block || repeated;
      transfer(from_trial ? stage_register : sample_register, table_.alpha_cumprod(from),
               cumprod_or_end(o_, table_, target), mix(in_block, repeated, part, m).span());
      current = to;
    }
    return std::move(builder_).finish();
  }

 private:
  using Mix = BoundedVector<Term, 4>;

  [[nodiscard]] Register kept(std::size_t back) const {
    return prediction_register((stored_ - 1 - back) % 4);
  }

  [[nodiscard]] Mix mix(bool in_block, bool repeated, std::size_t part, Register m) const {
    if (in_block && part < 3) return {{m, 1.0}};
    if (in_block) {
      return {{kept(0), 1.0 / 6.0},
              {prediction_register(4), 1.0 / 3.0},
              {prediction_register(5), 1.0 / 3.0},
              {m, 1.0 / 6.0}};
    }
    if (repeated) return {{m, 0.5}, {kept(0), 0.5}};
    if (stored_ == 1) return {{m, 1.0}};
    Mix terms;
    const auto weights = dpm::detail::adams_bashforth(std::min<std::size_t>(stored_, 4));
    for (std::size_t k = 0; k < weights.size(); ++k) terms.push_back({kept(k), weights[k]});
    return terms;
  }

  /// sample <- start, taken from alpha^2 = s to alpha^2 = t with a mix of outputs (arXiv
  /// 2202.09778, Eq. 11), which is converted to noise after mixing.
  void transfer(Register start, double s, double t, std::span<const Term> mix) {
    const double weight = (s - t) / (s * std::sqrt(1.0 - t) + std::sqrt(s * (1.0 - s) * t));
    const bool velocity = prediction_of(o_) == Prediction::velocity;
    const Conversion noise = velocity ? Conversion{std::sqrt(1.0 - s), std::sqrt(s)} : Conversion{};
    BoundedVector<Term, 5> terms{{start, std::sqrt(t / s) + weight * noise.input}};
    for (const Term& term : mix) {
      terms.push_back({term.operand, weight * noise.output * term.weight});
    }
    builder_.combine(sample_register, terms.span());
  }

  const Options& o_;
  const Table& table_;
  int stride_;
  PlanBuilder builder_;
  std::size_t stored_ = 0;
};

}  // namespace dpm::diffusers::detail
