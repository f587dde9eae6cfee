#include "sky/units.h"

#include <wcslib/wcsunits.h>

#include <array>
#include <cmath>
#include <mutex>

namespace otf::sky {

std::optional<double> unitFactor(const std::string& have, const std::string& want) {
  std::array<char, 80> translated{};
  if (have.empty() || have.size() >= 72) return std::nullopt;
  have.copy(translated.data(), have.size());
  double scale = 0, offset = 0, power = 0;
  // wcslib's scanners are not documented as thread-safe.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  wcsutrn(0, translated.data());
  if (wcsunits(translated.data(), want.c_str(), &scale, &offset, &power) != 0) return std::nullopt;
  if (offset != 0 || power != 1 || !(scale > 0) || !std::isfinite(scale)) return std::nullopt;
  return scale;
}

}  // namespace otf::sky
