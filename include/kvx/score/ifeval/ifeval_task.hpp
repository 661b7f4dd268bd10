#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_tree.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/score/ifeval/answer_text.hpp>
#include <kvx/score/ifeval/ifeval_samples.hpp>
#include <kvx/score/ifeval/ifeval_summary.hpp>
#include <kvx/score/ifeval/instruction.hpp>
#include <kvx/score/ifeval/instructions.hpp>
#include <kvx/score/ifeval/resources.hpp>
#include <kvx/score/leakage/leakage_data.hpp>
#include <kvx/score/leakage/leakage_samples.hpp>
#include <kvx/score/metric.hpp>
#include <kvx/score/row_form.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/sample_file.hpp>
#include <kvx/score/statistics/estimate.hpp>
#include <kvx/score/system_prompt.hpp>
#include <kvx/score/task.hpp>
#include <kvx/score/task_option.hpp>
#include <kvx/text/code_points.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

struct IfevalOptions {
  std::string resources = {};  ///< the folder with the models of sentences and languages
  std::string prepend{SystemPrompt::kPrepend};
  std::string defense = {};  ///< the key of the system prompts' defense; empty for none
  std::string defenses_file = {};

  static constexpr auto options() {
    using O = IfevalOptions;
    return std::tuple(
        TaskOption{"ifeval-models", &O::resources,
                   "folder with the models of sentences and languages that ifeval needs", "", "ifeval"},
        TaskOption{"system-prompt-prepend", &O::prepend, kPrependHelp},
        TaskOption{"defense", &O::defense, "the defense of ifeval's system prompts, by its key; empty for none",
                   "defense-template-key"},
        TaskOption{"defenses-file", &O::defenses_file, kDefensesFileHelp, "defense-template-path", kDefensesExample});
  }
};

/// Does the answer still follow the instructions that were compressed with the context? Zhou et al.,
/// "Instruction-Following Evaluation for Large Language Models", arXiv:2311.07911: instructions that a program can
/// check. The loose verdict ignores a first or last line and asterisks. A sample's answer is JSON with
/// `instruction_id_list` and, in `kwargs`, the parameters of each instruction. Verdicts that the authors' checkers
/// leave to chance (the language of a short text, a `letter` that is not a letter) are always the same here.
struct IfevalTask {
  static constexpr std::string_view name = "ifeval";
  static constexpr std::string_view example_data = "ifeval/sys_ifeval.jsonl.gz";
  using Options = IfevalOptions;

