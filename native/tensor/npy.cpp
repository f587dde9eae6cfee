#include "tensor/npy.h"

#include <unistd.h>

#include <bit>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace otf {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr int64_t kMaxElements = int64_t{1} << 46;

[[noreturn]] void malformed(const std::string& path, const std::string& what) {
  throw OtfError(Code::kNpyMalformed, path + " " + what);
}

/// Value text of a key in the header's Python dict; up to the next comma at depth 0.
std::string_view valueOf(std::string_view header, std::string_view key, const std::string& path) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = quote + std::string(key) + quote;
    size_t at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    at = header.find(':', at + quoted.size());
    if (at == std::string_view::npos) break;
    size_t end = ++at;
    int depth = 0;
    while (end < header.size() && (depth > 0 || (header[end] != ',' && header[end] != '}'))) {
      if (header[end] == '(') ++depth;
      if (header[end] == ')') --depth;
      ++end;
    }
    std::string_view value = header.substr(at, end - at);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
    return value;
  }
  malformed(path, "has an NPY header without '" + std::string(key) + "'");
}

std::vector<int64_t> parseShape(std::string_view text, const std::string& path) {
  std::vector<int64_t> shape;
  int64_t total = 1;
  size_t at = 0;
  while (at < text.size()) {
    if (std::isdigit(static_cast<unsigned char>(text[at])) == 0) {
      if (std::string_view("(), L").find(text[at]) == std::string_view::npos)
        malformed(path, "has an NPY header with a bad shape");
      ++at;
      continue;
    }
    int64_t value = 0;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
      value = value * 10 + (text[at++] - '0');
      if (value > kMaxElements) malformed(path, "has an NPY header with an absurd shape");
    }
    shape.push_back(value);
    if (shape.size() > 32 || (value != 0 && total > kMaxElements / value))
      malformed(path, "has an NPY header with an absurd shape");
    total *= value;
  }
  return shape;
}

std::string shapeText(const std::vector<int64_t>& shape) {
  std::string text = "(";
  for (const int64_t side : shape) text += std::to_string(side) + ",";
  if (shape.size() > 1) text.pop_back();
  return text + ")";
}

}  // namespace

NpyArray::NpyArray(const std::string& path) : file_(path, "NPY file", Code::kNpyMalformed) {
  const auto bytes = file_.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < 10 || !text.starts_with(kMagic)) malformed(path, "is not an NPY file");
  const int major = static_cast<unsigned char>(text[6]);
  size_t start = 10;
  size_t length = static_cast<unsigned char>(text[8]) + 256U * static_cast<unsigned char>(text[9]);
  if (major == 2 || major == 3) {
    start = 12;
    if (text.size() < start) malformed(path, "is an NPY file cut short in its header");
    uint32_t wide = 0;
    std::memcpy(&wide, text.data() + 8, sizeof wide);
    length = wide;
  } else if (major != 1) {
    malformed(path, "is NPY version " + std::to_string(major) + " (1, 2 and 3 are known)");
  }
  if (length > text.size() - start) malformed(path, "is an NPY file cut short in its header");
  const std::string_view header = text.substr(start, length);

  const std::string_view descr = valueOf(header, "descr", path);
  if (descr != "'<f4'" && descr != "\"<f4\"") {
    std::string shown;
    for (const char c : descr.substr(0, 24)) shown += c >= 32 && c < 127 ? c : '?';
    malformed(path, "holds " + shown +
                        ", not little-endian float32 ('<f4'); convert it with numpy: a.astype('<f4')");
  }
  if (valueOf(header, "fortran_order", path) != "False")
    malformed(path, "is in Fortran order; save it with numpy.ascontiguousarray");
  shape_ = parseShape(valueOf(header, "shape", path), path);
  for (const int64_t side : shape_) count_ *= side;

  const size_t present = text.size() - start - length;
  if (present != static_cast<size_t>(count_) * sizeof(float)) {
    malformed(path, "promises " + std::to_string(count_) + " values " + shapeText(shape_) + ", holds " +
                        std::to_string(present) + " bytes (" +
                        std::to_string(static_cast<size_t>(count_) * sizeof(float)) + " expected)");
  }
  const char* data = text.data() + start + length;
  if (reinterpret_cast<uintptr_t>(data) % alignof(float) == 0) {
    data_ = reinterpret_cast<const float*>(data);
  } else {
    copy_.resize(static_cast<size_t>(count_));
    if (present > 0) std::memcpy(copy_.data(), data, present);
    data_ = copy_.data();
  }
}

NpyWriter::NpyWriter(const std::string& path, const std::vector<int64_t>& shape)
    : path_(path), temporary_(path + ".part" + std::to_string(::getpid())) {
  for (const int64_t side : shape) expected_ *= side;
  file_.reset(std::fopen(temporary_.c_str(), "wbxe"));
  if (!file_) fail(std::strerror(errno));
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shapeText(shape) + ", }";
  // The data starts at a multiple of 64 bytes, so that readers can map it.
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  const char preamble[4] = {1, 0, static_cast<char>(header.size() & 0xff),
                            static_cast<char>(header.size() >> 8)};
  if (std::fwrite(kMagic.data(), 1, kMagic.size(), file_.get()) != kMagic.size() ||
      std::fwrite(preamble, 1, 4, file_.get()) != 4 ||
      std::fwrite(header.data(), 1, header.size(), file_.get()) != header.size()) {
    fail(std::strerror(errno));
  }
}

NpyWriter::~NpyWriter() {
  if (file_) ::unlink(temporary_.c_str());
}

void NpyWriter::fail(const char* reason) {
  const std::string why = reason;
  if (file_) {
    file_.reset();
    ::unlink(temporary_.c_str());
  }
  throw OtfError(Code::kOutputUnwritable, "cannot write " + path_ + ": " + why);
}

void NpyWriter::append(const float* values, int64_t count) {
  const auto wanted = static_cast<size_t>(count);
  if (std::fwrite(values, sizeof(float), wanted, file_.get()) != wanted) fail(std::strerror(errno));
  written_ += count;
}

void NpyWriter::commit() {
  if (written_ != expected_)
    throw OtfError(Code::kInternal, "NPY file " + path_ + " has " + std::to_string(written_) + " of " +
                                        std::to_string(expected_) + " values");
  // On the disk before its name is.
  if (std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0) fail(std::strerror(errno));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(std::strerror(errno));
  file_.reset();
}

}  // namespace otf
