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
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {
namespace detail {

/// The 64-bit FNV-1a hash (Fowler, Noll, Vo; draft-eastlake-fnv): it finds damage, not forgery.
class Fnv {
 public:
  void add(std::byte byte) { hash_ = (hash_ ^ static_cast<std::uint64_t>(byte)) * 1099511628211U; }
  void add(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) add(static_cast<std::byte>(value >> shift));
  }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 14695981039346656037U;
};

/// A number that tells plans apart.
class PlanHash {
 public:
  explicit PlanHash(const Plan& plan) {
    fnv_.add(static_cast<std::uint64_t>(plan.prediction));
    fnv_.add(static_cast<std::uint64_t>(plan.space));
    for (const Step& step : plan.steps) {
      add(step.from);
      add(step.to);
      for (const Instruction& instruction : step.instructions) {
        fnv_.add(static_cast<std::uint64_t>(instruction.index()));
        std::visit([this](const auto& i) { add(i); }, instruction);
      }
    }
  }
  [[nodiscard]] std::uint64_t value() const { return fnv_.value(); }

 private:
  void add(const Level& level) {
    for (const double value :
         {level.time, level.log_alpha, level.log_sigma, level.label, level.data_stddev}) {
      fnv_.add(value);
    }
  }
  void add(Register r) {
    fnv_.add(static_cast<std::uint64_t>(r.kind) << 8U | std::uint64_t{r.index});
  }
  void add(const Combine& c) {
    for (const Register r : c.targets) add(r);
    for (const Register r : c.operands) add(r);
    for (const double weight : c.weights) fnv_.add(weight);
  }
  void add(const Evaluate& e) {
    add(e.output);
    add(e.input);
    add(e.level);
  }
  void add(const Correct& c) { add(c.slot); }
  void add(const Draw& d) { fnv_.add(std::uint64_t{d.draw}); }

  Fnv fnv_;
};

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
    const std::size_t whole = 9 * 8 + buffers * view.size() * sizeof(*view.data);
    require(bytes.size() > 24 && snapshot.get() == scalar_code<State>(),
            "load: the saved run has another scalar type than the state given");
    require(snapshot.get() == PlanHash(*run.plan_).value(),
            "load: the saved run is of another plan than the one given");
    require(bytes.size() == whole, "load: there are ", bytes.size(),
            " bytes; a run of this plan and shape has ", whole);
    const std::uint64_t sum = snapshot.checksum(whole - 8);
    const std::uint64_t elements = snapshot.get();
    const std::uint64_t samples = snapshot.get();
    require(elements == view.elements && samples == view.samples, "load: the saved run is of ",
            elements, " x ", samples, " values; the state given has ", view.elements, " x ",
            view.samples);
    const std::uint64_t step = snapshot.get();
    const std::uint64_t instruction = snapshot.get();
    const std::uint64_t calls = snapshot.get();
    snapshot.read_ = whole - 8;
    require(snapshot.get() == sum, "load: the bytes are damaged: their checksum is wrong");
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
    return (std::is_integral_v<ScalarOf<State>> ? 256U : 0U) + sizeof(ScalarOf<State>);
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
  template <class State>
  void put_values(const State& state) {
    const auto view = dense_view(state);
    using Scalar = ScalarOf<State>;
    for (std::size_t i = 0; i < view.size(); ++i) {
      const std::size_t at = bytes_.size();
      bytes_.resize(at + sizeof(Scalar));
      std::memcpy(bytes_.data() + at, view.data + i, sizeof(Scalar));
      order_bytes<Scalar>(bytes_.data() + at);
    }
  }
  template <class State>
  void get_values(State& state) {
    const auto view = dense_view(state);
    using Scalar = ScalarOf<State>;
    for (std::size_t i = 0; i < view.size(); ++i) {
      order_bytes<Scalar>(bytes_.data() + read_);
      std::memcpy(view.data + i, bytes_.data() + read_, sizeof(Scalar));
      read_ += sizeof(Scalar);
    }
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
