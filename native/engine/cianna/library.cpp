#include "engine/cianna/library.h"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "cianna_build.h"
#include "engine/cpu/cpu.h"
#include "error/error.h"
#include "process/spawn.h"

namespace otf::host {
namespace {

[[noreturn]] void unavailable(const std::string& reason) { throw OtfError(Code::kEngineUnavailable, reason); }

bool contains(const char* list, const std::string& word) {
  std::istringstream words(list);
  for (std::string each; words >> each;) {
    if (each == word) return true;
  }
  return false;
}

/// Empty: it can run here.
std::string obstacle(const OtfCiannaApi& api, const std::string& method, std::string& device) {
  if (!contains(api.build->methods, method))
    return std::string("CIANNA in ") + api.build->root + " was compiled without " + method + " (it has " +
           api.build->methods + ")";
  if (method != "C_CUDA") {
    device = cpuName();
    return "";
  }
  std::array<char, 256> text{};
  const int count = api.devices(text.data(), text.size());
  if (count < 1) return text.data();
  device = text.data();
  return "";
}

std::vector<ComputeType> typesOf(const OtfCiannaApi& api, const std::string& method) {
  if (method != "C_CUDA") return {ComputeType::kFp32cFp32a};
  std::vector<ComputeType> types;
  std::istringstream words(api.build->types);
  for (std::string name; words >> name;) {
    if (const auto type = parseComputeType(name)) types.push_back(*type);
  }
  return types;
}

}  // namespace

const OtfCiannaApi& ciannaLibrary() {
  const std::string path = process::programPath("OTF_CIANNA_LIBRARY", "libotf_cianna.so");
  if (::access(path.c_str(), R_OK) != 0) {
    const std::string why = OTF_CIANNA_REASON;
    unavailable(why.empty() ? path + " is not there: build again" : why);
  }
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) unavailable(std::string("CIANNA cannot be loaded: ") + ::dlerror());
  const auto entry = reinterpret_cast<OtfCiannaEntry>(::dlsym(library, OTF_CIANNA_ENTRY));
  if (entry == nullptr) unavailable(path + " is not this program's CIANNA library");
  const OtfCiannaApi* api = entry();
  if (api->build->abi != OTF_CIANNA_ABI)
    unavailable(path + " belongs to another version of this program: build again");
  return *api;
}

CiannaChoice chooseCianna(const OtfCiannaApi& api, const std::string& name) {
  std::vector<std::string> candidates = {"C_CUDA", "C_BLAS", "C_NAIV"};
  if (name == "cianna:cuda") {
    candidates = {"C_CUDA"};
  } else if (name == "cianna:blas") {
    candidates = {"C_BLAS"};
  } else if (name == "cianna:naiv") {
    candidates = {"C_NAIV"};
  } else if (name != "cianna") {
    unavailable("no engine '" + name + "' (there are: cianna, cianna:cuda, cianna:blas, cianna:naiv)");
  }
  std::string reason;
  for (const std::string& method : candidates) {
    CiannaChoice choice;
    reason = obstacle(api, method, choice.device);
    if (!reason.empty()) continue;
    choice.method = method;
    choice.computeTypes = typesOf(api, method);
    return choice;
  }
  unavailable(reason);
}

std::string ciannaVersion(const OtfCiannaApi& api, const std::string& method) {
  return std::string(api.build->version) + ", " + method +
         (method != "C_CUDA" && api.build->openMp != 0 ? " with OpenMP" : "");
}

}  // namespace otf::host
