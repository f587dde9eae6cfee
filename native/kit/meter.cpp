#include "kit/meter.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

namespace otf::kit {

// NVML's C interface has been stable since its version 2; its header comes with the CUDA toolkit only.
struct Meter::Driver {
  struct Memory {
    unsigned long long total, free, used;
  };
  using Device = void*;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*handle)(unsigned, Device*) = nullptr;
  int (*name)(Device, char*, unsigned) = nullptr;
  int (*version)(char*, unsigned) = nullptr;
  int (*memory)(Device, Memory*) = nullptr;
  int (*power)(Device, unsigned*) = nullptr;

  void* library = nullptr;
  Device device = nullptr;
  std::thread watching;
  std::atomic<bool> stop{false};
  int64_t before = 0;
  Seen seen;

  template <typename Function>
  bool find(Function& function, const char* symbol) {
    function = reinterpret_cast<Function>(::dlsym(library, symbol));
    return function != nullptr;
  }
  bool open() {
    library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    return library != nullptr && find(init, "nvmlInit_v2") && find(shutdown, "nvmlShutdown") &&
           find(handle, "nvmlDeviceGetHandleByIndex_v2") && find(name, "nvmlDeviceGetName") &&
           find(version, "nvmlSystemGetDriverVersion") && find(memory, "nvmlDeviceGetMemoryInfo") &&
           find(power, "nvmlDeviceGetPowerUsage") && init() == 0 && handle(0, &device) == 0;
  }
  int64_t used() const {
    Memory now{};
    return memory(device, &now) == 0 ? static_cast<int64_t>(now.used) : 0;
  }
  void look() {
    seen.memoryBytes = std::max(seen.memoryBytes, used() - before);
    unsigned milliwatts = 0;
    if (power(device, &milliwatts) == 0) seen.watts = std::max(seen.watts, milliwatts / 1e3);
  }
};

Meter::Meter() : driver_(std::make_unique<Driver>()) {
  if (!driver_->open()) driver_->device = nullptr;
  if (driver_->device != nullptr) driver_->before = driver_->used();
}

Meter::~Meter() {
  stop();
  if (driver_->device != nullptr) driver_->shutdown();
}

std::string Meter::device() const {
  std::array<char, 96> text{};
  if (driver_->device != nullptr) driver_->name(driver_->device, text.data(), text.size());
  return text.data();
}

std::string Meter::driver() const {
  std::array<char, 96> text{};
  if (driver_->device != nullptr) driver_->version(text.data(), text.size());
  return text.data();
}

void Meter::start() {
  stop();
  if (driver_->device == nullptr) return;
  driver_->seen = {};
  driver_->stop = false;
  driver_->watching = std::thread([this] {
    while (!driver_->stop) {
      driver_->look();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
}

int64_t Meter::memoryBytes() const {
  Driver::Memory now{};
  return driver_->device != nullptr && driver_->memory(driver_->device, &now) == 0
             ? static_cast<int64_t>(now.total)
             : 0;
}

Meter::Seen Meter::stop() {
  driver_->stop = true;
  if (driver_->watching.joinable()) driver_->watching.join();
  return driver_->seen;
}

}  // namespace otf::kit
