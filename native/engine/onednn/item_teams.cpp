#include "engine/onednn/item_teams.h"

#include <omp.h>

#include <algorithm>
#include <exception>

namespace otf::onednn {

ItemTeams::ItemTeams(int count, int threadsEach) {
  try {
    for (int team = 0; team < count; ++team)
      threads_.emplace_back([this, team, threadsEach] { loop(team, threadsEach); });
  } catch (...) {
    end();  // of those that run already
    throw;
  }
}

ItemTeams::~ItemTeams() { end(); }

void ItemTeams::end() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ItemTeams::idle() const {
  const std::lock_guard lock(mutex_);
  return busy_ == 0 && calls_.empty();
}

bool ItemTeams::oneLeft() const {
  const std::lock_guard lock(mutex_);
  return busy_ == 1 && calls_.empty();
}

void ItemTeams::run(int first, int end, const std::function<void(int team, int item)>& work, Place place) {
  if (first >= end) return;
  const auto call = std::make_shared<Call>(Call{work, first, end});
  std::unique_lock lock(mutex_);
  calls_.insert(place == Place::kFirst ? calls_.begin() : calls_.end(), call);
  wake_.notify_all();
  done_.wait(lock, [&] { return call->over(); });
  if (call->error) std::rethrow_exception(call->error);
}

void ItemTeams::post(int count, const std::function<void(int team, int i)>& work) {
  if (count < 1) return;
  const std::lock_guard lock(mutex_);
  calls_.push_back(std::make_shared<Call>(Call{work, 0, count}));
  wake_.notify_all();
}

void ItemTeams::loop(int team, int threadsEach) {
  omp_set_num_threads(threadsEach);  // a per-thread setting
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || !calls_.empty(); });
    if (calls_.empty()) return;
    const std::shared_ptr<Call> call = calls_.front();
    const int item = call->next++;
    if (call->next >= call->end) calls_.pop_front();
    ++call->running;
    ++busy_;
    lock.unlock();
    std::exception_ptr error;
    try {
      call->work(team, item);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --call->running;
    --busy_;
    if (error && !call->error) {
      call->error = error;
      call->next = call->end;
      calls_.erase(std::remove(calls_.begin(), calls_.end(), call), calls_.end());
    }
    if (call->over()) done_.notify_all();
  }
}

}  // namespace otf::onednn
