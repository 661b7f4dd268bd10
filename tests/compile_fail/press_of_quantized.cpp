// expects: which Press cannot do
#include <kvx/press.hpp>
#include <kvx/press/quantized.hpp>

kvx::Needs needs(const kvx::Press<kvx::Quantized<4>>& press) { return press.needs(); }
