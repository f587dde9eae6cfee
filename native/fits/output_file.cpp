#include "fits/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "fits/byte_source.h"

namespace otf::fits {
namespace {

[[noreturn]] void unwritable(const std::string& path, const std::string& reason) {
  throw OtfError(Code::kOutputUnwritable, "cannot write " + printable(path) + ": " + reason);
}

std::string temporaryName(const std::string& path) {
  static std::atomic<uint64_t> counter{0};
  const size_t slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "./" : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  return folder + "." + name.substr(0, 200) + "." + std::to_string(::getpid()) + "." +
         std::to_string(counter++) + ".part";
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path), temporary_(temporaryName(path)) {
  requireReentrant();
  if (path.empty() || path.ends_with('/') || path.find('\0') != std::string::npos)
    unwritable(path, "not a file name");
  // CFITSIO hides the system's reason for a file it cannot create; a plain open tells it.
  const int fd = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) unwritable(path, std::strerror(errno));
  ::close(fd);
  ::unlink(temporary_.c_str());
  fitsfile* file = nullptr;
  run([&](int* status) { fits_create_diskfile(&file, literalPath(temporary_).c_str(), status); });
  handle_ = Handle(file);
}

OutputFile::~OutputFile() {
  handle_.close();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::settle(std::optional<uint32_t> firstSum) {
  int count = 0;
  run([&](int* status) { fits_get_num_hdus(handle_.get(), &count, status); });
  for (int hdu = 1; hdu <= count; ++hdu) {
    run([&](int* status) { fits_movabs_hdu(handle_.get(), hdu, nullptr, status); });
    writeChecksums(hdu == 1 ? firstSum : std::nullopt);
  }
  run([&](int* status) { *status = handle_.close(); });
  sync();
  isSettled_ = true;
}

void OutputFile::commit(std::optional<uint32_t> firstSum) {
  if (!isSettled_) settle(firstSum);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) unwritable(path_, std::strerror(errno));
  temporary_.clear();
}

/// A name must not be on the disk before what it names: after a power cut it would be an empty file.
void OutputFile::sync() {
  const int fd = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) unwritable(path_, std::strerror(errno));
  const int reason = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (reason != 0) unwritable(path_, std::strerror(reason));
}

/// As fits_write_chksum, without the time in its comment: the same content gives the same bytes.
/// Source: FITS Standard 4.0, appendix J.
void OutputFile::writeChecksums(std::optional<uint32_t> known) {
  fitsfile* file = handle_.get();
  unsigned long data = known.value_or(0), whole = 0;
  char encoded[FLEN_VALUE] = "0000000000000000";
  run([&](int* status) {
    fits_update_key_str(file, "CHECKSUM", encoded, "HDU checksum", status);
    fits_update_key_str(file, "DATASUM", "0", "data unit checksum", status);
    fits_set_hdustruc(file, status);
    // Reads all of the data.
    if (!known) fits_get_chksum(file, &data, &whole, status);
  });
  run([&](int* status) {
    fits_update_key_str(file, "DATASUM", std::to_string(data).c_str(), "data unit checksum", status);
  });
  fits_encode_chksum(addToSum(headerSum(), data), 1, encoded);
  run([&](int* status) { fits_update_key_str(file, "CHECKSUM", encoded, "HDU checksum", status); });
}

/// Of the cards as they are now, and the blanks up to the data.
uint32_t OutputFile::headerSum() {
  const auto release = [](char* cards) {
    int status = 0;
    fits_free_memory(cards, &status);
  };
  char* cards = nullptr;
  int count = 0;
  LONGLONG begin = 0, data = 0, end = 0;
  run([&](int* status) { fits_hdr2str(handle_.get(), 0, nullptr, 0, &cards, &count, status); });
  const std::unique_ptr<char, decltype(release)> owner(cards, release);
  run([&](int* status) { fits_get_hduaddrll(handle_.get(), &begin, &data, &end, status); });
  std::string header(cards);
  header.resize(static_cast<size_t>(data - begin), ' ');
  uint64_t sum = 0;
  for (size_t i = 0; i < header.size(); i += sizeof(uint32_t)) {
    for (size_t byte = 0; byte < sizeof(uint32_t); ++byte)
      sum += uint64_t{static_cast<unsigned char>(header[i + byte])} << (24 - 8 * byte);
  }
  return addToSum(0, sum);
}

void OutputFile::fail(int status) {
  const int reason = errno;
  if (status == WRITE_ERROR || status == FILE_NOT_CREATED || status == FILE_NOT_CLOSED) {
    fits_clear_errmsg();
    unwritable(path_, reason != 0 ? std::strerror(reason) : "the system did not take all bytes");
  }
  check(status, Code::kOutputUnwritable, "cannot write " + printable(path_));
  unwritable(path_, "unknown reason");
}

}  // namespace otf::fits
