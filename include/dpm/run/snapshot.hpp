// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A run as bytes: save it here, load it in another process, and go on to the same samples.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/hash.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/saved_run.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"

namespace dpm {
namespace detail {

/// Reads and writes the parts of a stepper that its plan and its options do not hold.
class Snapshot {
 public:
  template <class State>
  static std::vector<std::byte> save(const Stepper<State>& run) {
    // A call that was handed out and not yet answered is handed out again.
    const std::size_t next = run.instruction_ - (run.pending_ != nullptr ? 1 : 0);
    SavedRun saved = description(run);
    saved.step = run.step_;
    saved.instruction = next;
    saved.model_calls = static_cast<std::uint64_t>(run.model_calls_);
    std::vector<std::byte> bytes = begin_saved_run(saved, bytes_of_values(run));
    std::byte* to = bytes.data() + SavedRun::header;
    const State* const unfilled = to_be_filled(run, next);
    const auto view = dense_view(run.sample());
    for_each_state(run.registers_, [&](const State& buffer) {
      const auto values = dense_view(buffer);
      if (&buffer == unfilled) {
        to = std::fill_n(to, view.size() * sizeof(*view.data), std::byte{});
        return;
      }
      require(values.same_shape(view), "save: a correction has made a data prediction ",
              values.elements, " x ", values.samples, "; it must have the shape of the sample, ",
              view.elements, " x ", view.samples);
      for_each_value(values, [&](std::size_t at) { put_number(values.data[at], to); });
    });
    seal_saved_run(bytes);
    return bytes;
  }

  template <class State>
  static void load(Stepper<State>& run, std::span<const std::byte> bytes) {
    const SavedRun saved =
        open_saved_run(bytes, description(run), bytes_of_values(run), *run.plan_);
    run.step_ = saved.step;
    run.instruction_ = saved.instruction;
    run.model_calls_ = static_cast<int>(saved.model_calls);
    const std::byte* from = bytes.data() + SavedRun::header;
    for_each_state(run.registers_, [&](State& buffer) {
      const auto values = dense_view(buffer);
      for_each_value(values, [&](std::size_t at) {
        values.data[at] = get_number<std::remove_pointer_t<decltype(values.data)>>(from);
      });
      if (run.options_.check_finite && !all_finite(buffer)) {
        fail<NonFinite>(sentence("load: ", &buffer == &run.sample() ? "the sample" : "a register",
                                 " of the saved run, after ", saved.step,
                                 " steps, holds a NaN or an infinity"));
      }
    });
  }

 private:
  /// What all saved runs of this plan and state begin with.
  template <class State>
  static SavedRun description(const Stepper<State>& run) {
    const auto view = dense_view(run.sample());
    return {.scalar = scalar_code<State>(),
            .plan_hash = plan_hash(*run.plan_),
            .elements = view.elements,
            .samples = view.samples};
  }

  template <class State>
  static std::size_t bytes_of_values(const Stepper<State>& run) {
    std::size_t states = 0;
    for (const std::size_t count : run.registers_.counts()) states += count;
    const auto view = dense_view(run.sample());
    return states * view.size() * sizeof(*view.data);
  }

  template <class State>
  static constexpr std::uint64_t scalar_code() {
    using Scalar = std::remove_cvref_t<decltype(*dense_view(std::declval<const State&>()).data)>;
    using Limits = std::numeric_limits<Scalar>;
    return sizeof(Scalar) + (static_cast<std::uint64_t>(Limits::digits) << 8U) +
           (static_cast<std::uint64_t>(Limits::max_exponent) << 16U);
  }

  /// The register that the instruction at which a run stands fills anew, whatever it holds; null if
  /// there is none.
  template <class State>
  static const State* to_be_filled(const Stepper<State>& run, std::size_t instruction) {
    if (run.step_ == run.plan_->steps.size()) return nullptr;
    const std::vector<Instruction>& list = run.plan_->steps[run.step_].instructions;
    if (instruction == list.size()) return nullptr;
    if (const auto* e = std::get_if<Evaluate>(&list[instruction]))
      return &run.registers_[e->output];
    if (const auto* d = std::get_if<Draw>(&list[instruction])) return &run.registers_[d->target];
    return nullptr;
  }

  /// Values go sample by sample, whatever the order in which a state stores them.
  template <class View, class Visit>
  static void for_each_value(const View& view, const Visit& visit) {
    for (std::size_t s = 0; s < view.samples; ++s) {
      for (std::size_t e = 0; e < view.elements; ++e) {
        visit(s * view.sample_stride + e * view.element_stride);
      }
    }
  }
};

}  // namespace detail

/// A run as it stands, as bytes: the values of its registers and its place in the plan, versioned
/// and with a checksum. Not the plan (see `dpm/interop/plan_json.hpp`), nor the options. Refuses a
/// run in which a correction has changed the shape of a data prediction.
template <DenseState State>
[[nodiscard]] std::vector<std::byte> save(const Stepper<State>& run) {
  return detail::Snapshot::save(run);
}

/// The run that `save` made `bytes` of, ready to go on to samples that are bit-identical to those
/// it would have made. A model call that was open is handed out again.
///
/// @param shape  any values in the shape of the run's sample.
///
/// Refuses with `InvalidArgument` bytes that are damaged or of another version, plan, scalar type
/// or shape, and what the constructor of `Stepper` refuses; with `NonFinite`, unless `check_finite`
/// is off, a saved run that holds a NaN or an infinity.
template <DenseState State>
[[nodiscard]] Stepper<State> load(std::span<const std::byte> bytes,
                                  std::shared_ptr<const Plan> plan, State shape,
                                  RunOptions<State> options = {}) {
  const auto view = dense_view(shape);
  detail::require(view.size() > 0,
                  "load: shape is empty; it must have the shape of the run's sample");
  std::fill_n(view.data, view.size(), std::remove_pointer_t<decltype(view.data)>{});
  Stepper<State> run(std::move(plan), std::move(shape), std::move(options));
  detail::Snapshot::load(run, bytes);
  return run;
}
template <DenseState State>
[[nodiscard]] Stepper<State> load(std::span<const std::byte> bytes, const Plan& plan, State shape,
                                  RunOptions<State> options = {}) {
  return load(bytes, std::make_shared<const Plan>(plan), std::move(shape), std::move(options));
}

}  // namespace dpm
