// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Adds the contestants of the topics about steps.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
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

/// Complains unless the library and the rival compute the same, up to rounding, when the model does
/// something.
template <class Rival>
void compare(Suite& suite, const std::string& who, const Course& course, std::size_t steps) {
  constexpr std::size_t size = 1003;
  Library<Floats, TestModel> library(course, size, true);
  Rival rival(course, std::make_shared<Library<Floats, TestModel>>(course, size, false));
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

/// The run of one group that several contestants take in turns, made when the first is measured.
class SharedRun {
 public:
  const std::shared_ptr<Library<Floats>>& operator()(const Course& course, std::size_t size) const {
    if (*run_ == nullptr) *run_ = std::make_shared<Library<Floats>>(course, size, false);
    return *run_;
  }

 private:
  using Holder = std::shared_ptr<Library<Floats>>;
  std::shared_ptr<Holder> run_ = std::make_shared<Holder>();
};

/// Adds contestants for one method at one size.
template <class Method>
class Group {
 public:
  Group(Suite& suite, const std::string& topic, std::size_t size, int repetitions = 9)
      : suite_(suite),
        size_(size),
        repetitions_(suite.brief() ? 1 : repetitions),
        name_(topic + "/" + Method::name + "/" + std::to_string(size) + "/") {}

  void library() {
    add("library", [run = run_](const Course& course, std::size_t size) -> Library<Floats>& {
      return *run(course, size);
    });
  }
  /// The library once more, in a run of its own.
  template <class State = Floats>
  void library(const char* contestant, bool check_finite) {
    add(contestant, [check_finite](const Course& course, std::size_t size) {
      return Library<State>(course, size, check_finite);
    });
  }
  void hand() {
    add("hand", [run = run_](const Course& course, std::size_t size) {
      return Hand<Method>(course, run(course, size));
    });
  }
  void written() {
    add("expressions", [run = run_](const Course& course, std::size_t size) {
      return Expressions<Method>(course, run(course, size));
    });
    add("engine", [run = run_](const Course& course, std::size_t size) {
      return Engine<Method>(course, run(course, size));
    });
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
        ->Repetitions(repetitions_)
        ->Iterations(static_cast<std::int64_t>(runs));
  }

  Suite& suite_;
  std::size_t size_;
  int repetitions_;
  std::string name_;
  SharedRun run_;
};

}  // namespace dpm_bench
