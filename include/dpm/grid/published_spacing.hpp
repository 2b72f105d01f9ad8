// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Published lists of sigmas, stretched to any number of steps.
#pragma once

#include <cstdint>

#include "dpm/grid/final_sigma.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <cmath>
#  include <cstddef>
#  include <iterator>
#  include <span>
#  include <vector>

#  include "dpm/grid/published_sigmas.hpp"
#  include "dpm/grid/sigma_scale.hpp"
#endif

namespace dpm {

// A list of m sigmas becomes one of n, log-linear over equal distances in the list, as in ComfyUI.
// By default sigma = 0 replaces the last, as there; A1111 sets it after the last,
// `FinalSigma::zero`.

/// The lists of "Align your steps" (Sabour et al. 2024, arXiv 2404.14507), for models that are
/// trained on a table. Its values are sigma / alpha.
struct AlignYourSteps {
  /// The model that a list is optimised for. The rounded ones are on the paper's page, and are
  /// those of A1111; ComfyUI has the others. Stable Video Diffusion starts at sigma 700.
  enum class List : std::uint8_t { sd1, sdxl, svd, sd1_rounded, sdxl_rounded };

  List list = List::sd1;
  FinalSigma final = FinalSigma::zero_instead;
};

/// The lists of GITS (Chen et al. 2024, arXiv 2405.11326), for models that are trained on the table
/// of Stable Diffusion. There is one for each number of steps from 2 to 20; that of 20 is stretched
/// for more. `coefficient` is one of 0.8, 0.85, ..., 1.5; a larger one puts more levels where the
/// noise is low.
struct Gits {
  double coefficient = 1.2;
  FinalSigma final = FinalSigma::zero_instead;
};

/// The lists of "Optimal stepsize" (Pei et al. 2025, arXiv 2503.21774), for flows. Its values are
/// sigma.
struct OptimalSteps {
  /// The model that a list is optimised for.
  enum class List : std::uint8_t { flux, wan, chroma };

  List list = List::flux;
  FinalSigma final = FinalSigma::zero_instead;
};

/// The grid of `steps` intervals over a published list. Refuses a flow, or for `OptimalSteps`
/// another schedule than a flow; a schedule whose greatest sigma the list exceeds by more than
/// rounding, a thousandth; and a coefficient that has no list.
[[nodiscard]] Grid make_grid(const AlignYourSteps& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const Gits& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const OptimalSteps& spacing, const AnySchedule& schedule, int steps);

#if DPM_DEFINE

namespace detail {

/// Value i of the `count` values along a falling list, log-linear over equal distances.
inline double stretched(std::span<const double> list, int i, int count) {
  if (i == 0) return list.front();
  const double place = i * double(list.size() - 1) / (count - 1);
  const auto before = static_cast<std::size_t>(place);
  const double rest = place - double(before);
  return rest == 0.0
             ? list[before]
             : std::exp(std::lerp(std::log(list[before]), std::log(list[before + 1]), rest));
}

/// The levels of a list, stretched to `count` of them.
inline std::vector<Level> stretched_levels(const char* name, const SigmaScale& scale,
                                           std::span<const double> list, int count) {
  std::vector<Level> levels;
  levels.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    levels.push_back(scale.level_at(name, static_cast<std::size_t>(i), stretched(list, i, count)));
  }
  return levels;
}

/// The scale of a schedule that is a flow, or is none.
inline SigmaScale scale_for(const char* name, const AnySchedule& schedule, bool flow) {
  SigmaScale scale(schedule);
  require(scale.flow() == flow, name, ": the schedule is ", flow ? "no" : "a",
          " flow; these lists are for ",
          flow ? "flows, so take AlignYourSteps or Gits"
               : "models that are trained on a table, so take OptimalSteps");
  return scale;
}

inline std::span<const double> align_your_steps(AlignYourSteps::List list) {
  using List = AlignYourSteps::List;
  switch (list) {
    case List::sdxl:
      return ays_sdxl;
    case List::svd:
      return ays_svd;
    case List::sd1_rounded:
      return ays_sd1_rounded;
    case List::sdxl_rounded:
      return ays_sdxl_rounded;
    case List::sd1:
      break;
  }
  return ays_sd1;
}

inline std::span<const double> optimal_steps(OptimalSteps::List list) {
  if (list == OptimalSteps::List::wan) return optimal_wan;
  if (list == OptimalSteps::List::chroma) return optimal_chroma;
  return optimal_flux;
}

/// The list of GITS for `steps` in 2 .. 20, in `row` of the table.
inline std::vector<double> gits_list(int row, int steps) {
  std::vector<double> list{gits_sigmas[0]};
  const int first = (steps - 2) * (steps - 1) / 2;
  for (int i = 0; i < steps - 1; ++i) list.push_back(gits_sigmas[gits_places[row][first + i]]);
  list.push_back(gits_sigmas[std::size(gits_sigmas) - 1]);
  return list;
}

}  // namespace detail

DPM_INLINE Grid make_grid(const AlignYourSteps& spacing, const AnySchedule& schedule, int steps) {
  const auto scale = detail::scale_for("AlignYourSteps", schedule, false);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    return detail::stretched_levels("AlignYourSteps", scale, detail::align_your_steps(spacing.list),
                                    count);
  });
}

DPM_INLINE Grid make_grid(const Gits& spacing, const AnySchedule& schedule, int steps) {
  const double place = 20.0 * spacing.coefficient - 16.0;
  const double row = std::round(place);
  detail::require(row >= 0.0 && row < detail::gits_rows && std::abs(place - row) < 1e-6,
                  "Gits: coefficient = ", spacing.coefficient,
                  "; it must be one of 0.8, 0.85, 0.9, ..., 1.5");
  const auto scale = detail::scale_for("Gits", schedule, false);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    detail::require(count >= 3, "Gits: steps = ", steps,
                    "; its shortest list has 2 steps, or 3 with sigma = 0 after them");
    const auto list = detail::gits_list(static_cast<int>(row), std::min(count - 1, 20));
    return detail::stretched_levels("Gits", scale, list, count);
  });
}

DPM_INLINE Grid make_grid(const OptimalSteps& spacing, const AnySchedule& schedule, int steps) {
  const auto scale = detail::scale_for("OptimalSteps", schedule, true);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    return detail::stretched_levels("OptimalSteps", scale, detail::optimal_steps(spacing.list),
                                    count);
  });
}

#endif

}  // namespace dpm
