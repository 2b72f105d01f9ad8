// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Finding a name as people write it: case and punctuation do not count, near misses are named.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dpm/error.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <algorithm>
#  include <numeric>
#  include <utility>
#endif

namespace dpm::detail {

/// The letters and digits of a name in lower case, with "++" as "pp": "DPM++ 2M" is "dpmpp2m".
[[nodiscard]] std::string plain_name(std::string_view name);

/// How many letters must be put in, taken out or replaced to make one name of the other
/// (Levenshtein's distance). Cost: the product of the lengths.
[[nodiscard]] std::size_t name_distance(std::string_view a, std::string_view b);

/// The name of a list that is nearest to `wanted`, the first of them.
[[nodiscard]] std::string nearest_name(std::string_view wanted, std::span<const std::string> names);

/// The three names nearest to `wanted`, as one phrase: "a, b or c".
[[nodiscard]] std::string nearest_names(std::string_view wanted,
                                        std::span<const std::string> names);

/// Refuses a name that is too long to be one: the search for near ones would take its time.
/// `caller` is the function that was given it, `what` what it names.
void check_length(const char* caller, const char* what, std::string_view name);

/// Refuses a name that is none of a list's, with the nearest ones.
[[noreturn]] void refuse_name(const char* caller, const char* what, std::string_view name,
                              std::span<const std::string> known);

/// The row whose name, label or alias is `plain`, a plain name, with or without the "sample_" or
/// "k_" before it; null if there is none.
template <class Row>
const Row* find_row(std::span<const Row> rows, std::string_view name) {
  std::string plain = plain_name(name);
  const auto is = [&](const std::string& known) {
    return !known.empty() && plain_name(known) == plain;
  };
  for (const std::string_view prefix : {"", "sample", "k"}) {
    if (!plain.starts_with(prefix)) continue;
    const std::string whole = plain;
    plain = plain.substr(prefix.size());
    for (const Row& row : rows) {
      if (is(row.name) || is(row.label)) return &row;
      for (const std::string& alias : row.aliases) {
        if (is(alias)) return &row;
      }
    }
    plain = whole;
  }
  return nullptr;
}

/// All names, labels and aliases of the rows.
template <class Row>
std::vector<std::string> names_of(std::span<const Row> rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) {
    names.push_back(row.name);
    if (!row.label.empty()) names.push_back(row.label);
    names.insert(names.end(), row.aliases.begin(), row.aliases.end());
  }
  return names;
}

/// The row of that name, or a refusal with the three nearest names.
template <class Row>
const Row& row_by_name(const char* caller, std::span<const Row> rows, const char* what,
                       std::string_view name) {
  check_length(caller, what, name);
  if (const Row* row = find_row(rows, name)) return *row;
  std::vector<std::string> known;  // of each row the nearest name
  for (const Row& row : rows) known.push_back(nearest_name(name, names_of(std::span(&row, 1))));
  refuse_name(caller, what, name, known);
}

#if DPM_DEFINE

DPM_INLINE std::string plain_name(std::string_view name) {
  std::string plain;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c >= 'A' && c <= 'Z') {
      plain += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      plain += c;
    } else if (c == '+' && i + 1 < name.size() && name[i + 1] == '+') {
      plain += "pp";
      ++i;
    }
  }
  return plain;
}

DPM_INLINE std::size_t name_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

DPM_INLINE std::string nearest_name(std::string_view wanted, std::span<const std::string> names) {
  const std::string plain = plain_name(wanted);
  return *std::min_element(names.begin(), names.end(), [&](const auto& a, const auto& b) {
    return name_distance(plain, plain_name(a)) < name_distance(plain, plain_name(b));
  });
}

DPM_INLINE std::string nearest_names(std::string_view wanted, std::span<const std::string> names) {
  const std::string plain = plain_name(wanted);
  std::vector<std::pair<std::size_t, std::size_t>> order;
  for (std::size_t i = 0; i < names.size(); ++i) {
    order.emplace_back(name_distance(plain, plain_name(names[i])), i);
  }
  std::sort(order.begin(), order.end());
  std::string phrase;
  const std::size_t count = std::min<std::size_t>(3, order.size());
  for (std::size_t k = 0; k < count; ++k) {
    if (k > 0) phrase += k + 1 == count ? " or " : ", ";
    phrase += names[order[k].second];
  }
  return phrase;
}

DPM_INLINE void check_length(const char* caller, const char* what, std::string_view name) {
  require(name.size() <= 100, caller, ": the name of a ", what, " has ", name.size(),
          " letters; it must have at most 100");
}

DPM_INLINE void refuse_name(const char* caller, const char* what, std::string_view name,
                            std::span<const std::string> known) {
  refuse({caller, ": no ", what, " is called \"", name, "\"; the nearest names are ",
          nearest_names(name, known)});
}

#endif

}  // namespace dpm::detail
