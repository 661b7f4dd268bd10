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

/// A fixed set of threads that share out the indices of a loop. How the work is shared never changes a result: each
/// index is done by one thread, alone.
class Threads {
 public:
  /// `count` threads, the calling one included; 0 takes every core that this process may run on. Throws Error when the
  /// system does not start that many.
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

  /// Calls body(begin, end) until [0, count) is covered, in pieces of at least `grain`, and returns when all are done.
  /// An exception from a piece is rethrown here. Not reentrant: one loop at a time, and none inside a body.
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
    for (std::size_t busy; (busy = spin(busy_, [](std::size_t left) { return left == 0; })) != 0;) busy_.wait(busy);
    if (loop.error) std::rethrow_exception(loop.error);
  }

 private:
  static constexpr Index kPiecesPerThread = 32;  // evens out pieces of unequal cost, as in causal attention

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

  /// Loops follow each other within microseconds, which is less than going to sleep and waking up take; so a thread
  /// looks again for a while before it sleeps. Returns the value it saw last.
  template <class Until>
  std::size_t spin(const std::atomic<std::size_t>& value, Until&& until) const {
    std::size_t seen = value.load(std::memory_order_acquire);
    for (int i = 0; i < spins_ && !until(seen); ++i) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
      seen = value.load(std::memory_order_acquire);
    }
    return seen;
  }

  void work() {
    for (std::size_t done = 0;;) {
      for (std::size_t now; (now = spin(generation_, [&](std::size_t g) { return g != done; })) == done;)
        generation_.wait(now, std::memory_order_acquire);
      ++done;
      if (stopping_.load(std::memory_order_relaxed)) return;
      loop_->run();
      if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
    }
  }

  int spins_ = 0;  // none where threads have to share cores
  std::atomic<std::size_t> generation_ = 0, busy_ = 0;
  Loop* loop_ = nullptr;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace kvx::inline v0
