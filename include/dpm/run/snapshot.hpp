// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A run as bytes: save it here, load it in another process, and go on to the same samples.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/hash.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {
namespace detail {

/// Reads and writes the parts of a stepper that its plan and its options do not hold.
class Snapshot {
 public:
  static constexpr std::uint64_t format = 0x3130'6e75'726d'7064;  // "dpmrun01"

  template <class State>
  static std::vector<std::byte> save(const Stepper<State>& run) {
    Snapshot snapshot;
    const auto view = dense_view(run.sample());
    // A call that was handed out and not yet answered is handed out again.
    const std::size_t next = run.instruction_ - (run.pending_ != nullptr ? 1 : 0);
    for (const std::uint64_t value :
         {format, scalar_code<State>(), PlanHash(*run.plan_).value(), std::uint64_t{view.elements},
          std::uint64_t{view.samples}, std::uint64_t{run.step_}, std::uint64_t{next},
          static_cast<std::uint64_t>(run.model_calls_)}) {
      snapshot.put(value);
    }
    for_each_buffer(run, [&snapshot](const State& buffer) { snapshot.put_values(buffer); });
    snapshot.put(snapshot.checksum(snapshot.bytes_.size()));
    return std::move(snapshot.bytes_);
  }

  template <class State>
  static void load(Stepper<State>& run, std::span<const std::byte> bytes) {
    Snapshot snapshot;
    snapshot.bytes_.assign(bytes.begin(), bytes.end());
    const auto view = dense_view(run.sample());
    std::size_t buffers = 0;
    for_each_buffer(run, [&buffers](const State&) { ++buffers; });
    require(bytes.size() >= 8 && snapshot.get() == format,
            "load: the bytes do not begin as a saved run of this version does");
    const std::size_t end = bytes.size() - 8;
    snapshot.read_ = end;
    require(bytes.size() >= 72 && snapshot.get() == snapshot.checksum(end),
            "load: the bytes are damaged or cut short: their checksum is wrong");
    snapshot.read_ = 8;
    require(snapshot.get() == scalar_code<State>(),
            "load: the saved run has another scalar type than the state given");
    require(snapshot.get() == PlanHash(*run.plan_).value(),
            "load: the saved run is of another plan than the one given");
    const std::uint64_t elements = snapshot.get();
    const std::uint64_t samples = snapshot.get();
    require(elements == view.elements && samples == view.samples, "load: the saved run is of ",
            elements, " x ", samples, " values; the state given has ", view.elements, " x ",
            view.samples);
    require(bytes.size() == 72 + buffers * view.size() * sizeof(*view.data),
            "load: the saved run holds other registers than its plan");
    const std::uint64_t step = snapshot.get();
    const std::uint64_t instruction = snapshot.get();
    const std::uint64_t calls = snapshot.get();
    const std::size_t steps = run.plan_->steps.size();
    const bool inside = step < steps ? instruction < run.plan_->steps[step].instructions.size() + 1
                                     : step == steps && instruction == 0;
    require(inside && calls <= static_cast<std::uint64_t>(run.calls_in_all_),
            "load: the saved run stands outside its plan");
    run.step_ = step;
    run.instruction_ = instruction;
    run.model_calls_ = static_cast<int>(calls);
    snapshot.read_ = 8 * 8;
    for_each_buffer(run, [&snapshot](State& buffer) { snapshot.get_values(buffer); });
  }

 private:
  template <class State>
  using ScalarOf = std::remove_cv_t<
      std::remove_pointer_t<decltype(dense_view(std::declval<const State&>()).data)>>;

  template <class State>
  static constexpr std::uint64_t scalar_code() {
    using Limits = std::numeric_limits<ScalarOf<State>>;
    return sizeof(ScalarOf<State>) + (static_cast<std::uint64_t>(Limits::digits) << 8U) +
           (static_cast<std::uint64_t>(Limits::max_exponent) << 16U);
  }

  template <class Run, class Visit>
  static void for_each_buffer(Run& run, Visit visit) {
    for (auto& list : run.registers_) {
      for (auto& buffer : list) visit(buffer);
    }
  }

  void put(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) {
      bytes_.push_back(static_cast<std::byte>(value >> shift));
    }
  }
  std::uint64_t get() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 8) {
      value |= static_cast<std::uint64_t>(bytes_[read_++]) << shift;
    }
    return value;
  }

  /// Values are stored with their low byte first, whatever the machine.
  template <class Scalar>
  static void order_bytes(std::byte* bytes) {
    if constexpr (std::endian::native == std::endian::big)
      std::reverse(bytes, bytes + sizeof(Scalar));
  }
  /// Values go sample by sample, whatever the order in which a state stores them.
  template <class State>
  void put_values(const State& state) {
    const auto view = dense_view(state);
    using Scalar = ScalarOf<State>;
    for (std::size_t i = 0; i < view.size(); ++i) {
      const std::size_t at = bytes_.size();
      bytes_.resize(at + sizeof(Scalar));
      std::memcpy(bytes_.data() + at, view.data + place(view, i), sizeof(Scalar));
      order_bytes<Scalar>(bytes_.data() + at);
    }
  }
  template <class State>
  void get_values(State& state) {
    const auto view = dense_view(state);
    using Scalar = ScalarOf<State>;
    for (std::size_t i = 0; i < view.size(); ++i) {
      order_bytes<Scalar>(bytes_.data() + read_);
      std::memcpy(view.data + place(view, i), bytes_.data() + read_, sizeof(Scalar));
      read_ += sizeof(Scalar);
    }
  }
  template <class View>
  static std::size_t place(const View& view, std::size_t i) {
    return i / view.elements * view.sample_stride + i % view.elements * view.element_stride;
  }

  [[nodiscard]] std::uint64_t checksum(std::size_t size) const {
    Fnv fnv;
    for (std::size_t i = 0; i < size; ++i) fnv.add(bytes_[i]);
    return fnv.value();
  }

  std::vector<std::byte> bytes_;
  std::size_t read_ = 0;
};

}  // namespace detail

/// A run as it stands, as bytes: the values of its registers and its place in the plan, versioned
/// and with a checksum. Not the plan (see `dpm/interop/plan_json.hpp`), nor the options.
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
/// or shape, and what the constructor of `Stepper` refuses.
template <DenseState State>
[[nodiscard]] Stepper<State> load(std::span<const std::byte> bytes,
                                  std::shared_ptr<const Plan> plan, State shape,
                                  RunOptions<State> options = {}) {
  const auto view = dense_view(shape);
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
