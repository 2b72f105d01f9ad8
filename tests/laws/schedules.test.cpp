// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What every schedule must do: agree with the reference, invert its lambda, reach its ends.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/log_sigma_table.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/reference_data.hpp"
#include "support/refused.hpp"

namespace schedules_test {

using namespace dpm_test;
using dpm::AnySchedule;

namespace {

struct Named {
  std::string name;
  dpm::AnySchedule schedule;
  std::size_t knots;  // times 1/knots, 2/knots, ... are tried as well as others
};

std::vector<Named> all_schedules() {
  const std::vector<double> alphas_cumprod{0.97, 0.8, 0.5, 0.1, 0.02};
  const std::vector<double> zero_terminal = dpm::rescale_zero_terminal_snr(dpm::linear_betas());
  return {
      {"VpLinear", dpm::VpLinear(), 1000},
      {"VpLinear, constant rate", dpm::VpLinear(8.0, 8.0, 0.0), 1000},
      {"VpCosine", dpm::VpCosine(), 1000},
      {"VpCosine to 1", dpm::VpCosine(0.008, 1.0), 1000},
      {"VpCosine, wide offset", dpm::VpCosine(1.0, 0.5, 0.01), 1000},
      {"linear", dpm::DiscreteSchedule(dpm::linear_betas()), 1000},
      {"scaled linear", dpm::DiscreteSchedule(dpm::scaled_linear_betas()), 1000},
      {"cosine", dpm::DiscreteSchedule(dpm::cosine_betas()), 1000},
      {"sigmoid", dpm::DiscreteSchedule(dpm::sigmoid_betas()), 1000},
      {"linear, 4000", dpm::DiscreteSchedule(dpm::linear_betas(4000, 2.5e-5, 0.005)), 4000},
      {"zero terminal SNR", dpm::DiscreteSchedule(zero_terminal), 1000},
      {"cumulative alphas", dpm::DiscreteSchedule<>::from_alphas_cumprod(alphas_cumprod), 5},
      {"one beta", dpm::DiscreteSchedule(std::vector<double>{0.5}), 1},
      {"one beta of 1", dpm::DiscreteSchedule(std::vector<double>{1.0}), 1},
      {"log-sigma table", dpm::LogSigmaTable(dpm::DiscreteSchedule(dpm::scaled_linear_betas())),
       1000},
      {"log-sigma table, zero terminal SNR",
       dpm::LogSigmaTable(
           dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::scaled_linear_betas()))),
       1000},
  };
}

/// Increasing times over the whole domain: both ends, tiny ones, the knots, points between them.
std::vector<double> times_of(const Named& named) {
  const double first = named.schedule.first_time();
  const double last = named.schedule.last_time();
  std::vector<double> times{0.0, 1e-300, 1e-100, 1e-30, 1e-15, 1e-9, 1e-6, 1e-5, 1e-4, first};
  for (std::size_t k = 1; k <= named.knots; ++k) {
    const double knots = static_cast<double>(named.knots);
    for (const double between : {0.001, 0.37, 0.5, 0.9999, 1.0}) {
      times.push_back((static_cast<double>(k - 1) + between) / knots * std::min(last, 1.0));
    }
  }
  for (const double gap : {1e-3, 1e-6, 1e-9, 1e-12, 1e-15}) times.push_back(last * (1 - gap));
  times.push_back(last);
  return times;
}

}  // namespace

TEST_CASE("schedules agree with the reference table") {
  const nlohmann::json reference = reference_data("schedules.json");
  const std::vector<std::pair<std::string, dpm::AnySchedule>> schedules{
      {"vp_linear", dpm::VpLinear()},
      {"discrete_linear", dpm::DiscreteSchedule(dpm::linear_betas(1000, 1e-4, 0.02))},
      {"discrete_scaled_linear",
       dpm::DiscreteSchedule(dpm::scaled_linear_betas(1000, 0.00085, 0.012))},
  };
  REQUIRE(reference.size() == schedules.size());
  for (const auto& [name, schedule] : schedules) {
    const nlohmann::json& rows = reference.at(name);
    REQUIRE(rows.at("t").size() == 9);
    for (std::size_t i = 0; i < 9; ++i) {
      const double time = rows.at("t")[i];
      CAPTURE(name, time);
      const dpm::Level level = schedule.level(time);
      CHECK_THAT(level.log_alpha, WithinRel(rows.at("log_alpha")[i].get<double>(), 1e-10));
      CHECK_THAT(level.alpha(), WithinRel(rows.at("alpha")[i].get<double>(), 1e-10));
      CHECK_THAT(level.sigma(), WithinRel(rows.at("sigma")[i].get<double>(), 1e-10));
      CHECK_THAT(level.lambda(), WithinRel(rows.at("lambda_")[i].get<double>(), 1e-10));
      CHECK_THAT(schedule.time_of_lambda(level.lambda()),
                 WithinRel(rows.at("inverse")[i].get<double>(), 1e-10));
      CHECK_THAT(schedule.time_of_lambda(rows.at("lambda_")[i]), WithinRel(time, 1e-10));
    }
  }
}

