#include "reader/limits.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

#if defined(__has_feature)
#define OTF_HAS_FEATURE(name) __has_feature(name)
#else
#define OTF_HAS_FEATURE(name) 0
#endif

namespace otf::reader {
namespace {

// AddressSanitizer reserves terabytes of addresses.
#if defined(__SANITIZE_ADDRESS__) || OTF_HAS_FEATURE(address_sanitizer)
constexpr bool kCountsAddresses = false;
#else
constexpr bool kCountsAddresses = true;
#endif

/// For stacks, CFITSIO's own buffers and the allocator's slack.
constexpr int64_t kOwnBytes = int64_t{64} << 20;

void set(__rlimit_resource_t resource, rlim_t soft) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || soft < limit.rlim_max ? soft : limit.rlim_max;
  ::setrlimit(resource, &limit);
}

int64_t addressBytes() {
  long pages = 0;
  std::FILE* statm = std::fopen("/proc/self/statm", "re");
  if (statm == nullptr) return 0;
  const bool read = std::fscanf(statm, "%ld", &pages) == 1;
  std::fclose(statm);
  return read ? pages * ::sysconf(_SC_PAGESIZE) : 0;
}

}  // namespace

void limitProcess() {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  set(RLIMIT_CORE, 0);
  set(RLIMIT_FSIZE, 0);
}

void limitWork(int64_t bytes, int64_t seconds) {
  static const int64_t before = addressBytes();
  if (kCountsAddresses) set(RLIMIT_AS, static_cast<rlim_t>(before + kOwnBytes + bytes));
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  set(RLIMIT_CPU, static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec + seconds + 1));
}

}  // namespace otf::reader
