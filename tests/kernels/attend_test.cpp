#include <kvx/kernels/attend.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "support/emulated_tiles.hpp"
#include "support/exact_attention.hpp"
#include "support/random_floats.hpp"
#include "support/rounding.hpp"

using namespace kvx;
using kvx_test::random_floats;
using kvx_test::rounding_error;

namespace {
constexpr float kScoreScale = 0.3f;

/// Queries over `rows` keys and values, whose stride is larger than a row.
template <class T>
struct FloatCase {
  FloatCase(Index rows, Index head_dim, std::vector<Index> seen_rows, Index window_rows = 0)
      : dim(head_dim),
        stride(dim + 3),
        window(window_rows),
        seen(std::move(seen_rows)),
        query(random_floats(seen.size() * static_cast<std::size_t>(dim), 1)) {
    for (const float x : random_floats(static_cast<std::size_t>(rows * stride), 2))
      keys.push_back(static_cast<T>(3 * x));
    for (const float x : random_floats(static_cast<std::size_t>(rows * stride), 3)) values.push_back(static_cast<T>(x));
    out.resize(query.size());
    received.resize(static_cast<std::size_t>(rows));
    reset();
  }
  void reset() {
    std::fill(out.begin(), out.end(), 0.0f);
    queries.clear();
    for (std::size_t i = 0; i < seen.size(); ++i) {
      queries.push_back({query.data() + i * static_cast<std::size_t>(dim),
                         out.data() + i * static_cast<std::size_t>(dim), seen[i], received.data()});
      queries.back().first = first(i);
    }
  }
  /// The first row that a query sees: all rows before it are outside of its window.
  Index first(std::size_t i) const { return window == 0 ? 0 : std::max<Index>(0, std::min(seen[i], rows()) - window); }
  MatrixView<const T> k(Index first, Index rows) const {
    return view<const T>(keys.data() + first * stride, rows, dim, stride);
  }
  MatrixView<const T> v(Index first, Index rows) const {
    return view<const T>(values.data() + first * stride, rows, dim, stride);
  }
  Index rows() const { return static_cast<Index>(received.size()); }

  kvx_test::ExactAttention exact(std::size_t i, Isa path) const {
    const Index begin = first(i), count = std::min(seen[i], rows()) - begin;
    const auto row = view(query.data() + static_cast<Index>(i) * dim, 1, dim, dim);
    return {row.row(0).template cast<double>(), k(begin, count).template cast<float>().template cast<double>(),
            v(begin, count).template cast<float>().template cast<double>(), double{kScoreScale}, path};
  }

