// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The handwritten digits, and which of them a sample looks like.
#pragma once

#include <Eigen/Core>
#include <string>
#include <vector>

namespace digits {

constexpr int image_side = 8;
constexpr int pixels = image_side * image_side;

/// Images with what they show. A column of `values` is one image, row by row from the top left,
/// with -1 for paper and 1 for ink.
struct Images {
  Eigen::MatrixXd values;
  std::vector<int> labels;
};

/// Reads a file with one image a line: 64 values from 0 to 16 and the digit, separated by commas.
/// Throws `std::runtime_error` with the file and the line that is not like that.
Images load_images(const std::string& path);

/// For each sample (column) the label of the image nearest to it.
std::vector<int> nearest_labels(const Images& images, const Eigen::MatrixXd& samples);

}  // namespace digits
