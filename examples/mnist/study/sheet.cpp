// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// A contact sheet of samples.
#include <gd.h>
#include <gdfontl.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include "report.hpp"

namespace study {
namespace {

constexpr int scale = 2;                        // of an image
constexpr int image_size = scale * image_side;  // in the picture
constexpr int gap = 2;                          // between images
constexpr int margin = 14;                      // around cells
constexpr int text_height = 16;                 // of gd's large font
constexpr int labels_width = 8 * 25;

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

  /// The first images side by side from the upper left corner (x, y) on, ink dark.
  void draw_images(int x, int y, const Eigen::MatrixXf& images, int count) {
    for (int i = 0; i < std::min(count, static_cast<int>(images.cols())); ++i) {
      for (int pixel = 0; pixel < pixels; ++pixel) {
        const int left = x + i * (image_size + gap) + scale * (pixel % image_side);
        const int top = y + scale * (pixel / image_side);
        const float ink = 0.5F * (std::clamp(images(pixel, i), -1.0F, 1.0F) + 1.0F);
        const int shade = static_cast<int>(std::lround(255.0F * (1.0F - ink)));
        gdImageFilledRectangle(image_.get(), left, top, left + scale - 1, top + scale - 1,
                               gdTrueColor(shade, shade, shade));
      }
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

}  // namespace

void write_sheet(const std::string& path, const Section& section) {
  const int columns = static_cast<int>(section.calls.size());
  const int shown = columns > 6 ? 2 : 4;  // so that all sheets are about as wide
  const int column_width = shown * (image_size + gap) - gap + margin;
  const int row_height = image_size + margin;
  const int left = 2 * margin + labels_width;
  const int top = 2 * margin + text_height;
  const int rows = static_cast<int>(section.rows.size());
  // The adaptive method's cells stand below their calls.
  const bool adaptive = std::any_of(section.rows.begin(), section.rows.end(),
                                    [](const Row& row) { return row.method.is_adaptive(); });
  Canvas canvas(left + (columns + 1) * column_width,
                top + rows * row_height + (adaptive ? text_height : 0));

  canvas.draw_text(margin, margin, "model calls");
  for (int column = 0; column < columns; ++column) {
    canvas.draw_text(left + column * column_width, margin,
                     std::to_string(section.calls[static_cast<std::size_t>(column)]));
  }
  canvas.draw_text(left + columns * column_width, margin, "converged");
  int y = top;
  for (const Row& row : section.rows) {
    if (row.method.is_adaptive()) {
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        const int x = left + static_cast<int>(i) * column_width;
        canvas.draw_text(x, y, formatted("%.0f calls", row.cells[i].calls));
      }
      y += text_height;
    }
    canvas.draw_text(margin, y + (image_size - text_height) / 2, row.method.label);
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const Cell& cell = row.cells[i];
      const auto place = std::find(section.calls.begin(), section.calls.end(), cell.calls);
      const int column = static_cast<int>(row.method.is_adaptive() ? static_cast<std::ptrdiff_t>(i)
                                                                   : place - section.calls.begin());
      if (column >= columns) continue;
      canvas.draw_images(left + column * column_width, y, cell.shown, shown);
    }
    canvas.draw_images(left + columns * column_width, y, section.converged.shown, shown);
    y += row_height;
  }
  canvas.save(path);
}

}  // namespace study
