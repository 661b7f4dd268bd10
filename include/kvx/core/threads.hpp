#pragma once

#include <kvx/core/error.hpp>
#include <kvx/core/tensor_view.hpp>

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

namespace kvx::inline v0 {

/// A fixed set of threads that divide the indices of a loop among themselves. Each index is processed by exactly one
/// thread, so results do not depend on the number of threads.
class Threads {
 public:
  /// Starts `count` threads, including the calling one; 0 means one for every core that this process may run on. Throws
  /// Error if the system does not start that many.
  explicit Threads(int count = 0) {
    const int cores = available();
    if (count <= 0) count = cores;
    spins_ = count <= cores ? 4000 : 0;
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

  /// Divides [0, count) into pieces of at least `grain` indices, calls body(begin, end) for each, and returns when all
  /// are done. The first exception from a piece is then rethrown. Not reentrant: only one loop can run at a time, and a
  /// body cannot start another.
  template <class Body>
  void parallel_for(Index count, Index grain, Body&& body) {
    if (count <= 0) return;
    const Index pieces = std::clamp<Index>(count / std::max<Index>(1, grain), 1, this->count() * kPiecesPerThread);
    if (pieces == 1 || workers_.empty()) return body(Index{0}, count);
    Loop loop{[](void* b, Index begin, Index end) { (*static_cast<std::remove_reference_t<Body>*>(b))(begin, end); },
              const_cast<void*>(static_cast<const void*>(&body)), count, pieces};
    loop_ = &loop;
    busy_.store(workers_.size(), std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    loop.run();
    for (std::size_t busy; (busy = spin(busy_, [](std::size_t running) { return running == 0; })) != 0;)
      busy_.wait(busy);
    if (loop.error) std::rethrow_exception(loop.error);
  }

 private:
  static constexpr Index kPiecesPerThread = 32;  // balances pieces of different costs, as in causal attention

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
    stopping_.store(true, std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  static int available() {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }

  /// Reads `value` again and again for a while, until is_reached(value). Loops follow each other within microseconds,
  /// which is less time than a thread needs to fall asleep and wake up. Returns the last value read.
  template <class Predicate>
  std::size_t spin(const std::atomic<std::size_t>& value, Predicate&& is_reached) const {
    std::size_t seen = value.load(std::memory_order_acquire);
    for (int i = 0; i < spins_ && !is_reached(seen); ++i) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
      seen = value.load(std::memory_order_acquire);
    }
    return seen;
  }

  void work() {
    for (std::size_t done = 0;;) {
      for (std::size_t seen; (seen = spin(generation_, [&](std::size_t g) { return g != done; })) == done;)
        generation_.wait(seen, std::memory_order_acquire);
      ++done;
      if (stopping_.load(std::memory_order_relaxed)) return;
      loop_->run();
      if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
    }
  }

  int spins_ = 0;  // stays 0 if there are more threads than cores
  std::atomic<std::size_t> generation_ = 0, busy_ = 0;
  Loop* loop_ = nullptr;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace kvx::inline v0
