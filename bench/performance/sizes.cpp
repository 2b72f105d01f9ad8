// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A step of DPM-Solver++ 2 at every size: what the plot shows.
#include "group.hpp"

namespace dpm_bench {
namespace {

void add_sizes(Suite& suite) {
  const std::size_t largest = suite.brief() ? 512 : std::size_t{1} << 24;
  for (std::size_t size = 256; size <= largest; size *= 2) {
    Group<Multistep2> group(suite, "sizes", size);
    group.library();
    group.hand();
    group.written();
    group.copy();
    group.library<Eigen::Array<Eigen::half, Eigen::Dynamic, 1>>("half", false);
    group.library<Eigen::Array<Eigen::bfloat16, Eigen::Dynamic, 1>>("bfloat16", false);
  }
}

const Topic topic(&add_sizes);

}  // namespace
}  // namespace dpm_bench
