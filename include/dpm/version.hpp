// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The version of the library: the one place that states it. CMake reads it from here.
#pragma once

#define DPM_VERSION_MAJOR 0
#define DPM_VERSION_MINOR 1
#define DPM_VERSION_PATCH 0
