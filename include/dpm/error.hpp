// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How the library refuses: two exception types, or a handler where exceptions are switched off.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#  error "dpm needs infinities and NaN: compile without -ffast-math or add -fno-finite-math-only"
#endif

#ifndef DPM_EXCEPTIONS
#  if defined(__cpp_exceptions)
/// 1: errors are thrown. 0 (the default under `-fno-exceptions`): errors go to the error handler.
#    define DPM_EXCEPTIONS 1
#  else
#    define DPM_EXCEPTIONS 0
#  endif
#endif

namespace dpm {

/// A refused argument. The message names the argument, its value and what is allowed; nothing has
/// been changed when it is thrown.
struct InvalidArgument : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A model output or a sample stopped being finite. The message names the step and the level.
struct NonFinite : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Called with the error's sentence where exceptions are off (`DPM_EXCEPTIONS == 0`). It should not
/// return: if it does, the program aborts.
using ErrorHandler = void (*)(const char* message);

namespace detail {

inline void print_error(const char* message) { std::fprintf(stderr, "dpm: %s\n", message); }

inline ErrorHandler& error_handler() {
  static ErrorHandler handler = &print_error;
  return handler;
}

inline void append(std::string& text, std::string_view part) { text += part; }

template <class Number>
requires std::integral<Number> || std::floating_point<Number>
void append(std::string& text, Number value) {
  if (value != value) {  // a NaN, without the sign that it may have
    text += "nan";
    return;
  }
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  text.append(digits, end);
}

template <class... Parts>
std::string sentence(const Parts&... parts) {
  std::string text;
  (append(text, parts), ...);
  return text;
}

template <class Error>
[[noreturn]] void fail(const std::string& message) {
#if DPM_EXCEPTIONS
  throw Error(message);
#else
  error_handler()(message.c_str());
  std::abort();
#endif
}

/// Throws `InvalidArgument` with the parts joined into one sentence unless `allowed`.
template <class... Parts>
void require(bool allowed, const Parts&... parts) {
  if (!allowed) [[unlikely]] {
    fail<InvalidArgument>(sentence(parts...));
  }
}

}  // namespace detail

/// Replaces the error handler and returns the one before. The default prints to stderr; in every
/// case the program aborts when the handler returns. Set it before other threads use the library.
inline ErrorHandler set_error_handler(ErrorHandler handler) {
  const ErrorHandler before = detail::error_handler();
  detail::error_handler() = handler != nullptr ? handler : &detail::print_error;
  return before;
}

}  // namespace dpm
