#include <kvx/report/load/press_families.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kvx;

TEST_CASE("The press inside a fair form is found") {
  CHECK(detail::without_fair("fair(knorm)") == "knorm");
  CHECK(detail::without_fair("fair(snapkv(window=16, kernel=5))") == "snapkv(window=16, kernel=5)");
  CHECK(detail::without_fair("fair(snapkv(window=16), defense=1:2, instructions=2:9)") == "snapkv(window=16)");
  CHECK(detail::without_fair("protect(fair(knorm), first=4)") == "protect(knorm, first=4)");
  CHECK(detail::without_fair("fair(ada(snapkv))+int4") == "ada(snapkv)+int4");
  CHECK(detail::without_fair("unfair(knorm)") == "unfair(knorm)");
  CHECK(detail::without_fair("span(knorm, name=fair(x))") == "span(knorm, name=fair(x))");
  CHECK(detail::without_fair("knorm") == "knorm");
}

TEST_CASE("A press comes before its fair form, whichever is first in the input") {
  const CellName fair{"fair(knorm)"}, tova{"tova"}, plain{"knorm"}, lone{"fair(snapkv)"}, aware{"knorm", 0, {}, true};
  CHECK(press_families({fair, tova, plain, lone, aware}) ==
        std::vector<PressFamily>{{plain, fair}, {tova}, {lone}, {aware}});
}
