// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The options of DPM-Solver and DPM-Solver++.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "dpm/error.hpp"
#include "dpm/method/ancestral_step.hpp"
#include "dpm/method/churn.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// DPM-Solver (`space = Space::noise`; Lu et al. 2022, arXiv 2206.00927) and DPM-Solver++ (`space =
/// Space::data`; Lu et al. 2022, arXiv 2211.01095), singlestep and multistep, orders 1 to 3.
///
/// A step that ends at sigma = 0 or starts at alpha = 0 is of first order: higher orders diverge
/// there.
///
/// | form       | model calls                             | predictions kept |
/// |------------|-----------------------------------------|------------------|
/// | multistep  | steps; 1 more for the start of order 3  | order            |
/// | singlestep | order * steps, or exactly `model_calls` | none             |
struct DpmSolver {
  static constexpr const char* name = "DpmSolver";
  enum class Form : std::uint8_t { singlestep, multistep };
  /// How a second-order update weighs the first derivative: with h / 2 times the weight of the
  /// value (midpoint), or with the exact integral (Taylor; "heun" and "taylor" in other libraries).
  enum class Update : std::uint8_t { midpoint, taylor };
  /// How third-order multistep starts: with a singlestep step of second order, which keeps third
  /// order and costs one call more, or with orders 1 and 2, which makes the run second order.
  enum class Start : std::uint8_t { singlestep, lower_order };
  /// Where a singlestep step has its inner levels: at the ratios r1 and r2 of its interval in
  /// lambda, or on the next points of the grid, so that a step of order p takes p intervals of the
  /// grid.
  enum class Stages : std::uint8_t { at_ratios, on_grid };

  /// Order of convergence, 1 to 3.
  int order = 2;
  Form form = Form::multistep;
  Space space = Space::data;
  Update update = Update::midpoint;
  /// First inner level at lambda_s + r1 h; 1/2 for order 2 and 1/3 for order 3 when left out.
  std::optional<double> r1 = std::nullopt;
  /// Second inner level of order 3 at lambda_s + r2 h, r1 < r2 < 1. Only 2/3 gives third order: for
  /// other values the error of the first-order stage does not cancel.
  double r2 = 2.0 / 3.0;
  Stages stages = Stages::at_ratios;
  /// Singlestep: exactly this many model calls, with lower orders in the last steps ("DPM-Solver-
  /// fast", arXiv 2206.00927, Sec. 3.3 and App. D.3); 0: `order` calls in each step.
  int model_calls = 0;
  Start start = Start::singlestep;
  /// Third-order multistep with half the second difference, as other libraries have it. It is of
  /// second order, and sometimes more stable on coarse grids.
  bool halved_second_difference = false;
  /// The last steps take orders ..., 2, 1: steadier when there are few steps or when the last ones
  /// are long in lambda (uniform time down to tiny times), but at most second order.
  bool lower_order_final = false;
  /// The very last step is of first order ("euler at final" in other libraries).
  bool first_order_final = false;
  /// 0: the ODE. Above 0, multistep only: the SDE with tau^2 times the noise of the reverse
  /// diffusion, which draws noise in each step; tau = 1 is SDE-DPM-Solver(++). In noise space it
  /// wants shorter steps than in data space (see `SaSolver::space`).
  double tau = 0.0;
  /// Ancestral steps: the solver goes on to a level with less noise, and a draw makes up for it.
  /// Singlestep in data space with eta = 1 is "DPM++ 2S a", in noise space "DPM2 a". Not together
  /// with tau, whose draws take its `scale` nonetheless.
  FreshNoise fresh = {};
  /// Noise before each step; singlestep with stages at ratios only.
  Churn churn = {};
  /// Estimate the error of each step above first order by its difference from the order below. It
  /// costs no model call and changes the samples by rounding only. Observers read the estimate in
  /// `Progress::error`, which says what it means.
  bool estimate_error = false;
  /// One more call at the end of the grid and a first-order step from there to sigma = 0.
  bool denoise_to_zero = false;

  /// r1, or its default for the order.
  [[nodiscard]] double inner_ratio() const { return r1.value_or(order == 2 ? 0.5 : 1.0 / 3.0); }
};

/// The order of convergence that the options give, in the limit of many steps; for tau > 0 the weak
/// order.
[[nodiscard]] int convergence_order(const DpmSolver& method);

#if DPM_DEFINE

DPM_INLINE int convergence_order(const DpmSolver& method) {
  if (method.tau > 0.0) return std::min(method.order, 2);
  if (method.fresh.eta > 0.0 && method.form == DpmSolver::Form::multistep) return 1;
  const bool third = method.order == 3;
  bool keeps_third = !method.lower_order_final && method.model_calls == 0;
  if (method.form == DpmSolver::Form::multistep) {
    keeps_third = keeps_third && method.start == DpmSolver::Start::singlestep &&
                  !method.halved_second_difference;
  } else if (method.stages == DpmSolver::Stages::at_ratios) {
    keeps_third = keeps_third && std::abs(method.r2 - 2.0 / 3.0) < 1e-12;
  }
  return third && !keeps_third ? 2 : method.order;
}

namespace detail {

inline void check_options(const DpmSolver& method) {
  require(method.order >= 1 && method.order <= 3, "DpmSolver: order = ", method.order,
          "; it must be 1, 2 or 3");
  const double r1 = method.inner_ratio();
  require(r1 > 0.0 && r1 < 1.0, "DpmSolver: r1 = ", r1, "; it must lie between 0 and 1");
  require(method.order < 3 || (method.r2 > r1 && method.r2 < 1.0), "DpmSolver: r2 = ", method.r2,
          "; it must lie between r1 = ", r1, " and 1");
  require(method.tau >= 0.0 && method.tau < 1e100, "DpmSolver: tau = ", method.tau,
          "; it must be finite and at least 0");
  require(method.tau == 0.0 || method.form == DpmSolver::Form::multistep,
          "DpmSolver: tau = ", method.tau, " with the singlestep form; only multistep draws noise");
  check_fresh_noise(DpmSolver::name, method.fresh);
  check_churn(DpmSolver::name, method.churn);
  require(method.fresh.eta == 0.0 || method.tau == 0.0, "DpmSolver: fresh.eta = ", method.fresh.eta,
          " with tau = ", method.tau, "; one of them must be 0");
  const bool at_ratios =
      method.form == DpmSolver::Form::singlestep && method.stages == DpmSolver::Stages::at_ratios;
  require(method.churn.amount == 0.0 || at_ratios,
          "DpmSolver: churn.amount = ", method.churn.amount,
          "; only singlestep steps with stages at ratios have churn");
  require(method.fresh.eta == 0.0 || at_ratios || method.form == DpmSolver::Form::multistep,
          "DpmSolver: fresh.eta = ", method.fresh.eta,
          " with stages on the grid; ancestral steps have theirs at ratios");
  require(method.model_calls >= 0, "DpmSolver: model_calls = ", method.model_calls,
          "; it must be 0 (as many as the steps need) or positive");
  require(method.model_calls == 0 || method.form == DpmSolver::Form::singlestep,
          "DpmSolver: model_calls = ", method.model_calls,
          " with the multistep form; it shares out calls over singlestep steps only");
}

}  // namespace detail

#endif

}  // namespace dpm
