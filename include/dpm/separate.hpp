// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// DPM_SEPARATE: one file of a program compiles what the others only see declared.
#pragma once

// Only a missing file makes compilers stop; after #error they report every line that is C++20.
#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) <= 201703L
#  error "dpm needs C++20: compile with -std=c++20 (MSVC: /std:c++20)"
#  include "the compiler stops here"
#endif

// By default the library is in its headers alone. Where DPM_SEPARATE is defined for all files of a
// program, headers only declare what does not depend on the type of the state or the model, and
// dpm/definitions.cpp, one more file of the program, defines it. The others then compile in about
// half the time. CMake's target dpm::separate does both.
//
// So headers have two parts: what a caller needs to know, and inside `#if DPM_DEFINE` how it works.

// What a GPU computes too: nvcc compiles it for both.
#if defined(__CUDACC__)
#  define DPM_DEVICE __host__ __device__
#else
#  define DPM_DEVICE
#endif

#if defined(DPM_SEPARATE)
#  define DPM_INLINE
#  ifndef DPM_DEFINE
#    define DPM_DEFINE 0
#  endif
#else
#  define DPM_INLINE inline
#  define DPM_DEFINE 1
#endif
