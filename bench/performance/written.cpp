// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The same steps as users write them with Eigen, and as engines have them, vector by vector.
#include "group.hpp"

namespace dpm_bench {
namespace {

template <class Method>
void add_method(Suite& suite) {
  constexpr std::size_t steps = 10;
  const Course course = course_of<Method>(steps);
  compare<Expressions<Method, TestModel>>(suite, std::string(Method::name) + ": the expression",
                                          course, steps);
  compare<Engine<Method, TestModel>>(suite, std::string(Method::name) + ": the engine's loop",
                                     course, steps);
  for (const std::size_t n : step_sizes(suite)) {
    Group<Method> group(suite, "written", n);
    group.library();
    group.written();
  }
}

void add_written(Suite& suite) {
  add_method<Multistep2>(suite);
  add_method<Multistep3>(suite);
  add_method<Singlestep3>(suite);
  add_method<UniPc2>(suite);
  add_method<Plms>(suite);
  add_method<Ddim>(suite);
}

const Topic topic(&add_written);

}  // namespace
}  // namespace dpm_bench
