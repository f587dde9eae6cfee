// The conformance networks on each method of the user's own CIANNA.
#include <doctest/doctest.h>

#include <algorithm>
#include <iostream>

#include "engine/registry/registry.h"
#include "engine/tests/cases.h"
#include "engine/tests/check.h"
#include "engine/tests/user_cianna.h"

using namespace otf;
using namespace otf::test;

namespace {

struct Distances {
  int cases = 0, exact = 0;
  double worst = 0;  // in 1e-6 + 1e-6 |expected|
};

/// At the stored batch; or (`others`) at a smaller one in the process opened for it, then at a larger one in another.
Distances distances(const char* engineName, bool others) {
  Distances found;
  for (const std::string& name : test::caseNames()) {
    const test::Case c = test::loadCase(name);
    CAPTURE(name);
    const auto engine = createEngine(engineName, c.network, c.options);
    REQUIRE(engine->outputValues(c.extent) == c.out);
    for (const int batch : {c.items, 1, c.items + 3}) {
      CAPTURE(batch);
      const bool stored = batch == c.items;
      const int first = stored ? 0 : 1;
      const auto x = c.inputs(batch, first);
      std::vector<float> y(static_cast<size_t>(batch * c.out));
      if (stored || others) engine->forward(c.extent, batch, x.data(), y.data());
      if (stored == others) continue;
      double distance = 0;
      for (int n = 0; n < batch; ++n) {
        const float* expected = c.expected.data() + (first + n) % c.items * c.out;
        distance = std::max(distance, test::worst(y.data() + n * c.out, expected, c.out, 1e-6, 1e-6));
      }
      found.worst = std::max(found.worst, distance);
      ++found.cases;
      if (distance == 0) ++found.exact;
    }
  }
  std::cout << engineName << (others ? ", other batches: " : ", stored batch: ") << found.exact << " of "
            << found.cases << " outputs bit for bit, the worst " << found.worst << "e-6 away\n";
  return found;
}

}  // namespace

// With the BLAS kernels they were stored with (OpenBLAS's for AVX-512) nearly all are equal bit for bit;
// those for other CPUs add in another order.
TEST_CASE("C_BLAS gives CIANNA's stored outputs [needs CIANNA_ROOT]" * doctest::skip(!kBlas)) {
  const Distances found = distances("cianna:blas", false);
  CHECK(found.cases == 18);
  const bool sameKernels = 2 * found.exact > found.cases;
  if (!sameKernels) MESSAGE("this CPU's BLAS kernels are not those of the stored outputs");
  CHECK(found.worst <= (sameKernels ? 1.0 : 4.0));
}

// CIANNA's own sums depend on the batch there: the order in which a BLAS adds follows the shape of the matrices.
TEST_CASE("C_BLAS at batches other than the stored one [needs CIANNA_ROOT]" * doctest::skip(!kBlas)) {
  CHECK(distances("cianna:blas", true).worst <= 4.0);
}

// Another method than the one the outputs were stored with: it adds in double precision.
TEST_CASE("C_NAIV against the outputs of C_BLAS [needs CIANNA_ROOT]" * doctest::skip(!kNaiv)) {
  CHECK(distances("cianna:naiv", false).worst <= 4.0);
  CHECK(distances("cianna:naiv", true).worst <= 4.0);
}

// No LRN among them; group norms without activation, where C_CUDA and the CPU methods differ.
TEST_CASE("C_CUDA against the outputs of C_BLAS [needs CIANNA_ROOT with CUDA, and a GPU]" *
          doctest::skip(!kCuda)) {
  CHECK(distances("cianna:cuda", false).worst <= 20.0);
  CHECK(distances("cianna:cuda", true).worst <= 20.0);
}
