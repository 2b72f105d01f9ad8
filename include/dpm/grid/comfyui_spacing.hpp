// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The spacings of ComfyUI, A1111 and stable-diffusion.cpp that count in timesteps or in entries of
/// a table.
#pragma once

#include <optional>

#include "dpm/grid/final_sigma.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <cmath>
#  include <cstdint>
#  include <vector>

#  include "dpm/grid/sigma_scale.hpp"
#  include "dpm/grid/spacing.hpp"
#  include "dpm/grid/timesteps.hpp"
#  include "dpm/math/beta_quantile.hpp"
#endif

namespace dpm {

// Each counts in a table of N entries, entry j at time (j + 1) / N. `train_timesteps` is N. Left
// out, it is the number of entries of the schedule's own table; a flow has none, so there it is
// 1000, as for Stable Diffusion 3 (ComfyUI has 10000 for FLUX). Between entries the schedule says
// what lies there: take `LogSigmaTable` for the numbers of those programs.

/// Timesteps in equal steps from the last entry to the first: "normal" in ComfyUI, "Uniform" in
/// A1111, `DiscreteSchedule.get_sigmas` in k-diffusion.
///
/// On a flow ComfyUI shifts the end twice: it takes sigma of the first entry for a time. So do
/// these two. `UniformTime{.end = 0.001, .final = FinalSigma::zero}` shifts it once.
struct UniformTimestep {
  std::optional<int> train_timesteps = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// `UniformTimestep` of one step more, whose end sigma = 0 replaces: "sgm_uniform" in ComfyUI and
/// "SGM Uniform" in A1111.
struct SgmUniform {
  std::optional<int> train_timesteps = std::nullopt;
};

/// The entries N - 1 - floor(i N / n) of the table, "simple" in ComfyUI and A1111. The product is
/// rounded as there: i times the double N / n.
struct SimpleTable {
  std::optional<int> train_timesteps = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// The entries 1, 1 + k, 1 + 2 k, ... of the table with k = floor(N / n), "ddim_uniform" in
/// ComfyUI. A run starts below the last entry, and has more steps than n where N / n leaves a large
/// rest: 8 for n = 7. `Leading` and `Trailing` have neither fault.
struct DdimUniform {
  std::optional<int> train_timesteps = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// The entries next to the quantiles 1 - i / n of beta(a, b) times N - 1, "beta" in ComfyUI (Lee et
/// al. 2024, arXiv 2407.12173). An entry that comes twice is taken once, so that a run may have
/// fewer steps than n.
struct BetaTimestep {
  double a = 0.6;
  double b = 0.6;
  std::optional<int> train_timesteps = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// The entries next to u^2 (3 - 2 u) times N - 1 with u = 1 - i / n, "smoothstep" in
/// stable-diffusion.cpp: dense at both ends, as `BetaTimestep` is. An entry that comes twice, as
/// from 78 steps of 1000 entries on, is taken once.
struct SmoothstepTimestep {
  std::optional<int> train_timesteps = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// The timesteps of a latent consistency model (Luo et al. 2023, arXiv 2310.04378; `LCMScheduler`
/// of diffusers, "lcm" in stable-diffusion.cpp): with k = floor(N / original_steps), the entries
/// (original_steps - floor(i original_steps / n)) k - 1, of those that the model was distilled at.
/// At most `original_steps` steps.
struct LcmTimestep {
  int original_steps = 50;
  std::optional<int> train_timesteps = std::nullopt;
  FinalSigma final = FinalSigma::zero;
};

/// The grid with the given spacing, of `steps` intervals unless the spacing says otherwise. Refuses
/// another `train_timesteps` than the schedule's table has entries; a schedule that has no table
/// unless it is a flow up to time 1 or `train_timesteps` N is given and its times run from 1 / N to
/// 1; and, of the spacings that count in entries, steps outside 1 .. N.
[[nodiscard]] Grid make_grid(const UniformTimestep& spacing, const AnySchedule& schedule,
                             int steps);
[[nodiscard]] Grid make_grid(const SgmUniform& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const SimpleTable& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const DdimUniform& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const BetaTimestep& spacing, const AnySchedule& schedule, int steps);
[[nodiscard]] Grid make_grid(const SmoothstepTimestep& spacing, const AnySchedule& schedule,
                             int steps);
[[nodiscard]] Grid make_grid(const LcmTimestep& spacing, const AnySchedule& schedule, int steps);

#if DPM_DEFINE

namespace detail {

/// The number N of entries of the table that a spacing counts in.
inline int table_entries(const char* name, const AnySchedule& schedule, std::optional<int> given) {
  const auto own = static_cast<int>(schedule.size());
  const bool flow = is_flow(schedule);
  const int n = given.value_or(own == 0 && flow ? 1000 : own);
  require(n != 0 || given, name,
          ": the schedule has no table; take a DiscreteSchedule or a LogSigmaTable, or give "
          "train_timesteps");
  require(n >= 2, name, ": train_timesteps = ", n, "; it must be at least 2");
  if (flow) {
    require(schedule.last_time() == 1.0, name, ": the flow's last time is ", schedule.last_time(),
            "; it must be 1");
  } else {
    check_table_times(name, schedule, n);
  }
  return n;
}

/// A table of N entries, and the grids over some of them.
class TableEntries {
 public:
  TableEntries(const char* name, const AnySchedule& schedule, std::optional<int> given, int steps)
      : schedule_(schedule), count_(table_entries(name, schedule, given)) {
    check_timesteps(name, count_, steps);
  }

