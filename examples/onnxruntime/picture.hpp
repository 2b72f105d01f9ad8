// SPDX-License-Identifier: MIT
// Copyright (c) 2026 the dpm authors
/// @file
/// Samples as a PNG.
#pragma once

#include <gd.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

namespace example {

/// Images side by side in rows of `columns`, each pixel as a square of 3 x 3.
class Picture {
 public:
  Picture(std::size_t images, std::size_t side, std::size_t columns)
      : side_(side), columns_(columns) {
    const std::size_t rows = (images + columns - 1) / columns;
    image_.reset(gdImageCreateTrueColor(static_cast<int>(scale * side * columns),
                                        static_cast<int>(scale * side * rows)));
    if (!image_) throw std::runtime_error("the picture does not fit into memory");
    gdImageFilledRectangle(image_.get(), 0, 0, gdImageSX(image_.get()), gdImageSY(image_.get()),
                           gdTrueColor(255, 255, 255));
  }

  /// Sets the pixel of an image, counted row by row, to a colour of gd.
  void set(std::size_t image, std::size_t pixel, int colour) {
    const auto left = static_cast<int>(scale * (image % columns_ * side_ + pixel % side_));
    const auto top = static_cast<int>(scale * (image / columns_ * side_ + pixel / side_));
    const int last = static_cast<int>(scale) - 1;
    gdImageFilledRectangle(image_.get(), left, top, left + last, top + last, colour);
  }

  void save(const std::string& path) const {
    if (gdImageFile(image_.get(), path.c_str()) != GD_TRUE) {
      throw std::runtime_error("cannot write the picture " + path);
    }
  }

 private:
  static constexpr std::size_t scale = 3;

  struct Destroy {
    void operator()(gdImagePtr image) const { gdImageDestroy(image); }
  };

  std::unique_ptr<gdImage, Destroy> image_;
  std::size_t side_;
  std::size_t columns_;
};

/// 0 for -1 and below, 255 for 1 and above.
inline int brightness(float value) {
  const float limited = value < -1.0F ? -1.0F : value > 1.0F ? 1.0F : value;
  return static_cast<int>(127.5F * (limited + 1.0F) + 0.5F);
}

}  // namespace example
