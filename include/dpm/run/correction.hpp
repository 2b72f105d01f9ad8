// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Corrections of the data prediction: clipping and dynamic thresholding.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {
namespace detail {

/// The bound in the type of the values. Refuses one that is 0 or infinite there.
template <class Scalar>
Scalar bound_for(const char* name, double bound) {
  const auto rounded = static_cast<Scalar>(bound);
  const auto value = static_cast<double>(rounded);
  require(value > 0.0 && value < std::numeric_limits<double>::infinity(), name, " = ", bound,
          ", which is ", value, " in the type of the values; it must be positive and finite there");
  return rounded;
}

}  // namespace detail

/// Clips the data prediction to [-range, range] (Ho et al. 2020, arXiv 2006.11239, public code):
///
///     dpm::sample(method, schedule, 20, model, x, dpm::Prediction::noise,
///                 {.correction = dpm::Clip()});
class Clip {
 public:
  /// range in (0, inf), in the type of the values too.
  explicit Clip(double range = 1.0);

  template <DenseState State>
  void operator()(State& data, const Level& /*level*/) const {
    const auto view = dense_view(data);
    const auto most = detail::bound_for<ScalarOf<State>>("Clip: range", range_);
    for (std::size_t i = 0; i < view.size(); ++i) {
      view.data[i] = std::clamp(view.data[i], -most, most);
    }
  }
  /// A state of another type is clipped by the function clip(data, range) of its namespace.
  template <class State>
  requires(!DenseState<State> && requires(State & data, double range) { clip(data, range); }) void
  operator()(State& data, const Level& /*level*/) const {
    clip(data, range_);
  }

 private:
  double range_;
};

/// Dynamic thresholding (Saharia et al. 2022, arXiv 2205.11487, Sec. 2.3): each sample is clipped
/// to [-s, s] and divided by s, where s is the quantile of its absolute values at `ratio`, kept
/// within [least, most]. Quantiles interpolate linearly between order statistics.
///
/// Imagen and diffusers have least = 1, diffusers also most = `sample_max_value`; the official
/// DPM-Solver code has least = `thresholding_max_val` and no most. With least = most = 1 it is
/// clipping. The first call allocates space for one sample, which is kept.
class DynamicThresholding {
 public:
  /// ratio in [0, 1]; 0 < least <= most, and least below 1e300, in the type of the values too.
  ///
  /// @param elements_per_sample  values of each sample, for ranges that hold several one after the
  ///                             other; 0: one sample, or the columns of an Eigen object.
  explicit DynamicThresholding(double ratio = 0.995, double least = 1.0,
                               double most = std::numeric_limits<double>::infinity(),
                               std::size_t elements_per_sample = 0);

  template <class State>
  void operator()(State& data, const Level& /*level*/) {
    static_assert(DenseState<State>,
                  "dpm: DynamicThresholding sorts the values of a sample in the host's memory, so "
                  "it takes dense states alone; for others use Clip, or a correction of your own.");
    if constexpr (DenseState<State>) threshold(data);
  }

 private:
  template <DenseState State>
  void threshold(State& data) {
    const auto view = split_samples("DynamicThresholding", dense_view(data), elements_per_sample_);
    if (view.size() == 0) return;
    (void)detail::bound_for<ScalarOf<State>>("DynamicThresholding: least", least_);
    magnitudes_.resize(view.elements);
    for (std::size_t s = 0; s < view.samples; ++s) {
      for (std::size_t e = 0; e < view.elements; ++e) {
        magnitudes_[e] = std::abs(static_cast<double>(view.at(e, s)));
      }
      const auto bound = static_cast<ScalarOf<State>>(std::clamp(quantile(), least_, most_));
      for (std::size_t e = 0; e < view.elements; ++e) {
        auto& value = view.at(e, s);
        value = std::clamp(value, -bound, bound) / bound;
      }
    }
  }

  /// The quantile of `magnitudes_`, which this reorders. Cost: linear on average.
  double quantile();

  double ratio_;
  double least_;
  double most_;
  std::size_t elements_per_sample_;
  std::vector<double> magnitudes_;
};

#if DPM_DEFINE

DPM_INLINE Clip::Clip(double range) : range_(range) {
  detail::require(range > 0.0 && range < std::numeric_limits<double>::infinity(),
                  "Clip: range = ", range, "; it must be in (0, inf)");
}

DPM_INLINE DynamicThresholding::DynamicThresholding(double ratio, double least, double most,
                                                    std::size_t elements_per_sample)
    : ratio_(ratio), least_(least), most_(most), elements_per_sample_(elements_per_sample) {
  detail::require(ratio >= 0.0 && ratio <= 1.0, "DynamicThresholding: ratio = ", ratio,
                  "; it must be in [0, 1]");
  detail::require(least > 0.0 && least <= most && least < 1e300,
                  "DynamicThresholding: least = ", least, " and most = ", most,
                  "; they must be 0 < least <= most, and least below 1e300");
}

DPM_INLINE double DynamicThresholding::quantile() {
  const double position = ratio_ * static_cast<double>(magnitudes_.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(position);
  const auto at = magnitudes_.begin() + below;
  std::nth_element(magnitudes_.begin(), at, magnitudes_.end());
  const double fraction = position - static_cast<double>(below);
  if (fraction == 0.0) return *at;
  return std::lerp(*at, *std::min_element(at + 1, magnitudes_.end()), fraction);
}

#endif

}  // namespace dpm
