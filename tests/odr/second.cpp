#include <kvx/kvx.hpp>

bool second_catches(void (*thrower)()) {
  try {
    thrower();
  } catch (const kvx::Error&) {
    return true;
  }
  return false;
}
