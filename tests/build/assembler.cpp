// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The kernels whose assembly tests/build/assembler.cmake reads.
#include <cstddef>
#include <span>

#include "dpm/noise/noise_blocks.hpp"
#include "dpm/state/finite.hpp"
#include "dpm/state/many_values.hpp"

namespace dpm::detail {

template bool combine_blocks<float, 2, 3, 3>(const Weights&, std::span<float* const>,
                                             std::span<const float* const>, const float*,
                                             std::size_t, std::size_t);
template bool finite_blocks<float>(const float*, std::size_t);

}  // namespace dpm::detail

auto* draw_groups_is_used = &dpm::detail::draw_groups_avx2;
