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
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/math/hash.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/hash.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/run/adaptive.hpp"
#include "dpm/run/registers.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/separate.hpp"
#include "dpm/state/check_values.hpp"
#include "dpm/state/dense.hpp"

namespace dpm {
namespace detail {

/// What a saved run says of itself before its values.
struct SavedRun {
  static constexpr std::size_t header = 96;  // bytes before the numbers and the values
  static constexpr std::size_t trailer = 8;  // the checksum behind them

  std::uint64_t scalar = 0;  ///< the type of its values, see `scalar_code`
  std::uint64_t plan_hash = 0;
  std::uint64_t elements = 0;
  std::uint64_t samples = 0;
  RunPlace place;
};

/// The bytes of a run with the header and the numbers of an adaptive run written, and room for
/// `size` bytes of values.
std::vector<std::byte> begin_saved_run(const SavedRun& run, std::span<const double> numbers,
                                       std::size_t size);

/// The checksum of saved runs.
std::uint64_t checksum(std::span<const std::byte> bytes);

/// Writes the checksum when all values are there.
void seal_saved_run(std::vector<std::byte>& bytes);

/// The numbers of an adaptive run in `bytes`. Refuses what is not a whole saved one.
std::vector<double> saved_numbers(std::span<const std::byte> bytes);

/// The header of `bytes`. Refuses what is not a whole saved run of `plan`, whose hash, scalar and
/// shape are those of `expected`, with `numbers` numbers and `size` bytes of values.
SavedRun open_saved_run(std::span<const std::byte> bytes, const SavedRun& expected,
                        std::size_t numbers, std::size_t size, const Plan& plan);

/// Numbers are stored with their low byte first, whatever the machine.
template <class Number>
void order_bytes(std::byte* bytes) {
  if constexpr (std::endian::native == std::endian::big) {
    for (std::size_t i = 0; i < sizeof(Number) / 2; ++i) {
      const std::byte low = bytes[i];
      bytes[i] = bytes[sizeof(Number) - 1 - i];
      bytes[sizeof(Number) - 1 - i] = low;
    }
  }
}
template <class Number>
void put_number(Number number, std::byte*& to) {
  std::memcpy(to, &number, sizeof number);
  order_bytes<Number>(to);
  to += sizeof number;
}
template <class Number>
Number get_number(const std::byte*& from) {
  std::byte bytes[sizeof(Number)];
  std::memcpy(bytes, from, sizeof bytes);
  order_bytes<Number>(bytes);
  from += sizeof bytes;
  Number number;
  std::memcpy(&number, bytes, sizeof bytes);
  return number;
}

template <class State>
constexpr std::uint64_t scalar_code() {
  using Scalar = std::remove_cvref_t<decltype(*dense_view(std::declval<const State&>()).data)>;
  using Limits = std::numeric_limits<Scalar>;
  return sizeof(Scalar) + (static_cast<std::uint64_t>(Limits::digits) << 8U) +
         (static_cast<std::uint64_t>(Limits::max_exponent) << 16U);
}

/// What all saved runs of this plan and state begin with.
template <class State>
SavedRun describe_run(const Plan& plan, const State& sample) {
  const Shape shape = shape_of(sample);
  return {.scalar = scalar_code<State>(),
          .plan_hash = plan_hash(plan),
          .elements = shape.elements,
          .samples = shape.samples,
          .place = {}};
}

template <class State>
std::size_t bytes_of_values(const Plan& plan, const State& sample) {
  std::size_t states = 0;
  for (const std::size_t count : PlanNeeds(plan).registers) states += count;
  return states * dense_view(sample).size() * sizeof(ScalarOf<State>);
}

/// Values go sample by sample, whatever the order in which a state stores them.
template <class View, class Visit>
void for_each_value(const View& view, const Visit& visit) {
  for (std::size_t s = 0; s < view.samples; ++s) {
    for (std::size_t e = 0; e < view.elements; ++e) {
      visit(view.data[s * view.sample_stride + e * view.element_stride]);
    }
  }
}

/// Whether the instruction at which a run stands fills the register anew, whatever it holds.
bool is_to_be_filled(const Plan& plan, const RunPlace& place, Register r);

template <class State>
std::vector<std::byte> save_run(const Stepper<State>& run, std::span<const double> numbers) {
  SavedRun saved = describe_run(run.plan(), run.sample());
  saved.place = run.place();
  std::vector<std::byte> bytes =
      begin_saved_run(saved, numbers, bytes_of_values(run.plan(), run.sample()));
  std::byte* to = bytes.data() + SavedRun::header + 8 * numbers.size();
  const auto sample = dense_view(run.sample());
  for_each_register(PlanNeeds(run.plan()).registers, [&](Register r) {
    const auto values = dense_view(run.value(r));
    if (is_to_be_filled(run.plan(), saved.place, r)) {
      to = std::fill_n(to, sample.size() * sizeof(*sample.data), std::byte{});
      return;
    }
    require_shape(shape_of(values), "the sample", shape_of(sample),
                  "save: a correction has made a data prediction that");
    for_each_value(values, [&](const auto& value) { put_number(value, to); });
  });
  seal_saved_run(bytes);
  return bytes;
}

template <class State>
Stepper<State> load_run(std::span<const std::byte> bytes, std::size_t numbers,
                        std::shared_ptr<const Plan> plan, State shape, RunOptions<State> options) {
  const auto view = dense_view(shape);
  require(view.size() > 0, "load: shape is empty; it must have the shape of the run's sample");
  std::fill_n(view.data, view.size(), ScalarOf<State>{});
  require(plan != nullptr, "Stepper: the plan is a null pointer; it must point to a plan");
  check(*plan);
  const SavedRun saved = open_saved_run(bytes, describe_run(*plan, shape), numbers,
                                        bytes_of_values(*plan, shape), *plan);
  const std::byte* from = bytes.data() + SavedRun::header + 8 * numbers;
  const bool check_finite = options.check_finite;
  const auto fill = [&](Register r, State& state) {
    for_each_value(dense_view(state), [&from](auto& value) {
      value = get_number<std::remove_reference_t<decltype(value)>>(from);
    });
    if (!check_finite) return;
    require_finite(state, "load: ", r == sample_register ? "the sample" : "a register",
                   " of the saved run, after ", saved.place.steps_before + saved.place.step,
                   " steps,");
  };
  return Stepper<State>(std::move(plan), std::move(shape), std::move(options), saved.place, fill);
}

}  // namespace detail

/// A run as it stands, as bytes: the values of its registers and its place in the plan, versioned
/// and with a checksum. Not the plan (see `dpm/interop/plan_json.hpp`), nor the options. Refuses a
/// run in which a correction has changed the shape of a data prediction.
template <DenseState State>
[[nodiscard]] std::vector<std::byte> save(const Stepper<State>& run) {
  return detail::save_run(run, {});
}
/// The same of an adaptive run, with the steps that it has chosen so far.
template <DenseState State>
[[nodiscard]] std::vector<std::byte> save(const AdaptiveRun<State>& run) {
  return detail::save_run(run.stepper(), run.numbers());
}

/// The run that `save` made `bytes` of, ready to go on to samples that are bit-identical to those
/// it would have made. A model call that was open is handed out again. Of a run that was replanned
/// give the plan that it had last.
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
  return detail::load_run(bytes, 0, std::move(plan), std::move(shape), std::move(options));
}
template <DenseState State>
[[nodiscard]] Stepper<State> load(std::span<const std::byte> bytes, const Plan& plan, State shape,
                                  RunOptions<State> options = {}) {
  return load(bytes, std::make_shared<const Plan>(plan), std::move(shape), std::move(options));
}

