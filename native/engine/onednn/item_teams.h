// Teams of threads that each take the next item as soon as they have done one. Where threads share every
// layer of a batch they wait for each other after each: whoever is held up by other work of the machine holds
// up all. Here only the last items of the last call wait.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace otf::onednn {

class ItemTeams {
 public:
  /// `threadsEach`: OpenMP threads of a team.
  ItemTeams(int count, int threadsEach);
  ItemTeams(const ItemTeams&) = delete;
  ItemTeams& operator=(const ItemTeams&) = delete;
  ~ItemTeams();

  int count() const { return static_cast<int>(threads_.size()); }
  /// Nothing runs or waits.
  bool idle() const;
  /// work(team, i) for i < count, behind what waits; returns at once. Must not throw.
  void post(int count, const std::function<void(int team, int i)>& work);

  /// A single item runs and none waits: the other teams have nothing to do.
  bool oneLeft() const;

  enum class Place { kLast, kFirst };

  /// work(team, item) for the items from `first` up to `end`, each once, several at a time; returns when the
  /// last has ended. Thread-safe: calls are served in their order (kFirst: before those that wait), the next
  /// one begins where teams are free. After an exception no further item of the call begins, and it comes back.
  void run(int first, int end, const std::function<void(int team, int item)>& work,
           Place place = Place::kLast);

 private:
  struct Call {
    std::function<void(int, int)> work;
    int next, end;
    int running = 0;
    std::exception_ptr error = nullptr;
    bool over() const { return next >= end && running == 0; }
  };
  void loop(int team, int threadsEach);
  void end();

  mutable std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<std::shared_ptr<Call>> calls_;  // with items that have not begun
  int busy_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;  // last: start when the rest is ready
};

}  // namespace otf::onednn
