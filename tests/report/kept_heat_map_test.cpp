#include <kvx/report/charts/gnuplot.hpp>
#include <kvx/report/charts/kept_heat_map.hpp>
#include <kvx/report/charts/span_colors.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kvx;

TEST_CASE("A map of few tokens has a column for each, layer by layer and head by head") {
  const std::vector<Kept> layers = {{{0, 2}, {1}}, {{0, 1, 2, 3}, {}}};
  CHECK(detail::kept_bins(4, layers) ==
        std::vector<std::vector<double>>{{1, 0, 1, 0}, {0, 1, 0, 0}, {1, 1, 1, 1}, {0, 0, 0, 0}});
}

TEST_CASE("A map of many tokens has 160 columns, each the share that is kept of its tokens") {
  const auto bins = detail::kept_bins(320, {{{0, 1, 2, 319}}});
  REQUIRE(bins.size() == 1);
  REQUIRE(bins[0].size() == 160);
  CHECK(bins[0][0] == 1);
  CHECK(bins[0][1] == 0.5);
  CHECK(bins[0][2] == 0);
  CHECK(bins[0][159] == 0.5);
  // Columns of unequal size: of 240 tokens, each has one or two.
  const auto uneven = detail::kept_bins(240, {{{0, 1, 2}}});
  CHECK(uneven[0][0] == 1);
  CHECK(uneven[0][1] == 1);
  CHECK(uneven[0][2] == 0);
}

TEST_CASE("Spans are named above the map and marked where they begin and end") {
  const std::vector<NamedSpan> spans = {{"defense", {1, 2}}, {"instructions", {2, 4}}};
  const Picture picture = kept_heat_map("it's kept", "plots/x.png", 4, {{{0}}}, spans);
  CHECK(picture.path == "plots/x.png");
  const std::string& script = picture.script;
  CHECK(script.find("'it''s kept'") != script.npos);
  CHECK(script.find("set arrow from first 1, graph 0 to first 1, graph 1 nohead front lw 1.5 lc rgb '#D55E00'") !=
        script.npos);
  CHECK(script.find("set arrow from first 4, graph 0 to first 4, graph 1 nohead front lw 1.5 lc rgb '#009E73'") !=
        script.npos);
  CHECK(script.find("set label 'defense' at first 1.5") != script.npos);
  CHECK(script.find("set label 'instructions' at first 3") != script.npos);
}

TEST_CASE("Names of spans that are too narrow for them are on two lines") {
  detail::PlotScript script;
  const std::vector<NamedSpan> spans = {{"prepend", {0, 10}}, {"defense", {10, 20}}};
  const Picture picture{"", "", "", 100, 100};
  detail::mark_spans(script, picture, spans, 1000, 500, 50);
  CHECK(script.text().find("set label 'prepend' at first 49, screen 0.66 ") != std::string::npos);
  CHECK(script.text().find("set label 'defense' at first 49, screen 0.8 ") != std::string::npos);
}

TEST_CASE("A map can be drawn") {
  const auto gnuplot = Gnuplot::find();
  if (!gnuplot) return;
  const std::vector<NamedSpan> spans = {{"instructions", {2, 4}}};
  const Drawing drawing = gnuplot->draw(kept_heat_map("t", "plots/x.png", 4, {{{0, 1}, {3}}}, spans));
  CHECK(drawing.svg.find("data:image/png;base64,") != std::string::npos);
  CHECK(drawing.png.starts_with("\x89PNG"));
  CHECK(drawing.svg == gnuplot->draw(kept_heat_map("t", "plots/x.png", 4, {{{0, 1}, {3}}}, spans)).svg);
}

TEST_CASE("Spans are sorted, with the whole prompt last") {
  std::vector<std::string> spans = {"all", "rest", "other", "instructions", "defense", "prepend"};
  sort_spans(spans);
  CHECK(spans == std::vector<std::string>{"prepend", "defense", "instructions", "rest", "other", "all"});
}
