// The CPUs an engine process keeps to.
#pragma once

#include <string_view>

namespace otf::host {

/// `list` as the kernel writes it ("0-3,8"). To be called before any thread is there: those made later inherit it.
/// Throws kInvalidArgument: no list, or CPUs this process may not use.
void keepToCpus(std::string_view list);

}  // namespace otf::host
