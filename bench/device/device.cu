// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// All checks of dpm/interop/cuda.hpp that need a GPU, and its times, without them if the argument
/// is
/// --checks. `run` builds it and hands over the file with the adapter's times. Returns 1 if a check
/// fails and 77 if there is no GPU.
#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dpm/dpm.hpp"
#include "dpm/interop/cuda.hpp"

namespace {

using dpm::CudaState;
using dpm::CudaType;
using dpm::CudaView;
using dpm::detail::BfloatBits;
using dpm::detail::HalfBits;

void must(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

int failures = 0;

void report(bool passed, const std::string& what) {
  std::printf("%-6s %s\n", passed ? "ok" : "FAILED", what.c_str());
  if (!passed) ++failures;
}

/// Memory of the device that is given back at the end of its scope.
class Memory {
 public:
  explicit Memory(std::size_t bytes) { must(cudaMalloc(&data_, bytes)); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { cudaFree(data_); }
  void* get() const { return data_; }

  template <class Value>
  void write(const std::vector<Value>& values) const {
    must(cudaMemcpy(data_, values.data(), values.size() * sizeof(Value), cudaMemcpyHostToDevice));
    must(cudaDeviceSynchronize());  // it may return before the last of it has arrived
  }
  template <class Value>
  std::vector<Value> read(std::size_t count) const {
    must(cudaDeviceSynchronize());
    std::vector<Value> values(count);
    must(cudaMemcpy(values.data(), data_, count * sizeof(Value), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  void* data_ = nullptr;
};

template <class Value>
std::size_t differing(const std::vector<Value>& a, const std::vector<Value>& b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(Value)) != 0) ++count;
  }
  return count;
}

/// A network whose bits are the same here and there.
template <class Scalar>
DPM_DEVICE void predict(const Scalar& x, float factor, Scalar& out) {
  dpm::detail::narrow(dpm::detail::product(factor, dpm::detail::widen(x)), out);
}
float factor_of(double timestep) { return static_cast<float>(0.9 / (1.0 + 1e-3 * timestep)); }

template <class Scalar>
__global__ void predict_kernel(const Scalar* x, std::uint64_t size, float factor, Scalar* out) {
  const std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < size) predict(x[i], factor, out[i]);
}

unsigned blocks_of(std::size_t size) { return static_cast<unsigned>((size + 255) / 256); }

template <class Scalar>
void network(const CudaState& x, double timestep, CudaState& out) {
  predict_kernel<<<blocks_of(x.size()), 256, 0, x.stream()>>>(static_cast<const Scalar*>(x.data()),
                                                              x.size(), factor_of(timestep),
                                                              static_cast<Scalar*>(out.data()));
}

__global__ void narrow_kernel(std::uint32_t first, std::uint32_t step, std::uint16_t* half,
                              std::uint16_t* bfloat) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  const float x = dpm::detail::bit_cast<float>(first + i * step);
  HalfBits as_half;
  BfloatBits as_bfloat;
  dpm::detail::narrow(x, as_half);
  dpm::detail::narrow(x, as_bfloat);
  half[i] = as_half.bits;
  bfloat[i] = as_bfloat.bits;
}

__global__ void widen_kernel(float* half) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  half[i] = dpm::detail::widen(HalfBits{static_cast<std::uint16_t>(i)});
}

