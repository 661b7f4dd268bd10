#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

/// A fixed set of threads that share out the indices of a loop. How the work is shared never changes a result: each
/// index is done by one thread, alone.
class Threads {
 public:
  /// `count` threads, the calling one included; 0 takes every core that this process may run on. Throws Error when the
  /// system does not start that many.
  explicit Threads(int count = 0) {
    if (count <= 0) count = available();
    try {
      for (int i = 1; i < count; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      const auto started = std::to_string(workers_.size() + 1);
      stop();
      throw Error("threads",
                  "expected to start " + std::to_string(count) + ", found that the system allows " + started);
    }
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { stop(); }

  Index count() const { return static_cast<Index>(workers_.size()) + 1; }

  /// Calls body(begin, end) until [0, count) is covered, in pieces of at least `grain`, and returns when all are done.
  /// An exception from a piece is rethrown here. Not reentrant: one loop at a time, and none inside a body.
  template <class Body>
  void parallel_for(Index count, Index grain, Body&& body) {
    if (count <= 0) return;
    const Index pieces = std::clamp<Index>(count / std::max<Index>(1, grain), 1, this->count() * kPiecesPerThread);
    if (pieces == 1 || workers_.empty()) return body(Index{0}, count);
    Loop loop{[](void* b, Index begin, Index end) { (*static_cast<std::remove_reference_t<Body>*>(b))(begin, end); },
              const_cast<void*>(static_cast<const void*>(&body)), count, pieces};
    {
      const std::lock_guard lock(mutex_);
      loop_ = &loop;
      busy_ = workers_.size();
      ++generation_;
    }
    wake_.notify_all();
    loop.run();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    if (loop.error) std::rethrow_exception(loop.error);
  }

 private:
  static constexpr Index kPiecesPerThread = 4;  // evens out pieces of unequal cost, as in causal attention

  struct Loop {
    void (*call)(void*, Index, Index);
    void* body;
    Index count, pieces;
    std::atomic<Index> next = 0;
    std::mutex error_mutex = {};
    std::exception_ptr error = nullptr;

    void run() {
      for (Index i; (i = next.fetch_add(1)) < pieces;) {
        try {
          call(body, count * i / pieces, count * (i + 1) / pieces);
        } catch (...) {
          const std::lock_guard lock(error_mutex);
          if (!error) error = std::current_exception();
        }
      }
    }
  };

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  static int available() {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }

  void work() {
    for (std::size_t seen = 0;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
      if (stopping_) return;
      seen = generation_;
      Loop* loop = loop_;
      lock.unlock();
      loop->run();
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::size_t generation_ = 0, busy_ = 0;
  Loop* loop_ = nullptr;
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace kvx::inline v0
