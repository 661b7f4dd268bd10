#include <kvx/text/span_marks.hpp>

#include <doctest/doctest.h>

#include "support/error_of.hpp"

using namespace kvx;

namespace {
std::string spans_of(const MarkedText& text) {
  std::string all;
  for (const TextSpan& span : text.spans)
    all += span.name + "=" + text.text.substr(span.first, span.last - span.first) + ";";
  return all;
}
}  // namespace

TEST_CASE("Span marks are removed from a text, and their spans are returned") {
  const MarkedText text = read_span_marks("a<kvx:defense>bc</kvx:defense><kvx:x>d<kvx:y_z>e</kvx:y_z></kvx:x>f", "");
  CHECK(text.text == "abcdef");
  CHECK(spans_of(text) == "defense=bc;x=de;y_z=e;");
  CHECK(read_span_marks("plain <b>text</b>", "").text == "plain <b>text</b>");
  CHECK(read_span_marks("", "").text.empty());
  const std::string again = "<kvx:a>1</kvx:a>2<kvx:a>3</kvx:a>";
  CHECK(spans_of(read_span_marks(again, "")) == "a=1;a=3;");
  CHECK(marked("a", "1") + "2" + marked("a", "3") == again);
}

TEST_CASE("A malformed span mark is an error with its place") {
  const auto error = [](std::string_view text) { return error_of([&] { read_span_marks(text, "FILE: line 3"); }); };
  CHECK(error("x<kvx:a>y") == "FILE: line 3: expected </kvx:a>, found the end of the text");
  CHECK(error("x</kvx:a>y") == "FILE: line 3: expected an opening mark, found </kvx:a>");
  CHECK(error("<kvx:a><kvx:b></kvx:a></kvx:b>") == "FILE: line 3: expected </kvx:b>, found </kvx:a>");
  CHECK(error("<kvx:A>") == "FILE: line 3: expected a span mark such as <kvx:instructions>, found <kvx:A>");
  CHECK(error("<kvx:>") == "FILE: line 3: expected a span mark such as <kvx:instructions>, found <kvx:>");
  CHECK(error("<kvx:a") == "FILE: line 3: expected a span mark such as <kvx:instructions>, found <kvx:a");
}
