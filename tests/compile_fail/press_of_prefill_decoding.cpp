// expects: which Press cannot do
#include <kvx/press.hpp>
#include <kvx/press/prefill_decoding.hpp>

kvx::Needs needs(const kvx::Press<kvx::PrefillDecoding>& press) { return press.needs(); }
