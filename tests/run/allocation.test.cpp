// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Law 7: a run allocates at its construction only.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"
#include "support/every_method.hpp"

#if defined(__has_feature)
#  define DPM_TEST_HAS_FEATURE(x) __has_feature(x)
#else
#  define DPM_TEST_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    DPM_TEST_HAS_FEATURE(address_sanitizer) || DPM_TEST_HAS_FEATURE(thread_sanitizer)
#  define DPM_TEST_SANITIZER_COUNTS_MALLOC 1
#else
#  define DPM_TEST_SANITIZER_COUNTS_MALLOC 0
#endif

namespace {

thread_local bool counting = false;
thread_local long allocations = 0;

void count_allocation() {
  if (counting) ++allocations;
}

}  // namespace

// Eigen takes its memory from malloc and not from operator new, so malloc is counted too, where the
// C library or a sanitizer makes that possible.
#if DPM_TEST_SANITIZER_COUNTS_MALLOC
extern "C" void __sanitizer_malloc_hook(const volatile void* /*memory*/, std::size_t /*size*/) {
  count_allocation();
}
#elif defined(__GLIBC__)
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* malloc(std::size_t size) noexcept {
  count_allocation();
  return __libc_malloc(size);
}
#endif

namespace {

void* allocate(std::size_t size) {
  count_allocation();
  return std::malloc(size > 0 ? size : 1);
}
void* allocate(std::size_t size, std::align_val_t alignment) {
  count_allocation();
  const auto a = static_cast<std::size_t>(alignment);
  return std::aligned_alloc(a, (size + a - 1) / a * a);
}
template <class... Alignment>
void* allocate_or_throw(std::size_t size, Alignment... alignment) {
  void* const memory = allocate(size, alignment...);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The forms that the standard library's others are defined by; [new.delete]. Not inlined, because
// g++ warns where it sees the free of one and not the malloc of the other.
[[gnu::noinline]] void* operator new(std::size_t size) { return allocate_or_throw(size); }
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, alignment);
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment,
                                     const std::nothrow_t&) noexcept {
  return allocate(size, alignment);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace {

/// Counts from its construction on.
class Count {
 public:
  Count() {
    allocations = 0;
    counting = true;
  }
  Count(const Count&) = delete;
  Count& operator=(const Count&) = delete;
  ~Count() { counting = false; }
  [[nodiscard]] long stop() const {
    counting = false;
    return allocations;
  }
};

/// Keeps the optimiser from removing an allocation whose memory is not used.
void use(const volatile void* /*memory*/) {}
void (*volatile const use_it)(const volatile void*) = &use;

const dpm::AnySchedule schedule = dpm::VpLinear();

template <class State>
void network(const State& x, double timestep, State& out) {
  for (decltype(x.size()) i = 0; i < x.size(); ++i) {
    using Scalar = std::remove_cvref_t<decltype(out.data()[i])>;
    out.data()[i] = x.data()[i] * static_cast<Scalar>(0.9) + static_cast<Scalar>(0.1 * timestep);
  }
}

/// Counts the calls of a network with one output and of one with two.
struct Counted {
  int& calls;

  template <class State>
  void operator()(const State& x, double timestep, State& out) {
    ++calls;
    network(x, timestep, out);
  }
  template <class State>
  void operator()(const State& x, double timestep, State& out, State& unconditional) {
    (*this)(x, timestep, out);
    network(x, 0.5 * timestep, unconditional);
  }
};

/// The allocations of a whole run with every hook there is, after the stepper's construction.
template <class State>
long allocations_of_run(const dpm::Plan& plan, const State& start) {
  int steps = 0;
  dpm::RunOptions<State> options;
  options.noise = dpm::NormalNoise{.seed = 1};
  options.observer = [&steps](const dpm::Progress<State>&) { ++steps; };
  if (plan.corrections() > 0) {
    options.correction = [](State& data, const dpm::Level&) {
      for (decltype(data.size()) i = 0; i < data.size(); ++i) {
        auto& value = data.data()[i];
        if (value > 2) value = 2;
      }
    };
  }
  dpm::Stepper<State> stepper(plan, start, options);
  int calls = 0;
  Counted model{calls};
  const Count count;
  while (auto call = stepper.next()) dpm::answer<State>(model, *call);
  const long counted = count.stop();
  REQUIRE(calls == plan.model_calls());
  REQUIRE(steps == static_cast<int>(plan.steps.size()));
  return counted;
}

}  // namespace

TEST_CASE("allocations are counted at all") {
  SECTION("operator new") {
    const Count count;
    const auto one = std::make_unique<double>(1.0);
    use_it(one.get());
    REQUIRE(count.stop() > 0);
  }
  SECTION("arrays") {
    const Count count;
    const std::unique_ptr<double[]> some(new double[7]);
    use_it(some.get());
    REQUIRE(count.stop() > 0);
  }
  SECTION("over-aligned types") {
    struct alignas(128) Wide {
      double values[16];
    };
    const Count count;
    const auto one = std::make_unique<Wide>();
    use_it(one.get());
    const long counted = count.stop();
    REQUIRE(counted > 0);
    REQUIRE(reinterpret_cast<std::size_t>(one.get()) % 128 == 0);
  }
  SECTION("vectors") {
    const Count count;
    const std::vector<double> vector(5);
    use_it(vector.data());
    REQUIRE(count.stop() > 0);
  }
#if DPM_TEST_SANITIZER_COUNTS_MALLOC || defined(__GLIBC__)
  SECTION("Eigen's own") {
    const Count count;
    const Eigen::ArrayXXf array(3, 4);
    use_it(array.data());
    REQUIRE(count.stop() > 0);
  }
#endif
  SECTION("and only between start and stop") {
    const Count count;
    REQUIRE(count.stop() == 0);
    const std::vector<double> vector(5);
    use_it(vector.data());
    REQUIRE(count.stop() == 0);
  }
}

TEST_CASE("law 7: a run allocates nothing after the stepper's construction") {
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    INFO(method.name);
    const dpm::Grid grid = method.grid(schedule, 1.0, 1e-3, 12);
    for (const auto correction : {dpm::Correction::none, dpm::Correction::data}) {
      const dpm::Plan plan = method.plan(grid, dpm::Prediction::velocity, correction);
      REQUIRE(allocations_of_run(plan, std::vector<double>(50, 0.5)) == 0);
      REQUIRE(allocations_of_run(plan, Eigen::ArrayXXf::Constant(5, 7, 0.5F).eval()) == 0);
      REQUIRE(allocations_of_run(plan, Eigen::Array2d(0.5, 0.6)) == 0);
      REQUIRE(allocations_of_run(plan, std::array<float, 3>{0.5F, 0.6F, 0.7F}) == 0);
    }
  }
}

