// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
// The definitions of separate compilation, behind headers that were read without them, as a
// precompiled header or a unity build has it.
// expect: dpm was read before dpm/definitions.cpp
#define DPM_SEPARATE
#ifndef DPM_FIXED
#  include <dpm/dpm.hpp>
#endif
#include <dpm/definitions.cpp>
