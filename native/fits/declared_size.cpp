#include "fits/declared_size.h"

#include <algorithm>
#include <array>

namespace otf::fits {

std::string decimal(unsigned __int128 number) {
  std::string text;
  do {
    text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
    number /= 10;
  } while (number > 0);
  return text;
}

unsigned __int128 times(unsigned __int128 a, unsigned __int128 b) {
  if (a == 0 || b == 0) return 0;
  return a > kTooLarge / b ? kTooLarge : std::min(a * b, kTooLarge);
}

std::string indexed(const char* name, size_t n) { return name + std::to_string(n); }

std::vector<int64_t> readAxes(const HeaderCards& cards, const char* count, const char* axis, int64_t most) {
  cards.requireUnique(count);
  std::vector<int64_t> dims(static_cast<size_t>(cards.required(count, 0, most)));
  for (size_t i = 0; i < dims.size(); ++i) {
    cards.requireUnique(indexed(axis, i + 1));
    dims[i] = cards.required(indexed(axis, i + 1), 0, kMaxAxisPx);
  }
  return dims;
}

int readBitpix(const HeaderCards& cards, const char* keyword) {
  cards.requireUnique(keyword);
  const int64_t bitpix = cards.required(keyword, -64, 64);
  constexpr std::array<int64_t, 6> kLegal = {8, 16, 32, 64, -32, -64};
  if (std::find(kLegal.begin(), kLegal.end(), bitpix) == kLegal.end()) {
    cards.reject(std::string(keyword) + " = " + std::to_string(bitpix) + " is not a FITS data type");
  }
  return static_cast<int>(bitpix);
}

}  // namespace otf::fits
