// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A mixture of Gaussians with labelled components, and its guided predictions in closed form.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dpm/dpm.hpp"

namespace dpm_test {

using Wide = long double;

/// Five components in two dimensions; the label is that of the first three.
inline std::vector<dpm::GaussianMixture::Component> labelled_components() {
  return {{1.0, dpm::Gaussian({1.0, 0.0}, {0.4, 0.5})},
          {2.5, dpm::Gaussian({-1.0, 0.5}, {0.5, 0.3})},
          {0.2, dpm::Gaussian({0.3, -1.2}, {0.6, 1.1})},
          {1.5, dpm::Gaussian({-0.4, -0.9}, {0.3, 0.7})},
          {0.7, dpm::Gaussian({1.6, 1.2}, {0.5, 0.4})}};
}
inline constexpr std::size_t with_label = 3;

/// The exact models of all data and of the data with the label.
inline dpm::GaussianMixture mixture_of_all() { return dpm::GaussianMixture(labelled_components()); }
inline dpm::GaussianMixture mixture_of_label() {
  auto components = labelled_components();
  components.erase(components.begin() + with_label, components.end());
  return dpm::GaussianMixture(components);
}

/// log of weight times density of the noisy data, for each of the first `count` components.
inline std::vector<Wide> component_logs(std::size_t count, const std::vector<Wide>& x,
                                        const dpm::Level& at) {
  const auto components = labelled_components();
  std::vector<Wide> logs;
  for (std::size_t k = 0; k < count; ++k) {
    const dpm::Gaussian& g = components[k].gaussian;
    Wide log = std::log(static_cast<Wide>(components[k].weight));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Wide data = std::exp(static_cast<Wide>(at.log_alpha)) * g.stddev()[i];
      const Wide sigma = std::exp(static_cast<Wide>(at.log_sigma));
      const Wide variance = data * data + sigma * sigma;
      const Wide distance = x[i] - std::exp(static_cast<Wide>(at.log_alpha)) * g.mean()[i];
      log -= distance * distance / (2 * variance) + std::log(variance) / 2;
    }
    logs.push_back(log);
  }
  return logs;
}

/// log of the sum of the exponentials.
inline Wide log_of_sum(const std::vector<Wide>& logs) {
  const Wide largest = *std::max_element(logs.begin(), logs.end());
  Wide sum = 0;
  for (const Wide log : logs) sum += std::exp(log - largest);
  return largest + std::log(sum);
}

/// log p(y | x) at one noisy sample x, by Bayes' rule.
inline Wide log_classifier(const std::vector<Wide>& x, const dpm::Level& at) {
  return log_of_sum(component_logs(with_label, x, at)) -
         log_of_sum(component_logs(labelled_components().size(), x, at));
}

/// The gradient at x of the log density of the first `count` components together.
inline std::vector<Wide> log_density_gradient(std::size_t count, const std::vector<Wide>& x,
                                              const dpm::Level& at) {
  const auto components = labelled_components();
  const std::vector<Wide> logs = component_logs(count, x, at);
  std::vector<Wide> gradient(x.size(), 0);
  for (std::size_t k = 0; k < count; ++k) {
    const dpm::Gaussian& g = components[k].gaussian;
    const Wide share = std::exp(logs[k] - log_of_sum(logs));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Wide alpha = std::exp(static_cast<Wide>(at.log_alpha));
      const Wide sigma = std::exp(static_cast<Wide>(at.log_sigma));
      const Wide variance = alpha * alpha * g.stddev()[i] * g.stddev()[i] + sigma * sigma;
      gradient[i] -= share * (x[i] - alpha * g.mean()[i]) / variance;
    }
  }
  return gradient;
}

/// grad log p(y | x).
inline std::vector<Wide> classifier_gradient(const std::vector<Wide>& x, const dpm::Level& at) {
  std::vector<Wide> gradient = log_density_gradient(with_label, x, at);
  const std::vector<Wide> all = log_density_gradient(labelled_components().size(), x, at);
  for (std::size_t i = 0; i < x.size(); ++i) gradient[i] -= all[i];
  return gradient;
}

