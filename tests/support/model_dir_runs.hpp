#pragma once

#include "support/model_dir.hpp"

#include <kvx/core/tensor_view.hpp>
#include <kvx/core/token.hpp>
#include <kvx/eval/run/options.hpp>
#include <kvx/eval/run/prepared_model.hpp>
#include <kvx/eval/run/task_data.hpp>
#include <kvx/model/compress.hpp>
#include <kvx/press/none.hpp>
#include <kvx/score/tasks.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace kvx_test {

/// A function that changes a model directory.
using DirChange = std::function<void(const ModelDir&)>;

inline DirChange with_members(std::string file, std::string members) {
  return [file = std::move(file), members = std::move(members)](const ModelDir& dir) { dir.put(file, members); };
}
inline DirChange with_tensors(std::function<void(RawTensors&)> change) {
  return [change = std::move(change)](const ModelDir& dir) { dir.weights(change); };
}
inline DirChange without_file(std::string file) {
  return [file = std::move(file)](const ModelDir& dir) { dir.remove(file); };
}
inline DirChange with_file(std::string file, std::string text) {
  return [file = std::move(file), text = std::move(text)](const ModelDir& dir) { dir.write(file, text); };
}
inline DirChange in_turn(DirChange first, DirChange second) {
  return [first = std::move(first), second = std::move(second)](const ModelDir& dir) { first(dir), second(dir); };
}

/// The logits after a few tokens.
inline kvx::Matrix<float> logits_of(const std::string& dir) {
  kvx::Threads threads(2);
  const kvx::Decoder model = kvx::Decoder::load(dir, kvx::WeightFormat::f32, threads);
  const std::vector<kvx::Token> tokens = {5, 6, 7, 1022, 300, 9};
  return kvx::compress(model, tokens, kvx::AnyPolicy(kvx::None()), kvx::Allowance::of_ratio(0), kvx::Dtype::f32,
                       threads)
      .logits;
}

/// A model, prepared as for a run of the task.
inline kvx::PreparedModel prepared_model(const std::string& dir, const std::string& task, const std::string& chat = "",
                                         const std::string& template_vars = "") {
  kvx::EvalOptions options;
  options.chat = chat;
  options.templates = {.variables = template_vars, .program = KVX_SOURCE_DIR "/examples/data/render_chat.py"};
  options.pieces = {.length = 64, .most = 2};
  options.data = KVX_SOURCE_DIR "/examples/data/tool_world.jsonl.gz";
  options.samples.samples = 2;
  options.task_data = {{"perplexity", {KVX_SOURCE_DIR "/examples/data/story.txt"}}};
  const std::vector<kvx::TaskData> data = {kvx::TaskData(kvx::kvx_tasks().at(task), options)};
  return kvx::prepare_model({"m", dir}, data, {}, options);
}
inline std::vector<kvx::Token> context_of(const kvx::PreparedModel& model) {
  return model.tasks.front().groups.front().context;
}

}  // namespace kvx_test
