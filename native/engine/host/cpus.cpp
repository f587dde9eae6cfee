#include "engine/host/cpus.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

#include "error/error.h"

namespace otf::host {
namespace {

[[noreturn]] void bad(std::string_view list, const std::string& why) {
  throw OtfError(Code::kInvalidArgument, "--cpus cannot be '" + std::string(list) + "': " + why);
}

int cpu(std::string_view text, std::string_view list) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number >= CPU_SETSIZE)
    bad(list, "'" + std::string(text) + "' is no CPU");
  return number;
}

}  // namespace

void keepToCpus(std::string_view list) {
  cpu_set_t wanted, allowed;
  CPU_ZERO(&wanted);
  for (size_t at = 0; at <= list.size();) {
    const size_t end = std::min(list.find(',', at), list.size());
    const std::string_view part = list.substr(at, end - at);
    const size_t dash = part.find('-');
    const int first = cpu(part.substr(0, dash), list);
    const int last = dash == std::string_view::npos ? first : cpu(part.substr(dash + 1), list);
    for (int i = first; i <= last; ++i) CPU_SET(i, &wanted);
    at = end + 1;
  }
  if (::sched_setaffinity(0, sizeof wanted, &wanted) != 0) bad(list, std::strerror(errno));
  // The kernel leaves out, without a word, what a container or cpuset does not allow.
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) bad(list, std::strerror(errno));
  if (!CPU_EQUAL(&wanted, &allowed)) bad(list, "this process may not use all of them");
}

}  // namespace otf::host
