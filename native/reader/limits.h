// What this process may take: decoding somebody's bytes must end, and end inside these.
#pragma once

#include <cstdint>

namespace otf::reader {

/// Once: no core file, no file written, no new privileges.
void limitProcess();

/// Before each command: so many more bytes of address space than at the start, and seconds of processor time from now.
/// The kernel refuses the memory and ends the process when the time is over.
void limitWork(int64_t bytes, int64_t seconds);

}  // namespace otf::reader
