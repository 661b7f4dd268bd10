#include <kvx/core/threads.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

using kvx::Index;
using kvx::Threads;

TEST_CASE("a loop covers each index exactly once, in pieces of at least the grain") {
  for (const int thread_count : {1, 2, 3, 7}) {
    Threads threads(thread_count);
    CHECK(threads.count() == thread_count);
    for (const Index count : {0, 1, 2, 7, 64, 1001})
      for (const Index grain : {0, 1, 3, 64, 5000}) {
        // Not atomic: visiting an index twice would be a data race.
        std::vector<int> visits(static_cast<std::size_t>(count));
        std::atomic<bool> large_enough = true;
        threads.parallel_for(count, grain, [&](Index begin, Index end) {
          if (end - begin < std::min(grain, count)) large_enough = false;
          for (Index i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        CAPTURE(thread_count);
        CAPTURE(count);
        CAPTURE(grain);
        CHECK(visits == std::vector<int>(visits.size(), 1));
        CHECK(large_enough);
      }
  }
}

TEST_CASE("a loop without indices never calls its body") {
  Threads threads(2);
  threads.parallel_for(0, 1, [](Index, Index) { FAIL("called"); });
  threads.parallel_for(-1, 1, [](Index, Index) { FAIL("called"); });
}

TEST_CASE("an exception is rethrown after all other pieces are done, and the threads remain usable") {
  for (const int thread_count : {1, 4}) {
    Threads threads(thread_count);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::atomic<Index> done = 0;
      const auto body = [&](Index begin, Index end) {
        if (begin == 0) throw std::runtime_error("piece");
        done += end - begin;
      };
      CHECK_THROWS_WITH_AS(threads.parallel_for(160, 10, body), "piece", std::runtime_error);
      CHECK(done == (thread_count == 1 ? 0 : 150));
    }
    std::atomic<Index> sum = 0;
    threads.parallel_for(10, 1, [&](Index begin, Index end) { sum += end - begin; });
    CHECK(sum == 10);
  }
}

TEST_CASE("results do not depend on the number of threads, and later loops see what earlier ones wrote") {
  const auto run = [](int thread_count) {
    Threads threads(thread_count);
    std::vector<float> row(1000, 1.0f), next(row.size());
    for (int step = 0; step < 100; ++step) {
      threads.parallel_for(1000, 1, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i)
          next[static_cast<std::size_t>(i)] =
              row[static_cast<std::size_t>((i * 7 + 1) % 1000)] * 0.99f + 0.1f * static_cast<float>(i);
      });
      row.swap(next);
    }
    return row;
  };
  const auto expected = run(1);
  for (const int thread_count : {2, 3, 8}) CHECK(run(thread_count) == expected);
}

TEST_CASE("a count of zero gives at least one thread") { CHECK(Threads(0).count() >= 1); }