TEST_CASE("law 7: a run of a model with two outputs allocates nothing after its construction") {
  using Update = dpm::CfgPlusPlus::Update;
  const dpm::Grid grid = make_grid(dpm::UniformLambda{}, schedule, 12);
  for (const Update update : {Update::euler, Update::multistep, Update::gradient_estimation,
                              Update::exponential, Update::singlestep}) {
    const bool steady = update == Update::multistep || update == Update::gradient_estimation;
    const dpm::CfgPlusPlus method{.update = update, .fresh = {.eta = steady ? 0.0 : 1.0}};
    for (const auto correction : {dpm::Correction::none, dpm::Correction::data}) {
      CAPTURE(static_cast<int>(update), static_cast<int>(correction));
      const dpm::Plan plan = make_plan(method, grid, dpm::Prediction::velocity, correction);
      REQUIRE(allocations_of_run(plan, std::vector<double>(50, 0.5)) == 0);
      REQUIRE(allocations_of_run(plan, Eigen::ArrayXXf::Constant(5, 7, 0.5F).eval()) == 0);
      REQUIRE(allocations_of_run(plan, Eigen::Array2d(0.5, 0.6)) == 0);
      REQUIRE(allocations_of_run(plan, std::array<float, 3>{0.5F, 0.6F, 0.7F}) == 0);
    }
  }
}

