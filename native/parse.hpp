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

// Refuses what does not fit (std::invalid_argument naming the field). `outputs` may be None.
void parse(PyObject* stages, PyObject* sources, PyObject* outputs, Request& request);

}  // namespace covary
