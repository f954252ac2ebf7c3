// What entry points share.
#pragma once

#include <nanobind/nanobind.h>

#include <stdexcept>

#include "arrays.hpp"

namespace covary {

// Runs `call`, turning what it throws into Python's exceptions.
template <class Call>
PyObject* guarded(Call call) {
  try {
    return call();
  } catch (const PythonError&) {
    throw nanobind::python_error();
  } catch (const std::invalid_argument& error) {
    throw nanobind::value_error(error.what());
  }
}

}  // namespace covary
