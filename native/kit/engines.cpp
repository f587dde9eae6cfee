#include <cstdio>

#include "engine/engine.h"
#include "engine/registry/registry.h"
#include "kit/commands.h"
#include "kit/meter.h"
#include "kit/records.h"

namespace otf::kit {

int device(const Arguments& arguments) {
  const Meter meter;
  process::FlatJson record;
  record.text("step", "device").text("name", meter.device());
  if (meter.device().empty()) {
    std::printf("no GPU: NVML shows none\n");
  } else {
    record.text("driver", meter.driver()).number("memoryBytes", meter.memoryBytes());
    std::printf("%s, driver %s, %s GiB\n", meter.device().c_str(), meter.driver().c_str(),
                rounded(static_cast<double>(meter.memoryBytes()) / (1 << 30)).c_str());
  }
  Records(arguments.text("--json", "")).add(record);
  return 0;
}

int engines(const Arguments& arguments) {
  const Records records(arguments.text("--json", ""));
  const bool names = arguments.text("--names", "no") == "yes";
  for (const EngineDescription& engine : describeEngines()) {
    std::string types;
    for (const ComputeType type : engine.computeTypes) {
      // The networks of the kit have no calibration.
      if (type == ComputeType::kInt8cInt32a) continue;
      types += " " + std::string(computeTypeName(type));
    }
    if (names) {
      if (engine.available) std::printf("%s%s\n", engine.name.c_str(), types.c_str());
      continue;
    }
    process::FlatJson record;
    record.text("step", "engines").text("engine", engine.name).number("available", int64_t{engine.available});
    if (engine.available) {
      record.text("version", engine.version)
          .text("device", engine.device)
          .text("types", types.empty() ? "" : types.substr(1));
      std::printf("%-12s %s on %s:%s\n", engine.name.c_str(), engine.version.c_str(), engine.device.c_str(),
                  types.c_str());
    } else {
      record.text("reason", engine.reason);
      std::printf("%-12s not here: %s\n", engine.name.c_str(), engine.reason.c_str());
    }
    records.add(record);
  }
  return 0;
}

}  // namespace otf::kit
