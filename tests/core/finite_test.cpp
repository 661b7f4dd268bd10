#include <kvx/core/finite.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

using namespace kvx;

namespace {

/// Puts infinities and NaN at every index of rows of several lengths, among the type's largest and smallest numbers.
template <class T>
void check_finite_rows() {
  using Limits = std::numeric_limits<T>;
  for (const Index count : {1, 3, 255, 256, 257, 900}) {
    std::vector<T> values(static_cast<std::size_t>(count), Limits::max());
    for (std::size_t i = 0; i < values.size(); i += 2) values[i] = i % 4 == 0 ? -Limits::max() : Limits::denorm_min();
    CHECK(first_not_finite(values.data(), count) == count);
    for (const T bad : {Limits::infinity(), T(-Limits::infinity()), Limits::quiet_NaN(), T(-Limits::quiet_NaN())}) {
      bool found = true;
      for (Index i = 0; i < count; ++i) {
        auto row = values;
        row[static_cast<std::size_t>(i)] = row.back() = bad;
        found &= first_not_finite(row.data(), count) == i;
      }
      CHECK(found);
    }
  }
  CHECK(first_not_finite<T>(nullptr, 0) == 0);
}

}  // namespace

TEST_CASE("The first value that is not finite is found in rows of every type") {
  check_finite_rows<float>();
  check_finite_rows<F16>();
  check_finite_rows<BF16>();
}
