// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// SA-Solver: a multistep predictor-corrector for the diffusion SDE.
#pragma once

#include <cstddef>
#include <functional>

#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include "dpm/method/predictor_corrector.hpp"
#endif

namespace dpm {

namespace detail {
/// 1 at each level.
std::function<double(const Level&)> tau_of_one();
}  // namespace detail

/// SA-Solver, stochastic Adams (Xue et al. 2023, arXiv 2309.05019, Alg. 1), solves the SDE with
/// tau^2 times the noise of the reverse diffusion. A multistep predictor and a corrector integrate
/// the polynomial through the last predictions exactly, with the same noise. One model call a step,
/// and one draw where tau > 0; the last step has no corrector. The first steps have lower orders.
struct SaSolver {
  static constexpr const char* name = "SaSolver";
  /// How many predictions the predictor's polynomial goes through, 1 to 4.
  int predictor_order = 3;
  /// How many the corrector's polynomial goes through, including the prediction at the predicted
  /// sample: 2 to 5, or 0 for no corrector.
  int corrector_order = 3;
  /// The paper's is data space. In noise space with tau near 1 the predictions are weighed with
  /// factors that grow like e^h, and steps longer than about 0.4 in lambda diverge: on linear betas
  /// 10 steps end at 39 where the mean is 3, and 30 steps are right.
  Space space = Space::data;
  /// tau, at least 0, as a function of the level where a step begins; it holds for the whole step.
  /// The paper sets it to 0 at both ends of the process (App. E).
  std::function<double(const Level&)> tau = detail::tau_of_one();
  /// Ask tau for the level where the step ends instead, as ComfyUI does.
  bool tau_of_end = false;
  /// The factor on each draw. Only 1 keeps the marginals.
  double noise_scale = 1.0;
  /// Where the grid ends at sigma = 0, the steps before the last one have lower orders.
  bool lower_order_final = false;
  /// Second-order updates weigh the slope by alpha_t (1 + tau^2) h^2 / 2 in place of its exact
  /// integral, as in App. D of the paper. In data space.
  bool simple_second_order = false;
  /// PECE: one more model call a step, at the corrected sample. Needs a corrector.
  bool evaluates_again = false;
};

/// Weak order of convergence where tau > 0; the order in the ODE's limit is the same.
[[nodiscard]] inline int convergence_order(const SaSolver& method) {
  return method.predictor_order == 1 && method.corrector_order == 0 ? 1 : 2;
}

/// Refuses orders out of range, an empty tau or one that is negative or not finite, and steps that
/// have no solution in the chosen space (see `ExponentialStep`).
void write(PlanBuilder& builder, const SaSolver& method, const Grid& grid);

/// One call a step, or with `evaluates_again` 2 n - 1 calls for n steps.
[[nodiscard]] Budget<SaSolver> for_model_calls(const SaSolver& method, int model_calls);

[[nodiscard]] inline UniformLambda default_spacing(const SaSolver& /*method*/) { return {}; }

#if DPM_DEFINE

DPM_INLINE std::function<double(const Level&)> detail::tau_of_one() {
  return [](const Level&) { return 1.0; };
}

DPM_INLINE void write(PlanBuilder& builder, const SaSolver& method, const Grid& grid) {
  detail::require(method.predictor_order >= 1 && method.predictor_order <= 4,
                  "SaSolver: predictor_order = ", method.predictor_order, "; it must be 1 to 4");
  detail::require(
      method.corrector_order == 0 || (method.corrector_order >= 2 && method.corrector_order <= 5),
      "SaSolver: corrector_order = ", method.corrector_order, "; it must be 2 to 5, or 0 for none");
  detail::require(!method.simple_second_order || method.space == Space::data,
                  "SaSolver: simple_second_order in noise space; it is a formula in data space");
  detail::require(
      !method.evaluates_again || method.corrector_order > 0,
      "SaSolver: evaluates_again with corrector_order = 0; without a corrector there is "
      "no corrected sample to call the model at");
  detail::require(method.noise_scale >= 0.0 && method.noise_scale < 1e300,
                  "SaSolver: noise_scale = ", method.noise_scale,
                  "; it must be finite and at least 0");
  detail::require(static_cast<bool>(method.tau), "SaSolver: tau is empty; it must be a function");
  builder.set_space(method.space);
  detail::write_predictor_corrector(
      builder,
      {.space = method.space,
       .predictor_nodes = static_cast<std::size_t>(method.predictor_order),
       .corrector_nodes = static_cast<std::size_t>(method.corrector_order),
       .lower_order_final = method.lower_order_final && grid.back().sigma() == 0.0,
       .lower_order_earlier = true,
       .evaluates_again = method.evaluates_again,
       .tau =
           [&](const Level& from, const Level& to) {
             const Level& at = method.tau_of_end ? to : from;
             const double tau = method.tau(at);
             detail::require(tau >= 0.0 && tau < 1e100, "SaSolver: tau is ", tau, " at time ",
                             at.time, "; it must be finite and at least 0");
             return tau;
           },
       .noise_scale = method.noise_scale,
       .weights =
           [&](const detail::MultistepInterval& interval, std::size_t nodes) {
             DerivativeWeights weights = interval.exact;
             if (method.simple_second_order && nodes == 2) {
               const double h = interval.step.h();
               const double tau = method.tau(method.tau_of_end ? interval.to : interval.from);
               weights[1] = 0.5 * interval.to.alpha() * (1.0 + tau * tau) * h * h;
             }
             return weights;
           }},
      grid.levels());
}

DPM_INLINE Budget<SaSolver> for_model_calls(const SaSolver& method, int model_calls) {
  detail::require_model_calls(SaSolver::name, model_calls, 1);
  if (!method.evaluates_again) return {method, model_calls};
  detail::require(model_calls % 2 == 1, "SaSolver: model_calls = ", model_calls,
                  " with evaluates_again, whose n steps make 2 n - 1; it must be odd");
  return {method, (model_calls + 1) / 2};
}

#endif

}  // namespace dpm
