// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs in the memory of a CUDA device as bytes.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/interop/cuda/device.hpp"
#include "dpm/interop/cuda/state.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/hash.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/options.hpp"
#include "dpm/run/registers.hpp"
#include "dpm/run/save.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/check_values.hpp"

namespace dpm {
namespace detail {

static_assert(std::endian::native == std::endian::little,
              "dpm: the low byte of saved values comes first, as in the memory of the device");

/// What a saved run of a `std::vector` of these values says of itself.
inline SavedRun describe_run(const Plan& plan, const CudaView& x) {
  constexpr std::uint64_t float32 = 4U | 24U << 8U | 128U << 16U;
  constexpr std::uint64_t float16 = 2U | 11U << 8U | 16U << 16U;
  constexpr std::uint64_t bfloat16 = 2U | 8U << 8U | 128U << 16U;
  const std::uint64_t half = x.type == CudaType::float16 ? float16 : bfloat16;
  return {.scalar = x.type == CudaType::float32 ? float32 : half,
          .plan_hash = plan_hash(plan),
          .elements = x.size,
          .samples = 1,
          .place = {}};
}

inline std::size_t states_of(const Plan& plan) {
  std::size_t states = 0;
  for (const std::size_t count : PlanNeeds(plan).registers) states += count;
  return states;
}

}  // namespace detail

/// `save` of a run on a device: it copies the registers to the host, and waits for them. The bytes
/// are those of a run of a `std::vector`, so a run may go on elsewhere than it began. Refuses with
/// `NonFinite`, unless `check_finite` is off, a sample that holds a NaN or an infinity.
[[nodiscard]] inline std::vector<std::byte> save(const Stepper<CudaState>& run) {
  const CudaState& sample = run.sample();
  if (run.options().check_finite) detail::require_finite(sample, "save: the sample of the run");
  detail::SavedRun saved = detail::describe_run(run.plan(), sample.view());
  saved.place = run.place();
  std::vector<std::byte> bytes =
      detail::begin_saved_run(saved, {}, detail::states_of(run.plan()) * sample.bytes());
  std::byte* to = bytes.data() + detail::SavedRun::header;
  detail::for_each_register(PlanNeeds(run.plan()).registers, [&](Register r) {
    if (!detail::is_to_be_filled(run.plan(), saved.place, r)) {
      const CudaState& values = run.value(r);
      detail::require_success(
          detail::device_read(to, values.data(), values.bytes(), values.stream()),
          "a copy to the host");
    }
    to += sample.bytes();
  });
  detail::seal_saved_run(bytes);
  return bytes;
}

/// `load` of a run onto a device, of bytes that `save` made of a run on a device or of one of a
/// `std::vector` of the same type. Waits for the copies. Refuses what `load` refuses.
///
/// @param shape  memory like that of the run's sample. Its values do not count and stay.
[[nodiscard]] inline Stepper<CudaState> load(std::span<const std::byte> bytes,
                                             std::shared_ptr<const Plan> plan,
                                             const CudaView& shape,
                                             RunOptions<CudaState> options = {}) {
  detail::check_view("load", shape);
  detail::require(plan != nullptr, "Stepper: the plan is a null pointer; it must point to a plan");
  check(*plan);
  const std::size_t size = shape.size * detail::size_of(shape.type);
  const detail::SavedRun saved = detail::open_saved_run(bytes, detail::describe_run(*plan, shape),
                                                        0, detail::states_of(*plan) * size, *plan);
  const std::byte* from = bytes.data() + detail::SavedRun::header;
  const bool check_finite = options.check_finite;
  const auto fill = [&](Register r, CudaState& state) {
    detail::require_success(detail::device_write(state.data(), from, size, state.stream()),
                            "a copy to the device");
    from += size;
    if (!check_finite) return;
    detail::require_finite(state, "load: ", r == sample_register ? "the sample" : "a register",
                           " of the saved run, after ", saved.place.steps_before + saved.place.step,
                           " steps,");
  };
  return {std::move(plan), CudaState::unfilled(shape, shape.size), std::move(options), saved.place,
          fill};
}
[[nodiscard]] inline Stepper<CudaState> load(std::span<const std::byte> bytes, const Plan& plan,
                                             const CudaView& shape,
                                             RunOptions<CudaState> options = {}) {
  return load(bytes, std::make_shared<const Plan>(plan), shape, std::move(options));
}

}  // namespace dpm
