// Teams that take items one by one: each item once, calls in their order, errors to whom they belong.
#include "engine/onednn/item_teams.h"

#include <omp.h>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>

#include "engine/tests/check.h"

using otf::onednn::ItemTeams;

TEST_CASE("every item is done once, by a team of the size asked for, whoever calls") {
  ItemTeams teams(3, 2);
  CHECK(teams.count() == 3);
  std::vector<std::atomic<int>> done(200);
  std::atomic<bool> wrong{false};
  const auto call = [&](int first, int end) {
    teams.run(first, end, [&](int team, int item) {
      if (team < 0 || team >= 3 || omp_get_max_threads() != 2) wrong = true;
      ++done[static_cast<size_t>(item)];
    });
  };
  std::vector<std::future<void>> callers;
  for (int i = 0; i < 10; ++i) callers.push_back(std::async(std::launch::async, call, i * 20, i * 20 + 20));
  for (auto& caller : callers) caller.get();
  CHECK_FALSE(wrong);
  for (const auto& count : done) CHECK(count == 1);
  CHECK(teams.idle());
  teams.run(5, 5, [](int, int) { throw std::logic_error("nothing to do"); });
}

TEST_CASE("calls are served in their order, and one that asks for it first") {
  ItemTeams teams(1, 1);
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  std::vector<int> order;  // one team: no two at once
  auto blocker = std::async(std::launch::async, [&] { teams.run(0, 1, [&](int, int) { gone.wait(); }); });
  while (teams.idle()) std::this_thread::yield();
  const auto later = [&](int item, ItemTeams::Place place) {
    auto call = std::async(std::launch::async, [&teams, &order, item, place] {
      teams.run(item, item + 1, [&](int, int i) { order.push_back(i); }, place);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return call;
  };
  auto a = later(1, ItemTeams::Place::kLast);
  auto b = later(2, ItemTeams::Place::kLast);
  auto c = later(3, ItemTeams::Place::kFirst);
  CHECK_FALSE(teams.idle());
  go.set_value();
  for (auto* call : {&blocker, &a, &b, &c}) call->get();
  CHECK(order == std::vector<int>{3, 1, 2});
}

TEST_CASE("an exception ends its own call only") {
  ItemTeams teams(2, 1);
  std::atomic<int> begun{0};
  const auto failing = [&](int, int item) {
    ++begun;
    if (item == 3) throw std::runtime_error("item 3");
    if (item > 3) std::this_thread::sleep_for(std::chrono::microseconds(100));
  };
  for (int repeat = 0; repeat < 20; ++repeat) {
    begun = 0;
    std::atomic<int> others{0};
    auto good = std::async(std::launch::async, [&] { teams.run(0, 50, [&](int, int) { ++others; }); });
    CHECK_THROWS_WITH_AS(teams.run(0, 1000, failing), "item 3", std::runtime_error);
    good.get();
    CHECK(others == 50);
    CHECK(begun < 1000);
  }
  CHECK(teams.idle());
}

TEST_CASE("what is posted runs behind what waits, by all that are free, and nobody waits for it") {
  std::vector<int> order;
  std::atomic<int> done{0};
  {
    ItemTeams teams(1, 1);
    std::promise<void> go;
    std::shared_future<void> gone = go.get_future().share();
    auto blocker = std::async(std::launch::async, [&] { teams.run(0, 1, [&](int, int) { gone.wait(); }); });
    while (teams.idle()) std::this_thread::yield();
    auto first = std::async(std::launch::async,
                            [&] { teams.run(0, 2, [&](int, int item) { order.push_back(item); }); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    teams.post(2, [&](int, int i) { order.push_back(10 + i); });
    go.set_value();
    blocker.get();
    first.get();
    while (!teams.idle()) std::this_thread::yield();
    teams.post(3, [&](int, int) { ++done; });
  }
  CHECK(order == std::vector<int>{0, 1, 10, 11});
  CHECK(done == 3);
}
