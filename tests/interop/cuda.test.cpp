// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs on the memory of a device, which is the host here: the bits of runs on the CPU, and what a
/// step asks of the device.
#include "dpm/interop/cuda.hpp"

#include <Eigen/Core>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"
#include "support/host_device.hpp"

namespace cuda_test {

namespace {

using Catch::Matchers::Message;
using dpm::CudaState;
using dpm::CudaType;
using dpm::CudaView;
using dpm_test::host_device;
using dpm_test::HostDevice;

template <class Scalar>
constexpr CudaType type_of = sizeof(Scalar) == 4                         ? CudaType::float32
                             : std::numeric_limits<Scalar>::digits == 11 ? CudaType::float16
                                                                         : CudaType::bfloat16;

// Streams that nothing looks into.
int streams[2];
const auto stream = reinterpret_cast<dpm::CudaStream>(&streams[0]);
const auto other_stream = reinterpret_cast<dpm::CudaStream>(&streams[1]);

template <class Scalar>
CudaView view(std::vector<Scalar>& x) {
  return {.data = x.data(), .size = x.size(), .type = type_of<Scalar>, .stream = stream};
}

/// The network, on the CPU's state and on the device's.
template <class Scalar>
struct Network {
  static void fill(std::size_t size, const Scalar* x, double timestep, Scalar* out) {
    for (std::size_t k = 0; k < size; ++k) {
      const auto value = static_cast<float>(x[k]);
      out[k] = static_cast<Scalar>(value / (1.0F + value * value) +
                                   1e-4F * static_cast<float>(timestep));
    }
  }
  void operator()(const std::vector<Scalar>& x, double timestep, std::vector<Scalar>& out) const {
    fill(x.size(), x.data(), timestep, out.data());
  }
  void operator()(const CudaState& x, double timestep, CudaState& out) const {
    fill(x.size(), static_cast<const Scalar*>(x.data()), timestep,
         static_cast<Scalar*>(out.data()));
  }
};

template <class Scalar>
std::vector<Scalar> start(std::size_t size) {
  std::vector<Scalar> x(size);
  for (std::size_t k = 0; k < size; ++k) {
    x[k] = static_cast<Scalar>(static_cast<float>(1.4 * std::sin(1.0 + 1.3 * double(k))));
  }
  return x;
}

/// Runs the plan on both and compares the bits.
template <class Scalar>
void require_same_run(const dpm::Plan& plan, std::size_t samples, std::size_t elements) {
  std::vector<Scalar> cpu = start<Scalar>(samples * elements);
  std::vector<Scalar> device = cpu;
  CudaView x = view(device);
  dpm::RunOptions<std::vector<Scalar>> options;
  options.noise = dpm::NormalNoise{.seed = 5, .elements_per_sample = elements};
  dpm::sample(plan, Network<Scalar>{}, cpu, options);
  dpm::sample(plan, Network<Scalar>{}, x,
              {.noise = dpm::CudaNoise{.seed = 5, .elements_per_sample = elements}});
  REQUIRE(std::memcmp(cpu.data(), device.data(), cpu.size() * sizeof(Scalar)) == 0);
}

/// What a run on the device asks for between its first call and its last.
HostDevice asked_by_steps(const dpm::Plan& plan) {
  std::vector<float> values = start<float>(37);
  dpm::Stepper run(
      plan, view(values),
      dpm::RunOptions<CudaState>{.noise = dpm::CudaNoise{.seed = 5}, .check_finite = false});
  host_device = {};
  while (auto call = run.next()) Network<float>{}(call->input, call->level.timestep, call->output);
  return host_device;
}

int combinations_and_draws(const dpm::Plan& plan) {
  int count = 0;
  for (const dpm::Step& step : plan.steps) {
    for (const dpm::Instruction& instruction : step.instructions) {
      if (!std::holds_alternative<dpm::Evaluate>(instruction)) ++count;
    }
  }
  return count;
}

const dpm::AnySchedule schedule = dpm::DiscreteSchedule<double>(dpm::linear_betas(1000));

dpm::Plan plan_of(const dpm_test::NamedMethod& method, int steps) {
  const dpm::Grid grid = method.grid(schedule, schedule.last_time(), schedule.first_time(), steps);
  return method(grid, dpm::Prediction::noise);
}

}  // namespace

TEST_CASE("a run on a device ends in the bits of the run on the CPU for every method") {
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    CAPTURE(method.name);
    const dpm::Plan plan = plan_of(method, 6);
    require_same_run<float>(plan, 3, 19);
    require_same_run<float>(plan, 1, 1);
  }
}