TEST_CASE("time_of_lambda inverts lambda over the whole range") {
  for (const Named& named : all_schedules()) {
    for (const double time : times_of(named)) {
      const double back = named.schedule.time_of_lambda(named.schedule.level(time).lambda());
      CAPTURE(named.name, time, back);
      // As good near 0 as anywhere: the error is relative to t.
      CHECK(std::abs(back - time) <= 1e-10 * time);
      CHECK(back <= named.schedule.last_time());
    }
  }
}

TEST_CASE("levels preserve variance and lambda falls") {
  for (const Named& named : all_schedules()) {
    CAPTURE(named.name);
    std::vector<double> times = times_of(named);
    std::sort(times.begin(), times.end());
    double before = infinity;
    double before_time = -1.0;
    for (const double time : times) {
      CAPTURE(time);
      const dpm::Level level = named.schedule.level(time);
      CHECK(level.time == time);
      CHECK_THAT(level.alpha() * level.alpha() + level.sigma() * level.sigma(),
                 WithinAbs(1.0, 1e-15));
      // Times closer than rounding may share a lambda, but the order never turns.
      CHECK(level.lambda() <= before);
      if (time > before_time * (1 + 1e-9) && time > 0) CHECK(level.lambda() < before);
      before = level.lambda();
      before_time = time;
    }
  }
}

TEST_CASE("time 0 is clean data") {
  for (const Named& named : all_schedules()) {
    CAPTURE(named.name);
    const dpm::Level level = named.schedule.level(0.0);
    CHECK(level.log_alpha == 0.0);
    CHECK(level.alpha() == 1.0);
    CHECK(level.sigma() == 0.0);
    CHECK(level.lambda() == infinity);
    CHECK(level.timestep == 0.0);
    CHECK(named.schedule.time_of_lambda(infinity) == 0.0);
  }
}

TEST_CASE("pure noise is a legal last time") {
  const std::vector<double> betas{0.1, 0.2, 0.3, 1.0};
  const std::vector<double> alphas_cumprod{0.9, 0.72, 0.504, 0.0};
  for (const dpm::AnySchedule& schedule :
       {dpm::AnySchedule(dpm::VpCosine(0.008, 1.0)), dpm::AnySchedule(dpm::DiscreteSchedule(betas)),
        dpm::AnySchedule(dpm::DiscreteSchedule<>::from_alphas_cumprod(alphas_cumprod)),
        dpm::AnySchedule(
            dpm::DiscreteSchedule(dpm::rescale_zero_terminal_snr(dpm::scaled_linear_betas())))}) {
    const dpm::Level level = schedule.level(1.0);
    CHECK(level.alpha() == 0.0);
    CHECK(level.sigma() == 1.0);
    CHECK(level.log_alpha == -infinity);
    CHECK(level.lambda() == -infinity);
    CHECK(schedule.time_of_lambda(-infinity) == 1.0);
    CHECK(schedule.time_of_lambda(-700.0) > 1.0 - 1e-15);
    CHECK(schedule.time_of_lambda(-700.0) <= 1.0);
  }
  // In the last cell alpha is linear: no straight line in log alpha reaches -inf.
  const dpm::DiscreteSchedule schedule(betas);
  const double alpha = schedule.level(0.75).alpha();
  CHECK_THAT(alpha * alpha, WithinRel(0.504, 1e-15));
  for (const double part : {0.1, 0.5, 0.75, 0.999}) {
    CAPTURE(part);
    CHECK_THAT(schedule.level(0.75 + part / 4).alpha(), WithinRel(alpha * (1 - part), 1e-12));
  }
}

TEST_CASE("a lambda past the end by rounding alone is the end") {
  for (const Named& named : all_schedules()) {
    CAPTURE(named.name);
    const double last = named.schedule.last_time();
    const double least = named.schedule.level(last).lambda();
    if (named.schedule.max_time() > last) continue;  // it goes on there
    CHECK(named.schedule.time_of_lambda(least) == last);
    if (std::isinf(least)) continue;
    const double size = std::max(1.0, std::abs(least));
    CHECK(named.schedule.time_of_lambda(std::nextafter(least, -infinity)) == last);
    CHECK(named.schedule.time_of_lambda(least - 0.9e-12 * size) == last);
    CHECK(named.schedule.time_of_lambda(std::nextafter(least, infinity)) <= last);
    CHECK_THROWS_AS(named.schedule.time_of_lambda(least - 1.1e-12 * size), dpm::InvalidArgument);
  }
  // The inverse alone would miss some of these ends by a unit in the last place.
  for (int percent = 1; percent <= 100; ++percent) {
    CAPTURE(percent);
    const double part = percent / 100.0;
    const dpm::VpCosine cosine(0.008, part, 0.0);
    CHECK(cosine.time_of_lambda(cosine.level(part).lambda()) == part);
    const dpm::DiscreteSchedule discrete(std::vector<double>{1e-4, part});
    CHECK(discrete.time_of_lambda(discrete.level(1.0).lambda()) == 1.0);
  }
  // In float, rounding is wider: 64 epsilon, here 3.8e-5.
  const dpm::VpLinear<float> single;
  const double least = single.level(1.0).lambda();
  CHECK(single.time_of_lambda(least - 3e-5) == 1.0);
  CHECK_THROWS_AS(single.time_of_lambda(least - 5e-5), dpm::InvalidArgument);
}