void check_conversions() {
  constexpr std::uint32_t count = 1U << 24;
  const Memory half(count * 2);
  const Memory bfloat(count * 2);
  narrow_kernel<<<count / 256, 256>>>(0, 255, static_cast<std::uint16_t*>(half.get()),
                                      static_cast<std::uint16_t*>(bfloat.get()));
  must(cudaGetLastError());
  const auto halves = half.read<std::uint16_t>(count);
  const auto bfloats = bfloat.read<std::uint16_t>(count);
  std::size_t wrong = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const float x = dpm::detail::bit_cast<float>(i * 255);
    HalfBits as_half{};
    BfloatBits as_bfloat{};
    dpm::detail::narrow(x, as_half);
    dpm::detail::narrow(x, as_bfloat);
    const bool same = std::isnan(x) ? std::isnan(dpm::detail::widen(HalfBits{halves[i]}))
                                    : as_half.bits == halves[i];
    if (!same || as_bfloat.bits != bfloats[i]) ++wrong;
  }
  const Memory wide(0x10000 * sizeof(float));
  widen_kernel<<<0x10000 / 256, 256>>>(static_cast<float*>(wide.get()));
  must(cudaGetLastError());
  const auto floats = wide.read<float>(0x10000);
  for (std::uint32_t i = 0; i < 0x10000; ++i) {
    const float x = dpm::detail::widen(HalfBits{static_cast<std::uint16_t>(i)});
    if (std::isnan(x) ? !std::isnan(floats[i]) : std::memcmp(&x, &floats[i], 4) != 0) ++wrong;
  }
  report(wrong == 0, "half types are converted as on the CPU: " + std::to_string(wrong) + " of " +
                         std::to_string(count + 0x10000) + " differ");
}

/// The noise of both, for values of float.
void check_noise(std::size_t elements, std::size_t samples, std::size_t offset) {
  std::vector<float> cpu(elements * samples);
  dpm::NormalNoise{.seed = 42, .first_sample = 3, .elements_per_sample = elements}.fill(cpu);
  const Memory memory((cpu.size() + offset) * sizeof(float));
  const CudaView x{.data = static_cast<float*>(memory.get()) + offset, .size = cpu.size()};
  dpm::CudaNoise{.seed = 42, .first_sample = 3, .elements_per_sample = elements}.fill(x);
  auto device = memory.read<float>(cpu.size() + offset);
  device.erase(device.begin(), device.begin() + static_cast<std::ptrdiff_t>(offset));
  double largest = 0.0;
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    largest = std::fmax(largest, std::abs(double(cpu[i]) - double(device[i])));
  }
  const std::size_t count = differing(cpu, device);
  report(count == 0, "noise of " + std::to_string(samples) + " x " + std::to_string(elements) +
                         " values: " + std::to_string(count) +
                         " differ from the CPU's, by at most " + std::to_string(largest));
}

struct Named {
  const char* name;
  dpm::Plan plan;
};

const dpm::AnySchedule& schedule() {
  static const dpm::AnySchedule made = dpm::DiscreteSchedule<double>(dpm::linear_betas(1000));
  return made;
}

std::vector<Named> plans_to_check() {
  using dpm::make_plan;
  const dpm::DpmSolver singlestep{.order = 3, .form = dpm::DpmSolver::Form::singlestep};
  return {{"DPM-Solver++ 2M", make_plan(dpm::DpmSolver{}, schedule(), 20)},
          {"DPM-Solver++ 3M", make_plan(dpm::DpmSolver{.order = 3}, schedule(), 20)},
          {"DPM-Solver++ 3S", make_plan(singlestep, schedule(), 20)},
          {"UniPC-3", make_plan(dpm::UniPc{.order = 3}, schedule(), 20)},
          {"PNDM", make_plan(dpm::Pndm{}, schedule(), 20)},
          {"DDIM", make_plan(dpm::Ddim{}, schedule(), 20)},
          {"DDPM", make_plan(dpm::Ddpm{}, schedule(), 20)},
          {"DPM-Solver++ 2M SDE", make_plan(dpm::DpmSolver{.tau = 1.0}, schedule(), 20)}};
}

