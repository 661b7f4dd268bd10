#pragma once

/// Everything.

// IWYU pragma: begin_exports
#include <kvx/core/progress.hpp>
#include <kvx/core/threads.hpp>
#include <kvx/eval/degradation.hpp>
#include <kvx/eval/evaluation.hpp>
#include <kvx/eval/machine.hpp>
#include <kvx/eval/repeat_prompt.hpp>
#include <kvx/eval/report_markdown.hpp>
#include <kvx/eval/results.hpp>
#include <kvx/eval/results_text.hpp>
#include <kvx/eval/speed_run.hpp>
#include <kvx/eval/speed_text.hpp>
#include <kvx/eval/text_loss.hpp>
#include <kvx/io/json.hpp>
#include <kvx/io/read_matrix.hpp>
#include <kvx/io/safetensors.hpp>
#include <kvx/kernels/peak.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/model/forward.hpp>
#include <kvx/model/generate.hpp>
#include <kvx/model/likelihood.hpp>
#include <kvx/model/locate.hpp>
#include <kvx/model/prefill.hpp>
#include <kvx/model/qwen2.hpp>
#include <kvx/model/sampler.hpp>
#include <kvx/press.hpp>
#include <kvx/press/registry.hpp>
#include <kvx/score/code_samples.hpp>
#include <kvx/score/grade_file.hpp>
#include <kvx/score/pass_at_k.hpp>
#include <kvx/score/sample_size.hpp>
#include <kvx/score/tasks.hpp>
#include <kvx/text/chat_template.hpp>
#include <kvx/text/stream_decoder.hpp>
#include <kvx/text/tokenizer.hpp>
#include <kvx/version.hpp>
// IWYU pragma: end_exports