TEST_CASE("sample allocates its buffers once, however many steps there are") {
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    INFO(method.name);
    const auto allocations_of_sample = [&](int steps) {
      const dpm::Plan plan =
          method(method.grid(schedule, 1.0, 1e-3, steps), dpm::Prediction::velocity);
      std::vector<double> x(50, 0.5);
      dpm::RunOptions<std::vector<double>> options;
      options.noise = dpm::NormalNoise{.seed = 1};
      const Count count;
      dpm::sample(plan, &network<std::vector<double>>, x, std::move(options));
      return count.stop();
    };
    const long few = allocations_of_sample(12);
    REQUIRE(few > 0);
    REQUIRE(allocations_of_sample(48) == few);
  }
}

TEST_CASE("a stepper is reset for the next batch without an allocation, to the same bits") {
  const auto finish = [](auto& stepper) {
    while (const auto call = stepper.next())
      network(call->input, call->level.timestep, call->output);
  };
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    INFO(method.name);
    const dpm::Plan plan = method(method.grid(schedule, 1.0, 1e-3, 12), dpm::Prediction::velocity);
    const std::vector<double> first(50, 0.5);
    const std::vector<double> second(50, -0.25);
    dpm::RunOptions<std::vector<double>> options;
    options.noise = dpm::NormalNoise{.seed = 1};
    dpm::Stepper stepper(plan, second, options);
    finish(stepper);
    const std::vector<double> expected = stepper.sample();
    stepper.reset(first);
    static_cast<void>(stepper.next());  // a run that is reset in the middle
    const Count count;
    stepper.reset(second);
    finish(stepper);
    REQUIRE(count.stop() == 0);
    REQUIRE(stepper.sample() == expected);
    REQUIRE(stepper.model_calls() == plan.model_calls());
  }
  const dpm::Plan plan = make_plan(dpm::DpmSolver{}, schedule, 4);
  dpm::Stepper stepper(plan, std::vector<double>(3, 0.5));
  static_cast<void>(stepper.next());
  REQUIRE_THROWS_WITH(stepper.reset(std::vector<double>(4, 0.5)),
                      dpm_test::mentions("the start x is 4 x 1; it must have the shape"));
  REQUIRE_THROWS_AS(stepper.reset(std::vector<double>(3, NAN)), dpm::NonFinite);
  REQUIRE(stepper.open_call());
}

TEST_CASE("a run over a small state of a fixed size needs no heap at all") {
  for (const dpm_test::NamedMethod& method : dpm_test::every_method()) {
    INFO(method.name);
    const dpm::Plan plan = method(method.grid(schedule, 1.0, 1e-3, 12), dpm::Prediction::velocity);
    Eigen::Array2d x(0.5, 0.6);
    dpm::RunOptions<Eigen::Array2d> options;
    if (plan.draws() > 0) options.noise = dpm::NormalNoise{.seed = 1};
    const long callable = plan.draws() > 0 ? 1 : 0;  // std::function keeps large callables there
    const Count count;
    dpm::sample(plan, &network<Eigen::Array2d>, x, options);
    REQUIRE(count.stop() <= 2 * callable);
  }
}

TEST_CASE("a refused prediction and its repair leave the run's buffers as they are") {
  const dpm::Plan plan = make_plan(dpm::DpmSolver{.order = 3}, schedule, 12);
  dpm::Stepper stepper(plan, std::vector<double>(50, 0.5),
                       dpm::RunOptions<std::vector<double>>{.refillable = true});
  std::set<const double*> buffers;
  int refusals = 0;
  while (const auto call = stepper.next()) {
    const double* const buffer = call->output.data();
    buffers.insert(buffer);
    call->output[7] = NAN;
    try {
      (void)stepper.next();
    } catch (const dpm::NonFinite&) {
      ++refusals;
    }
    REQUIRE(call->output.data() == buffer);
    network(call->input, call->level.timestep, call->output);
  }
  REQUIRE(refusals == 12);
  REQUIRE(buffers.size() == plan.predictions());
}
