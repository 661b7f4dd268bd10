#pragma once

#include <kvx/core/error.hpp>
#include <kvx/exec/line_process.hpp>
#include <kvx/exec/sandbox.hpp>
#include <kvx/io/json/json.hpp>
#include <kvx/io/json/json_writer.hpp>
#include <kvx/io/mapped_file.hpp>

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kvx::inline v0 {

/// A Jinja template and what it is rendered with. JSON is passed on as it is written. A template sees a member of
/// `variables` instead of any other value of that name.
struct JinjaRequest {
  std::string_view jinja;
  std::string messages = "[]", tools = "null", documents = "null";  ///< JSON
  std::string special_tokens = "{}", variables = "{}";              ///< JSON objects
  bool add_generation_prompt = true, continue_final_message = false;
  std::string now = {};  ///< the time for the template, YYYY-MM-DDTHH:MM:SS; empty: the time of the call
};

/// A template that cannot be rendered: an error of its own or of Jinja2.
class JinjaError : public Error {
 public:
  JinjaError(std::string_view where, std::string type_name, const std::string& text)
      : Error(where, "the chat template fails: " + type_name + ": " + text), type(std::move(type_name)) {}

  std::string type;  ///< Python's name for the error, such as TemplateError
};

/// Renders Jinja templates by Jinja2 in the environment of Hugging Face's transformers. A Python program does it, in
/// the sandbox for untrusted programs: no network, no home folder, a read-only system, 512 MB of memory, about 2 s of
/// CPU time per template. It is started by the first template and serves all of them. Several threads may use it.
class JinjaRenderer {
 public:
  /// `program` is the path of render_chat.py.
  explicit JinjaRenderer(std::string program) : program_(std::move(program)) {}

  /// The text of a template called `where`. Throws JinjaError for an error of the template, and Error if it takes too
  /// much time, memory or output, and if Python, Jinja2 or bubblewrap is missing.
  std::string render(const JinjaRequest& request, const std::string& where) {
    const std::lock_guard lock(mutex_);
    if (!process_) start(where);
    const LineProcess::Answer answer = process_->ask(line_of(request), kWallSeconds, kMostBytes);
    if (answer.failure != LineProcess::Failure::none) {
      const std::string reason = reason_of(answer);
      process_.reset();
      throw Error(where, "the chat template was stopped: " + reason);
    }
    const JsonDocument document = JsonDocument::parse(answer.line, where + ": answer of " + program_);
    if (const auto rendered = document.root().find("rendered")) return std::string(rendered->string());
    throw JinjaError(where, std::string(document.root().at("error_type").string()),
                     std::string(document.root().at("error").string()));
  }

 private:
  static constexpr double kStartSeconds = 60, kWallSeconds = 20;  // so long that a busy machine changes no outcome
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;

  void start(const std::string& where) {
    try {
      if (program_.empty()) throw Error("render_chat.py", "expected the path of this program, found none");
      const std::string source(MappedFile(program_).text());
      if (!sandbox_) {
        SandboxOptions options{.require = true, .module = "jinja2"};
        options.limits.cpu_seconds = 1'000'000'000;  // the program limits each request
        options.limits.memory_bytes = std::uint64_t{512} << 20;
        options.limits.file_bytes = 1 << 20;
        sandbox_.emplace(options);
      }
      process_ = sandbox_->start_python(source);
      const LineProcess::Answer ready = process_->ask("", kStartSeconds, kMostBytes);
      if (ready.line == "ready") return;
      const std::string reason = process_->output().empty() ? reason_of(ready) : process_->output();
      process_.reset();
      throw Error(program_, "expected a start, found: " + reason);
    } catch (const Error& error) {
      throw Error(where, std::string("kvx renders this chat template by Jinja2 in a sandbox, which does not work (") +
                             error.what() +
                             "); install python3, python3-jinja2 and bubblewrap, or choose a template that needs none "
                             "of them by --template chatml|qwen2|qwen2.5|smollm2|none");
    }
  }

  static std::string line_of(const JinjaRequest& request) {
    JsonWriter out;
    out.begin_object().key("template").value(request.jinja).key("messages").raw(request.messages);
    out.key("tools").raw(request.tools).key("documents").raw(request.documents);
    out.key("special_tokens").raw(request.special_tokens).key("variables").raw(request.variables);
    out.key("add_generation_prompt").value(request.add_generation_prompt);
    out.key("continue_final_message").value(request.continue_final_message);
    return out.key("now").value(request.now).end_object().text();
  }

  static std::string reason_of(const LineProcess::Answer& answer) {
    switch (answer.failure) {
      case LineProcess::Failure::timed_out:
        return "it took longer than 20 s";
      case LineProcess::Failure::too_long:
        return "it printed more than 64 MB";
      default:
        break;
    }
    const int signal = answer.signal != 0 ? answer.signal : answer.exit_status - 128;  // as bubblewrap reports it
    if (signal == SIGXCPU || signal == SIGKILL) return "it took more than 2 s of CPU time, or too much memory";
    return "its renderer ended with status " + std::to_string(answer.exit_status);
  }

  std::string program_;
  std::mutex mutex_;
  std::optional<Sandbox> sandbox_;
  std::unique_ptr<LineProcess> process_;
};

}  // namespace kvx::inline v0
