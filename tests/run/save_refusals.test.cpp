// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Bytes that are no saved run, or not that of this plan and state, and the sentence that each
/// gets.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/run/save.hpp"
#include "support/catch.hpp"
#include "support/refusals.hpp"
#include "support/test_network.hpp"

namespace save_refusals_test {

using namespace dpm_test;

namespace {

using State = std::vector<double>;
using Options = dpm::RunOptions<State>;
using Stepper = dpm::Stepper<State>;
using Shared = std::shared_ptr<const dpm::Plan>;
using Bytes = std::vector<std::byte>;

const dpm::AnySchedule schedule = dpm::VpLinear();

template <class Method>
Shared plan_of(const Method& method) {
  return std::make_shared<const dpm::Plan>(
      make_plan(method, make_grid(dpm::UniformLambda{}, schedule, 6)));
}
/// The bytes of a saved run with one of the twelve numbers at their beginning replaced, and a
/// checksum that fits.
Bytes forged(Bytes bytes, std::size_t at, std::uint64_t number) {
  const auto put = [&bytes](std::size_t place, std::uint64_t value) {
    for (std::size_t k = 0; k < 8; ++k) bytes[place + k] = std::byte(value >> (8 * k) & 0xFF);
  };
  put(8 * at, number);
  put(bytes.size() - 8, dpm::detail::checksum({bytes.data(), bytes.size() - 8}));
  return bytes;
}

}  // namespace

TEST_CASE("a run refuses bytes that are no run of its plan and state") {
  const Shared plan = plan_of(dpm::Ddpm{});
  const Shared other = plan_of(dpm::Ddpm{.variance = dpm::Ddpm::Variance::beta});
  const Options options{.noise = draws};
  Stepper run(plan, test_start(), options);
  answer(run, 3);
  const Bytes bytes = save(run);
  const auto cut_to = [&](std::size_t size) {
    return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  };
  Bytes altered = bytes;
  altered[bytes.size() / 2] ^= std::byte{1};
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  Bytes more_registers = bytes;
  more_registers.resize(bytes.size() + 64);
  const auto loads = [&](const Bytes& from) {
    return [=](State&) { (void)dpm::load(from, plan, State(8), options); };
  };
  const auto foreign = [](std::size_t size) {
    return "load: the " + std::to_string(size) +
           " bytes do not begin as a saved run does; they must be what save has returned";
  };
  const auto damaged = [](std::size_t size) {
    return "load: the " + std::to_string(size) +
           " bytes are damaged or cut short: their checksum is wrong";
  };
  const auto outside = [](const std::string& stands, const std::string& instructions) {
    return "load: the saved run has finished " + stands + " model calls; its plan has 6 steps, " +
           instructions + " instructions there and 6 model calls";
  };
  const auto hash = [](const Shared& of) { return std::to_string(dpm::detail::plan_hash(*of)); };
  // The sample has words 12 to 19.
  const auto nan = std::bit_cast<std::uint64_t>(not_a_number);
  const auto minus_infinity = std::bit_cast<std::uint64_t>(-infinity);
  const std::string bad_values = " of the saved run, after 2 steps, holds a NaN or an infinity";
  std::vector<Bad> table{
      {"no bytes", loads({}), foreign(0)},
      {"seven bytes", loads(cut_to(7)), foreign(7)},
      {"the run of another version", loads(forged(bytes, 0, 0x3130'6e75'726d'7064)),
       "load: the saved run is of version 01; it must be of version 05"},
      {"other bytes", loads(forged(bytes, 0, 0x3330'6e75'726d'7065)), foreign(bytes.size())},
      {"the first number alone", loads(cut_to(8)), damaged(8)},
      {"cut in the header", loads(cut_to(40)), damaged(40)},
      {"the header alone", loads(cut_to(104)), damaged(104)},
      {"cut in the values", loads(cut_to(bytes.size() - 64)), damaged(bytes.size() - 64)},
      {"one byte too few", loads(cut_to(bytes.size() - 1)), damaged(bytes.size() - 1)},
      {"one byte too many", loads(longer), damaged(longer.size())},
      {"one bit altered", loads(altered), damaged(bytes.size())},
      {"another scalar type",
       [&](State&) {
         const dpm::RunOptions<std::vector<float>> of_float{.noise = dpm::NormalNoise{}};
         (void)dpm::load(bytes, plan, std::vector<float>(8), of_float);
       },
       "load: the saved run has values of 64 bits, of which 53 are significant, and the state "
       "given "
       "of 32 with 24; they must be of one type"},
      {"another plan", [&](State&) { (void)dpm::load(bytes, other, State(8), options); },
       "load: the saved run is of a plan with hash " + hash(plan) +
           " and the plan given has hash " + hash(other) + "; they must be the same"},
      {"another size", [&](State&) { (void)dpm::load(bytes, plan, State(4), options); },
       "load: the saved run is of 8 x 1 values; the state given has 4 x 1"},
      {"as many values of another shape", loads(forged(forged(bytes, 3, 4), 4, 2)),
       "load: the saved run is of 4 x 2 values; the state given has 8 x 1"},
      {"more registers", loads(forged(more_registers, 3, 8)),
       "load: the saved run has 360 bytes; a run of its plan has 296"},
      {"a step after the end", loads(forged(bytes, 5, 7)),
       outside("7 steps, 1 instructions of the next and 2", "0")},
      {"an instruction after the end", loads(forged(bytes, 5, 6)),
       outside("6 steps, 1 instructions of the next and 2", "0")},
      {"an instruction that the step has not", loads(forged(bytes, 6, 99)),
       outside("2 steps, 99 instructions of the next and 2", "3")},
      {"more calls than the plan's", loads(forged(bytes, 7, 7)),
       outside("2 steps, 1 instructions of the next and 7", "3")},
      {"calls below 0", loads(forged(bytes, 7, ~std::uint64_t{0})),
       outside("2 steps, 1 instructions of the next and 18446744073709551615", "3")},
      {"a NaN in the sample", loads(forged(bytes, 12, nan)),
       "NonFinite: load: the sample" + bad_values},
      {"an infinity at its end", loads(forged(bytes, 19, minus_infinity)),
       "NonFinite: load: the sample" + bad_values},
      {"a NaN in what is kept besides", loads(forged(bytes, 35, nan)),
       "NonFinite: load: a register" + bad_values},
      {"no plan", [&](State&) { (void)dpm::load(bytes, Shared(), State(8), options); },
       "Stepper: the plan is a null pointer; it must point to a plan"},
      {"an empty state", [&](State&) { (void)dpm::load(bytes, plan, State(), options); },
       "load: shape is empty; it must have the shape of the run's sample"},
      {"no noise", [&](State&) { (void)dpm::load(bytes, plan, State(8)); },
       "Stepper: the plan draws noise 6 times; give the run a noise source, such as "
       "NormalNoise{seed}"}};
  const auto good = [&](State& x) {
    Stepper loaded = dpm::load(bytes, plan, State(8), options);
    answer(loaded);
    x = loaded.sample();
  };
  refuses(table, good);
  State loaded;
  good(loaded);
  answer(run);
  REQUIRE(run.sample() == loaded);
}

}  // namespace save_refusals_test
