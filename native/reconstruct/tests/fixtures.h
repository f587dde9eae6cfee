// Cubes for this room's tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fits/fits.h"
#include "fits/test_support.h"
#include "reconstruct/reconstruction_task.h"

namespace otf::test {

/// Keys of a celestial cube with an axis of time, 600 s a frame.
inline std::vector<FitsKey> cubeHeader(double middlePx) {
  const auto number = [](const char* name, double value) {
    return FitsKey{name, "", "", value, false, false};
  };
  const auto text = [](const char* name, const char* value) {
    return FitsKey{name, "", value, 0, true, false};
  };
  return {text("BUNIT", "Jy/beam"),   text("CTYPE1", "RA---SIN"), number("CRPIX1", middlePx),
          number("CRVAL1", 150),      number("CDELT1", -1e-3),    text("CTYPE2", "DEC--SIN"),
          number("CRPIX2", middlePx), number("CRVAL2", -30),      number("CDELT2", 1e-3),
          text("RADESYS", "ICRS"),    text("CTYPE3", "TIME"),     text("CUNIT3", "s"),
          number("CRPIX3", 1),        number("CRVAL3", 300),      number("CDELT3", 600),
          number("MJDREF", 60000),    text("TIMESYS", "UTC")};
}

/// Keys of a cube, changed one by one.
struct Header {
  std::vector<FitsKey> keys = cubeHeader(9);

  Header& without(const std::string& name) {
    std::erase_if(keys, [&](const FitsKey& key) { return key.name == name; });
    return *this;
  }
  Header& with(const std::string& name, double value) {
    without(name).keys.push_back({name, "", "", value, false, false});
    return *this;
  }
  Header& with(const std::string& name, const char* value) {
    without(name).keys.push_back({name, "", value, 0, true, false});
    return *this;
  }
  Header& inMegahertz() {
    return with("CTYPE4", "FREQ")
        .with("CUNIT4", "MHz")
        .with("CRPIX4", 1)
        .with("CRVAL4", 150)
        .with("CDELT4", 10);
  }
  /// Its CDELT become a CD matrix.
  Header& asCd() {
    return without("CDELT1").without("CDELT2").without("CDELT3").with("CD1_1", -1e-3).with("CD2_2", 1e-3);
  }
};

inline void writeCube(const std::string& path, int64_t side, const std::vector<float>& pixels,
                      const std::vector<FitsKey>& keys) {
  const auto frames = static_cast<int64_t>(pixels.size()) / side / side;
  FitsImageWriter writer(path, side, side, keys, {frames});
  writer.writeRows(pixels.data(), side * frames);
  writer.finish();
}

/// What the shipped card says.
inline ReconstructorConfig demoReconstructor() {
  ReconstructorConfig config;
  config.tilePx = 144;
  config.depthFrames = 96;
  config.minFrames = 2;
  config.rssAtThreshold = 3.4;
  return config;
}

}  // namespace otf::test
