// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// The results as a picture.
#include <gd.h>
#include <gdfontl.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include "report.hpp"

namespace digits {
namespace {

constexpr int scale = 5;                        // of an image
constexpr int image_size = scale * image_side;  // in the picture
constexpr int gap = 4;                          // between images
constexpr int margin = 16;                      // around cells
constexpr int most_shown = 3;                   // samples in a cell, side by side
constexpr int magnification = 5;                // of differences
constexpr int text_height = 16;                 // of gd's large font
constexpr int labels_width = 8 * 24;

class Canvas {
 public:
  Canvas(int width, int height) : image_(gdImageCreateTrueColor(width, height)) {
    if (!image_) throw std::runtime_error("the picture does not fit into memory");
    gdImageFilledRectangle(image_.get(), 0, 0, width, height, gdTrueColor(255, 255, 255));
  }

  void draw_text(int x, int y, std::string text) {
    gdImageString(image_.get(), gdFontGetLarge(), x, y,
                  reinterpret_cast<unsigned char*>(text.data()), gdTrueColor(0, 0, 0));
  }

  /// Draws the values of an image with the upper left corner at (x, y), in the colour that
  /// `colour` gives each.
  template <class Values, class Colour>
  void draw_image(int x, int y, const Values& values, Colour colour) {
    for (int pixel = 0; pixel < pixels; ++pixel) {
      const int left = x + scale * (pixel % image_side);
      const int top = y + scale * (pixel / image_side);
      gdImageFilledRectangle(image_.get(), left, top, left + scale - 1, top + scale - 1,
                             colour(values[pixel]));
    }
  }

  void save(const std::string& path) const {
    if (gdImageFile(image_.get(), path.c_str()) != GD_TRUE) {
      throw std::runtime_error("cannot write the picture " + path);
    }
  }

 private:
  struct Destroy {
    void operator()(gdImagePtr image) const { gdImageDestroy(image); }
  };
  std::unique_ptr<gdImage, Destroy> image_;
};

/// 255 for `fraction` = 0 down to 0 for 1 and above.
int brightness(double fraction) {
  return static_cast<int>(std::lround(255.0 * (1.0 - std::clamp(fraction, 0.0, 1.0))));
}

/// White for paper, black for ink.
int grey(double value) {
  const int shade = brightness(0.5 * (value + 1.0));
  return gdTrueColor(shade, shade, shade);
}

/// Red for too much ink, blue for too little.
int signed_colour(double difference) {
  const int other = brightness(magnification * std::abs(difference));
  return difference > 0.0 ? gdTrueColor(255, other, other) : gdTrueColor(other, other, 255);
}

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
        canvas.draw_image(x_of_cell, y, cell.samples.col(i), grey);
        if (cell.noise_draws > 0) continue;
        canvas.draw_image(x_of_cell, y + image_size + gap,
                          (cell.samples.col(i) - converged.col(i)).eval(), signed_colour);
      }
      canvas.draw_image(x + columns * column_width, y, converged.col(i), grey);
    }
  }
  canvas.draw_text(margin, bottom,
                   "Below each digit: " + std::to_string(magnification) +
                       " times its difference from the converged one; red where it "
                       "has too much ink, blue where too little.");
  canvas.save(path);
}

}  // namespace digits
