// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Runs on tensors of a GPU: what runs on the CPU give, and no wait. Passes without a check where
/// torch has none.
#include <torch/cuda.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "dpm/interop/libtorch.hpp"

// torch's logging defines it, and so does Catch2.
#undef CHECK

#if __has_include(<c10/cuda/CUDAStream.h>) && __has_include(<cuda_runtime_api.h>)
#  include <c10/cuda/CUDAStream.h>
#  define DPM_TEST_CUDA 1
#endif

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace libtorch_cuda_test {

namespace {

using torch::Tensor;

const dpm::DiscreteSchedule<double> schedule(dpm::linear_betas(1000));

Tensor network(const Tensor& x, double label) { return x / (1 + x * x) + label / 2000; }

Tensor start(torch::Dtype type) {
  return torch::sin(2.3 * torch::arange(3 * 700, torch::kDouble)).mul(1.4).view({3, 700}).to(type);
}

std::vector<dpm::Plan> some_plans() {
  using dpm::DpmSolver;
  return {dpm::make_plan(schedule, 12), dpm::make_plan(DpmSolver{.order = 3}, schedule, 12),
          dpm::make_plan(DpmSolver{.order = 3, .form = DpmSolver::Form::singlestep}, schedule, 12),
          dpm::make_plan(dpm::Ddpm{}, schedule, 12), dpm::make_plan(dpm::Pndm{}, schedule, 20)};
}

/// Noise that is drawn on the CPU, whatever the device.
void same_noise(dpm::TensorState& z, const dpm::NoiseRequest& request) {
  const Tensor& like = z.tensor();
  z = start(torch::kDouble)
          .add(static_cast<double>(request.draw))
          .cos()
          .mul(1.4)
          .to(like.options());
}

}  // namespace

TEST_CASE("runs on a GPU give what runs on the CPU give, but for rounding") {
  if (!torch::cuda::is_available()) return;
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    const double epsilon = type == torch::kFloat ? std::numeric_limits<float>::epsilon()
                                                 : std::numeric_limits<double>::epsilon();
    for (const dpm::Plan& plan : some_plans()) {
      Tensor here = start(type);
      Tensor there = here.to(torch::kCUDA);
      dpm::sample(plan, network, here, {.noise = same_noise});
      dpm::sample(plan, network, there, {.noise = same_noise});
      REQUIRE(there.is_cuda());
      const double most = (there.cpu() - here).abs().max().item<double>();
      INFO(plan.model_calls() << " calls, epsilon " << epsilon);
      REQUIRE(most / here.abs().max().item<double>() / epsilon < 80.0);
    }
  }
}

TEST_CASE("half types and adaptive steps on a GPU give what they give on the CPU") {
  if (!torch::cuda::is_available()) return;
  for (const auto type : {torch::kHalf, torch::kBFloat16}) {
    const auto half_network = [type](const Tensor& x, double label) {
      return network(x.to(torch::kFloat), label).to(type);
    };
    Tensor here = start(type);
    Tensor there = here.to(torch::kCUDA);
    dpm::sample(schedule, 10, half_network, here);
    dpm::sample(schedule, 10, half_network, there);
    REQUIRE(there.scalar_type() == type);
    // Each rounds once a step, after sums whose own rounding is far below that of the type.
    const Tensor difference = there.cpu().to(torch::kFloat) - here.to(torch::kFloat);
    const double epsilon = type == torch::kHalf ? 0x1p-10 : 0x1p-7;
    const double largest = here.to(torch::kFloat).abs().max().item<double>();
    REQUIRE(difference.abs().max().item<double>() / largest < 10 * epsilon);
  }
  Tensor here = start(torch::kDouble);
  Tensor there = here.to(torch::kCUDA);
  const auto report = dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, schedule, network, here);
  const auto same = dpm::sample_adaptive(dpm::AdaptiveDpmSolver{}, schedule, network, there);
  REQUIRE(report.model_calls == same.model_calls);
  REQUIRE((there.cpu() - here).abs().max().item<double>() < 1e-9);
}

TEST_CASE("torch's noise on a GPU is keyed by seed and draw, and standard normal") {
  if (!torch::cuda::is_available()) return;
  const Tensor x = torch::empty({100'000}, torch::kCUDA);
  dpm::TensorNoise{.seed = 7}.fill(x);
  REQUIRE(std::abs(x.mean().item<double>()) < 0.02);
  REQUIRE(std::abs(x.var().item<double>() - 1.0) < 0.02);
  Tensor again = torch::empty_like(x);
  dpm::TensorNoise{.seed = 7}.fill(again);
  REQUIRE(again.equal(x));
  dpm::TensorNoise{.seed = 8}.fill(again);
  REQUIRE(std::abs((again * x).mean().item<double>()) < 0.02);

  // A fork in the middle ends in the same bits.
  const dpm::Plan plan = dpm::make_plan(dpm::Ddpm{}, schedule, 6);
  dpm::Stepper run(plan, x,
                   dpm::RunOptions<dpm::TensorState>{.noise = dpm::TensorNoise{.seed = 7}});
  const auto answer = [](auto& call) { call->output = network(call->input, call->level.timestep); };
  for (int i = 0; i < 3; ++i) {
    auto call = run.next();
    answer(call);
  }
  auto fork = run;
  while (auto call = run.next()) answer(call);
  if (auto open = fork.open_call()) answer(open);
  while (auto call = fork.next()) answer(call);
  REQUIRE(fork.sample().tensor().equal(run.sample().tensor()));
}

TEST_CASE("a result on a GPU that is not finite is refused") {
  if (!torch::cuda::is_available()) return;
  Tensor x = start(torch::kFloat).to(torch::kCUDA);
  const auto broken = [](const Tensor& y, double /*label*/) { return y / 0.0; };
  REQUIRE_THROWS_AS(dpm::sample(schedule, 5, broken, x), dpm::NonFinite);
}

#if defined(DPM_TEST_CUDA)
TEST_CASE("no step waits for the GPU") {
  if (!torch::cuda::is_available()) return;
  const auto gpu = torch::TensorOptions(torch::kCUDA);
  const Tensor matrix = torch::full({8192, 8192}, 1.0 / 8192, gpu);
  Tensor busy = matrix;
  Tensor x = start(torch::kFloat).to(torch::kCUDA);
  int calls = 0;
  const auto slow_network = [&](const Tensor& y, double label) {
    if (++calls == 1) {
      for (int i = 0; i < 50; ++i) busy = torch::mm(matrix, busy);  // a second of work
    }
    return network(y, label);
  };
  for (const dpm::Plan& plan : some_plans()) {
    calls = 0;
    Tensor warm = x.clone();
    dpm::sample(plan, network, warm, {.noise = dpm::TensorNoise{3}, .check_finite = false});
    c10::cuda::getCurrentCUDAStream().synchronize();
    dpm::sample(plan, slow_network, x, {.noise = dpm::TensorNoise{3}, .check_finite = false});
    REQUIRE_FALSE(c10::cuda::getCurrentCUDAStream().query());  // the first call is not done yet
    c10::cuda::getCurrentCUDAStream().synchronize();
  }
}
#endif

}  // namespace libtorch_cuda_test