/// The adaptive run that `save` made `bytes` of. `method`, `schedule` and `prediction` must be
/// those of that run, and there must be a correction exactly if it had one: its plan is made from
/// them again, and another plan is refused. But other tolerances (`tolerance`, `time_tolerance`,
/// `safety`, `pid`) and caps (`max_model_calls`, `at_cap`) hold from the present trial on: a run
/// that was refused at its cap goes on with a higher one, to the bits of a run that had it from the
/// start. `start` and `first_step` say nothing any more. Else as above.
template <DenseState State>
[[nodiscard]] AdaptiveRun<State> load_adaptive(std::span<const std::byte> bytes,
                                               const AdaptiveDpmSolver& method,
                                               const AnySchedule& schedule, State shape,
                                               std::optional<Prediction> prediction = std::nullopt,
                                               RunOptions<State> options = {}) {
  const std::vector<double> numbers = detail::saved_numbers(bytes);
  detail::AdaptiveSteps steps(method, schedule, prediction,
                              options.correction ? Correction::data : Correction::none);
  steps.restore(numbers);
  return {steps, detail::load_run(bytes, numbers.size(), steps.plan(), std::move(shape),
                                  std::move(options))};
}

}  // namespace dpm

#if DPM_DEFINE

#  include <string>

namespace dpm::detail {

inline constexpr std::uint64_t saved_run_format = 0x3530'6e75'726d'7064;  // "dpmrun05"

/// The two last characters of the format's eight.
inline std::string format_version(std::uint64_t number) {
  return {static_cast<char>(number >> 48U & 0xFFU), static_cast<char>(number >> 56U)};
}

DPM_INLINE std::vector<std::byte> begin_saved_run(const SavedRun& run,
                                                  std::span<const double> numbers,
                                                  std::size_t size) {
  std::vector<std::byte> bytes(SavedRun::header + 8 * numbers.size() + size + SavedRun::trailer);
  std::byte* to = bytes.data();
  const RunPlace& place = run.place;
  for (const std::uint64_t value :
       {saved_run_format, run.scalar, run.plan_hash, run.elements, run.samples,
        std::uint64_t{place.step}, std::uint64_t{place.instruction},
        static_cast<std::uint64_t>(place.model_calls),
        static_cast<std::uint64_t>(place.model_calls_before), std::uint64_t{place.steps_before},
        std::uint64_t{place.draws_before}, std::uint64_t{numbers.size()}}) {
    put_number(value, to);
  }
  for (const double number : numbers) put_number(number, to);
  return bytes;
}

DPM_INLINE std::uint64_t checksum(std::span<const std::byte> bytes) {
  Hash hash;
  hash.add(bytes);
  return hash.value();
}

DPM_INLINE bool is_to_be_filled(const Plan& plan, const RunPlace& place, Register r) {
  if (place.step == plan.steps.size()) return false;
  const std::vector<Instruction>& list = plan.steps[place.step].instructions;
  if (place.instruction == list.size()) return false;
  if (const auto* e = std::get_if<Evaluate>(&list[place.instruction]))
    return e->output == r || e->unconditional == r;
  if (const auto* d = std::get_if<Draw>(&list[place.instruction])) return d->target == r;
  return false;
}

DPM_INLINE void seal_saved_run(std::vector<std::byte>& bytes) {
  const std::size_t sealed = bytes.size() - SavedRun::trailer;
  std::byte* end = bytes.data() + sealed;
  put_number(checksum({bytes.data(), sealed}), end);
}

/// How many bytes stand before the checksum. Refuses what is not a whole saved run.
inline std::size_t check_sealed(std::span<const std::byte> bytes) {
  const std::byte* from = bytes.data();
  const std::uint64_t magic = bytes.size() < 8 ? 0 : get_number<std::uint64_t>(from);
  require(magic << 16U == saved_run_format << 16U, "load: the ", bytes.size(),
          " bytes do not begin as a saved run does; they must be what save has returned");
  require(magic == saved_run_format, "load: the saved run is of version ", format_version(magic),
          "; it must be of version ", format_version(saved_run_format));
  const bool whole = bytes.size() >= SavedRun::header + SavedRun::trailer;
  const std::size_t sealed = whole ? bytes.size() - SavedRun::trailer : 0;
  const std::byte* end = bytes.data() + sealed;
  require(whole && get_number<std::uint64_t>(end) == checksum(bytes.first(sealed)), "load: the ",
          bytes.size(), " bytes are damaged or cut short: their checksum is wrong");
  return sealed;
}

/// The count of numbers, which ends the header.
inline std::uint64_t count_numbers(std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data() + SavedRun::header - 8;
  return get_number<std::uint64_t>(at);
}

DPM_INLINE std::vector<double> saved_numbers(std::span<const std::byte> bytes) {
  const std::size_t sealed = check_sealed(bytes);
  const std::uint64_t count = count_numbers(bytes);
  require(count <= (sealed - SavedRun::header) / 8, "load: the saved run says that ", count,
          " numbers of an adaptive run are in its ", bytes.size(), " bytes");
  const std::byte* at = bytes.data() + SavedRun::header;
  require(count > 0, "load_adaptive: the saved run is not an adaptive one; load it with load");
  std::vector<double> numbers(static_cast<std::size_t>(count));
  for (double& number : numbers) number = get_number<double>(at);
  return numbers;
}

DPM_INLINE SavedRun open_saved_run(std::span<const std::byte> bytes, const SavedRun& expected,
                                   std::size_t numbers, std::size_t size, const Plan& plan) {
  const std::size_t sealed = check_sealed(bytes);
  const std::byte* from = bytes.data() + 8;
  const auto next = [&from] { return get_number<std::uint64_t>(from); };
  SavedRun run{next(), next(), next(), next(), {}};  // from left to right
  RunPlace& place = run.place;
  place.step = static_cast<std::size_t>(next());
  place.instruction = static_cast<std::size_t>(next());
  const std::uint64_t model_calls = next();
  const std::uint64_t model_calls_before = next();
  place.steps_before = static_cast<std::size_t>(next());
  place.draws_before = static_cast<std::uint32_t>(next());
  require(run.scalar == expected.scalar, "load: the saved run has values of ",
          8 * (run.scalar & 0xFFU), " bits, of which ", run.scalar >> 8U & 0xFFU,
          " are significant, and the state given of ", 8 * (expected.scalar & 0xFFU), " with ",
          expected.scalar >> 8U & 0xFFU, "; they must be of one type");
  require(count_numbers(bytes) == numbers,
          "load: the saved run is an adaptive one; load it with load_adaptive");
  require(run.plan_hash == expected.plan_hash, "load: the saved run is of a plan with hash ",
          run.plan_hash, " and the plan given has hash ", expected.plan_hash,
          "; they must be the same");
  require(run.elements == expected.elements && run.samples == expected.samples,
          "load: the saved run is of ", run.elements, " x ", run.samples,
          " values; the state given has ", expected.elements, " x ", expected.samples);
  require(sealed == SavedRun::header + 8 * numbers + size, "load: the saved run has ", bytes.size(),
          " bytes; a run of its plan has ",
          SavedRun::header + 8 * numbers + size + SavedRun::trailer);
  const std::size_t steps = plan.steps.size();
  const std::size_t last = place.step < steps ? plan.steps[place.step].instructions.size() : 0;
  const auto planned = static_cast<std::uint64_t>(plan.model_calls());
  constexpr std::uint64_t most = 1U << 30U;
  require(place.step <= steps && place.instruction <= last && model_calls_before <= most &&
              model_calls - model_calls_before <= planned,
          "load: the saved run has finished ", place.step, " steps, ", place.instruction,
          " instructions of the next and ", model_calls, " model calls; its plan has ", steps,
          " steps, ", last, " instructions there and ", planned, " model calls");
  place.model_calls = static_cast<int>(model_calls);
  place.model_calls_before = static_cast<int>(model_calls_before);
  return run;
}

}  // namespace dpm::detail

#endif
