#pragma once

#include <nanobind/nanobind.h>

namespace covary {

void define_texts(nanobind::module_& m);

}  // namespace covary
