// The readers as their users see them: what is bounded, what a death costs, what a process of ours may hold.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fitsio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fits/fits.h"
#include "fits/reader_pool.h"
#include "fits/test_support.h"
#include "reader/tests/compressed_files.h"

namespace otf {
namespace {

using namespace test;
using namespace std::chrono_literals;

fits::ReaderPool& pool() { return fits::ReaderPool::instance(); }

/// Another program in otf-reader's place, and the pool as it was afterwards.
class Instead {
 public:
  explicit Instead(const std::string& script, std::chrono::milliseconds deadline = 60s)
      : usual_(std::getenv("OTF_READER_PROGRAM")) {
    writeText(folder_ / "reader.sh", "#!/bin/sh\n" + script);
    ::chmod((folder_ / "reader.sh").c_str(), 0755);
    ::setenv("OTF_READER_PROGRAM", (folder_ / "reader.sh").c_str(), 1);
    configure(deadline);
  }
  Instead(const Instead&) = delete;
  Instead& operator=(const Instead&) = delete;
  ~Instead() {
    ::setenv("OTF_READER_PROGRAM", usual_.c_str(), 1);
    configure(60s);
  }

 private:
  static void writeText(const std::string& path, const std::string& text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    writeBytes(path, {begin, begin + text.size()});
  }
  static void configure(std::chrono::milliseconds deadline) {
    fits::ReaderLimits limits;
    limits.deadline = deadline;
    pool().configure(limits);
  }
  const std::string usual_;
  const TemporaryFolder folder_;
};

Bytes someFile() { return compressedFile(everyRecipe().front()); }

float firstPixel(FitsImage& image) {
  float value = 0;
  image.readWindow(0, 0, 1, 1, &value, 1);
  return value;
}

/// Processes called otf-reader that this one started.
std::vector<int> readers() {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    std::ifstream stat(entry.path() / "stat");
    std::string text;
    if (pid <= 0 || !std::getline(stat, text)) continue;
    const size_t end = text.rfind(')');
    if (end == std::string::npos || text.find("(otf-reader)") == std::string::npos) continue;
    if (std::atoi(text.c_str() + end + 4) == ::getpid()) found.push_back(pid);
  }
  return found;
}

TEST_CASE("an image whose decoding does not end is ended at its deadline, and named") {
  const Bytes file = someFile();
  const Instead hung("echo ready >&5; read line <&4; echo opened >&5; while :; do sleep 1; done", 300ms);
  const int64_t before = pool().stats().late;
  FitsImage image = FitsImage::openMemory(file, "slow.fits");
  checkFails(Code::kFitsUnreadable,
             "slow.fits cannot be decompressed: the image reader was ended because it took too long",
             [&] { firstPixel(image); });
  CHECK(pool().stats().late == before + 1);
}

TEST_CASE("an image that ends its reader twice is refused, with the reader's last words") {
  const Bytes file = someFile();
  const int64_t before = pool().stats().crashed;
  {
    const Instead crash("echo ready >&5; read line <&4; echo 'error: all wrong' >&2; kill -SEGV $$");
    checkFails(Code::kFitsUnreadable,
               "was ended by SIGSEGV (Segmentation fault) while opening evil.fits: error: all wrong",
               [&] { FitsImage::openMemory(file, "evil.fits"); });
  }
  CHECK(pool().stats().crashed == before + 2);
  CHECK_NOTHROW(FitsImage::openMemory(file, "good.fits"));
}

TEST_CASE("a reader that is killed from outside costs its user nothing") {
  const Bytes file = someFile();
  FitsImage image = FitsImage::openMemory(file, "image.fits");
  const float value = firstPixel(image);
  for (int round = 0; round < 3; ++round) {
    const std::vector<int> all = readers();
    REQUIRE(!all.empty());
    for (const int pid : all) ::kill(pid, SIGKILL);
    CHECK(firstPixel(image) == value);
  }
  CHECK(pool().stats().killed > 0);
}

TEST_CASE("without the program an image says what is missing") {
  const Bytes file = someFile();
  const std::string usual = std::getenv("OTF_READER_PROGRAM");
  pool().configure({});
  ::setenv("OTF_READER_PROGRAM", "/nowhere/otf-reader", 1);
  checkFails(Code::kInternal, "cannot start the image reader /nowhere/otf-reader: No such file",
             [&] { FitsImage::openMemory(file, "image.fits"); });
  ::setenv("OTF_READER_PROGRAM", usual.c_str(), 1);
}

TEST_CASE("a reader holds its own descriptors and the image it reads, which goes when the image goes") {
  const TemporaryFolder folder;
  writeBytes(folder / "image.fits", someFile());
  // What a library leaves open without close-on-exec.
  const int leaked = ::open("/dev/zero", O_RDONLY);
  REQUIRE(leaked >= 0);
  pool().configure({});
  const auto held = [] {
    std::vector<std::string> targets;
    for (const int pid : readers()) {
      for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
        targets.push_back(std::filesystem::read_symlink(entry.path()).string());
    }
    return targets;
  };
  const auto list = [&] {
    std::string all;
    for (const std::string& target : held()) all += target + " ";
    return all;
  };
  const auto count = [&](const std::string& part) {
    const std::vector<std::string> targets = held();
    return std::count_if(targets.begin(), targets.end(),
                         [&](const std::string& target) { return target.find(part) != std::string::npos; });
  };
  {
    FitsImage image = FitsImage::open(folder / "image.fits");
    firstPixel(image);
    REQUIRE(readers().size() == 1);
    CHECK(count("image.fits") > 0);
    CHECK(count("/dev/zero") == 0);
    // null, log twice, window twice, commands, replies, and the image: itself, shared, opened by CFITSIO
    CAPTURE(list());
    CHECK(held().size() == 10);
  }
  CHECK(count("image.fits") == 0);
  CHECK(held().size() == 7);
  ::close(leaked);
}

TEST_CASE("many images are read at once by few readers") {
  fits::ReaderLimits limits;
  limits.most = 2;
  pool().configure(limits);
  const Bytes file = someFile();
  std::vector<float> expected = readHere(file);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      FitsImage image = FitsImage::openMemory(file, "image.fits");
      const int64_t width = image.info().width;
      for (int64_t row = 0; row < image.info().height; ++row) {
        std::vector<float> out(static_cast<size_t>(width));
        image.readWindow(0, row, width, 1, out.data(), width);
        if (!std::equal(out.begin(), out.end(), expected.begin() + row * width)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(readers().size() <= 2);
  pool().configure({});
}

/// What sanitizers take themselves is no measure of anything.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kMeasuresMemory = false;
#else
constexpr bool kMeasuresMemory = true;
#endif

int64_t peakBytes(int pid) {
  if (!kMeasuresMemory) return 0;
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::atoll(line.c_str() + 6) * 1024;
  }
  return 0;
}

TEST_CASE("a window of a 65536 x 65536 image takes what the window takes") {
  const Bytes row = compressedFile({"row", RICE_1, 16, true, 65536, 2, 65536, 1});
  const Bytes file = repeatedTile(row, 1, 65536);
  pool().configure({});
  FitsImage image = FitsImage::openMemory(file, "mosaic.fits");
  CHECK(image.info().width == 65536);
  CHECK(image.info().height == 65536);
  std::vector<float> box(512 * 512);
  image.readWindow(40000, 60000, 512, 512, box.data(), 512);
  const std::vector<float> expected = readHere(row);
  image.readWindow(0, 65535, 256, 1, box.data(), 256);
  CHECK(std::equal(expected.begin(), expected.begin() + 256, box.begin()));
  for (const int pid : readers()) CHECK(peakBytes(pid) < (int64_t{100} << 20));
}

TEST_CASE("rows of large tiles are decompressed without all of them being kept") {
  constexpr int64_t kSide = 1024, kAcross = 80;
  const Bytes tile = compressedFile({"tile", RICE_1, 16, true, kSide, kSide, kSide, kSide});
  const Bytes file = repeatedTile(tile, kAcross, 2);
  pool().configure({});
  FitsImage single = FitsImage::openMemory(tile, "tile.fits"),
            image = FitsImage::openMemory(file, "wide.fits");
  std::vector<float> expected(kSide * 2), out(static_cast<size_t>(kSide * kAcross * 2));
  single.readWindow(0, 1000, kSide, 2, expected.data(), kSide);
  image.readWindow(0, kSide + 1000, kSide * kAcross, 2, out.data(), kSide * kAcross);
  bool same = true;
  for (int64_t i = 0; i < kSide * kAcross * 2; ++i) {
    const int64_t y = i / (kSide * kAcross), x = i % (kSide * kAcross) % kSide;
    same = same && out[static_cast<size_t>(i)] == expected[static_cast<size_t>(y * kSide + x)];
  }
  CHECK(same);
  for (const int pid : readers()) CHECK(peakBytes(pid) < (int64_t{400} << 20));
}

}  // namespace
}  // namespace otf