/// A run on the CPU and on the device, in floats, from `offset` values into the memory.
void check_run(const Named& named, std::size_t size, std::size_t offset) {
  std::vector<float> cpu(size);
  dpm::NormalNoise{.seed = 7}.fill(cpu);
  const Memory memory((size + offset) * sizeof(float));
  std::vector<float> padded(offset, 0.0F);
  padded.insert(padded.end(), cpu.begin(), cpu.end());
  memory.write(padded);
  const auto on_cpu = [](const std::vector<float>& x, double timestep, std::vector<float>& out) {
    for (std::size_t i = 0; i < x.size(); ++i) predict(x[i], factor_of(timestep), out[i]);
  };
  dpm::sample(named.plan, on_cpu, cpu, {.noise = dpm::NormalNoise{.seed = 7}});
  CudaView x{.data = static_cast<float*>(memory.get()) + offset, .size = size};
  dpm::sample(named.plan, network<float>, x, {.noise = dpm::CudaNoise{.seed = 7}});
  auto device = memory.read<float>(size + offset);
  device.erase(device.begin(), device.begin() + static_cast<std::ptrdiff_t>(offset));
  const std::size_t count = differing(cpu, device);
  report(count == 0, std::string(named.name) + ", " + std::to_string(size) +
                         " values: " + std::to_string(count) + " differ from the CPU's");
}

/// Half types against a run of floats, whose result they have but for their rounding.
template <class Scalar>
void check_half_run(CudaType type, double allowed) {
  constexpr std::size_t size = 100'001;
  const dpm::Plan plan = dpm::make_plan(dpm::UniPc{.order = 3}, schedule(), 20);
  const Memory floats(size * sizeof(float));
  const Memory halves(size * sizeof(Scalar));
  CudaView wide{.data = floats.get(), .size = size};
  CudaView x{.data = halves.get(), .size = size, .type = type};
  dpm::CudaNoise{.seed = 7}.fill(wide);
  dpm::CudaNoise{.seed = 7}.fill(x);
  dpm::sample(plan, network<float>, wide);
  dpm::sample(plan, network<Scalar>, x);
  const auto expected = floats.read<float>(size);
  const auto values = halves.read<Scalar>(size);
  double largest = 0.0;
  double size_of_largest = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    const double gap = std::abs(double(dpm::detail::widen(values[i])) - double(expected[i]));
    largest = std::fmax(largest, gap);
    size_of_largest = std::fmax(size_of_largest, std::abs(double(expected[i])));
  }
  report(largest < allowed * size_of_largest,
         std::string(dpm::detail::name_of(type)) + " is float's result to " +
             std::to_string(largest / size_of_largest) + " of the largest");
}

__global__ void busy_kernel(std::uint64_t nanoseconds) {
  std::uint64_t start = 0;
  std::uint64_t now = 0;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - start < nanoseconds);
}

template <class Model>
void run_all(dpm::Stepper<CudaState>& run, const Model& model) {
  while (auto call = run.next()) model(call->input, call->level.timestep, call->output);
}

int launches_of(const dpm::Plan& plan) {
  int count = 0;
  for (const dpm::Step& step : plan.steps) count += static_cast<int>(step.instructions.size());
  return count;  // a model call is one launch here too
}