/// The noise prediction -sigma grad log (p(x) p(y | x)^scale).
inline std::vector<Wide> guided_noise(double scale, const std::vector<Wide>& x,
                                      const dpm::Level& at) {
  std::vector<Wide> noise = log_density_gradient(labelled_components().size(), x, at);
  const std::vector<Wide> classifier = classifier_gradient(x, at);
  for (std::size_t i = 0; i < x.size(); ++i) {
    noise[i] = -std::exp(static_cast<Wide>(at.log_sigma)) * (noise[i] + scale * classifier[i]);
  }
  return noise;
}

/// What a network that predicts `prediction` would say in place of `noise`, by the definitions of
/// the predictions (see `Prediction`). For `edm`: arXiv 2206.00364, Table 1.
inline Wide said_as(dpm::Prediction prediction, Wide noise, Wide x, const dpm::Level& at) {
  const Wide alpha = std::exp(static_cast<Wide>(at.log_alpha));
  const Wide sigma = std::exp(static_cast<Wide>(at.log_sigma));
  const Wide data = (x - sigma * noise) / alpha;
  const Wide d = at.data_stddev;
  switch (prediction) {
    case dpm::Prediction::noise:
      break;
    case dpm::Prediction::data:
      return data;
    case dpm::Prediction::velocity:
      if (d == 0) return alpha * noise - sigma * data;
      return -said_as(dpm::Prediction::edm, noise, x, at);
    case dpm::Prediction::score:
      return -noise / sigma;
    case dpm::Prediction::flow:
      return noise - data;
    case dpm::Prediction::edm: {
      const Wide root = std::sqrt(sigma * sigma + d * d);
      return (data - d * d / (root * root) * x) / (sigma * d / root);
    }
  }
  return noise;
}

/// A network for `prediction` whose noise prediction at one sample of two values is
/// noise_of(x, level), as a model of samples one after the other. It takes off the scale of its
/// input where the level has one.
template <class NoiseOf>
auto network_of(dpm::Prediction prediction, NoiseOf noise_of) {
  return [=](const std::vector<double>& in, const dpm::Level& at, std::vector<double>& out) {
    for (std::size_t first = 0; first < in.size(); first += 2) {
      const std::vector<Wide> x{in[first] / static_cast<Wide>(at.input_scale()),
                                in[first + 1] / static_cast<Wide>(at.input_scale())};
      const std::vector<Wide> noise = noise_of(x, at);
      for (std::size_t i = 0; i < 2; ++i) {
        out[first + i] = static_cast<double>(said_as(prediction, noise[i], x[i], at));
      }
    }
  };
}
/// The exact networks of p(x) p(y | x)^scale: all data for 0, the data with the label for 1.
inline auto guided_network(dpm::Prediction prediction, double scale) {
  return network_of(prediction, [scale](const std::vector<Wide>& x, const dpm::Level& at) {
    return guided_noise(scale, x, at);
  });
}

/// grad log p(y | x) with respect to the model's input, as `ClassifierGuidance` wants it.
inline void classifier_of_input(const std::vector<double>& in, const dpm::Level& at,
                                std::vector<double>& out) {
  const Wide c = at.input_scale();
  for (std::size_t first = 0; first < in.size(); first += 2) {
    const std::vector<Wide> gradient = classifier_gradient({in[first] / c, in[first + 1] / c}, at);
    for (std::size_t i = 0; i < 2; ++i) out[first + i] = static_cast<double>(gradient[i] / c);
  }
}

/// Places where one component rules, where several do, and between: seven samples of two values.
inline std::vector<double> some_samples() {
  return {0.0, 0.0, 1.0, 0.1, -1.1, 0.4, 0.1, 0.2, 0.3, -1.5, 2.5, -2.0, -0.2, 3.0};
}

}  // namespace dpm_test
