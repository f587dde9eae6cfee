// Tasks as JavaScript names them: opened by the functions of a kind, everything else is the same for all.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <optional>

#include "addon/handles.h"
#include "task/raw_output.h"
#include "task/tile_task.h"

namespace otf::addon {

struct OpenTask {
  std::shared_ptr<TileTask> tiles;
  /// What was found, once it is finished. JavaScript thread only.
  std::function<Napi::Value(Napi::Env)> found;
  std::optional<RawOutput> raw;
  /// Of an item's output, of which the first is that of the usual pass (engine/draws).
  int outputParts = 1;
};

Handles<OpenTask>& taskTable();

/// {task, tiles, bytes, decodes, valuesIn, valuesOut} of a task that is in the table from now on.
Napi::Value openedTask(Napi::Env env, std::shared_ptr<OpenTask> task);

}  // namespace otf::addon
