// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// UniPC: a multistep predictor-corrector for the diffusion ODE.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include "dpm/method/predictor_corrector.hpp"
#endif

namespace dpm {

/// UniPC, a unified predictor-corrector (Zhao et al. 2023, arXiv 2302.04867, Alg. 1 and 2). The
/// predictor is multistep DPM-Solver of the given order. The corrector repeats the step with the
/// prediction at the predicted sample, which the next step needs anyway, and gains one order. One
/// model call a step; the last step has no corrector. The first steps have lower orders.
struct UniPc {
  static constexpr const char* name = "UniPc";
  /// The paper's linear system (Eq. 5) has the same solution for every B(h): the polynomial through
  /// the predictions, integrated exactly. B(h) matters only where two predictions are combined and
  /// the paper replaces the system by the constant 1/2 (Sec. 3.3): in the second-order predictor
  /// and the first-order corrector.
  enum class Coefficients : std::uint8_t {
    bh1,      ///< B(h) = h
    bh2,      ///< B(h) = e^h - 1
    varying,  ///< every polynomial is integrated exactly (App. C)
  };
  /// Order of the predictor, 1 to 4.
  int order = 2;
  Coefficients coefficients = Coefficients::bh2;
  Space space = Space::data;
  /// false: UniP, the predictor alone.
  bool corrector = true;
  /// The last steps take orders ..., 2, 1: steadier on coarse grids, but at most second order.
  bool lower_order_final = false;
  /// Estimate the error of each predicted step, as `DpmSolver::estimate_error` does. With order 4
  /// the first ten or so estimates are wrong (see `Progress::error`).
  bool estimate_error = false;
};

/// The order of convergence that the options give. The first step is of first order, corrected to
/// the second, and limits the run to third order.
[[nodiscard]] inline int convergence_order(const UniPc& method) {
  const int most = method.corrector && !method.lower_order_final ? 3 : 2;
  return std::min(method.corrector ? method.order + 1 : method.order, most);
}

/// Refuses an order out of range, and steps that have no solution in the chosen space (see
/// `ExponentialStep`). A step that ends at sigma = 0 or starts at alpha = 0 is of first order.
void write(PlanBuilder& builder, const UniPc& method, const Grid& grid);

[[nodiscard]] inline UniformLambda default_spacing(const UniPc& /*method*/) { return {}; }

namespace detail {

/// UniPC over any levels; `corrects(i)` says whether step i is corrected, all are if it is empty.
void write_unipc(PlanBuilder& builder, const UniPc& method, std::span<const Level> levels,
                 const std::function<bool(std::size_t)>& corrects = {});

}  // namespace detail

#if DPM_DEFINE

namespace detail {

/// UniPC's weights for a polynomial through `nodes` predictions.
inline DerivativeWeights unipc_weights(const UniPc& method, const MultistepInterval& interval,
                                       std::size_t nodes) {
  DerivativeWeights weights = interval.exact;
  if (nodes != 2 || method.coefficients == UniPc::Coefficients::varying) return weights;
  const double h = interval.step.h();
  const double of_b = method.coefficients == UniPc::Coefficients::bh2 ? weights[0]
                      : method.space == Space::data                   ? interval.to.alpha() * h
                                                                      : -interval.to.sigma() * h;
  weights[1] = 0.5 * h * of_b;
  return weights;
}

DPM_INLINE void write_unipc(PlanBuilder& builder, const UniPc& method,
                            std::span<const Level> levels,
                            const std::function<bool(std::size_t)>& corrects) {
  const auto order = static_cast<std::size_t>(method.order);
  builder.set_space(method.space);
  write_predictor_corrector(
      builder,
      {.space = method.space,
       .predictor_nodes = order,
       .corrector_nodes = method.corrector ? order + 1 : 0,
       .corrector_follows_predictor = true,
       .lower_order_final = method.lower_order_final,
       .estimate_error = method.estimate_error,
       .corrects = corrects,
       .tau = [](const Level&, const Level&) { return 0.0; },
       .weights = [&](const MultistepInterval& interval,
                      std::size_t nodes) { return unipc_weights(method, interval, nodes); }},
      levels);
}

}  // namespace detail

DPM_INLINE void write(PlanBuilder& builder, const UniPc& method, const Grid& grid) {
  detail::require(method.order >= 1 && method.order <= 4, "UniPc: order = ", method.order,
                  "; it must be 1 to 4");
  detail::write_unipc(builder, method, grid.levels());
}

#endif

}  // namespace dpm
