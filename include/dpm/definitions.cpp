// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
//
// What the headers only declare where DPM_SEPARATE is defined: one of a program's files (see
// dpm/separate.hpp).
#if defined(DPM_DEFINE)
#  error \
      "dpm was read before dpm/definitions.cpp, by a precompiled header or a unity build; compile this file by itself (in CMake SKIP_PRECOMPILE_HEADERS and SKIP_UNITY_BUILD_INCLUSION)"
#endif
#ifndef DPM_SEPARATE
#  define DPM_SEPARATE
#endif
#define DPM_DEFINE 1
#include <cstddef>
#include <span>

#include "dpm/analysis/doubts.hpp"
#include "dpm/calibration/calibrate.hpp"
#include "dpm/calibration/interpolate_plans.hpp"
#include "dpm/catalogue.hpp"

namespace dpm {

template AnySchedule::AnySchedule(VpLinear<double>);
template AnySchedule::AnySchedule(VpCosine<double>);
template AnySchedule::AnySchedule(DiscreteSchedule<double>);
template AnySchedule::AnySchedule(LogSigmaTable);
template AnySchedule::AnySchedule(VarianceExploding);
template AnySchedule::AnySchedule(Edm);
template AnySchedule::AnySchedule(RectifiedFlow);

}  // namespace dpm

namespace dpm::detail {

template bool combine_arrays<float>(const Weights&, std::span<float* const>,
                                    std::span<const float* const>, std::size_t, std::size_t);
template bool combine_arrays<double>(const Weights&, std::span<double* const>,
                                     std::span<const double* const>, std::size_t, std::size_t);
template bool array_is_finite(const float*, std::size_t);
template bool array_is_finite(const double*, std::size_t);

}  // namespace dpm::detail
