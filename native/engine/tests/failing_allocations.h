// One allocation of the program's own code that fails, counted over all threads.
#pragma once

#include <cstdint>

namespace otf::test {

enum class Later { kSucceed, kFail };

/// While it lives, `operator new` called for the n-th time (from 0) by the executable itself throws: what libraries allocate
/// for themselves is theirs to answer for. One at a time.
class FailingAllocation {
 public:
  FailingAllocation(int64_t n, Later later);
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation();
  /// Were there as many?
  bool failed() const;
};

}  // namespace otf::test
