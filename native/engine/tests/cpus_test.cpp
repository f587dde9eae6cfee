// The CPUs an engine process keeps to. Each case in a thread of its own: what a thread keeps to is its own.
#include "engine/host/cpus.h"

#include <sched.h>

#include <string>
#include <thread>

#include "engine/tests/check.h"
#include "error/error.h"

using namespace otf;

namespace {

/// The message it is refused with, "" if it is not; `kept`: how many CPUs are left then.
std::string refusal(const std::string& list, int* kept = nullptr) {
  std::string message;
  std::thread([&] {
    try {
      host::keepToCpus(list);
    } catch (const OtfError& error) {
      message = error.what();
    }
    cpu_set_t set;
    if (kept != nullptr && ::sched_getaffinity(0, sizeof set, &set) == 0) *kept = CPU_COUNT(&set);
  }).join();
  return message;
}

int firstCpu() {
  cpu_set_t set;
  REQUIRE(::sched_getaffinity(0, sizeof set, &set) == 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &set)) ++cpu;
  return cpu;
}

}  // namespace

TEST_CASE("an engine process keeps to the CPUs it is given") {
  const std::string first = std::to_string(firstCpu());
  int kept = 0;
  CHECK(refusal(first, &kept) == "");
  CHECK(kept == 1);
  CHECK(refusal(first + "-" + first, &kept) == "");
  CHECK(kept == 1);
}

TEST_CASE("lists that are none, and CPUs that are not there, are refused") {
  for (const char* list : {"", "x", "-1", "1-", "0,,1", "0,", "1+2", "4000000000", "1024"})
    CHECK_MESSAGE(refusal(list).find("is no CPU") != std::string::npos, list);
  // More than any machine of these tests has.
  CHECK(refusal("1023") != "");
  CHECK(refusal(std::to_string(firstCpu()) + ",1023").find("may not use all of them") != std::string::npos);
}
