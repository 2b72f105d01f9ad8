// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A model of ONNX Runtime hands over new values at every call where a provider copies inputs to
/// its device when they are bound. There is no such device here: this program puts a function that
/// copies in the place of the runtime's BindInput. Binding that fails is a failed call.
#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dpm/interop/onnxruntime.hpp"
#include "support/onnx_network.hpp"

namespace {

using Floats = std::vector<float>;

const OrtApi* runtime = nullptr;
bool is_full = false;
int failures = 0;

/// Binds a copy of the tensor, as a device does.
OrtStatus* ORT_API_CALL bind_copy(OrtIoBinding* binding, const char* name,
                                  const OrtValue* value) noexcept {
  if (is_full) return runtime->CreateStatus(ORT_FAIL, "the device is full");
  const Ort::ConstValue given(value);
  const auto info = given.GetTensorTypeAndShapeInfo();
  const auto shape = info.GetShape();
  Ort::Value copy = Ort::Value::CreateTensor(Ort::AllocatorWithDefaultOptions(), shape.data(),
                                             shape.size(), info.GetElementType());
  std::memcpy(copy.GetTensorMutableRawData(), given.GetTensorRawData(),
              info.GetElementCount() * dpm::detail::size_of(info.GetElementType()));
  return runtime->BindInput(binding, name, copy);
}

/// The output is x / 2 + timestep / 1000 + more, where half types round three times.
void expect(dpm::OrtModel& model, const Floats& x, double timestep, double more, const char* what) {
  Floats out(x.size());
  model(x, timestep, out);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = 0.5 * static_cast<double>(x[i]) + timestep / 1000 + more;
    const double gap = std::abs(static_cast<double>(out[i]) - expected);
    if (gap < 0.01) continue;
    std::printf("%s: %g at timestep %g from %g; it must be %g\n", what, static_cast<double>(out[i]),
                timestep, static_cast<double>(x[i]), expected);
    ++failures;
    return;
  }
}

void expect_new_values(const char* network) {
  Ort::Session session = dpm_test::session(network);
  dpm::OrtModel model(session);
  Floats x(12, 0.5F);
  expect(model, x, 999.0, 0.0, network);
  for (float& value : x) value = -1.5F;  // in the same memory
  expect(model, x, 999.0, 0.0, network);
  expect(model, x, 20.0, 0.0, network);
  expect(model, Floats(6, 1.0F), 500.0, 0.0, network);
}

void expect_new_label() {
  Ort::Session session = dpm_test::session("labels");
  std::array<std::int64_t, 1> label{4};
  const std::array<std::int64_t, 1> shape{1};
  Ort::Value value = Ort::Value::CreateTensor<std::int64_t>(
      Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault), label.data(), 1,
      shape.data(), 1);
  dpm::OrtModel model(session, {{"label", std::move(value)},
                                {"encoder_hidden_states", Floats(20, 0.0F), {1, 4, 5}}});
  expect(model, Floats(6, 1.0F), 500.0, 4.0, "label");
  label[0] = 9;
  expect(model, Floats(6, 1.0F), 500.0, 9.0, "label");
}

void expect_failure() {
  Ort::Session session = dpm_test::session("float_timesteps");
  dpm::OrtModel model(session);
  Floats out(6);
  is_full = true;
  try {
    model(Floats(6, 1.0F), 500.0, out);
    std::puts("a call whose inputs cannot be bound does not fail");
    ++failures;
  } catch (const std::runtime_error& error) {
    const std::string said = error.what();
    if (said !=
        "OrtModel: the runtime has failed at timestep 500, 'sample' float [1, 2, 3] and "
        "'timestep' float [1]: the device is full") {
      std::puts(said.c_str());
      ++failures;
    }
  }
  is_full = false;
  expect(model, Floats(6, 1.0F), 20.0, 0.0, "after a failure");
}

}  // namespace

int main() {
  runtime = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  OrtApi copying = *runtime;
  copying.BindInput = bind_copy;
  Ort::InitApi(&copying);
  for (const char* network : {"float_timesteps", "scalar_int64", "one_int32", "half"}) {
    expect_new_values(network);
  }
  expect_new_label();
  expect_failure();
  return failures;
}
