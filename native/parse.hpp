// From Python's stages and arrays to a Program.
#pragma once

#include <Python.h>

#include <list>
#include <vector>

#include "arrays.hpp"
#include "program.hpp"

namespace covary {

// A program and what keeps its memory alive. Build it, and let it go, under the GIL.
struct Request {
  Program program;
  std::list<View> views;
  std::list<std::vector<float>> copies;
  std::vector<Owned> compact;  // copies of sources that were not C-contiguous
  std::vector<Owned> outputs;
};

// Refuses what does not fit (std::invalid_argument naming the field). `outputs` may be None. `batch_bytes` is how much the
// batch writes of which these outputs are a part, 0 where they are all of it.
void parse(PyObject* stages, PyObject* sources, PyObject* outputs, std::int64_t batch_bytes, Request& request);

}  // namespace covary
