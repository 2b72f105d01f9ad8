// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
//
// In the place of dpm/interop/cuda.cu for programs that run where there is no GPU.
#include "support/host_device.hpp"
