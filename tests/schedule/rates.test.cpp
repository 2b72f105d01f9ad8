// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// How fast levels change: every schedule's `rate` against differences of its levels.
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/edm.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"

using namespace dpm_test;
using dpm::AnySchedule;
using dpm::LevelRate;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A schedule that says nothing about its rate.
struct InverseTime {
  [[nodiscard]] dpm::Level level(double time) const {
    return dpm::detail::variance_preserving_level(time, -std::log1p(time * time) / 2, time);
  }
  [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }
  [[nodiscard]] double first_time() const { return 0.01; }
  [[nodiscard]] double last_time() const { return 80.0; }
};

/// One whose `rate` is something else.
struct RateIsANumber : InverseTime {
  [[nodiscard]] double rate(double time) const { return time; }
};

/// Times are asked for from 0 to `scale`.
struct Named {
  std::string name;
  AnySchedule schedule;
  double scale = 1.0;
};

std::vector<Named> schedules() {
  const std::vector<double> zero_terminal = dpm::rescale_zero_terminal_snr(dpm::linear_betas());
  return {{"VpLinear", dpm::VpLinear()},
          {"VpLinear, constant rate", dpm::VpLinear(8.0, 8.0)},
          {"VpCosine", dpm::VpCosine()},
          {"VpCosine to 1", dpm::VpCosine(0.02, 1.0)},
          {"linear", dpm::DiscreteSchedule(dpm::linear_betas())},
          {"cosine", dpm::DiscreteSchedule(dpm::cosine_betas())},
          {"linear, index timesteps",
           dpm::DiscreteSchedule(dpm::linear_betas(), dpm::TimestepType::discrete)},
          {"zero terminal SNR", dpm::DiscreteSchedule(zero_terminal)},
          {"VarianceExploding", dpm::VarianceExploding(0.01, 64.0), 64.0},
          {"Edm", dpm::Edm(0.002, 64.0), 64.0},
          {"RectifiedFlow", dpm::RectifiedFlow()},
          {"RectifiedFlow, shift 3", dpm::RectifiedFlow(3.0)},
          {"RectifiedFlow, shift 1/4", dpm::RectifiedFlow(0.25)}};
}

/// The derivative of `f` at `t` by central differences of fourth order.
double derivative(const std::function<double(double)>& f, double t, double h) {
  return (8.0 * (f(t + h) - f(t - h)) - (f(t + 2.0 * h) - f(t - 2.0 * h))) / (12.0 * h);
}

void refused(const std::function<void()>& call, const std::string& sentence) {
  REQUIRE_THROWS_AS(call(), dpm::InvalidArgument);
  REQUIRE_THROWS_WITH(call(), sentence);
}

}  // namespace

TEST_CASE("rates are the derivatives of log alpha and log sigma") {
  for (const auto& [name, schedule, scale] : schedules()) {
    // Odd 64ths lie in the inner seven eighths of their thousandths, so that no difference reaches
    // over an entry of a table; and in binary the times are exact.
    const double h = scale * 0x1p-16;
    for (int k = 1; k < 64; k += 2) {
      const double time = scale * k / 64.0;
      CAPTURE(name, time);
      const LevelRate rate = schedule.rate(time);
      const auto log_alpha = [&s = schedule](double t) { return s.level(t).log_alpha; };
      const auto log_sigma = [&s = schedule](double t) { return s.level(t).log_sigma; };
      // A few 2^-53 of rounding over a step of 2^-16 is 1e-11; truncation is (64 h)^4 = 1e-12.
      CHECK_THAT(rate.d_log_alpha, WithinRel(derivative(log_alpha, time, h), 2e-10));
      CHECK_THAT(rate.d_log_sigma, WithinRel(derivative(log_sigma, time, h), 2e-10));
    }
  }
}

