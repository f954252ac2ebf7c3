// The Python module covary._native.
#include <nanobind/nanobind.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "arrays.hpp"
#include "blocks.hpp"
#include "boxes.hpp"
#include "parse.hpp"
#include "philox.hpp"
#include "program.hpp"

namespace nb = nanobind;

namespace covary {

namespace {

PyObject* numpy_empty() {
  static PyObject* found = nullptr;
  kept(found, "numpy", "empty");
  return found;
}

Owned shape_tuple(const std::int64_t* shape, int dimensions) {
  Owned tuple = checked(PyTuple_New(dimensions));
  for (int axis = 0; axis < dimensions; ++axis) {
    PyObject* length = PyLong_FromLongLong(shape[axis]);
    if (length == nullptr) throw PythonError{};
    PyTuple_SET_ITEM(tuple.get(), axis, length);
  }
  return tuple;
}

// The owner of one block: an object with the buffer interface, which NumPy's arrays keep as their base.
struct BlockObject {
  PyObject_HEAD
  void* data;
  Py_ssize_t bytes;
};

int block_buffer(PyObject* self, Py_buffer* view, int flags) {
  auto* block = reinterpret_cast<BlockObject*>(self);
  return PyBuffer_FillInfo(view, self, block->data, block->bytes, 0, flags);
}

void block_free(PyObject* self) {
  auto* block = reinterpret_cast<BlockObject*>(self);
  PyTypeObject* type = Py_TYPE(self);
  if (block->data != nullptr) return_block(block->data);
  type->tp_free(self);
  Py_DECREF(type);
}

PyTypeObject* block_type() {
  static PyTypeObject* found = nullptr;
  if (found == nullptr) {
    static PyType_Slot slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(block_buffer)},
                                  {Py_tp_dealloc, reinterpret_cast<void*>(block_free)},
                                  {0, nullptr}};
    static PyType_Spec spec = {"covary._native.Block", sizeof(BlockObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    Owned made = checked(PyType_FromSpec(&spec));
    if (found == nullptr) found = reinterpret_cast<PyTypeObject*>(made.release());
  }
  return found;
}

// Runs `call`, turning what it throws into Python's exceptions.
template <class Call>
PyObject* guarded(Call call) {
  try {
    return call();
  } catch (const PythonError&) {
    throw nb::python_error();
  } catch (const std::invalid_argument& error) {
    throw nb::value_error(error.what());
  }
}

PyObject* render_stages(PyObject* stages, PyObject* sources, PyObject* outputs, int threads, bool simd) {
  Request request;
  parse(stages, sources, outputs, request);
  {
    const nb::gil_scoped_release released;
    render(request.program, threads, simd && has_avx2());
  }
  const auto n = static_cast<Py_ssize_t>(request.outputs.size());
  Owned list = checked(PyList_New(n));
  for (Py_ssize_t i = 0; i < n; ++i) PyList_SET_ITEM(list.get(), i, request.outputs[static_cast<std::size_t>(i)].release());
  return list.release();
}

PyObject* philox_blocks(std::uint64_t seed, PyObject* epochs_object, PyObject* keys_object, PyObject* slots_object) {
  const View epochs_view(epochs_object, "epochs");
  const View keys_view(keys_object, "keys");
  const View slots_view(slots_object, "slots");
  epochs_view.expect("epochs", {-1});
  keys_view.expect("keys", {epochs_view.shape(0)});
  slots_view.expect("slots", {-1});
  const auto epochs = epochs_view.numbers<std::uint32_t>("epochs", true);
  const auto keys = keys_view.numbers<std::uint64_t>("keys", true);
  const auto slots = slots_view.numbers<std::uint32_t>("slots", true);
  static PyObject* uint32 = nullptr;
  kept(uint32, "numpy", "uint32");
  const std::int64_t shape[3] = {static_cast<std::int64_t>(keys.size()), static_cast<std::int64_t>(slots.size()), 4};
  Owned out = new_array(uint32, 4, shape, 3);
  {
    const View view(out.get(), "out", true);
    auto* words = static_cast<std::uint32_t*>(view.data());
    for (std::size_t b = 0; b < keys.size(); ++b) {
      for (const std::uint32_t slot : slots) {
        std::uint32_t counter[4] = {static_cast<std::uint32_t>(keys[b]), static_cast<std::uint32_t>(keys[b] >> 32), epochs[b], slot};
        philox(counter, static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
        std::memcpy(words, counter, sizeof counter);
        words += 4;
      }
    }
  }
  return out.release();
}

PyObject* philox_stream_blocks(PyObject* streams_object, std::int64_t blocks) {
  if (blocks < 0) refuse("blocks: must not be negative, got " + std::to_string(blocks));
  const View streams_view(streams_object, "streams");
  streams_view.expect("streams", {-1});
  const auto streams = streams_view.numbers<std::uint64_t>("streams", true);
  static PyObject* uint32 = nullptr;
  kept(uint32, "numpy", "uint32");
  const std::int64_t shape[3] = {static_cast<std::int64_t>(streams.size()), blocks, 4};
  Owned out = new_array(uint32, 4, shape, 3);
  {
    const View view(out.get(), "out", true);
    auto* words = static_cast<std::uint32_t*>(view.data());
    for (const std::uint64_t stream : streams) {
      for (std::int64_t block = 0; block < blocks; ++block) {
        std::uint32_t counter[4] = {static_cast<std::uint32_t>(block), 0, 0, 0};
        philox(counter, static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32));
        std::memcpy(words, counter, sizeof counter);
        words += 4;
      }
    }
  }
  return out.release();
}

PyObject* empty_array(PyObject* shape_object, PyObject* dtype_object) {
  static PyObject* dtype_type = nullptr;
  kept(dtype_type, "numpy", "dtype");
  const Owned dtype = checked(PyObject_CallOneArg(dtype_type, dtype_object));
  const Owned item = checked(PyObject_GetAttrString(dtype.get(), "itemsize"));
  const Owned whole = checked(PyObject_GetAttrString(dtype.get(), "hasobject"));
  const std::int64_t size = whole.get() == Py_True ? 0 : PyLong_AsLongLong(item.get());
  std::vector<std::int64_t> shape;
  if (PyLong_Check(shape_object)) {
    shape.push_back(PyLong_AsLongLong(shape_object));
  } else {
    const Owned list = checked(PySequence_Fast(shape_object, "shape: expected an int or a sequence of ints"));
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.get()); ++i) {
      const Owned index = checked(PyNumber_Index(PySequence_Fast_GET_ITEM(list.get(), i)));
      shape.push_back(PyLong_AsLongLong(index.get()));
    }
  }
  if (PyErr_Occurred() != nullptr) throw PythonError{};
  for (const std::int64_t length : shape)
    if (length < 0) refuse("shape: lengths must not be negative, got " + std::to_string(length));
  return new_array(dtype.get(), size, shape.data(), static_cast<int>(shape.size())).release();
}

