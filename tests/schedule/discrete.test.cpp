// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Schedules of a table: values, timesteps, rates, refusals.
#include "dpm/schedule/discrete.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dpm/schedule/betas.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace discrete_test {

using namespace dpm_test;

namespace {

/// log(s) of the ratio s = sigma / alpha is -lambda.
double ratio(const dpm::Level& level) { return std::exp(-level.lambda()); }

}  // namespace

TEST_CASE("a discrete schedule keeps the digits of its sums") {
  // Computed with 60 decimal digits from the defining formulas.
  const dpm::DiscreteSchedule discrete(dpm::linear_betas());
  for (const auto& [index, log_alpha] :
       std::vector<std::pair<std::size_t, double>>{{0, -0.000050002500166679170063},
                                                   {1, -0.00010996605561088719409},
                                                   {11, -0.0012575033130551401322},
                                                   {12, -0.0014270515759390898096},
                                                   {499, -1.2717729485114104276},
                                                   {999, -5.0588567712065520534}}) {
    CAPTURE(index);
    CHECK_THAT(discrete.level(discrete.time_of_index(index)).log_alpha,
               WithinRel(log_alpha, 1e-14));
  }
}

TEST_CASE("tables stored in single precision give the known noise ratios") {
  // What is in circulation was computed from float betas: 1 - beta in float, the product in double,
  // each entry rounded to float. The published digits of s = sigma / alpha belong to that table.
  struct Row {
    std::string name;
    std::vector<double> betas;
    double first_ratio, first_half_digit, last_ratio, last_half_digit, last_lambda;
  };
  for (const Row& row :
       {Row{"linear", dpm::linear_betas(1000, 1e-4, 0.02), 0.0100013, 5e-8, 157.407, 5e-4, -5.059},
        Row{"scaled linear", dpm::scaled_linear_betas(1000, 0.00085, 0.012), 0.0291675, 5e-8,
            14.61465, 5e-6, -2.682},
        Row{"cosine", dpm::cosine_betas(1000), 0.00642711, 5e-9, 20291.3, 0.05, -9.918}}) {
    CAPTURE(row.name);
    std::vector<double> alphas_cumprod;
    alphas_cumprod.reserve(row.betas.size());
    double product = 1.0;
    for (const double beta : row.betas) {
      product *= static_cast<double>(1.0F - static_cast<float>(beta));
      alphas_cumprod.push_back(static_cast<double>(static_cast<float>(product)));
    }
    const auto single = dpm::DiscreteSchedule<>::from_alphas_cumprod(alphas_cumprod);
    CHECK_THAT(ratio(single.level(0.001)), WithinAbs(row.first_ratio, row.first_half_digit));
    CHECK_THAT(ratio(single.level(1.0)), WithinAbs(row.last_ratio, row.last_half_digit));
    CHECK_THAT(single.level(1.0).lambda(), WithinAbs(row.last_lambda, 5e-4));

    const dpm::DiscreteSchedule full(row.betas);
    // Two roundings to float, of 2^-25 each, move s^2 = beta / (1 - beta) at the first entry.
    CHECK_THAT(ratio(full.level(0.001)), WithinRel(row.first_ratio, 0x1p-25 / row.betas[0]));
    CHECK_THAT(ratio(full.level(1.0)), WithinRel(row.last_ratio, 1000 * 0x1p-26));
  }
}

TEST_CASE("betas and their cumulative products make the same schedule") {
  const std::vector<double> betas = dpm::scaled_linear_betas();
  std::vector<double> alphas_cumprod;
  double product = 1.0;
  for (const double beta : betas) alphas_cumprod.push_back(product *= 1.0 - beta);
  const dpm::DiscreteSchedule from_betas(betas);
  const auto from_products = dpm::DiscreteSchedule<>::from_alphas_cumprod(alphas_cumprod);
  REQUIRE(from_betas.size() == 1000);
  REQUIRE(from_products.size() == 1000);
  for (std::size_t i = 0; i < 1000; ++i) {
    const double time = from_betas.time_of_index(i);
    CAPTURE(i);
    CHECK_THAT(from_products.level(time).log_alpha,
               WithinRel(from_betas.level(time).log_alpha, 1e-12));
    CHECK_THAT(from_products.level(time).alpha(), WithinRel(std::sqrt(alphas_cumprod[i]), 1e-15));
  }
}

TEST_CASE("a discrete schedule is linear in log alpha between its times") {
  const std::vector<double> betas{0.1, 0.3, 0.5, 0.9};
  const dpm::DiscreteSchedule schedule(betas);
  double left = 0.0;
  for (std::size_t i = 0; i < betas.size(); ++i) {
    const double right = left + std::log(1 - betas[i]) / 2;
    for (const double part : {0.0, 0.25, 0.8, 1.0}) {
      const double time = (static_cast<double>(i) + part) / 4;
      CAPTURE(i, part);
      CHECK_THAT(schedule.level(time).log_alpha, WithinAbs(left + part * (right - left), 4e-16));
    }
    left = right;
  }
}

TEST_CASE("a table can be a vector, an array, a span or another schedule") {
  const std::array<double, 3> array{0.1, 0.2, 0.3};
  const std::vector<double> vector(array.begin(), array.end());
  const dpm::DiscreteSchedule from_array(array);
  const dpm::DiscreteSchedule from_vector(vector, dpm::TimestepType::discrete);
  const dpm::DiscreteSchedule from_span(std::span<const double>{vector});
  const dpm::DiscreteSchedule copy(from_array);
  static_assert(std::is_same_v<decltype(copy), const dpm::DiscreteSchedule<double>>);
  static_assert(std::is_same_v<decltype(dpm::DiscreteSchedule(dpm::linear_betas<float>())),
                               dpm::DiscreteSchedule<float>>);
  CHECK(from_vector.level(0.4).log_alpha == from_array.level(0.4).log_alpha);
  CHECK(from_span.level(0.4) == from_array.level(0.4));
  CHECK(copy.level(0.4) == from_array.level(0.4));
}

