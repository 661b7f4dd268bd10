#include <kvx/eval/speed/speed_text.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace kvx;

namespace {

SpeedReport example_speed_report() {
  SpeedReport report;
  report.cpu = "A \"fast\" CPU, model 1";
  report.path = Isa::avx2;
  report.threads = 2;
  report.limits.read = {2e10, 1.75e10};
  report.limits.peaks = {{Isa::portable, {50, 40}}, {Isa::avx2, {200, 190.25}}};
  report.model = "some|model bf16";
  report.weight_bytes = 3 << 20;
  report.parameters = 1500000;
  report.load_seconds = 0.25;
  report.tests = {
      {.path = Isa::avx2,
       .prompt = 512,
       .tokens_per_second = 100,
       .deviation = 0.5,
       .flops_per_token = 7.5e8,
       .attention_flops_per_token = 2.5e8},
      {.path = Isa::avx2,
       .steps = 64,
       .depth = 10,
       .tokens_per_second = 4,
       .flops_per_token = 2e9,
       .bytes_per_token = 1e9},
  };
  return report;
}

}  // namespace

TEST_CASE("a speed report in Markdown: the machine, the load, and a row for each test") {
  std::string text = speed_markdown(example_speed_report());
  const auto table = text.find('|');
  REQUIRE(table != text.npos);
  CHECK(text.substr(0, table) ==
        "A \"fast\" CPU, model 1: reads 20.0 GB/s (17.5 to 20.0); peak portable 50.0 GFLOPS (40.0 to 50.0), avx2 200.0 "
        "GFLOPS (190.2 to 200.0)\nload 0.25 s\n\n");
  text.erase(0, table);
  const auto padding = [](char a, char b) { return a == b && (a == ' ' || a == '-'); };
  text.erase(std::unique(text.begin(), text.end(), padding), text.end());
  CHECK(
      text ==
      "| model | size | params | backend | threads | test | t/s ± sd | rate | of the limit |\n"
      "| - | - | - | - | - | - | - | - | - |\n"
      "| some\\|model bf16 | 3.00 MiB | 1.50 M | avx2 | 2 | pp512 | 100.00 ± 0.50 | 100.0 GFLOPS | 50 % of the peak |\n"
      "| some\\|model bf16 | 3.00 MiB | 1.50 M | avx2 | 2 | tg64 @ d10 | 4.00 ± 0.00 | 4.0 GB/s | 20 % of the read "
      "bandwidth "
      "|\n");
}

TEST_CASE("random weights were made, not loaded") {
  SpeedReport report = example_speed_report();
  CHECK(speed_csv(report).find(",load,") != std::string::npos);
  CHECK(speed_json(report).find("load_seconds") != std::string::npos);
  report.random_weights = true;
  CHECK(speed_markdown(report).find("\nrandom weights, made in 0.25 s\n\n") != std::string::npos);
  for (const std::string& text : {speed_markdown(report), speed_csv(report), speed_json(report)})
    CHECK(text.find("load") == std::string::npos);
}

TEST_CASE("a speed report in CSV: a line for each measurement, those of the machine first") {
  const std::string columns = "\"A \"\"fast\"\" CPU, model 1\",some|model bf16,3145728,1500000,";
  CHECK(speed_csv(example_speed_report()) ==
        "cpu,model,size,params,backend,threads,test,value,deviation,unit,share_of_limit\n" +      //
            columns + "avx2,2,read,20,,GB/s,\n" +                                                 //
            columns + "portable,2,peak,50,,GFLOPS,\n" + columns + "avx2,2,peak,200,,GFLOPS,\n" +  //
            columns + "avx2,2,load,0.25,,s,\n" +                                                  //
            columns + "avx2,2,pp512,100,0.5,t/s,0.5\n" + columns + "avx2,2,tg64 @ d10,4,0,t/s,0.2\n");
}

TEST_CASE("a speed report in JSON: one object, with the numbers of each test") {
  CHECK(speed_json(example_speed_report()) ==
        R"({"cpu":"A \"fast\" CPU, model 1","backend":"avx2","threads":2,"read_gb_per_second":20,)"
        R"("least_read_gb_per_second":17.5,"peak_gflops":{"portable":50,"avx2":200},)"
        R"("least_peak_gflops":{"portable":40,"avx2":190.25},"model":"some|model bf16","size":3145728,)"
        R"("params":1500000,"load_seconds":0.25,"tests":[)"
        R"({"test":"pp512","backend":"avx2","prompt":512,"steps":0,"depth":0,"batch":1,"tokens_per_second":100,)"
        R"("deviation":0.5,"flops_per_token":7.5e+08,"attention_flops_per_token":2.5e+08,"bytes_per_token":0,)"
        R"("share_of_limit":0.5},)"
        R"({"test":"tg64 @ d10","backend":"avx2","prompt":0,"steps":64,"depth":10,"batch":1,"tokens_per_second":4,)"
        R"("deviation":0,"flops_per_token":2e+09,"attention_flops_per_token":0,"bytes_per_token":1e+09,)"
        R"("share_of_limit":0.2}]})"
        "\n");
}
