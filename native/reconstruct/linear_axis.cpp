#include "reconstruct/linear_axis.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "error/error.h"
#include "fits/header_values.h"
#include "reconstruct/time_keys.h"
#include "sky/units.h"

namespace otf {
namespace {

/// What rounding leaves of a rotation: of a step, over the whole length of the other axis.
constexpr double kNothing = 1e-3;

constexpr size_t kCardBytes = 80;

/// Row and column of "3_1", and of "003001" as it was written before WCS paper I.
std::optional<std::pair<int, int>> rowAndColumn(std::string_view digits) {
  constexpr size_t kOld = 6;
  const size_t line = digits.find('_');
  const bool isOld = line == std::string_view::npos && digits.size() == kOld;
  const std::string_view row = digits.substr(0, isOld ? kOld / 2 : line);
  const std::string_view column = digits.substr(isOld ? kOld / 2 : std::min(line, digits.size() - 1) + 1);
  const auto number = [](std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : 0;
  };
  const std::pair out{number(row), number(column)};
  return out.first > 0 && out.second > 0 ? std::optional(out) : std::nullopt;
}

/// The matrix of a header: CD, or PC and CDELT.
class Matrix {
 public:
  explicit Matrix(std::string_view cards)
      : cards_(cards), axes_(static_cast<int>(numberCard(cards_, "NAXIS", 0))) {
    std::map<std::pair<int, int>, double> cd;
    for (size_t at = 0; at + kCardBytes <= cards_.size(); at += kCardBytes) {
      const auto card = fits::splitCard(cards_.substr(at, kCardBytes));
      if (!card || card->name.size() < 5) continue;
      const std::string_view name = card->name, stem = name.substr(0, 2);
      if (stem != "CD" && stem != "PC") continue;
      const auto place = rowAndColumn(name.substr(2));
      const auto value = fits::numberOf(fits::readField(card->field));
      if (place && value) (stem == "CD" ? cd : given_)[*place] = *value;
    }
    // Both are against the standard; wcslib goes by PC.
    hasCd_ = given_.empty() && !cd.empty();
    if (hasCd_) given_ = std::move(cd);
  }

  int axes() const { return axes_; }
  double card(const char* stem, int axis, double otherwise) const {
    return numberCard(cards_, stem + std::to_string(axis), otherwise);
  }
  /// "CD3_1", for messages.
  std::string name(int row, int column) const {
    return (hasCd_ ? "CD" : "PC") + std::to_string(row) + "_" + std::to_string(column);
  }
  double element(int row, int column) const {
    const auto it = given_.find({row, column});
    if (hasCd_ && !leftOut(row)) return it == given_.end() ? 0 : it->second;
    const double plain = row == column ? 1 : 0;
    return (it == given_.end() ? plain : it->second) * card("CDELT", row, 1);
  }
  bool has(int row, int column) const { return given_.contains({row, column}); }
  /// An axis without any CDi_j beside others that have them: its CDELT is meant, where the standard has a step of 0.
  bool leftOut(int axis) const {
    return hasCd_ && std::ranges::none_of(given_, [&](const auto& it) {
             return it.first.first == axis || it.first.second == axis;
           });
  }
  /// How far, in pixels, the axis goes from its reference.
  double reach(int axis) const {
    const double middle = card("CRPIX", axis, 0);
    return std::max(std::abs(1 - middle), std::abs(card("NAXIS", axis, 1) - middle));
  }

 private:
  std::string_view cards_;
  int axes_;
  bool hasCd_ = false;
  std::map<std::pair<int, int>, double> given_;
};

}  // namespace

LinearAxis readLinearAxis(const FitsInfo& info, int axis, std::vector<std::string>& warnings) {
  const Matrix matrix(info.cards);
  const LinearAxis out{matrix.card("CRVAL", axis, 0), matrix.card("CRPIX", axis, 0),
                       matrix.element(axis, axis)};
  if (matrix.leftOut(axis)) {
    const std::string n = std::to_string(axis);
    warnings.push_back("CD" + n + "_" + n + " is missing beside other CDi_j: the step of axis " + n +
                       " is CDELT" + n);
  }
  const auto refuse = [&](int row, int column) {
    throw OtfError(Code::kCubeInvalid, info.label + ": " + matrix.name(row, column) +
                                           " mixes axes: the axis of time or frequency, " +
                                           std::to_string(axis) + ", must go by its own pixels alone");
  };
  for (int other = 1; other <= matrix.axes(); ++other) {
    if (other == axis) continue;
    double own = 0;  // of the other axis, along the others
    for (int j = 1; j <= matrix.axes(); ++j) {
      if (j != axis) own = std::max(own, std::abs(matrix.element(other, j)));
    }
    if (std::abs(matrix.element(axis, other)) * matrix.reach(other) > kNothing * std::abs(out.step))
      refuse(axis, other);
    if (std::abs(matrix.element(other, axis)) * matrix.reach(axis) > kNothing * own) refuse(other, axis);
  }
  return out;
}

std::optional<double> cellDeg(std::string_view cards, const int axes[2]) {
  const Matrix matrix(cards);
  double cell[2][2];
  for (int i = 0; i < 2; ++i) {
    const std::string n = std::to_string(axes[i]), unit = textCard(cards, "CUNIT" + n);
    const std::optional<double> degrees = unit.empty() ? 1 : sky::unitFactor(unit, "deg");
    const bool isSaid = matrix.has(axes[i], axes[i]) || std::isfinite(matrix.card("CDELT", axes[i], NAN));
    if (!degrees || !isSaid) return std::nullopt;
    for (int j = 0; j < 2; ++j) cell[i][j] = matrix.element(axes[i], axes[j]) * *degrees;
  }
  const double area = std::abs(cell[0][0] * cell[1][1] - cell[0][1] * cell[1][0]);
  return area > 0 ? std::optional(std::sqrt(area)) : std::nullopt;
}

}  // namespace otf
