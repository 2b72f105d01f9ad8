// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The curves in sigma of k-diffusion, ComfyUI, A1111 and stable-diffusion.cpp.
#pragma once

#include <optional>

#include "dpm/grid/final_sigma.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>
#  include <cstddef>
#  include <vector>

#  include "dpm/grid/sigma_scale.hpp"
#  include "dpm/grid/spacing.hpp"
#  include "dpm/math/beta_quantile.hpp"
#  include "dpm/schedule/vp_linear.hpp"
#endif

namespace dpm {

// Here "sigma" is what those programs call so: sigma / alpha, but on a flow, where alpha = 1 -
// sigma, sigma itself. `start` and `end` are times. Left out, they are the schedule's last and
// first time; on a flow the end left out is a thousandth of the last time, which is the first entry
// of its table in ComfyUI.

/// Sigma^(1 / rho) in equal steps (Karras et al. 2022, arXiv 2206.00364, Eq. 5; k-diffusion,
/// `get_sigmas_karras`). Except on flows this is `Karras` with `FinalSigma::zero`.
struct KarrasSigma {
  double rho = 7.0;
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// log sigma = log sigma_min + (1 - f)^rho log(sigma_max / sigma_min), with f from 0 to 1 in equal
/// steps (k-diffusion, `get_sigmas_polyexponential`). rho = 1 is "exponential", which is
/// `UniformLambda` except on flows; a larger rho puts more levels where the noise is low.
struct Polyexponential {
  double rho = 1.0;
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// arctan(sigma) in equal steps (Sabour et al. 2024, arXiv 2404.14507, "Align your steps", the
/// optimum for Gaussian data). One level alone has no place on this curve, and is refused.
struct KlOptimal {
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// log sigma at quantiles of a Laplace distribution with mean `mu` and scale `beta`, cut to
/// [sigma_min, sigma_max] (Hang et al. 2024, arXiv 2407.03297; ComfyUI, `get_sigmas_laplace`). A
/// small beta puts more levels near sigma = e^mu. The list of ComfyUI has no sigma = 0 after it:
/// its n sigmas are `.final = FinalSigma::sigma_min` with n - 1 steps.
struct Laplace {
  double mu = 0.0;
  double beta = 0.5;
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// Sigma at quantiles of beta(a, b) between sigma_min and sigma_max, as A1111 reads Lee et al. 2024
/// (arXiv 2407.12173), and diffusers with `use_beta_sigmas`. (`Beta` is the paper's, in time, and
/// `BetaTimestep` ComfyUI's.)
struct BetaSigma {
  double a = 0.6;
  double b = 0.6;
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// Half of the steps lower sigma from sigma_max to (1 - threshold_noise) sigma_max in equal steps,
/// the others go on to 0 on a parabola (Polyak et al. 2024, arXiv 2410.13720, "linear-quadratic
/// t-schedule"; code of Mochi 1). `threshold_noise` lies in (0, 0.5], where the parabola falls for
/// any number of steps.
struct LinearQuadratic {
  double threshold_noise = 0.025;
  std::optional<double> start = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// The sigmas of the process `VpLinear(beta_0, beta_1)` at equal steps in time from 1 to `end`
/// (Song et al. 2021, arXiv 2011.13456; k-diffusion, `get_sigmas_vp`). They start at sigma 152, so
/// the schedule must go that far: `LogSigmaTable` and `VpLinear` do.
struct VpSigma {
  double beta_0 = 0.1;
  double beta_1 = 20.0;
  double end = 1e-3;
  FinalSigma final = FinalSigma::zero;
};

/// Two arcs of an arc tangent, from sigma_max to the mean of sigma_max and sigma_min and from there
/// to sigma_min, dense at both ends ("bong_tangent" of RES4LYF and stable-diffusion.cpp, with their
/// pivot 0.6 and slope 0.2). There sigma = 0 replaces the end. A run of one step starts at the
/// mean.
struct BongTangent {
  std::optional<double> start = std::nullopt;
  std::optional<double> end = std::nullopt;
  FinalSigma final = FinalSigma::zero_instead;
};

/// The grid of `steps` intervals with the given spacing. Refuses parameters out of range, an end at
/// sigma = 0 (`final` adds it), a start where alpha = 0 unless on a flow, and what `make_grid` of
/// `UniformTime` refuses.
[[nodiscard]] Grid make_grid(const KarrasSigma& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const Polyexponential& spacing, const AnySchedule& schedule,
                             int steps);
[[nodiscard]] Grid make_grid(const KlOptimal& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const Laplace& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const BetaSigma& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const LinearQuadratic& spacing, const AnySchedule& schedule,
                             int steps);
[[nodiscard]] Grid make_grid(const VpSigma& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const BongTangent& spacing, const AnySchedule& schedule, int steps);

#if DPM_DEFINE

namespace detail {

/// The two ends of a curve in sigma.
struct SigmaEnds {
  double start;
  double end;
  double log_max;
  double log_min;

