// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The results as a picture.
#include <algorithm>
#include <cstddef>
#include <string>

#include "canvas.hpp"
#include "report.hpp"

namespace digits {
namespace {

constexpr int scale = 5;                        // of an image
constexpr int image_size = scale * image_side;  // in the picture
constexpr int gap = 4;                          // between images
constexpr int margin = 16;                      // around cells
constexpr int most_shown = 3;                   // samples in a cell, side by side
constexpr int text_height = 16;                 // of gd's large font
constexpr int labels_width = 8 * 24;

}  // namespace

void write_picture(const std::string& path, const Comparison& comparison) {
  const Eigen::MatrixXd& converged = comparison.converged;
  const int shown = static_cast<int>(std::min<Eigen::Index>(converged.cols(), most_shown));
  const int columns = static_cast<int>(comparison.calls.size());
  const int rows = static_cast<int>(comparison.rows.size());
  const int column_width = std::max(shown * (image_size + gap) - gap, labels_width / 2) + margin;
  const int row_height = 2 * image_size + gap + margin;
  const int left = 2 * margin + labels_width;
  const int top = 2 * margin + text_height;
  const int bottom = top + rows * row_height;
  Canvas canvas(left + (columns + 1) * column_width, bottom + text_height + margin);

  canvas.draw_text(margin, margin, "model calls");
  for (int column = 0; column < columns; ++column) {
    canvas.draw_text(left + column * column_width, margin,
                     std::to_string(comparison.calls[static_cast<std::size_t>(column)]));
  }
  canvas.draw_text(left + columns * column_width, margin, "converged");
  for (int row = 0; row < rows; ++row) {
    const Row& data = comparison.rows[static_cast<std::size_t>(row)];
    const int y = top + row * row_height;
    canvas.draw_text(margin, y + (image_size - text_height) / 2, data.method.label);
    for (int i = 0; i < shown; ++i) {
      const int x = left + i * (image_size + gap);
      for (int column = 0; column < columns; ++column) {
        const Cell& cell = data.cells[static_cast<std::size_t>(column)];
        const int x_of_cell = x + column * column_width;
        canvas.draw_image(x_of_cell, y, scale, cell.samples.col(i), grey);
        if (cell.noise_draws > 0) continue;
        canvas.draw_image(x_of_cell, y + image_size + gap, scale, cell.difference.col(i),
                          signed_colour);
      }
      canvas.draw_image(x + columns * column_width, y, scale, converged.col(i), grey);
    }
  }
  canvas.draw_text(margin, bottom,
                   "Below each digit: " + std::to_string(magnification) +
                       " times its difference from the converged one; red where it "
                       "has too much ink, blue where too little.");
  canvas.save(path);
}

}  // namespace digits