/// No copy, no wait, and a graph of the whole run that gives its bits.
void check_graph(const Named& named, cudaStream_t stream) {
  constexpr std::size_t size = 4 * 64 * 64;
  const Memory memory(size * sizeof(float));
  const Memory seed(sizeof(std::uint64_t));
  seed.write(std::vector<std::uint64_t>{7});
  CudaView x{.data = memory.get(), .size = size, .stream = stream};
  const dpm::CudaNoise noise{.seed_on_device = static_cast<const std::uint64_t*>(seed.get())};
  const dpm::RunOptions<CudaState> options{.noise = noise, .check_finite = false};
  dpm::CudaNoise{.seed = 1}.fill(x);
  dpm::Stepper<CudaState> run(named.plan, x, options);
  dpm::Stepper<CudaState> captured(named.plan, x, options);
  must(cudaStreamSynchronize(stream));

  busy_kernel<<<1, 1, 0, stream>>>(300'000'000);
  run_all(run, network<float>);
  report(cudaStreamQuery(stream) == cudaErrorNotReady,
         std::string(named.name) + ": 20 calls do not wait for the device");
  x = run.sample();
  must(cudaStreamSynchronize(stream));
  const auto expected = memory.read<float>(size);

  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  must(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  run_all(captured, network<float>);
  must(cudaStreamEndCapture(stream, &graph));
  std::size_t count = 0;
  must(cudaGraphGetNodes(graph, nullptr, &count));
  std::vector<cudaGraphNode_t> nodes(count);
  must(cudaGraphGetNodes(graph, nodes.data(), &count));
  std::size_t kernels = 0;
  for (const cudaGraphNode_t node : nodes) {
    cudaGraphNodeType type{};
    must(cudaGraphNodeGetType(node, &type));
    if (type == cudaGraphNodeTypeKernel) ++kernels;
  }
  report(kernels == count && static_cast<int>(count) == launches_of(named.plan),
         std::string(named.name) + ": its graph has " + std::to_string(count) + " nodes, " +
             std::to_string(kernels) + " of them kernels; the plan has " +
             std::to_string(launches_of(named.plan)) + " instructions");
  must(cudaGraphInstantiate(&executable, graph, 0));
  must(cudaGraphLaunch(executable, stream));
  x = captured.sample();
  must(cudaStreamSynchronize(stream));
  const std::size_t wrong = differing(expected, memory.read<float>(size));
  report(wrong == 0, std::string(named.name) + ": its graph gives " + std::to_string(wrong) +
                         " other values than the run");
  must(cudaGraphExecDestroy(executable));
  must(cudaGraphDestroy(graph));
}

/// A graph of a whole run, its start and its result, that is launched with other seeds.
void check_launches(const Named& named, cudaStream_t stream) {
  constexpr std::size_t size = 4 * 64 * 64 + 3;
  const Memory memory(size * sizeof(float));
  const Memory seed_there(sizeof(std::uint64_t));
  CudaView x{.data = memory.get(), .size = size, .stream = stream};
  const dpm::CudaNoise noise{.seed_on_device = static_cast<const std::uint64_t*>(seed_there.get())};
  CudaState start(x);
  dpm::Stepper<CudaState> run(named.plan, x, {.noise = noise, .check_finite = false});
  must(cudaStreamSynchronize(stream));
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  must(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  noise.fill(start);
  run.reset(start);
  run_all(run, network<float>);
  x = run.sample();
  must(cudaStreamEndCapture(stream, &graph));
  must(cudaGraphInstantiate(&executable, graph, 0));
  std::size_t wrong = 0;
  for (const std::uint64_t seed : {7U, 8U, 7U}) {
    must(cudaStreamSynchronize(stream));
    seed_there.write(std::vector<std::uint64_t>{seed});
    must(cudaGraphLaunch(executable, stream));
    must(cudaStreamSynchronize(stream));
    const auto launched = memory.read<float>(size);
    dpm::CudaNoise{.seed = seed}.fill(x);
    dpm::sample(named.plan, network<float>, x, {.noise = dpm::CudaNoise{.seed = seed}});
    must(cudaStreamSynchronize(stream));
    wrong += differing(launched, memory.read<float>(size));
  }
  report(wrong == 0, std::string(named.name) + ": a graph launched with three seeds gives " +
                         std::to_string(wrong) + " other values than three runs");
  must(cudaGraphExecDestroy(executable));
  must(cudaGraphDestroy(graph));
}

/// Clipping, `add_noise`, guidance on a doubled batch and saved runs, against the CPU.
void check_operations(std::size_t size, std::size_t offset) {
  const auto on_cpu = [](const std::vector<float>& in, double timestep, std::vector<float>& out) {
    for (std::size_t i = 0; i < in.size(); ++i) predict(in[i], factor_of(timestep), out[i]);
  };
  std::vector<float> cpu(size, 0.25F);
  const Memory memory((size + offset) * sizeof(float));
  memory.write(std::vector<float>(size + offset, 0.25F));
  CudaView x{.data = static_cast<float*>(memory.get()) + offset, .size = size};
  const auto compare = [&](const char* what) {
    auto device = memory.read<float>(size + offset);
    device.erase(device.begin(), device.begin() + static_cast<std::ptrdiff_t>(offset));
    const std::size_t count = differing(cpu, device);
    report(count == 0, std::string(what) + ", " + std::to_string(size) +
                           " values: " + std::to_string(count) + " differ from the CPU's");
  };
  const dpm::Level level = schedule().level(0.8);
  dpm::add_noise(cpu, level, dpm::NormalNoise{.seed = 3});
  dpm::add_noise(x, level, dpm::CudaNoise{.seed = 3});
  compare("add_noise");

  const dpm::Plan clipped =
      make_plan(dpm::Ddim{}, schedule(), 20, dpm::Prediction::noise, dpm::Correction::data);
  dpm::sample(clipped, on_cpu, cpu, {.correction = dpm::Clip(0.3)});
  dpm::sample(clipped, network<float>, x, {.correction = dpm::Clip(0.3)});
  compare("a clipped run");

  const dpm::Plan plan = dpm::make_plan(dpm::UniPc{.order = 3}, schedule(), 20);
  dpm::BatchedClassifierFreeGuidance here(on_cpu, 3.5);
  dpm::CudaClassifierFreeGuidance there(network<float>, 3.5, x);
  dpm::sample(plan, here, cpu);
  dpm::sample(plan, there, x);
  compare("a guided run");

  dpm::Stepper<CudaState> run(plan, x);
  dpm::Stepper<std::vector<float>> run_here(plan, cpu);
  for (int i = 0; i < 7; ++i) {
    if (auto call = run.next()) network<float>(call->input, call->level.timestep, call->output);
    if (auto call = run_here.next()) on_cpu(call->input, call->level.timestep, call->output);
  }
  const std::vector<std::byte> bytes = dpm::save(run);
  report(bytes == dpm::save(run_here), "a run that is saved on the device has the CPU's bytes");
  dpm::Stepper<CudaState> loaded = dpm::load(bytes, plan, x);
  run_all(loaded, network<float>);
  dpm::sample(plan, on_cpu, cpu);
  x = loaded.sample();
  compare("a loaded run");
}

void check_nan() {
  const Memory memory(1000 * sizeof(float));
  CudaView x{.data = memory.get(), .size = 1000};
  dpm::CudaNoise{.seed = 1}.fill(x);
  const auto broken = [](const CudaState& in, double /*timestep*/, CudaState& out) {
    network<float>(in, std::numeric_limits<double>::quiet_NaN(), out);
  };
  bool refused = false;
  try {
    dpm::sample(dpm::make_plan(schedule(), 10), broken, x);
  } catch (const dpm::NonFinite&) {
    refused = true;
  }
  report(refused, "a run that ends in NaN is refused");
}

// Times.

struct Size {
  const char* name;
  std::size_t values;
};
const Size sizes[] = {{"1 x 4 x 64 x 64", std::size_t{4} * 64 * 64},
                      {"8 x 4 x 128 x 128", std::size_t{8} * 4 * 128 * 128},
                      {"64 x 3 x 256 x 256", std::size_t{64} * 3 * 256 * 256}};

/// Microseconds of one `work`, the median of five rounds of at least 50 ms.
template <class Work>
double microseconds(cudaStream_t stream, const Work& work) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> rounds;
  work();
  must(cudaStreamSynchronize(stream));
  for (int round = 0; round < 5; ++round) {
    const auto start = Clock::now();
    int count = 0;
    double passed = 0.0;
    while (passed < 0.05) {
      for (int i = 0; i < 5; ++i) work();
      must(cudaStreamSynchronize(stream));
      count += 5;
      passed = std::chrono::duration<double>(Clock::now() - start).count();
    }
    rounds.push_back(1e6 * passed / count);
  }
  std::sort(rounds.begin(), rounds.end());
  return rounds[2];
}

__global__ void scale_kernel(float* to, const float* x, float weight, std::uint64_t size) {
  const std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < size) to[i] = weight * x[i];
}
__global__ void add_kernel(float* to, const float* x, float weight, std::uint64_t size) {
  const std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < size) to[i] += weight * x[i];
}

