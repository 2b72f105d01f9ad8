// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Integer timesteps of table-trained models, in exact integer arithmetic.
#pragma once

#include <cstdint>
#include <vector>

#include "dpm/separate.hpp"

namespace dpm {
namespace detail {

/// numerator / denominator rounded to the nearest integer, a half to the even one, as numpy rounds.
/// For numerator >= 0 and denominator > 0.
[[nodiscard]] constexpr std::int64_t divide_half_even(std::int64_t numerator,
                                                      std::int64_t denominator) {
  const std::int64_t quotient = numerator / denominator;
  const std::int64_t twice_rest = 2 * (numerator % denominator);
  const bool up = twice_rest > denominator || (twice_rest == denominator && quotient % 2 == 1);
  return up ? quotient + 1 : quotient;
}

}  // namespace detail

/// The `count` equally spaced timesteps from `last` down to 0, both included, each rounded to the
/// nearest integer (a half to the even one); one alone is 0. Integer arithmetic throughout. Refuses
/// count < 1 and last < count - 1, where timesteps would repeat.
///
/// DDIM-like samplers take `linspace_timesteps(N - 1, steps)`, whose last step has no length left
/// but the one to clean data; DPM-Solver-like ones `linspace_timesteps(N - 1, steps + 1)` without
/// its last entry.
[[nodiscard]] std::vector<int> linspace_timesteps(int last, int count);

/// The timesteps `offset` + stride (steps - 1), ..., offset + stride, offset with stride =
/// train_timesteps / steps rounded down: "leading" (Ho et al. 2020's code, arXiv 2006.11239).
/// Refuses steps outside 1 .. train_timesteps, and an offset that leaves the table.
[[nodiscard]] std::vector<int> leading_timesteps(int train_timesteps, int steps, int offset = 0);

/// The timesteps train_timesteps - i (train_timesteps / steps), less 1, rounded to the nearest
/// integer (a half of the first term to the even one), for i = 0 ... steps - 1: "trailing", which
/// starts at the table's end (Lin et al. 2023, arXiv 2305.08891, Table 2). Always `steps` of them,
/// none negative. Refuses steps outside 1 .. train_timesteps.
[[nodiscard]] std::vector<int> trailing_timesteps(int train_timesteps, int steps);

}  // namespace dpm

#if DPM_DEFINE

#  include <cstddef>

#  include "dpm/error.hpp"

namespace dpm {
namespace detail {

inline void check_timesteps(const char* name, int train_timesteps, int steps) {
  require(train_timesteps >= 1, name, ": train_timesteps = ", train_timesteps,
          "; it must be at least 1");
  require(steps >= 1 && steps <= train_timesteps, name, ": steps = ", steps,
          "; it must lie between 1 and train_timesteps = ", train_timesteps);
}

}  // namespace detail

DPM_INLINE std::vector<int> linspace_timesteps(int last, int count) {
  detail::require(count >= 1, "linspace_timesteps: count = ", count, "; it must be at least 1");
  detail::require(last >= count - 1, "linspace_timesteps: last = ", last, " for ", count,
                  " timesteps; it must be at least ", count - 1);
  std::vector<int> timesteps;
  timesteps.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = count - 1; i >= 0; --i) {
    timesteps.push_back(
        count == 1 ? 0 : static_cast<int>(detail::divide_half_even(i * last, count - 1)));
  }
  return timesteps;
}

DPM_INLINE std::vector<int> leading_timesteps(int train_timesteps, int steps, int offset) {
  detail::check_timesteps("leading_timesteps", train_timesteps, steps);
  const int stride = train_timesteps / steps;
  const int most = train_timesteps - 1 - stride * (steps - 1);
  detail::require(offset >= 0 && offset <= most, "leading_timesteps: offset = ", offset, "; for ",
                  steps, " steps of ", train_timesteps, " it must lie between 0 and ", most);
  std::vector<int> timesteps;
  timesteps.reserve(static_cast<std::size_t>(steps));
  for (int i = steps - 1; i >= 0; --i) timesteps.push_back(i * stride + offset);
  return timesteps;
}

DPM_INLINE std::vector<int> trailing_timesteps(int train_timesteps, int steps) {
  detail::check_timesteps("trailing_timesteps", train_timesteps, steps);
  std::vector<int> timesteps;
  timesteps.reserve(static_cast<std::size_t>(steps));
  for (std::int64_t i = steps; i >= 1; --i) {
    timesteps.push_back(static_cast<int>(detail::divide_half_even(i * train_timesteps, steps)) - 1);
  }
  return timesteps;
}

}  // namespace dpm

#endif
