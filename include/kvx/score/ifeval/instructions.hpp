#pragma once

#include <kvx/score/ifeval/change_case.hpp>
#include <kvx/score/ifeval/detectable_content.hpp>
#include <kvx/score/ifeval/detectable_format.hpp>
#include <kvx/score/ifeval/instruction.hpp>
#include <kvx/score/ifeval/keywords.hpp>
#include <kvx/score/ifeval/length_constraints.hpp>
#include <kvx/score/ifeval/resources.hpp>
#include <kvx/score/ifeval/whole_answer.hpp>

#include <array>
#include <string_view>

namespace kvx::inline v0 {

/// A kind of instruction: its id, `CLASS:NAME`, and the function that makes a checker from its parameters.
struct InstructionKind {
  std::string_view id;
  FollowsInstruction (*checker)(const InstructionParameters&, const InstructionResources&);
};

namespace detail {

/// Calls Make with the arguments that it has: parameters and resources, one of the two, or none.
template <auto Make>
FollowsInstruction make_checker(const InstructionParameters& parameters, const InstructionResources& resources) {
  if constexpr (requires { Make(parameters, resources); }) {
    return Make(parameters, resources);
  } else if constexpr (requires { Make(parameters); }) {
    return Make(parameters);
  } else if constexpr (requires { Make(resources); }) {
    return Make(resources);
  } else {
    return Make();
  }
}

template <auto Make>
constexpr InstructionKind instruction_kind(std::string_view id) {
  return {id, &make_checker<Make>};
}

}  // namespace detail

/// The 25 kinds of instructions of Zhou et al., "Instruction-Following Evaluation for Large Language Models",
/// arXiv:2311.07911; the verdicts are those of the authors' own checkers.
inline constexpr std::array kInstructionKinds = {
    detail::instruction_kind<detail::keyword_existence>("keywords:existence"),
    detail::instruction_kind<detail::keyword_frequency>("keywords:frequency"),
    detail::instruction_kind<detail::forbidden_words>("keywords:forbidden_words"),
    detail::instruction_kind<detail::letter_frequency>("keywords:letter_frequency"),
    detail::instruction_kind<detail::response_language>("language:response_language"),
    detail::instruction_kind<detail::number_sentences>("length_constraints:number_sentences"),
    detail::instruction_kind<detail::number_paragraphs>("length_constraints:number_paragraphs"),
    detail::instruction_kind<detail::number_words>("length_constraints:number_words"),
    detail::instruction_kind<detail::nth_paragraph_first_word>("length_constraints:nth_paragraph_first_word"),
    detail::instruction_kind<detail::number_placeholders>("detectable_content:number_placeholders"),
    detail::instruction_kind<detail::postscript>("detectable_content:postscript"),
    detail::instruction_kind<detail::number_bullet_lists>("detectable_format:number_bullet_lists"),
    detail::instruction_kind<detail::constrained_response>("detectable_format:constrained_response"),
    detail::instruction_kind<detail::number_highlighted_sections>("detectable_format:number_highlighted_sections"),
    detail::instruction_kind<detail::multiple_sections>("detectable_format:multiple_sections"),
    detail::instruction_kind<detail::json_format>("detectable_format:json_format"),
    detail::instruction_kind<detail::title>("detectable_format:title"),
    detail::instruction_kind<detail::two_responses>("combination:two_responses"),
    detail::instruction_kind<detail::repeat_prompt>("combination:repeat_prompt"),
    detail::instruction_kind<detail::end_checker>("startend:end_checker"),
    detail::instruction_kind<detail::quotation>("startend:quotation"),
    detail::instruction_kind<detail::capital_word_frequency>("change_case:capital_word_frequency"),
    detail::instruction_kind<detail::english_capital>("change_case:english_capital"),
    detail::instruction_kind<detail::english_lowercase>("change_case:english_lowercase"),
    detail::instruction_kind<detail::no_comma>("punctuation:no_comma")};
static_assert(kInstructionKinds.size() == 25);

}  // namespace kvx::inline v0