/// One kernel for each term of each sum, as a library of tensors does it; in any order, as only the
/// time counts.
void run_term_by_term(const dpm::Plan& plan, const std::vector<float*>& arrays, std::size_t size,
                      cudaStream_t stream) {
  const unsigned blocks = blocks_of(size);
  for (const dpm::Step& step : plan.steps) {
    for (const dpm::Instruction& instruction : step.instructions) {
      const auto* const c = std::get_if<dpm::Combine>(&instruction);
      if (c == nullptr) continue;
      const std::size_t terms = c->operands.size();
      for (std::size_t i = 0; i < c->targets.size(); ++i) {
        bool first = true;
        for (std::size_t j = 0; j < terms; ++j) {
          const auto weight = static_cast<float>(c->weights[i * terms + j]);
          if (weight == 0.0F) continue;
          if (first) {
            scale_kernel<<<blocks, 256, 0, stream>>>(arrays[i], arrays[3 + j], weight, size);
          } else {
            add_kernel<<<blocks, 256, 0, stream>>>(arrays[i], arrays[3 + j], weight, size);
          }
          first = false;
        }
      }
    }
  }
}

/// Arrays that the sums of a plan read and write.
std::size_t arrays_moved(const dpm::Plan& plan) {
  std::size_t count = 0;
  for (const dpm::Step& step : plan.steps) {
    for (const dpm::Instruction& instruction : step.instructions) {
      if (const auto* const c = std::get_if<dpm::Combine>(&instruction)) {
        count += c->operands.size() + c->targets.size();
      }
    }
  }
  return count;
}

