#include <kvx/text/template_items.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kvx::detail;

namespace {

/// A template's items as text: printed text in quotes, values after =, statements after %. "?" if it is not understood.
std::string items(const std::string& jinja) {
  const auto found = template_items(jinja);
  if (!found) return "?";
  std::string text;
  for (const TemplateItem& item : *found) {
    const bool printed = item.kind == TemplateItem::Kind::text;
    text += (text.empty() ? "" : " ") + (printed ? "'" + item.text + "'" : "");
    if (!printed) text += (item.kind == TemplateItem::Kind::value ? "=" : "%") + item.text;
  }
  return text;
}

}  // namespace

TEST_CASE("Different spellings of a template have the same items") {
  CHECK(items("{%- if a['role'] -%}\n  {{- 'x\\n' + m.role }}{% endif %}") == "%if a . role 'x\n' =m . role %endif");
  CHECK(items("{{'x\\n'}}{{ m[\"role\"]}}y") == "'x\n' =m . role 'y'");
  CHECK(items("{{ \"\\\"q\\\" + \" }}") == "'\"q\" + '");
  CHECK(items("{{ a + 'b' ~ c }}") == "=a 'b' =c");
  CHECK(items("{{ a + 'b' | trim }}") == "=a + \"b\" | trim");  // one value, because a filter binds more tightly
  CHECK(items("{{ d['items'] }}") == "=d [ \"items\" ]");       // a dictionary has a method of that name
  CHECK(items("{{ messages[0]['role'] == 'x' }}") == "=messages [ 0 ] . role == \"x\"");
}

TEST_CASE("Blanks around tags are stripped as in Jinja") {
  CHECK(items("a \n {{- x -}} \n b") == "'a' =x 'b'");
  CHECK(items("a \n {{ x }}\nb") == "'a \n ' =x '\nb'");
  CHECK(items("a\n  {% x %}\n  b") == "'a\n' %x '  b'");  // the indent before a block and the line end after it
  CHECK(items("a  {% x %}\n\nb") == "'a  ' %x '\nb'");
  CHECK(items("  {% x %}b") == "%x 'b'");
  CHECK(items("{{ x }}  {% y %}") == "=x '  ' %y");  // the blanks are not at the beginning of a line
  CHECK(items("{% x %}\n  {% y %}") == "%x %y");
  CHECK(items("a\n  {%+ x +%}\nb") == "'a\n  ' %x '\nb'");
  CHECK(items("a\n  {# x #}\nb{#- y -#}\n c") == "'a\nbc'");
  CHECK(items("a\r\nb\rc\n\n") == "'a\nb\nc\n'");
  CHECK(items("{ a }} b %}") == "'{ a }} b %}'");
}

TEST_CASE("A template that is not understood has no items") {
  for (const char* broken :
       {"{{", "{{ 'open }}", "{% x", "{# x", "{{ }}", "{{ '\\x41' }}", "{{ {'a': 1} }}", "{{ a ! b }}"})
    CHECK(items(broken) == "?");
}
