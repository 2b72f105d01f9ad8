// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The diffusion ODE for a solver that knows nothing about it: Dormand and Prince's Runge-Kutta
/// method of order 5, by Boost.Odeint, on tensors.
#pragma once

#include <torch/script.h>

#include <boost/numeric/odeint.hpp>
#include <cmath>
#include <dpm/dpm.hpp>
#include <dpm/interop/libtorch.hpp>

namespace boost::numeric::odeint {

/// The size of an error: the root mean square over all samples of a batch, which share their steps
/// (as in other libraries; the largest of 200,000 pixels would make it take far more steps).
template <>
struct vector_space_norm_inf<at::Tensor> {
  using result_type = double;
  double operator()(const at::Tensor& error) const {
    return std::sqrt(error.square().mean().item<double>());
  }
};

}  // namespace boost::numeric::odeint

namespace study {

/// Solves dx/dt = (d log alpha/dt) x - sigma (d lambda/dt) epsilon from x at the schedule's last
/// time to its first, and goes on to sigma = 0 with one call, as all other methods do. The
/// tolerance is absolute and relative.
template <class Network>
at::Tensor solve_black_box(const dpm::AnySchedule& schedule, Network&& network, at::Tensor x,
                           double tolerance) {
  namespace odeint = boost::numeric::odeint;
  using Stepper = odeint::runge_kutta_dopri5<at::Tensor, double, at::Tensor, double,
                                             odeint::vector_space_algebra>;
  const at::NoGradGuard no_grad;
  // Sums make new tensors here, so handles that share their values do no harm.
  const auto right_hand_side = [&](const at::Tensor& now, at::Tensor& slope, double time) {
    const dpm::Level level = schedule.level(time);
    const dpm::LevelRate rate = schedule.rate(time);
    const dpm::TensorState input(now);
    dpm::TensorState noise(input);
    network(input, level, noise);
    const double weight = -level.sigma() * (rate.d_log_alpha - rate.d_log_sigma);
    slope = rate.d_log_alpha * now + weight * noise.tensor();
  };
  const double start = schedule.last_time();
  const double end = schedule.first_time();
  odeint::integrate_adaptive(odeint::make_controlled<Stepper>(tolerance, tolerance),
                             right_hand_side, x, start, end, 0.01 * (end - start));
  const dpm::Level last = schedule.level(end);
  const dpm::TensorState input(x);
  dpm::TensorState noise(input);
  network(input, last, noise);
  return (x - last.sigma() * noise.tensor()) / last.alpha();
}

}  // namespace study
