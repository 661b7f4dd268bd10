#include <kvx/text/nfc.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kvx;

TEST_CASE("NFC composes, reorders marks and does not change composed text") {
  CHECK(nfc("e\u0301") == "\u00e9");
  CHECK(nfc("plain \u00e9\u4e2d\U0001F600") == "plain \u00e9\u4e2d\U0001F600");
  CHECK(nfc("\u212B") == "\u00c5");                // Angstrom sign
  CHECK(nfc("\u1112\u1161\u11ab") == "\ud55c");    // Hangul syllable
  CHECK(nfc("q\u0307\u0323") == "q\u0323\u0307");  // by combining class
  CHECK(nfc("\u0958") == "\u0915\u093c");          // excluded from composition
  CHECK(nfc("a\u0315\u0300\u05ae\u0062") == "\u00e0\u05ae\u0315b");
  CHECK(nfc("") == "");
}

TEST_CASE("A long run of combining marks does not take quadratic time") {
  constexpr int kPairs = 300'000;
  std::string marks = "a", sorted = "a";
  for (int i = 0; i < kPairs; ++i) marks += "\u0315\u0316";  // classes 232 and 220, each pair out of order
  for (int i = 0; i < kPairs; ++i) sorted += "\u0316";
  for (int i = 0; i < kPairs; ++i) sorted += "\u0315";
  CHECK(nfc(marks) == sorted);
}
