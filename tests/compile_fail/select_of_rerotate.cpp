// expects: call apply
#include <kvx/press.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/rerotate.hpp>

kvx::Kept rows(const kvx::PressInput& in) { return kvx::Press<kvx::Rerotate<kvx::Knorm>>(0.5).select(in); }
