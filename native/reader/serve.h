// The loop of otf-reader: commands in, windows of an image out (fits/reader_protocol.h).
#pragma once

#include <cstdint>

#include "tensor/slots.h"

namespace otf::reader {

/// Serves until the end of the commands.
void serve(SharedSlots& window, int64_t seconds);

}  // namespace otf::reader
