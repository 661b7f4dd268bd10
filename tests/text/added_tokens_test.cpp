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
