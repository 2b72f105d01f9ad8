// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The noise schedules and the beta tables: values, inverses, ends, refusals.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dpm/schedule/betas.hpp"
#include "dpm/schedule/discrete.hpp"
#include "dpm/schedule/noise_schedule.hpp"
#include "dpm/schedule/variance_preserving.hpp"
#include "dpm/schedule/vp_cosine.hpp"
#include "dpm/schedule/vp_linear.hpp"
#include "support/catch.hpp"
#include "support/reference_data.hpp"

using namespace dpm_test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// The concept -----------------------------------------------------------------

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

// Schedules under test --------------------------------------------------------

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

/// log(s) of the ratio s = sigma / alpha is -lambda.
double ratio(const dpm::Level& level) { return std::exp(-level.lambda()); }

}  // namespace

// Values ----------------------------------------------------------------------

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

TEST_CASE("closed forms keep their digits at both ends") {
  // Computed with 60 decimal digits from the defining formulas.
  const dpm::VpCosine cosine(0.008, 1.0);
  const std::vector<std::pair<double, double>> cosine_values{
      {1e-9, -1.9428139076724960646e-11},    {0.001, -0.000020642538519421433122},
      {0.3, -0.119820372930011485},          {0.5, -0.35276821523483331845},
      {0.7, -0.7969755421177179135},         {0.9946, -4.7776758812433879157},
      {1 - 0x1p-20, -13.419251365020585436},
  };
  for (const auto& [time, log_alpha] : cosine_values) {
    CAPTURE(time);
    CHECK_THAT(cosine.level(time).log_alpha, WithinRel(log_alpha, 1e-14));
  }

  const dpm::VpLinear linear;
  struct Row {
    double time, log_alpha, lambda;
  };
  for (const Row& row : {Row{1e-9, -5.000000497500000589e-11, 11.512925415195230834},
                         Row{0.001, -0.000054975000000000004022, 4.5577149327298977016},
                         Row{0.3, -0.46274999999999996701, -0.21038355313124080067},
                         Row{1.0, -5.0250000000000000014, -5.0249784066592041762}}) {
    CAPTURE(row.time);
    CHECK_THAT(linear.level(row.time).log_alpha, WithinRel(row.log_alpha, 1e-15));
    CHECK_THAT(linear.level(row.time).lambda(), WithinRel(row.lambda, 1e-14));
  }

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

// Inverses and identities -----------------------------------------------------

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

// Times and timesteps ------------------------------------------------------------

TEST_CASE("first and last times") {
  CHECK(dpm::VpLinear().first_time() == 1e-3);
  CHECK(dpm::VpLinear().last_time() == 1.0);
  CHECK(dpm::VpLinear(0.1, 20.0, 1e-5).first_time() == 1e-5);
  CHECK(dpm::VpCosine().first_time() == 1e-3);
  CHECK(dpm::VpCosine().last_time() == 0.9946);
  CHECK(dpm::VpCosine(0.008, 0.9, 0.0).first_time() == 0.0);
  CHECK(dpm::VpCosine(0.008, 0.9, 0.0).last_time() == 0.9);
  CHECK(dpm::VpCosine<float>().last_time() == 0.9946);
  CHECK(dpm::DiscreteSchedule(dpm::linear_betas(250)).first_time() == 1.0 / 250);
  CHECK(dpm::DiscreteSchedule(dpm::linear_betas(250)).last_time() == 1.0);
  CHECK(dpm::DiscreteSchedule(dpm::linear_betas(250)).size() == 250);
}

TEST_CASE("continuous schedules timestep a level with its time") {
  for (const double time : {0.0, 1e-3, 0.3, 0.9946}) {
    CHECK(dpm::VpLinear().level(time).timestep == time);
    CHECK(dpm::VpCosine().level(time).timestep == time);
  }
}

TEST_CASE("a discrete schedule timesteps levels as its model was trained") {
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

// Scalars and type erasure ----------------------------------------------------

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

TEST_CASE("float, double and long double agree") {
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

// Beta tables -----------------------------------------------------------------

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

// Refusals --------------------------------------------------------------------

namespace {

/// Requires `call` to throw InvalidArgument with exactly this sentence.
void refused(const std::function<void()>& call, const std::string& sentence) {
  CAPTURE(sentence);
  std::string message = "nothing was thrown";
  try {
    call();
  } catch (const dpm::InvalidArgument& error) {
    message = error.what();
  }
  CHECK(message == sentence);
}

}  // namespace

TEST_CASE("times and lambdas outside the domain are refused") {
  for (const Named& named : all_schedules()) {
    CAPTURE(named.name);
    const double last = named.schedule.last_time();
    const double least = named.schedule.level(last).lambda();
    for (const double time :
         {-1e-300, -1.0, std::nextafter(last, 2.0), 1.5, infinity, -infinity, not_a_number}) {
      CAPTURE(time);
      CHECK_THROWS_AS(named.schedule.level(time), dpm::InvalidArgument);
    }
    CHECK_THROWS_AS(named.schedule.time_of_lambda(not_a_number), dpm::InvalidArgument);
    if (std::isfinite(least)) {
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

TEST_CASE("schedule parameters are checked") {
  const auto linear = [](double beta_0, double beta_1, double first) {
    return [=] { (void)dpm::VpLinear(beta_0, beta_1, first); };
  };
  refused(linear(0, 20, 0), "VpLinear: beta_0 must be in (0, inf) and is 0");
  refused(linear(infinity, infinity, 0), "VpLinear: beta_0 must be in (0, inf) and is inf");
  refused(linear(not_a_number, 20, 0), "VpLinear: beta_0 must be in (0, inf) and is nan");
  refused(linear(0.5, 0.25, 0), "VpLinear: beta_1 must be in [0.5, inf) and is 0.25");
  refused(linear(0.5, infinity, 0), "VpLinear: beta_1 must be in [0.5, inf) and is inf");
  refused(linear(0.5, 20, -0.5), "VpLinear: first_time must be in [0, 1) and is -0.5");
  refused(linear(0.5, 20, 1), "VpLinear: first_time must be in [0, 1) and is 1");

  const auto cosine = [](double s, double last, double first) {
    return [=] { (void)dpm::VpCosine(s, last, first); };
  };
  refused(cosine(0, 1, 0), "VpCosine: s must be in (0, 1] and is 0");
  refused(cosine(1.5, 1, 0), "VpCosine: s must be in (0, 1] and is 1.5");
  refused(cosine(not_a_number, 1, 0), "VpCosine: s must be in (0, 1] and is nan");
  refused(cosine(0.5, 0, 0), "VpCosine: last_time must be in (0, 1] and is 0");
  refused(cosine(0.5, 1.5, 0), "VpCosine: last_time must be in (0, 1] and is 1.5");
  refused(cosine(0.5, 0.75, 0.75), "VpCosine: first_time must be in [0, 0.75) and is 0.75");
  refused(cosine(0.5, 0.75, -0.5), "VpCosine: first_time must be in [0, 0.75) and is -0.5");
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

TEST_CASE("beta builders check their arguments") {
  refused([] { (void)dpm::linear_betas(0); }, "the number of betas must be at least 1 and is 0");
  refused([] { (void)dpm::scaled_linear_betas(0); },
          "the number of betas must be at least 1 and is 0");
  refused([] { (void)dpm::sigmoid_betas(0); }, "the number of betas must be at least 1 and is 0");
  refused([] { (void)dpm::cosine_betas(0); }, "the number of betas must be at least 1 and is 0");
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
