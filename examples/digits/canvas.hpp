// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// What the pictures are drawn with.
#pragma once

#include <gd.h>
#include <gdfontg.h>
#include <gdfontl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>

#include "images.hpp"

namespace digits {

class Canvas {
 public:
  Canvas(int width, int height) : image_(gdImageCreateTrueColor(width, height)) {
    if (!image_) throw std::runtime_error("the picture does not fit into memory");
    gdImageFilledRectangle(image_.get(), 0, 0, width, height, gdTrueColor(255, 255, 255));
  }

  void draw_text(int x, int y, std::string text) { draw(gdFontGetLarge(), x, y, text); }
  void draw_large_text(int x, int y, std::string text) { draw(gdFontGetGiant(), x, y, text); }

  /// Draws the values of an image with the upper left corner at (x, y), each as a square of `scale`
  /// in the colour that `colour` gives it.
  template <class Values, class Colour>
  void draw_image(int x, int y, int scale, const Values& values, Colour colour) {
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
  void draw(gdFontPtr font, int x, int y, std::string& text) {
    gdImageString(image_.get(), font, x, y, reinterpret_cast<unsigned char*>(text.data()),
                  gdTrueColor(0, 0, 0));
  }

  std::unique_ptr<gdImage, Destroy> image_;
};

/// 255 for `fraction` = 0 down to 0 for 1 and above.
inline int brightness(double fraction) {
  return static_cast<int>(std::lround(255.0 * (1.0 - std::clamp(fraction, 0.0, 1.0))));
}

/// White for paper, black for ink.
inline int grey(double value) {
  const int shade = brightness(0.5 * (value + 1.0));
  return gdTrueColor(shade, shade, shade);
}

constexpr int magnification = 5;  // of differences

/// Red for too much ink, blue for too little.
inline int signed_colour(double difference) {
  const int other = brightness(magnification * std::abs(difference));
  return difference > 0.0 ? gdTrueColor(255, other, other) : gdTrueColor(other, other, 255);
}

}  // namespace digits
