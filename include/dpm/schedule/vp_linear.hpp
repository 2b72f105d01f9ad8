// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The variance-preserving schedule whose noise rate grows linearly in time.
#pragma once

#include <cmath>
#include <concepts>
#include <limits>

#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/separate.hpp"

namespace dpm {

namespace detail {
void check_vp_linear(double beta_0, double beta_1, double first_time);
}

/// The variance-preserving schedule with rate beta(t) = beta_0 + t (beta_1 - beta_0) on [0, 1]
/// (Song et al. 2021, arXiv 2011.13456, App. C):
///
///     log alpha(t) = -t^2 (beta_1 - beta_0) / 4 - t beta_0 / 2,     alpha^2 + sigma^2 = 1.
///
/// The model is given t itself. `Scalar` is the type the closed forms are evaluated in.
template <std::floating_point Scalar = double>
class VpLinear {
 public:
  /// 0 < beta_0 <= beta_1; 0 <= first_time < 1 is where sampling ends by default.
  explicit VpLinear(double beta_0 = 0.1, double beta_1 = 20.0, double first_time = 1e-3)
      : first_time_(first_time),
        beta_0_(static_cast<Scalar>(beta_0)),
        rise_(static_cast<Scalar>(beta_1) - static_cast<Scalar>(beta_0)) {
    detail::check_vp_linear(beta_0, beta_1, first_time);
  }

  [[nodiscard]] double first_time() const { return first_time_; }
  [[nodiscard]] double last_time() const { return 1.0; }

  /// The level at time t in [0, 1].
  [[nodiscard]] Level level(double time) const {
    detail::check_time("VpLinear", time, 1.0);
    return detail::variance_preserving_level(
        time, static_cast<double>(log_alpha(static_cast<Scalar>(time))), time);
  }

  /// The time at lambda in [lambda(1), +inf]; a lambda past the end by rounding alone is the end.
  [[nodiscard]] double time_of_lambda(double lambda) const {
    return detail::variance_preserving_time<Scalar>("VpLinear", *this, level(1.0).lambda(), lambda);
  }

  /// How fast the level changes at time t in (0, 1].
  [[nodiscard]] LevelRate rate(double time) const {
    const double d_log_alpha = -static_cast<double>(time * rise_ + beta_0_) / 2;
    return detail::variance_preserving_rate(level(time), d_log_alpha);
  }

  /// log alpha at time t in [0, 1], which is not checked.
  [[nodiscard]] Scalar log_alpha(Scalar time) const {
    return -time * (time * rise_ / 4 + beta_0_ / 2);
  }

  /// The inverse of `log_alpha`: the root of the quadratic that does not cancel (Lu et al. 2022,
  /// arXiv 2206.00927, App. D.4).
  [[nodiscard]] Scalar time_of_log_alpha(Scalar log_alpha) const {
    return -4 * log_alpha / (beta_0_ + std::sqrt(beta_0_ * beta_0_ - 4 * rise_ * log_alpha));
  }

 private:
  double first_time_;
  Scalar beta_0_;
  Scalar rise_;
};

#if !DPM_DEFINE
extern template AnySchedule::AnySchedule(VpLinear<double>);
#else

DPM_INLINE void detail::check_vp_linear(double beta_0, double beta_1, double first_time) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  require(beta_0 > 0 && beta_0 < infinity, "VpLinear: beta_0 must be in (0, inf) and is ", beta_0);
  require(beta_1 >= beta_0 && beta_1 < infinity, "VpLinear: beta_1 must be in [", beta_0,
          ", inf) and is ", beta_1);
  require(first_time >= 0 && first_time < 1, "VpLinear: first_time must be in [0, 1) and is ",
          first_time);
}

#endif

}  // namespace dpm
