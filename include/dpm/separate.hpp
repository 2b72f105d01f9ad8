// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Whether each file of a program compiles all of the library that it uses, or one file does.
#pragma once

// Only a missing file makes compilers stop; after #error they report every line that is C++20.
#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) <= 201703L
#  error "dpm needs C++20: compile with -std=c++20 (MSVC: /std:c++20)"
#  include "the compiler stops here"
#endif

// As it comes, the library is in its headers and nothing else is needed. In a program that has
// DPM_SEPARATE defined for all its files, headers only declare what does not depend on the type of
// the state or the model, and dpm/definitions.cpp, one more file of the program, defines it. The
// others then compile in about half the time. CMake's target dpm::separate does both.
//
// So headers come in two parts: what a caller needs to know, then, where it is wanted, how it is
// done.

#if defined(DPM_SEPARATE)
#  define DPM_INLINE
#  ifndef DPM_DEFINE
#    define DPM_DEFINE 0
#  endif
#else
#  define DPM_INLINE inline
#  define DPM_DEFINE 1
#endif