/// The adapter's microseconds a call, from the file that `adapter` wrote; 0 if it is not there.
double adapter_time(const char* file, const std::string& method, std::size_t values) {
  std::ifstream lines(file);
  std::string name;
  std::size_t size = 0;
  double time = 0.0;
  while (lines >> name >> size >> time) {
    if (name == method && size == values) return time;
  }
  return 0.0;
}

double copy_bytes_a_microsecond(cudaStream_t stream) {
  constexpr std::size_t bytes = std::size_t{1} << 28;
  const Memory from(bytes);
  const Memory to(bytes);
  const double time = microseconds(stream, [&] {
    must(cudaMemcpyAsync(to.get(), from.get(), bytes, cudaMemcpyDeviceToDevice, stream));
  });
  return 2.0 * static_cast<double>(bytes) / time;  // read and written
}

void measure(const Named& named, const char* key, const Size& size, double copy_speed,
             const char* adapter_file, cudaStream_t stream) {
  const double calls = named.plan.model_calls();
  const Memory memory(size.values * sizeof(float));
  CudaView x{.data = memory.get(), .size = size.values, .stream = stream};
  dpm::CudaNoise{.seed = 1}.fill(x);
  const CudaState start(x);
  const auto no_network = [](const CudaState& /*x*/, double /*timestep*/, CudaState& /*out*/) {};
  dpm::Stepper<CudaState> run(named.plan, x, {.check_finite = false});
  // A reset copies the start to all registers; both ways to run have it.
  const double reset = microseconds(stream, [&] { run.reset(start); });
  const double run_time = microseconds(stream, [&] {
    run.reset(start);
    run_all(run, no_network);
  });
  dpm::Stepper<CudaState> captured(named.plan, x, {.check_finite = false});
  must(cudaStreamSynchronize(stream));
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  must(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  run_all(captured, no_network);
  must(cudaStreamEndCapture(stream, &graph));
  must(cudaGraphInstantiate(&executable, graph, 0));
  const double graph_time =
      microseconds(stream, [&] { must(cudaGraphLaunch(executable, stream)); });
  must(cudaGraphExecDestroy(executable));
  must(cudaGraphDestroy(graph));

  std::vector<CudaState> states(3 + 8, start);
  std::vector<float*> arrays;
  for (CudaState& state : states) arrays.push_back(static_cast<float*>(state.data()));
  const double terms_time =
      microseconds(stream, [&] { run_term_by_term(named.plan, arrays, size.values, stream); });

  const double bytes = static_cast<double>(arrays_moved(named.plan) * size.values * sizeof(float));
  const double ours = std::fmax(run_time - reset, 0.0) / calls;
  const double copy = bytes / copy_speed / calls;
  const double adapter = adapter_time(adapter_file, key, size.values);
  const double against = adapter > 0.0 ? adapter : terms_time / calls;
  std::printf("| %-15s | %-18s | %8.2f | %8.2f | %12.2f | %8.2f | %8.2f | %6.2f | %6.2f |\n",
              named.name, size.name, ours, graph_time / calls, terms_time / calls, adapter, copy,
              ours / against, ours / copy);
}

void measure_all(const char* adapter_file) {
  cudaStream_t stream = nullptr;
  must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  const double copy_speed = copy_bytes_a_microsecond(stream);
  std::printf(
      "\nMicroseconds a model call of a run of 20 calls, without the network. \"Terms\" is one "
      "kernel a term;\n\"adapter\" is dpm/interop/libtorch.hpp, 0 where libtorch has no CUDA; "
      "\"copy\" the same bytes at the\nspeed of a copy, %.2f TB/s. Ratios: to the adapter (to the "
      "terms if it is not there), at most 0.3;\nto the copy, at most 1.3 for the largest.\n\n",
      copy_speed * 1e-6);
  std::printf(
      "| method          | size               | cuda.hpp |  graph   | terms        | "
      "adapter  | copy     | ratio  | ratio  |\n");
  std::printf(
      "|-----------------|--------------------|----------|----------|--------------|-------"
      "---|----------|--------|--------|\n");
  const Named two_m{"DPM-Solver++ 2M", dpm::make_plan(dpm::DpmSolver{}, schedule(), 20)};
  const Named uni_pc{"UniPC-3", dpm::make_plan(dpm::UniPc{.order = 3}, schedule(), 20)};
  for (const Size& size : sizes) {
    measure(two_m, "2M", size, copy_speed, adapter_file, stream);
    measure(uni_pc, "UniPC-3", size, copy_speed, adapter_file, stream);
  }
  must(cudaStreamDestroy(stream));
}

}  // namespace

