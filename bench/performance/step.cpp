// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a step costs in the steady state of a run, beside the network: for the library, for a loop
/// written by hand, and for a copy of as many bytes.
#include "group.hpp"

namespace dpm_bench {
namespace {

template <class Method>
void add_method(Suite& suite) {
  constexpr std::size_t steps = 10;
  compare<Hand<Method, TestModel>>(suite, std::string(Method::name) + ": the loop",
                                   course_of<Method>(steps), steps);
  for (const std::size_t n : step_sizes(suite)) {
    Group<Method> group(suite, "step", n, 21);
    group.library();
    group.hand();
    group.library("checked", true);
    group.copy();
  }
}

void add_steps(Suite& suite) {
  add_method<Multistep2>(suite);
  add_method<Multistep3>(suite);
  add_method<Singlestep3>(suite);
  add_method<UniPc2>(suite);
  add_method<Plms>(suite);
  add_method<Ddim>(suite);
}

const Topic topic(&add_steps);

}  // namespace
}  // namespace dpm_bench
