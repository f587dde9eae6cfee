// Any bytes are an array or a kNpyMalformed; what is accepted has as many values as its shape says, and they are there to read.
#include <cstring>
#include <vector>

#include "fuzz/support.h"
#include "tensor/npy.h"

namespace {

using namespace otf;
using fuzz::require;

/// One of the given header, with so many values behind it.
std::string array(char version, const std::string& header, size_t values) {
  std::string text = std::string("\x93NUMPY") + version + '\0';
  const size_t length = header.size();
  text += static_cast<char>(length & 255U);
  text += static_cast<char>(length >> 8U);
  if (version > 1) text += std::string(2, '\0');
  return text + header + std::string(values * sizeof(float), '\1');
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const std::string head = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  fuzz::writeSeed("one", array(1, head + "(2, 3), }\n", 6));
  fuzz::writeSeed("two", array(2, head + "(4,), }\n", 4));
  fuzz::writeSeed("three", array(3, head + "(), }\n", 1));
  fuzz::writeSeed("empty", array(1, head + "(0, 7), }\n", 0));
  fuzz::writeSeed("double", array(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (1,), }", 2));
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::MemoryFile file(data, size);
  try {
    const NpyArray read(file.path());
    int64_t count = 1;
    for (const int64_t side : read.shape()) {
      require(side >= 0, "no side is negative");
      count *= side;
    }
    require(count == read.count(), "there are as many values as the shape says");
    require(static_cast<size_t>(count) * sizeof(float) <= size, "values come from the file");
    require(reinterpret_cast<uintptr_t>(read.data()) % alignof(float) == 0, "values are where floats may be");
    std::vector<float> copy(static_cast<size_t>(count));
    if (count > 0) std::memcpy(copy.data(), read.data(), copy.size() * sizeof(float));
  } catch (const OtfError& error) {
    require(error.code() == Code::kNpyMalformed, "the error of a malformed array is kNpyMalformed");
    fuzz::requireOneLine(error);
  }
  return 0;
}
