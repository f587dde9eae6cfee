#include "engine/process/protocol.h"

#include <unistd.h>

#include <string>

#include "error/error.h"

namespace otf::process {

SlotLayout slotLayout(int batch, int64_t valuesIn, int64_t valuesOut) {
  constexpr int64_t kMost = int64_t{1} << 42;
  if (batch < 1 || valuesIn < 1 || valuesOut < 1 || valuesIn > kMost / batch || valuesOut > kMost / batch) {
    throw OtfError(Code::kInvalidArgument, "a batch of " + std::to_string(batch) + " items with " +
                                               std::to_string(valuesIn) + " values in and " +
                                               std::to_string(valuesOut) + " out does not fit a slot");
  }
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto region = [&](int64_t values) {
    const size_t bytes = static_cast<size_t>(values * batch) * sizeof(float);
    return (bytes + page - 1) / page * page;
  };
  SlotLayout layout;
  layout.outputOffset = region(valuesIn);
  layout.deviationOffset = layout.outputOffset + region(valuesOut);
  layout.bytes = layout.deviationOffset + region(valuesOut);
  return layout;
}

}  // namespace otf::process
