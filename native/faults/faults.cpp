// A library for LD_PRELOAD, for tests alone: the n-th write, sync or allocation of a program and all that it starts fails.
//   OTF_FAULT_KIND      write: into a regular file (ENOSPC) · sync: fsync, fdatasync (EIO) · allocation: in our native code ·
//                       read-only: every write into a regular file (EROFS), also of what was open before
//   OTF_FAULT_LASTING   1: all that follow, too, as on a disk that stays full
//   OTF_FAULT_STATE     a file of kStateBytes that all processes share: how many there were, which one fails and which did.
//                       Whoever writes into it begins to count anew, or lets another one fail, while the program runs
// Files written through FILE: what stdio itself does inside glibc is not seen, but every call that hands it bytes or empties it.
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#define OTF_EXPORTED extern "C" __attribute__((visibility("default")))

// glibc's own, beneath malloc(): dlsym() would allocate.
extern "C" void* __libc_malloc(size_t size);                      // NOLINT(bugprone-reserved-identifier)
extern "C" void* __libc_calloc(size_t count, size_t size);        // NOLINT(bugprone-reserved-identifier)
extern "C" void* __libc_realloc(void* old, size_t size);          // NOLINT(bugprone-reserved-identifier)
extern "C" void* __libc_memalign(size_t alignment, size_t size);  // NOLINT(bugprone-reserved-identifier)

namespace {

enum class Kind : uint8_t { kNone, kWrite, kSync, kAllocation, kReadOnly };

/// The same in every process: mapped from OTF_FAULT_STATE.
struct State {
  std::atomic<uint64_t> count;
  std::atomic<uint64_t> failed;
  /// Which one fails, from 1 on; 0: none, they are counted.
  std::atomic<uint64_t> at;
  /// Process and place of the first failure, as text.
  std::array<char, 232> where;
};
constexpr size_t kStateBytes = 256;
static_assert(sizeof(State) == kStateBytes);

Kind kind = Kind::kNone;
bool lasting = false;
State* state = nullptr;

__attribute__((constructor)) void arm() {
  const char* path = std::getenv("OTF_FAULT_STATE");
  const char* name = std::getenv("OTF_FAULT_KIND");
  if (path == nullptr || name == nullptr) return;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = ::mmap(nullptr, kStateBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) return;
  state = static_cast<State*>(mapped);
  lasting = std::getenv("OTF_FAULT_LASTING") != nullptr;
  const std::string_view wanted(name);
  if (wanted == "write") kind = Kind::kWrite;
  if (wanted == "sync") kind = Kind::kSync;
  if (wanted == "allocation") kind = Kind::kAllocation;
  if (wanted == "read-only") kind = Kind::kReadOnly;
}

/// Counts one, and says whether it fails. `place`: an address in what asked for it.
bool fails(const void* place) {
  const uint64_t number = state->count.fetch_add(1) + 1;
  const uint64_t at = state->at.load();
  if (at == 0 || number < at || (number > at && !lasting)) return false;
  if (state->failed.fetch_add(1) > 0) return true;
  Dl_info info{};
  const bool known = ::dladdr(place, &info) != 0 && info.dli_fname != nullptr;
  const char* function = known && info.dli_sname != nullptr ? info.dli_sname : "";
  const uintptr_t offset =
      known ? reinterpret_cast<uintptr_t>(place) - reinterpret_cast<uintptr_t>(info.dli_fbase) : 0;
  std::snprintf(state->where.data(), state->where.size(), "%s+0x%zx %s", known ? info.dli_fname : "?",
                static_cast<size_t>(offset), function);
  return true;
}

bool isFile(int fd) {
  struct stat found{};
  return fd != STDERR_FILENO && ::fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

bool writeFails(int fd, const void* place) {
  if (kind != Kind::kWrite && kind != Kind::kReadOnly) return false;
  const int kept = errno;
  const bool failing = isFile(fd) && (kind == Kind::kWrite ? fails(place) : state->at.load() != 0);
  errno = !failing ? kept : kind == Kind::kWrite ? ENOSPC : EROFS;
  return failing;
}

/// Of what a disk holds: a pipe has nothing to sync, and says so.
bool syncFails(int fd, const void* place) {
  struct stat found{};
  if (kind != Kind::kSync || ::fstat(fd, &found) != 0) return false;
  if ((!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)) || !fails(place)) return false;
  errno = EIO;
  return true;
}

/// A module's addresses, and whether it is ours: looked up once, for malloc() is called often.
struct Range {
  uintptr_t begin, end;
  bool ours;
};
std::array<Range, 256> ranges;
std::atomic<size_t> rangeCount{0};
std::atomic_flag adding = ATOMIC_FLAG_INIT;

bool isOurs(const char* module) {
  const std::string_view path(module == nullptr || *module == '\0' ? program_invocation_name : module);
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name == "cianna_otf.node" || name == "otf-engine" || name == "otf-reader";
}

int findModule(dl_phdr_info* info, size_t, void* data) {
  auto* range = static_cast<Range*>(data);
  const uintptr_t wanted = range->begin;
  uintptr_t low = UINTPTR_MAX, high = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    low = std::min<uintptr_t>(low, info->dlpi_addr + segment.p_vaddr);
    high = std::max<uintptr_t>(high, info->dlpi_addr + segment.p_vaddr + segment.p_memsz);
  }
  if (wanted < low || wanted >= high) return 0;
  *range = {low, high, isOurs(info->dlpi_name)};
  return 1;
}

