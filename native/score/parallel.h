// Rows in pieces, by several threads; what comes out is in the order of the rows whatever their number.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace otf::score {

/// work(begin, end, piece) for each piece of `rows`, `piece` a Piece of its own. The first exception is thrown here.
template <typename Piece, typename Work>
std::vector<Piece> inPieces(int64_t rows, int threads, Work work) {
  constexpr int64_t kRows = 8192;
  const int64_t count = (rows + kRows - 1) / kRows;
  std::vector<Piece> pieces(static_cast<size_t>(count));
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::mutex lock;
  const auto run = [&] {
    try {
      for (int64_t i = next++; i < count; i = next++)
        work(i * kRows, std::min(rows, (i + 1) * kRows), pieces[static_cast<size_t>(i)]);
    } catch (...) {
      const std::lock_guard guard(lock);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> others;
    for (int i = 1; i < threads && i < count; ++i) others.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
  return pieces;
}

}  // namespace otf::score