int main(int argc, char** argv) {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess || devices == 0) {
    std::printf("No GPU is here (%s): nothing was checked and nothing was measured.\n",
                error != cudaSuccess ? cudaGetErrorString(error) : "no device");
    return 77;
  }
  cudaDeviceProp properties{};
  must(cudaGetDeviceProperties(&properties, 0));
  std::printf("%s\n\n", properties.name);
  check_conversions();
  check_noise(1'000'000, 1, 0);
  check_noise(1'000'003, 3, 0);
  check_noise(5, 20'000, 1);
  for (const Named& named : plans_to_check()) {
    check_run(named, 100'000, 0);
    check_run(named, 99'999, 1);
  }
  check_half_run<HalfBits>(CudaType::float16, 0.02);
  check_half_run<BfloatBits>(CudaType::bfloat16, 0.15);
  check_operations(100'000, 0);
  check_operations(99'999, 1);
  cudaStream_t stream = nullptr;
  must(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  for (const Named& named : plans_to_check()) {
    check_graph(named, stream);
    check_launches(named, stream);
  }
  must(cudaStreamDestroy(stream));
  check_nan();
  const std::string argument = argc > 1 ? argv[1] : "";
  if (argument != "--checks") measure_all(argument.c_str());
  std::printf("\n%d checks have failed\n", failures);
  return failures > 0 ? 1 : 0;
}
