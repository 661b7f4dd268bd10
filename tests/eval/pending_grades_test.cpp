#include <kvx/eval/records/pending_grades.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

using namespace kvx;

TEST_CASE("Answers are graded in parallel, and their grades come in the order of the answers") {
  Threads threads(4);
  PendingGrades pending(threads);
  std::atomic<int> running = 0, most = 0;
  std::string order;
  for (int i = 0; i < 10; ++i)
    pending.add(
        [&, i] {
          const int now = ++running;
          for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
          }
          std::this_thread::sleep_for(std::chrono::milliseconds(10 * (4 - i % 4)));
          --running;
          return Grade{std::to_string(i), {}};
        },
        [&](Grade grade) { order += grade.state; });
  CHECK(order == "01234567");  // the last two wait until there is an answer for each thread
  pending.finish();
  CHECK(order == "0123456789");
  CHECK(most > 1);
  CHECK(most <= 4);
}

TEST_CASE("If one answer cannot be graded, the other grades are still passed on") {
  Threads threads(3);
  PendingGrades pending(threads);
  std::string order;
  const auto add = [&](int i) {
    pending.add(
        [i] {
          if (i % 3 == 1) throw std::runtime_error("no grade for " + std::to_string(i));
          return Grade{std::to_string(i), {}};
        },
        [&](Grade grade) { order += grade.state; });
  };
  add(0);
  add(1);
  CHECK_THROWS_WITH_AS(add(2), "no grade for 1", std::runtime_error);
  CHECK(order == "02");
  add(3);
  add(4);
  CHECK_THROWS_WITH_AS(pending.finish(), "no grade for 4", std::runtime_error);
  CHECK(order == "023");
}
