// Which two axes of an array are the picture.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace otf::fits {

/// Of celestial longitude or latitude, by CTYPE (WCS paper II: RA, DEC, xLON, xLAT, yzLN, yzLT, then '-' or nothing).
bool isLongitude(std::string_view ctype);
bool isLatitude(std::string_view ctype);

struct ImageAxes {
  int x = -1, y = -1;  // 0-based, x < y; -1: there is no picture
  std::string why;     // no picture although two axes are longer than 1: what they are
  bool found() const { return x >= 0; }
};

/// The celestial pair, wherever its axes stand, when both are longer than 1; without such a pair the first two axes
/// longer than 1. An axis of frequency, velocity, polarisation or time is never a side of a picture. `ctypes`: one for
/// each axis, "" = none.
ImageAxes chooseImageAxes(std::span<const int64_t> dims, std::span<const std::string> ctypes);

}  // namespace otf::fits
