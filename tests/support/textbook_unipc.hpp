// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// UniPC in the paper's form: a linear system for the coefficients of each step.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "support/textbook_base.hpp"
#include "support/textbook_multistep.hpp"
#include "support/textbook_quadrature.hpp"

namespace dpm_test::textbook {

struct UniPcOptions {
  int order = 2;
  Space space = Space::data;
  /// B(h) = h, B(h) = e^h - 1, or UniPC_v with coefficients that vary.
  enum class Form { bh1, bh2, varying } form = Form::bh2;
  bool corrector = true;
  bool lower_order_final = false;
};

using Matrix = std::vector<std::vector<double>>;

/// Solves A x = b by Gauss' elimination with pivoting.
inline std::vector<double> solve(Matrix A, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(A[i][k]) > std::abs(A[pivot][k])) pivot = i;
    }
    std::swap(A[k], A[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = A[i][k] / A[k][k];
      for (std::size_t j = k; j < n; ++j) A[i][j] -= factor * A[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; ++j) b[i] -= A[i][j] * b[j];
    b[i] /= A[i][i];
  }
  return b;
}

inline double factorial(std::size_t n) { return n < 2 ? 1 : double(n) * factorial(n - 1); }

/// phi_k(h) = integral over r from 0 to 1 of e^((1 - r) h) r^(k-1) / (k-1)! (arXiv 2206.00927, App.
/// B.1).
inline double phi_integral(std::size_t k, double h) {
  return integral(0, 1, [=](double r) {
    return std::exp((1 - r) * h) * std::pow(r, double(k) - 1) / factorial(k - 1);
  });
}

/// The sum over m of a_m D_m / r_m times B(h), for the paper's D_m = `differences[m]` at the ratios
/// r: coefficients from R_p(h) a_p B(h) = phi_p(h) (Zhao et al. 2023, arXiv 2302.04867, Eq. 5), or
/// of UniPC_v (App. C). In data space `hh` is -h (its appendix on data
/// prediction).
inline Vec unipc_sum(const std::vector<double>& r, const std::vector<Vec>& differences, double hh,
                     UniPcOptions::Form form) {
  const std::size_t p = r.size();
  std::vector<double> a(p, 0.0);
  double B = form == UniPcOptions::Form::bh1 ? hh : std::expm1(hh);
  if (form == UniPcOptions::Form::varying) {
    // C_{mn} = r_m^(n-1) / n!; the rows of its inverse, weighted with h phi_{n+1}(h), add up to a.
    Matrix transposed(p, std::vector<double>(p));
    std::vector<double> weights(p);
    for (std::size_t n = 1; n <= p; ++n) {
      weights[n - 1] = hh * phi_integral(n + 1, hh);
      for (std::size_t m = 0; m < p; ++m) {
        transposed[n - 1][m] = std::pow(r[m], double(n) - 1) / factorial(n);
      }
    }
    a = solve(transposed, weights);
    B = 1;
  } else if (p == 1) {
    a = {0.5};  // whatever r and B(h) are (Sec. 3.3)
  } else {
    Matrix R(p, std::vector<double>(p));
    std::vector<double> b(p);
    for (std::size_t k = 1; k <= p; ++k) {
      for (std::size_t m = 0; m < p; ++m) R[k - 1][m] = std::pow(r[m], double(k) - 1);
      b[k - 1] = factorial(k) * hh * phi_integral(k + 1, hh) / B;
    }
    a = solve(R, b);
  }
  Vec sum(differences[0].size(), 0.0);
  for (std::size_t m = 0; m < p; ++m) sum = sum + B * a[m] / r[m] * differences[m];
  return sum;
}

/// One update from the newest of `history` (or, for a corrector, the one before it) to t. `others`
/// are the predictions it is compared with.
inline Vec unipc_update(const Prediction& from, const std::vector<Prediction>& others,
                        const dpm::Level& t, const Vec& x, const UniPcOptions& options) {
  const dpm::Level& s = from.at;
  const double h = t.lambda() - s.lambda();
  const double hh = options.space == Space::noise ? h : -h;
  std::vector<double> r;
  std::vector<Vec> differences;
  for (const Prediction& other : others) {
    r.push_back((other.at.lambda() - s.lambda()) / h);
    differences.push_back(other.value - from.value);
  }
  Vec sum(x.size(), 0.0);
  if (!others.empty()) sum = unipc_sum(r, differences, hh, options.form);
  if (options.space == Space::noise) {
    return t.alpha() / s.alpha() * x - t.sigma() * std::expm1(h) * from.value - t.sigma() * sum;
  }
  return t.sigma() / s.sigma() * x - t.alpha() * std::expm1(-h) * from.value - t.alpha() * sum;
}

/// UniPC (arXiv 2302.04867, Alg. 1 and 2): UniP-p predicts, and UniC-p, which knows the model's
/// output at the predicted sample, corrects, except after the last step. The order rises to p as
/// far as the history allows. `network` predicts what `options.space` says.
inline Vec unipc(const Network& network, const Levels& grid, Vec x, const UniPcOptions& options) {
  const std::size_t steps = grid.size() - 1;
  std::vector<Prediction> history{{grid[0], network(x, grid[0])}};
  for (std::size_t i = 0; i < steps; ++i) {
    std::size_t p = std::min(static_cast<std::size_t>(options.order), i + 1);
    if (options.lower_order_final) p = std::min(p, steps - i);
    std::vector<Prediction> earlier;
    for (std::size_t m = 1; m < p; ++m) earlier.push_back(history[i - m]);
    const dpm::Level& t = grid[i + 1];
    const Vec predicted = unipc_update(history[i], earlier, t, x, options);
    if (i + 1 == steps) return predicted;
    history.push_back({t, network(predicted, t)});
    earlier.push_back(history.back());
    x = options.corrector ? unipc_update(history[i], earlier, t, x, options) : predicted;
  }
  return x;
}

}  // namespace dpm_test::textbook
