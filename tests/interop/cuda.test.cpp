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
#include <functional>
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
#include "support/host_stream.hpp"

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

TEST_CASE(
    "a run of a half type on a device ends in the bits of the run on the CPU for every method") {
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    CAPTURE(method.name);
    const dpm::Plan plan = plan_of(method, 6);
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
  const std::size_t too_many = (std::size_t{1} << 60) + 1;
  refused([&] { CudaState x(CudaView{.data = values.data(), .size = too_many}); },
          "CudaState: the view has 1152921504606846977 values; it may have 2^60 at most");
  refused([&] { (void)CudaState::unfilled(view(values), too_many); },
          "CudaState: the view has 1152921504606846977 values; it may have 2^60 at most");
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

namespace {

/// Calls `body` with a value of each type.
template <class Body>
void for_each_type(const Body& body) {
  body(float{});
  body(Eigen::half{});
  body(Eigen::bfloat16{});
}

template <class Scalar>
bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0;
}

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
void broken(const CudaState& /*x*/, double /*timestep*/, CudaState& out) {
  static_cast<float*>(out.data())[0] = nan;
}

/// A token that has been told to stop once there were so many calls.
struct StopAfter {
  const int* calls;
  int most;
  [[nodiscard]] bool stop_requested() const { return *calls >= most; }
};

/// A function that has to refuse, and its sentence.
template <class Function>
void refuses(const Function& function, const std::string& sentence) {
  REQUIRE_THROWS_MATCHES(function(), dpm::InvalidArgument, Message(sentence));
}

}  // namespace

TEST_CASE("a run that is clipped on a device ends in the bits of the run on the CPU") {
  for_each_type([](auto scalar) {
    using Scalar = decltype(scalar);
    for (const std::size_t size : {1U, 4U, 19U}) {
      const dpm::Plan plan =
          dpm::make_plan(dpm::Ddim{}, schedule, 6, dpm::Prediction::noise, dpm::Correction::data);
      std::vector<Scalar> cpu = start<Scalar>(size);
      std::vector<Scalar> unclipped = cpu;
      std::vector<Scalar> device = cpu;
      CudaView x = view(device);
      CudaView other = view(unclipped);
      dpm::sample(plan, Network<Scalar>{}, cpu, {.correction = dpm::Clip(0.4)});
      host_device = {};
      dpm::sample(plan, Network<Scalar>{}, x,
                  {.correction = dpm::Clip(0.4), .check_finite = false});
      REQUIRE(host_device.waits == 0);
      dpm::sample(plan, Network<Scalar>{}, other, {.correction = dpm::Clip(100.0)});
      REQUIRE(same_bits(cpu, device));
      REQUIRE_FALSE(same_bits(cpu, unclipped));
    }
  });
}

TEST_CASE("a range that is 0 or infinite in the device's type is refused and clips nothing") {
  std::vector<Eigen::half> values{Eigen::half(2.0F), Eigen::half(-3.0F)};
  CudaState x(view(values));
  refuses([&] { dpm::clip(x, 1e6); },
          "Clip: range = 1e+06, which is inf in the type of the values; it must be positive and "
          "finite there");
  refuses([&] { dpm::clip(x, 1e-9); },
          "Clip: range = 1e-09, which is 0 in the type of the values; it must be positive and "
          "finite there");
  REQUIRE(std::memcmp(x.data(), values.data(), x.bytes()) == 0);
}

TEST_CASE("a start of deviation 80 is scaled and run on a device to the bits of the CPU") {
  const dpm::Plan plan = dpm::make_plan(dpm::Edm(), 9, dpm::Prediction::edm);
  for_each_type([&](auto scalar) {
    using Scalar = decltype(scalar);
    std::vector<Scalar> cpu = start<Scalar>(21);
    std::vector<Scalar> device = cpu;
    const double sigma = plan.start().sigma();
    REQUIRE_THAT(sigma, Catch::Matchers::WithinRel(80.0, 1e-12));
    for (Scalar& value : cpu)
      value = static_cast<Scalar>(static_cast<float>(sigma) * static_cast<float>(value));
    CudaState scaled(view(device));
    CudaState* const to[] = {&scaled};
    const CudaState* const from[] = {&scaled};
    combine(dpm::Weights(&sigma, 1), to, from);
    CudaView x = view(device);
    x = scaled;
    REQUIRE(same_bits(cpu, device));
    dpm::sample(plan, Network<Scalar>{}, cpu);
    dpm::sample(plan, Network<Scalar>{}, x);
    REQUIRE(same_bits(cpu, device));
  });
}

