// A library for LD_PRELOAD, for tests alone: the wall clock of a program and of all that it starts is somewhere else.
//   OTF_CLOCK_STATE     a file of eight bytes: by how many milliseconds (int64_t). Whoever writes into it sets the clock
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

#define OTF_EXPORTED extern "C" __attribute__((visibility("default")))

namespace {

constexpr int64_t kNsOfMs = 1'000'000;
constexpr int64_t kNsOfS = 1'000'000'000;

std::atomic<int64_t>* offsetMs = nullptr;

__attribute__((constructor)) void arm() {
  const char* path = std::getenv("OTF_CLOCK_STATE");
  if (path == nullptr) return;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = ::mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped != MAP_FAILED) offsetMs = static_cast<std::atomic<int64_t>*>(mapped);
}

int timeOf(clockid_t clock, timespec* time) {
  // glibc's own is what is being replaced.
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (result != 0 || offsetMs == nullptr || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
    return result;
  const int64_t ns =
      time->tv_sec * kNsOfS + time->tv_nsec + offsetMs->load(std::memory_order_relaxed) * kNsOfMs;
  *time = {ns / kNsOfS, ns % kNsOfS};
  return 0;
}

}  // namespace

OTF_EXPORTED int clock_gettime(clockid_t clock, timespec* time) noexcept { return timeOf(clock, time); }

OTF_EXPORTED int gettimeofday(timeval* time, void*) noexcept {
  timespec now{};
  timeOf(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

OTF_EXPORTED time_t time(time_t* seconds) noexcept {
  timespec now{};
  timeOf(CLOCK_REALTIME, &now);
  if (seconds != nullptr) *seconds = now.tv_sec;
  return now.tv_sec;
}
