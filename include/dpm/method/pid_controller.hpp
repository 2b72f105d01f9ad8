// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The controller that k-diffusion chooses the steps of its adaptive sampler with.
#pragma once

#include <array>
#include <cstddef>

#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cmath>

#  include "dpm/error.hpp"
#endif

namespace dpm {

/// Chooses the lengths of adaptive steps by their present error and two earlier ones, as
/// `PIDStepSizeController` of k-diffusion does (sampling.py; a digital filter as in Soderlind 2003,
/// ACM Trans. Math. Softw. 29, 1-26). With the errors e of a trial, e' of the last accepted one and
/// e'' of the one before, the length is multiplied by
///
///     1 + atan(e^(-b1) e'^(-b2) e''^(-b3) - 1),  b1 = (proportional + integral + derivative) / k,
///     b2 = -(proportional + 2 derivative) / k,   b3 = derivative / k.
///
/// k is the order of the method, and 3/2 where steps draw noise. Each error counts 1e-8 more than
/// it is; where there is no earlier one, that of the first trial stands for it.
struct PidController {
  double proportional = 0.0;  ///< pcoeff
  /// icoeff; (0, 100]. Without it steady errors would be right however large they are.
  double integral = 1.0;
  double derivative = 0.0;  ///< dcoeff
  /// A trial is accepted if it multiplies the length by at least this; (0, 0.99]. 0.81 takes errors
  /// up to 1.9 tolerances at order 3.
  double accept_safety = 0.81;
};

namespace detail {

/// Refuses options out of range.
void check_options(const PidController& pid);

/// What a trial multiplies the length of steps by; `errors` are e, e' and e''.
[[nodiscard]] double length_factor(const PidController& pid, double order,
                                   const std::array<double, 3>& errors);

#if DPM_DEFINE

DPM_INLINE void check_options(const PidController& pid) {
  const auto check = [](const char* option, double value, bool allowed, const char* range) {
    require(allowed, "PidController: ", option, " = ", value, "; it must be in ", range);
  };
  const auto size = [](double value) { return std::abs(value); };
  check("proportional", pid.proportional, size(pid.proportional) <= 100.0, "[-100, 100]");
  check("integral", pid.integral, pid.integral > 0.0 && pid.integral <= 100.0, "(0, 100]");
  check("derivative", pid.derivative, size(pid.derivative) <= 100.0, "[-100, 100]");
  check("accept_safety", pid.accept_safety, pid.accept_safety > 0.0 && pid.accept_safety <= 0.99,
        "(0, 0.99]");
}

DPM_INLINE double length_factor(const PidController& pid, double order,
                                const std::array<double, 3>& errors) {
  const std::array<double, 3> powers{pid.proportional + pid.integral + pid.derivative,
                                     -(pid.proportional + 2.0 * pid.derivative), pid.derivative};
  // In logarithms, as powers of very large and very small errors have no product.
  double sum = 0.0;
  for (std::size_t i = 0; i < 3; ++i) sum -= powers[i] / order * std::log(errors[i] + 1e-8);
  return 1.0 + std::atan(std::exp(sum) - 1.0);
}

#endif

}  // namespace detail
}  // namespace dpm