TEST_CASE("add_noise on a device has the bits of add_noise on the CPU and does not wait") {
  const dpm::Level level = schedule.level(0.6);
  for_each_type([&](auto scalar) {
    using Scalar = decltype(scalar);
    for (const std::size_t offset : {0U, 1U}) {
      std::vector<Scalar> cpu = start<Scalar>(22);
      std::vector<Scalar> device = cpu;
      std::span<Scalar> here(cpu.data() + offset, 21);
      CudaView there = view(device);
      there.data = device.data() + offset;
      there.size = 21;
      dpm::add_noise(here, level, dpm::NormalNoise{.seed = 4, .elements_per_sample = 7});
      host_device = {};
      dpm::add_noise(there, level, dpm::CudaNoise{.seed = 4, .elements_per_sample = 7});
      REQUIRE(same_bits(cpu, device));
      REQUIRE(host_device.waits == 0);
      REQUIRE(host_device.copies == 0);
      REQUIRE(host_device.allocations == host_device.releases);
    }
  });
  std::vector<float> values = start<float>(3);
  const std::vector<float> before = values;
  CudaState state(view(values));
  refuses([&] { dpm::add_noise(state, level, nullptr); },
          "add_noise: noise is empty; it must be a noise source");
  refuses([&] { dpm::add_noise(CudaView{}, level, dpm::CudaNoise{}); },
          "CudaState: the view has no memory; give data and size, at least one value");
  REQUIRE(std::memcmp(state.data(), before.data(), state.bytes()) == 0);
  dpm::add_noise(state, level, dpm::CudaNoise{.seed = 4});
  dpm::add_noise(values, level, dpm::NormalNoise{.seed = 4});
  REQUIRE(std::memcmp(state.data(), values.data(), state.bytes()) == 0);
}

TEST_CASE("guidance on a doubled batch of a device has the bits of the CPU's, by launches alone") {
  for_each_type([](auto scalar) {
    using Scalar = decltype(scalar);
    for (const std::size_t size : {1U, 3U, 8U, 21U}) {
      CAPTURE(size);
      // The halves differ by what follows them in memory, not by their own values.
      const auto fill = [](std::size_t count, const Scalar* x, double timestep, Scalar* out) {
        Network<Scalar>::fill(count, x, timestep, out);
        for (std::size_t k = count / 2; k < count; ++k)
          out[k] = static_cast<Scalar>(0.5F * static_cast<float>(out[k]));
      };
      const auto on_cpu = [&](const std::vector<Scalar>& x, double timestep,
                              std::vector<Scalar>& out) {
        fill(x.size(), x.data(), timestep, out.data());
      };
      const auto on_device = [&](const CudaState& x, double timestep, CudaState& out) {
        fill(x.size(), static_cast<const Scalar*>(x.data()), timestep,
             static_cast<Scalar*>(out.data()));
      };
      std::vector<Scalar> cpu = start<Scalar>(size);
      std::vector<Scalar> device = cpu;
      CudaView x = view(device);
      dpm::BatchedClassifierFreeGuidance here(on_cpu, 3.5);
      dpm::CudaClassifierFreeGuidance there(on_device, 3.5, x);
      const dpm::Plan plan = dpm::make_plan(schedule, 8);
      dpm::sample(plan, here, cpu);
      dpm::sample(plan, there, x);
      REQUIRE(same_bits(cpu, device));

      CudaState in(x);
      CudaState out = in;
      CudaState unconditional = in;
      std::vector<Scalar> cpu_out(size);
      std::vector<Scalar> cpu_unconditional(size);
      const dpm::Level level = schedule.level(0.5);
      host_device = {};
      there(in, level, out, unconditional);
      REQUIRE(host_device.launches == 3);
      REQUIRE(host_device.copies + host_device.waits + host_device.allocations == 0);
      here(cpu, level, cpu_out, cpu_unconditional);
      REQUIRE(std::memcmp(out.data(), cpu_out.data(), out.bytes()) == 0);
      REQUIRE(std::memcmp(unconditional.data(), cpu_unconditional.data(), out.bytes()) == 0);
    }
  });
}

