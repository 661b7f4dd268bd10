#include <kvx/eval/pending_grades.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

using namespace kvx;

TEST_CASE("Answers are graded side by side, and their grades come in the order of the answers") {
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
  CHECK(order == "01234567");  // the last wait for more
  pending.finish();
  CHECK(order == "0123456789");
  CHECK(most > 1);
  CHECK(most <= 4);
}
