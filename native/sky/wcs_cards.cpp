#include "sky/wcs_cards.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "error/error.h"
#include "fits/header_values.h"

namespace otf::sky {
namespace {

using fits::CardValue;
using Kind = fits::CardValue::Kind;

constexpr size_t kCardBytes = 80, kNameBytes = 8;
constexpr double kMostAxes = 99;
constexpr double kMostSipOrder = 9;  // Shupe et al. 2005: orders 2 to 9

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::string standardCard(const std::string& name, const std::string& field) {
  std::string card = name;
  card.resize(8, ' ');
  card += "= " + field;
  card.resize(kCardBytes, ' ');
  return card;
}

/// An element of a matrix: CD1_2, and CD001002 as it was written before WCS paper I.
std::string element(const char* stem, int row, int column) {
  return stem + std::to_string(row) + "_" + std::to_string(column);
}
std::string oldElement(const char* stem, int row, int column) {
  const auto three = [](int number) {
    const std::string digits = std::to_string(number);
    return std::string(3 - std::min<size_t>(3, digits.size()), '0') + digits;
  };
  return stem + three(row) + three(column);
}

std::string numberCard(const std::string& name, double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%20.16G", value);
  return standardCard(name, text.data());
}

std::string textCard(const std::string& name, std::string value) {
  std::replace(value.begin(), value.end(), '\'', ' ');
  return standardCard(name, "'" + value.substr(0, 68) + "'");
}

/// The cards, one value each: a later card of the same keyword counts, as in wcslib.
class Editor {
 public:
  Editor(const std::string& cards, const int axes[2], std::vector<std::string>& warnings)
      : text_(cards), warnings_(warnings) {
    for (int i = 0; i < 2; ++i) {
      const std::string n = std::to_string(axes[i]);
      for (const char* stem : {"CRPIX", "CRVAL", "CDELT", "CROTA"}) placing_.push_back(stem + n);
      for (int j = 0; j < 2; ++j) {
        for (const char* stem : {"CD", "PC"}) {
          placing_.push_back(element(stem, axes[i], axes[j]));
          placing_.push_back(oldElement(stem, axes[i], axes[j]));
        }
      }
      for (int m = 0; m < 40; ++m) placing_.push_back("PV" + n + "_" + std::to_string(m));
      texts_.push_back("CTYPE" + n);
      texts_.push_back("CUNIT" + n);
    }
    placing_.insert(placing_.end(), {"LONPOLE", "LATPOLE"});
  }

  void run() {
    for (size_t at = 0; at + kCardBytes <= text_.size(); at += kCardBytes) {
      const auto card = fits::splitCard(std::string_view(text_).substr(at, kCardBytes));
      // wcslib finds values where there are none for us, and what it reads has to have been looked at here.
      if (!card || card->name.size() > kNameBytes) {
        blank(at);
        continue;
      }
      const CardValue value = fits::readField(card->field);
      const std::string name = card->name;
      const bool places = among(name, placing_) || isSipTerm(name), isText = among(name, texts_);
      if (places || isText || name == "EQUINOX" || name == "RADESYS") onlyOnce(name, value, at);
      if (isSipTerm(name)) distorted_.insert(name.substr(0, name.find('_')));
      if (places) {
        placeNumber(name, value, at);
      } else if (isText) {
        axisText(name, value, at);
      } else if (name == "EQUINOX" || name == "EPOCH") {
        year(name, value, at);
      } else if (name == "RADESYS" || name == "RADECSYS") {
        if (value.kind != Kind::kText) leaveOut(name, value, at);
      } else {
        other(name, value, at);
      }
    }
  }

  bool has(const std::string& name) const { return seen_.contains(name); }
  double number(const std::string& name) const { return numbers_.contains(name) ? numbers_.at(name) : 0; }
  /// A, B, AP, BP: those with terms.
  const std::set<std::string>& distorted() const { return distorted_; }
  const std::string& text() const { return text_; }

