// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The phi functions against 80 decimal digits and against a long double series and recursion.
#include "dpm/math/phi.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/refused.hpp"

namespace phi_test {

using namespace dpm_test;

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr int most = 4;

/// What the formulas cost, with every operation rounded by epsilon / 2 and expm1 by epsilon.
///
/// Series: term j carries at most j + 2 epsilon, each of the 15 partial sums that still move adds
/// half an epsilon of itself, and at z = -1 the terms add up to 3 times the value: 10 epsilon.
///
/// Recursion: the error of phi_k grows by phi_k / |phi_k - 1/k!|, which is largest at |z| = 1 (2.4,
/// 3.3 and 4.2 for k = 1, 2, 3), and one epsilon comes on top: 1.5, 4.6, 16, 70.
double bound(int k, double z) {
  if (std::abs(z) < 1.0) return 10.0 * epsilon;
  constexpr std::array<double, most + 1> recursion{1.0, 1.5, 4.6, 16.0, 70.0};
  return recursion[static_cast<std::size_t>(k)] * epsilon;
}

/// The same functions in long double, with the switch at another place, where the recursion has
/// lost less and the series more.
long double wide_phi(int k, long double z) {
  if (k == 0) return std::exp(z);
  if (std::abs(z) < 4.0L) {
    long double term = 1.0L;
    for (int j = 2; j <= k; ++j) term /= static_cast<long double>(j);
    long double sum = term;
    for (int j = 1; j < 80; ++j) {
      term *= z / static_cast<long double>(k + j);
      sum += term;
    }
    return sum;
  }
  long double value = std::expm1(z) / z;
  long double reciprocal_factorial = 1.0L;
  for (int j = 1; j < k; ++j) {
    reciprocal_factorial /= static_cast<long double>(j);
    value = (value - reciprocal_factorial) / z;
  }
  return value;
}

struct Row {
  double z;
  std::array<double, most + 1> values;
};

/// phi_k(z) = 1F1(1; k + 1; z) / k!, computed with 80 decimal digits. Both sides of the switch at
/// |z| = 1, with its neighbours in double, are in it.
const std::vector<Row>& table() {
  static const std::vector<Row> rows{
      {-50.0, {1.92874984796391778302e-22, 0.02, 0.0196, 0.009608, 0.00314117333333333333333}},
      {-20.0,
       {2.06115362243855782797e-9, 0.0499999998969423188781, 0.0475000000051528840561,
        0.0226249999997423557972, 0.00720208333334621554347}},
      {-7.0,
       {0.000911881965554516208003, 0.142726874004920783399, 0.122467589427868459514,
        0.0539332015103045057837, 0.0161047807366231658404}},
      {-3.3,
       {0.0368831674012400119974, 0.291853585635987890862, 0.214589822534549135532,
        0.0864879325652881454034, 0.0242965860913268259331}},
      {-1.5,
       {0.223130160148429828933, 0.517913226567713447378, 0.321391182288191035081,
        0.119072545141205976612, 0.0317294143503071267029}},
      {-0x1.0000000000001p+0,
       {0.36787944117144223991, 0.632120558828557619731, 0.367879441171442298583,
        0.13212055882855767208, 0.0345461078381089869157}},
      {-1.0,
       {0.367879441171442321596, 0.632120558828557678404, 0.367879441171442321596,
        0.132120558828557678404, 0.0345461078381089882622}},
      {-0x1.fffffffffffffp-1,
       {0.367879441171442362438, 0.632120558828557707741, 0.367879441171442333102,
        0.132120558828557681567, 0.0345461078381089889354}},
      {-0.7,
       {0.496585303791409536758, 0.719163851726557850257, 0.4011944975334888108,
        0.141150717809301707812, 0.0364513555105213721048}},
      {-0.1,
       {0.904837418035959568141, 0.95162581964040426576, 0.483741803595957315545,
        0.162581964040426835529, 0.0408470262623983091125}},
      {-0.001,
       {0.999000499833374991647, 0.999500166625008331934, 0.499833374991668055354,
        0.166625008331944642831, 0.0416583347220238343225}},
      {-1e-09,
       {0.9999999990000000005, 0.999999999500000000167, 0.499999999833333333375,
        0.166666666625000000008, 0.0416666666583333333347}},
      {0.0, {1.0, 1.0, 0.5, 0.166666666666666666667, 0.0416666666666666666667}},
      {1e-09,
       {1.0000000010000000005, 1.00000000050000000017, 0.500000000166666666708,
        0.166666666708333333342, 0.0416666666750000000014}},
      {0.001,
       {1.00100050016670834169, 1.00050016670834166807, 0.500166708341668055757,
        0.166708341668055753994, 0.0416750013890873263918}},
      {0.1,
       {1.10517091807564763095, 1.05170918075647625108, 0.517091807564762482144,
        0.170918075647624811949, 0.0425140898095814504594}},
      {0.7,
       {2.0137527074704764322, 1.44821815352925213787, 0.640311647898931666152,
        0.20044521128418810722, 0.0482550637393163467088}},
      {0x1.fffffffffffffp-1,
       {2.71828182845904493357, 1.71828182845904512434, 0.718281828459045204083,
        0.218281828459045228317, 0.0516151617923785673812}},
      {1.0,
       {2.71828182845904523536, 1.71828182845904523536, 0.71828182845904523536,
        0.21828182845904523536, 0.0516151617923785686936}},
      {0x1.0000000000001p+0,
       {2.71828182845904583894, 1.7182818284590454574, 0.718281828459045297914,
        0.218281828459045249446, 0.0516151617923785713185}},
      {1.5,
       {4.4816890703380648226, 2.32112604689204321507, 0.880750697928028810045,
        0.253833798618685873364, 0.0581114213013461377979}},
      {3.3,
       {27.1126389206578826106, 7.91292088504784364129, 2.09482451062055879194,
        0.483280154733502690239, 0.0959434812323745577623}},
      {7.0,
       {1096.63315842845859926, 156.519022632636942752, 22.2170032332338489646,
        3.10242903331912128065, 0.419394623807493516284}},
      {20.0,
       {485165195.409790277969, 24258259.7204895138985, 1212912.93602447569492,
        60645.6218012237847461, 3032.27275672785590397}},
      {50.0,
       {5.18470552858707246409e+21, 103694110571741449282.0, 2073882211434828985.61,
        41477644228696579.7023, 829552884573931.590712}},
  };
  return rows;
}

}  // namespace

