// The same products as avx512::multiplyPanel(), of BF16 on AMX.
#pragma once

#include "engine/avx512/product.h"

namespace otf::winograd {

constexpr int kTilePixels = 16;              // rows of a tile
constexpr int kTileBlock = 2 * kTilePixels;  // whose sums with a panel are half of the tiles
constexpr int kTileQuads = 16;               // of a product

/// The tiles of the calling thread, for panels times `rows` rows, while this is there.
class TilesHeld {
 public:
  explicit TilesHeld(int rows);
  ~TilesHeld();
  TilesHeld(const TilesHeld&) = delete;
  TilesHeld& operator=(const TilesHeld&) = delete;
};

/// `rows`: as many as TilesHeld was told. `quads`: whole products. Needs tiles::available().
void multiplyPanelOnTiles(const avx512::Rows& rows, const char* panel, int quads, const char* next,
                          const avx512::Sums& sums);

}  // namespace otf::winograd
