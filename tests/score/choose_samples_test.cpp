#include <kvx/score/choose_samples.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

using kvx::choose_samples;

using Indices = std::vector<std::size_t>;

TEST_CASE("Samples are spread over contexts: the first of each, then the second") {
  const std::vector<std::string> contexts = {"a", "a", "a", "b", "b", "c"};
  CHECK(choose_samples(contexts, {}) == Indices{0, 1, 2, 3, 4, 5});
  CHECK(choose_samples(contexts, {.samples = 1}) == Indices{0});
  CHECK(choose_samples(contexts, {.samples = 3}) == Indices{0, 3, 5});
  CHECK(choose_samples(contexts, {.samples = 4}) == Indices{0, 1, 3, 5});
  CHECK(choose_samples(contexts, {.samples = 5}) == Indices{0, 1, 3, 4, 5});
  CHECK(choose_samples(contexts, {.samples = 60}) == Indices{0, 1, 2, 3, 4, 5});
}

TEST_CASE("Contexts are taken with all their samples, wherever these are in the file") {
  const std::vector<std::string> contexts = {"a", "b", "a", "c", "b"};
  CHECK(choose_samples(contexts, {.contexts = 1}) == Indices{0, 2});
  CHECK(choose_samples(contexts, {.contexts = 2}) == Indices{0, 1, 2, 4});
  CHECK(choose_samples(contexts, {.contexts = 2, .samples = 3}) == Indices{0, 1, 2});
  CHECK(choose_samples(contexts, {.contexts = 9}) == Indices{0, 1, 2, 3, 4});
  CHECK(choose_samples({}, {.contexts = 1, .samples = 1}).empty());
}
