// Any bytes are a table or a kTableUnreadable; columns of what is accepted have as many values as there are rows.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "catalogue/catalogue.h"
#include "error/error.h"

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

/// The bytes as a file that has no name.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : fd_(::memfd_create("table", MFD_CLOEXEC)) {
    require(fd_ >= 0 && ::write(fd_, data, size) == static_cast<ssize_t>(size), "memory for a file");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otf;
  const MemoryFile file(data, size);
  CatalogueLimits limits;
  limits.maxRows = 100'000;
  limits.maxColumns = 200;
  Catalogue table;
  try {
    table = readCatalogue(file.path(), {}, limits, "table");
  } catch (const OtfError& error) {
    require(error.code() == Code::kTableUnreadable, "the error of a malformed table is kTableUnreadable");
    return 0;
  }
  require(table.rows >= 0 && table.rows <= limits.maxRows, "rows are bounded");
  require(table.columns.size() <= static_cast<size_t>(limits.maxColumns), "columns are bounded");
  for (const CatalogueColumn& column : table.columns) {
    const size_t values = column.isText ? column.texts.size() : column.numbers.size();
    require(values == static_cast<size_t>(table.rows), "a column has a value for every row");
    require(column.isText ? column.numbers.empty() : column.texts.empty(), "a column is of one kind");
  }
  return 0;
}
