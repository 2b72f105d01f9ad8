// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The exact model of examples/digits.
#include <dpm/dpm.hpp>
#include <memory>

#include "../digits/images.hpp"
#include "../digits/kernel_density.hpp"
#include "problem.hpp"

namespace calibrate {
namespace {

constexpr double kernel_width = 0.15;  // as in examples/digits

}  // namespace

Problem digits_problem(const std::string& images) {
  const digits::Images data = digits::load_images(images);
  const auto model = std::make_shared<digits::KernelDensity>(data.values, kernel_width);
  Model network = [model](const State& x, const dpm::Level& at, State& noise) {
    Eigen::MatrixXd out;
    (*model)(x.matrix().cast<double>(), at, out);
    noise = out.array().cast<float>();
  };
  const auto bytes = static_cast<std::size_t>(data.values.size()) * sizeof(double);
  return {"digits",        fingerprint({reinterpret_cast<const char*>(data.values.data()), bytes}),
          dpm::VpLinear(), dpm::Prediction::noise,
          digits::pixels,  [network](std::size_t /*batch*/) { return network; }};
}

}  // namespace calibrate