TEST_CASE("rates near both ends have closed forms") {
  for (const double t : {1e-300, 1e-12, 1e-4}) {
    CAPTURE(t);
    CHECK_THAT(dpm::VpLinear().rate(t).d_log_alpha, WithinRel(-(0.1 + 19.9 * t) / 2, 1e-15));
    // sigma^2 is beta_0 t to first order, so log sigma rises like log(t) / 2.
    CHECK_THAT(dpm::VpLinear().rate(t).d_log_sigma, WithinRel(0.5 / t, 100 * t + 1e-13));
    CHECK(dpm::Edm().rate(t).d_log_alpha == 0.0);
    CHECK(dpm::Edm().rate(t).d_log_sigma == 1 / t);
    CHECK_THAT(dpm::RectifiedFlow(3.0).rate(t).d_log_sigma, WithinRel(1 / t, 2 * t + 1e-15));
    CHECK_THAT(dpm::RectifiedFlow(3.0).rate(t).d_log_alpha, WithinRel(-3.0, 2 * t + 1e-15));
  }
  const double left = 0x1p-40;  // until the end
  CHECK_THAT(dpm::RectifiedFlow(3.0).rate(1 - left).d_log_alpha, WithinRel(-1 / left, 1e-11));
  CHECK_THAT(dpm::VpCosine(0.008, 1.0).rate(1 - left).d_log_alpha, WithinRel(-1 / left, 1e-11));
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

TEST_CASE("at pure noise log alpha falls infinitely fast and sigma stands still") {
  for (const AnySchedule& schedule :
       {AnySchedule(dpm::VpCosine(0.008, 1.0)),
        AnySchedule(dpm::DiscreteSchedule(std::vector<double>{0.1, 0.2, 0.3, 1.0}))}) {
    CHECK(schedule.rate(1.0).d_log_alpha == -infinity);
    CHECK(schedule.rate(1.0).d_log_sigma == 0.0);
  }
}

TEST_CASE("schedules in single precision have the rates of those in double") {
  for (const double time : {0.01, 0.3, 0.9}) {
    CAPTURE(time);
    const double unit = std::numeric_limits<float>::epsilon();
    CHECK_THAT(dpm::VpLinear<float>().rate(time).d_log_alpha,
               WithinRel(dpm::VpLinear().rate(time).d_log_alpha, 4 * unit));
    CHECK_THAT(dpm::VpCosine<float>().rate(time).d_log_alpha,
               WithinRel(dpm::VpCosine().rate(time).d_log_alpha, 16 * unit));
  }
}

TEST_CASE("AnySchedule passes the rate on") {
  const AnySchedule any = AnySchedule(AnySchedule(dpm::RectifiedFlow(3.0)));
  CHECK(any.rate(0.25).d_log_alpha == dpm::RectifiedFlow(3.0).rate(0.25).d_log_alpha);
  CHECK(any.rate(0.25).d_log_sigma == dpm::RectifiedFlow(3.0).rate(0.25).d_log_sigma);
}

TEST_CASE("AnySchedule refuses to say the rate of a schedule that has none") {
  const std::string sentence =
      "AnySchedule: the schedule has no member rate(t), which black-box Runge-Kutta methods need; "
      "give it one that returns a LevelRate";
  refused([] { (void)AnySchedule(InverseTime()).rate(0.5); }, sentence);
  refused([] { (void)AnySchedule(RateIsANumber()).rate(0.5); }, sentence);
  CHECK(AnySchedule(InverseTime()).level(0.5) == InverseTime().level(0.5));
}

TEST_CASE("rates at times outside the schedule are refused") {
  for (const auto& [name, schedule, scale] : schedules()) {
    const double past = std::nextafter(schedule.last_time(), infinity);
    for (const double time : {-1.0, -1e-300, past, 1e9, infinity, not_a_number}) {
      CAPTURE(name, time);
      CHECK_THROWS_AS(schedule.rate(time), dpm::InvalidArgument);
    }
  }
  refused([] { (void)dpm::VpLinear().rate(1.5); }, "VpLinear: time must be in [0, 1] and is 1.5");
  refused([] { (void)dpm::DiscreteSchedule(dpm::linear_betas()).rate(1.5); },
          "DiscreteSchedule: time must be in [0, 1] and is 1.5");
}
