#include <kvx/io/regex.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
std::vector<std::string> split(std::string_view pattern, std::string_view text) {
  std::vector<std::string> pieces;
  Regex(pattern, "field pattern").split(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}
using Pieces = std::vector<std::string>;

/// A text that "^(a+)+$" does not match, which takes it too many steps to find out.
constexpr std::string_view kRunaway = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
}  // namespace

TEST_CASE("split returns the matches and the text between them") {
  CHECK(split("\\p{N}", "a12b") == Pieces{"a", "1", "2", "b"});
  CHECK(split("x", "abc") == Pieces{"abc"});
  CHECK(split("x", "") == Pieces{});
  CHECK(split("\\p{L}+", "h\u00e9 \u4e2d\u6587!") == Pieces{"h\u00e9", " ", "\u4e2d\u6587", "!"});
  CHECK(split("a*", "b\u00e9aab") == Pieces{"b", "\u00e9", "aa", "b"});  // an empty match splits the text
}

TEST_CASE("A pattern is found anywhere unless it is anchored") {
  CHECK(Regex("\\d{2}", "p").found_in("a\u00e9 12"));
  CHECK_FALSE(Regex("^\\d{2}$", "p").found_in("a12"));
  CHECK(Regex("^.$", "p").found_in("\U0001F600"));
  CHECK(Regex("", "p").found_in(""));
}

TEST_CASE("White space is what Unicode defines") {
  CHECK(split("\\s+", "a\u0085\u3000b\u180ec") == Pieces{"a", "\u0085\u3000", "b\u180ec"});
  CHECK(split("[^\\s]+", "a \u180e") == Pieces{"a", " ", "\u180e"});
  CHECK(split("\\S+", "a \u180e") == Pieces{"a", " ", "\u180e"});
  CHECK(split("\\\\s", "\\s ") == Pieces{"\\s", " "});  // an escaped backslash and an s
}

TEST_CASE("A pattern that does not compile or takes too many steps is an error") {
  CHECK(error_of([] { Regex("(", "field pattern"); }).starts_with("field pattern: not a regular expression: "));
  CHECK(error_of([] { Regex("a\\", "field pattern"); }).starts_with("field pattern: not a regular expression: "));
  CHECK(error_of([] { split("^(a+)+$", kRunaway); }).starts_with("field pattern: a match takes too many steps: "));
}

TEST_CASE("Matches that do not overlap are counted, empty ones too") {
  const auto count = [](std::string_view pattern, std::string_view text) { return Regex(pattern, "p").count(text); };
  CHECK(count("a\u00e9", "a\u00e9a\u00e9a") == 2);
  CHECK(count("aa", "aaaaa") == 2);
  CHECK(count("a*", "baac") == 4);  // before b, aa, before c, at the end
  CHECK(count("", "\u00e9\u4e2d") == 3);
  CHECK(count("x", "") == 0);
  CHECK(error_of([&] { count("^(a+)+$", kRunaway); }).starts_with("p: a match takes too many steps: "));
}

TEST_CASE("Matches are replaced, with their groups") {
  CHECK(Regex("(\\w)\\.", "p").replaced("a. \u00e9. .", "<$1>$0") == "<a>a. <\u00e9>\u00e9. .");
  CHECK(Regex("x", "p").replaced("", "y").empty());
  CHECK(Regex("x", "p").replaced(std::string(5000, 'x'), "longer").size() == 30000);
  CHECK(
      error_of([] { Regex("^(a+)+$", "p").replaced(kRunaway, ""); }).starts_with("p: a match takes too many steps: "));
}

TEST_CASE("A long run of blanks is split in linear time") {
  const std::string blanks(1 << 20, ' ');
  CHECK(split("\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", blanks + "x").size() == 3);
}
