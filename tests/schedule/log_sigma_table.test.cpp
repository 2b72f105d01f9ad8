// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A table as k-diffusion reads it: entries, what lies between them and beyond, refusals.
#include "dpm/schedule/log_sigma_table.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace log_sigma_table_test {

using namespace dpm_test;
using dpm::LogSigmaTable;

namespace {

/// sigma / alpha.
double ratio(const dpm::Level& level) { return std::exp(-level.lambda()); }

/// A user's table of three entries with the lambdas that a test wants.
struct ThreeLambdas {
  double lambdas[3];

  [[nodiscard]] dpm::Level level(double time) const {
    const double lambda = lambdas[static_cast<std::size_t>(std::lround(3.0 * time)) - 1];
    return {.time = time, .log_sigma = -lambda};
  }
  [[nodiscard]] double time_of_lambda(double /*lambda*/) const { return 1.0; }
  [[nodiscard]] double first_time() const { return 1.0 / 3.0; }
  [[nodiscard]] double last_time() const { return 1.0; }
  [[nodiscard]] int size() const { return 3; }
};

}  // namespace

TEST_CASE("at its entries a log-sigma table equals the schedule that it is made of") {
  for (const std::size_t size : std::vector<std::size_t>{2, 7, 1000}) {
    const dpm::DiscreteSchedule discrete(dpm::scaled_linear_betas(size));
    const LogSigmaTable table(discrete);
    REQUIRE(table.size() == size);
    REQUIRE(table.first_time() == discrete.first_time());
    REQUIRE(table.last_time() == 1.0);
    for (std::size_t i = 0; i < size; ++i) {
      CAPTURE(size, i);
      const double time = discrete.time_of_index(i);
      const dpm::Level level = table.level(time);
      REQUIRE_THAT(level.lambda(), WithinAbs(discrete.level(time).lambda(), 1e-14));
      REQUIRE_THAT(level.timestep, WithinAbs(static_cast<double>(i), 1e-12));
      REQUIRE_THAT(table.sigma_at(static_cast<double>(i)), WithinRel(ratio(level), 1e-12));
    }
  }
}

TEST_CASE("between entries of a log-sigma table sigma is a geometric mean") {
  const dpm::DiscreteSchedule discrete(dpm::linear_betas());
  const LogSigmaTable table(discrete);
  for (const std::size_t i : std::vector<std::size_t>{0, 1, 499, 998}) {
    CAPTURE(i);
    const double below = ratio(discrete.level(discrete.time_of_index(i)));
    const double above = ratio(discrete.level(discrete.time_of_index(i + 1)));
    const double timestep = static_cast<double>(i) + 0.25;
    const dpm::Level level = table.level((timestep + 1.0) / 1000.0);
    const double mean = std::pow(below, 0.75) * std::pow(above, 0.25);
    CHECK_THAT(ratio(level), WithinRel(mean, 1e-12));
    CHECK_THAT(table.sigma_at(timestep), WithinRel(mean, 1e-12));
    CHECK_THAT(level.timestep, WithinAbs(timestep, 1e-9));
    // In the code of DPM-Solver log alpha is linear there, which is another sigma.
    CHECK(std::abs(ratio(discrete.level(level.time)) / mean - 1.0) > 1e-10);
  }
}

TEST_CASE("beyond a log-sigma table the process goes on and the timestep stays") {
  const LogSigmaTable table{dpm::DiscreteSchedule(dpm::scaled_linear_betas())};
  const double most = table.sigma_at(999.0);
  const double least = table.sigma_at(0.0);
  CHECK_THAT(ratio(table.level(1.5)), WithinRel(most * std::exp(0.5), 1e-14));
  CHECK(table.level(1.5).timestep == 999.0);
  CHECK_THAT(ratio(table.level(0.0005)), WithinRel(0.5 * least, 1e-13));
  CHECK(table.level(0.0005).timestep == 0.0);
  CHECK(table.level(0.0).timestep == 0.0);
  for (const double sigma : {700.0, 152.2, 15.0, 14.0, 1.0, 0.03, 0.02, 1e-4}) {
    CAPTURE(sigma);
    const double time = table.time_of_lambda(-std::log(sigma));
    CHECK_THAT(ratio(table.level(time)), WithinRel(sigma, 1e-13));
    CHECK((time > 1.0) == (sigma > most));
    CHECK((time < 0.001) == (sigma < least));
  }
  const dpm::AnySchedule any = table;
  CHECK(any.size() == 1000);
  CHECK(any.max_time() == std::numeric_limits<double>::max());
  CHECK_NOTHROW(any.level(any.max_time()));
}

TEST_CASE("a log-sigma table gives real timesteps or the nearest entry") {
  const dpm::DiscreteSchedule discrete(dpm::scaled_linear_betas());
  const LogSigmaTable real(discrete);
  const LogSigmaTable whole(discrete, dpm::TimestepType::discrete);
  for (const double timestep : {0.0, 0.4, 123.3, 123.7, 998.9, 999.0}) {
    CAPTURE(timestep);
    const double time = (timestep + 1.0) / 1000.0;
    CHECK_THAT(real.level(time).timestep, WithinAbs(timestep, 1e-9));
    CHECK(whole.level(time).timestep == std::round(timestep));
    CHECK(whole.level(time).lambda() == real.level(time).lambda());
  }
}

