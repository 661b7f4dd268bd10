#pragma once

#include <kvx/core/error.hpp>
#include <kvx/exec/find_program.hpp>
#include <kvx/exec/process.hpp>
#include <kvx/exec/scratch_folder.hpp>
#include <kvx/io/text_file.hpp>
#include <kvx/report/charts/picture.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvx::inline v0 {

/// A drawn picture: an SVG for pages of any background color, and a PNG on white.
struct Drawing {
  std::string svg, png;
};

/// Draws pictures with the program gnuplot.
class Gnuplot {
 public:
  /// None if the program is not installed.
  static std::optional<Gnuplot> find(std::string_view name = "gnuplot") {
    const std::vector<std::string> found = find_program(name);
    return found.empty() ? std::nullopt : std::optional(Gnuplot(found.front()));
  }

  /// Throws Error with gnuplot's message if it cannot draw the picture.
  Drawing draw(const Picture& picture) const {
    const ScratchFolder folder({});
    const auto size = [&](int scale) {
      return std::to_string(picture.width * scale) + "," + std::to_string(picture.height * scale);
    };
    const std::string script =
        "set encoding utf8\nset terminal svg noenhanced size " + size(1) +
        " font 'sans-serif,12'\ntitle_font = ',13'\nsmall_font = ',10'\nset output 'picture.svg'\n" + picture.script +
        "\nset output\nreset\nset terminal pngcairo noenhanced background rgb 'white' size " + size(2) +
        " fontscale 2 linewidth 2 pointscale 2 font 'sans,9'\ntitle_font = ',10'\nsmall_font = ',7.5'\nset output "
        "'picture.png'\n" +
        picture.script + "\nset output\n";
    const ProcessOutcome outcome =
        run_process({.argv = {program_},
                     .environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=" + folder.path()},
                     .directory = folder.path(),
                     .input = script});
    if (outcome.exit_status != 0 || outcome.signal != 0 || outcome.timed_out)
      throw Error(picture.path, "gnuplot cannot draw it: " + (outcome.timed_out ? "it took too long" : outcome.output));
    return {read_text_file(folder.path() + "/picture.svg"), read_text_file(folder.path() + "/picture.png")};
  }

 private:
  explicit Gnuplot(std::string program) : program_(std::move(program)) {}

  std::string program_;
};

}  // namespace kvx::inline v0
