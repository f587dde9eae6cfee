#include "engine/registry/registry.h"

#include "engine/onednn/onednn_engine.h"
#include "engine/process/remote_engine.h"
#include "engine/reference/reference_engine.h"
#include "error/error.h"

namespace otf {

std::vector<EngineDescription> describeLocalEngines() {
  return {describeOnednn(), {"reference", "1", "cpu", true, "", {ComputeType::kFp32cFp32a}}};
}

std::vector<EngineDescription> describeEngines() {
  std::vector<EngineDescription> all = describeLocalEngines();
  all.insert(all.begin() + 1, {describeRemoteEngine("cuda"), describeRemoteEngine("cianna")});
  return all;
}

std::string resolveEngine(std::string_view name) {
  if (name != "auto") return std::string(name);
  return describeRemoteEngine("cianna:cuda").available ? "cianna:cuda" : "onednn";
}

std::unique_ptr<Engine> createEngine(std::string_view asked, std::shared_ptr<const Network> network,
                                     const EngineOptions& options) {
  const std::string name = resolveEngine(asked);
  if (name == "onednn") return createOnednnEngine(std::move(network), options);
  if (name == "reference") return createReferenceEngine(std::move(network), options);
  if (name == "cuda" || name == "cianna" || name.starts_with("cianna:"))
    return createRemoteEngine(name, std::move(network), options);
  throw OtfError(Code::kEngineUnavailable,
                 "no engine '" + name + "' here (there are: auto, onednn, cuda, cianna, reference)");
}

}  // namespace otf
