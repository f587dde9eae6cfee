#include "engine/host/commands.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <exception>
#include <mutex>
#include <new>
#include <sstream>
#include <thread>
#include <vector>

#include "engine/host/forwards.h"
#include "process/flat_json.h"
#include "process/wire.h"
#include "timing/median.h"
#include "timing/stopwatch.h"

namespace otf::host {
namespace {

using process::reply;
using process::replyError;

std::string decimal(double value) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

/// Gives all slots their memory, once, on a thread of its own.
class SlotWarmer {
 public:
  explicit SlotWarmer(const SharedSlots& slots) : slots_(slots) {}
  SlotWarmer(const SlotWarmer&) = delete;
  SlotWarmer& operator=(const SlotWarmer&) = delete;
  ~SlotWarmer() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void start() {
    if (started_.exchange(true)) return;
    try {
      thread_ = std::thread([this] {
        for (size_t i = 0; i < slots_.count() && !stop_; ++i) slots_.populate(i);
      });
    } catch (const std::exception&) {
      started_ = false;  // without memory or threads just now: a pass fills the slots that it uses, too
    }
  }

 private:
  const SharedSlots& slots_;
  std::atomic<bool> started_{false}, stop_{false};
  std::thread thread_;
};

struct Serving {
  const Served& served;
  SlotWarmer warmer;
  std::once_flag firstPass;
  Forwards forwards;  // last: its answers use the rest

  explicit Serving(const Served& s) : served(s), warmer(s.slots), forwards(s.engine.passesAtOnce()) {}
};

struct Tensors {
  float *input, *output, *deviation;
};

Tensors tensors(const Served& s, int slot, int count) {
  if (slot < 0 || static_cast<size_t>(slot) >= s.slots.count())
    throw OtfError(Code::kInvalidArgument, "there is no slot " + std::to_string(slot));
  if (count < 1 || count > s.batch)
    throw OtfError(Code::kInvalidArgument,
                   std::to_string(count) + " items in a batch of " + std::to_string(s.batch));
  std::byte* base = s.slots.slot(static_cast<size_t>(slot));
  const auto at = [&](size_t offset) { return reinterpret_cast<float*>(base + offset); };
  return {at(0), at(s.layout.outputOffset), at(s.layout.deviationOffset)};
}

[[noreturn]] void notUnderstood(const std::string& line) {
  throw OtfError(Code::kInvalidArgument, "otf-engine does not understand '" + line.substr(0, 100) + "'");
}

void replyDone(Serving& serving, int slot, double seconds) {
  reply("done " + std::to_string(slot) + " " + decimal(seconds) + " " +
        std::to_string(serving.served.engine.memoryBytes()));
  // The first task is answered: now there is time for those that may follow.
  serving.warmer.start();
}

/// After an error inside a library the process is in a state that nobody knows; of a GPU's fault CUDA says that every call
/// fails from then on, until the process is begun anew. Who holds it does that, and tries the items again.
/// Source: CUDA runtime API, cudaError_t (cudaErrorIllegalAddress and others).
[[noreturn]] void endWith(const std::string& words) {
  std::printf("ERROR: %s\n", words.c_str());
  std::fflush(stdout);
  ::_exit(1);
}

void replyException(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const OtfError& error) {
    if (error.code() == Code::kEngineFailed) endWith(error.what());
    replyError(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    replyError(Code::kOutOfMemory, "not enough memory; use a smaller batch or tile");
  } catch (const std::exception& error) {
    replyError(Code::kEngineFailed, error.what());
  }
}

void forward(Serving& serving, std::istringstream& words, const std::string& line) {
  const Served& s = serving.served;
  int slot = -1;
  int count = 0;
  if (!(words >> slot >> count)) notUnderstood(line);
  const Tensors t = tensors(s, slot, count);
  std::string mode;
  const bool plain = !(words >> mode);
  if (plain && s.engine.passesAtOnce() > 1) {
    serving.forwards.add(
        [&serving, &s, t, count] {
          s.engine.forward(s.extent, count, t.input, t.output);
          std::call_once(serving.firstPass, s.firstPassDone);
        },
        [&serving, slot](double seconds) { replyDone(serving, slot, seconds); }, replyException);
    return;
  }
  int repeats = 0;
  uint64_t seed = 0;
  if (!plain && (mode != "mc" || !(words >> repeats >> seed))) notUnderstood(line);
  serving.forwards.drain();
  // On this thread, always the same: OpenMP makes a new team for every thread that calls.
  const Stopwatch watch;
  if (plain) {
    s.engine.forward(s.extent, count, t.input, t.output);
  } else {
    s.engine.forwardMonteCarlo(s.extent, count, repeats, seed, t.input, t.output, t.deviation);
  }
  replyDone(serving, slot, watch.seconds());
  std::call_once(serving.firstPass, s.firstPassDone);
}

void bench(const Served& s, std::istringstream& words, const std::string& line) {
  int slot = -1;
  int count = 0;
  int repeats = 0;
  if (!(words >> slot >> count >> repeats) || repeats < 1) notUnderstood(line);
  if (s.cianna == nullptr)
    throw OtfError(Code::kInvalidArgument, "only the engine cianna has a library to measure against");
  const Tensors t = tensors(s, slot, count);
  std::vector<double> own;
  std::vector<double> bridge;
  std::vector<double> overhead;
  // Turn about, so that a slow moment of the machine meets both.
  for (int i = 0; i < repeats; ++i) {
    const Stopwatch watch;
    s.engine.forward(s.extent, count, t.input, t.output);
    bridge.push_back(watch.seconds());
    overhead.push_back(bridge.back() - s.cianna->lastForward());
    own.push_back(s.cianna->ownForward(count));
  }
  reply("benched " + process::FlatJson()
                         .number("ownSeconds", median(own))
                         .number("bridgeSeconds", median(bridge))
                         .number("overheadSeconds", median(overhead))
                         .str());
}

/// False: told to end.
bool obey(Serving& serving, const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  if (command == "forward") {
    forward(serving, words, line);
    return true;
  }
  serving.forwards.drain();
  if (command == "bench") {
    bench(serving.served, words, line);
  } else if (command == "ping") {
    reply("pong");
  } else if (command == "quit") {
    return false;
  } else {
    notUnderstood(line);
  }
  return true;
}

}  // namespace

void serve(const Served& s) {
  process::Lines lines;
  std::string line;
  Serving serving(s);
  while (lines.next(line)) {
    try {
      if (!obey(serving, line)) return;
    } catch (...) {
      // Errors too keep their place among the answers.
      serving.forwards.drain();
      replyException(std::current_exception());
    }
    std::fflush(stdout);
  }
}

}  // namespace otf::host
