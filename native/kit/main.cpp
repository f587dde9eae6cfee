// otf-kit: the part of the GPU kit (scripts/gpu-kit.mjs) that asks engines. The machine it runs on needs nothing of ours.
#include <cstdio>
#include <cstring>
#include <exception>

#include "error/error.h"
#include "kit/commands.h"

int main(int count, char** values) {
  using namespace otf;
  const char* command = count > 1 ? values[1] : "";
  try {
    const auto arguments = [&](std::initializer_list<std::string_view> known) {
      return kit::Arguments(count - 2, values + 2, known);
    };
    if (std::strcmp(command, "device") == 0) return kit::device(arguments({"--json"}));
    if (std::strcmp(command, "engines") == 0) return kit::engines(arguments({"--json", "--names"}));
    if (std::strcmp(command, "conformance") == 0)
      return kit::conformance(arguments({"--json", "--engine", "--quantization", "--networks"}));
    if (std::strcmp(command, "bench") == 0) {
      return kit::bench(arguments(
          {"--json", "--engine", "--quantization", "--model", "--size", "--batches", "--milliseconds"}));
    }
    std::fprintf(stderr, "otf-kit: say device, engines, conformance or bench\n");
    return 2;
  } catch (const OtfError& error) {
    std::fprintf(stderr, "otf-kit %s: %s %s\n", command, std::string(codeName(error.code())).c_str(),
                 error.what());
    return error.code() == Code::kInvalidArgument ? 2 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "otf-kit %s: %s\n", command, error.what());
    return 1;
  }
}
