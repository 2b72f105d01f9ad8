// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The bytes of a saved run: what stands before its values and after them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "dpm/plan/plan.hpp"
#include "dpm/separate.hpp"

namespace dpm::detail {

/// What a saved run says of itself before its values.
struct SavedRun {
  static constexpr std::size_t header = 64;  // bytes before the values
  static constexpr std::size_t trailer = 8;  // the checksum behind them

  std::uint64_t scalar = 0;  ///< the type of its values, see `Snapshot::scalar_code`
  std::uint64_t plan_hash = 0;
  std::uint64_t elements = 0;
  std::uint64_t samples = 0;
  std::uint64_t step = 0;
  std::uint64_t instruction = 0;
  std::uint64_t model_calls = 0;
};

/// The checksum of saved runs. It takes eight bytes at a time; each step is a bijection, so that
/// one damaged word is always noticed, and the rotation brings high bits down to where they count.
std::uint64_t checksum(std::span<const std::byte> bytes);

/// The bytes of a run with the header written, and room for `size` bytes of values.
std::vector<std::byte> begin_saved_run(const SavedRun& run, std::size_t size);

/// Writes the checksum when all values are there.
void seal_saved_run(std::vector<std::byte>& bytes);

/// The header of `bytes`. Refuses what is not a whole saved run of `plan`, whose hash, scalar and
/// shape are those of `expected`, with `size` bytes of values.
SavedRun open_saved_run(std::span<const std::byte> bytes, const SavedRun& expected,
                        std::size_t size, const Plan& plan);

/// Numbers are stored with their low byte first, whatever the machine.
template <class Number>
void order_bytes(std::byte* bytes) {
  if constexpr (std::endian::native == std::endian::big) {
    std::reverse(bytes, bytes + sizeof(Number));
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

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <string>

#  include "dpm/error.hpp"

namespace dpm::detail {

inline constexpr std::uint64_t saved_run_format = 0x3430'6e75'726d'7064;  // "dpmrun04"

DPM_INLINE std::uint64_t checksum(std::span<const std::byte> bytes) {
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

/// The two last characters of the format's eight.
inline std::string format_version(std::uint64_t number) {
  return {static_cast<char>(number >> 48U & 0xFFU), static_cast<char>(number >> 56U)};
}

DPM_INLINE std::vector<std::byte> begin_saved_run(const SavedRun& run, std::size_t size) {
  std::vector<std::byte> bytes(SavedRun::header + size + SavedRun::trailer);
  std::byte* to = bytes.data();
  for (const std::uint64_t value : {saved_run_format, run.scalar, run.plan_hash, run.elements,
                                    run.samples, run.step, run.instruction, run.model_calls}) {
    put_number(value, to);
  }
  return bytes;
}

DPM_INLINE void seal_saved_run(std::vector<std::byte>& bytes) {
  const std::size_t sealed = bytes.size() - SavedRun::trailer;
  std::byte* end = bytes.data() + sealed;
  put_number(checksum({bytes.data(), sealed}), end);
}

DPM_INLINE SavedRun open_saved_run(std::span<const std::byte> bytes, const SavedRun& expected,
                                   std::size_t size, const Plan& plan) {
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
  SavedRun run;
  for (std::uint64_t* const number : {&run.scalar, &run.plan_hash, &run.elements, &run.samples,
                                      &run.step, &run.instruction, &run.model_calls}) {
    *number = get_number<std::uint64_t>(from);
  }
  require(run.scalar == expected.scalar, "load: the saved run has values of ",
          8 * (run.scalar & 0xFFU), " bits, of which ", run.scalar >> 8U & 0xFFU,
          " are significant, and the state given of ", 8 * (expected.scalar & 0xFFU), " with ",
          expected.scalar >> 8U & 0xFFU, "; they must be of one type");
  require(run.plan_hash == expected.plan_hash, "load: the saved run is of a plan with hash ",
          run.plan_hash, " and the plan given has hash ", expected.plan_hash,
          "; they must be the same");
  require(run.elements == expected.elements && run.samples == expected.samples,
          "load: the saved run is of ", run.elements, " x ", run.samples,
          " values; the state given has ", expected.elements, " x ", expected.samples);
  require(sealed == SavedRun::header + size, "load: the saved run has ", bytes.size(),
          " bytes; a run of its plan has ", SavedRun::header + size + SavedRun::trailer);
  const std::size_t steps = plan.steps.size();
  const std::size_t last = run.step < steps ? plan.steps[run.step].instructions.size() : 0;
  const auto model_calls = static_cast<std::uint64_t>(plan.model_calls());
  require(run.step <= steps && run.instruction <= last && run.model_calls <= model_calls,
          "load: the saved run has finished ", run.step, " steps, ", run.instruction,
          " instructions of the next and ", run.model_calls, " model calls; its plan has ", steps,
          " steps, ", last, " instructions there and ", model_calls, " model calls");
  return run;
}

}  // namespace dpm::detail

#endif
