// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// CFG++: samplers that renoise with the unconditional prediction.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dpm/method/ancestral_step.hpp"
#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>

#  include "dpm/method/polynomial.hpp"
#endif

namespace dpm {

/// CFG++ (Chung et al. 2024, arXiv 2406.08070, Alg. 2) and the forms of it in ComfyUI: the guided
/// data prediction is where the sample goes, and the noise that it keeps is that of the prediction
/// without condition. The model hands over both in one call (`TwoOutputModelFor`;
/// `ClassifierFreeGuidance` does), with guidance scales of about 1 to 2. D is the guided data
/// prediction, U the other and U1 the one before it, h1 earlier in lambda. The updates are
///
/// - euler: x_t = alpha_t D + (sigma_t / sigma_s) (x - alpha_s U);
/// - multistep: the same plus alpha_t (1 - e^-h) (h / 2 h1) (D - U1);
/// - gradient_estimation: Euler's plus gamma - 1 times the step with the difference of U's and U1's
///   noises;
/// - exponential: from x + alpha_s (D - U), the second-order step with U and U1;
/// - singlestep: from x + alpha_s (D - U), DPM-Solver++(2S) with guided predictions.
///
/// The first step, and one to sigma = 0, is Euler's. One model call a step, of singlestep two.
/// Where D and U agree each update has its own order. Where they differ there is none: each step
/// adds about alpha (D - U) however short it is, so the samples depend on the number of steps, and
/// guidance grows with it.
struct CfgPlusPlus {
  static constexpr const char* name = "CfgPlusPlus";
  enum class Update : std::uint8_t {
    euler,
    multistep,            ///< "dpmpp_2m_cfg_pp"
    gradient_estimation,  ///< "gradient_estimation_cfg_pp"
    exponential,          ///< "res_multistep_cfg_pp"
    singlestep,           ///< "dpmpp_2s_ancestral_cfg_pp"
  };
  Update update = Update::euler;
  /// Ancestral steps, of all but multistep and gradient_estimation.
  FreshNoise fresh = {};
  /// Of gradient_estimation.
  double gamma = 2.0;
  /// As ComfyUI coded two of them: exponential with fresh noise measures h1 to where the step
  /// before wanted to go down to, and singlestep takes U from its second call.
  bool as_coded = false;
};

/// Works in data space. Refuses options out of range and a grid that runs towards more noise.
void write(PlanBuilder& builder, const CfgPlusPlus& method, const Grid& grid);

/// One call a step, of singlestep two, but in a step to sigma = 0 one.
[[nodiscard]] Budget<CfgPlusPlus> for_model_calls(const CfgPlusPlus& method, int model_calls);

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const CfgPlusPlus& method, const Grid& grid) {
  using Update = CfgPlusPlus::Update;
  check_fresh_noise(CfgPlusPlus::name, method.fresh);
  const bool steady =
      method.update == Update::multistep || method.update == Update::gradient_estimation;
  detail::require(method.fresh.eta == 0.0 || !steady, "CfgPlusPlus: fresh.eta = ", method.fresh.eta,
                  " with a multistep update; it must be 0 there");
  detail::require(std::abs(method.gamma) < 1e100, "CfgPlusPlus: gamma = ", method.gamma,
                  "; it must be finite");
  detail::require(grid.back().time < grid.front().time, "CfgPlusPlus: the grid runs from time ",
                  grid.front().time, " to time ", grid.back().time,
                  ", towards more noise; it must run towards clean data");
  builder.set_space(Space::data);
  double distance = 0.0;  // from the level of U1, in lambda
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const auto [down, noise_stddev] = ancestral_target(method.fresh, s, grid[i + 1]);
    const ExponentialStep step(Space::data, s, down);
    builder.begin_step(s, grid[i + 1]);
    const bool singlestep = method.update == Update::singlestep && step.finite();
    if (noise_stddev > 0.0 && !singlestep) builder.draw();
    // D in slot 0, U in slots 1 and 2 by turns, what singlestep calls for in slots 3 and 4.
    const Register d = builder.evaluate_both(0, 1 + i % 2, sample_register, s);
    const Register u = prediction_register(1 + i % 2);
    const Register u1 = prediction_register(2 - i % 2);
    const bool first = i == 0 || !step.finite();
    // Not after a step from alpha = 0, nor where U and U1 are almost in one place.
    const bool has_slope =
        !first && std::isfinite(distance) && distance >= nearest_predictions * step.h();
    const double kept = step.linear() * s.alpha();
    BoundedVector<Term, 5> terms{{sample_register, step.linear()}, {d, down.alpha()}, {u, -kept}};
    if (singlestep) {
      const Level middle = grid.schedule().level_at_lambda(0.5 * (s.lambda() + down.lambda()));
      const ExponentialStep half(Space::data, s, middle);
      const double shift = half.linear() * s.alpha();
      builder.combine(stage_register,
                      {{sample_register, half.linear()}, {d, half.weight(0) + shift}, {u, -shift}});
      if (noise_stddev > 0.0) builder.draw();
      const Register second = builder.evaluate_both(3, 4, stage_register, middle);
      terms = {{sample_register, step.linear()},
               {d, kept},
               {method.as_coded ? prediction_register(4) : u, -kept},
               {second, step.weight(0)}};
    } else if (has_slope && method.update == Update::multistep) {
      const double weight = step.weight(0) * 0.5 * step.h() / distance;
      terms[1].weight += weight;
      terms.push_back({u1, -weight});
    } else if (!first && method.update == Update::gradient_estimation) {
      // d = (x - alpha U) / sigma; that of the step before is kept in slot 3.
      const double more = (method.gamma - 1.0) * ExponentialStep(Space::noise, s, down).weight(0);
      terms[0].weight += more / s.sigma();
      terms[2].weight -= more * s.alpha() / s.sigma();
      terms.push_back({prediction_register(3), -more});
    } else if (has_slope && method.update == Update::exponential) {
      const Nodes nodes{{s.lambda(), u}, {s.lambda() - distance, u1}};
      const UpdateTerms solved =
          polynomial_terms(step.linear(), exact_weights(step, 2), s.lambda(), nodes.span());
      terms = {solved[0], {d, kept}, {u, solved[1].weight - kept}, {u1, solved[2].weight}};
    }
    if (noise_stddev > 0.0) terms.push_back({noise_register, noise_stddev});
    if (method.update == Update::gradient_estimation && i + 1 < grid.steps()) {
      builder.combine(stage_register,
                      {{sample_register, 1.0 / s.sigma()}, {u, -s.alpha() / s.sigma()}});
      builder.combine(sample_register, terms.span());
      builder.combine(prediction_register(3), {{stage_register, 1.0}});
    } else {
      builder.combine(sample_register, terms.span());
    }
    const Level& reached =
        method.as_coded && method.update == Update::exponential ? down : grid[i + 1];
    distance = reached.lambda() - s.lambda();
  }
}

DPM_INLINE Budget<CfgPlusPlus> for_model_calls(const CfgPlusPlus& method, int model_calls) {
  const bool two = method.update == CfgPlusPlus::Update::singlestep;
  detail::require_model_calls(CfgPlusPlus::name, model_calls, 1);
  return {method, detail::steps_for(model_calls, two ? 2 : 1)};
}

#endif

}  // namespace dpm
