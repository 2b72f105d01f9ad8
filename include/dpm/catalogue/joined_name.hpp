// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A sampler's name and a scheduler's in one, as "DPM++ 2M Karras", taken apart.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "dpm/catalogue/sampler.hpp"
#include "dpm/separate.hpp"
#if DPM_DEFINE
#  include <cstddef>

#  include "dpm/catalogue/names.hpp"
#  include "dpm/catalogue/samplers.hpp"
#  include "dpm/catalogue/schedulers.hpp"
#endif

namespace dpm::detail {

/// Refuses a scheduler's name where a sampler's belongs.
void refuse_scheduler_alone(std::string_view name);

/// Refuses a sampler's name where a scheduler's belongs.
void refuse_sampler_as_scheduler(std::string_view name);

/// A joined name: a sampler's, and what is left of it for the scheduler. "Euler a" is one sampler,
/// "Euler AYS" begins with another. A scheduler's name without a space, as "ddim_uniform", is that
/// alone; "DDIM Uniform" is two. Of a name that is not both, refuses the part that is wrong.
[[nodiscard]] std::pair<const Sampler*, std::string> split_name(std::string_view name);

#if DPM_DEFINE

DPM_INLINE void refuse_scheduler_alone(std::string_view name) {
  refuse_absent_scheduler("plan_by_name", name);
  const std::string plain = plain_name(name);
  require(find_row(samplers(), plain) != nullptr || !is_scheduler(plain), "plan_by_name: \"", name,
          "\" is the name of a scheduler; write a sampler before it, as \"euler ", name, "\"");
}

DPM_INLINE void refuse_sampler_as_scheduler(std::string_view name) {
  const std::string plain = plain_name(name);
  require(
      find_row(samplers(), plain) == nullptr || is_scheduler(plain), "plan_by_name: \"", name,
      "\" is the name of a sampler and was given as the scheduler; the sampler comes first, and "
      "then a scheduler, as \"karras\"");
}

/// Where in `name` a word begins with which the plain name's last letters `rest` are written; npos
/// if they begin within a word, as after "Euler A" in "Euler Align".
inline std::size_t where_written(std::string_view name, std::string_view rest) {
  const auto is_letter = [&](std::size_t i) { return !plain_name(name.substr(i, 1)).empty(); };
  for (std::size_t begin = 1; begin < name.size(); ++begin) {
    const bool begins_word = is_letter(begin) && !is_letter(begin - 1);
    if (begins_word && plain_name(name.substr(begin)) == rest) return begin;
  }
  return std::string_view::npos;
}

DPM_INLINE std::pair<const Sampler*, std::string> split_name(std::string_view name) {
  check_length("plan_by_name", "sampler and a scheduler", name);
  refuse_without_row("plan_by_name", name);
  if (name.find(' ') == std::string_view::npos) refuse_scheduler_alone(name);
  const std::string plain = plain_name(name);
  std::pair<const Sampler*, std::string> nearest{nullptr, {}};
  bool ends_a_word = false;
  for (std::size_t length = plain.size(); length > 0; --length) {
    const Sampler* const sampler = find_row(samplers(), plain.substr(0, length));
    if (sampler == nullptr) continue;
    const std::string rest = plain.substr(length);
    if (rest.empty() || is_scheduler(rest)) return {sampler, rest};
    const std::size_t begin = where_written(name, rest);
    const bool is_word = begin != std::string_view::npos;
    if (nearest.first == nullptr || (is_word && !ends_a_word)) {
      nearest = {sampler, is_word ? std::string(name.substr(begin)) : rest};
      ends_a_word = is_word;
    }
  }
  refuse_scheduler_alone(name);
  for (std::size_t begin = 1; begin < plain.size(); ++begin) {
    const std::string rest = plain.substr(begin);
    if (!is_scheduler(rest)) continue;
    const std::size_t end = where_written(name, rest);
    const bool is_word = end != std::string_view::npos;
    std::string_view wrong =
        is_word ? name.substr(0, end) : std::string_view(plain).substr(0, begin);
    wrong = wrong.substr(0, wrong.find_last_not_of(" -_,/") + 1);
    (void)named_sampler("plan_by_name", wrong);
  }
  if (nearest.first != nullptr) {
    const auto distance = [](const std::string& part, const auto& rows) {
      return name_distance(plain_name(part), plain_name(nearest_name(part, names_of(rows))));
    };
    const bool sampler_is_nearer =
        distance(plain, samplers()) <= distance(nearest.second, schedulers());
    if (!sampler_is_nearer) return nearest;  // whose scheduler is refused
  }
  return {&named_sampler("plan_by_name", name), {}};  // which refuses it
}

#endif

}  // namespace dpm::detail
