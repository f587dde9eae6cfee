#include "coverage/area.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string_view>

#include "catalogue/input.h"
#include "error/error.h"

namespace otf::coverage {
namespace {

constexpr int64_t kMostTextBytes = int64_t{64} << 20;

/// "5/1 2", "s5/1": a number and a slash, and no letter but that of the dimension.
bool beginsMoc(std::string_view text) {
  if (text.starts_with('s')) text.remove_prefix(1);
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  return digits > 0 && digits < text.size() && text[digits] == '/';
}

bool isEmpty(const Area& area) {
  if (const auto* moc = std::get_if<Moc>(&area.is)) return moc->ranges().empty();
  return std::get<RegionFile>(area.is).shapes.empty();
}

Area readText(const std::string& path, const std::string& label) {
  const catalogue::Input input(path, label, {.maxBytes = kMostTextBytes});
  std::string text(input.size(), '\0');
  text.resize(input.read(0, text));
  const size_t first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const std::string_view begin = std::string_view(text).substr(first);
  if (begin.starts_with('{')) return {label, readMocJson(text, label)};
  if (beginsMoc(begin)) return {label, readMocAscii(text, label)};
  return {label, readRegions(text, label)};
}

}  // namespace

Area readArea(const std::string& path, const std::string& label) {
  std::string head(9, '\0');
  {
    const catalogue::Input input(path, label, {});
    head.resize(input.read(0, head));
  }
  Area area = head == "SIMPLE  =" ? Area{label, readMocFits(path, label)} : readText(path, label);
  if (isEmpty(area)) throw OtfError(Code::kMaskInvalid, "there is no area in " + label);
  return area;
}

}  // namespace otf::coverage
