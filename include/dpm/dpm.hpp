// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Everything: include this one header.
#pragma once

#include "dpm/error.hpp"
#include "dpm/grid/grid.hpp"
#include "dpm/grid/spacing.hpp"
#include "dpm/method/budget.hpp"
#include "dpm/method/ddim.hpp"
#include "dpm/method/ddpm.hpp"
#include "dpm/method/dpm_solver.hpp"
#include "dpm/method/pndm.hpp"
#include "dpm/model/affine.hpp"
#include "dpm/model/convergence.hpp"
#include "dpm/model/gaussian.hpp"
#include "dpm/model/gaussian_mixture.hpp"
#include "dpm/plan/builder.hpp"
#include "dpm/plan/check.hpp"
#include "dpm/plan/plan.hpp"
#include "dpm/plan/print.hpp"
#include "dpm/run/noise.hpp"
#include "dpm/run/sample.hpp"
#include "dpm/run/stepper.hpp"
#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/level.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "dpm/state/combine.hpp"
#include "dpm/state/dense.hpp"
#include "dpm/version.hpp"
