// expects: call apply
#include <kvx/press.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/merging.hpp>

kvx::Kept rows(const kvx::PressInput& in) { return kvx::Press<kvx::Merging<kvx::Knorm>>(0.5).select(in); }