TEST_CASE("a run of a half type on a device ends in the bits of the run on the CPU") {
  for (const dpm::Plan& plan :
       {dpm::make_plan(schedule, 10), dpm::make_plan(dpm::UniPc{.order = 3}, schedule, 10),
        dpm::make_plan(dpm::Ddpm{}, schedule, 10)}) {
    require_same_run<Eigen::half>(plan, 2, 21);
    require_same_run<Eigen::bfloat16>(plan, 2, 21);
  }
}

TEST_CASE("a step on a device is launches alone, one for each combination and each draw") {
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    CAPTURE(method.name);
    const dpm::Plan plan = plan_of(method, 6);
    const HostDevice asked = asked_by_steps(plan);
    REQUIRE(asked.launches == combinations_and_draws(plan));
    REQUIRE(asked.copies == 0);
    REQUIRE(asked.waits == 0);
    REQUIRE(asked.allocations == 0);
    REQUIRE(asked.releases == 0);
    REQUIRE(asked.last_stream == stream);
  }
}

TEST_CASE("a run on a device waits once, at its end, to look for NaN") {
  std::vector<float> values = start<float>(8);
  CudaView x = view(values);
  host_device = {};
  dpm::sample(schedule, 10, Network<float>{}, x);
  REQUIRE(host_device.waits == 1);
  host_device = {};
  dpm::sample(dpm::make_plan(schedule, 10), Network<float>{}, x, {.check_finite = false});
  REQUIRE(host_device.waits == 0);

  const std::vector<float> before = values;
  const auto broken = [](const CudaState& /*x*/, double /*timestep*/, CudaState& out) {
    static_cast<float*>(out.data())[7] = std::numeric_limits<float>::quiet_NaN();
  };
  REQUIRE_THROWS_AS(dpm::sample(schedule, 10, broken, x), dpm::NonFinite);
  REQUIRE(values == before);
  REQUIRE(host_device.allocations - host_device.releases == 0);
}

TEST_CASE("a seed in the device's memory changes the noise of a run that was made before") {
  const dpm::Plan plan = dpm::make_plan(dpm::Ddpm{}, schedule, 5);
  std::uint64_t seed = 3;
  const auto run_with = [&](dpm::CudaNoise noise) {
    std::vector<float> values = start<float>(8);
    CudaView x = view(values);
    dpm::sample(plan, Network<float>{}, x, {.noise = noise});
    return values;
  };
  const dpm::CudaNoise there{.seed = 99, .seed_on_device = &seed};
  REQUIRE(run_with(there) == run_with({.seed = 3}));
  seed = 4;
  REQUIRE(run_with(there) == run_with({.seed = 4}));
  REQUIRE(run_with({.seed = 3}) != run_with({.seed = 4}));
}

TEST_CASE("noise for the start on a device is that of NormalNoise, also in a state") {
  std::vector<float> cpu(30);
  dpm::NormalNoise{.seed = 8, .elements_per_sample = 15}.fill(cpu);
  std::vector<float> device(30);
  const dpm::CudaNoise noise{.seed = 8, .elements_per_sample = 15};
  noise.fill(view(device));
  REQUIRE(device == cpu);
  std::vector<float> empty(30);
  CudaState state(view(empty));
  noise.fill(state);
  REQUIRE(std::memcmp(state.data(), cpu.data(), state.bytes()) == 0);
}

TEST_CASE("copies of a state on a device are values of their own") {
  std::vector<float> values{1.0F, 2.0F, 3.0F};
  CudaState state(view(values));
  CudaState copy = state;
  static_cast<float*>(copy.data())[0] = 7.0F;
  const auto first = [](const CudaState& x) { return static_cast<const float*>(x.data())[0]; };
  REQUIRE(first(state) == 1.0F);
  REQUIRE(copy.stream() == stream);
  state = copy;
  REQUIRE(first(state) == 7.0F);
  REQUIRE(values[0] == 1.0F);
  const CudaState moved = std::move(copy);
  REQUIRE(first(moved) == 7.0F);
  copy = moved;  // one that was moved from holds values again
  REQUIRE(first(copy) == 7.0F);
  CudaView back = view(values);
  back = copy;
  REQUIRE(values[0] == 7.0F);
}

