// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// All textbook samplers: the papers' loops, written independently of the library.
#pragma once

#include "support/textbook_ancestral.hpp"
#include "support/textbook_base.hpp"
#include "support/textbook_ddim.hpp"
#include "support/textbook_deis.hpp"
#include "support/textbook_multistep.hpp"
#include "support/textbook_ode.hpp"
#include "support/textbook_pndm.hpp"
#include "support/textbook_sde.hpp"
#include "support/textbook_seeds.hpp"
#include "support/textbook_sigma.hpp"
#include "support/textbook_singlestep.hpp"
#include "support/textbook_unipc.hpp"
