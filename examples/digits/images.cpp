// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Reading the digits.
#include "images.hpp"

#include <cstddef>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace digits {
namespace {

/// The next number of the line, which must lie in 0 .. most and be followed by `end`.
bool read_number(std::istream& line, int most, int end, int& number) {
  return line >> number && number >= 0 && number <= most && line.get() == end;
}

}  // namespace

Images load_images(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read the images in " + path);
  std::vector<double> values;
  std::vector<int> labels;
  for (std::string text; std::getline(file, text);) {
    std::istringstream line(text);
    bool good = true;
    int number = 0;
    for (int i = 0; i < pixels && good; ++i) {
      good = read_number(line, 16, ',', number);
      values.push_back(number / 8.0 - 1.0);
    }
    if (!good || !read_number(line, 9, std::istringstream::traits_type::eof(), number)) {
      throw std::runtime_error(path + ", line " + std::to_string(labels.size() + 1) +
                               ": expected 64 numbers from 0 to 16 and a digit");
    }
    labels.push_back(number);
  }
  if (labels.empty()) throw std::runtime_error(path + " holds no images");
  const auto count = static_cast<Eigen::Index>(labels.size());
  return {Eigen::Map<const Eigen::MatrixXd>(values.data(), pixels, count), std::move(labels)};
}

std::vector<int> nearest_labels(const Images& images, const Eigen::MatrixXd& samples) {
  std::vector<int> labels;
  for (Eigen::Index j = 0; j < samples.cols(); ++j) {
    Eigen::Index nearest = 0;
    (images.values.colwise() - samples.col(j)).colwise().squaredNorm().minCoeff(&nearest);
    labels.push_back(images.labels[static_cast<std::size_t>(nearest)]);
  }
  return labels;
}

}  // namespace digits
