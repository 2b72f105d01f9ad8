// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Who takes steps: the library's stepper, the hand-written loops, the same steps as expressions,
/// and copies of as many bytes. Each has `begin`, which stands before the first step of the steady
/// state, `step`, and `sample`.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "course.hpp"
#include "methods.hpp"

namespace dpm_bench {

/// The value that all arrays begin with.
inline constexpr float start_value = 0.5F;

/// The library.
template <class State, class Model = NoModel>
class Library {
 public:
  Library(const Course& course, std::size_t size, bool check_finite)
      : start_(
            State::Constant(static_cast<Eigen::Index>(size), typename State::Scalar(start_value))),
        stages_(course.stages),
        stepper_(course.plan, start_, {.check_finite = check_finite}) {}

  void begin() {
    stepper_.reset(start_);
    while (stepper_.steps_done() < Course::warm) call();
  }
  void step() {
    for (std::size_t i = 0; i < stages_; ++i) call();
  }
  [[nodiscard]] const State& sample() const { return stepper_.sample(); }
  /// The states of the run, which lie one after the other: x, y if there is one, the predictions.
  State& state(std::size_t i) { return const_cast<State*>(&stepper_.sample())[i]; }

 private:
  /// What the library has to do between two model calls, and the call.
  void call() {
    if (const auto now = stepper_.next()) Model()(now->input, now->output);
  }

  State start_;
  std::size_t stages_;
  dpm::Stepper<State> stepper_;
};

using View = Eigen::Map<Floats>;

/// What a rival starts from, and works on if it can: the very memory of the library's run, since
/// the speed of a loop depends on where its arrays lie.
template <class Method, class Model>
class Rival {
 public:
  using Run = std::shared_ptr<Library<Floats, Model>>;

  Rival(const Course& course, Run run) : course_(course), run_(std::move(run)) {}
  void begin() {
    run_->begin();
    step_ = Course::warm;
  }

 protected:
  View x() { return view(run_->state(0)); }
  View y() { return Method::has_trial ? view(run_->state(1)) : View(nullptr, 0); }
  View m(std::size_t slot) {
    const std::size_t first = course_.plan->uses_stage() ? 2 : 1;  // starts may need y as well
    return slot < Method::slots ? view(run_->state(first + slot)) : View(nullptr, 0);
  }
  Arrays<View> views(View output) { return {x(), y(), {m(0), m(1), m(2), m(3)}, output}; }

  const Course& course_;
  Run run_;
  std::size_t step_ = 0;

 private:
  static View view(Floats& state) { return {state.data(), state.size()}; }
};

/// A loop written by hand, with weights that are made outside.
template <class Method, class Model = NoModel>
class Hand : public Rival<Method, Model> {
 public:
  Hand(const Course& course, typename Rival<Method, Model>::Run run)
      : Rival<Method, Model>(course, std::move(run)), arrays_(this->views(View(nullptr, 0))) {}
  void step() {
    Method::hand(arrays_, this->course_.weights_of(this->step_).data(), this->step_, Model());
    ++this->step_;
  }
  [[nodiscard]] const View& sample() const { return arrays_.x; }

 private:
  Arrays<View> arrays_;
};

/// Plain Eigen expressions, with weights that are made outside.
template <class Method, class Model = NoModel>
class Expressions : public Rival<Method, Model> {
 public:
  Expressions(const Course& course, typename Rival<Method, Model>::Run run)
      : Rival<Method, Model>(course, std::move(run)),
        output_(Floats::Constant(Method::converts ? this->x().size() : 0, start_value)),
        arrays_(this->views(View(output_.data(), output_.size()))) {}
  void step() {
    Method::written(arrays_, this->course_.weights_of(this->step_).data(), this->step_, Model());
    ++this->step_;
  }
  [[nodiscard]] const View& sample() const { return arrays_.x; }

 private:
  Floats output_;
  Arrays<View> arrays_;
};

/// Vector by vector, with weights in float that are made in the step.
template <class Method, class Model = NoModel>
class Engine : public Rival<Method, Model> {
 public:
  Engine(const Course& course, typename Rival<Method, Model>::Run run)
      : Rival<Method, Model>(course, std::move(run)) {
    const auto size = static_cast<std::size_t>(this->x().size());
    arrays_.output = Tensor(std::vector<float>(Method::converts ? size : 0, start_value));
  }
  void begin() {
    Rival<Method, Model>::begin();
    arrays_.x = tensor(this->x());
    arrays_.y = tensor(this->y());
    for (std::size_t i = 0; i < Method::slots; ++i) arrays_.m[i] = tensor(this->m(i));
  }
  void step() {
    const auto weights = this->course_.weights_now(this->step_);
    Method::written(arrays_, weights.data(), this->step_, Model());
    ++this->step_;
  }
  [[nodiscard]] const Tensor& sample() const { return arrays_.x; }

 private:
  static Tensor tensor(const View& from) {
    return Tensor(std::vector<float>(from.data(), from.data() + from.size()));
  }

  Arrays<Tensor> arrays_;
};

/// Copies among as many arrays as a step works on. To be scaled from the arrays that a `step` here
/// moves to those that a step of the method moves.
template <class Method>
class Copies {
 public:
  static constexpr std::size_t arrays = 1 + (Method::has_trial ? 1 : 0) + Method::slots;
  static constexpr double scale = Method::moved / (2.0 * arrays);

  explicit Copies(std::size_t size)
      : arrays_(arrays, Floats::Constant(static_cast<Eigen::Index>(size), start_value)) {}
  void begin() {}
  void step() {
    for (std::size_t i = 0; i < arrays; ++i) {
      std::memcpy(arrays_[(i + 1) % arrays].data(), arrays_[i].data(),
                  sizeof(float) * static_cast<std::size_t>(arrays_[i].size()));
      benchmark::ClobberMemory();
    }
  }
  [[nodiscard]] const Floats& sample() const { return arrays_[0]; }

 private:
  std::vector<Floats> arrays_;
};

/// Times `steps` steps an iteration; the time is that of one.
template <class Runner>
void time_steps(benchmark::State& state, Runner&& runner, std::size_t steps) {
  using Clock = std::chrono::steady_clock;
  for ([[maybe_unused]] auto _ : state) {
    runner.begin();
    benchmark::DoNotOptimize(runner.sample().data());
    benchmark::ClobberMemory();
    const auto start = Clock::now();
    for (std::size_t i = 0; i < steps; ++i) {
      runner.step();
      benchmark::ClobberMemory();
    }
    const std::chrono::duration<double> time = Clock::now() - start;
    state.SetIterationTime(time.count() / static_cast<double>(steps));
  }
  if (!std::isfinite(static_cast<float>(runner.sample().data()[0]))) {
    throw std::runtime_error("a step has left the finite numbers");
  }
}

}  // namespace dpm_bench
