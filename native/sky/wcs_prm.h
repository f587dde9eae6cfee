// wcslib's description of one coordinate system: its owner, and the way from header cards to it. For wcs.cpp alone: no
// other header of ours names wcslib's.
#pragma once

#include <wcslib/wcs.h>

#include <memory>
#include <string>

#include "error/error.h"

namespace otf::sky {

/// Owns one wcsprm.
class Prm {
 public:
  Prm();
  Prm(const Prm&) = delete;
  Prm& operator=(const Prm&) = delete;
  ~Prm() { wcsfree(&prm_); }
  wcsprm* get() { return &prm_; }
  const wcsprm* get() const { return &prm_; }

 private:
  wcsprm prm_{};
};

/// Throws what wcslib reports in its own words: the detailed message where there is one, else the text of the status.
/// kOutOfMemory, kWcsInvalid.
void checkWcslib(int status, const wcsprm* prm, const std::string& what);

/// The two axes (1-based) of header cards, ready to compute with. Throws kWcsInvalid for what is not usable.
void parseWcs(const std::string& cards, const int axes[2], wcsprm* target);

/// Of its own, since wcslib keeps scratch and error text inside.
std::unique_ptr<Prm> copyOf(const Prm& original);

}  // namespace otf::sky
