#include "catalogue/catalogue.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "catalogue/input.h"
#include "error/error.h"

namespace otf {
namespace {

bool sameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string listOf(const std::vector<std::string>& names, const char* between) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : between) + name;
  return text;
}

/// Enough to tell one table from another, and no more of a stranger's names.
std::string shortList(const Catalogue& table) {
  constexpr size_t kMostShown = 12, kMostChars = 32;
  std::vector<std::string> names;
  for (const CatalogueColumn& column : table.columns) {
    if (names.size() == kMostShown) {
      names.emplace_back("...");
      break;
    }
    names.push_back(column.name.substr(0, kMostChars));
  }
  return names.empty() ? "none" : listOf(names, ", ");
}

}  // namespace

const CatalogueColumn* Catalogue::find(const std::string& name) const {
  const auto found = std::ranges::find_if(
      columns, [&](const CatalogueColumn& column) { return sameName(column.name, name); });
  return found == columns.end() ? nullptr : &*found;
}

const std::vector<double>& Catalogue::numbers(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    const CatalogueColumn* column = find(name);
    if (column && !column->isText) return column->numbers;
  }
  throw OtfError(Code::kTableColumn, label + " has no column of numbers named " + listOf(names, " or ") +
                                         " (there are " + shortList(*this) + ")");
}

Catalogue readCatalogue(const std::string& path, const ColumnFilter& wanted, const CatalogueLimits& limits,
                        const std::string& label) {
  const catalogue::Input input(path, label.empty() ? path : label, limits);
  const ColumnFilter filter = wanted ? wanted : [](size_t, const std::string&) { return true; };
  std::array<char, 512> start{};
  const std::string_view head(start.data(), input.read(0, start));
  if (head.empty()) input.fail("it is empty");
  if (head.starts_with("SIMPLE  =")) {
    if (auto table = catalogue::readFitsTable(input, filter, limits, "")) return *std::move(table);
    input.fail("it has no binary table");
  }
  const size_t text = head.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  if (text != std::string_view::npos && head[text] == '<')
    return catalogue::readVotable(input, filter, limits);
  return catalogue::readText(input, filter, limits);
}

std::optional<Catalogue> readNamedFitsTable(const std::string& path, const std::string& extname,
                                            const CatalogueLimits& limits, const std::string& label) {
  const catalogue::Input input(path, label.empty() ? path : label, limits);
  return catalogue::readFitsTable(input, [](size_t, const std::string&) { return true; }, limits, extname);
}

namespace catalogue {

Input::Input(const std::string& path, std::string label, const CatalogueLimits& limits)
    : label_(std::move(label)) {
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) fail(std::strerror(errno));
  struct stat found{};
  const bool regular = ::fstat(fd_, &found) == 0 && S_ISREG(found.st_mode);
  size_ = regular ? static_cast<uint64_t>(found.st_size) : 0;
  if (regular && size_ <= static_cast<uint64_t>(limits.maxBytes)) return;
  ::close(fd_);
  fd_ = -1;
  fail(regular ? "it is larger than " + std::to_string(limits.maxBytes >> 20) + " MiB"
               : "it is not a regular file");
}

Input::~Input() {
  if (fd_ >= 0) ::close(fd_);
}

size_t Input::read(uint64_t offset, std::span<char> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::strerror(errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

void Input::fail(const std::string& what) const {
  throw OtfError(Code::kTableUnreadable, "cannot read the table " + label_ + ": " + what);
}

bool parseCell(std::string_view cell, double& value) {
  if (cell.starts_with('+')) cell.remove_prefix(1);
  const char *begin = cell.data(), *end = begin + cell.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (!cell.empty() && stop == end && error == std::errc{}) return true;
  // Below the smallest and above the largest number of a double: as strtod has them.
  if (!cell.empty() && stop == end && error == std::errc::result_out_of_range) {
    value = std::strtod(std::string(cell).c_str(), nullptr);
    return true;
  }
  value = std::numeric_limits<double>::quiet_NaN();
  for (const char* missing : {"", "null", "na", "n/a", "--", "none", "nan"}) {
    if (sameName(cell, missing)) return true;
  }
  return false;
}

}  // namespace catalogue
}  // namespace otf
