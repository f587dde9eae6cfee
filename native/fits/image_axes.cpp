#include "fits/image_axes.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace otf::fits {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

/// "RA---SIN" is RA, "VELO-LSR" is VELO, "GLON-CAR" is GLON.
std::string family(std::string_view ctype) {
  const std::string name = upper(ctype);
  return name.substr(0, name.find('-'));
}

bool ends(const std::string& name, std::string_view tail) { return name.size() == 4 && name.ends_with(tail); }

/// "GL" of GLON and GLAT, "" of RA and DEC, "HP" of HPLN and HPLT: what makes two axes a pair.
std::string system(std::string_view ctype) {
  const std::string name = family(ctype);
  if (name == "RA" || name == "DEC") return "RA/DEC";
  return name.substr(0, ends(name, "LN") || ends(name, "LT") ? 2 : 1);
}

/// Spectral types of WCS paper III table 1, those of AIPS before it, polarisation, time (paper IV) and CASA's own.
bool isNoSide(std::string_view ctype) {
  static constexpr std::array<std::string_view, 21> kTypes = {
      "FREQ", "ENER",    "WAVN",   "VRAD",     "WAVE",    "VOPT", "ZOPT", "AWAV", "VELO", "BETA",   "FELO",
      "FDEP", "FARADAY", "STOKES", "VELOCITY", "CHANNEL", "TIME", "UTC",  "TAI",  "MJD",  "COMPLEX"};
  return std::find(kTypes.begin(), kTypes.end(), family(ctype)) != kTypes.end();
}

}  // namespace

bool isLongitude(std::string_view ctype) {
  const std::string name = family(ctype);
  return name == "RA" || ends(name, "LON") || ends(name, "LN");
}

bool isLatitude(std::string_view ctype) {
  const std::string name = family(ctype);
  return name == "DEC" || ends(name, "LAT") || ends(name, "LT");
}

ImageAxes chooseImageAxes(std::span<const int64_t> dims, std::span<const std::string> ctypes) {
  ImageAxes axes;
  const auto take = [&](size_t a, size_t b) {
    axes.x = static_cast<int>(std::min(a, b));
    axes.y = static_cast<int>(std::max(a, b));
  };
  for (size_t lon = 0; lon < dims.size(); ++lon) {
    if (dims[lon] < 2 || !isLongitude(ctypes[lon])) continue;
    for (size_t lat = 0; lat < dims.size(); ++lat) {
      if (dims[lat] < 2 || !isLatitude(ctypes[lat]) || system(ctypes[lat]) != system(ctypes[lon])) continue;
      take(lon, lat);
      return axes;
    }
  }
  std::string names;
  size_t longer = 0, first = dims.size();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < 2) continue;
    ++longer;
    names += (names.empty() ? "" : " by ") + std::to_string(dims[i]) + " " +
             (ctypes[i].empty() ? "of axis " + std::to_string(i + 1) : ctypes[i]);
    if (isNoSide(ctypes[i])) continue;
    if (first < i) {
      take(first, i);
      return axes;
    }
    first = i;
  }
  if (longer >= 2) axes.why = names + " is no picture of the sky";
  return axes;
}

}  // namespace otf::fits
