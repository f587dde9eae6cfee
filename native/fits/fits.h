// FITS images: one plane of one HDU, by window, as float32. Plain pixels are read and converted here; what is compressed is
// decoded by CFITSIO in a process of its own (reader_pool.h), which can be ended.
// Source: FITS Standard 4.0 (BLANK 4.4.2.5, NaN 5.3, degenerate axes; tiled compression section 10).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace otf {

/// Restoring beam, FWHM, degrees; position angle North through East.
struct Beam {
  double bmajDeg = 0, bminDeg = 0, bpaDeg = 0;
};

/// Which image of a file. `hdu`: 0-based as in the file's list; absent = first HDU with a picture: its celestial axes,
/// wherever they stand, else its first two axes longer than 1 that are no frequency, velocity, polarisation or time.
/// `plane`: 0-based index over the other axes, first such axis fastest. `label`: what messages call the file; "" = its path.
/// `fileBytes`: of a file that is still being written, how many it will have; kFitsTruncated where they are not there yet.
struct FitsSelect {
  std::optional<int> hdu;
  int64_t plane = 0;
  std::string label = {};
  std::optional<uint64_t> fileBytes = {};
};

struct FitsInfo {
  std::string label;  // file name or the caller's name, for messages
  int hdu = 0;        // 0-based
  std::string extname;
  int64_t width = 0, height = 0, planes = 1;
  int64_t plane = 0;     // that is read, 0-based
  int axes[2] = {1, 2};  // the FITS axes (1-based) that are width and height
  int bitpix = -32;
  bool compressed = false;
  std::string bunit;  // as it stands; "" = none
  std::optional<Beam>
      beam;  // finite, bmaj >= bmin > 0; absent too, with a warning, when the cards are no beam
  std::string
      cards;  // 80-character cards in the standard's form, no line breaks, END included (header_values.h)
  std::vector<std::string> warnings;  // one line each, without the label
};

inline constexpr uint64_t kWholeFile = std::numeric_limits<uint64_t>::max();

/// One thread at a time; several FitsImage objects may be used at once.
class FitsImage {
 public:
  /// Literal path (no CFITSIO extended syntax). Throws kFitsUnreadable, kFitsTruncated, kFitsNoImage, kBeamInvalid.
  static FitsImage open(const std::string& path, const FitsSelect& select = {});
  /// A map beside an image, such as its noise: of as many planes that of the image's plane counts; else it must have one.
  /// Throws kMapMismatch, and as open.
  static FitsImage openBeside(const std::string& path, FitsSelect select, const FitsInfo& image);
  /// The bytes must outlive the image.
  static FitsImage openMemory(std::span<const std::byte> bytes, const std::string& label,
                              const FitsSelect& select = {});

  FitsImage(FitsImage&&) noexcept;
  FitsImage& operator=(FitsImage&&) noexcept;
  ~FitsImage();

  const FitsInfo& info() const;

  /// Columns [x0, x0+columns) of rows [y0, y0+rows), row 0 = first FITS row, scaled by BSCALE/BZERO; blank =
  /// NaN, as is every value that is infinite or that float32 cannot hold. out[r*stride + c]; stride in
  /// floats. Throws kFitsTruncated, kFitsUnreadable; kInvalidArgument outside the image. Compressed images:
  /// ask for bands of full rows, so that each tile is decompressed once per band.
  void readWindow(int64_t x0, int64_t y0, int64_t columns, int64_t rows, float* out, int64_t stride);
  /// So many bytes of the file, from its begin, hold the rows below `rows` (1 to the height); kWholeFile: all of it is needed.
  uint64_t bytesOfRows(int64_t rows) const;
  /// readWindow throws kCancelled soon after this becomes true; it must outlive the image's reads.
  void setCancel(const std::atomic<bool>* cancel);

 private:
  struct Impl;
  explicit FitsImage(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// An HDU that FitsImage::open takes.
struct ImageHdu {
  int hdu = 0;  // 0-based
  std::string extname;
  int64_t width = 0, height = 0, planes = 1;
  bool compressed = false;
};

/// The images of a file, `most` at most; damage behind the first ends the list with a warning. Throws as FitsImage::open.
std::vector<ImageHdu> listImages(const std::string& path, const std::string& label, size_t most,
                                 std::vector<std::string>& warnings);

struct FitsKey {
  std::string name, comment;
  std::string text;  // used when isText
  double number = 0;
  bool isText = false, isInteger = false;
};

struct FitsColumn {
  std::string name, unit, ucd, description;
  enum class Type { kText, kFloat, kDouble, kInt, kLong } type = Type::kFloat;
  std::vector<std::string> text;
  std::vector<double> numbers;   // NaN = missing (kInt: TNULL)
  std::vector<int64_t> longs{};  // kLong: of 64 bits, none of which is missing
};

/// A float32 image file written in bands of rows, under a temporary name beside the target, which appears
/// complete (with CHECKSUM and DATASUM) on finish() or not at all. `furtherAxes`: lengths of the axes after width
/// and height; rows of their planes follow one another. One thread at a time. Every call throws kOutputUnwritable with the path and the system's reason.
class FitsImageWriter {
 public:
  FitsImageWriter(const std::string& path, int64_t width, int64_t height, std::span<const FitsKey> keys,
                  const std::vector<int64_t>& furtherAxes = {});
  FitsImageWriter(FitsImageWriter&&) noexcept;
  FitsImageWriter& operator=(FitsImageWriter&&) noexcept;
  ~FitsImageWriter();

  /// The next rows, row 0 first: rows*width values, NaN = blank.
  void writeRows(const float* pixels, int64_t rows);
  /// A binary table behind the image, once all rows are written: as writeFitsTable, which says more of it.
  void addTable(const std::string& extname, std::span<const FitsColumn> columns,
                std::span<const FitsKey> keys);
  /// All that finish() does but for the name, once and nothing is written after it: it waits for the disk, which other work
  /// need not. Throws kInvalidArgument when rows are missing.
  void settle();
  /// Throws kInvalidArgument when rows are missing.
  void finish();

 private:
  void requireAllRows() const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The whole image at once: pixels[height][width]. Throws kOutputUnwritable; never leaves a half-written file.
void writeFitsImage(const std::string& path, int64_t width, int64_t height, std::span<const FitsKey> keys,
                    const float* pixels);

/// Write a binary table (first extension, named `extname`) atomically: TUNITn, TUCDn, TCOMMn, TNULLn,
/// checksums. Columns have equal lengths (else kInvalidArgument). Throws kOutputUnwritable.
void writeFitsTable(const std::string& path, const std::string& extname, std::span<const FitsColumn> columns,
                    std::span<const FitsKey> keys);

/// "4.2.0": the CFITSIO in use.
std::string cfitsioVersion();

}  // namespace otf