bool asksFromOurs(const void* place) {
  const auto address = reinterpret_cast<uintptr_t>(place);
  const size_t known = rangeCount.load(std::memory_order_acquire);
  for (size_t i = 0; i < known; ++i)
    if (address >= ranges[i].begin && address < ranges[i].end) return ranges[i].ours;
  Range found{address, 0, false};
  if (::dl_iterate_phdr(&findModule, &found) == 0) return false;
  // One that is added at the same time by another thread is added by it.
  if (adding.test_and_set()) return found.ours;
  const size_t next = rangeCount.load();
  if (next < ranges.size()) {
    ranges[next] = found;
    rangeCount.store(next + 1, std::memory_order_release);
  }
  adding.clear();
  return found.ours;
}

/// While a library is being loaded its initialisers run, and nothing can catch what they throw: they are left alone.
bool isLoading() {
  std::array<void*, 64> frames;
  const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 0; i < count; ++i) {
    Dl_info info{};
    const bool known = ::dladdr(frames[static_cast<size_t>(i)], &info) != 0 && info.dli_fname != nullptr;
    if (known && std::string_view(info.dli_fname).find("/ld-linux") != std::string_view::npos) return true;
  }
  return false;
}

bool allocationFails(const void* place) {
  return kind == Kind::kAllocation && asksFromOurs(place) && fails(place) && !isLoading();
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

void* allocated(size_t size, const void* place) {
  return allocationFails(place) ? nullptr : __libc_malloc(size);
}

void* orThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

#define OTF_CALLER __builtin_return_address(0)

OTF_EXPORTED ssize_t write(int fd, const void* data, size_t bytes) {
  static const auto real = next<decltype(&::write)>("write");
  return writeFails(fd, OTF_CALLER) ? -1 : real(fd, data, bytes);
}

OTF_EXPORTED ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  static const auto real = next<decltype(&::pwrite)>("pwrite");
  return writeFails(fd, OTF_CALLER) ? -1 : real(fd, data, bytes, offset);
}

OTF_EXPORTED ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset) {
  static const auto real = next<decltype(&::pwrite64)>("pwrite64");
  return writeFails(fd, OTF_CALLER) ? -1 : real(fd, data, bytes, offset);
}

OTF_EXPORTED ssize_t writev(int fd, const iovec* parts, int count) {
  static const auto real = next<decltype(&::writev)>("writev");
  return writeFails(fd, OTF_CALLER) ? -1 : real(fd, parts, count);
}

OTF_EXPORTED ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  static const auto real = next<decltype(&::pwritev)>("pwritev");
  return writeFails(fd, OTF_CALLER) ? -1 : real(fd, parts, count, offset);
}

OTF_EXPORTED ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
  static const auto real = next<decltype(&::pwritev64)>("pwritev64");
  return writeFails(fd, OTF_CALLER) ? -1 : real(fd, parts, count, offset);
}

OTF_EXPORTED size_t fwrite(const void* data, size_t size, size_t count, FILE* file) {
  static const auto real = next<decltype(&::fwrite)>("fwrite");
  return writeFails(::fileno(file), OTF_CALLER) ? 0 : real(data, size, count, file);
}

OTF_EXPORTED int fflush(FILE* file) {
  static const auto real = next<decltype(&::fflush)>("fflush");
  return file != nullptr && writeFails(::fileno(file), OTF_CALLER) ? EOF : real(file);
}

// What was buffered may not be written; closed it is.
OTF_EXPORTED int fclose(FILE* file) {
  static const auto real = next<decltype(&::fclose)>("fclose");
  const bool failing =
      (::fcntl(::fileno(file), F_GETFL) & O_ACCMODE) != O_RDONLY && writeFails(::fileno(file), OTF_CALLER);
  const int result = real(file);
  if (!failing) return result;
  errno = ENOSPC;
  return EOF;
}

OTF_EXPORTED int fsync(int fd) {
  static const auto real = next<decltype(&::fsync)>("fsync");
  return syncFails(fd, OTF_CALLER) ? -1 : real(fd);
}

OTF_EXPORTED int fdatasync(int fd) {
  static const auto real = next<decltype(&::fdatasync)>("fdatasync");
  return syncFails(fd, OTF_CALLER) ? -1 : real(fd);
}

OTF_EXPORTED void* malloc(size_t size) noexcept {
  if (!allocationFails(OTF_CALLER)) return __libc_malloc(size);
  errno = ENOMEM;
  return nullptr;
}

OTF_EXPORTED void* calloc(size_t count, size_t size) noexcept {
  if (!allocationFails(OTF_CALLER)) return __libc_calloc(count, size);
  errno = ENOMEM;
  return nullptr;
}

OTF_EXPORTED void* realloc(void* old, size_t size) noexcept {
  if (!allocationFails(OTF_CALLER)) return __libc_realloc(old, size);
  errno = ENOMEM;
  return nullptr;
}

OTF_EXPORTED int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  *memory = allocationFails(OTF_CALLER) ? nullptr : __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

OTF_EXPORTED void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return allocationFails(OTF_CALLER) ? nullptr : __libc_memalign(alignment, size);
}

// What is given back is given to free() by the operators delete that are there.
__attribute__((visibility("default"))) void* operator new(size_t size) {
  return orThrow(allocated(size, OTF_CALLER));
}
__attribute__((visibility("default"))) void* operator new[](size_t size) {
  return orThrow(allocated(size, OTF_CALLER));
}
__attribute__((visibility("default"))) void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return allocated(size, OTF_CALLER);
}
__attribute__((visibility("default"))) void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return allocated(size, OTF_CALLER);
}
__attribute__((visibility("default"))) void* operator new(size_t size, std::align_val_t alignment) {
  return orThrow(allocationFails(OTF_CALLER) ? nullptr
                                             : __libc_memalign(static_cast<size_t>(alignment), size));
}
