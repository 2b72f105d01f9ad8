// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A run as bytes: save it here, load it in another process, and go on to the same samples.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/plan/hash.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/state/finite.hpp"

namespace dpm {
namespace detail {

/// The checksum of saved runs. It takes eight bytes at a time; each step is a bijection, so that
/// one damaged word is always noticed, and the rotation brings high bits down to where they count.
inline std::uint64_t checksum(std::span<const std::byte> bytes) {
  std::uint64_t sum = bytes.size();
  const auto add = [&sum](std::uint64_t word) {
    sum = std::rotl((sum ^ word) * 0x9e37'79b9'7f4a'7c15U, 29);
  };
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    for (std::size_t k = 0; k < 8; ++k) word |= std::uint64_t(bytes[i + k]) << (8 * k);
    add(word);
  }
  for (; i < bytes.size(); ++i) add(std::uint64_t(bytes[i]));
  return sum;
}

/// Reads and writes the parts of a stepper that its plan and its options do not hold.
class Snapshot {
 public:
  static constexpr std::uint64_t format = 0x3330'6e75'726d'7064;  // "dpmrun03"
  static constexpr std::size_t header = 64;                       // the numbers before the values

  template <class State>
  static std::vector<std::byte> save(const Stepper<State>& run) {
    const auto view = dense_view(run.sample());
    std::vector<std::byte> bytes(
        header + run.registers_.all().size() * view.size() * sizeof(*view.data) + 8);
    std::byte* to = bytes.data();
    // A call that was handed out and not yet answered is handed out again.
    const std::size_t next = run.instruction_ - (run.pending_ != nullptr ? 1 : 0);
    for (const std::uint64_t value :
         {format, scalar_code<State>(), PlanHash(*run.plan_).value(), std::uint64_t{view.elements},
          std::uint64_t{view.samples}, std::uint64_t{run.step_}, std::uint64_t{next},
          static_cast<std::uint64_t>(run.model_calls_)}) {
      put(value, to);
    }
    const State* const unfilled = to_be_filled(run, next);
    for (const State& buffer : run.registers_.all()) {
      const auto values = dense_view(buffer);
      if (&buffer == unfilled) {
        to = std::fill_n(to, view.size() * sizeof(*view.data), std::byte{});
        continue;
      }
      require(values.same_shape(view), "save: a correction has made a data prediction ",
              values.elements, " x ", values.samples, "; it must have the shape of the sample, ",
              view.elements, " x ", view.samples);
      for_each_value(values, [&](std::size_t at) { put(values.data[at], to); });
    }
    put(checksum({bytes.data(), bytes.size() - 8}), to);
    return bytes;
  }

  template <class State>
  static void load(Stepper<State>& run, std::span<const std::byte> bytes) {
    const auto view = dense_view(run.sample());
    const std::byte* from = bytes.data();
    const std::uint64_t magic = bytes.size() < 8 ? 0 : get<std::uint64_t>(from);
    require(magic << 16U == format << 16U, "load: the ", bytes.size(),
            " bytes do not begin as a saved run does; they must be what save has returned");
    require(magic == format, "load: the saved run is of version ", version(magic),
            "; it must be of version ", version(format));
    const bool whole = bytes.size() >= header + 8;
    const std::byte* end = bytes.data() + (whole ? bytes.size() - 8 : 0);
    require(whole && get<std::uint64_t>(end) == checksum(bytes.first(bytes.size() - 8)),
            "load: the ", bytes.size(), " bytes are damaged or cut short: their checksum is wrong");
    const auto scalar = get<std::uint64_t>(from);
    constexpr std::uint64_t own_scalar = scalar_code<State>();
    require(scalar == own_scalar, "load: the saved run has values of ", 8 * (scalar & 0xFFU),
            " bits, of which ", scalar >> 8U & 0xFFU, " are significant, and the state given of ",
            8 * (own_scalar & 0xFFU), " with ", own_scalar >> 8U & 0xFFU,
            "; they must be of one type");
    const auto hash = get<std::uint64_t>(from);
    const std::uint64_t own_hash = PlanHash(*run.plan_).value();
    require(hash == own_hash, "load: the saved run is of a plan with hash ", hash,
            " and the plan given has hash ", own_hash, "; they must be the same");
    const auto elements = get<std::uint64_t>(from);
    const auto samples = get<std::uint64_t>(from);
    require(elements == view.elements && samples == view.samples, "load: the saved run is of ",
            elements, " x ", samples, " values; the state given has ", view.elements, " x ",
            view.samples);
    const std::size_t size =
        header + run.registers_.all().size() * view.size() * sizeof(*view.data) + 8;
    require(bytes.size() == size, "load: the saved run has ", bytes.size(),
            " bytes; a run of its plan has ", size);
    const auto step = get<std::uint64_t>(from);
    const auto instruction = get<std::uint64_t>(from);
    const auto calls = get<std::uint64_t>(from);
    const std::size_t steps = run.plan_->steps.size();
    const std::size_t last = step < steps ? run.plan_->steps[step].instructions.size() : 0;
    require(step <= steps && instruction <= last &&
                calls <= static_cast<std::uint64_t>(run.calls_in_all_),
            "load: the saved run has finished ", step, " steps, ", instruction,
            " instructions of the next and ", calls, " model calls; its plan has ", steps,
            " steps, ", last, " instructions there and ", run.calls_in_all_, " model calls");
    run.step_ = step;
    run.instruction_ = instruction;
    run.model_calls_ = static_cast<int>(calls);
    for (State& buffer : run.registers_.all()) {
      const auto values = dense_view(buffer);
      for_each_value(values, [&](std::size_t at) {
        values.data[at] = get<std::remove_pointer_t<decltype(values.data)>>(from);
      });
      if (run.options_.check_finite && !all_finite(buffer)) {
        fail<NonFinite>(sentence("load: ", &buffer == &run.sample() ? "the sample" : "a register",
                                 " of the saved run, after ", step,
                                 " steps, holds a NaN or an infinity"));
      }
    }
  }

 private:
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

  /// The two last characters of the format's eight.
  static std::string version(std::uint64_t number) {
    return {static_cast<char>(number >> 48U & 0xFFU), static_cast<char>(number >> 56U)};
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

  /// Numbers are stored with their low byte first, whatever the machine.
  template <class Number>
  static void order_bytes(std::byte* bytes) {
    if constexpr (std::endian::native == std::endian::big) {
      std::reverse(bytes, bytes + sizeof(Number));
    }
  }
  template <class Number>
  static void put(Number number, std::byte*& to) {
    std::memcpy(to, &number, sizeof number);
    order_bytes<Number>(to);
    to += sizeof number;
  }
  template <class Number>
  static Number get(const std::byte*& from) {
    std::array<std::byte, sizeof(Number)> bytes;
    std::copy_n(from, bytes.size(), bytes.begin());
    order_bytes<Number>(bytes.data());
    from += bytes.size();
    Number number;
    std::memcpy(&number, bytes.data(), bytes.size());
    return number;
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
