#include "kit/records.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "error/error.h"

namespace otf::kit {

void Records::add(const process::FlatJson& record) const {
  if (file_.empty()) return;
  std::ofstream file(file_, std::ios::app);
  file << record.str() << "\n";
  file.close();
  if (!file) throw OtfError(Code::kOutputUnwritable, "cannot write to " + file_);
}

std::string rounded(double value) {
  std::array<char, 32> text{};
  const double size = std::fabs(value);
  const int places = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 3 : -1;
  if (places < 0)
    std::snprintf(text.data(), text.size(), "%.2e", value);
  else
    std::snprintf(text.data(), text.size(), "%.*f", places, value);
  return text.data();
}

process::FlatJson& finite(process::FlatJson& record, std::string_view key, double value) {
  if (std::isfinite(value)) return record.number(key, value);
  return record.text(key, std::isnan(value) ? "NaN" : "infinite");
}

}  // namespace otf::kit
