// The doctest runner shared by every room's test program.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdlib>

#ifdef OTF_TEST_READER
namespace {
/// Before any test runs: compressed images are decoded by this program.
const bool kReader = ::setenv("OTF_READER_PROGRAM", OTF_TEST_READER, 0) == 0;
}  // namespace
#endif
