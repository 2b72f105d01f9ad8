// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// PyTorch's noise as a source: the start, the draws of a run in any order, generators for each
/// sample, and printed tensors of GPUs.
#include "dpm/noise/torch_noise.hpp"

#include <Eigen/Core>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "dpm/dpm.hpp"
#include "support/catch.hpp"

namespace torch_noise_test {

using namespace dpm_test;
using dpm::TorchCudaNoise;
using dpm::TorchGenerator;
using dpm::TorchNoise;
using State = std::vector<float>;

namespace {

constexpr std::uint64_t seed = 42;

dpm::NoiseRequest request(std::uint32_t draw) { return {draw, {}, {}}; }

State start(const auto& noise, std::size_t size) {
  State x(size);
  noise.fill(x);
  return x;
}

State draw_of(const auto& noise, std::uint32_t draw, std::size_t size) {
  State z(size);
  noise(z, request(draw));
  return z;
}

/// The first `count` tensors of `size` values that a generator makes.
std::vector<State> tensors(std::uint64_t its_seed, std::size_t size, std::size_t count) {
  TorchGenerator generator(its_seed);
  std::vector<State> made(count, State(size));
  for (State& tensor : made) generator.randn(tensor);
  return made;
}

/// A printed tensor has four decimals, and a GPU's sine is good to about 1e-6 of its radius.
void require_printed(const State& values, std::size_t first, const std::vector<float>& printed) {
  for (std::size_t i = 0; i < printed.size(); ++i) {
    CAPTURE(first, i);
    REQUIRE_THAT(values[first + i], WithinAbs(printed[i], 0.5e-4 + 1e-5));
  }
}

std::string refusal(const auto& call) {
  try {
    call();
  } catch (const dpm::InvalidArgument& error) {
    return error.what();
  }
  return {};
}

/// What both sources do alike.
template <class Noise>
void require_source() {
  for (const std::size_t size : {3U, 16U, 50U}) {
    CAPTURE(size);
    const Noise noise{.seed = seed};
    const Noise later{.seed = seed, .first_draw = 3};
    const Noise first{.seed = seed, .first_draw = 0};
    REQUIRE(start(noise, size) == draw_of(first, 0, size));
    REQUIRE(draw_of(noise, 0, size) == draw_of(first, 1, size));
    REQUIRE(draw_of(noise, 0, size) != start(noise, size));
    REQUIRE(draw_of(noise, 4, size) == draw_of(first, 5, size));
    REQUIRE(start(later, size) == draw_of(noise, 1, size));
    REQUIRE(draw_of(later, 0, size) == draw_of(noise, 2, size));

    // Zeros, noised to sigma 1, are the noise.
    State x(size, 0.0F);
    dpm::add_noise(x, dpm::VarianceExploding().level(1.0), noise);
    REQUIRE(x == start(noise, size));
  }
}

}  // namespace

TEST_CASE("a source of PyTorch's noise gives the calls of one generator in any order") {
  for (const std::size_t size : {1U, 3U, 15U, 16U, 17U, 100U}) {
    CAPTURE(size);
    const auto calls = tensors(seed, size, 7);
    const TorchNoise noise{.seed = seed};
    REQUIRE(start(noise, size) == calls[0]);
    for (const std::uint32_t draw : {4U, 0U, 5U, 5U, 1U, 3U, 2U}) {
      REQUIRE(draw_of(noise, draw, size) == calls[draw + 1]);
    }
  }
}

TEST_CASE("PyTorch's sources number the start and the draws of a run alike") {
  require_source<TorchNoise>();
  require_source<TorchCudaNoise>();
}

namespace {

/// Each sample of a batch is alone what its own seed gives, in a range and in columns.
template <class Noise>
void require_seeds_of_samples() {
  for (const std::size_t elements : {3U, 16U, 20U}) {
    CAPTURE(elements);
    const Noise noise{.seed = seed, .elements_per_sample = elements};
    const State batch = draw_of(noise, 1, 4 * elements);
    const State batch_start = start(noise, 4 * elements);
    for (std::size_t s = 0; s < 4; ++s) {
      const auto begin = static_cast<std::ptrdiff_t>(s * elements);
      const auto end = static_cast<std::ptrdiff_t>((s + 1) * elements);
      const Noise alone{.seed = seed + s};
      REQUIRE(State(batch.begin() + begin, batch.begin() + end) == draw_of(alone, 1, elements));
      REQUIRE(State(batch_start.begin() + begin, batch_start.begin() + end) ==
              start(alone, elements));
    }
    const int rows = static_cast<int>(elements);
    Eigen::ArrayXXf columns(rows, 4);
    noise(columns, request(1));
    REQUIRE(State(columns.data(), columns.data() + columns.size()) == batch);
    Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> row_major(rows, 4);
    noise(row_major, request(1));
    REQUIRE((row_major == columns.cast<double>()).all());

    // Without it one call makes the batch.
    Eigen::ArrayXXf whole(rows, 4);
    Noise{.seed = seed}(whole, request(1));
    REQUIRE(State(whole.data(), whole.data() + whole.size()) ==
            draw_of(Noise{.seed = seed}, 1, 4 * elements));
    REQUIRE((whole != columns).any());
  }
}

}  // namespace

TEST_CASE("samples may have generators of their own, with seeds that follow one another") {
  require_seeds_of_samples<TorchNoise>();
  require_seeds_of_samples<TorchCudaNoise>();
}

TEST_CASE("a source of PyTorch's noise has the type of the tensor it is told") {
  std::vector<double> of_source(20);
  std::vector<double> of_generator(20);
  const TorchNoise noise{.seed = seed, .type = dpm::TorchType::float64};
  TorchGenerator generator(seed);
  for (std::uint32_t call = 0; call < 3; ++call) {
    generator.randn(of_generator, dpm::TorchType::float64);
    if (call == 0) {
      noise.fill(of_source);
    } else {
      noise(of_source, request(call - 1));
    }
    REQUIRE(of_source == of_generator);
  }
}

TEST_CASE("empty states are left alone by PyTorch's sources") {
  State none;
  TorchNoise{.seed = seed}.fill(none);
  TorchCudaNoise{.seed = seed}.fill(none);
  Eigen::ArrayXXf without_rows(0, 5);
  TorchNoise{.seed = seed}.fill(without_rows);
  TorchCudaNoise{.seed = seed, .threads = 256}.fill(without_rows);
}

namespace {

/// A run with noise that is saved at each of its calls and goes on in another process, where the
/// source is made anew, ends in the same bits.
void require_resumes(const auto& noise) {
  const auto model = [](const State& x, State& out) {
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = x[i] / (1.0F + x[i] * x[i]);
  };
  const dpm::Plan plan = dpm::make_plan(dpm::Ddpm{}, dpm::VpLinear(), 6);
  REQUIRE(plan.draws() == 6);
  dpm::Stepper<State> run(plan, start(noise, 20), {.noise = noise});
  std::vector<std::vector<std::byte>> saved;
  while (const auto call = run.next()) {
    saved.push_back(save(run));
    model(call->input, call->output);
  }
  for (const auto& bytes : saved) {
    auto again = dpm::load(bytes, plan, State(20), {.noise = noise});
    while (const auto call = again.next()) model(call->input, call->output);
    REQUIRE(again.sample() == run.sample());
  }
}

}  // namespace

TEST_CASE("a saved run goes on with the draws that PyTorch's generator would have made") {
  require_resumes(TorchNoise{.seed = seed});
  require_resumes(TorchCudaNoise{.seed = seed});
}

// AUTOMATIC1111/stable-diffusion-webui, modules/rng_philox.py, "Expected output". That program
// keeps double until the end, and a float angle is good to 2^-22, which makes 7e-7 at a radius
// of 2.7.
TEST_CASE("tensors of CUDA are those that A1111 imitates") {
  const std::vector<float> expected{-0.92466259F, -0.42534415F, -2.6438457F,  0.14518388F,
                                    -0.12086647F, -0.57972564F, -0.62285122F, -0.32838709F,
                                    -1.07454231F, -0.36314407F, -1.67105067F, 2.26550497F};
  const State x = start(TorchCudaNoise{.seed = 0}, expected.size());
  for (std::size_t i = 0; i < x.size(); ++i) REQUIRE_THAT(x[i], WithinAbs(expected[i], 1e-6));
}

// Printed by torch.randn(8, 8, device="cuda") after torch.manual_seed(0), and by torch.randn(4,
// device="cuda") six times after torch.manual_seed(42), in public documents of Triton kernels.
TEST_CASE("tensors of CUDA are those that PyTorch printed, call after call") {
  require_printed(start(TorchCudaNoise{.seed = 0}, 64), 0,
                  {-0.9247F, -0.4253F, -2.6438F, 0.1452F,  -0.1209F, -0.5797F, -0.6229F, -0.3284F,
                   -1.0745F, -0.3631F, -1.6711F, 2.2655F,  0.3117F,  -0.1842F, 1.2866F,  1.1820F,
                   -0.1271F, 1.2169F,  1.4353F,  1.0605F,  -0.4941F, -1.4244F, -0.7244F, -1.2973F,
                   0.0697F,  -0.0074F, 1.8969F,  0.6878F,  -0.0779F, -0.8373F, 1.3506F,  -0.2879F,
                   -0.5965F, -0.3283F, -0.9086F, -0.8059F, -0.7407F, -0.0504F, 0.5435F,  1.5150F,
                   0.0141F,  0.4532F,  1.6349F,  0.7124F,  -0.1806F, 1.0252F,  -1.4622F, -0.7554F,
                   -0.1836F, 0.3824F,  0.3918F,  -0.0830F, 0.8971F,  -1.1123F, 0.1116F,  0.4863F,
                   -0.5499F, -0.3231F, -0.5469F, 0.9049F,  0.2837F,  0.1210F,  0.4730F,  -1.0823F});
  const std::vector<std::vector<float>> six_calls{
      {0.1940F, 2.1614F, -0.1721F, 0.8491F},   {0.1391F, -0.1082F, -0.7174F, 0.7566F},
      {-0.5187F, 1.2268F, 0.6255F, -0.9117F},  {-0.6974F, -1.8688F, -0.8832F, -1.6627F},
      {-1.2682F, -0.0383F, -0.1029F, 1.4400F}, {1.4640F, -0.3238F, 0.7740F, 1.5892F}};
  const TorchCudaNoise noise{.seed = 42, .first_draw = 0};
  for (std::uint32_t call = 0; call < six_calls.size(); ++call) {
    require_printed(draw_of(noise, call, 4), 0, six_calls[call]);
  }
}

// PyTorch 2.7.1, issue 158398: torch.randn(1, 64, 2048), more values than the GPU has threads.
TEST_CASE("a tensor larger than a GPU is the one that an RTX 3060 printed") {
  const TorchCudaNoise noise{.seed = 42, .threads = std::size_t{28} * 1536};
  const State x = start(noise, std::size_t{64} * 2048);
  const std::vector<std::vector<float>> ends_of_rows{
      {0.1940F, 2.1614F, -0.1721F},   {1.4540F, -2.7733F, -0.8932F},   // row 0
      {-0.4574F, 0.8063F, 0.1580F},   {0.1124F, 0.2769F, -1.2535F},    // row 1
      {1.1346F, -0.6329F, -0.9147F},  {-1.0001F, -1.1552F, -0.6955F},  // row 2
      {-0.4861F, 0.3358F, 1.0578F},   {-0.7282F, 0.5087F, 0.1318F},    // row 61
      {0.7881F, 0.8339F, -1.1424F},   {-0.6297F, -1.1112F, -0.4091F},  // row 62
      {-1.2356F, -0.4083F, -0.4695F}, {-0.4841F, 1.2850F, -0.0282F}};  // row 63
  const std::size_t rows[] = {0, 1, 2, 61, 62, 63};
  for (std::size_t k = 0; k < 6; ++k) {
    require_printed(x, rows[k] * 2048, ends_of_rows[2 * k]);
    require_printed(x, rows[k] * 2048 + 2045, ends_of_rows[2 * k + 1]);
  }
  // Up to the number of threads all GPUs have the same.
  const State anywhere = start(TorchCudaNoise{.seed = 42}, std::size_t{64} * 2048);
  const auto shared = static_cast<std::ptrdiff_t>(noise.threads);
  REQUIRE(State(x.begin(), x.begin() + shared) ==
          State(anywhere.begin(), anywhere.begin() + shared));
  REQUIRE(x[noise.threads] != anywhere[noise.threads]);
}

// PyTorch 2.5.1, issue 143086: 9,483,264 values, which are more than ten rounds on either.
TEST_CASE("a tensor that goes around many times ends as an A100 and an H100 printed it") {
  constexpr std::size_t size = std::size_t{49} * 12 * 112 * 144;
  const auto require_end = [](std::size_t threads, const std::vector<float>& printed) {
    const dpm::detail::CudaTensor tensor(size, threads);
    State last;
    for (std::size_t i = size - 3; i < size; ++i) {
      last.push_back(static_cast<float>(tensor.value(1, 0, i)));
    }
    require_printed(last, 0, printed);
  };
  require_end(std::size_t{108} * 2048, {0.1549F, -0.6797F, -0.1656F});
  require_end(std::size_t{132} * 2048, {-0.6970F, -0.7780F, 0.3267F});
}

// The Philox counters of a call are those that its last thread could need.
TEST_CASE("the next call of a tensor larger than a GPU begins behind its rounds") {
  constexpr std::size_t threads = 512;
  for (const std::size_t size : {512U, 513U, 2048U, 2049U, 4097U}) {
    CAPTURE(size);
    const TorchCudaNoise noise{.seed = seed, .threads = threads};
    const State second = draw_of(noise, 0, size);
    const std::size_t rounds = (size + 4 * threads - 1) / (4 * threads);
    // With as many threads as values, call k begins at counter k.
    const auto at_counter = static_cast<std::uint32_t>(rounds);
    const State one_round =
        draw_of(TorchCudaNoise{.seed = seed, .first_draw = 0}, at_counter, threads);
    REQUIRE(State(second.begin(), second.begin() + threads) == one_round);
  }
}

TEST_CASE("PyTorch's sources say what they cannot make, and change nothing") {
  State x(12, 3.0F);
  const auto filled = [&](const auto& noise) { return refusal([&] { noise.fill(x); }); };
  const auto drawn = [&](const auto& noise, std::uint32_t draw) {
    return refusal([&] { noise(x, request(draw)); });
  };
  REQUIRE_THAT(filled(TorchNoise{.first_draw = 0}), mentions("TorchNoise: first_draw = 0"));
  REQUIRE_THAT(filled(TorchCudaNoise{.first_draw = 0}), mentions("TorchCudaNoise: first_draw = 0"));
  REQUIRE_THAT(filled(TorchNoise{.first_draw = 0}), mentions("it must be 1 or more"));
  REQUIRE_THAT(filled(TorchNoise{.elements_per_sample = 5}),
               mentions("TorchNoise: elements_per_sample = 5"));
  REQUIRE_THAT(filled(TorchCudaNoise{.elements_per_sample = 5}),
               mentions("TorchCudaNoise: elements_per_sample = 5"));
  REQUIRE_THAT(drawn(TorchNoise{.elements_per_sample = 5}, 0), mentions("must divide"));
  Eigen::ArrayXXf columns(6, 2);
  REQUIRE_THAT(refusal([&] { TorchNoise{.elements_per_sample = 3}.fill(columns); }),
               mentions("6 x 2"));

  constexpr std::uint32_t million = std::uint32_t{1} << 20;
  REQUIRE_THAT(drawn(TorchNoise{}, million), mentions("call 1048577"));
  REQUIRE_THAT(drawn(TorchNoise{}, std::uint32_t{1} << 31), mentions("below 2^20"));
  REQUIRE_THAT(drawn(TorchNoise{}, std::uint32_t{1} << 31), mentions("Inpaint"));
  REQUIRE_THAT(drawn(TorchNoise{.first_draw = 0}, std::numeric_limits<std::uint32_t>::max()),
               mentions("call 4294967295"));
  REQUIRE(drawn(TorchCudaNoise{}, std::uint32_t{1} << 31).empty());
  REQUIRE(x != State(12, 3.0F));
  x.assign(12, 3.0F);

  REQUIRE_THAT(filled(TorchCudaNoise{.threads = 1000}), mentions("threads = 1000"));
  REQUIRE_THAT(filled(TorchCudaNoise{.threads = 1000}), mentions("multiple of 256"));
  constexpr std::size_t most = std::size_t{1} << 29;
  REQUIRE_THAT(refusal([&] { dpm::detail::CudaTensor(most + 1, 0); }),
               mentions("a tensor of 536870913 values"));
  REQUIRE(refusal([&] { dpm::detail::CudaTensor(most, 0); }).empty());
  REQUIRE(x == State(12, 3.0F));
}

}  // namespace torch_noise_test
