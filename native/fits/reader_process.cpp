#include "fits/reader_process.h"

#include "fits/reader_protocol.h"
#include "process/wire.h"

namespace otf::fits {
namespace {

process::Child::Spec specOf(const SharedSlots& window, std::chrono::milliseconds deadline) {
  process::Child::Spec spec;
  spec.program.path = process::programPath("OTF_READER_PROGRAM", "otf-reader");
  spec.name = "the image reader";
  spec.unavailable = Code::kInternal;
  spec.failed = Code::kFitsUnreadable;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(deadline).count();
  spec.program.arguments = {"--window-bytes", std::to_string(window.slotBytes()), "--seconds",
                            std::to_string(seconds)};
  spec.descriptors = {{window.fd(), process::kSharedFd}};
  return spec;
}

}  // namespace

ReaderProcess::ReaderProcess(std::chrono::milliseconds deadline)
    : deadline_(deadline), window_(SharedSlots::create(kWindowBytes, 1)), child_(specOf(window_, deadline)) {
  process::expect(child_.receive("being started", deadline_), "ready");
}

void ReaderProcess::ask(const std::string& command, int fd, const std::string& answer,
                        const std::string& doing, const Unwanted& unwanted) {
  child_.send(command, fd);
  process::expect(child_.receive(doing, deadline_, unwanted), answer);
}

void ReaderProcess::open(const std::string& command, int fd, const std::string& label,
                         const Unwanted& unwanted) {
  ask(command, fd, "opened", "opening " + label, unwanted);
}

void ReaderProcess::read(int64_t x0, int64_t y0, int64_t columns, int64_t rows, const std::string& label,
                         const Unwanted& unwanted) {
  ask("read " + std::to_string(x0) + " " + std::to_string(y0) + " " + std::to_string(columns) + " " +
          std::to_string(rows),
      -1, "done", "decompressing pixels of " + label, unwanted);
}

void ReaderProcess::close() {
  ask("close", -1, "closed", "closing an image", nullptr);
  image = 0;
  window_.release(0);
}

}  // namespace otf::fits
