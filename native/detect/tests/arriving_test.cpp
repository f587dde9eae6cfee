// A detection of an image that is still being written (TileTask::bytesFor).
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "detect/detection_task.h"
#include "detect/tests/fixtures.h"

using namespace otf;

namespace {

constexpr int64_t kWidth = 700, kHeight = 1100;

struct File {
  test::TemporaryFolder folder;
  std::string path = folder.path("whole.fits");
  std::string bytes;

  File() {
    std::mt19937 random(52);
    std::vector<float> pixels(kWidth * kHeight);
    for (float& x : pixels) x = static_cast<float>(random() % 1000000) * 4e-11F;
    writeFitsImage(path, kWidth, kHeight, test::skyKeys(kWidth, kHeight), pixels.data());
    bytes = test::readText(path);
  }
};

std::unique_ptr<DetectionTask> taskOf(const std::string& path, const FitsSelect& select,
                                      const DetectorConfig& config, bool isSeen) {
  auto task = std::make_unique<DetectionTask>(FitsImage::open(path, select), RegionRequest{}, config,
                                              test::demoHead());
  if (isSeen) task->setFootprint();
  return task;
}

/// Gives what was needed, one after the other.
std::vector<uint64_t> compareTiles(const File& file, const DetectorConfig& config, bool isSeen) {
  const std::string path = file.folder.path("part.fits");
  std::ofstream(path, std::ios::binary) << file.bytes.substr(0, 28800);
  const auto expected = taskOf(file.path, {}, config, isSeen);
  const auto task = taskOf(path, {.hdu = std::nullopt, .fileBytes = file.bytes.size()}, config, isSeen);
  const auto values = static_cast<size_t>(task->inputValues());
  std::vector<float> tile(values), wanted(values);
  std::vector<uint64_t> needs;
  int64_t prepared = 0;
  for (int64_t item = 0; item < task->items(); ++item) {
    if (item == prepared) {
      needs.push_back(task->bytesFor(item));
      REQUIRE(needs.back() <= file.bytes.size());
      std::ofstream(path, std::ios::binary | std::ios::in) << file.bytes.substr(0, needs.back());
      prepared = item + task->prepare();
    }
    task->fill(item, 1, tile.data());
    expected->fill(item, 1, wanted.data());
    REQUIRE(tile == wanted);
  }
  CHECK(needs.size() == static_cast<size_t>(task->layout().rows.count));
  return needs;
}

}  // namespace

TEST_CASE("tiles of an image on its way need the bytes that are asked for, and are those of the whole") {
  const File file;
  DetectorConfig config = test::demoConfig();
  for (const bool isSeen : {false, true}) {
    config.normalise = {{NormaliseKind::kClip, 0, 4e-5}, {NormaliseKind::kRescale}};
    const std::vector<uint64_t> needs = compareTiles(file, config, isSeen);
    CHECK(std::is_sorted(needs.begin(), needs.end()));
    CHECK(needs.front() < needs.back() / 2);
    // Limits of the image's own pixels are not known before all of them are there.
    config.normalise.front() = {NormaliseKind::kClipPercentile, 1, 99};
    const std::vector<uint64_t> all = compareTiles(file, config, isSeen);
    CHECK(all.front() == all.back());
  }
}

TEST_CASE("rows of an image on its way that are not there are no zeros") {
  const File file;
  const std::string path = file.folder.path("part.fits");
  DetectorConfig config = test::demoConfig();
  config.normalise = {{NormaliseKind::kClip, 0, 4e-5}, {NormaliseKind::kRescale}};
  std::ofstream(path, std::ios::binary) << file.bytes.substr(0, 28800);
  const auto task = taskOf(path, {.hdu = std::nullopt, .fileBytes = file.bytes.size()}, config, false);
  CHECK(test::codeOf([&] { task->prepare(); }) == Code::kFitsTruncated);
}