 private:
  static bool among(const std::string& name, const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  /// A_2_0, BP_1_1: terms of a distortion (Shupe et al. 2005).
  static bool isSipTerm(std::string_view name) {
    if (!name.starts_with('A') && !name.starts_with('B')) return false;
    name.remove_prefix(name.starts_with("AP") || name.starts_with("BP") ? 2 : 1);
    return name.size() >= 4 && name[0] == '_' && std::isdigit(static_cast<unsigned char>(name[1])) != 0;
  }
  [[noreturn]] static void reject(const std::string& name, const CardValue& value) {
    throw OtfError(Code::kWcsInvalid, name + " = " + value.text + " is not usable");
  }
  void replace(size_t at, const std::string& card) { text_.replace(at, kCardBytes, card); }
  void blank(size_t at) { text_.replace(at, kCardBytes, kCardBytes, ' '); }

  void onlyOnce(const std::string& name, const CardValue& value, size_t at) {
    const auto before = seen_.find(name);
    if (before != seen_.end()) {
      const auto other = fits::splitCard(std::string_view(text_).substr(before->second, kCardBytes));
      const CardValue earlier = other ? fits::readField(other->field) : CardValue{};
      if (earlier.number != value.number || earlier.text != value.text)
        warnings_.push_back(name + " is there more than once with different values: the last one counts");
      blank(before->second);
    }
    if (value.kind != Kind::kUndefined) seen_[name] = at;
  }

  void placeNumber(const std::string& name, const CardValue& value, size_t at) {
    if (value.kind == Kind::kUndefined) {
      warnings_.push_back(name + " has no value: it is taken as absent");
      return blank(at);
    }
    const std::optional<double> number = fits::numberOf(value);
    if (!number) reject(name, value);
    if (value.kind == Kind::kText) warnings_.push_back(name + " is text: read as the number " + value.text);
    if (value.loose) warnings_.push_back(name + ": what stands behind the number is not read");
    if (value.kind == Kind::kText || value.loose) replace(at, numberCard(name, *number));
    numbers_[name] = *number;
  }

  void axisText(const std::string& name, const CardValue& value, size_t at) {
    if (value.kind == Kind::kUndefined) return blank(at);
    if (value.kind != Kind::kText) reject(name, value);
    const std::string plain = trimmed(value.text);
    // Types are in capitals (WCS paper I); units are not.
    const std::string standard = name.starts_with("CTYPE") ? upper(plain) : plain;
    if (standard != value.text) replace(at, textCard(name, standard));
  }

  void year(const std::string& name, const CardValue& value, size_t at) {
    if (value.isNumber()) return;
    const double found =
        value.kind == Kind::kText ? yearOf(value.text) : std::numeric_limits<double>::quiet_NaN();
    if (std::isfinite(found)) return replace(at, numberCard(name, found));
    leaveOut(name, value, at);
  }

  void leaveOut(const std::string& name, const CardValue& value, size_t at) {
    warnings_.push_back(value.kind == Kind::kUndefined
                            ? name + " has no value: it is taken as absent"
                            : name + " = " + value.text + " is not readable: it is left out");
    blank(at);
  }

  void other(const std::string& name, const CardValue& value, size_t at) {
    const bool order = name == "A_ORDER" || name == "B_ORDER" || name == "AP_ORDER" || name == "BP_ORDER";
    if (order || name.starts_with("WCSAXES")) {
      const double most = order ? kMostSipOrder : kMostAxes;
      if (value.isNumber() && value.number >= 0 && value.number <= most) {
        seen_[name] = at;
        return;
      }
      if (order) reject(name, value);
      leaveOut(name, value, at);
    } else if (value.kind == Kind::kMalformed || value.kind == Kind::kUndefined) {
      // For the same reason.
      blank(at);
    }
  }

  std::string text_;
  std::vector<std::string>& warnings_;
  std::vector<std::string> placing_, texts_;
  std::map<std::string, size_t> seen_;
  std::map<std::string, double> numbers_;
  std::set<std::string> distorted_;
};

[[noreturn]] void missing(const std::string& what) { throw OtfError(Code::kWcsInvalid, what); }

/// wcslib 7.12 follows a null pointer for terms of a distortion whose order is not said.
void requireOrders(const Editor& editor) {
  for (const std::string& stem : editor.distorted()) {
    if (!editor.has(stem + "_ORDER"))
      missing(stem + "_ORDER is missing: the distortion has terms and no order");
  }
}

/// The standard's defaults (0 for CRVAL and CRPIX, 1 for CDELT) are never meant in an image of the sky.
void requireComplete(const Editor& editor, const int axes[2]) {
  bool anyCd = false;
  for (const char* stem : {"CRPIX", "CRVAL"}) {
    for (int i = 0; i < 2; ++i) {
      const std::string name = stem + std::to_string(axes[i]);
      if (!editor.has(name)) missing(name + " is missing");
    }
  }
  double pc[2][2] = {{0, 0}, {0, 0}};
  bool diagonal = true;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      const std::string old = oldElement("PC", axes[i], axes[j]), name = element("PC", axes[i], axes[j]);
      anyCd = anyCd || editor.has(element("CD", axes[i], axes[j])) ||
              editor.has(oldElement("CD", axes[i], axes[j]));
      pc[i][j] = editor.number(editor.has(name) ? name : old);
      if (i == j) diagonal = diagonal && (editor.has(name) || editor.has(old));
    }
  }
  if (anyCd) return;
  for (int i = 0; i < 2; ++i) {
    const std::string n = std::to_string(axes[i]), name = "CDELT" + n;
    if (editor.has(name)) continue;
    // A PC matrix may hold the pixel's size itself; a mere rotation does not.
    const double length = std::hypot(pc[i][0], pc[i][1]);
    if (!diagonal || std::abs(length - 1) < 1e-3)
      missing(name + " (or CD" + n + "_" + n + ") is missing: the size of a pixel is not known");
  }
}

}  // namespace

double yearOf(const std::string& given) {
  std::string text = upper(trimmed(given));
  if (text.starts_with('J') || text.starts_with('B')) text.erase(0, 1);
  return fits::parseNumber(text).value_or(std::numeric_limits<double>::quiet_NaN());
}

std::string axisType(const std::string& cards, int axis, std::vector<std::string>& warnings) {
  const std::string name = "CTYPE" + std::to_string(axis);
  const CardValue type = fits::findValue(cards, name);
  if (type.kind != Kind::kText && type.kind != Kind::kAbsent && type.kind != Kind::kUndefined)
    warnings.push_back(name + " = " + type.text + " is not usable");
  return type.kind == Kind::kText ? upper(trimmed(type.text)) : "";
}

std::string usableCards(const std::string& cards, const int axes[2], std::vector<std::string>& warnings) {
  Editor editor(cards, axes, warnings);
  editor.run();
  requireComplete(editor, axes);
  requireOrders(editor);
  return editor.text();
}

}  // namespace otf::sky