  [[nodiscard]] int count() const { return count_; }
  [[nodiscard]] Level level(int entry) const {
    return schedule_.level((entry + 1) / double(count_));
  }
  /// The levels of the entries `entry_of(i)` for i below `count`; one that comes twice in a row is
  /// taken once.
  template <class EntryOf>
  [[nodiscard]] std::vector<Level> levels(int count, EntryOf entry_of) const {
    std::vector<Level> levels;
    int before = -1;
    for (int i = 0; i < count; ++i) {
      const int entry = entry_of(i);
      if (entry != before) levels.push_back(level(entry));
      before = entry;
    }
    return levels;
  }

 private:
  const AnySchedule& schedule_;
  int count_;
};

}  // namespace detail

DPM_INLINE Grid make_grid(const UniformTimestep& spacing, const AnySchedule& schedule, int steps) {
  const int n = detail::table_entries("UniformTimestep", schedule, spacing.train_timesteps);
  const double first = 1.0 / n;
  const double end = detail::is_flow(schedule) ? schedule.level(first).sigma() : first;
  return make_grid(UniformTime{.start = 1.0, .end = end, .final = spacing.final}, schedule, steps);
}

DPM_INLINE Grid make_grid(const SgmUniform& spacing, const AnySchedule& schedule, int steps) {
  return make_grid(UniformTimestep{spacing.train_timesteps, FinalSigma::zero_instead}, schedule,
                   steps);
}

DPM_INLINE Grid make_grid(const SimpleTable& spacing, const AnySchedule& schedule, int steps) {
  const detail::TableEntries table("SimpleTable", schedule, spacing.train_timesteps, steps);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    const double stride = table.count() / double(count);
    return table.levels(count,
                        [&](int i) { return table.count() - 1 - static_cast<int>(i * stride); });
  });
}

DPM_INLINE Grid make_grid(const DdimUniform& spacing, const AnySchedule& schedule, int steps) {
  const detail::TableEntries table("DdimUniform", schedule, spacing.train_timesteps, steps);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    const int stride = std::max(table.count() / count, 1);
    std::vector<Level> levels;
    for (int entry = 1; entry < table.count(); entry += stride) {
      levels.push_back(table.level(entry));
    }
    std::reverse(levels.begin(), levels.end());
    return levels;
  });
}

DPM_INLINE Grid make_grid(const BetaTimestep& spacing, const AnySchedule& schedule, int steps) {
  const detail::TableEntries table("BetaTimestep", schedule, spacing.train_timesteps, steps);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    return table.levels(count, [&](int i) {
      const double quantile = beta_quantile(1.0 - i / double(count), spacing.a, spacing.b);
      return static_cast<int>(std::nearbyint(quantile * (table.count() - 1)));
    });
  });
}

DPM_INLINE Grid make_grid(const SmoothstepTimestep& spacing, const AnySchedule& schedule,
                          int steps) {
  const detail::TableEntries table("SmoothstepTimestep", schedule, spacing.train_timesteps, steps);
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    return table.levels(count, [&](int i) {
      const double u = 1.0 - i / double(count);
      return static_cast<int>(std::round(u * u * (3.0 - 2.0 * u) * (table.count() - 1)));
    });
  });
}

DPM_INLINE Grid make_grid(const LcmTimestep& spacing, const AnySchedule& schedule, int steps) {
  const detail::TableEntries table("LcmTimestep", schedule, spacing.train_timesteps, steps);
  const int original = spacing.original_steps;
  detail::require(original >= 1 && original <= table.count(),
                  "LcmTimestep: original_steps = ", original,
                  "; it must lie between 1 and train_timesteps = ", table.count());
  return detail::finish_grid(schedule, steps, spacing.final, [&](int count) {
    detail::require(count <= original, "LcmTimestep: ", count,
                    " timesteps; a model that is distilled at ", original,
                    " has at most that number");
    const int stride = table.count() / original;
    return table.levels(count, [&](int i) {
      const auto passed = static_cast<int>(std::int64_t{i} * original / count);
      return (original - passed) * stride - 1;
    });
  });
}

#endif

}  // namespace dpm