  /// 1 if all instructions are followed.
  static std::span<const Metric> metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {
        {{.name = "prompt_strict", .role = Role::following}, {.name = "prompt_loose"}}};
    return kMetrics;
  }
  /// For each instruction, whether it is followed.
  static std::span<const Metric> part_metrics() {
    static constexpr std::array<Metric, 2> kMetrics = {
        {{.name = "strict", .role = Role::following}, {.name = "loose"}}};
    return kMetrics;
  }
  static std::span<const Metric> summary_metrics() { return ifeval_summary_metrics(); }

  static std::span<const State> states() {
    static constexpr std::array<State, 5> kStates = {{{"followed", Verdict::good},
                                                      {"loosely", Verdict::good},
                                                      {"partly", Verdict::bad},
                                                      {"ignored", Verdict::bad},
                                                      {"empty", Verdict::bad}}};
    return kStates;
  }

  static std::span<const RowForm> row_forms() {
    static constexpr std::array<RowForm, 1> kForms = {kIfevalForm};
    return kForms;
  }

  /// No file is read before a sample needs it.
  explicit IfevalTask(IfevalOptions options = {})
      : resources_(std::make_shared<InstructionResources>(options.resources)), options_(std::move(options)) {}

  /// Reads samples. System prompts get the beginning and the defense that the options name.
  SampleFile samples(const std::string& path, const std::string& text, SampleFileOptions file_options) const {
    file_options.system.prepend = options_.prepend;
    if (!options_.defense.empty())
      file_options.system.defense = defense_named(load_defenses(options_.defenses_file), options_.defense).text;
    SampleFile file = read_samples(path, text, row_forms(), file_options);
    if (!file.samples.empty() && !file.samples.front().system.empty())
      file.answers += file_options.system.prepend + '\0' + file_options.system.defense;
    return file;
  }

  /// Grades the answers to one sample, whose instructions are read once.
  class Grader {
   public:
    Grader(const Sample& sample, std::shared_ptr<const InstructionResources> resources)
        : resources_(std::move(resources)) {
      const JsonTree gold = answer_object(sample.answer);
      const JsonTree::Array &ids = array_of(gold, "instruction_id_list"), &kwargs = array_of(gold, "kwargs");
      if (ids.size() != kwargs.size() || ids.empty())
        throw Error("sample's answer", "expected instructions and kwargs for each, found " +
                                           std::to_string(ids.size()) + " instructions and " +
                                           std::to_string(kwargs.size()) + " kwargs");
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const InstructionKind& kind = kind_of(ids[i]);
        const InstructionParameters parameters(kwargs[i], std::string(kind.id));
        checkers_.push_back({kind.id, kind.checker(parameters, *resources_)});
      }
    }

    Grade grade(std::string_view answer) const {
      const AnswerText text(code_points(answer));
      const std::vector<AnswerText> variants = loose_variants(text);
      Grade grade{"", {1.0, 1.0}};
      std::size_t followed = 0, loosely = 0;
      for (const Checker& checker : checkers_) {
        const bool strict = follows(checker, text);
        const bool loose = strict || std::any_of(variants.begin(), variants.end(),
                                                 [&](const AnswerText& variant) { return follows(checker, variant); });
        grade.parts.push_back({std::string(checker.id), {double(strict), double(loose)}});
        if (!strict) grade.detail.append(grade.detail.empty() ? "" : ", ").append(checker.id);
        followed += strict;
        loosely += loose;
      }
      grade.metrics = {double(followed == checkers_.size()), double(loosely == checkers_.size())};
      grade.state = text.is_blank()                ? "empty"
                    : followed == checkers_.size() ? "followed"
                    : loosely == checkers_.size()  ? "loosely"
                    : loosely > 0                  ? "partly"
                                                   : "ignored";
      return grade;
    }

   private:
    struct Checker {
      std::string_view id;
      FollowsInstruction follows;
    };

    /// An instruction whose keyword takes too many steps to search is not followed.
    static bool follows(const Checker& checker, const AnswerText& text) {
      try {
        return !text.is_blank() && checker.follows(text);
      } catch (const Error&) {
        return false;
      }
    }

    static const JsonTree::Array& array_of(const JsonTree& gold, const char* member) {
      const JsonTree* value = gold.find(member);
      if (value == nullptr || value->array() == nullptr)
        throw Error("sample's answer", std::string(member) + ": expected an array, found " +
                                           (value == nullptr ? "none" : std::string(value->type())));
      return *value->array();
    }

    static const InstructionKind& kind_of(const JsonTree& id) {
      const auto kind = std::find_if(
          kInstructionKinds.begin(), kInstructionKinds.end(),
          [&](const InstructionKind& known) { return id.string() != nullptr && *id.string() == known.id; });
      if (kind == kInstructionKinds.end())
        throw Error("sample's answer",
                    "instruction_id_list: expected instructions of IFEval, found " +
                        (id.string() == nullptr ? std::string(id.type()) : detail::shortened(*id.string(), 60)));
      return *kind;
    }

    std::shared_ptr<const InstructionResources> resources_;  // which the checkers refer to
    std::vector<Checker> checkers_;
  };

  Grader prepare(const Sample& sample) const { return Grader(sample, resources_); }
  /// Grades one answer.
  Grade grade(const Sample& sample, std::string_view answer) const { return prepare(sample).grade(answer); }

  /// Pooled over instructions: see ifeval_summaries().
  std::vector<Estimate> summaries(std::span<const Grade> grades) const { return ifeval_summaries(grades); }

 private:
  std::shared_ptr<InstructionResources> resources_;
  IfevalOptions options_;
};
static_assert(GradesAnswers<IfevalTask> && PreparesSamples<IfevalTask> && GradesParts<IfevalTask> &&
              SummarizesGrades<IfevalTask> && HasRowForms<IfevalTask> && ReadsFiles<IfevalTask> &&
              HasOptions<IfevalTask>);

}  // namespace kvx::inline v0
