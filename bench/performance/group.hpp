// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adds the contestants of the topics about steps.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "runners.hpp"
#include "suite.hpp"

namespace dpm_bench {

/// A latent of 4 x 64 x 64, eight pictures of 3 x 256 x 256, and 64 of them.
inline std::vector<std::size_t> step_sizes(const Suite& suite) {
  if (suite.brief()) return {1003};
  return {16'384, 1'572'864, 12'582'912};
}

/// Complains unless both compute the same, up to rounding, when the model does something.
template <class Rival>
void compare(Suite& suite, const std::string& who, Library<Floats, TestModel> library, Rival rival,
             std::size_t steps) {
  library.begin();
  rival.begin();
  for (std::size_t i = 0; i < steps; ++i) {
    library.step();
    rival.step();
  }
  const Floats& expected = library.sample();
  const Eigen::Map<const Floats> is(rival.sample().data(), expected.size());
  const float difference = (is - expected).abs().maxCoeff() / expected.abs().maxCoeff();
  if (!(difference < 1e-4F)) {
    suite.complain(who + " differs from the library by " + std::to_string(difference));
  }
}

/// Adds contestants for one method at one size.
template <class Method>
class Group {
 public:
  Group(Suite& suite, const std::string& topic, std::size_t size)
      : suite_(suite),
        size_(size),
        name_(topic + "/" + Method::name + "/" + std::to_string(size) + "/") {}

  template <class State = Floats>
  void library(const char* contestant, bool check_finite = false) {
    add(contestant, [check_finite](const Course& course, std::size_t size) {
      return Library<State>(course, size, check_finite);
    });
  }
  void hand() {
    add("hand", [](const auto& course, std::size_t size) { return Hand<Method>(course, size); });
  }
  void written() {
    add("expressions",
        [](const auto& course, std::size_t size) { return Expressions<Method>(course, size); });
    add("engine",
        [](const auto& course, std::size_t size) { return Engine<Method>(course, size); });
  }
  void copy() {
    add(
        "copy", [](const auto& /*course*/, std::size_t size) { return Copies<Method>(size); },
        Copies<Method>::scale);
  }

 private:
  template <class Make>
  void add(const char* contestant, Make make, double scale = 1.0) {
    // Some milliseconds each repetition, few steps where each takes long.
    const std::size_t steps = size_ > 1'000'000 ? 4 : 16;
    const std::size_t runs = suite_.brief() ? 1 : 1 + 500'000 / (size_ + 1000);
    suite_
        .add(
            name_, contestant,
            [make, steps, size = size_](benchmark::State& state) {
              const Course course = course_of<Method>(steps);
              time_steps(state, make(course, size), steps);
            },
            scale)
        ->UseManualTime()
        ->Iterations(static_cast<std::int64_t>(runs));
  }

  Suite& suite_;
  std::size_t size_;
  std::string name_;
};

}  // namespace dpm_bench
