// NumPy .npy arrays of float32: what `infer` reads and writes.
// Source: NumPy format specification, versions 1.0 to 3.0 (numpy.lib.format).
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tensor/mapped_file.h"

namespace otf {

/// A little-endian float32 C-ordered array in a file, mapped. Thread-safe.
class NpyArray {
 public:
  /// Throws kNpyMalformed: not NPY, another dtype or order, or data shorter or longer than the shape says.
  explicit NpyArray(const std::string& path);
  const std::vector<int64_t>& shape() const { return shape_; }
  const float* data() const { return data_; }
  int64_t count() const { return count_; }

 private:
  MappedFile file_;
  std::vector<int64_t> shape_;
  const float* data_ = nullptr;
  std::vector<float> copy_;  // only when the file's header leaves the data unaligned
  int64_t count_ = 1;
};

/// Writes beside the target and renames on commit(): the target is never half written. One thread at a time.
class NpyWriter {
 public:
  /// Throws kOutputUnwritable.
  NpyWriter(const std::string& path, const std::vector<int64_t>& shape);
  NpyWriter(const NpyWriter&) = delete;
  NpyWriter& operator=(const NpyWriter&) = delete;
  ~NpyWriter();  // without commit() nothing is left
  void append(const float* values, int64_t count);
  void commit();  // throws if the shape's count was not reached

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[noreturn]] void fail(const char* reason);
  std::string path_, temporary_;
  std::unique_ptr<std::FILE, Close> file_;
  int64_t expected_ = 1, written_ = 0;
};

}  // namespace otf