TEST_CASE("phi agrees with values of 80 digits") {
  for (const Row& row : table()) {
    for (int k = 0; k <= most; ++k) {
      CAPTURE(row.z, k);
      const double expected = row.values[static_cast<std::size_t>(k)];
      REQUIRE_THAT(dpm::phi(k, row.z), WithinRel(expected, bound(k, row.z)));
    }
  }
}

TEST_CASE("phi agrees with long double between -50 and 50") {
  // Where long double is no wider than double, the table above has to do.
  if (std::numeric_limits<long double>::digits <= std::numeric_limits<double>::digits) return;
  for (int k = 0; k <= most; ++k) {
    double worst = 0.0;
    double worst_at = 0.0;
    const auto look_at = [&](double z) {
      const long double expected = wide_phi(k, static_cast<long double>(z));
      const long double error = std::abs(static_cast<long double>(dpm::phi(k, z)) - expected);
      const double ratio = static_cast<double>(error / std::abs(expected)) / bound(k, z);
      if (!(ratio <= worst)) {
        worst = ratio;
        worst_at = z;
      }
    };
    for (int i = -50000; i <= 50000; ++i) look_at(i / 1000.0);
    for (int i = -30000; i <= 30000; ++i) look_at(i / 20011.0);  // denser around the switch
    for (int i = 1; i <= 300; ++i) {
      look_at(std::pow(10.0, -i));
      look_at(-std::pow(10.0, -i));
    }
    CAPTURE(k, worst_at);
    REQUIRE(worst < 1.0);
  }
}

TEST_CASE("phi at 0 is 1 / k!") {
  REQUIRE(dpm::phi(0, 0.0) == 1.0);
  REQUIRE(dpm::phi(1, 0.0) == 1.0);
  REQUIRE(dpm::phi(2, 0.0) == 0.5);
  REQUIRE(dpm::phi(3, 0.0) == 0.5 / 3.0);
  REQUIRE(dpm::phi(4, 0.0) == 0.5 / 3.0 / 4.0);
  for (int k = 0; k <= most; ++k) {
    REQUIRE(dpm::phi(k, -0.0) == dpm::phi(k, 0.0));
    REQUIRE(dpm::phi(k, 1e-300) == dpm::phi(k, 0.0));
  }
}

TEST_CASE("phi refuses a number whose factorial is no double") {
  for (const int k : {-1, 171, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    for (const double z : {0.5, 2.0}) {
      refused([=] { (void)dpm::phi(k, z); },
              "phi: k = " + std::to_string(k) +
                  "; it must be 0 to 170, as 170! is the last that is a double");
    }
  }
  REQUIRE(dpm::phi(170, 0.0) > 1e-307);
}

TEST_CASE("phi does not jump where it changes from series to recursion") {
  for (const double sign : {-1.0, 1.0}) {
    for (int k = 1; k <= most; ++k) {
      CAPTURE(sign, k);
      const double below = dpm::phi(k, sign * std::nextafter(1.0, 0.0));
      const double above = dpm::phi(k, sign);
      // The argument moves by half an epsilon, which moves the value by less than that.
      REQUIRE_THAT(below, WithinRel(above, bound(k, 1.0) + bound(k, 0.5) + 0.5 * epsilon));
    }
  }
}

}  // namespace phi_test
