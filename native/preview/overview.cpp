#include "preview/overview.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "error/error.h"
#include "preview/zscale.h"
#include "tensor/mapped_file.h"

namespace otf::preview {

/// The file: this, then sums (double), counts (uint32) and the sample (float), each as many as stated here.
struct Overview::Head {
  std::array<char, 8> magic;
  int64_t width, height, step, blocks, sampled;
  PlaneStatistics statistics;
};

namespace {

// The last letters change with the layout: a cache of another version is made anew.
constexpr std::array<char, 8> kMagic = {'O', 'T', 'F', 'o', 'v', 'r', '0', '1'};
constexpr int64_t kFinestStep = 8;
constexpr int64_t kMostBlocks = int64_t{1} << 23;

int64_t stepFor(const FitsInfo& info) {
  int64_t step = kFinestStep;
  while (blocksOf(info.width, step) * blocksOf(info.height, step) > kMostBlocks) step *= 2;
  return step;
}

size_t bytesFor(int64_t blocks, int64_t sampled) {
  return static_cast<size_t>(blocks) * (sizeof(double) + sizeof(uint32_t)) +
         static_cast<size_t>(sampled) * sizeof(float);
}

template <typename Value>
void append(std::vector<std::byte>& bytes, const std::vector<Value>& values) {
  const auto* first = reinterpret_cast<const std::byte*>(values.data());
  bytes.insert(bytes.end(), first, first + values.size() * sizeof(Value));
}

[[noreturn]] void unwritable(const std::string& path) {
  throw OtfError(Code::kOutputUnwritable, "cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace

Overview::Overview(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
    : owner_(std::move(owner)), bytes_(bytes) {}

Overview::Overview(std::vector<std::byte> bytes) {
  const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  bytes_ = *owner;
  owner_ = owner;
}

Overview Overview::make(FitsImage& image) {
  const FitsInfo& info = image.info();
  if (info.width > kMostSidePx || info.height > kMostSidePx) {
    throw OtfError(Code::kImageTooLarge, info.label + " has " + std::to_string(info.width) + " x " +
                                             std::to_string(info.height) +
                                             " pixels: pictures are made of images of at most " +
                                             std::to_string(kMostSidePx) + " pixels a side");
  }
  const int64_t step = stepFor(info);
  const PlaneScan scan = scanPlane(image, step);
  Head head{kMagic, info.width, info.height, step, 0, 0, scan.statistics};
  head.blocks = static_cast<int64_t>(scan.sums.sums().size());
  head.sampled = static_cast<int64_t>(scan.sorted.size());
  std::vector<std::byte> bytes(sizeof head);
  bytes.reserve(sizeof head + bytesFor(head.blocks, head.sampled));
  std::memcpy(bytes.data(), &head, sizeof head);
  append(bytes, scan.sums.sums());
  append(bytes, scan.sums.counts());
  append(bytes, scan.sorted);
  return Overview(std::move(bytes));
}

Overview Overview::open(const std::string& path) {
  const auto file = std::make_shared<const MappedFile>(path, "the overview", Code::kInternal);
  const std::span<const std::byte> bytes = file->bytes();
  Head head{};
  if (bytes.size() >= sizeof head) std::memcpy(&head, bytes.data(), sizeof head);
  if (head.magic != kMagic || bytes.size() != sizeof head + bytesFor(head.blocks, head.sampled))
    throw OtfError(Code::kInternal, path + " is no overview of this version");
  return Overview(file, bytes);
}

void Overview::save(const std::string& path) const {
  const std::string temporary = path + ".part";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (file < 0) unwritable(path);
  size_t done = 0;
  while (done < bytes_.size()) {
    const ssize_t written = ::write(file, bytes_.data() + done, bytes_.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    done += static_cast<size_t>(written);
  }
  const int reason = errno;
  ::close(file);
  errno = reason;
  if (done == bytes_.size() && std::rename(temporary.c_str(), path.c_str()) == 0) return;
  const int failed = errno;
  ::unlink(temporary.c_str());
  errno = failed;
  unwritable(path);
}

const Overview::Head& Overview::head() const { return *reinterpret_cast<const Head*>(bytes_.data()); }
int64_t Overview::width() const { return head().width; }
int64_t Overview::height() const { return head().height; }
int64_t Overview::step() const { return head().step; }
const PlaneStatistics& Overview::statistics() const { return head().statistics; }

std::span<const float> Overview::sorted() const {
  const std::byte* first = bytes_.data() + sizeof(Head) + bytesFor(head().blocks, 0);
  return {reinterpret_cast<const float*>(first), static_cast<size_t>(head().sampled)};
}

Cuts Overview::cuts(const CutsChoice& choice) const {
  using Kind = CutsChoice::Kind;
  const PlaneStatistics& found = statistics();
  if (choice.kind == Kind::kValues || choice.kind == Kind::kPercentile) {
    if (!(choice.low < choice.high))
      throw OtfError(Code::kInvalidArgument, "the lower cut is not below the upper one");
    if (choice.kind == Kind::kValues) return {choice.low, choice.high};
    if (!(choice.low >= 0) || !(choice.high <= 100))
      throw OtfError(Code::kInvalidArgument, "a percentile of the cuts is not within 0 to 100");
  }
  if (found.finite == 0) return {0, 0};
  if (choice.kind == Kind::kZscale) return found.zscale;
  if (choice.kind == Kind::kMinMax) return {found.min, found.max};
  return {quantile(sorted(), choice.low / 100), quantile(sorted(), choice.high / 100)};
}

std::vector<float> Overview::means(const Blocks& blocks) const {
  const int64_t each = blocks.step / step();
  const int64_t columns = blocksOf(width(), step()), rows = blocksOf(height(), step());
  const auto* sums = reinterpret_cast<const double*>(bytes_.data() + sizeof(Head));
  const auto* counts = reinterpret_cast<const uint32_t*>(sums + head().blocks);
  std::vector<float> out;
  out.reserve(static_cast<size_t>(blocks.columns * blocks.rows));
  for (int64_t row = blocks.row; row < blocks.row + blocks.rows; ++row) {
    for (int64_t column = blocks.column; column < blocks.column + blocks.columns; ++column) {
      double sum = 0;
      uint64_t count = 0;
      for (int64_t r = row * each; r < std::min(rows, (row + 1) * each); ++r) {
        for (int64_t c = column * each; c < std::min(columns, (column + 1) * each); ++c) {
          sum += sums[r * columns + c];
          count += counts[r * columns + c];
        }
      }
      out.push_back(meanOf(sum, count));
    }
  }
  return out;
}

}  // namespace otf::preview
