#include "addon/async.h"

#include "error/error.h"

namespace otf::addon {
namespace {

class Task final : public Napi::AsyncWorker {
 public:
  Task(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> answer)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        answer_(std::move(answer)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      work_();
    } catch (...) {
      failure_ = std::current_exception();
    }
    work_ = nullptr;
  }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    if (!failure_) {
      try {
        return deferred_.Resolve(answer_(Env()));
      } catch (...) {
        failure_ = std::current_exception();
      }
    }
    deferred_.Reject(toJsError(Env(), failure_).Value());
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::function<void()> work_;
  std::function<Napi::Value(Napi::Env)> answer_;
  std::exception_ptr failure_;
};

constexpr auto kInterval = std::chrono::milliseconds(50);

}  // namespace

Napi::Error toJsError(Napi::Env env, const std::exception_ptr& failure) {
  const auto make = [env](Code code, const char* message) {
    Napi::Error error = Napi::Error::New(env, message);
    error.Set("code", Napi::String::New(env, std::string(codeName(code))));
    return error;
  };
  try {
    std::rethrow_exception(failure);
  } catch (const OtfError& error) {
    return make(error.code(), error.what());
  } catch (const Napi::Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return make(Code::kOutOfMemory, "not enough memory");
  } catch (const std::exception& error) {
    return make(Code::kInternal, error.what());
  } catch (...) {
    return make(Code::kInternal, "unknown failure in the native part");
  }
}

Napi::Value runAsync(Napi::Env env, std::function<void()> work,
                     std::function<Napi::Value(Napi::Env)> answer) {
  auto* task = new Task(env, std::move(work), std::move(answer));  // deletes itself when done
  const Napi::Promise promise = task->promise();
  task->Queue();
  return promise;
}

Progress::Progress(Napi::Env env, const Napi::Value& callback) {
  if (!callback.IsFunction()) return;
  function_ = Napi::ThreadSafeFunction::New(env, callback.As<Napi::Function>(), "otf progress", 0, 1);
  function_.Unref(env);  // a report must not keep a finished program alive
  active_ = true;
}

Progress::~Progress() {
  if (active_) function_.Release();
}

void Progress::operator()(int64_t done, int64_t total) {
  if (!active_) return;
  const auto now = std::chrono::steady_clock::now();
  if (done < total && now - last_ < kInterval) return;
  last_ = now;
  // Reports are independent of each other: one that finds the queue closed is not missed.
  function_.NonBlockingCall([done, total](Napi::Env env, Napi::Function callback) {
    callback.Call({Napi::Number::New(env, static_cast<double>(done)),
                   Napi::Number::New(env, static_cast<double>(total))});
  });
}

}  // namespace otf::addon
