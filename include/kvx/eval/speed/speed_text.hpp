#pragma once

#include <kvx/eval/speed/speed.hpp>
#include <kvx/eval/speed/speed_prefix.hpp>
#include <kvx/eval/speed/speed_verdict.hpp>
#include <kvx/io/csv_field.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/io/markdown.hpp>
#include <kvx/io/number_text.hpp>
#include <kvx/kernels/isa.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace kvx::inline v0 {

namespace detail {

/// The text of a spread, such as `61.2 GB/s (55.0 to 61.2)`.
inline std::string spread_text(const Spread& spread, double scale, std::string_view unit) {
  return decimals(spread.best * scale, 1).append(" ").append(unit) + " (" + decimals(spread.least * scale, 1) + " to " +
         decimals(spread.best * scale, 1) + ")";
}

}  // namespace detail

/// Two lines about the machine and the load time, or the time to make random weights, then a table like llama-bench's,
/// with the share of each test's limit that was reached. Comparisons of paths and depths follow, if there are any.
inline std::string speed_markdown(const SpeedReport& report) {
  std::string text = report.cpu + ": reads " + detail::spread_text(report.limits.read, 1e-9, "GB/s") + "; peak";
  for (const auto& [path, peak] : report.limits.peaks)
    text.append(" ").append(name_of(path)).append(" ").append(detail::spread_text(peak, 1, "GFLOPS")).append(",");
  text.back() = '\n';
  text += (report.random_weights ? "random weights, made in " : "load ") + decimals(report.load_seconds, 2) + " s\n";
  if (!report.text.empty())
    text += "perplexity " + decimals(report.perplexity, 4) + " of " + std::to_string(report.text_tokens) +
            " tokens of " + report.text + "\n";
  text += "\n";
  std::vector<std::vector<std::string>> rows = {
      {"model", "size", "params", "backend", "threads", "test", "t/s ± sd", "rate", "of the limit"}};
  for (const SpeedTest& test : report.tests) {
    const bool reads = test.bytes_per_token > 0;
    const double rate = test.tokens_per_second * (reads ? test.bytes_per_token : test.all_flops_per_token()) * 1e-9;
    rows.push_back(
        {markdown_text(report.model), decimals(static_cast<double>(report.weight_bytes) / (1 << 20), 2) + " MiB",
         decimals(static_cast<double>(report.parameters) * 1e-6, 2) + " M", std::string(name_of(test.path)),
         std::to_string(report.threads), test.name(),
         decimals(test.tokens_per_second, 2) + " ± " + decimals(test.deviation, 2),
         decimals(rate, 1) + (reads ? " GB/s" : " GFLOPS"),
         decimals(100 * report.share_of_limit(test), 0) + (reads ? " % of the read bandwidth" : " % of the peak")});
  }
  return text + markdown_table(rows) + verdict_markdown(report) + shared_prefix_markdown(report);
}

/// One line for each measurement: the machine's limits, the load time unless weights are random, then the tests. Fields
/// that do not apply are empty.
inline std::string speed_csv(const SpeedReport& report) {
  std::string text = "cpu,model,size,params,backend,threads,test,value,deviation,unit,share_of_limit\n";
  const auto add = [&](Isa path, std::string_view test, double value, std::string_view deviation, std::string_view unit,
                       std::string_view share) {
    text.append(csv_field(report.cpu)).append(",").append(csv_field(report.model));
    text.append(",").append(std::to_string(report.weight_bytes)).append(",").append(std::to_string(report.parameters));
    text.append(",").append(name_of(path)).append(",").append(std::to_string(report.threads)).append(",").append(test);
    text.append(",").append(csv_field(value)).append(",").append(deviation).append(",").append(unit);
    text.append(",").append(share).append("\n");
  };
  add(report.path, "read", report.limits.read.best * 1e-9, "", "GB/s", "");
  for (const auto& [path, peak] : report.limits.peaks) add(path, "peak", peak.best, "", "GFLOPS", "");
  if (!report.random_weights) add(report.path, "load", report.load_seconds, "", "s", "");
  if (!report.text.empty()) add(report.path, "perplexity", report.perplexity, "", "", "");
  for (const SpeedTest& test : report.tests)
    add(test.path, test.name(), test.tokens_per_second, csv_field(test.deviation), "t/s",
        csv_field(report.share_of_limit(test)));
  return text;
}

inline std::string speed_json(const SpeedReport& report) {
  JsonWriter out;
  out.begin_object().key("cpu").value(report.cpu).key("backend").value(name_of(report.path));
  out.key("threads").value(report.threads);
  out.key("read_gb_per_second").value(report.limits.read.best * 1e-9);
  out.key("least_read_gb_per_second").value(report.limits.read.least * 1e-9);
  out.key("peak_gflops").begin_object();
  for (const auto& [path, peak] : report.limits.peaks) out.key(name_of(path)).value(peak.best);
  out.end_object().key("least_peak_gflops").begin_object();
  for (const auto& [path, peak] : report.limits.peaks) out.key(name_of(path)).value(peak.least);
  out.end_object().key("model").value(report.model).key("size").value(report.weight_bytes);
  out.key("params").value(report.parameters);
  if (!report.random_weights) out.key("load_seconds").value(report.load_seconds);
  if (!report.text.empty()) {
    out.key("text").value(report.text).key("text_tokens").value(report.text_tokens);
    out.key("perplexity").value(report.perplexity);
  }
  out.key("tests").begin_array();
  for (const SpeedTest& test : report.tests) {
    out.begin_object()
        .key("test")
        .value(test.name())
        .key("backend")
        .value(name_of(test.path))
        .key("prompt")
        .value(test.prompt)
        .key("steps")
        .value(test.steps);
    out.key("depth").value(test.depth).key("batch").value(test.batch);
    out.key("tokens_per_second").value(test.tokens_per_second).key("deviation").value(test.deviation);
    out.key("flops_per_token").value(test.flops_per_token);
    out.key("attention_flops_per_token").value(test.attention_flops_per_token);
    out.key("bytes_per_token").value(test.bytes_per_token);
    out.key("share_of_limit").value(report.share_of_limit(test)).end_object();
  }
  out.end_array();
  if (const auto verdicts = path_verdicts(report); !verdicts.empty()) {
    out.key("best_backends").begin_object();
    for (const PathVerdict& verdict : verdicts) out.key(verdict.best->name()).value(name_of(verdict.best->path));
    out.end_object();
  }
  return out.end_object().text() + "\n";
}

}  // namespace kvx::inline v0