namespace {

/// Compares `narrow` with `wide` over [0, 1], in multiples of `unit`, the narrow scalar's epsilon.
void check_agreement(const dpm::AnySchedule& narrow, const dpm::AnySchedule& wide, double unit) {
  const double last = wide.last_time();
  REQUIRE(narrow.last_time() == last);
  REQUIRE(narrow.first_time() == wide.first_time());
  for (const double part : {0.0, 1e-9, 1e-4, 0.001, 0.0125, 0.1, 0.3337, 0.499, 0.501, 0.9, 1.0}) {
    const double time = part * last;
    CAPTURE(time, unit);
    const dpm::Level a = narrow.level(time);
    const dpm::Level b = wide.level(time);
    CHECK(a.time == b.time);
    CHECK(a.timestep == b.timestep);
    // 64 units: a cosine's time left until 1 is 1/185 of the time at 0.9946, so that 92 units of
    // alpha are lost to rounding t, over log alpha = -4.8; the other schedules do better.
    CHECK_THAT(a.log_alpha, WithinRel(b.log_alpha, 64 * unit));
    CHECK_THAT(narrow.time_of_lambda(a.lambda()), WithinRel(time, 64 * unit));
  }
}

}  // namespace

TEST_CASE("schedules in float, double and long double agree") {
  const double single = std::numeric_limits<float>::epsilon();
  const double full = std::numeric_limits<double>::epsilon();
  check_agreement(dpm::VpLinear<float>(), dpm::VpLinear<long double>(), single);
  check_agreement(dpm::VpLinear<double>(), dpm::VpLinear<long double>(), full);
  check_agreement(dpm::VpCosine<float>(), dpm::VpCosine<long double>(), single);
  check_agreement(dpm::VpCosine<double>(), dpm::VpCosine<long double>(), full);
  const auto linear = [](auto scalar) {
    return dpm::DiscreteSchedule(dpm::linear_betas<decltype(scalar)>());
  };
  check_agreement(linear(0.0F), linear(0.0L), single);
  check_agreement(linear(0.0), linear(0.0L), full);
  const auto cosine = [](auto scalar) {
    return dpm::DiscreteSchedule(dpm::cosine_betas<decltype(scalar)>());
  };
  check_agreement(cosine(0.0F), cosine(0.0L), single);
  check_agreement(cosine(0.0), cosine(0.0L), full);
}

TEST_CASE("times and lambdas outside the domain are refused") {
  for (const Named& named : all_schedules()) {
    CAPTURE(named.name);
    const double last = named.schedule.max_time();
    const double least = named.schedule.level(last).lambda();
    for (const double time :
         {-1e-300, -1.0, std::nextafter(last, infinity), infinity, -infinity, not_a_number}) {
      CAPTURE(time);
      CHECK_THROWS_AS(named.schedule.level(time), dpm::InvalidArgument);
    }
    CHECK_THROWS_AS(named.schedule.time_of_lambda(not_a_number), dpm::InvalidArgument);
    if (last > named.schedule.last_time()) {
      CHECK_THROWS_AS(named.schedule.time_of_lambda(-infinity), dpm::InvalidArgument);
    } else if (std::isfinite(least)) {
      CHECK_THROWS_AS(named.schedule.time_of_lambda(-infinity), dpm::InvalidArgument);
      CHECK_THROWS_AS(named.schedule.time_of_lambda(least - 1), dpm::InvalidArgument);
    }
  }
  refused([] { (void)dpm::VpLinear().level(1.5); }, "VpLinear: time must be in [0, 1] and is 1.5");
  refused([] { (void)dpm::VpLinear().level(not_a_number); },
          "VpLinear: time must be in [0, 1] and is nan");
  refused([] { (void)dpm::VpCosine().level(0.995); },
          "VpCosine: time must be in [0, 0.9946] and is 0.995");
  const dpm::DiscreteSchedule schedule(std::vector<double>{0.5});
  refused([&] { (void)schedule.level(-0.5); },
          "DiscreteSchedule: time must be in [0, 1] and is -0.5");
  refused([&] { (void)schedule.time_of_index(1); },
          "DiscreteSchedule: index must be less than 1 and is 1");
  CHECK_THROWS_WITH(dpm::VpLinear().time_of_lambda(-6.0),
                    mentions("VpLinear: lambda must be in [-5.02") && mentions(", inf] and is -6"));
  CHECK_THROWS_WITH(dpm::VpCosine().time_of_lambda(-6.0),
                    mentions("VpCosine: lambda must be in [-4.77") && mentions(", inf] and is -6"));
  CHECK_THROWS_WITH(
      dpm::DiscreteSchedule(dpm::linear_betas()).time_of_lambda(-6.0),
      mentions("DiscreteSchedule: lambda must be in [-5.05") && mentions(", inf] and is -6"));
}

}  // namespace schedules_test
