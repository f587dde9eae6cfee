#include "engine/cpu/cpu.h"

#include <algorithm>
#include <fstream>

namespace otf {

std::string cpuName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  }
  return "CPU";
}

}  // namespace otf
