// Rows in pieces, by several threads; what comes out is in the order of the rows whatever their number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "threads/in_threads.h"

namespace otf::score {

/// work(begin, end, piece) for each piece of `rows`, `piece` a Piece of its own. The first exception is thrown here.
template <typename Piece, typename Work>
std::vector<Piece> inPieces(int64_t rows, int threads, Work work) {
  constexpr int64_t kRows = 8192;
  const int64_t count = (rows + kRows - 1) / kRows;
  std::vector<Piece> pieces(static_cast<size_t>(count));
  inThreads(count, threads, [&](int64_t i) {
    work(i * kRows, std::min(rows, (i + 1) * kRows), pieces[static_cast<size_t>(i)]);
  });
  return pieces;
}

}  // namespace otf::score