  [[nodiscard]] double max() const { return std::exp(log_max); }
  [[nodiscard]] double min() const { return std::exp(log_min); }
  /// The level at log sigma, cut to the ends, which are exact.
  [[nodiscard]] Level level(const SigmaScale& scale, double log_sigma) const {
    if (log_sigma >= log_max) return scale.schedule().level(start);
    if (log_sigma <= log_min) return scale.schedule().level(end);
    return scale.schedule().level(scale.time_of_log(log_sigma));
  }
};

/// Refuses ends whose sigma is 0 or infinite. `name` is that of the spacing.
template <class Spacing>
SigmaEnds sigma_ends(const char* name, const SigmaScale& scale, const Spacing& spacing) {
  const auto [start, end] = time_range(spacing, scale.schedule(), scale.first_time());
  const SigmaEnds ends{start, end, scale.log_at(start), scale.log_at(end)};
  require(std::isfinite(ends.log_max) && std::isfinite(ends.log_min), name, ": sigma runs from ",
          ends.max(), " to ", ends.min(),
          "; both must be finite and above 0, so start where alpha > 0 and end above time 0");
  return ends;
}

/// The same for a curve that only falls.
template <class Spacing>
SigmaEnds falling_ends(const char* name, const SigmaScale& scale, const Spacing& spacing) {
  const SigmaEnds ends = sigma_ends(name, scale, spacing);
  require(ends.start > ends.end, name, ": start = ", ends.start, ", end = ", ends.end,
          "; the start must be greater than the end");
  return ends;
}

/// The grid between the ends with sigma = `sigma_at(fraction)` inside.
template <class SigmaAt>
Grid sigma_curve(const AnySchedule& schedule, const SigmaScale& scale, const SigmaEnds& ends,
                 int steps, FinalSigma final, SigmaAt sigma_at) {
  return make_spaced_grid(schedule, steps, ends.start, ends.end, final,
                          [&](double f) { return scale.time_of_log(std::log(sigma_at(f))); });
}

inline void require_positive(const char* name, double value) {
  require(value > 0.0 && std::isfinite(value), name, " = ", value, "; it must be in (0, inf)");
}

}  // namespace detail

DPM_INLINE Grid make_grid(const KarrasSigma& spacing, const AnySchedule& schedule, int steps) {
  detail::require_positive("KarrasSigma: rho", spacing.rho);
  const detail::SigmaScale scale(schedule);
  const auto ends = detail::sigma_ends("KarrasSigma", scale, spacing);
  const double a = std::exp(ends.log_max / spacing.rho);
  const double b = std::exp(ends.log_min / spacing.rho);
  return detail::make_spaced_grid(
      schedule, steps, ends.start, ends.end, spacing.final,
      [&](double f) { return scale.time_of_log(spacing.rho * std::log(a + (b - a) * f)); });
}

DPM_INLINE Grid make_grid(const Polyexponential& spacing, const AnySchedule& schedule, int steps) {
  detail::require_positive("Polyexponential: rho", spacing.rho);
  const detail::SigmaScale scale(schedule);
  const auto ends = detail::sigma_ends("Polyexponential", scale, spacing);
  return detail::make_spaced_grid(
      schedule, steps, ends.start, ends.end, spacing.final, [&](double f) {
        return scale.time_of_log(ends.log_min +
                                 std::pow(1.0 - f, spacing.rho) * (ends.log_max - ends.log_min));
      });
}

DPM_INLINE Grid make_grid(const KlOptimal& spacing, const AnySchedule& schedule, int steps) {
  detail::require(steps != 1 || spacing.final != FinalSigma::zero,
                  "KlOptimal: steps = 1 with final = zero is one level alone, which has no place "
                  "on the curve; take at least 2 steps, or FinalSigma::zero_instead");
  const detail::SigmaScale scale(schedule);
  const auto ends = detail::sigma_ends("KlOptimal", scale, spacing);
  const double most = std::atan(ends.max());
  const double least = std::atan(ends.min());
  return detail::sigma_curve(schedule, scale, ends, steps, spacing.final,
                             [=](double f) { return std::tan(f * least + (1.0 - f) * most); });
}

DPM_INLINE Grid make_grid(const Laplace& spacing, const AnySchedule& schedule, int steps) {
  detail::require(std::isfinite(spacing.mu), "Laplace: mu = ", spacing.mu, "; it must be finite");
  detail::require_positive("Laplace: beta", spacing.beta);
  const detail::SigmaScale scale(schedule);
  const auto ends = detail::falling_ends("Laplace", scale, spacing);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    std::vector<Level> levels;
    for (int i = 0; i < count; ++i) {
      const double from_middle = 0.5 - (count == 1 ? 0.0 : i / double(count - 1));
      // The 1e-5 is ComfyUI's: it keeps the logarithm finite at both ends.
      const double spread = -spacing.beta * std::log(1.0 - 2.0 * std::abs(from_middle) + 1e-5);
      const double log_sigma =
          spacing.mu + (from_middle == 0.0 ? 0.0 : std::copysign(spread, from_middle));
      const Level level = ends.level(scale, log_sigma);
      detail::require(i == 0 || level.time < levels.back().time, "Laplace: of ", count, " levels, ",
                      i - 1, " and ", i, " are both cut to sigma ",
                      static_cast<float>(std::exp(scale.log_at(level.time))),
                      "; take fewer steps, or another mu or beta");
      levels.push_back(level);
    }
    return levels;
  });
}

DPM_INLINE Grid make_grid(const BetaSigma& spacing, const AnySchedule& schedule, int steps) {
  (void)beta_quantile(0.5, spacing.a, spacing.b);  // refuses a and b even where one step needs none
  const detail::SigmaScale scale(schedule);
  const auto ends = detail::sigma_ends("BetaSigma", scale, spacing);
  return detail::sigma_curve(schedule, scale, ends, steps, spacing.final,
                             [&, a = ends.max(), b = ends.min()](double f) {
                               return b + (a - b) * beta_quantile(1.0 - f, spacing.a, spacing.b);
                             });
}

DPM_INLINE Grid make_grid(const LinearQuadratic& spacing, const AnySchedule& schedule, int steps) {
  const double threshold = spacing.threshold_noise;
  detail::require(threshold > 0.0 && threshold <= 0.5,
                  "LinearQuadratic: threshold_noise = ", threshold, "; it must be in (0, 0.5]");
  const detail::SigmaScale scale(schedule);
  const double start = spacing.start.value_or(schedule.last_time());
  const double log_max = scale.log_at(start);
  detail::require(std::isfinite(log_max), "LinearQuadratic: sigma is ", std::exp(log_max),
                  " at the start, time ", start,
                  "; it must be finite and above 0, so start where alpha > 0");
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    const int linear = count / 2;
    const int rest = count - linear;
    std::vector<Level> levels{schedule.level(start)};
    for (int i = 1; i < count; ++i) {
      double fallen = i * threshold / linear;
      if (i > linear) {
        // From (linear, threshold), with the slope of the line there, to (count, 1).
        const double bend = (1.0 - threshold * count / linear) / (double(rest) * rest);
        fallen += bend * (double(i - linear) * (i - linear));
      }
      levels.push_back(schedule.level(scale.time_of_log(log_max + std::log1p(-fallen))));
    }
    return levels;
  });
}

DPM_INLINE Grid make_grid(const VpSigma& spacing, const AnySchedule& schedule, int steps) {
  detail::require(spacing.end > 0.0 && spacing.end < 1.0, "VpSigma: end = ", spacing.end,
                  "; it must be in (0, 1)");
  const VpLinear process(spacing.beta_0, spacing.beta_1);
  const detail::SigmaScale scale(schedule);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    std::vector<Level> levels;
    for (int i = 0; i < count; ++i) {
      const double time = count == 1 ? 1.0 : 1.0 + (spacing.end - 1.0) * (i / double(count - 1));
      levels.push_back(scale.level_at("VpSigma", static_cast<std::size_t>(i),
                                      std::exp(-process.level(time).lambda())));
    }
    return levels;
  });
}

DPM_INLINE Grid make_grid(const BongTangent& spacing, const AnySchedule& schedule, int steps) {
  const detail::SigmaScale scale(schedule);
  const auto ends = detail::falling_ends("BongTangent", scale, spacing);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    // The levels of the first arc, whose last is the first of the second arc.
    const int first = 3 * (count + 1) / 5;
    const int second = count + 1 - first;
    const double middle = 0.5 * (ends.max() + ends.min());
    const auto arc = [&](int i, int length, int pivot, double from, double to) {
      const auto angle = [&](int x) { return std::atan(8.0 / (count + 1) * (pivot - x)); };
      if (length == 1) return from;
      return to + (from - to) * (angle(i) - angle(length - 1)) / (angle(0) - angle(length - 1));
    };
    std::vector<Level> levels;
    levels.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < first - 1; ++i) {
      levels.push_back(ends.level(scale, std::log(arc(i, first, first, ends.max(), middle))));
    }
    for (int i = 0; i < second; ++i) {
      levels.push_back(ends.level(scale, std::log(arc(i, second, 0, middle, ends.min()))));
    }
    return levels;
  });
}

#endif

}  // namespace dpm
