#pragma once

#include <kvx/core/error.hpp>
#include <kvx/score/code_exec/code_exec.hpp>
#include <kvx/score/code_exec/code_problem.hpp>

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace kvx_test {

/// The state of each program, or the message of an Error. Three threads run the programs.
inline std::vector<std::string> states_of(const kvx::CodeExecTask& task,
                                          const std::vector<kvx::CodeProgram>& programs) {
  std::vector<std::string> states(programs.size());
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (std::size_t i; (i = next++) < programs.size();) try {
          states[i] = task.verdict(programs[i]).state;
        } catch (const kvx::Error& error) {
          states[i] = error.what();
        }
    });
  for (std::thread& thread : threads) thread.join();
  return states;
}

}  // namespace kvx_test
