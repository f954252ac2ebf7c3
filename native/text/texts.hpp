// Python's texts and what is protected in them, as the kernels see them.
#pragma once

#include "../arrays.hpp"
#include "text.hpp"

namespace covary {

// ASCII strings, held as long as this lives.
class Texts {
 public:
  explicit Texts(PyObject* object);
  Py_ssize_t count() const { return PyTuple_GET_SIZE(held_.get()); }
  PyObject* operator[](Py_ssize_t i) const { return PyTuple_GET_ITEM(held_.get(), i); }
  const Characters& characters(Py_ssize_t i) const { return characters_[static_cast<std::size_t>(i)]; }

 private:
  Owned held_;
  std::vector<Characters> characters_;
};

// One operation's work on several texts: what is protected in each, its stream of random numbers and its rate.
struct Work {
  Work(const Texts& texts, PyObject* guarded, PyObject* streams, PyObject* rates);
  std::vector<std::vector<Part>> guarded;
  std::vector<std::uint64_t> streams;
  std::vector<double> rates;
};

// The characters of an ASCII string.
std::vector<char> ascii(PyObject* object, const std::string& name);

// replaceable.cpp
PyObject* replaceable_words(PyObject* texts, PyObject* guarded, PyObject* streams, PyObject* rates, PyObject* stop_words,
                            PyObject* classes, PyObject* others, PyObject* known);

}  // namespace covary
