#include "reconstruct/windows.h"

#include <algorithm>
#include <string>

#include "error/error.h"

namespace otf {

WindowPlan planWindows(int64_t length, int64_t most, int64_t margin) {
  if (length <= most) return {length, {{0, 0, length}}};
  const int64_t inner = most - 2 * margin;
  if (inner < 1) {
    throw OtfError(Code::kReconstructorConfig, "windows of " + std::to_string(most) +
                                                   " are too small for a network that sees " +
                                                   std::to_string(margin) + " to each side");
  }
  const int64_t count = (length - 2 * margin + inner - 1) / inner;
  WindowPlan plan;
  plan.size = (length - 2 * margin + count - 1) / count + 2 * margin;
  const int64_t step = plan.size - 2 * margin;
  for (int64_t i = 0; i < count; ++i) {
    Window it;
    it.start = std::min(i * step, length - plan.size);
    it.keepStart = i == 0 ? 0 : plan.windows.back().keepEnd;
    it.keepEnd = i == count - 1 ? length : it.start + plan.size - margin;
    plan.windows.push_back(it);
  }
  return plan;
}

}  // namespace otf
