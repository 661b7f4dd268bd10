#pragma once

#include <kvx/core/error.hpp>
#include <kvx/io/json.hpp>
#include <kvx/io/json_tree.hpp>
#include <kvx/score/estimate.hpp>
#include <kvx/score/ifeval/answer_text.hpp>
#include <kvx/score/ifeval/ifeval_summary.hpp>
#include <kvx/score/ifeval/instruction.hpp>
#include <kvx/score/ifeval/instructions.hpp>
#include <kvx/score/ifeval/resources.hpp>
#include <kvx/score/sample.hpp>
#include <kvx/score/task.hpp>
#include <kvx/text/code_points.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

struct IfevalOptions {
  std::string resources = "examples/data/ifeval";  ///< the folder with the models of sentences and languages
};

/// Does the answer still follow the instructions that were compressed with the context? Zhou et al.,
/// "Instruction-Following Evaluation for Large Language Models", arXiv:2311.07911: instructions that a program can
/// check, strictly or, forgiving a first or last line and markup, loosely. A sample's answer is JSON with
/// `instruction_id_list` and for each of them its parameters in `kwargs`. Where the authors' checkers leave a verdict
/// to chance (the language of a short text, a `letter` that is none), here it has one.
struct IfevalTask {
  static constexpr std::string_view name = "ifeval";

  /// 1 if all instructions are followed.
  static std::span<const std::string_view> metric_names() {
    static constexpr std::array<std::string_view, 2> kNames = {"prompt_strict", "prompt_loose"};
    return kNames;
  }
  /// Of each instruction, whether it is followed.
  static std::span<const std::string_view> part_names() {
    static constexpr std::array<std::string_view, 2> kNames = {"strict", "loose"};
    return kNames;
  }

  /// No file is read before a sample needs it.
  explicit IfevalTask(IfevalOptions options = {})
      : resources_(std::make_shared<InstructionResources>(std::move(options.resources))) {}

  Grade grade(const Sample& sample, std::string_view answer) const {
    const std::vector<Checker> checkers = checkers_of(sample);
    const AnswerText text(code_points(answer));
    const std::vector<AnswerText> variants = loose_variants(text);
    Grade grade{"", {1.0, 1.0}};
    std::size_t followed = 0, loosely = 0;
    for (const Checker& checker : checkers) {
      const bool strict = follows(checker, text);
      const bool loose = strict || std::any_of(variants.begin(), variants.end(),
                                               [&](const AnswerText& variant) { return follows(checker, variant); });
      grade.parts.push_back({std::string(checker.id), {double(strict), double(loose)}});
      if (!strict) grade.detail.append(grade.detail.empty() ? "" : ", ").append(checker.id);
      followed += strict;
      loosely += loose;
    }
    grade.metrics = {double(followed == checkers.size()), double(loosely == checkers.size())};
    grade.state = text.is_blank()               ? "empty"
                  : followed == checkers.size() ? "followed"
                  : loosely == checkers.size()  ? "loosely"
                  : loosely > 0                 ? "partly"
                                                : "ignored";
    return grade;
  }

  /// Pooled over instructions: see ifeval_summaries().
  std::vector<Estimate> summaries(std::span<const Grade> grades) const { return ifeval_summaries(grades); }

 private:
  struct Checker {
    std::string_view id;
    FollowsInstruction follows;
  };

  /// An instruction whose keyword takes too long to look for is not followed.
  static bool follows(const Checker& checker, const AnswerText& text) {
    try {
      return !text.is_blank() && checker.follows(text);
    } catch (const Error&) {
      return false;
    }
  }

  std::vector<Checker> checkers_of(const Sample& sample) const {
    const JsonTree gold = answer_object(sample.answer);
    const JsonTree::Array &ids = array_of(gold, "instruction_id_list"), &kwargs = array_of(gold, "kwargs");
    if (ids.size() != kwargs.size() || ids.empty())
      throw Error("sample's answer", "expected kwargs for each of some instructions, found " +
                                         std::to_string(ids.size()) + " instructions and " +
                                         std::to_string(kwargs.size()) + " kwargs");
    std::vector<Checker> checkers;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const InstructionKind& kind = kind_of(ids[i]);
      const InstructionParameters parameters(kwargs[i], std::string(kind.id));
      checkers.push_back({kind.id, kind.checker(parameters, *resources_)});
    }
    return checkers;
  }

  static const JsonTree::Array& array_of(const JsonTree& gold, const char* member) {
    const JsonTree* value = gold.find(member);
    if (value == nullptr || value->array() == nullptr)
      throw Error("sample's answer", std::string(member) + ": expected an array, found " +
                                         (value == nullptr ? "none" : std::string(value->type())));
    return *value->array();
  }

  static const InstructionKind& kind_of(const JsonTree& id) {
    const auto kind = std::find_if(kInstructionKinds.begin(), kInstructionKinds.end(), [&](const InstructionKind& one) {
      return id.string() != nullptr && *id.string() == one.id;
    });
    if (kind == kInstructionKinds.end())
      throw Error("sample's answer",
                  "instruction_id_list: expected instructions of IFEval, found " +
                      (id.string() == nullptr ? std::string(id.type()) : detail::shortened(*id.string(), 60)));
    return *kind;
  }

  std::shared_ptr<InstructionResources> resources_;
};
static_assert(GradesAnswers<IfevalTask> && GradesParts<IfevalTask> && SummarizesGrades<IfevalTask>);

}  // namespace kvx::inline v0