TEST_CASE("guidance on a device refuses a batch that it was not made for") {
  std::vector<float> four = start<float>(4);
  std::vector<float> five = start<float>(5);
  dpm::CudaClassifierFreeGuidance guided(Network<float>{}, 2.0, view(four));
  CudaState x(view(five));
  CudaState out = x;
  const dpm::Level level = schedule.level(0.5);
  refuses([&] { guided(x, level, out); },
          "CudaClassifierFreeGuidance: the values are 5 of type float32; it was made for 4 of type "
          "float32 in one stream");
  REQUIRE(std::memcmp(out.data(), five.data(), out.bytes()) == 0);
  const std::function<void(const CudaState&, double, CudaState&)> none;
  REQUIRE_THROWS_AS(dpm::CudaClassifierFreeGuidance(none, 2.0, view(four)), dpm::InvalidArgument);
}

TEST_CASE("guidance of two models on a device has the bits of the CPU's") {
  for_each_type([](auto scalar) {
    using Scalar = decltype(scalar);
    const auto half = [](Scalar* values, std::size_t size) {
      for (std::size_t k = 0; k < size; ++k)
        values[k] = static_cast<Scalar>(0.5F * static_cast<float>(values[k]));
    };
    const auto here = [&](const std::vector<Scalar>& x, double timestep, std::vector<Scalar>& out) {
      Network<Scalar>{}(x, timestep, out);
      half(out.data(), out.size());
    };
    const auto there = [&](const CudaState& x, double timestep, CudaState& out) {
      Network<Scalar>{}(x, timestep, out);
      half(static_cast<Scalar*>(out.data()), out.size());
    };
    std::vector<Scalar> cpu = start<Scalar>(21);
    std::vector<Scalar> device = cpu;
    CudaView x = view(device);
    const dpm::Plan plan = dpm::make_plan(schedule, 8);
    dpm::sample(plan, dpm::ClassifierFreeGuidance(Network<Scalar>{}, here, 3.5), cpu);
    dpm::sample(plan, dpm::ClassifierFreeGuidance(Network<Scalar>{}, there, 3.5), x);
    REQUIRE(same_bits(cpu, device));
  });
}

TEST_CASE("guidance of two models on a device copies nothing after its first call") {
  std::vector<float> four = start<float>(4);
  std::vector<float> five = start<float>(5);
  dpm::ClassifierFreeGuidance guided(Network<float>{}, Network<float>{}, 2.0);
  CudaState x(view(four));
  CudaState out = x;
  const dpm::Level level = schedule.level(0.5);
  guided(x, level, out);
  host_device = {};
  guided(x, level, out);
  REQUIRE(host_device.copies + host_device.allocations + host_device.waits == 0);
  CudaState longer(view(five));
  CudaState longer_out = longer;
  host_device = {};
  guided(longer, level, longer_out);  // another size takes other memory
  REQUIRE(host_device.allocations == 1);
}

TEST_CASE("a stopped run on a device is looked at for NaN too") {
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, schedule, 6);
  std::vector<float> values = start<float>(8);
  const std::vector<float> before = values;
  CudaView x = view(values);
  int calls = 0;
  const auto network = [&](bool is_broken) {
    calls = 0;
    return [&calls, is_broken](const CudaState& in, double timestep, CudaState& out) {
      ++calls;
      Network<float>{}(in, timestep, out);
      if (is_broken) broken(in, timestep, out);
    };
  };
  const auto options = [&](bool check_finite) {
    return dpm::RunOptions<CudaState>{.stop = StopAfter{&calls, 2}, .check_finite = check_finite};
  };
  const char* const sentence =
      ": the run was stopped after step 2, and its sample holds a NaN or an infinity";
  REQUIRE_THROWS_MATCHES(dpm::sample(plan, network(true), x, options(true)), dpm::NonFinite,
                         Message(std::string("sample") + sentence));
  const dpm::Grid grid = dpm::make_grid(dpm::UniformTime{}, schedule, 6);
  const auto no_edit = [](CudaState&, const dpm::Progress<CudaState>&) { return false; };
  REQUIRE_THROWS_MATCHES(
      dpm::sample_with_edits(dpm::Ddim{}, grid, network(true), x, no_edit, {}, options(true)),
      dpm::NonFinite, Message(std::string("sample_with_edits") + sentence));
  REQUIRE(same_bits(values, before));

  host_device = {};
  const dpm::RunReport report = dpm::sample(plan, network(false), x, options(true));
  REQUIRE(report.stopped);
  REQUIRE(report.steps == 2);
  REQUIRE(host_device.waits == 1);
  REQUIRE_FALSE(same_bits(values, before));
  host_device = {};
  REQUIRE(dpm::sample(plan, network(true), x, options(false)).stopped);
  REQUIRE(host_device.waits == 0);
  REQUIRE(std::isnan(values[0]));
}

