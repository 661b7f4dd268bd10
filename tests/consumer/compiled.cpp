#include <kvx/press/named/registry.hpp>
#include <kvx_compiled.hpp>

int main() { return kvx::kvx_presses().parse("ada(snapkv)").policy_name() == "ada" ? 0 : 1; }
