// The loop of otf-engine: commands in, work on slots, replies out (process/protocol.h).
#pragma once

#include <string>

#include "engine/cianna/cianna_engine.h"
#include "engine/engine.h"
#include "engine/process/protocol.h"
#include "error/error.h"
#include "tensor/slots.h"

namespace otf::host {

struct Served {
  Engine& engine;
  CiannaEngine* cianna;  // for bench; nullptr for other engines
  Extent extent;
  int batch;
  process::SlotLayout layout;
  SharedSlots& slots;
  void (*firstPassDone)();  // called once, from the thread that ran it
};

/// Serves until `quit` or the end of the commands.
void serve(const Served& served);

}  // namespace otf::host
