// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What a schedule is, AnySchedule, and schedules of a user's own.
#include "dpm/schedule/noise_schedule.hpp"

#include <cmath>
#include <string>

#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/rectified_flow.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/refused.hpp"

namespace noise_schedule_test {

using namespace dpm_test;
using dpm::AnySchedule;

namespace {

/// A user's own schedule: lambda(t) = -log t, that is alpha^2 = 1 / (1 + t^2).
struct InverseTime {
  [[nodiscard]] dpm::Level level(double time) const {
    return dpm::detail::variance_preserving_level(time, -std::log1p(time * time) / 2, time);
  }
  [[nodiscard]] double time_of_lambda(double lambda) const { return std::exp(-lambda); }
  [[nodiscard]] double first_time() const { return 0.01; }
  [[nodiscard]] double last_time() const { return 80.0; }
};

struct WithoutInverse {
  [[nodiscard]] dpm::Level level(double time) const;
  [[nodiscard]] double first_time() const;
  [[nodiscard]] double last_time() const;
};

struct LevelIsANumber : InverseTime {
  [[nodiscard]] double level(double time) const;
};

struct LevelIsNotConst : InverseTime {
  [[nodiscard]] dpm::Level level(double time);
};

struct InverseIsText : InverseTime {
  [[nodiscard]] std::string time_of_lambda(double lambda) const;
};

static_assert(dpm::NoiseSchedule<dpm::VpLinear<>> && dpm::NoiseSchedule<dpm::VpLinear<float>> &&
              dpm::NoiseSchedule<dpm::VpLinear<long double>>);

static_assert(dpm::NoiseSchedule<dpm::VpCosine<>> && dpm::NoiseSchedule<dpm::VpCosine<float>> &&
              dpm::NoiseSchedule<dpm::VpCosine<long double>>);

static_assert(dpm::NoiseSchedule<dpm::DiscreteSchedule<>> &&
              dpm::NoiseSchedule<dpm::DiscreteSchedule<float>> &&
              dpm::NoiseSchedule<dpm::DiscreteSchedule<long double>>);

static_assert(dpm::NoiseSchedule<dpm::AnySchedule>);
static_assert(dpm::NoiseSchedule<InverseTime>);
static_assert(!dpm::NoiseSchedule<double> && !dpm::NoiseSchedule<dpm::Level>);
static_assert(!dpm::NoiseSchedule<WithoutInverse> && !dpm::NoiseSchedule<LevelIsANumber>);
static_assert(!dpm::NoiseSchedule<LevelIsNotConst> && !dpm::NoiseSchedule<InverseIsText>);

}  // namespace

TEST_CASE("AnySchedule answers as the schedule it holds") {
  const auto check = [](const auto& schedule) {
    const dpm::AnySchedule any = schedule;
    CHECK(any.first_time() == schedule.first_time());
    CHECK(any.last_time() == schedule.last_time());
    for (const double part : {0.0, 1e-9, 0.001, 0.25, 0.3337, 0.7, 1.0}) {
      const double time = part * schedule.last_time();
      const dpm::Level level = schedule.level(time);
      CHECK(any.level(time) == level);
      CHECK(any.time_of_lambda(level.lambda()) == schedule.time_of_lambda(level.lambda()));
      CHECK(any.level_at_lambda(level.lambda()) ==
            schedule.level(schedule.time_of_lambda(level.lambda())));
    }
    CHECK_THROWS_AS(any.level(-1.0), dpm::InvalidArgument);
  };
  check(dpm::VpLinear());
  check(dpm::VpLinear<float>());
  check(dpm::VpCosine(0.008, 1.0));
  check(dpm::DiscreteSchedule(dpm::scaled_linear_betas(), dpm::TimestepType::discrete));
}

TEST_CASE("a user's own schedule works like the library's") {
  const dpm::AnySchedule schedule = InverseTime();
  CHECK(schedule.first_time() == 0.01);
  CHECK(schedule.last_time() == 80.0);
  CHECK(schedule.time_of_lambda(infinity) == 0.0);
  for (const double time : {0.01, 0.5, 3.0, 80.0}) {
    CHECK_THAT(schedule.level(time).lambda(), WithinAbs(-std::log(time), 1e-12));
    CHECK_THAT(schedule.time_of_lambda(-std::log(time)), WithinRel(time, 1e-12));
  }
}

namespace {

/// A user's own table, which goes on beyond its last time.
struct LongTable : InverseTime {
  [[nodiscard]] int size() const { return 40; }
  [[nodiscard]] double max_time() const { return 160.0; }
};

}  // namespace

TEST_CASE("AnySchedule passes on the size of a table and the greatest time") {
  CHECK(AnySchedule(dpm::DiscreteSchedule(dpm::linear_betas(250))).size() == 250);
  CHECK(AnySchedule(AnySchedule(LongTable())).size() == 40);
  CHECK(AnySchedule(AnySchedule(LongTable())).max_time() == 160.0);
  // A schedule that says nothing has no table and ends at its last time.
  CHECK(AnySchedule(InverseTime()).size() == 0);
  CHECK(AnySchedule(InverseTime()).max_time() == 80.0);
}

namespace {

/// One whose `rate` is something else.
struct RateIsANumber : InverseTime {
  [[nodiscard]] double rate(double time) const { return time; }
};

}  // namespace

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

}  // namespace noise_schedule_test
