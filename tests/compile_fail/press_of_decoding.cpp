// expects: which Press cannot do
#include <kvx/press.hpp>
#include <kvx/press/decoding.hpp>

kvx::Needs needs(const kvx::Press<kvx::Decoding>& press) { return press.needs(); }
