// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// `std::bit_cast`, and `std::to_chars` of float and double, which older standard libraries lack
/// (libc++ 13, emscripten 3.1).
#pragma once

#include <version>

#include "dpm/separate.hpp"

// DPM_OLD_STANDARD_LIBRARY makes a test use what stands in for them. `std::bit_cast` is not there
// on a GPU.
#if defined(__cpp_lib_bit_cast) && !defined(DPM_OLD_STANDARD_LIBRARY) && !defined(__CUDACC__)
#  define DPM_HAS_BIT_CAST 1
#  include <bit>
#else
#  define DPM_HAS_BIT_CAST 0
#endif

namespace dpm::detail {

#if DPM_HAS_BIT_CAST
using std::bit_cast;
#else
template <class To, class From>
DPM_DEVICE constexpr To bit_cast(const From& from) {
  return __builtin_bit_cast(To, from);
}
#endif

/// Writes the shortest text that reads back as `value`, as `std::to_chars` does; a NaN has no sign.
/// Returns the end of the text, which has at most 32 characters.
char* write_number(char* to, float value);
char* write_number(char* to, double value);

}  // namespace dpm::detail

#if DPM_DEFINE

#  include <charconv>
#  include <cstring>

#  if !defined(__cpp_lib_to_chars) || defined(DPM_OLD_STANDARD_LIBRARY)
#    include <algorithm>
#    include <cmath>
#    include <cstdio>
#    include <cstdlib>
#    include <string_view>
#  endif

namespace dpm::detail {

#  if defined(__cpp_lib_to_chars) && !defined(DPM_OLD_STANDARD_LIBRARY)

template <class Real>
char* write_shortest(char* to, Real value) {
  return std::to_chars(to, to + 32, value).ptr;
}

#  else

inline void read_number(const char* text, float& value) { value = std::strtof(text, nullptr); }
inline void read_number(const char* text, double& value) { value = std::strtod(text, nullptr); }

inline char* append(char* to, std::string_view text) {
  return std::copy(text.begin(), text.end(), to);
}

/// The fewest digits that read back as `value`, in fixed or scientific notation, whichever is
/// shorter. In fixed notation a whole number has all its digits.
template <class Real>
char* write_shortest(char* to, Real value) {
  if (std::signbit(value)) *to++ = '-';
  value = std::abs(value);
  if (std::isinf(value)) return append(to, "inf");
  char text[48];
  char* e = nullptr;
  Real read{};
  for (int precision = 0; precision == 0 || read != value; ++precision) {
    std::snprintf(text, sizeof text, "%.*e", precision, static_cast<double>(value));
    e = std::strchr(text, 'e');
    read_number(text, read);
    // Above a power of two lies twice the room that is below: a greater digit may do.
    if (read != value && e[-1] != '9') {
      ++e[-1];
      read_number(text, read);
    }
  }
  char digits[48];
  // The point depends on the locale.
  char* const end = std::copy_if(text, e, digits, [](char c) { return c >= '0' && c <= '9'; });
  const std::string_view all(digits, static_cast<std::size_t>(end - digits));
  const int count = static_cast<int>(end - digits);
  const int exponent = std::atoi(e + 1);
  const bool whole = count <= exponent + 1;
  int length = whole ? exponent + 1 : count + 1;
  if (exponent < 0) length -= exponent;  // "0." and zeros before the digits
  const int scientific = count + static_cast<int>(count > 1) + static_cast<int>(std::strlen(e));
  if (length > scientific) {
    to = append(to, all.substr(0, 1));
    if (count > 1) to = append(append(to, "."), all.substr(1));
    return append(to, e);
  }
  if (whole) return to + std::snprintf(to, 32, "%.0f", static_cast<double>(value));
  if (exponent < 0) return append(std::fill_n(append(to, "0."), -exponent - 1, '0'), all);
  const auto before_point = static_cast<std::size_t>(exponent + 1);
  return append(append(append(to, all.substr(0, before_point)), "."), all.substr(before_point));
}

#  endif

template <class Real>
char* write_real(char* to, Real value) {
  if (value == value) return write_shortest(to, value);
  for (const char* letter = "nan"; *letter != '\0'; ++letter) *to++ = *letter;
  return to;
}

DPM_INLINE char* write_number(char* to, float value) { return write_real(to, value); }
DPM_INLINE char* write_number(char* to, double value) { return write_real(to, value); }

}  // namespace dpm::detail

#endif
