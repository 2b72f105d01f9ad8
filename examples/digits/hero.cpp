// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The picture at the top of the README.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include "canvas.hpp"
#include "report.hpp"

namespace digits {
namespace {

constexpr int scale = 9;  // of an image
constexpr int image_size = scale * image_side;
constexpr int gap = 8;             // between images
constexpr int margin = 20;         // around rows
constexpr int labels_width = 190;  // left of the images
constexpr int line_height = 22;    // of text

/// For each digit, the first sample that shows it.
std::vector<int> first_of_each(const std::vector<int>& labels) {
  std::vector<int> first;
  for (int digit = 0; digit < 10; ++digit) {
    const auto found = std::find(labels.begin(), labels.end(), digit);
    if (found != labels.end()) first.push_back(static_cast<int>(found - labels.begin()));
  }
  return first;
}

}  // namespace

void write_hero(const std::string& path, const Images& images, const Comparison& comparison) {
  const std::vector<int> shown = first_of_each(nearest_labels(images, comparison.converged));
  const int left = margin + labels_width;
  const int row_height = 2 * image_size + gap + margin;
  const int rows = static_cast<int>(comparison.rows.size());
  Canvas canvas(left + static_cast<int>(shown.size()) * (image_size + gap) + margin,
                margin + rows * row_height + image_size + margin);
  const auto x_of = [&](std::size_t i) { return left + static_cast<int>(i) * (image_size + gap); };

  int y = margin;
  for (const Row& row : comparison.rows) {
    const Cell& cell = row.cells.front();
    char error[64];
    std::snprintf(error, sizeof error, "error %.2g", cell.median_error);
    const bool is_default = row.method.name == "unipc";
    canvas.draw_large_text(margin, y + image_size / 2 - line_height,
                           is_default ? "dpm's default" : row.method.label);
    canvas.draw_text(margin, y + image_size / 2,
                     std::to_string(comparison.calls.front()) + " model calls");
    canvas.draw_large_text(margin, y + image_size + gap + image_size / 2 - line_height, error);
    canvas.draw_text(margin, y + image_size + gap + image_size / 2,
                     "difference, " + std::to_string(magnification) + " times");
    for (std::size_t i = 0; i < shown.size(); ++i) {
      canvas.draw_image(x_of(i), y, scale, cell.samples.col(shown[i]), grey);
      canvas.draw_image(x_of(i), y + image_size + gap, scale, cell.difference.col(shown[i]),
                        signed_colour);
    }
    y += row_height;
  }
  canvas.draw_large_text(margin, y + image_size / 2 - line_height, "converged");
  canvas.draw_text(margin, y + image_size / 2,
                   std::to_string(comparison.converged_calls) + " model calls");
  for (std::size_t i = 0; i < shown.size(); ++i) {
    canvas.draw_image(x_of(i), y, scale, comparison.converged.col(shown[i]), grey);
  }
  canvas.save(path);
}

}  // namespace digits
