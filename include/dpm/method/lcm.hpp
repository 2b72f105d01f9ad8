// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// LCM: sampling with a latent consistency model.
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>

#include "dpm/method/method.hpp"
#include "dpm/separate.hpp"

namespace dpm {

/// Multistep consistency sampling (Luo et al. 2023, arXiv 2310.04378, Alg. 3; Song et al. 2023,
/// arXiv 2303.01469, Alg. 1): each step takes the model's data prediction as the finished sample
/// and draws fresh noise to the next level, x_t = alpha_t f + sigma_t z. One model call a step, and
/// one draw unless the step ends at sigma = 0. Only for models that were distilled for it: on
/// others the samples do not converge to the data, so no order is stated.
struct Lcm {
  static constexpr const char* name = "Lcm";
  /// The boundary condition f = c_skip x + c_out x_0 with c_skip = d^2 / (u^2 + d^2) and c_out = u
  /// / sqrt(u^2 + d^2), u = timestep_scaling * timestep and d = `data_stddev` (arXiv 2310.04378,
  /// App. A). Left out: f = x_0, as in k-diffusion's and ComfyUI's LCM.
  std::optional<double> timestep_scaling = std::nullopt;
  double data_stddev = 0.5;
  /// The factor on each draw.
  double noise_scale = 1.0;
};

/// Works in data space. Refuses options out of range and a grid that runs towards more noise.
void write(PlanBuilder& builder, const Lcm& method, const Grid& grid);

#if DPM_DEFINE

DPM_INLINE void write(PlanBuilder& builder, const Lcm& method, const Grid& grid) {
  const double scaling = method.timestep_scaling.value_or(1.0);
  const double d = method.data_stddev;
  detail::require(scaling > 0.0 && scaling < 1e100, "Lcm: timestep_scaling = ", scaling,
                  "; it must be finite and above 0");
  detail::require(d > 0.0 && d < 1e100, "Lcm: data_stddev = ", d,
                  "; it must be finite and above 0");
  detail::require(method.noise_scale >= 0.0 && method.noise_scale < 1e100,
                  "Lcm: noise_scale = ", method.noise_scale, "; it must be finite and at least 0");
  detail::require(grid.back().time < grid.front().time, "Lcm: the grid runs from time ",
                  grid.front().time, " to time ", grid.back().time,
                  ", towards more noise; it must run towards clean data");
  builder.set_space(Space::data);
  for (std::size_t i = 0; i < grid.steps(); ++i) {
    const Level& s = grid[i];
    const Level& t = grid[i + 1];
    builder.begin_step(s, t);
    const double noise = method.noise_scale * t.sigma();
    if (noise > 0.0) builder.draw();
    const Register m = builder.evaluate(0, sample_register, s);
    double skip = 0.0;
    double out = 1.0;
    if (method.timestep_scaling) {
      const double u = scaling * s.timestep;
      const double norm = std::hypot(u, d);
      skip = (d / norm) * (d / norm);
      out = u / norm;
    }
    builder.combine(
        sample_register,
        {{sample_register, t.alpha() * skip}, {m, t.alpha() * out}, {noise_register, noise}});
  }
}

#endif

}  // namespace dpm
