// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Names as people write them: case and punctuation do not count, near misses are named.
#include "dpm/catalogue/names.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

#include "dpm/catalogue/samplers.hpp"
#include "dpm/catalogue/schedulers.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace names_test {

using namespace dpm_test;
using dpm::detail::find_row;
using dpm::detail::plain_name;

namespace {

std::string in_capitals(std::string name) {
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return name;
}

/// The name with other punctuation between its words.
std::string with_punctuation(const std::string& name, const std::string& between) {
  std::string other;
  for (const char c : name) {
    if (c == '_' || c == ' ' || c == '-') {
      other += between;
    } else {
      other += c;
    }
  }
  return other;
}

template <class Row>
void check_that_every_name_finds_its_row(std::span<const Row> rows) {
  for (const Row& row : rows) {
    for (const std::string& name : dpm::detail::names_of(std::span(&row, 1))) {
      CAPTURE(name);
      CHECK(find_row(rows, name) == &row);
      CHECK(find_row(rows, in_capitals(name)) == &row);
      CHECK(find_row(rows, "sample_" + name) == &row);
      CHECK(find_row(rows, "k_" + name) == &row);
      for (const char* const between : {"", " ", "-", "_", ". "}) {
        CHECK(find_row(rows, with_punctuation(name, between)) == &row);
      }
    }
  }
}

template <class Row>
void check_that_no_name_is_twice(std::span<const Row> rows) {
  std::map<std::string, const Row*> seen;
  for (const Row& row : rows) {
    for (const std::string& name : dpm::detail::names_of(std::span(&row, 1))) {
      CAPTURE(name, row.name);
      CHECK_FALSE(plain_name(name).empty());
      CHECK(seen.emplace(plain_name(name), &row).first->second == &row);
    }
  }
}

}  // namespace

TEST_CASE("A plain name has small letters and digits alone and reads two pluses as pp") {
  CHECK(plain_name("DPM++ 2M SDE") == "dpmpp2msde");
  CHECK(plain_name("dpm++2m_sde") == "dpmpp2msde");
  CHECK(plain_name("dpmpp_2m_sde") == "dpmpp2msde");
  CHECK(plain_name("Euler CFG++") == "eulercfgpp");
  CHECK(plain_name("+ +_- .\t").empty());
  CHECK(plain_name("a+b+") == "ab");
  CHECK(plain_name("+++") == "pp");
}

TEST_CASE("Letters beyond ASCII are left out of a plain name") {
  CHECK(plain_name("Eul\xc3\xa9r") == "eulr");
}

TEST_CASE("The distance of two names counts letters put in, taken out and replaced") {
  using dpm::detail::name_distance;
  CHECK(name_distance("", "") == 0);
  CHECK(name_distance("", "abc") == 3);
  CHECK(name_distance("abc", "") == 3);
  CHECK(name_distance("euler", "euler") == 0);
  CHECK(name_distance("kitten", "sitting") == 3);
  CHECK(name_distance("flaw", "lawn") == 2);
  CHECK(name_distance("ab", "ba") == 2);
}

TEST_CASE("The nearest names are three, the nearest first, with or between the last two") {
  using dpm::detail::nearest_names;
  const std::vector<std::string> names{"heun", "euler", "euler_a", "lms", "ddim"};
  CHECK(nearest_names("Eulr", names) == "euler, euler_a or heun");
  CHECK(nearest_names("x", std::span(names).first(2)) == "heun or euler");
  CHECK(nearest_names("x", std::span(names).first(1)) == "heun");
  CHECK(dpm::detail::nearest_name("Eulr", names) == "euler");
}

TEST_CASE("Every name of every sampler finds its row in any case and punctuation") {
  check_that_every_name_finds_its_row(dpm::samplers());
}

TEST_CASE("Every name of every scheduler finds its row in any case and punctuation") {
  check_that_every_name_finds_its_row(dpm::schedulers());
}

TEST_CASE("No two samplers and no two schedulers share a name") {
  check_that_no_name_is_twice(dpm::samplers());
  check_that_no_name_is_twice(dpm::schedulers());
}

TEST_CASE("Names that programs show find the row that is meant") {
  const auto sampler = [](const char* name) { return dpm::sampler_by_name(name).name; };
  CHECK(sampler("DPM++ 2M") == "dpmpp_2m");
  CHECK(sampler("dpmpp 2m") == "dpmpp_2m");
  CHECK(sampler("dpm++2m") == "dpmpp_2m");
  CHECK(sampler("k_dpmpp_2m") == "dpmpp_2m");
  CHECK(sampler("sample_euler") == "euler");
  CHECK(sampler("EULER A") == "euler_ancestral");
  CHECK(sampler("euler_a") == "euler_ancestral");
  CHECK(sampler("dpm++2s_a") == "dpmpp_2s_ancestral");
  CHECK(sampler("dpm2") == "dpm_2");
  CHECK(sampler("DPM++ 2M SDE Heun") == "dpmpp_2m_sde_heun");
  const auto scheduler = [](const char* name) { return dpm::scheduler_by_name(name).name; };
  CHECK(scheduler("SGM Uniform") == "sgm_uniform");
  CHECK(scheduler("Align Your Steps") == "ays_a1111");
  CHECK(scheduler("AYS") == "ays");
  CHECK(scheduler("KL Optimal (A1111)") == "kl_optimal_a1111");
  CHECK(scheduler("discrete") == "normal");
  CHECK(scheduler("KL-optimal") == "kl_optimal");
}

TEST_CASE("A name of no row is answered with the three nearest of other rows") {
  refused([] { (void)dpm::sampler_by_name("eulr"); },
          "sampler_by_name: no sampler is called \"eulr\"; the nearest names are euler, Euler a or "
          "heun");
  refused(
      [] { (void)dpm::sampler_by_name("DPM++ 2N"); },
      "sampler_by_name: no sampler is called \"DPM++ 2N\"; the nearest names are dpmpp_2m, DPM++ "
      "2S a or dpm_2");
  refused([] { (void)dpm::scheduler_by_name("kerras"); },
          "scheduler_by_name: no scheduler is called \"kerras\"; the nearest names are karras, "
          "normal or beta");
}

TEST_CASE("A name that is far too long is refused at once") {
  const std::string name(1'000'000, 'e');
  refused([&] { (void)dpm::sampler_by_name(name); },
          "sampler_by_name: the name of a sampler has 1000000 letters; it must have at most 100");
  refused(
      [&] { (void)dpm::scheduler_by_name(name); },
      "scheduler_by_name: the name of a scheduler has 1000000 letters; it must have at most 100");
}

TEST_CASE("An empty name is refused as a name of nothing") {
  REQUIRE_THROWS_WITH(dpm::sampler_by_name(""), mentions("no sampler is called \"\""));
  REQUIRE_THROWS_WITH(dpm::scheduler_by_name("++"), mentions("no scheduler is called \"++\""));
  REQUIRE_THROWS_WITH(dpm::sampler_by_name("k_"), mentions("no sampler is called \"k_\""));
}

}  // namespace names_test
