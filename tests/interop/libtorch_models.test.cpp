// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// TorchScript modules as models, guidance on a doubled batch, and torch's noise.
#include "dpm/interop/libtorch.hpp"

// torch's logging defines it, and so does Catch2.
#undef CHECK

#include <cmath>
#include <cstdint>
#include <string>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace libtorch_models_test {

using namespace dpm_test;
using dpm::TensorState;
using torch::Tensor;

namespace {

const dpm::DiscreteSchedule<double> schedule(dpm::linear_betas(1000));

/// A module with one parameter, 0.5, and the given body of forward.
torch::jit::Module module(const std::string& body, torch::ScalarType type = torch::kFloat) {
  torch::jit::Module made("made");
  made.register_parameter("half", torch::full({}, 0.5, type).requires_grad_(true), false);
  made.define("def forward(self, x, t, extra):\n    " + body + "\n");
  return made;
}

const torch::jit::IValue nothing = torch::zeros({1});

}  // namespace

TEST_CASE("a TorchScript module is called with a timestep for each sample and the inputs given") {
  // The label times 0.5 for one sample, and times 1 for the other.
  dpm::TorchModel model(module("return 0 * x + self.half * extra * t.view(-1, 1)"),
                        {torch::tensor({{1.0F}, {2.0F}})});
  TensorState x(torch::ones({2, 3}));
  TensorState out(x);
  model(x, 999.25, out);
  REQUIRE(out.tensor().equal(torch::tensor({{999.25F / 2}, {999.25F}}).expand({2, 3})));
  REQUIRE_FALSE(out.tensor().requires_grad());
  dpm::TorchModel(module("return 0 * x + float(torch.is_grad_enabled())"), {nothing})(x, 1.0, out);
  REQUIRE(out.tensor().equal(torch::zeros({2, 3})));
  REQUIRE_THROWS_WITH(model(TensorState(torch::ones({2, 3}, torch::kDouble)), 1.0, out),
                      mentions("[2, 3] of Double on cpu and the module's parameters are of Float"));

  // The labels of a half type are float; they are integers where that is asked for.
  const auto dtype_of_t = [](auto type) { return module("return 0 * x + t.dtype", type); };
  TensorState half(torch::ones({2}, torch::kHalf));
  dpm::TorchModel(dtype_of_t(torch::kHalf), {nothing})(half, 1.0, half);
  REQUIRE(half.tensor().equal(torch::full({2}, int(torch::kFloat), torch::kHalf)));
  dpm::TorchModel integers(dtype_of_t(torch::kFloat), {nothing}, torch::kLong);
  TensorState two(torch::ones({2}));
  integers(two, 3.0, two);
  REQUIRE(two.tensor().equal(torch::full({2}, float(torch::kLong))));
  REQUIRE_THROWS_WITH(integers(two, 3.5, two),
                      mentions("timestep = 3.5; it must be a whole number"));
  REQUIRE_THROWS_WITH(dpm::TorchModel(module("return x.mul_(2)"), {nothing})(two, 1.0, two),
                      mentions("the module has changed its input x; it must leave x as it is"));
  REQUIRE_THROWS_WITH(dpm::TorchModel(module("return x, t"), {nothing})(two, 1.0, two),
                      mentions("the module returns Tuple; it must return one tensor"));
}

TEST_CASE("guidance on a doubled batch is guidance with two models") {
  const Tensor classes = torch::tensor({0.3F, 0.6F, 0.9F});
  const std::string body = "return x / (1 + x * x) + extra.view(-1, 1) + t.view(-1, 1) / 2000";
  const dpm::TorchModel with(module(body), {classes});
  const dpm::TorchModel without(module(body), {torch::zeros({3})});
  const dpm::TorchModel both(module(body), {torch::cat({classes, torch::zeros({3})})});
  const dpm::GuidanceScale scale = dpm::GuidanceScale(3.0).within(0.5, 5.0);
  const Tensor start = torch::linspace(-1, 2, 15).view({3, 5});
  Tensor expected = start.clone();
  Tensor x = start.clone();
  dpm::sample(schedule, 12, dpm::ClassifierFreeGuidance(with, without, scale), expected);
  dpm::sample(schedule, 12, dpm::TorchClassifierFreeGuidance(both, scale), x);
  REQUIRE(x.allclose(expected, 0.0, 1e-6));
  Tensor plain = start.clone();
  dpm::sample(schedule, 12, with, plain);
  REQUIRE_FALSE(x.allclose(plain, 0.0, 0.1));
}

TEST_CASE("torch's noise is keyed by seed and draw, and its draws are standard normal") {
  const auto draw = [](std::uint64_t seed, std::uint32_t number) {
    TensorState z(torch::zeros({100, 100}, torch::kDouble));
    dpm::TensorNoise{seed}(z, {number, {}, {}});
    return z.tensor();
  };
  const Tensor z = draw(1, 0);
  REQUIRE(z.equal(draw(1, 0)));
  Tensor first = torch::zeros({100, 100}, torch::kDouble);
  dpm::TensorNoise{1}.fill(first);
  // Correlations and moments of 10,000 draws: five standard deviations.
  for (const Tensor& other :
       {draw(1, 1), draw(2, 0), draw(2, 1), draw(1 + (std::uint64_t{1} << 32), 0), first}) {
    REQUIRE(std::abs((z * other).mean().item<double>()) < 0.05);
  }
  REQUIRE(std::abs(z.mean().item<double>()) < 0.05);
  REQUIRE(std::abs(z.square().mean().item<double>() - 1) < 0.0708);
}

TEST_CASE("a fork of a run with torch's noise ends in the same bits, and another seed in others") {
  const dpm::DiscreteSchedule<double> schedule(dpm::linear_betas(1000));
  const dpm::Plan plan = dpm::make_plan(dpm::Ddpm{}, schedule, 6);
  const auto finish = [](dpm::Stepper<TensorState>& run) {
    while (const auto call = run.next()) call->output = call->input.tensor() * 0.5;
    return run.sample().tensor();
  };
  dpm::Stepper run(plan, torch::ones({3, 4}), {.noise = dpm::TensorNoise{7}});
  for (int calls = 0; calls < 3; ++calls) {
    const auto call = run.next();
    call->output = call->input.tensor() * 0.5;
  }
  dpm::Stepper<TensorState> same = run.fork({.noise = dpm::TensorNoise{7}});
  dpm::Stepper<TensorState> other = run.fork({.noise = dpm::TensorNoise{8}});
  const Tensor expected = finish(run).clone();
  REQUIRE(finish(same).equal(expected));
  REQUIRE_FALSE(finish(other).equal(expected));
}

}  // namespace libtorch_models_test