  Index dim, stride, window;
  std::vector<Index> seen;
  std::vector<float> query, out, received;
  std::vector<T> keys, values;
  std::vector<AttentionQuery> queries;
};

/// Attention on a path of this CPU.
struct Path {
  Isa isa;
  template <class T>
  void attend(std::span<AttentionQuery> queries, MatrixView<const T> keys, MatrixView<const T> values) const {
    kvx::attend<T>(queries, keys, values, kScoreScale, isa);
  }
  template <class T>
  void receive(std::span<AttentionQuery> queries, MatrixView<const T> keys, Index first) const {
    attention_received<T>(queries, keys, kScoreScale, first, isa);
  }
};

/// Attention on the amx path, emulated on any CPU.
struct EmulatedAmx {
  Isa isa = Isa::amx;
  template <class T>
  void attend(std::span<AttentionQuery> queries, MatrixView<const T> keys, MatrixView<const T> values) const {
    detail::attend_amx_blocks<false, kvx_test::EmulatedTiles>(detail::AttentionJob<T>{
        queries, keys.data(), values.data(), 0, keys.rows(), keys.cols(), keys.outerStride(), kScoreScale});
  }
  template <class T>
  void receive(std::span<AttentionQuery> queries, MatrixView<const T> keys, Index first) const {
    const Index last = std::min(keys.rows(), first + kAttentionBlock);
    detail::attend_amx_blocks<true, kvx_test::EmulatedTiles>(detail::AttentionJob<T>{
        queries, keys.data(), keys.data(), first, last, keys.cols(), keys.outerStride(), kScoreScale});
  }
};

template <class T, class Kernel>
void check(const Kernel& kernel, Index rows, Index dim, const std::vector<Index>& seen, Index window = 0) {
  CAPTURE(name_of(kernel.isa));
  CAPTURE(rows);
  CAPTURE(dim);
  CAPTURE(window);
  FloatCase<T> c(rows, dim, seen, window);
  kernel.template attend<T>(c.queries, c.k(0, rows), c.v(0, rows));
  for (Index first = 0; first < rows; first += kAttentionBlock)
    kernel.template receive<T>(c.queries, c.k(0, rows), first);
  finish_attention(c.queries, dim);
  std::vector<double> received(static_cast<std::size_t>(rows)), errors(received.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto exact = c.exact(i, kernel.isa);
    CHECK(exact.near(view(std::as_const(c).queries[i].out, 1, dim, dim).row(0)));
    for (std::size_t j = 0; j < exact.weights.size(); ++j) {
      const std::size_t row = static_cast<std::size_t>(c.first(i)) + j;
      received[row] += exact.weights[j];
      errors[row] += exact.weight_errors[j] + rounding_error(1, received[row]);
    }
  }
  bool near = true;
  for (std::size_t j = 0; j < received.size(); ++j) near &= std::abs(received[j] - double{c.received[j]}) <= errors[j];
  CHECK(near);

  // Blocks may be processed in any order and queries one by one, and each block changes only its own rows.
  const std::vector<float> ascending = c.received;
  std::fill(c.received.begin(), c.received.end(), 0.0f);
  for (Index first = (rows - 1) / kAttentionBlock * kAttentionBlock; first >= 0; first -= kAttentionBlock) {
    CHECK(std::all_of(c.received.begin(), c.received.begin() + std::min(rows, first + kAttentionBlock),
                      [](float sum) { return sum == 0; }));
    for (AttentionQuery& query : c.queries) kernel.template receive<T>({&query, 1}, c.k(0, rows), first);
  }
  CHECK(c.received == ascending);

  // A query gets the same bits if it runs without the others, and in two calls that are split at a block.
  const std::vector<float> batch_out = c.out;
  c.reset();
  const Index split = std::min<Index>(rows, kAttentionBlock);
  for (AttentionQuery& query : c.queries) {
    kernel.template attend<T>({&query, 1}, c.k(0, split), c.v(0, split));
    query.seen -= split;
    query.first = std::max<Index>(0, query.first - split);
    kernel.template attend<T>({&query, 1}, c.k(split, rows - split), c.v(split, rows - split));
  }
  finish_attention(c.queries, dim);
  CHECK(c.out == batch_out);
}

template <class Kernel>
void check_all(const Kernel& kernel) {
  check<float>(kernel, 1, 1, {1});
  check<float>(kernel, 150, 64, {150, 150, 150, 150, 150, 150, 150});
  check<float>(kernel, 200, 32, {1, 2, 63, 64, 65, 127, 128, 129, 199, 200, 300, 5, 77, 90, 91, 64, 200, 1, 30, 128});
  check<float>(kernel, 70, 80, {70, 3, 66});
  check<float>(kernel, 64, 7, {64, 1});
  check<BF16>(kernel, 150, 64, {150, 1, 64, 65, 150, 149, 150, 20});
  check<BF16>(kernel, 129, 24, {129, 128});
  check<BF16>(kernel, 130, 128, std::vector<Index>(70, 130));
  for (const Index window : {1, 30, 64, 100}) {
    check<float>(kernel, 200, 32, {1, 2, 63, 64, 65, 127, 128, 129, 199, 200, 300, 5, 77, 90, 91, 64, 200, 1}, window);
    check<BF16>(kernel, 150, 24, {150, 149, 20, 150}, window);
  }
}
}  // namespace

TEST_CASE("Attention equals a computation in double on every path, and a query does not depend on others") {
  for (const Isa path : available_isas()) check_all(Path{path});
}

TEST_CASE("Emulated AMX attention equals a computation in double, and a query does not depend on others") {
  check_all(EmulatedAmx());
}

TEST_CASE("Large scores do not overflow, and the highest gets all the weight") {
  for (const Isa path : available_isas()) {
    std::vector<float> keys(130, -1.0f), values(130, 1.0f), query = {1000.0f}, out = {0.0f};
    keys[100] = 1.0f;
    values[100] = 5.0f;
    std::vector<AttentionQuery> queries = {{query.data(), out.data(), 130}};
    attend<float>(queries, view<const float>(keys.data(), 130, 1, 1), view<const float>(values.data(), 130, 1, 1), 1.0f,
                  path);
    finish_attention(queries, 1);
    CHECK(out[0] == 5.0f);
  }
}

TEST_CASE("Attention over no rows changes nothing") {
  std::vector<float> query = {1.0f}, out = {2.0f};
  std::vector<AttentionQuery> queries = {{query.data(), out.data(), 0}};
  attend<float>(queries, view<const float>(nullptr, 0, 1, 1), view<const float>(nullptr, 0, 1, 1), 1.0f);
  CHECK(out[0] == 2.0f);
  CHECK(queries[0].total == 0);
}