TEST_CASE("an edit on a device is looked at for NaN, and a fork where it ends") {
  const dpm::Grid grid = dpm::make_grid(dpm::UniformTime{}, schedule, 6);
  std::vector<float> cpu = start<float>(9);
  std::vector<float> device = cpu;
  CudaView x = view(device);
  const auto set = [](float* to, std::size_t step, float value) {
    if (step == 3) to[0] = value;
    return step == 3;
  };
  const auto edit_cpu = [&](std::vector<float>& sample, const auto& progress) {
    return set(sample.data(), progress.step, 0.25F);
  };
  const auto edit_with = [&](float value) {
    return [&set, value](CudaState& sample, const dpm::Progress<CudaState>& progress) {
      return set(static_cast<float*>(sample.data()), progress.step, value);
    };
  };
  const std::vector<float> before = device;
  REQUIRE_THROWS_MATCHES(
      dpm::sample_with_edits(dpm::Ddim{}, grid, Network<float>{}, x, edit_with(nan)),
      dpm::NonFinite,
      Message("sample_with_edits: the edit after step 3 has left a NaN or an infinity in the "
              "sample"));
  REQUIRE(same_bits(device, before));
  dpm::sample_with_edits(dpm::Ddim{}, grid, Network<float>{}, cpu, edit_cpu);
  dpm::sample_with_edits(dpm::Ddim{}, grid, Network<float>{}, x, edit_with(0.25F));
  REQUIRE(same_bits(device, cpu));

  dpm::Stepper run(dpm::make_plan(dpm::Ddim{}, schedule, 4), x);
  auto call = run.next();
  Network<float>{}(call->input, call->level.timestep, call->output);
  dpm::Stepper<CudaState> fork = run.fork({});
  const auto finish = [](dpm::Stepper<CudaState>& stepper, const auto& network) {
    while (auto open = stepper.next()) network(open->input, open->level.timestep, open->output);
  };
  host_device = {};
  finish(run, Network<float>{});
  REQUIRE(host_device.waits == 1);
  REQUIRE_THROWS_AS(finish(fork, broken), dpm::NonFinite);
}

namespace {

template <class Stepper, class Model>
void go_on(Stepper& run, const Model& model, int calls) {
  for (int i = 0; i < calls; ++i) {
    if (auto call = run.next()) model(call->input, call->level.timestep, call->output);
  }
}

}  // namespace

TEST_CASE("a run that is saved on a device goes on there or on the CPU to the same bits") {
  const dpm::Plan plan = dpm::make_plan(dpm::UniPc{.order = 3}, schedule, 7);
  for_each_type([&](auto scalar) {
    using Scalar = decltype(scalar);
    using Values = std::vector<Scalar>;
    Values values = start<Scalar>(11);
    const Values zeros(11, Scalar{});
    Values memory = zeros;
    const Network<Scalar> network;
    dpm::Stepper<Values> on_cpu(plan, values);
    dpm::Stepper<CudaState> on_device(plan, view(values));
    go_on(on_cpu, network, 4);
    go_on(on_device, network, 4);
    auto open = on_device.next();  // a call that is open is handed out again
    auto open_here = on_cpu.next();
    REQUIRE(open);
    REQUIRE(open_here);
    const std::vector<std::byte> bytes = dpm::save(on_device);
    REQUIRE(bytes == dpm::save(on_cpu));
    dpm::Stepper<CudaState> there = dpm::load(bytes, plan, view(memory));
    dpm::Stepper<Values> here = dpm::load(bytes, plan, zeros);
    REQUIRE(same_bits(memory, zeros));
    network(open->input, open->level.timestep, open->output);
    for (auto* const run : {&on_device, &there}) go_on(*run, network, 9);
    go_on(here, network, 9);
    const CudaState& expected = on_device.sample();
    REQUIRE(there.finished());
    REQUIRE(std::memcmp(expected.data(), there.sample().data(), expected.bytes()) == 0);
    REQUIRE(std::memcmp(expected.data(), here.sample().data(), expected.bytes()) == 0);
  });
}

