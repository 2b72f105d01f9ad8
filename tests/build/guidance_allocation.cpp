// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Guidance allocates at its first call only. A program of its own, since it replaces the global
/// allocation functions.
#include <Eigen/Core>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/guidance/classifier_free_guidance.hpp"
#include "dpm/guidance/classifier_guidance.hpp"

#if defined(__has_feature)
#  define DPM_TEST_HAS_FEATURE(x) __has_feature(x)
#else
#  define DPM_TEST_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    DPM_TEST_HAS_FEATURE(address_sanitizer) || DPM_TEST_HAS_FEATURE(thread_sanitizer)
#  define DPM_TEST_SANITIZER 1
#else
#  define DPM_TEST_SANITIZER 0
#endif

namespace {

thread_local long allocations = 0;

}  // namespace

// Eigen calls malloc, and so does the standard library's operator new.
#if DPM_TEST_SANITIZER
extern "C" void __sanitizer_malloc_hook(const volatile void* /*memory*/, std::size_t /*size*/) {
  ++allocations;
}
#elif defined(__GLIBC__)
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* malloc(std::size_t size) noexcept {
  ++allocations;
  return __libc_malloc(size);
}
#else
void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
#endif

namespace {

/// Half the input; works in place of any of the models here.
const auto network = [](const auto& x, const dpm::Level& /*level*/, auto& out) {
  for (decltype(x.size()) i = 0; i < x.size(); ++i) out.data()[i] = x.data()[i] / 2;
};

/// Prints what the first call and the next nine allocate; false unless those are some and none.
template <class Model, class State>
bool allocates_once(const char* name, Model model, const State& x) {
  const dpm::Level level = dpm::VpLinear().level(0.5);
  State out = x;
  long before = allocations;
  model(x, level, out);
  const long first = allocations - before;
  before = allocations;
  for (int call = 0; call < 9; ++call) model(x, level, out);
  const long later = allocations - before;
  std::printf("%-40s first call %ld, next nine calls %ld\n", name, first, later);
  return first > 0 && later == 0;
}

template <class State>
bool all_allocate_once(const State& x) {
  const dpm::GuidanceScale scale = dpm::GuidanceScale([](const dpm::Level&) { return 3.0; });
  bool good = true;
  for (const double phi : {0.0, 0.7}) {
    const dpm::GuidanceRescale rescale{.phi = phi};
    good &= allocates_once("ClassifierFreeGuidance",
                           dpm::ClassifierFreeGuidance(network, network, scale, rescale), x);
    good &= allocates_once("BatchedClassifierFreeGuidance",
                           dpm::BatchedClassifierFreeGuidance(network, scale, rescale), x);
  }
  const dpm::ClassifierGuidance guided(network, network, scale, dpm::Prediction::velocity);
  return allocates_once("ClassifierGuidance", guided, x) && good;
}

}  // namespace

int main() {
  const bool vectors = all_allocate_once(std::vector<double>(50, 0.5));
  const bool arrays = all_allocate_once(Eigen::ArrayXXf(Eigen::ArrayXXf::Constant(5, 7, 0.5F)));
  return vectors && arrays ? 0 : 1;
}
