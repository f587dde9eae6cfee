// Work off the event loop, with a promise for its answer.
#pragma once

#include <napi.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

namespace otf::addon {

/// JavaScript's Error with `code` for any C++ exception.
Napi::Error toJsError(Napi::Env env, const std::exception_ptr& failure);

/// Runs `work` on a pool thread, then `answer` on the JavaScript thread; both may throw. `work` touches no JS value.
Napi::Value runAsync(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> answer);

/// The same with a result passed from one to the other.
template <typename Result>
Napi::Value runAsync(Napi::Env env, std::function<Result()> work,
                     std::function<Napi::Value(Napi::Env, const Result&)> answer) {
  auto result = std::make_shared<Result>();
  return runAsync(
      env, [result, work = std::move(work)] { *result = work(); },
      [result, answer = std::move(answer)](Napi::Env e) { return answer(e, *result); });
}

/// Calls a JavaScript function (done, total) from any thread, at most some twenty times a second and once at
/// the end. Does nothing when the argument is not a function. Thread-safe.
class Progress {
 public:
  Progress(Napi::Env env, const Napi::Value& callback);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();
  void operator()(int64_t done, int64_t total);

 private:
  Napi::ThreadSafeFunction function_;
  bool active_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace otf::addon
