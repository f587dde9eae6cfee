#include "engine/strips/chain.h"

#include <omp.h>

#include <algorithm>

#include "timing/stopwatch.h"

namespace otf::strips {
namespace {

constexpr int64_t kLine = 64;
constexpr int kStripPixels =
    1024;  // of the first layer: enough for weights to be read from the cache and used again
constexpr int kLeastRows = 8;  // of a layer that reads beyond its strip: what is read twice stays small

int64_t lines(int64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

}  // namespace

Chain::Chain(std::vector<ChainLayer> layers, const Ends& ends, int batch, int threads, int64_t cache)
    : layers_(std::move(layers)), ends_(ends), batch_(batch), threads_(threads) {
  const ChainLayer& head = layers_.front();
  const int height = layers_.back().height;
  int scale = 1;  // rows of the first layer for one of the last
  for (size_t i = 1; i < layers_.size(); ++i) scale *= layers_[i].layer->geometry().strideH;
  const int least = head.layer->geometry().readsOnce() ? 1 : kLeastRows;
  strip_ = std::max({1, least / scale, kStripPixels / (head.width * scale)});
  // Every thread has something to do.
  const int64_t shares = std::max<int64_t>(1, (threads_ + batch_ - 1) / batch_);
  strip_ = std::min(strip_, static_cast<int>((height + shares - 1) / shares));
  const auto plan = [&] {
    gather_ = lines(head.layer->scratchBytes(ends_.width, rowsOf(0), head.width));
    between_[0] = between_[1] = 0;
    for (size_t i = 0; i + 1 < layers_.size(); ++i)
      between_[i % 2] = std::max(between_[i % 2], lines(stripBytes(i)));
    perThread_ = gather_ + between_[0] + between_[1];
  };
  plan();
  while (strip_ > 1 && perThread_ > cache / 2) {
    strip_ = (strip_ + 1) / 2;
    plan();
  }
}

int Chain::rowsOf(size_t layer) const {
  int rows = strip_;
  for (size_t i = layers_.size() - 1; i > layer; --i) rows *= layers_[i].layer->geometry().strideH;
  return rows;
}

int64_t Chain::stripBytes(size_t layer) const {
  const ChainLayer& l = layers_[layer];
  return int64_t{rowsOf(layer)} * l.width * l.layer->geometry().filters * bytesOf(l.out);
}

void Chain::run(const void* source, void* target, void* scratch, double* seconds) const {
  const int height = layers_.back().height;
  const int strips = (height + strip_ - 1) / strip_;
  // Of each thread. No exception may leave a parallel region: all memory is there before it begins.
  std::vector<std::vector<double>> spent(seconds != nullptr ? static_cast<size_t>(threads_) : 0,
                                         std::vector<double>(layers_.size(), 0.0));
#pragma omp parallel num_threads(threads_)
  {
    const int thread = omp_get_thread_num();
    char* const mine = static_cast<char*>(scratch) + thread * perThread_;
#pragma omp for schedule(dynamic) collapse(2)
    for (int item = 0; item < batch_; ++item) {
      for (int strip = 0; strip < strips; ++strip) {
        const int from = strip * strip_;
        runStrip(item, from, std::min(strip_, height - from), static_cast<const char*>(source),
                 static_cast<char*>(target), mine,
                 seconds != nullptr ? spent[static_cast<size_t>(thread)].data() : nullptr);
      }
    }
  }
  for (const std::vector<double>& own : spent)
    for (size_t i = 0; i < own.size(); ++i) seconds[i] += own[i] / threads_;
}

void Chain::runStrip(int item, int from, int rows, const char* source, char* target, char* scratch,
                     double* seconds) const {
  const Geometry& first = layers_.front().layer->geometry();
  const int64_t in = int64_t{ends_.width} * ends_.height * first.channels * bytesOf(ends_.in);
  Map map{source + item * in, ends_.width, ends_.height, ends_.in};
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Stopwatch watch;
    const ChainLayer& layer = layers_[i];
    int count = rows;
    int start = from;
    for (size_t k = layers_.size() - 1; k > i; --k) {
      count *= layers_[k].layer->geometry().strideH;
      start *= layers_[k].layer->geometry().strideH;
    }
    const bool last = i + 1 == layers_.size();
    Target to;
    to.values = layer.out;
    to.pixel = layer.layer->geometry().filters * bytesOf(to.values);
    to.row = layer.width * to.pixel;
    to.first = last ? target + (int64_t{item} * layer.height + from) * to.row
                    : scratch + gather_ + (i % 2 == 0 ? 0 : between_[0]);
    // Followers find the rows of their strip, and only those.
    layer.layer->run(map, i == 0 ? start : 0, count, layer.width, i == 0 ? scratch : nullptr, to);
    map = {to.first, layer.width, count, to.values};
    if (seconds != nullptr) seconds[i] += watch.seconds();
  }
}

}  // namespace otf::strips
