#include "fits/header_scan.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "error/error.h"
#include "fits/declared_size.h"
#include "fits/header_values.h"

namespace otf::fits {
namespace {

constexpr int64_t kMaxAxes = 99;
constexpr int kMaxHdus = 10000;

unsigned __int128 dataSize(const HeaderCards& cards, const ScannedHdu& hdu, bool groups) {
  if (hdu.dims.empty()) return 0;
  unsigned __int128 elements = 1;
  for (size_t i = groups ? 1 : 0; i < hdu.dims.size(); ++i) {
    elements = times(elements, static_cast<unsigned __int128>(hdu.dims[i]));
  }
  const int64_t pcount = cards.integer("PCOUNT", 0, std::numeric_limits<int64_t>::max()).value_or(0);
  const int64_t gcount = cards.integer("GCOUNT", 1, std::numeric_limits<int32_t>::max()).value_or(1);
  const unsigned __int128 perGroup = std::min(elements + static_cast<unsigned __int128>(pcount), kTooLarge);
  return times(times(perGroup, static_cast<unsigned __int128>(gcount)),
               static_cast<unsigned __int128>(std::abs(hdu.bitpix) / 8));
}

ScannedHdu readHdu(const HeaderCards& cards, int index, uint64_t dataOffset) {
  ScannedHdu hdu;
  hdu.index = index;
  hdu.dataOffset = dataOffset;
  hdu.extname = printable(cards.value("EXTNAME").value_or(""));
  const std::string extension = cards.value("XTENSION").value_or(index == 0 ? "IMAGE" : "");
  hdu.bitpix = readBitpix(cards, "BITPIX");
  hdu.dims = readAxes(cards, "NAXIS", "NAXIS", kMaxAxes);
  const bool groups = index == 0 && cards.isTrue("GROUPS") && !hdu.dims.empty() && hdu.dims[0] == 0;
  hdu.dataBytes = dataSize(cards, hdu, groups);

  if (groups) {
    hdu.kind = ScannedHdu::Kind::kRandomGroups;
  } else if (extension == "IMAGE" || extension == "IUEIMAGE") {
    hdu.kind = ScannedHdu::Kind::kImage;
  } else if (extension == "BINTABLE" || extension == "TABLE" || extension == "A3DTABLE") {
    hdu.kind = ScannedHdu::Kind::kTable;
  }
  if (hdu.kind == ScannedHdu::Kind::kTable && hdu.dims.size() != 2)
    cards.reject("a table must have two axes");
  return hdu;
}

void requirePresent(const ScannedHdu& hdu, uint64_t fileBytes, const std::string& label) {
  const unsigned __int128 end = hdu.dataBytes + hdu.dataOffset;
  if (end <= fileBytes) return;
  const uint64_t present = fileBytes > hdu.dataOffset ? fileBytes - hdu.dataOffset : 0;
  throw OtfError(Code::kFitsTruncated, label + ", HDU " + std::to_string(hdu.index) +
                                           ": the header promises " + decimal(hdu.dataBytes) +
                                           " bytes of data, the file holds " + std::to_string(present));
}

/// "\x1f\x8b.." or the text itself: enough for a user to see what the file is instead.
std::string firstBytes(const ByteSource& source) {
  std::array<std::byte, 8> bytes{};
  const size_t count = std::min<uint64_t>(bytes.size(), source.size());
  source.read(0, std::span(bytes).first(count));
  std::string text = "\"";
  for (size_t i = 0; i < count; ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    constexpr char kHex[] = "0123456789abcdef";
    if (c >= 0x20 && c < 0x7f) {
      text += static_cast<char>(c);
    } else {
      text += {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return text + "\"";
}

void requireFits(const ByteSource& source, const std::string& label) {
  std::array<std::byte, 9> magic{};
  if (source.size() == 0) throw OtfError(Code::kFitsUnreadable, label + " is not a FITS file (it is empty)");
  if (source.read(0, magic) && std::memcmp(magic.data(), "SIMPLE  =", magic.size()) == 0) return;
  if (magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b}) {
    throw OtfError(Code::kFitsUnreadable, label + " is gzip-compressed: unpack it with gunzip first");
  }
  throw OtfError(Code::kFitsUnreadable,
                 label + " is not a FITS file (first bytes " + firstBytes(source) + ")");
}

/// The primary header whose cards count for this HDU too, "" = none (FITS Standard 4.0, appendix K).
std::string_view inheritedBy(const ScannedHdu& hdu, const std::string& own, const ScannedHdu& primary,
                             const std::string& primaryText, std::vector<std::string>& warnings) {
  const CardValue inherit = findValue(own, "INHERIT");
  if (hdu.index == 0 || inherit.kind != CardValue::Kind::kLogical || inherit.text != "T") return {};
  if (primary.dims.empty()) return primaryText;
  warnings.push_back(
      "INHERIT is T, but the primary HDU has an image of its own: its keywords are not taken over");
  return {};
}

/// Decides what needs the cards: which axes are the picture.
void readCards(const std::string& own, std::string_view inherited, ScannedHdu& hdu) {
  std::string cards = imageCards(own, inherited, hdu.bitpix, hdu.dims);
  std::vector<std::string> ctypes;
  for (size_t i = 0; i < hdu.dims.size(); ++i) {
    const CardValue ctype = findValue(cards, indexed("CTYPE", i + 1));
    ctypes.push_back(ctype.kind == CardValue::Kind::kText ? ctype.text : "");
  }
  hdu.axes = chooseImageAxes(hdu.dims, ctypes);
  hdu.cards = std::move(cards);
}

/// An array of at least one pixel (a zero-length axis means no data at all: FITS Standard 4.0, 4.4.1.1).
bool hasPixels(const ScannedHdu& hdu) {
  using Kind = ScannedHdu::Kind;
  return (hdu.kind == Kind::kImage || hdu.kind == Kind::kCompressedImage) &&
         std::find(hdu.dims.begin(), hdu.dims.end(), 0) == hdu.dims.end();
}

bool startsExtension(const ByteSource& source, uint64_t offset) {
  std::array<std::byte, 9> magic{};
  return source.read(offset, magic) && std::memcmp(magic.data(), "XTENSION=", magic.size()) == 0;
}

[[noreturn]] void noImage(const std::vector<ScannedHdu>& hdus, const std::string& label,
                          std::optional<int> wanted) {
  std::string holds;
  for (size_t i = 0; i < hdus.size() && i < 8; ++i) holds += (i > 0 ? ", " : "") + hdus[i].describe();
  if (hdus.size() > 8) holds += ", and " + std::to_string(hdus.size() - 8) + " more";
  if (!wanted) {
    throw OtfError(
        Code::kFitsNoImage,
        label + " has no image with two axes longer than 1 that make a picture; it holds " + holds);
  }
  const auto count = static_cast<int>(hdus.size());
  const std::string asked = "HDU " + std::to_string(*wanted);
  if (*wanted < 0 || *wanted >= count) {
    throw OtfError(Code::kFitsNoImage, label + " has no " + asked + "; it holds " + holds);
  }
  throw OtfError(Code::kFitsNoImage, label + ": " + hdus.back().describe() +
                                         " is not an image with two axes longer than 1 that make a picture");
}

}  // namespace

std::string ScannedHdu::describe() const {
  std::string text = "HDU " + std::to_string(index);
  if (!extname.empty()) text += " '" + extname.substr(0, 40) + "'";
  switch (kind) {
    case Kind::kTable:
      return text + " (table)";
    case Kind::kRandomGroups:
      return text + " (random groups)";
    case Kind::kOther:
      return text + " (unknown extension)";
    case Kind::kImage:
    case Kind::kCompressedImage:
      break;
  }
  if (dims.empty()) return text + " (no data)";
  text += " (image of ";
  for (size_t i = 0; i < dims.size() && i < 8; ++i) text += (i > 0 ? "x" : "") + std::to_string(dims[i]);
  return text + " pixels" + (axes.why.empty() ? "" : ": " + axes.why) + ")";
}

namespace {

/// Calls visit(cards, hdu, warnings) for one HDU after the other until it says that it has seen enough; gives whether it did.
/// `hdu` has its cards when it has pixels; the warnings are of the choice of these. The offset behind its data is its end.
template <typename Visit>
bool walk(const ByteSource& source, const std::string& label, Visit visit) {
  requireFits(source, label);
  uint64_t offset = 0;
  std::string primary;
  ScannedHdu first;
  for (int index = 0; index < kMaxHdus; ++index) {
    if (index > 0 && !startsExtension(source, offset)) break;
    HeaderCards cards(source, offset, index, label);
    ScannedHdu hdu = readHdu(cards, index, offset + cards.bytes());
    requirePresent(hdu, source.size(), label);
    if (hdu.kind == ScannedHdu::Kind::kTable && cards.isTrue("ZIMAGE")) {
      hdu.kind = ScannedHdu::Kind::kCompressedImage;
      CompressedImage image = readCompression(
          cards, {hdu.dims[0], hdu.dims[1], hdu.dataOffset, static_cast<uint64_t>(hdu.dataBytes)});
      hdu.bitpix = image.bitpix;
      hdu.dims = std::move(image.dims);
      hdu.compressed = std::move(image.layout);
    }
    // Present, so far below 2^64.
    const uint64_t padded =
        (static_cast<uint64_t>(hdu.dataBytes) + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
    offset = hdu.dataOffset + padded;
    const std::string own = printableCards(cards.text());
    if (index == 0) {
      primary = own;
      first = hdu;
    }
    std::vector<std::string> warnings;
    if (hasPixels(hdu)) readCards(own, inheritedBy(hdu, own, first, primary, warnings), hdu);
    if (visit(cards, hdu, warnings, offset)) return true;
  }
  return false;
}

}  // namespace

ScanResult scanHeaders(const ByteSource& source, const std::string& label, std::optional<int> wanted) {
  ScanResult result;
  const bool found =
      walk(source, label, [&](HeaderCards& cards, ScannedHdu& hdu, const auto& warnings, uint64_t end) {
        if (hdu.index == 0 && !cards.isTrue("SIMPLE")) {
          result.warnings.push_back("SIMPLE is not T: the file does not claim to follow the FITS standard");
        }
        const bool chosen = wanted ? *wanted == hdu.index : hdu.isImage();
        if (!chosen) hdu.cards.clear();
        result.hdus.push_back(hdu);
        if (!chosen) return false;
        if (!hdu.isImage()) noImage(result.hdus, label, wanted);
        result.header = std::move(cards);
        result.warnings.insert(result.warnings.end(), warnings.begin(), warnings.end());
        if (end > source.size()) {
          result.padded = false;
          result.warnings.push_back("the file ends without the padding to a multiple of 2880 bytes");
        }
        return true;
      });
  if (!found) noImage(result.hdus, label, wanted);
  return result;
}

std::vector<ScannedHdu> scanImages(const ByteSource& source, const std::string& label, size_t most,
                                   std::vector<std::string>& warnings) {
  std::vector<ScannedHdu> images;
  try {
    walk(source, label, [&](const HeaderCards&, ScannedHdu& hdu, const auto&, uint64_t) {
      if (!hdu.isImage()) return false;
      hdu.cards.clear();
      images.push_back(hdu);
      return images.size() == most;
    });
  } catch (const OtfError& error) {
    // A job takes the images before the damage: so they are told.
    if (images.empty() || error.code() == Code::kOutOfMemory) throw;
    warnings.push_back(std::string("what follows the images listed cannot be read: ") + error.what());
  }
  return images;
}

}  // namespace otf::fits
