#include <kvx/text/added_tokens.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kvx;

namespace {
std::string cut(const AddedTokens& added, std::string_view text) {
  std::string out;
  added.split(
      text, [&](std::string_view part) { out.append("(").append(part).append(")"); },
      [&](Token id) { out += std::to_string(id); });
  return out;
}
}  // namespace

TEST_CASE("Added tokens are found, the longest one at the first place") {
  AddedTokens added;
  added.add("<a>", 1);
  added.add("<a><b>", 2);
  added.add("b>c", 3);
  CHECK(cut(added, "x<a>y<a><b>c") == "(x)1(y)2(c)");
  CHECK(cut(added, "<a><a>") == "11");
  CHECK(cut(added, "<b>c<a") == "(<)3(<a)");
  CHECK(cut(added, "") == "");
  CHECK(cut(AddedTokens(), "<a>") == "(<a>)");
}

TEST_CASE("Of two tokens with the same text the first one is found") {
  AddedTokens added;
  added.add("<a>", 1);
  added.add("<a>", 2);
  CHECK(cut(added, "<a>") == "1");
}

TEST_CASE("lstrip and rstrip take white space along, and a single_word token is not found inside a longer word") {
  AddedTokens added;
  added.add("<l>", 1, {.lstrip = true});
  added.add("<r>", 2, {.rstrip = true});
  added.add("word", 3, {.single_word = true});
  CHECK(cut(added, "a \u3000\n<l> b") == "(a)1( b)");
  CHECK(cut(added, "a <r> \u00a0\tb") == "(a )2(b)");
  CHECK(cut(added, "<r>  <l>") == "21");  // the first token takes the white space
  CHECK(cut(added, " <l><l>  ") == "11(  )");
  CHECK(cut(added, "a word, word") == "(a )3(, )3");
  for (const char* longer : {"swords", "keyword", "words", "word_", "word5", "\u00e9word", "word\u0301", "word\u200d"})
    CHECK(cut(added, longer) == "(" + std::string(longer) + ")");
  CHECK(cut(added, "\u4e2dword") == "(\u4e2dword)");
  CHECK(cut(added, "words word") == "(words )3");
}
