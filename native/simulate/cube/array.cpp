#include "simulate/cube/array.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>
#include <sstream>

#include "error/error.h"
#include "simulate/random.h"

namespace otf::simulate {
namespace {

constexpr size_t kMostAntennas = 1024;
constexpr size_t kMostLineBytes = 512;
constexpr double kEarthM = 1e7;  // nothing on the ground is further from anything

/// Antennas of a Gaussian of `sigmaM` in each direction, none further out than `limitM`.
void scatter(AntennaArray& array, int count, double sigmaM, double limitM, double diameterM, uint64_t key) {
  uint64_t counter = 0;
  for (int placed = 0; placed < count;) {
    const NormalPair pair = normals(mix(key, counter++));
    const Antenna antenna{pair.a * sigmaM, pair.b * sigmaM, 0, diameterM};
    if (std::hypot(antenna.eastM, antenna.northM) > limitM) continue;
    array.antennas.push_back(antenna);
    ++placed;
  }
}

[[noreturn]] void badTable(const std::string& path, const std::string& what) {
  throw OtfError(Code::kInvalidArgument, "antenna table " + path + what);
}

}  // namespace

AntennaArray builtInArray(std::string_view name, uint64_t seed) {
  AntennaArray array{std::string(name), -30.713, {}};
  if (name == "meerkat-like") {
    scatter(array, 45, 300, 500, 13.5, 0x6d656572);
    scatter(array, 19, 2000, 4000, 13.5, 0x6b6174);
  } else if (name == "nenufar-like") {
    array.latitudeDeg = 47.376;
    scatter(array, 96, 110, 200, 25, 0x6e656e75);
    scatter(array, 6, 1500, 3000, 25, 0x666172);
  } else if (name == "core-halo") {
    scatter(array, 45, 300, 3000, 13.5, mix(seed, 1));
    scatter(array, 19, 1800, 18000, 13.5, mix(seed, 2));
  } else {
    throw OtfError(Code::kInvalidArgument, "there is no built-in array \"" + std::string(name) +
                                               "\": meerkat-like, nenufar-like and core-halo are");
  }
  return array;
}

AntennaArray readAntennaTable(const std::string& path, double latitudeDeg) {
  std::ifstream file(path);
  if (!file) badTable(path, " cannot be read");
  AntennaArray array{path, latitudeDeg, {}};
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string where = ", line " + std::to_string(number);
    if (line.size() > kMostLineBytes) badTable(path, where + ": too long for a line of four numbers");
    line.resize(std::min(line.find('#'), line.size()));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::istringstream words(line);
    Antenna it;
    std::string more;
    if (!(words >> it.eastM >> it.northM >> it.upM >> it.diameterM) || words >> more)
      badTable(path, where + ": not four numbers: east north up diameter");
    const auto onEarth = [](double metres) { return std::abs(metres) < kEarthM; };
    if (!onEarth(it.eastM) || !onEarth(it.northM) || !onEarth(it.upM) ||
        !(it.diameterM > 0 && it.diameterM < 1e4))
      badTable(path, where + ": a position or diameter that no antenna has");
    if (array.antennas.size() == kMostAntennas)
      badTable(path, ": more than " + std::to_string(kMostAntennas) + " antennas");
    array.antennas.push_back(it);
  }
  if (file.bad()) badTable(path, " cannot be read");
  if (array.antennas.size() < 2) badTable(path, ": fewer than 2 antennas");
  return array;
}

}  // namespace otf::simulate
