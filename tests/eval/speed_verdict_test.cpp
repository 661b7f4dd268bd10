#include <kvx/eval/speed/speed_prefix.hpp>
#include <kvx/eval/speed/speed_text.hpp>
#include <kvx/eval/speed/speed_verdict.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace kvx;

TEST_CASE("the verdict says for each test whether the path that kvx takes was the best") {
  SpeedReport report;
  report.path = Isa::avx512;
  report.tests = {{.path = Isa::avx2, .prompt = 8, .tokens_per_second = 90},
                  {.path = Isa::avx512, .prompt = 8, .tokens_per_second = 100},
                  {.path = Isa::avx2, .steps = 4, .tokens_per_second = 110, .deviation = 1},
                  {.path = Isa::avx512, .steps = 4, .tokens_per_second = 100, .deviation = 2},
                  {.path = Isa::avx2, .steps = 4, .batch = 3, .tokens_per_second = 104, .deviation = 3},
                  {.path = Isa::avx512, .steps = 4, .batch = 3, .tokens_per_second = 100, .deviation = 2}};
  CHECK(verdict_markdown(report) ==
        "\nkvx takes avx512 on this CPU:\n\n"
        "- pp8: avx512 is the fastest\n"
        "- tg4: avx2 is 10.0 % faster\n"
        "- tg4 x b3: avx2 is 4.0 % faster, within the deviations\n");
  CHECK(speed_json(report).ends_with(R"("best_backends":{"pp8":"avx512","tg4":"avx2","tg4 x b3":"avx2"}})"
                                     "\n"));
  report.path = Isa::amx;
  CHECK(verdict_markdown(report).find("- pp8: avx512 is the fastest of those tried\n") != std::string::npos);
}

TEST_CASE("tests on one path need no verdict, and depths without a batch no table") {
  SpeedReport report;
  report.tests = {{.prompt = 8, .tokens_per_second = 90},
                  {.steps = 4, .tokens_per_second = 100},
                  {.steps = 4, .depth = 9, .tokens_per_second = 100}};
  CHECK(verdict_markdown(report).empty());
  CHECK(shared_prefix_markdown(report).empty());
}

TEST_CASE("the cost of a shared prefix is the slowdown of a batch beyond that by the arithmetic of the rows") {
  SpeedReport report;
  report.tests = {{.steps = 4,
                   .depth = 10,
                   .batch = 64,
                   .tokens_per_second = 100,
                   .flops_per_token = 2e9,
                   .attention_flops_per_token = 0},
                  {.steps = 4,
                   .depth = 90,
                   .batch = 64,
                   .tokens_per_second = 45,
                   .flops_per_token = 2e9,
                   .attention_flops_per_token = 2e9}};
  std::string table = shared_prefix_markdown(report);
  table.erase(std::unique(table.begin(), table.end(), [](char a, char b) { return a == ' ' && b == ' '; }),
              table.end());
  CHECK(table.find("| 64 | portable | 10 | 2.000 | 0.000 | 100.0 | 100.0 | 0.0 % |\n") != table.npos);
  CHECK(table.find("| 64 | portable | 90 | 4.000 | 2.000 | 45.0 | 50.0 | 10.0 % |\n") != table.npos);
}
