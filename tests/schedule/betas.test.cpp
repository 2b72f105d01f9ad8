// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The tables of betas, against their definitions.
#include "dpm/schedule/betas.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dpm/schedule/discrete.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace betas_test {

using namespace dpm_test;

TEST_CASE("beta builders follow their definitions") {
  const std::vector<double> linear = dpm::linear_betas();
  const std::vector<double> scaled = dpm::scaled_linear_betas();
  REQUIRE(linear.size() == 1000);
  REQUIRE(scaled.size() == 1000);
  CHECK(linear.front() == 1e-4);
  CHECK(linear.back() == 0.02);
  CHECK_THAT(linear[333], WithinRel(1e-4 + (0.02 - 1e-4) / 3, 1e-15));
  CHECK_THAT(scaled.front(), WithinRel(0.00085, 1e-15));
  CHECK_THAT(scaled.back(), WithinRel(0.012, 1e-15));
  const double third = (2 * std::sqrt(0.00085) + std::sqrt(0.012)) / 3;
  CHECK_THAT(scaled[333], WithinRel(third * third, 1e-15));
  CHECK_THAT(dpm::linear_betas(3, 0.2, 0.4)[1], WithinRel(0.3, 1e-15));
  CHECK(dpm::linear_betas(1, 0.25, 0.5) == std::vector<double>{0.25});

  // Computed with 60 decimal digits from the defining formulas.
  const std::vector<double> cosine = dpm::cosine_betas();
  REQUIRE(cosine.size() == 1000);
  for (const auto& [i, beta] :
       std::vector<std::pair<std::size_t, double>>{{0, 0.000041284224821777803149},
                                                   {1, 0.000046141752736694509226},
                                                   {10, 0.000089871362453064768708},
                                                   {499, 0.0031458862304781963537},
                                                   {500, 0.0031556914415850029081},
                                                   {900, 0.019741855872433874214},
                                                   {997, 0.55555375674156284785},
                                                   {998, 0.74999939290116202778},
                                                   {999, 0.999}}) {
    CAPTURE(i);
    CHECK_THAT(cosine[i], WithinRel(beta, 4e-15));
  }
  CHECK(dpm::cosine_betas(10, 0.2).back() == 0.2);

  const std::vector<double> sigmoid = dpm::sigmoid_betas();
  REQUIRE(sigmoid.size() == 1000);
  for (const auto& [i, beta] :
       std::vector<std::pair<std::size_t, double>>{{0, 0.00014920520081703201506},
                                                   {250, 0.001046478294700143668},
                                                   {500, 0.01007987979006101589},
                                                   {999, 0.019950794799182968406}}) {
    CAPTURE(i);
    CHECK_THAT(sigmoid[i], WithinRel(beta, 4e-15));
  }
}

TEST_CASE("the zero-terminal-SNR rescale shifts and scales the roots of the products") {
  const std::vector<double> four = dpm::rescale_zero_terminal_snr(std::vector{0.1, 0.2, 0.3, 0.4});
  REQUIRE(four.size() == 4);
  CHECK(four[0] == 0.1);
  CHECK_THAT(four[1], WithinRel(0.43923500712606821547, 4e-15));
  CHECK_THAT(four[2], WithinRel(0.71284514442911763484, 4e-15));
  CHECK(four[3] == 1.0);

  // Computed with 60 decimal digits from Algorithm 1 as it is printed.
  struct Row {
    std::size_t index;
    double beta, alpha;
  };
  const std::vector<double> betas = dpm::rescale_zero_terminal_snr(dpm::scaled_linear_betas());
  const dpm::DiscreteSchedule schedule(betas);
  for (const Row& row :
       {Row{0, 0.00084999999999999995264, 0.99957490964909678451},
        Row{1, 0.0009173335933719810991, 0.99911633263608616936},
        Row{500, 0.0055305677844824241597, 0.49093663823075576047},
        Row{900, 0.023962154827058808969, 0.054409497524792651119},
        Row{990, 0.19366257480435471824, 0.0040657580230355732807},
        Row{998, 0.75113700417650247034, 0.00044360884308376753713}, Row{999, 1.0, 0.0}}) {
    CAPTURE(row.index);
    CHECK_THAT(betas[row.index], WithinRel(row.beta, 2e-14));
    CHECK_THAT(schedule.level(schedule.time_of_index(row.index)).alpha(),
               WithinRel(row.alpha, 2e-14));
  }

  const std::vector<double> twice = dpm::rescale_zero_terminal_snr(betas);
  for (std::size_t i = 0; i < betas.size(); ++i) {
    CHECK_THAT(twice[i], WithinRel(betas[i], 1e-13));
  }
}

TEST_CASE("the zero-terminal-SNR rescale checks its betas") {
  refused([] { (void)dpm::rescale_zero_terminal_snr(std::vector<double>{0.5}); },
          "rescale_zero_terminal_snr needs at least 2 betas and has 1");
  refused([] { (void)dpm::rescale_zero_terminal_snr(std::vector<double>{}); },
          "betas must not be empty");
  refused(
      [] {
        (void)dpm::rescale_zero_terminal_snr(std::vector{0.5, 2.0, 0.5});
      },
      "betas[1] must be in (0, 1) and is 2");
}

