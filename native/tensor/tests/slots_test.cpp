#include "tensor/slots.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "error/error.h"
#include "tensor/buffer.h"

using otf::Buffer;
using otf::OtfError;
using otf::SharedSlots;

TEST_CASE("a child process sees and changes a slot through the inherited descriptor") {
  const SharedSlots slots = SharedSlots::create(1000, 3);
  std::memcpy(slots.slot(1), "parent", 7);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const SharedSlots mine = SharedSlots::attach(slots.fd(), 1000, 3);
    const bool seen = std::memcmp(mine.slot(1), "parent", 7) == 0;
    std::memcpy(mine.slot(2), "child", 6);
    ::_exit(seen ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(std::memcmp(slots.slot(2), "child", 6) == 0);
}

TEST_CASE("a slot that is given its memory beforehand keeps what is in it") {
  const SharedSlots slots = SharedSlots::create(20000, 2);
  std::memcpy(slots.slot(1) + 19000, "kept", 5);
  slots.populate(0);
  slots.populate(1);
  CHECK(std::memcmp(slots.slot(1) + 19000, "kept", 5) == 0);
  CHECK(slots.slot(0)[5000] == std::byte{0});
}

TEST_CASE("the memory cannot be shrunk under its users") {
  const SharedSlots slots = SharedSlots::create(4096, 2);
  CHECK(::ftruncate(slots.fd(), 0) != 0);
}

TEST_CASE("sizes that make no sense are refused") {
  CHECK_THROWS_AS(SharedSlots::create(0, 1), OtfError);
  CHECK_THROWS_AS(SharedSlots::create(1, 0), OtfError);
  CHECK_THROWS_AS(SharedSlots::create(~size_t{0}, 2), OtfError);
  const SharedSlots slots = SharedSlots::create(4096, 2);
  CHECK_THROWS_AS(SharedSlots::attach(slots.fd(), 4096, 3), OtfError);
}

TEST_CASE("buffers are aligned, and impossible ones are an error") {
  const Buffer buffer(100);
  CHECK(reinterpret_cast<uintptr_t>(buffer.data()) % 64 == 0);
  CHECK_THROWS_AS(Buffer(size_t{1} << 60), OtfError);
}