TEST_CASE("saved runs that do not fit a device, or hold a NaN, are refused") {
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, schedule, 5);
  std::vector<float> values = start<float>(6);
  std::vector<float> five = start<float>(5);
  std::vector<Eigen::half> halves = start<Eigen::half>(6);
  dpm::Stepper<CudaState> run(plan, view(values));
  go_on(run, Network<float>{}, 2);
  std::vector<std::byte> bytes = dpm::save(run);
  refuses([&] { (void)dpm::load(bytes, plan, view(five)); },
          "load: the saved run is of 6 x 1 values; the state given has 5 x 1");
  refuses([&] { (void)dpm::load(bytes, plan, view(halves)); },
          "load: the saved run has values of 32 bits, of which 24 are significant, and the state "
          "given of 16 with 11; they must be of one type");
  refuses([&] { (void)dpm::load(bytes, plan, CudaView{}); },
          "load: the view has no memory; give data and size, at least one value");
  refuses([&] { (void)dpm::load(bytes, nullptr, view(values)); },
          "Stepper: the plan is a null pointer; it must point to a plan");
  bytes[100] ^= std::byte{1};
  REQUIRE_THROWS_AS(dpm::load(bytes, plan, view(values)), dpm::InvalidArgument);

  dpm::Stepper<CudaState> bad(plan, view(values));
  go_on(bad, broken, 2);
  REQUIRE_THROWS_MATCHES(dpm::save(bad), dpm::NonFinite,
                         Message("save: the sample of the run holds a NaN or an infinity"));
  dpm::Stepper<CudaState> unchecked(plan, view(values), {.check_finite = false});
  go_on(unchecked, broken, 2);
  const std::vector<std::byte> with_nan = dpm::save(unchecked);
  REQUIRE_THROWS_MATCHES(dpm::load(with_nan, plan, view(values)), dpm::NonFinite,
                         Message("load: the sample of the saved run, after 1 steps, holds a NaN or "
                                 "an infinity"));
  REQUIRE_NOTHROW(dpm::load(with_nan, plan, view(values), {.check_finite = false}));
}

namespace {

/// The network as work in the stream.
void put_network(const CudaState& x, double timestep, CudaState& out) {
  const auto* const from = static_cast<const float*>(x.data());
  auto* const to = static_cast<float*>(out.data());
  dpm_test::put_into_stream(
      [=, size = x.size()] { Network<float>::fill(size, from, timestep, to); });
}

}  // namespace

TEST_CASE("a whole run is captured once and launched again with other seeds, for every method") {
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    CAPTURE(method.name);
    const dpm::Plan plan = plan_of(method, 5);
    std::uint64_t seed = 0;
    std::vector<float> values(13);
    CudaView x = view(values);
    const dpm::CudaNoise noise{.seed_on_device = &seed};
    CudaState begin(x);
    dpm::Stepper<CudaState> run(plan, x, {.noise = noise, .check_finite = false});

    dpm_test::HostWork graph;
    host_device = {};
    dpm_test::host_stream = {.captured = &graph, .spoilt = false};
    noise.fill(begin);
    run.reset(begin);
    while (auto call = run.next()) put_network(call->input, call->level.timestep, call->output);
    x = run.sample();
    const bool spoilt = dpm_test::host_stream.spoilt;
    dpm_test::host_stream = {};
    REQUIRE_FALSE(spoilt);
    REQUIRE(host_device.waits + host_device.allocations + host_device.releases == 0);
    REQUIRE(graph.size() == static_cast<std::size_t>(host_device.launches + host_device.copies +
                                                     plan.model_calls()));

    for (const std::uint64_t next : {7U, 8U, 7U}) {
      seed = next;
      for (const auto& work : graph) work();
      std::vector<float> expected(13);
      CudaView plain = view(expected);
      dpm::CudaNoise{.seed = next}.fill(plain);
      dpm::sample(plan, Network<float>{}, plain, {.noise = dpm::CudaNoise{.seed = next}});
      REQUIRE(same_bits(values, expected));
    }
  }
}

