// The CPU, as its maker calls it.
#pragma once

#include <string>

namespace otf {

std::string cpuName();  // "AMD EPYC 7B13"

}  // namespace otf
