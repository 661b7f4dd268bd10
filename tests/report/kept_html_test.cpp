#include <kvx/report/pages/kept_html.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kvx;

namespace {
KeptText shaded_prompt() {
  KeptText text;
  text.model = "a/m";
  text.task = "t<1>";
  text.index = 3;
  text.tokens = {"<a>", "\n", "b", "c\xff"};
  text.spans = {{"x&y", {1, 3}}};
  text.heads = 4;
  text.cells = {{{"knorm", 0.5}, {4, 1, 0, 3}}};
  return text;
}

bool shows(const std::string& html, const std::string& part) { return html.find(part) != html.npos; }
}  // namespace

TEST_CASE("Each token is shaded by the heads that keep it, and one that none keeps is struck through") {
  const std::string html = kept_html(shaded_prompt());
  CHECK(shows(html,
              "<pre class=\"kept\">"
              "<i style=\"--kept:1\" title=\"token 0: kept by 4 of 4 heads\">&lt;a&gt;</i>"
              "<span class=\"part\" style=\"border-color:#CC79A7\"><b>x&amp;y</b>"
              "<i style=\"--kept:0.25\" title=\"token 1, x&amp;y: kept by 1 of 4 heads\">⏎\n</i>"
              "<s title=\"token 2, x&amp;y: kept by 0 of 4 heads\">b</s></span>"
              "<i style=\"--kept:0.75\" title=\"token 3: kept by 3 of 4 heads\">c\xef\xbf\xbd</i></pre>"));
  CHECK(shows(html, "<h3>m: t&lt;1&gt;, sample 3</h3>"));
  KeptText asked = shaded_prompt();
  asked.query_aware = true;
  CHECK(shows(kept_html(asked), "<h3>m: t&lt;1&gt;, sample 3, with its question</h3>"));
  CHECK(shows(html, "<h4>ratio 0.5: 0.50 of the rows kept</h4>"));
}

TEST_CASE("A span that reaches the prompt's end is closed, and a token in several spans belongs to the last") {
  KeptText text = shaded_prompt();
  text.spans = {{"defense", {0, 3}}, {"instructions", {2, 9}}};
  const std::string html = kept_html(text);
  CHECK(shows(html, "title=\"token 1, defense: "));
  CHECK(shows(html, "title=\"token 2, instructions: "));
  CHECK(shows(html, "</s><i style=\"--kept:0.75\""));
  CHECK(shows(html, "</i></span></pre>"));
  CHECK(shows(html, "</i></span><span class=\"part\" style=\"border-color:#009E73\"><b>instructions</b>"));
}

TEST_CASE("The cells of each press are folded together, unless there is only one press") {
  KeptText text = shaded_prompt();
  CHECK(shows(kept_html(text), "<details open><summary>knorm</summary>"));
  text.cells.push_back({{"tova", 0.5, "keep=2"}, {1, 1, 1, 1}});
  text.cells.push_back({{"knorm", 0.75}, {0, 0, 0, 0}});
  const std::string html = kept_html(text);
  CHECK(shows(html, "<details><summary>knorm</summary>\n<h4>ratio 0.5: "));
  CHECK(html.find("<h4>ratio 0.75: 0.00 ") < html.find("<summary>tova</summary>\n<h4>keep=2: 0.25 "));
  CHECK_FALSE(shows(html, "open"));
}

TEST_CASE("A page about prompts holds its tables, pictures and prompts, and needs no other file") {
  Picture picture{"plots/x.png", "drawn", "how <it> is read"};
  picture.svg = "<svg id='a'></svg>";
  const ReportTable table{"spans", {"span"}, {{{"all"}}}};
  const std::string page = kept_page("A & B", std::vector{shaded_prompt(), shaded_prompt()},
                                     std::vector{picture, picture}, std::vector{table});
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(page.ends_with("</body>\n</html>\n"));
  CHECK(shows(page, "<title>A &amp; B</title>"));
  CHECK(shows(page, "<caption>spans</caption>"));
  CHECK(shows(page, "<svg id='p1-a'>"));
  CHECK(shows(page, "<svg id='p2-a'>"));
  CHECK(shows(page, "how &lt;it&gt; is read"));
  CHECK(page.find("<h3>m:") != page.rfind("<h3>m:"));
}
