// The slots of one engine process, as the workers see them.
#pragma once

#include "addon/handles.h"
#include "engine/process/protocol.h"
#include "tensor/slots.h"

namespace otf::addon {

struct EngineSlots {
  int batch = 0;
  int64_t valuesIn = 0, valuesOut = 0;
  process::SlotLayout layout;
  SharedSlots memory;

  /// Where item `item` of slot `slot` begins, `count` items long. Throws kInvalidArgument outside the slot.
  float* input(int64_t slot, int64_t item, int64_t count) const;
  float* output(int64_t slot, int64_t item, int64_t count) const;
};

Handles<EngineSlots>& slotTable();

}  // namespace otf::addon
