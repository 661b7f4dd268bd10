#include <kvx/text/template_marks.hpp>

#include <doctest/doctest.h>

using namespace kvx::detail;

TEST_CASE("A reduced template shows what is printed and done, however it is spelled") {
  CHECK(reduce_template("{%- if a['b'] -%}\n  {{- 'x\\n' + m.role }}{% endif %}") == "{%ifab%}{{x\nmrole}}{%endif%}");
  CHECK(reduce_template("{{ \"\\\"q\\\" + \" }}") == "{{\"q\" + }}");
  CHECK(reduce_template("{{a}}\n{{b}}\n{{- c }}\n") == "{{a}}\n{{b}}{{c}}");
  CHECK(reduce_template("{% if a %}\n  {{ b }} text {% endif %}") == "{%ifa%}{{b}} text {%endif%}");
  CHECK(reduce_template("{{ 'open") == "{{open");
}

TEST_CASE("Text between two marks") {
  CHECK(between("a[b]c]", "[", "]") == "b");
  CHECK(!between("a[b", "[", "]"));
  CHECK(!between("ab]", "[", "]"));
}
