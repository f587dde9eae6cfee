// Engine processes as the event loop has them: nothing waits there. A thread of each process takes its replies and tells
// them in their order, and at last how it ended.
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "addon/api.h"
#include "addon/handles.h"
#include "addon/object.h"
#include "engine/process/session.h"
#include "process/child.h"
#include "process/last_words.h"
#include "process/wire.h"

namespace otf::addon {
namespace {

constexpr size_t kToldLines = 12;
constexpr auto kNoMemoryStep = std::chrono::milliseconds(100);

/// A function of JavaScript for a thread. It keeps the event loop from ending until it is released: once, whatever happens.
class ThreadFunction {
 public:
  ThreadFunction(Napi::Env env, const Napi::Function& function, const char* name)
      : function_(Napi::ThreadSafeFunction::New(env, function, name, 0, 1)) {}
  ThreadFunction(const ThreadFunction&) = delete;
  ThreadFunction& operator=(const ThreadFunction&) = delete;
  ~ThreadFunction() { release(); }

  template <typename Call>
  void call(Call&& call) {
    function_.BlockingCall(std::forward<Call>(call));
  }
  void release() {
    if (!released_.exchange(true)) function_.Release();
  }

 private:
  Napi::ThreadSafeFunction function_;
  std::atomic<bool> released_{false};
};

class EngineTalk {
 public:
  EngineTalk(Napi::Env env, const process::Child::Spec& spec, const Napi::Function& onReply,
             const Napi::Function& onEnd)
      : child_(spec),
        replied_(env, onReply, "otf engine reply"),
        ended_(env, onEnd, "otf engine end"),
        env_(env) {
    // Added after the functions' own hooks, so that it runs before them: they may not be used once those have run.
    napi_add_env_cleanup_hook(env_, stopHook, this);
  }
  EngineTalk(const EngineTalk&) = delete;
  EngineTalk& operator=(const EngineTalk&) = delete;
  ~EngineTalk() {
    napi_remove_env_cleanup_hook(env_, stopHook, this);
    stop();
  }

  process::Child& child() { return child_; }
  /// `last` is called on the JavaScript thread when all is told.
  void begin(std::function<void()> last) {
    reader_ = std::thread([this, last = std::move(last)] { read(last); });
  }

 private:
  static void stopHook(void* talk) { static_cast<EngineTalk*>(talk)->stop(); }

  void stop() {
    child_.kill();
    if (reader_.joinable()) reader_.join();
  }

  /// Nothing above catches what this thread throws: without memory for a reply the engine is of no use, and is ended.
  void read(const std::function<void()>& last) {
    bool complete = true;
    for (bool over = false; !over;) {
      try {
        const std::string line = child_.receive("working");
        // One that is missing would give the later ones to the wrong requests.
        if (!complete) continue;
        replied_.call(
            [line](Napi::Env env, Napi::Function tell) { tell.Call({Napi::String::New(env, line)}); });
      } catch (const process::ChildEnded& end) {
        tellEnd(end, last);
        over = true;
      } catch (const std::bad_alloc&) {
        complete = false;
        child_.kill();
        std::this_thread::sleep_for(kNoMemoryStep);
      }
    }
    replied_.release();
    ended_.release();
  }

  /// The end is waited for: it is told when there is memory for it.
  void tellEnd(const process::ChildEnded& end, const std::function<void()>& last) {
    for (bool told = false; !told;) {
      try {
        ended_.call([end, last](Napi::Env env, Napi::Function tell) {
          Napi::Object words = Napi::Object::New(env);
          words.Set("how", end.end());
          words.Set("killed", end.how() == process::ChildEnded::How::kKilled);
          words.Set("words", process::lastWords(end.log()));
          words.Set("lines", strings(env, process::lastLines(end.log(), kToldLines)));
          tell.Call({words});
          last();
        });
        told = true;
      } catch (const std::bad_alloc&) {
        std::this_thread::sleep_for(kNoMemoryStep);
      }
    }
  }

  process::Child child_;
  ThreadFunction replied_, ended_;
  const napi_env env_;
  std::thread reader_;
};

Handles<EngineTalk>& talkTable() {
  // Never destroyed: an exit with engines at work waits for none of them. They die with this process.
  static auto* table = new Handles<EngineTalk>("engine process");
  return *table;
}

}  // namespace

Napi::Value startEngine(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Fields fields(info[0], "request");
  process::Child::Spec spec = process::engineSpec();
  spec.program.arguments = fields.texts("arguments");
  spec.program.environment = fields.texts("environment");
  spec.descriptors = {{static_cast<int>(fields.integer("slotsFd")), process::kSharedFd}};
  const auto talk =
      std::make_shared<EngineTalk>(env, spec, info[1].As<Napi::Function>(), info[2].As<Napi::Function>());
  Napi::Object out = Napi::Object::New(env);
  out.Set("pid", talk->child().pid());
  const int64_t handle = talkTable().add(talk);
  // One of which the caller does not hear must not live on.
  try {
    out.Set("process", static_cast<double>(handle));
    talk->begin([handle] { talkTable().close(handle); });
  } catch (...) {
    talkTable().close(handle);
    throw;
  }
  return out;
}

Napi::Value sendToEngine(const Napi::CallbackInfo& info) {
  talkTable().get(info[0].ToNumber().Int64Value())->child().send(info[1].ToString().Utf8Value());
  return info.Env().Undefined();
}

Napi::Value killEngine(const Napi::CallbackInfo& info) {
  talkTable().get(info[0].ToNumber().Int64Value())->child().kill();
  return info.Env().Undefined();
}

}  // namespace otf::addon
