// The processes that decode compressed images (fits/reader_pool.h), and the end of this one.
#include <unistd.h>

#include "addon/api.h"
#include "addon/async.h"
#include "addon/object.h"
#include "fits/reader_pool.h"
#include "process/crash_mark.h"

namespace otf::addon {

using fits::ReaderPool;

Napi::Value configureReaders(const Napi::CallbackInfo& info) {
  const Fields fields(info[0], "limits");
  fits::ReaderLimits limits;
  limits.deadline = std::chrono::milliseconds(fields.integer("deadlineMs"));
  limits.memoryBytes = fields.integer("memoryBytes");
  ReaderPool::instance().configure(limits);
  return info.Env().Undefined();
}

Napi::Value warmReaders(const Napi::CallbackInfo& info) {
  const int count = info[0].ToNumber().Int32Value();
  return runAsync(
      info.Env(), [count] { ReaderPool::instance().warm(count); },
      [](Napi::Env env) { return env.Undefined(); });
}

Napi::Value stopReaders(const Napi::CallbackInfo& info) {
  ReaderPool::instance().stop();
  return info.Env().Undefined();
}

Napi::Value readerStats(const Napi::CallbackInfo& info) {
  const fits::ReaderStats stats = ReaderPool::instance().stats();
  Napi::Object out = Napi::Object::New(info.Env());
  const auto set = [&](const char* name, int64_t value) { out.Set(name, static_cast<double>(value)); };
  set("started", stats.started);
  set("crashed", stats.crashed);
  set("killed", stats.killed);
  set("late", stats.late);
  set("idle", stats.idle);
  set("busy", stats.busy);
  return out;
}

/// A crash of this process is known to the one after it.
Napi::Value markCrashes(const Napi::CallbackInfo& info) {
  process::markCrashes(info[0].ToString().Utf8Value());
  return info.Env().Undefined();
}

/// When a thread does not come back, the program cannot end in the usual way, which waits for it.
Napi::Value exitNow(const Napi::CallbackInfo& info) { ::_exit(info[0].ToNumber().Int32Value()); }

}  // namespace otf::addon