TEST_CASE("betas that fall from the first to the last are refused") {
  const std::string advice =
      "; noise variances rise, so turn round a table that begins with the noise, and give "
      "cumulative products of 1 - beta to DiscreteSchedule::from_alphas_cumprod";
  // A table that begins with the noise.
  const std::vector<double> linear = dpm::linear_betas(1000);
  const std::vector<double> turned(linear.rbegin(), linear.rend());
  refused([&] { (void)dpm::DiscreteSchedule(turned); }, "betas fall from 0.02 to 1e-04" + advice);
  refused([&] { (void)dpm::rescale_zero_terminal_snr(turned); },
          "betas fall from 0.02 to 1e-04" + advice);
  // Cumulative products of 1 - beta, as betas.
  std::vector<double> products;
  for (const double beta : {0.25, 0.5, 0.5}) {
    products.push_back((products.empty() ? 1.0 : products.back()) * (1.0 - beta));
  }
  refused([&] { (void)dpm::DiscreteSchedule(products); },
          "betas fall from 0.75 to 0.1875" + advice);
  REQUIRE(dpm::DiscreteSchedule<double>::from_alphas_cumprod(products).size() == 3);
  // Betas that are equal, or that fall in between, are a table.
  REQUIRE(dpm::DiscreteSchedule(std::vector<double>(5, 0.1)).size() == 5);
  REQUIRE(dpm::DiscreteSchedule(std::vector{0.1, 0.3, 0.2, 0.15}).size() == 4);
  // And betas as cumulative products are refused too.
  REQUIRE_THROWS_WITH(dpm::DiscreteSchedule<double>::from_alphas_cumprod(linear),
                      mentions("alphas_cumprod[1] must be in (0, "));
}

TEST_CASE("beta builders check their arguments") {
  refused([] { (void)dpm::linear_betas(0); }, "the number of betas must be at least 1 and is 0");
  refused([] { (void)dpm::scaled_linear_betas(0); },
          "the number of betas must be at least 1 and is 0");
  refused([] { (void)dpm::sigmoid_betas(0); }, "the number of betas must be at least 1 and is 0");
  refused([] { (void)dpm::cosine_betas(0); }, "the number of betas must be at least 1 and is 0");
  // As of a count of -1 that became unsigned.
  const std::string too_many = "the number of betas must be at most 10000000 and is " +
                               std::to_string(std::numeric_limits<std::size_t>::max());
  constexpr auto minus_one = static_cast<std::size_t>(-1);
  refused([] { (void)dpm::linear_betas(minus_one); }, too_many);
  refused([] { (void)dpm::scaled_linear_betas(minus_one); }, too_many);
  refused([] { (void)dpm::sigmoid_betas(minus_one); }, too_many);
  refused([] { (void)dpm::cosine_betas(minus_one); }, too_many);
  refused([] { (void)dpm::linear_betas(10, 0.0, 0.5); },
          "the first beta must be in (0, 1) and is 0");
  refused([] { (void)dpm::scaled_linear_betas(10, -0.5, 0.5); },
          "the first beta must be in (0, 1) and is -0.5");
  refused([] { (void)dpm::sigmoid_betas(10, not_a_number, 0.5); },
          "the first beta must be in (0, 1) and is nan");
  refused([] { (void)dpm::linear_betas(10, 0.5, 0.25); },
          "the last beta must be in [0.5, 1) and is 0.25");
  refused([] { (void)dpm::scaled_linear_betas(10, 0.5, 1.0); },
          "the last beta must be in [0.5, 1) and is 1");
  refused([] { (void)dpm::cosine_betas(10, 0.0); }, "max_beta must be in (0, 1) and is 0");
  refused([] { (void)dpm::cosine_betas(10, 1.0); }, "max_beta must be in (0, 1) and is 1");
}

TEST_CASE("shift_snr divides the signal-to-noise ratio") {
  const std::vector<double> table{1.0, 0.9991, 0.6, 0.25, 1e-7, 0.0};
  for (const double scale : {0.5, 1.0, 3.0}) {
    const std::vector<double> shifted = dpm::shift_snr(table, scale);
    REQUIRE(shifted.size() == table.size());
    for (std::size_t i = 0; i < table.size(); ++i) {
      CAPTURE(scale, i);
      // The form of CogVideoX's code.
      const double a = table[i];
      CHECK_THAT(shifted[i], WithinRel(a / (scale + (1 - scale) * a), 1e-14));
      if (a == 1.0 || a == 0.0) {
        CHECK(shifted[i] == a);
      } else {
        CHECK_THAT(shifted[i] / (1 - shifted[i]), WithinRel(a / (1 - a) / scale, 1e-12));
      }
    }
    CHECK(dpm::shift_snr(table, 1.0) == table);
  }
  CHECK(dpm::shift_snr(std::vector<float>{0.5F}, 3.0)[0] == 0.25F);
}

TEST_CASE("shift_snr refuses a scale and entries out of range") {
  const std::vector<double> table{0.9, 0.5};
  refused([&] { (void)dpm::shift_snr(table, 0.0); },
          "shift_snr: scale must be in (0, inf) and is 0");
  refused([&] { (void)dpm::shift_snr(table, -3.0); },
          "shift_snr: scale must be in (0, inf) and is -3");
  refused([&] { (void)dpm::shift_snr(table, infinity); },
          "shift_snr: scale must be in (0, inf) and is inf");
  refused([&] { (void)dpm::shift_snr(table, not_a_number); },
          "shift_snr: scale must be in (0, inf) and is nan");
  refused(
      [] {
        (void)dpm::shift_snr(std::vector<double>{0.9, -0.1}, 3.0);
      },
      "shift_snr: alphas_cumprod[1] must be in [0, 1] and is -0.1");
  refused([] { (void)dpm::shift_snr(std::vector<double>{1.5}, 3.0); },
          "shift_snr: alphas_cumprod[0] must be in [0, 1] and is 1.5");
  refused([] { (void)dpm::shift_snr(std::vector<double>{not_a_number}, 3.0); },
          "shift_snr: alphas_cumprod[0] must be in [0, 1] and is nan");
}

}  // namespace betas_test
