#include <kvx/press.hpp>
#include <kvx/press/knorm.hpp>

#include <vector>

int main() {
  const std::vector<float> rows{3, 0, 0, 1, 2, 2};  // norms 3, 1 and 2.8; Knorm keeps the smallest
  const auto keys = kvx::TensorView<const float>::head_major(rows.data(), 1, 3, 2);
  const auto kept = kvx::Press<kvx::Knorm>(0.5).select({.keys = keys, .values = keys});
  return kept.front() == std::vector<kvx::Index>{1} ? 0 : 1;
}
