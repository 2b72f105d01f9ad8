// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Ancestral steps: how much noise is drawn anew, and the first-order step of DDIM and DDPM.
#pragma once

#include <cstdint>

#include "dpm/grid/grid.hpp"
#include "dpm/method/exponential_step.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <cmath>

#  include "dpm/error.hpp"
#  include "dpm/method/churn.hpp"
#endif

namespace dpm {

/// How much of the noise at the end of a step is drawn anew, in "ancestral" steps: the solver goes
/// on to a level with less noise, and a draw makes up for the rest.
struct FreshNoise {
  enum class Rule : std::uint8_t {
    /// The draw has the deviation d = eta sigma_t sqrt(1 - e^(-2h)) of DDIM (arXiv 2010.02502, Eq.
    /// 16), which is `get_ancestral_step` of k-diffusion in sigma / alpha.
    diffusion,
    /// For flows, alpha = 1 - sigma: the solver goes on to the flow's level with
    /// sigma_down = sigma_t (1 + (sigma_t / sigma_s - 1) eta). Its sample is scaled to alpha_t, and
    /// the draw makes up the variance ("RF" in ComfyUI, EulerAncestralRF in diffusers).
    flow,
  };
  /// 0: none, the ODE. 1: the usual ancestral step.
  double eta = 0.0;
  /// The factor on each draw ("s_noise" in other libraries). Only 1 keeps the marginals.
  double scale = 1.0;
  Rule rule = Rule::diffusion;
  /// The solver goes no further than to this sigma / alpha; for the rule `diffusion`.
  double least = 0.0;
};

/// Where the solver of an ancestral step goes, and the deviation of the draw that follows.
struct AncestralTarget {
  Level down;
  double noise_stddev = 0.0;
};

/// The target of an ancestral step from s to t. With h = lambda_t - lambda_s the rule `diffusion`
/// has d = eta sigma_t sqrt(1 - e^(-2h)), which loses no digits, and sigma_down = q sigma_t with
/// q^2 = 1 - eta^2 (1 - e^(-2h)). A step to sigma = 0 has no draw.
///
/// Refuses an eta that leaves q^2 < 0, and eta > 0 on a step towards more noise.
AncestralTarget ancestral_target(const FreshNoise& noise, const Level& s, const Level& t);

/// Refuses an eta, a scale or a least level that is negative or not finite.
void check_fresh_noise(const char* method, const FreshNoise& noise);

/// A step that removes more noise than it should and then adds fresh noise: the exponential step
/// to the target's level, then `noise_stddev` times a draw.
struct AncestralStep {
  ExponentialStep exact;
  /// Standard deviation of the fresh noise.
  double noise_stddev = 0.0;
};

/// The DDIM step from level s to level t (Song et al. 2021, arXiv 2010.02502, Eq. 12 and 16):
///
///     x_t = alpha_t x_0 + sqrt(sigma_t^2 - d^2) epsilon + d z,
///     d = eta (sigma_t / sigma_s) sqrt(1 - alpha_s^2 / alpha_t^2).
///
/// At eta = 0 it is DPM-Solver-1. Refuses what `ancestral_target` refuses.
AncestralStep ancestral_step(Space space, const Level& s, const Level& t, const FreshNoise& noise);

/// The space for an ancestral method over `grid`. The step is the same in both spaces, but noise
/// space has none from alpha = 0 and data space has none from sigma = 0.
Space ancestral_space(const PlanBuilder& builder, const Grid& grid);

/// Writes one such step of the grid, from s to t: the noise up to the level `from`, if the step
/// starts above s, then draw, model call, update.
void write_ancestral_step(PlanBuilder& builder, const AncestralStep& step, const Level& s,
                          const Level& from, const Level& t, double churn_scale = 1.0);

#if DPM_DEFINE

DPM_INLINE AncestralTarget ancestral_target(const FreshNoise& noise, const Level& s,
                                            const Level& t) {
  const double eta = noise.eta;
  if (noise.rule == FreshNoise::Rule::flow && eta > 0.0 && t.sigma() > 0.0) {
    const double fall = -t.sigma() * eta * std::expm1(t.log_sigma - s.log_sigma);
    const double data = -std::expm1(t.log_sigma);  // 1 - sigma_t
    const double kept = data / (data + fall);
    detail::require(eta <= 1.0 && fall > 0.0 && data > 0.0, "make_plan: eta = ", eta,
                    " over the step from sigma ", s.sigma(), " to ", t.sigma(),
                    "; with the rule of flows it must be at most 1, and sigma must fall below 1");
    const double solved = (t.sigma() - fall) * kept;
    Level target = t;
    target.log_sigma = std::log(solved);
    // A flow that is read as alpha = 1 (see `method/flow_as_noise.hpp`) is scaled as a whole.
    if (t.log_alpha == 0.0) target.log_alpha = std::log(kept);
    // sigma_t^2 - solved^2, where sigma_t - solved is fall / (data + fall).
    return {target, noise.scale * std::sqrt(fall / (data + fall) * (t.sigma() + solved))};
  }
  const double h = t.lambda() - s.lambda();
  const double fresh = eta == 0.0 ? 0.0 : -std::expm1(-2.0 * h);  // 1 - e^(-2h)
  detail::require(fresh >= 0.0, "make_plan: the step from time ", s.time, " to time ", t.time,
                  " runs towards more noise with eta = ", eta, "; inversion needs eta = 0");
  const double taken = eta * eta * fresh;  // 1 - q^2
  detail::require(taken <= 1.0, "make_plan: eta = ", eta, " over the step from time ", s.time,
                  " to time ", t.time, "; there it must be at most ", 1.0 / std::sqrt(fresh));
  Level down = t;
  // log q. Near q = 0, of long steps, 1 - q^2 has lost its digits; eta = 1 gives q = e^-h.
  if (taken < 1.0 - 1e-9) {
    down.log_sigma += 0.5 * std::log1p(-taken);
  } else if (eta == 1.0) {
    down.log_sigma -= h;
  } else {
    down.log_sigma += 0.5 * std::log((1.0 - eta) * (1.0 + eta) + eta * eta * std::exp(-2.0 * h));
  }
  if (taken > 0.0 && std::exp(-down.lambda()) < noise.least) {
    const double least = std::min(noise.least, std::exp(-t.lambda()));
    down.log_sigma = t.log_alpha + std::log(least);
    const double left = 1.0 - std::pow(least * std::exp(t.lambda()), 2.0);
    return {down, noise.scale * t.sigma() * std::sqrt(std::max(left, 0.0))};
  }
  return {down, noise.scale * eta * t.sigma() * std::sqrt(fresh)};
}

DPM_INLINE void check_fresh_noise(const char* method, const FreshNoise& noise) {
  detail::require(noise.eta >= 0.0 && noise.eta < 1e300, method, ": eta = ", noise.eta,
                  "; it must be finite and at least 0");
  detail::require(noise.scale >= 0.0 && noise.scale < 1e300, method,
                  ": the scale of the fresh noise is ", noise.scale,
                  "; it must be finite and at least 0");
  detail::require(noise.least >= 0.0 && noise.least < 1e300, method,
                  ": the least sigma / alpha of fresh noise is ", noise.least,
                  "; it must be finite and at least 0");
}

DPM_INLINE AncestralStep ancestral_step(Space space, const Level& s, const Level& t,
                                        const FreshNoise& noise) {
  const AncestralTarget target = ancestral_target(noise, s, t);
  return {ExponentialStep(space, s, target.down), target.noise_stddev};
}

DPM_INLINE Space ancestral_space(const PlanBuilder& builder, const Grid& grid) {
  const bool predicts_noise =
      builder.prediction() == Prediction::noise || builder.prediction() == Prediction::score;
  const bool noise =
      (predicts_noise && builder.correction() == Correction::none) || grid.front().sigma() == 0.0;
  return noise ? Space::noise : Space::data;
}

DPM_INLINE void write_ancestral_step(PlanBuilder& builder, const AncestralStep& step,
                                     const Level& s, const Level& from, const Level& t,
                                     double churn_scale) {
  builder.begin_step(s, t);
  write_noise_up(builder, s, from, churn_scale);
  if (step.noise_stddev > 0.0) builder.draw();
  const Register m = builder.evaluate(0, sample_register, from);
  builder.combine(sample_register, {{sample_register, step.exact.linear()},
                                    {m, step.exact.weight(0)},
                                    {noise_register, step.noise_stddev}});
}

#endif

}  // namespace dpm
