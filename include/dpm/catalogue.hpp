// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samplers and schedulers by the names that ComfyUI, k-diffusion, A1111, stable-diffusion.cpp and
/// diffusers give them. `dpm/dpm.hpp` does not include this.
#pragma once

#include "dpm/catalogue/adaptive_by_name.hpp"
#include "dpm/catalogue/plan_by_name.hpp"
#include "dpm/dpm.hpp"
