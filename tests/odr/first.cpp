#include <kvx/kvx.hpp>

bool second_catches(void (*thrower)());

int main() {
  return second_catches([] { throw kvx::Error("where", "what"); }) ? 0 : 1;
}
