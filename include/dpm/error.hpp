// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How the library refuses: two exception types, or a handler where exceptions are switched off.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

#include "dpm/separate.hpp"

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

ErrorHandler& error_handler();

/// One word or number of a sentence. Its type is forgotten, so that the many sentences of the
/// library are arguments of one function and not as many instances of a template.
class Part {
 public:
  Part(std::string_view text) : kind_(Kind::text), as_text(text) {}
  Part(const char* text) : Part(std::string_view(text)) {}
  Part(const std::string& text) : Part(std::string_view(text)) {}
  Part(double value) : kind_(Kind::real), as_real(value) {}
  Part(long double value) : Part(static_cast<double>(value)) {}
  Part(float value) : kind_(Kind::single), as_single(value) {}
  template <std::signed_integral Integer>
  Part(Integer value) : kind_(Kind::integer), as_integer(value) {}
  template <std::unsigned_integral Integer>
  Part(Integer value) : kind_(Kind::natural), as_natural(value) {}

  void append_to(std::string& text) const;

 private:
  enum class Kind : unsigned char { text, integer, natural, single, real };

  Kind kind_;
  union {
    std::string_view as_text;
    std::int64_t as_integer;
    std::uint64_t as_natural;
    float as_single;
    double as_real;
  };
};

/// The parts one after the other.
std::string join(std::initializer_list<Part> parts);

template <class... Parts>
std::string sentence(const Parts&... parts) {
  return join({Part(parts)...});
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

/// Throws `InvalidArgument` with the parts joined into one sentence.
[[noreturn]] void refuse(std::initializer_list<Part> parts);

/// Throws `InvalidArgument` with the parts joined into one sentence unless `allowed`. Parts are
/// handed over by value, so that texts of other lengths are not other instances.
template <class... Parts>
void require(bool allowed, Parts... parts) {
  if (!allowed) [[unlikely]] {
    refuse({Part(parts)...});
  }
}

}  // namespace detail

/// Replaces the error handler and returns the one before. The default prints to stderr; in every
/// case the program aborts when the handler returns. Set it before other threads use the library.
ErrorHandler set_error_handler(ErrorHandler handler);

}  // namespace dpm

#if DPM_DEFINE

#  include <charconv>
#  include <cstdio>

#  include "dpm/standard_library.hpp"

namespace dpm {
namespace detail {

inline void print_error(const char* message) { std::fprintf(stderr, "dpm: %s\n", message); }

DPM_INLINE ErrorHandler& error_handler() {
  static ErrorHandler handler = &print_error;
  return handler;
}

DPM_INLINE void Part::append_to(std::string& text) const {
  char digits[64];
  char* const end = digits + sizeof digits;
  if (kind_ == Kind::text) {
    text += as_text;
  } else if (kind_ == Kind::integer) {
    text.append(digits, std::to_chars(digits, end, as_integer).ptr);
  } else if (kind_ == Kind::natural) {
    text.append(digits, std::to_chars(digits, end, as_natural).ptr);
  } else if (kind_ == Kind::single) {
    text.append(digits, write_number(digits, as_single));
  } else {
    text.append(digits, write_number(digits, as_real));
  }
}

DPM_INLINE std::string join(std::initializer_list<Part> parts) {
  std::string text;
  for (const Part& part : parts) part.append_to(text);
  return text;
}

DPM_INLINE void refuse(std::initializer_list<Part> parts) { fail<InvalidArgument>(join(parts)); }

}  // namespace detail

DPM_INLINE ErrorHandler set_error_handler(ErrorHandler handler) {
  const ErrorHandler before = detail::error_handler();
  detail::error_handler() = handler != nullptr ? handler : &detail::print_error;
  return before;
}

}  // namespace dpm

#endif
