#include "coverage/ds9_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numbers>
#include <string_view>
#include <utility>

#include "error/error.h"

namespace otf::coverage {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

struct FrameName {
  std::string_view name;
  RegionFrame frame;
};
constexpr std::array kFrames{
    FrameName{"image", RegionFrame::kImage}, FrameName{"physical", RegionFrame::kPhysical},
    FrameName{"icrs", RegionFrame::kIcrs},   FrameName{"fk5", RegionFrame::kFk5},
    FrameName{"j2000", RegionFrame::kFk5},   FrameName{"fk4", RegionFrame::kFk4},
    FrameName{"b1950", RegionFrame::kFk4},   FrameName{"galactic", RegionFrame::kGalactic}};
constexpr std::array<std::string_view, 11> kWithoutArea{"point",    "line",    "vector",  "text",
                                                        "ruler",    "compass", "segment", "projection",
                                                        "circle3d", "bpoint",  "xpoint"};

class Reader {
 public:
  explicit Reader(const std::string& label) : label_(label) {}

  /// Commands end with their line or a semicolon; a comment is for the command before it. Texts in it may have both, and so may
  /// what `global` says of fonts, which is a line of its own.
  RegionFile read(std::string_view text) {
    size_t begin = afterGlobal(text, 0),
           end = std::string_view::npos;  // of the command; where its comment begins
    char quote = 0;
    for (size_t at = begin; at <= text.size(); ++at) {
      const char c = at < text.size() ? text[at] : '\n';
      const bool isComment = end != std::string_view::npos;
      if (quote != 0 && c != '\n') {
        if (c == quote) quote = 0;
      } else if (c == '\n' || c == ';') {
        command(trimmed(text.substr(begin, std::min(end, at) - begin)));
        begin = at + 1;
        end = std::string_view::npos;
        quote = 0;
        if (c == ';') continue;
        ++line_;
        begin = afterGlobal(text, begin);
        at = begin - 1;
      } else if (!isComment && c == '#') {
        end = at;
      } else if (isComment && (c == '{' || c == '"' || c == '\'')) {
        quote = c == '{' ? '}' : c;
      }
    }
    return std::move(file_);
  }

 private:
  /// The end of the line that begins there if it is one of `global`, else its beginning.
  static size_t afterGlobal(std::string_view text, size_t begin) {
    if (begin >= text.size() || !lowered(text.substr(begin, 6)).starts_with("global")) return begin;
    return std::min(text.find('\n', begin), text.size());
  }

  void command(std::string_view text) {
    if (text.empty()) return;
    const std::string lower = lowered(text);
    std::string_view rest = lower;
    bool isExcluded = false;
    while (!rest.empty() && (rest[0] == '+' || rest[0] == '-' || rest[0] == '!')) {
      isExcluded = rest[0] != '+';
      rest = trimmed(rest.substr(1));
    }
    size_t letters = 0;
    while (letters < rest.size() && std::isalnum(static_cast<unsigned char>(rest[letters])) != 0) ++letters;
    const std::string_view name = rest.substr(0, letters);
    rest = trimmed(rest.substr(letters));
    if (name == "global" || name == "composite") return;
    for (const FrameName& known : kFrames) {
      if (name != known.name) continue;
      frame_ = known.frame;
      if (!rest.empty()) fail("nothing can follow " + std::string(name) + " but ;");
      return;
    }
    if (std::ranges::find(kWithoutArea, name) != kWithoutArea.end()) {
      ++file_.withoutArea;
      return;
    }
    shape(name, values(rest), isExcluded);
  }

  std::vector<std::string_view> values(std::string_view rest) const {
    if (rest.starts_with('(')) {
      const size_t close = rest.find(')');
      if (close == std::string_view::npos) fail("a bracket is not closed");
      const std::string_view after = trimmed(rest.substr(close + 1));
      if (!after.empty() && after != "||") fail("'" + shown(after) + "' behind a shape is not known");
      rest = rest.substr(1, close - 1);
    }
    std::vector<std::string_view> out;
    constexpr std::string_view kBetween = " \t\r,";
    for (size_t at = 0; (at = rest.find_first_not_of(kBetween, at)) != std::string_view::npos;) {
      const size_t stop = std::min(rest.find_first_of(kBetween, at), rest.size());
      out.push_back(rest.substr(at, stop - at));
      if (out.size() > 2 * kMostCorners) fail("a shape has too many values");
      at = stop;
    }
    return out;
  }

