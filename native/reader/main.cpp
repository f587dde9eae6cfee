// otf-reader: decodes compressed images, in a process that can be ended (fits/reader_protocol.h).
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstring>
#include <exception>
#include <string_view>

#include "error/error.h"
#include "process/wire.h"
#include "reader/limits.h"
#include "reader/serve.h"

namespace {

using namespace otf;

int64_t argument(int count, char** values, std::string_view name) {
  for (int i = 1; i + 1 < count; i += 2) {
    if (name != values[i]) continue;
    const std::string_view text(values[i + 1]);
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number > 0) return number;
  }
  throw OtfError(Code::kInvalidArgument, "otf-reader needs " + std::string(name) + " NUMBER");
}

}  // namespace

int main(int count, char** values) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  process::keepDescriptors({process::kSharedFd, process::kCommandFd, process::kReplyFd});
  // Ctrl-C reaches a whole terminal; when a reader ends is its parent's decision.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const int64_t seconds = argument(count, values, "--seconds");
    SharedSlots window = SharedSlots::attach(
        process::kSharedFd, static_cast<size_t>(argument(count, values, "--window-bytes")), 1);
    reader::limitProcess();
    process::reply("ready");
    reader::serve(window, seconds);
  } catch (const OtfError& error) {
    process::replyError(error.code(), error.what());
    return 1;
  } catch (const std::exception& error) {
    process::replyError(Code::kInternal, error.what());
    return 1;
  }
  return 0;
}