// (cut boxes, whether something is left of all of them)
PyObject* cut_boxes_array(PyObject* boxes_object, PyObject* map_object, double width, double height) {
  const View boxes(boxes_object, "boxes");
  boxes.expect("boxes", {-1, 4});
  if (boxes.code() != 'd' || !boxes.contiguous()) refuse("boxes: expected a C-contiguous float64 array");
  const Owned numbers = checked(PySequence_Fast(map_object, "map: expected six numbers or more"));
  if (PySequence_Fast_GET_SIZE(numbers.get()) < 6) refuse("map: expected six numbers or more");
  double map[6];
  for (Py_ssize_t i = 0; i < 6; ++i) map[i] = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(numbers.get(), i));
  if (PyErr_Occurred() != nullptr) throw PythonError{};
  static PyObject* float64 = nullptr;
  kept(float64, "numpy", "float64");
  const std::int64_t shape[2] = {boxes.shape(0), 4};
  Owned out = new_array(float64, 8, shape, 2);
  bool intact = true;
  {
    const View cut(out.get(), "cut", true);
    intact = cut_boxes(static_cast<const double*>(boxes.data()), boxes.shape(0), map, width, height, static_cast<double*>(cut.data()));
  }
  return checked(PyTuple_Pack(2, out.get(), intact ? Py_True : Py_False)).release();
}

}  // namespace

Owned new_array(PyObject* dtype, std::int64_t item, const std::int64_t* shape, int dimensions) {
  std::int64_t bytes = item;
  bool huge = false;
  for (int axis = 0; axis < dimensions; ++axis) huge = __builtin_mul_overflow(bytes, shape[axis], &bytes) || huge;
  const Owned tuple = shape_tuple(shape, dimensions);
  if (huge || bytes < static_cast<std::int64_t>(least_block)) {
    PyObject* arguments[2] = {tuple.get(), dtype};
    return checked(PyObject_Vectorcall(numpy_empty(), arguments, 2, nullptr));
  }
  static PyObject* ndarray = nullptr;
  kept(ndarray, "numpy", "ndarray");
  PyTypeObject* type = block_type();
  const Owned owner = checked(type->tp_alloc(type, 0));
  auto* block = reinterpret_cast<BlockObject*>(owner.get());
  block->data = take_block(static_cast<std::size_t>(bytes));
  block->bytes = static_cast<Py_ssize_t>(bytes);
  PyObject* arguments[3] = {tuple.get(), dtype, owner.get()};
  return checked(PyObject_Vectorcall(ndarray, arguments, 3, nullptr));
}

}  // namespace covary

NB_MODULE(_native, m) {
  m.doc() = "covary's kernels.";
  m.def(
      "philox",
      [](std::uint64_t seed, nb::handle epochs, nb::handle keys, nb::handle slots) {
        return nb::steal(covary::guarded([&] { return covary::philox_blocks(seed, epochs.ptr(), keys.ptr(), slots.ptr()); }));
      },
      nb::arg("seed"), nb::arg("epochs"), nb::arg("keys"), nb::arg("slots"));
  m.def(
      "philox_streams",
      [](nb::handle streams, std::int64_t blocks) {
        return nb::steal(covary::guarded([&] { return covary::philox_stream_blocks(streams.ptr(), blocks); }));
      },
      nb::arg("streams"), nb::arg("blocks"));
  m.def(
      "render",
      [](nb::handle stages, nb::handle sources, nb::handle outputs, int threads, bool simd) {
        return nb::steal(covary::guarded(
            [&] { return covary::render_stages(stages.ptr(), sources.ptr(), outputs.ptr(), threads, simd); }));
      },
      nb::arg("stages"), nb::arg("sources"), nb::arg("outputs").none(), nb::arg("threads"), nb::arg("simd"));
  m.def(
      "empty",
      [](nb::handle shape, nb::handle dtype) {
        return nb::steal(covary::guarded([&] { return covary::empty_array(shape.ptr(), dtype.ptr()); }));
      },
      nb::arg("shape"), nb::arg("dtype"));
  m.def(
      "cut_boxes",
      [](nb::handle boxes, nb::handle map, double width, double height) {
        return nb::steal(covary::guarded([&] { return covary::cut_boxes_array(boxes.ptr(), map.ptr(), width, height); }));
      },
      nb::arg("boxes"), nb::arg("map"), nb::arg("width"), nb::arg("height"));
  m.def("kept_bytes", [] { return covary::kept_bytes(); });
  m.def("drop_kept", [] { covary::drop_kept(); });
  m.def("has_avx2", [] { return covary::has_avx2(); });
}