TEST_CASE("a run that looks for NaN cannot be captured, and says so") {
  std::vector<float> values = start<float>(4);
  dpm::Stepper<CudaState> run(dpm::make_plan(schedule, 4), view(values));
  dpm_test::HostWork graph;
  dpm_test::host_stream = {.captured = &graph, .spoilt = false};
  std::string said;
  try {
    while (auto call = run.next()) put_network(call->input, call->level.timestep, call->output);
  } catch (const std::runtime_error& error) {
    said = error.what();
  }
  dpm_test::host_stream = {};
  REQUIRE(said ==
          "CUDA: cudaMallocAsync has failed: the stream is captured; make states, steppers and "
          "guidance before the capture");
}

TEST_CASE(
    "memory that is asked for while the stream is captured is refused, and the capture goes on") {
  std::vector<float> values = start<float>(4);
  CudaView x = view(values);
  CudaState before(x);
  dpm_test::HostWork graph;
  host_device = {};
  dpm_test::host_stream = {.captured = &graph, .spoilt = false};
  int refused = 0;
  const auto count = [&](const auto& make) {
    try {
      make();
    } catch (const std::runtime_error&) {
      ++refused;
    }
  };
  count([&] { (void)CudaState(x); });
  count([&] { (void)dpm::Stepper(dpm::make_plan(schedule, 4), x); });
  count([&] { dpm::CudaClassifierFreeGuidance(Network<float>{}, 2.0, x); });
  count([&] { dpm::add_noise(x, schedule.level(0.5), dpm::CudaNoise{}); });
  before = x;
  const bool spoilt = dpm_test::host_stream.spoilt;
  dpm_test::host_stream = {};
  REQUIRE(refused == 4);
  REQUIRE_FALSE(spoilt);
  REQUIRE(graph.size() == 1);
  REQUIRE(host_device.allocations == 0);
}

TEST_CASE("a run on a device refuses a start of another size, type or stream, and is as before") {
  std::vector<float> four = start<float>(4);
  std::vector<float> five = start<float>(5);
  std::vector<Eigen::half> halves = start<Eigen::half>(4);
  int place = 0;
  CudaView elsewhere = view(four);
  elsewhere.stream = reinterpret_cast<dpm::CudaStream>(&place);
  const dpm::Plan plan = dpm::make_plan(dpm::Ddim{}, schedule, 4);
  dpm::Stepper<CudaState> run(plan, view(four));
  go_on(run, Network<float>{}, 2);
  dpm::Stepper<CudaState> same = run;
  for (const CudaView& other : {view(five), view(halves), elsewhere}) {
    const CudaState x(other);
    const char* const sentence =
        " is unlike the sample; it must have the size, the type and the place of the sample";
    refuses([&] { run.reset(x); }, std::string("Stepper: the start x") + sentence);
    refuses([&] { run.replan(plan, x); }, std::string("Stepper: the sample x") + sentence);
  }
  go_on(run, Network<float>{}, 9);
  go_on(same, Network<float>{}, 9);
  REQUIRE(run.finished());
  REQUIRE(std::memcmp(run.sample().data(), same.sample().data(), same.sample().bytes()) == 0);
  // And goes on from one that is like the sample.
  run.replan(plan, CudaState(view(four)));
  go_on(run, Network<float>{}, 9);
  dpm::sample(plan, Network<float>{}, four);
  REQUIRE(std::memcmp(run.sample().data(), four.data(), run.sample().bytes()) == 0);
}

TEST_CASE("clipping on a device hides no infinity: the end still shows it") {
  for_each_type([](auto scalar) {
    using Scalar = decltype(scalar);
    std::vector<Scalar> values = start<Scalar>(7);
    CudaView x = view(values);
    const auto infinite = [](const CudaState& in, double timestep, CudaState& out) {
      Network<Scalar>{}(in, timestep, out);
      static_cast<Scalar*>(out.data())[5] = std::numeric_limits<Scalar>::infinity();
    };
    const dpm::Plan plan =
        dpm::make_plan(dpm::Ddim{}, schedule, 4, dpm::Prediction::noise, dpm::Correction::data);
    REQUIRE_THROWS_AS(dpm::sample(plan, infinite, x, {.correction = dpm::Clip()}), dpm::NonFinite);
  });
}

}  // namespace cuda_test
