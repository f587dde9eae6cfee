#include "engine/host/arguments.h"

#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string_view>

#include "error/error.h"

namespace otf::host {
namespace {

const std::set<std::string_view> kOptional{
    "--describe",  "--depth",       "--cpus",           "--draws",
    "--draw-seed", "--calibration", "--network-sha256", "--calibration-sha256"};

[[noreturn]] void bad(std::string_view name, std::string_view value) {
  throw OtfError(Code::kInvalidArgument, std::string(name) + " cannot be '" + std::string(value) + "'");
}

template <typename Number>
Number number(std::string_view name, std::string_view value, Number least, Number most) {
  Number result{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
  if (error != std::errc() || end != value.data() + value.size() || !(result >= least) || !(result <= most))
    bad(name, value);
  return result;
}

}  // namespace

Arguments readArguments(int count, char** values) {
  Arguments a;
  constexpr int kMostSide = 1 << 24;
  constexpr int kMostItems = 1 << 20;
  constexpr int kMostDraws = 10'000;
  using Set = std::function<void(std::string_view, std::string_view)>;
  const auto whole = [](int& target, int least, int most) -> Set {
    return [&target, least, most](std::string_view name, std::string_view value) {
      target = number(name, value, least, most);
    };
  };
  const auto text = [](std::string& target) -> Set {
    return [&target](std::string_view name, std::string_view value) {
      if (value.empty()) bad(name, value);
      target = value;
    };
  };
  const std::map<std::string_view, Set> known = {
      {"--describe", text(a.describe)},
      {"--network", text(a.network)},
      {"--network-sha256", text(a.networkSha256)},
      {"--engine", text(a.engine)},
      {"--calibration", text(a.calibration)},
      {"--calibration-sha256", text(a.calibrationSha256)},
      {"--quantization",
       [&](std::string_view name, std::string_view value) {
         const auto type = parseComputeType(value);
         if (!type) bad(name, value);
         a.options.computeType = *type;
       }},
      {"--cpus", text(a.cpus)},
      {"--threads", whole(a.options.threads, 0, 65536)},
      {"--input-bias",
       [&](std::string_view name, std::string_view value) {
         a.options.inputBias = number(name, value, -INFINITY, INFINITY);
       }},
      {"--draws", whole(a.draws.repeats, 2, kMostDraws)},
      {"--draw-seed",
       [&](std::string_view name, std::string_view value) {
         a.draws.seed = number<uint64_t>(name, value, 0, uint64_t{1} << 53);
       }},
      {"--width", whole(a.extent.w, 1, kMostSide)},
      {"--height", whole(a.extent.h, 1, kMostSide)},
      {"--depth", whole(a.extent.d, 1, kMostSide)},
      {"--batch", whole(a.batch, 1, kMostItems)},
      {"--slots", whole(a.slots, 1, kMostItems)},
      {"--slot-bytes",
       [&](std::string_view name, std::string_view value) {
         a.slotBytes = number<int64_t>(name, value, 1, int64_t{1} << 46);
       }},
  };
  std::map<std::string_view, bool> seen;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    if (name == "--raw-output") {
      a.options.rawOutput = true;
      continue;
    }
    const auto found = known.find(name);
    if (found == known.end())
      throw OtfError(Code::kInvalidArgument, "otf-engine knows no argument '" + std::string(name) + "'");
    if (i + 1 == count) throw OtfError(Code::kInvalidArgument, std::string(name) + " needs a value");
    found->second(name, values[++i]);
    seen[name] = true;
  }
  if (!a.describe.empty()) return a;
  for (const auto& [name, set] : known) {
    if (!kOptional.contains(name) && !seen[name])
      throw OtfError(Code::kInvalidArgument, "otf-engine needs " + std::string(name));
  }
  return a;
}

}  // namespace otf::host
