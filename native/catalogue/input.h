// The bytes of a table, in pieces, and what every format has to check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "catalogue/catalogue.h"

namespace otf::catalogue {

/// A file opened once; one thread at a time.
class Input {
 public:
  /// Regular files only. Throws kTableUnreadable.
  Input(const std::string& path, std::string label, const CatalogueLimits& limits);
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input();

  uint64_t size() const { return size_; }
  const std::string& label() const { return label_; }
  /// As many bytes as there are from `offset`, at most out.size().
  size_t read(uint64_t offset, std::span<char> out) const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  int fd_ = -1;
  uint64_t size_ = 0;
  std::string label_;
};

/// The number a cell holds; NaN for one that is empty or says it is missing. False: it is no number.
bool parseCell(std::string_view cell, double& value);

Catalogue readText(const Input& input, const ColumnFilter& wanted, const CatalogueLimits& limits);
Catalogue readVotable(const Input& input, const ColumnFilter& wanted, const CatalogueLimits& limits);
/// `extname` "" = the first binary table there is; nullopt: none of that name.
std::optional<Catalogue> readFitsTable(const Input& input, const ColumnFilter& wanted,
                                       const CatalogueLimits& limits, const std::string& extname);

}  // namespace otf::catalogue