TEST_CASE("the last entry of a table that ends in pure noise becomes that of the UIs") {
  const LogSigmaTable table(
      dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::scaled_linear_betas())));
  constexpr double alpha_cumprod = 4.8973451890853435e-08;
  const dpm::Level last = table.level(1.0);
  CHECK_THAT(last.alpha() * last.alpha(), WithinRel(alpha_cumprod, 1e-13));
  CHECK_THAT(ratio(last), WithinRel(std::sqrt((1 - alpha_cumprod) / alpha_cumprod), 1e-13));
  CHECK(ratio(table.level(0.999)) < ratio(last));
}

TEST_CASE("a log-sigma table's rate is the slope of the cell that ends at the time") {
  for (const std::size_t size : std::vector<std::size_t>{2, 7, 25, 250, 1000}) {
    const LogSigmaTable table(dpm::DiscreteSchedule(dpm::linear_betas(size, 0.001, 0.3)));
    const auto n = static_cast<double>(size);
    for (std::size_t i = 1; i < size; ++i) {
      CAPTURE(size, i);
      const auto entry = static_cast<double>(i);
      const double slope = n * std::log(table.sigma_at(entry - 1.0) / table.sigma_at(entry));
      for (const double part : {0.5, 1.0}) {
        const dpm::LevelRate rate = table.rate((entry + part) / n);
        CHECK_THAT(rate.d_log_alpha - rate.d_log_sigma, WithinRel(slope, 1e-9));
      }
    }
    // The end of the first cell of the process, where sigma / alpha is linear.
    const dpm::LevelRate first = table.rate(1.0 / n);
    CHECK_THAT(first.d_log_alpha - first.d_log_sigma, WithinRel(-n, 1e-12));
    const dpm::LevelRate just_after = table.rate(std::nextafter(1.0 / n, 1.0));
    CHECK(std::isfinite(just_after.d_log_alpha));
    const dpm::LevelRate beyond = table.rate(1.5);
    CHECK_THAT(beyond.d_log_alpha - beyond.d_log_sigma, WithinRel(-1.0, 1e-12));
  }
}

TEST_CASE("a log-sigma table refuses schedules without a falling table") {
  refused([] { (void)LogSigmaTable(dpm::RectifiedFlow()); },
          "LogSigmaTable: the schedule has 0 table entries; it must have at least 2, as a "
          "DiscreteSchedule has");
  refused([] { (void)LogSigmaTable(dpm::DiscreteSchedule(std::vector<double>{0.5})); },
          "LogSigmaTable: the schedule has 1 table entries; it must have at least 2, as a "
          "DiscreteSchedule has");
  refused(
      [] {
        (void)LogSigmaTable(ThreeLambdas{{2.0, 1.0, 1.5}});
      },
      "LogSigmaTable: lambda is 1.5 at entry 2 after 1; it must fall");
  refused(
      [] {
        (void)LogSigmaTable(ThreeLambdas{{2.0, not_a_number, 1.0}});
      },
      "LogSigmaTable: lambda is nan at entry 1 after 2; it must fall");
  // Noisier than what the UIs put in place of pure noise.
  CHECK_THROWS_WITH(
      LogSigmaTable(dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::linear_betas()))),
      mentions("LogSigmaTable: lambda is -8.415") && mentions("at entry 999 after -9.64") &&
          mentions("; it must fall, and of a table that ends in pure noise the last is set to "
                   "-8.42; take the schedule itself"));
  CHECK_NOTHROW(LogSigmaTable(ThreeLambdas{{2.0, 1.0, 0.5}}));
}

TEST_CASE("a log-sigma table refuses times and lambdas that are none") {
  const LogSigmaTable table{dpm::DiscreteSchedule(dpm::scaled_linear_betas())};
  const std::string time = "LogSigmaTable: time must be in [0, inf) and is ";
  refused([&] { (void)table.level(-0.5); }, time + "-0.5");
  refused([&] { (void)table.level(infinity); }, time + "inf");
  refused([&] { (void)table.rate(not_a_number); }, time + "nan");
  const std::string lambda = "LogSigmaTable: lambda must be in (-inf, inf] and is ";
  refused([&] { (void)table.time_of_lambda(-infinity); }, lambda + "-inf");
  refused([&] { (void)table.time_of_lambda(not_a_number); }, lambda + "nan");
  const std::string timestep = "LogSigmaTable: timestep must be in [0, 999] and is ";
  refused([&] { (void)table.sigma_at(-1.0); }, timestep + "-1");
  refused([&] { (void)table.sigma_at(999.5); }, timestep + "999.5");
  refused([&] { (void)table.sigma_at(not_a_number); }, timestep + "nan");
}

}  // namespace log_sigma_table_test
