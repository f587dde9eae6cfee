// A pass that changes plans on its way: begun with the threads of one, ended with those of another.
#include "engine/onednn/plan.h"

#include <omp.h>

#include "engine/onednn/cpu.h"
#include "engine/onednn/lane.h"
#include "engine/tests/cases.h"
#include "engine/tests/check.h"
#include "engine/threads/worker_thread.h"

using namespace otf;
using namespace otf::onednn;

namespace {

/// A lane with the thread it belongs to.
struct Walker {
  Walker(LaneShop& shop, int threads) : worker(threads), lane(shop) {}
  WorkerThread worker;
  Lane lane;
};

struct Net {
  explicit Net(const test::Case& c, bool bf16)
      : network(c.network),
        weights(network, c.options.inputBias, engine),
        shop{*network, weights, engine, bf16, c.options.rawOutput, {}} {}
  std::shared_ptr<const Network> network;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  WeightStore weights;
  LaneShop shop;
};

}  // namespace

TEST_CASE("a pass stopped before any layer goes on in another plan to the same output") {
  int changed = 0;
  for (const std::string& name : test::caseNames()) {
    const test::Case c = test::loadCase(name);
    for (const bool bf16 : {false, true}) {
      if (bf16 && !onednn::hasBf16()) continue;
      Net net(c, bf16);
      Walker one(net.shop, 1);
      Walker two(net.shop, 2);
      const auto count = static_cast<size_t>(c.out);
      std::vector<float> whole(count);
      one.worker.run([&] {
        Pass pass{one.lane.stream(), c.input.data(), whole.data()};
        one.lane.planFor(c.extent, 1, false).run(pass, one.lane.arenas());
      });
      const size_t layers = c.network->layers.size();
      for (size_t before = 0; before <= layers; ++before) {
        CAPTURE(name);
        CAPTURE(bf16);
        CAPTURE(before);
        std::vector<float> output(count, -1.0F);
        Plan* begun = nullptr;
        Pass pass{one.lane.stream(), c.input.data(), output.data()};
        size_t next = 0;
        size_t reached = 0;
        one.worker.run([&] {
          begun = &one.lane.planFor(c.extent, 1, false);
          reached = begun->runUntil(pass, one.lane.arenas(), [&](size_t layer) {
            // In FP32 every layer is a step of its own; in BF16 some may be inside that of the one before.
            CHECK(layer >= next);
            if (!bf16) CHECK(layer == next);
            next = layer + 1;
            return layer >= before;
          });
        });
        CHECK(reached >= before);
        if (!bf16) CHECK(reached == before);
        CHECK((reached == layers || next == reached + 1));
        if (reached < layers) {
          ++changed;
          two.worker.run([&] {
            Plan& rest = two.lane.planFor(c.extent, 1, false);
            Pass onAll{two.lane.stream(), c.input.data(), output.data(), nullptr, pass.bound};
            rest.resume(onAll, two.lane.arenas(), reached, *begun);
          });
        }
        if (bf16) {
          CHECK(test::worstOfRange(output, whole) <= 2e-2);
        } else {
          CHECK(test::worst(output.data(), whole.data(), c.out, 1e-5, 1e-5) <= 1.0);
          CHECK(test::worst(output.data(), c.expected.data(), c.out, 2e-5, 2e-5) <= 1.0);
        }
      }
    }
  }
  CHECK(changed > (onednn::hasBf16() ? 100 : 50));
}
