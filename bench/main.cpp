// Runs the benchmarks and prints one line for each: its time, its rate, and the rate as a percentage of the machine's.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdio>

#include "work.hpp"

namespace {

class RatePrinter : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void benchmarkEnded(const Catch::BenchmarkStats<>& stats) override {
    const double seconds = stats.mean.point.count() * 1e-9, deviation = stats.standardDeviation.point.count() * 1e-9;
    std::printf("%-64s %12.3f us ± %4.1f %%", stats.info.name.c_str(), 1e6 * seconds, 100 * deviation / seconds);
    if (const auto work = kvx_bench::benchmark_work().find(stats.info.name);
        work != kvx_bench::benchmark_work().end()) {
      const double rate = work->second.amount / seconds;
      std::printf(" %8.1f %-6s %4.0f %%", rate, work->second.unit, 100 * rate / work->second.limit);
    }
    if (const auto work = kvx_bench::layer_work().find(stats.info.name); work != kvx_bench::layer_work().end())
      std::printf(" %8.1f ms for %.0f layers %5.2f %% of a prefill", 1e3 * seconds * work->second.layers,
                  work->second.layers, 100 * seconds / work->second.prefill_seconds);
    std::printf("\n");
    std::fflush(stdout);
  }
  void benchmarkFailed(const std::string& error) override { std::printf("failed: %s\n", error.c_str()); }
};
CATCH_REGISTER_LISTENER(RatePrinter)

}  // namespace

int main(int argc, char** argv) {
  Catch::Session session;
  session.configData().reporterName = "compact";  // it does not print benchmarks, so that only the listener does
  session.configData().benchmarkSamples = 10;
  std::printf("%s. The last column is the share of this machine's peak or read bandwidth.\n", kvx::cpu_name().c_str());
  return session.run(argc, argv);
}
