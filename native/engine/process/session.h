// One running engine process and its slot: what RemoteEngine starts, uses and replaces.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.h"
#include "engine/process/protocol.h"
#include "process/child.h"
#include "tensor/slots.h"

namespace otf::process {

/// A Child::Spec for otf-engine: OTF_ENGINE_PROGRAM, else beside the file this code was loaded from.
Child::Spec engineSpec();

/// One slot, one command at a time. Every call throws what the process answers, and kEngineFailed when it has died.
class Session {
 public:
  /// Starts the process and waits until it has loaded the network.
  Session(const std::string& name, const Network& network, const EngineOptions& options, Extent extent,
          int batch);

  bool serves(Extent extent, int batch) const { return extent == extent_ && batch <= batch_; }
  const std::string& ready() const { return ready_; }  // the JSON of its first reply
  float* input() { return reinterpret_cast<float*>(slots_.slot(0)); }
  float* output() { return reinterpret_cast<float*>(slots_.slot(0) + layout_.outputOffset); }
  float* deviation() { return reinterpret_cast<float*>(slots_.slot(0) + layout_.deviationOffset); }
  size_t inputBytes(int count) const { return static_cast<size_t>(valuesIn_ * count) * sizeof(float); }
  size_t outputBytes(int count) const { return static_cast<size_t>(valuesOut_ * count) * sizeof(float); }

  struct Done {
    double seconds = 0;
    int64_t memoryBytes = 0;
  };
  /// `how`: empty, or " mc REPEATS SEED".
  Done forward(int count, const std::string& how);
  std::string bench(int count, int repeats);  // the JSON of `benched`

 private:
  Extent extent_;
  int batch_;
  int64_t valuesIn_, valuesOut_;
  SlotLayout layout_;
  SharedSlots slots_;
  std::optional<Child> child_;
  std::string ready_;
};

}  // namespace otf::process
