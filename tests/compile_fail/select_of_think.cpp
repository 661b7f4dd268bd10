// expects: call apply
#include <kvx/press.hpp>
#include <kvx/press/knorm.hpp>
#include <kvx/press/think.hpp>

kvx::Kept rows(const kvx::PressInput& in) { return kvx::Press<kvx::ThinK>(0.5).select(in); }