TEST_CASE("a discrete schedule runs from its first entry to 1") {
  CHECK(dpm::DiscreteSchedule(dpm::linear_betas(250)).first_time() == 1.0 / 250);
  CHECK(dpm::DiscreteSchedule(dpm::linear_betas(250)).last_time() == 1.0);
  CHECK(dpm::DiscreteSchedule(dpm::linear_betas(250)).size() == 250);
}

TEST_CASE("a discrete schedule gives the timesteps that its model was trained with") {
  const std::vector<double> betas = dpm::linear_betas();
  const dpm::DiscreteSchedule continuous(betas);
  const dpm::DiscreteSchedule index(betas, dpm::TimestepType::discrete);
  for (std::size_t i = 0; i < betas.size(); ++i) {
    CAPTURE(i);
    const double time = continuous.time_of_index(i);
    CHECK(time == static_cast<double>(i + 1) / 1000);
    CHECK(continuous.level(time).timestep == static_cast<double>(i));  // exactly, at N = 1000
    CHECK(index.level(time).timestep == static_cast<double>(i));
  }
  for (const double time : {0.0015, 0.01234, 0.5, 0.98765}) {
    CHECK_THAT(continuous.level(time).timestep, WithinAbs(1000 * (time - 0.001), 1e-12));
  }
  CHECK(continuous.level(0.0).timestep == 0.0);
  CHECK(continuous.level(0.0004).timestep == 0.0);
  CHECK(index.level(0.0).timestep == 0.0);
  CHECK(index.level(0.0014).timestep == 0.0);
  CHECK(index.level(0.0016).timestep == 1.0);
  CHECK(index.level(0.9996).timestep == 999.0);

  // Other table sizes: the continuous timestep still counts thousandths, the index counts entries.
  const std::vector<double> four{0.1, 0.2, 0.3, 0.4};
  const auto products = std::vector<double>{0.9, 0.7, 0.5, 0.3};
  CHECK(dpm::DiscreteSchedule(four).level(0.5).timestep == 250.0);
  CHECK(dpm::DiscreteSchedule(four, dpm::TimestepType::discrete).level(0.5).timestep == 1.0);
  CHECK(dpm::DiscreteSchedule<>::from_alphas_cumprod(products).level(1.0).timestep == 750.0);
  CHECK(dpm::DiscreteSchedule<>::from_alphas_cumprod(products, dpm::TimestepType::discrete)
            .level(1.0)
            .timestep == 3.0);
}

TEST_CASE("tables are checked entry by entry") {
  const auto betas = [](const std::vector<double>& table) {
    return [=] { (void)dpm::DiscreteSchedule(table); };
  };
  refused(betas({}), "betas must not be empty");
  refused(betas({0.0, 0.5}), "betas[0] must be in (0, 1) and is 0");
  refused(betas({0.5, -0.5, 0.5}), "betas[1] must be in (0, 1) and is -0.5");
  refused(betas({0.5, 1.0, 0.5}), "betas[1] must be in (0, 1) and is 1");
  refused(betas({0.5, 1.5}), "betas[1] must be in (0, 1] and is 1.5");
  refused(betas({0.5, not_a_number}), "betas[1] must be in (0, 1] and is nan");

  const auto products = [](const std::vector<double>& table) {
    return [=] { (void)dpm::DiscreteSchedule<>::from_alphas_cumprod(table); };
  };
  refused(products({}), "alphas_cumprod must not be empty");
  refused(products({1.0, 0.5}), "alphas_cumprod[0] must be in (0, 1) and is 1");
  refused(products({0.5, 0.75, 0.25}), "alphas_cumprod[1] must be in (0, 0.5) and is 0.75");
  refused(products({0.5, 0.5}), "alphas_cumprod[1] must be in [0, 0.5) and is 0.5");
  refused(products({0.5, 0.0, 0.0}), "alphas_cumprod[1] must be in (0, 0.5) and is 0");
  refused(products({0.5, -0.25}), "alphas_cumprod[1] must be in [0, 0.5) and is -0.25");
  refused(products({0.5, not_a_number}), "alphas_cumprod[1] must be in [0, 0.5) and is nan");
}

TEST_CASE("a table's rate is the slope of the cell that ends at the time") {
  for (const std::size_t size : std::vector<std::size_t>{1000, 250, 25, 7}) {
    const std::vector<double> betas = dpm::linear_betas(size, 0.001, 0.3);
    const dpm::DiscreteSchedule schedule(betas);
    for (std::size_t i = 0; i < size; ++i) {
      CAPTURE(size, i);
      const double slope = static_cast<double>(size) * std::log1p(-betas[i]) / 2;
      const double end = schedule.time_of_index(i);
      const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(size);
      // The table holds sums, of up to 82 with an ulp of 1.4e-14: 3e-11 of the least difference.
      CHECK_THAT(schedule.rate(middle).d_log_alpha, WithinRel(slope, 1e-10));
      CHECK_THAT(schedule.rate(end).d_log_alpha, WithinRel(slope, 1e-10));
    }
  }
}

TEST_CASE("in the last cell before pure noise alpha falls linearly") {
  const dpm::DiscreteSchedule schedule(std::vector<double>{0.1, 0.2, 0.3, 1.0});
  for (const double time : {0.8125, 0.875, 1 - 0x1p-20}) {
    CAPTURE(time);
    CHECK(schedule.rate(time).d_log_alpha == -1 / (1 - time));
  }
}

}  // namespace discrete_test
