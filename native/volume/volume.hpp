// Volumes sampled through chains of maps.
#pragma once

#include <nanobind/nanobind.h>

namespace covary {

void add_volume(nanobind::module_& m);

}  // namespace covary