TEST_CASE("a run on a device takes its memory from the user's allocator and gives all of it back") {
  struct Counts {
    int taken = 0;
    int given_back = 0;
    bool empty = false;
  } counts;
  dpm::CudaAllocator allocator{
      .allocate = [](void* context, std::size_t bytes, dpm::CudaStream in) -> void* {
        auto& all = *static_cast<Counts*>(context);
        if (all.empty || in != stream) return nullptr;
        ++all.taken;
        return std::malloc(bytes);
      },
      .release =
          [](void* context, void* memory, dpm::CudaStream /*in*/) {
            ++static_cast<Counts*>(context)->given_back;
            std::free(memory);
          },
      .context = &counts};
  std::vector<float> values = start<float>(8);
  CudaView x = view(values);
  x.allocator = &allocator;
  host_device = {};
  dpm::sample(schedule, 10, Network<float>{}, x);
  REQUIRE(host_device.allocations == 0);
  REQUIRE(counts.taken > 3);
  REQUIRE(counts.given_back == counts.taken);
  counts.empty = true;
  const std::vector<float> before = values;
  REQUIRE_THROWS_MATCHES(dpm::sample(schedule, 10, Network<float>{}, x), std::runtime_error,
                         Message("CUDA: the allocator has failed: it returned null"));
  REQUIRE(values == before);
  allocator.release = nullptr;
  REQUIRE_THROWS_MATCHES(
      CudaState(x), dpm::InvalidArgument,
      Message("CudaState: the allocator lacks a function; give both allocate and release"));
}

TEST_CASE("a failure of CUDA is passed on with what was tried") {
  std::vector<float> values = start<float>(8);
  CudaState state(view(values));
  dpm::Stepper run(dpm::make_plan(schedule, 3), view(values));
  CudaView back = view(values);
  host_device = {};
  host_device.failure = "out of memory";
  const auto refused = [](const auto& function, const char* what) {
    REQUIRE_THROWS_MATCHES(function(), std::runtime_error,
                           Message(std::string("CUDA: ") + what + " has failed: out of memory"));
  };
  refused([&] { CudaState another(view(values)); }, "cudaMallocAsync");
  refused([&] { back = state; }, "a copy on the device");
  refused([&] { dpm::CudaNoise{}.fill(state); }, "the launch of a draw");
  refused(
      [&] {
        while (run.next()) {
        }
      },
      "the launch of a sum");
  host_device.failure = nullptr;
  REQUIRE(dpm::all_finite(state));
}

TEST_CASE("bad views and states that do not fit are refused with a sentence") {
  std::vector<float> values = start<float>(8);
  const auto refused = [](const auto& function, const std::string& sentence) {
    REQUIRE_THROWS_MATCHES(function(), dpm::InvalidArgument, Message(sentence));
  };
  refused([] { CudaState x(CudaView{}); },
          "CudaState: the view has no memory; give data and size, at least one value");
  refused([&] { CudaState x(CudaView{.data = values.data()}); },
          "CudaState: the view has 0 values; give data and size, at least one value");
  refused([&] { CudaState x(CudaView{.data = values.data(), .size = 1, .type = CudaType(9)}); },
          "CudaState: type = 9; it must be float32, float16 or bfloat16");
  auto* const odd = reinterpret_cast<char*>(values.data()) + 2;
  refused([&] { CudaState x(CudaView{.data = odd, .size = 2}); },
          "CudaState: data is not aligned to the 4 bytes of a value of type float32; it must be");

  CudaState state(view(values));
  const auto require_unchanged = [&] {
    REQUIRE(std::memcmp(state.data(), values.data(), state.bytes()) == 0);
  };
  std::vector<float> five = start<float>(5);
  refused(
      [&] { state = view(five); },
      "CudaState: the values are 5 of type float32; they must be like those of the target, 8 of "
      "type float32 in its stream");
  std::vector<Eigen::half> halves = start<Eigen::half>(8);
  refused(
      [&] { state = view(halves); },
      "CudaState: the values are 8 of type float16; they must be like those of the target, 8 of "
      "type float32 in its stream");
  CudaView elsewhere = view(values);
  elsewhere.stream = other_stream;
  refused(
      [&] { elsewhere = state; },
      "CudaView: the values are 8 of type float32 in another stream; they must be like those of "
      "the target, 8 of type float32 in its stream");
  require_unchanged();
  const CudaState short_one(view(five));
  const double one = 1.0;
  CudaState* const to[] = {&state};
  const CudaState* const from[] = {&short_one};
  refused([&] { combine(dpm::Weights(&one, 1), std::span(to), std::span(from)); },
          "combine: the values are 5 of type float32; they must be like those of the target, 8 of "
          "type float32 in its stream");
  require_unchanged();
  refused(
      [&] { dpm::CudaNoise{.elements_per_sample = 3}.fill(state); },
      "CudaNoise: elements_per_sample = 3 for a batch of 8 values; it must divide them, or be 0");
  require_unchanged();
  const CudaState moved = std::move(state);
  refused([&] { static_cast<void>(dpm::all_finite(state)); },
          "all_finite: the view has no memory; give data and size, at least one value");
}

}  // namespace cuda_test