  void shape(std::string_view name, const std::vector<std::string_view>& given, bool isExcluded) {
    RegionShape out;
    out.frame = frame_;
    out.isExcluded = isExcluded;
    out.line = line_;
    const size_t count = given.size();
    if (name == "polygon") {
      out.kind = RegionShape::Kind::kPolygon;
      if (count < 6 || count % 2 != 0) fail("a polygon has three corners or more");
      for (size_t i = 0; i < count; i += 2) out.points.push_back(point(given[i], given[i + 1]));
    } else if (name == "circle" || name == "annulus") {
      if (name == "circle" ? count != 3 : count < 4) fail("a " + std::string(name) + " is x, y and radii");
      out.points.push_back(point(given[0], given[1]));
      for (size_t i = 2; i < count; ++i) out.sizes.emplace_back(size(given[i]), size(given[i]));
    } else if (name == "ellipse" || name == "box" || name == "rotbox") {
      out.kind = name == "ellipse" ? RegionShape::Kind::kEllipse : RegionShape::Kind::kBox;
      if (count < 4) fail("a " + std::string(name) + " is x, y, two sizes and an angle");
      out.points.push_back(point(given[0], given[1]));
      for (size_t i = 2; i + 1 < count; i += 2) out.sizes.emplace_back(size(given[i]), size(given[i + 1]));
      if (count % 2 != 0) out.angleDeg = number(given[count - 1]);
    } else {
      fail("'" + shown(name) +
           "' is no shape that has an area here (circle, annulus, ellipse, box, polygon), nor a frame");
    }
    if (out.sizes.size() > 2) out.sizes = {out.sizes.front(), out.sizes.back()};
    for (size_t i = 1; i < out.sizes.size(); ++i) {
      if (out.sizes[i].first < out.sizes[i - 1].first || out.sizes[i].second < out.sizes[i - 1].second)
        fail("the radii of a ring go upwards");
    }
    corners_ += out.points.size();
    if (file_.shapes.size() == kMostShapes || corners_ > kMostCorners) {
      fail("there are more than " + std::to_string(kMostShapes) + " shapes or " +
           std::to_string(kMostCorners) + " corners");
    }
    file_.shapes.push_back(std::move(out));
  }

  bool isOnSky() const { return frame_ != RegionFrame::kImage && frame_ != RegionFrame::kPhysical; }

  std::pair<double, double> point(std::string_view x, std::string_view y) const {
    if (!isOnSky()) return {number(x), number(y)};
    const double latitude = angle(y, false);
    if (!(std::abs(latitude) <= 90)) fail("'" + shown(y) + "' is no latitude");
    return {angle(x, frame_ != RegionFrame::kGalactic), latitude};
  }

  double number(std::string_view text) const {
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size() || !std::isfinite(value) ||
        !(std::abs(value) < 1e12))
      fail("'" + shown(text) + "' is no number");
    return value;
  }

  /// Degrees from "12.5", "12.5d", "0.2r", "1:2:3" and "1h2m3s", "1d2m3s"; hours before a colon where the frame counts so.
  double angle(std::string_view text, bool isHours) const {
    const bool isNegative = text.starts_with('-');
    if (isNegative || text.starts_with('+')) text.remove_prefix(1);
    const std::string whole(text);
    double unit = text.find(':') != std::string_view::npos && isHours ? 15 : 1;
    if (text.find(':') == std::string_view::npos && text.find_first_of("hm'") == std::string_view::npos) {
      if (text.ends_with('r'))
        return (isNegative ? -1 : 1) * number(text.substr(0, text.size() - 1)) * 180 / std::numbers::pi;
      if (text.ends_with('d')) text.remove_suffix(1);
      return (isNegative ? -1 : 1) * number(text);
    }
    if (text.find('h') != std::string_view::npos) unit = 15;
    double value = 0, share = 1;
    while (!text.empty()) {
      const size_t stop = std::min(text.find_first_of(":hdms'\""), text.size());
      const double part = number(text.substr(0, stop));
      if (part < 0 || (share < 1 && part >= 60) || share < 1.0 / 3600)
        fail("'" + shown(whole) + "' is no angle");
      value += part * share;
      share /= 60;
      text = text.substr(std::min(stop + 1, text.size()));
    }
    return (isNegative ? -1 : 1) * value * unit;
  }

  double size(std::string_view text) const {
    double unit = 1;
    const std::string whole(text);
    if (!text.empty() && std::isdigit(static_cast<unsigned char>(text.back())) == 0 && text.back() != '.') {
      const char suffix = text.back();
      text.remove_suffix(1);
      const bool isPixels = suffix == 'i' || suffix == 'p';
      if (isPixels == isOnSky()) fail("the size '" + shown(whole) + "' is not in the units of the frame");
      unit = suffix == '"'               ? 1.0 / 3600
             : suffix == '\''            ? 1.0 / 60
             : suffix == 'r'             ? 180 / std::numbers::pi
             : isPixels || suffix == 'd' ? 1
                                         : std::nan("");
    }
    const double value = number(text) * unit;
    if (!(value >= 0)) fail("'" + shown(whole) + "' is no size");
    return value;
  }

  static std::string shown(std::string_view text) { return std::string(text.substr(0, 40)); }

  [[noreturn]] void fail(const std::string& what) const {
    throw OtfError(Code::kMaskInvalid,
                   "cannot read the regions " + label_ + ": line " + std::to_string(line_) + ": " + what);
  }

  const std::string& label_;
  RegionFile file_;
  RegionFrame frame_ = RegionFrame::kPhysical;  // DS9's own, until a file says another
  int64_t line_ = 1;
  size_t corners_ = 0;
};

}  // namespace

RegionFile readRegions(const std::string& text, const std::string& label) { return Reader(label).read(text); }

}  // namespace otf::coverage
