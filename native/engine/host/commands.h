// The loop of otf-engine: commands in, work on slots, replies out (process/protocol.h).
#pragma once

#include <string>

#include "engine/cianna/cianna_engine.h"
#include "engine/engine.h"
#include "engine/process/protocol.h"
#include "error/error.h"
#include "tensor/slots.h"

namespace otf::host {

/// Writes whole lines to the reply descriptor. A parent that has gone ends the process.
void reply(const std::string& line);
void replyError(Code code, const std::string& message);

struct Served {
  Engine& engine;
  CiannaEngine* cianna;  // for bench; nullptr for other engines
  Extent extent;
  int batch;
  process::SlotLayout layout;
  SharedSlots& slots;
};

/// Serves until `quit` or the end of the commands.
void serve(const Served& served);

}  // namespace otf::host
