// What the GPU's driver says of its memory and power (NVML), watched while something else is measured.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace otf::kit {

/// The first device. Where there is no NVML everything is 0 or empty.
class Meter {
 public:
  Meter();
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;
  ~Meter();

  std::string device() const;  // "" : there is no NVML, or no device
  std::string driver() const;
  int64_t memoryBytes() const;  // all the device has

  struct Seen {
    int64_t memoryBytes = 0;  // most in use at a time, less what was in use when the Meter was made
    double watts = 0;         // most; the driver averages over up to a second
  };
  /// Watching goes on in a thread of its own until the next call of stop().
  void start();
  Seen stop();

 private:
  struct Driver;
  std::unique_ptr<Driver> driver_;
};

}  // namespace otf::kit
