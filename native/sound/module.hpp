#pragma once

#include <nanobind/nanobind.h>

namespace covary {

void define_sounds(nanobind::module_& m);
void define_drawing(nanobind::module_& m);

}  // namespace covary
