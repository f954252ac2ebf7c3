// The Python module covary._native.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "arrays.hpp"
#include "blocks.hpp"
#include "boxes.hpp"
#include "guarded.hpp"
#include "parse.hpp"
#include "philox.hpp"
#include "pixels/picture.hpp"
#include "points.hpp"
#include "program.hpp"
#include "sound/module.hpp"
#include "text/module.hpp"
#include "volume/volume.hpp"

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

PyObject* render_stages(PyObject* stages, PyObject* sources, PyObject* outputs, int threads, bool simd, std::int64_t batch_bytes) {
  Request request;
  parse(stages, sources, outputs, batch_bytes, request);
  {
    const nb::gil_scoped_release released;
    render(request.program, threads, simd && has_avx2());
  }
  if (outputs != Py_None) return Py_NewRef(outputs);
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

// The stages that move labels, as numbers: what each makes of every sample.
struct Moves {
  std::vector<double> matrices;     // 3x3 for each sample
  std::vector<std::int64_t> sizes;  // height and width for each sample
};

std::vector<Moves> read_moves(PyObject* stages_object, std::int64_t samples) {
  const Owned stages = checked(PySequence_Fast(stages_object, "stages: expected a sequence of pairs"));
  std::vector<Moves> moves(static_cast<std::size_t>(PySequence_Fast_GET_SIZE(stages.get())));
  for (std::size_t k = 0; k < moves.size(); ++k) {
    PyObject* pair = PySequence_Fast_GET_ITEM(stages.get(), static_cast<Py_ssize_t>(k));
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) refuse("stages: expected pairs of a matrix and a size");
    const View matrix(PyTuple_GET_ITEM(pair, 0), "matrix"), size(PyTuple_GET_ITEM(pair, 1), "size");
    matrix.expect("matrix", {samples, 3, 3});
    size.expect("size", {samples, 2});
    moves[k] = {matrix.numbers<double>("matrix", false), size.numbers<std::int64_t>("size", true)};
  }
  return moves;
}

// One sample's way; false if it is not affine.
bool legs_of(const std::vector<Moves>& moves, std::int64_t sample, double width, double height, std::vector<AffineLeg>& legs) {
  static constexpr double still[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  legs.clear();
  for (const Moves& move : moves) {
    const double* matrix = move.matrices.data() + 9 * sample;
    const std::int64_t* size = move.sizes.data() + 2 * sample;
    AffineLeg leg{{}, static_cast<double>(size[1]), static_cast<double>(size[0]), false};
    const bool stays = leg.width == width && leg.height == height;
    width = leg.width;
    height = leg.height;
    leg.still = std::equal(matrix, matrix + 9, still);
    if (stays && leg.still) continue;
    if (!invert_affine(matrix, leg.map)) return false;
    legs.push_back(leg);
  }
  return true;
}

template <class T>
Owned written_boxes(const CarriedBoxes& carried, const View& boxes, const double* numbers, const BoxRules& rules, double width,
                    double height, PyObject* dtype) {
  const std::int64_t shape[2] = {static_cast<std::int64_t>(carried.rows.size()), boxes.shape(1)};
  Owned out = new_array(dtype, sizeof(T), shape, 2);
  const View view(out.get(), "out", true);
  write_boxes(carried, numbers, shape[1], rules, width, height, static_cast<T*>(view.data()));
  return out;
}

// (moved labels, indices of those that stayed or None for all).
Owned with_rows(const Owned& moved, const std::vector<std::int64_t>& rows, std::int64_t before) {
  const auto count = static_cast<std::int64_t>(rows.size());
  if (count == before) return checked(PyTuple_Pack(2, moved.get(), Py_None));
  static PyObject* intp = nullptr;
  kept(intp, "numpy", "intp");
  const Owned indices = new_array(intp, sizeof(std::int64_t), &count, 1);
  if (count > 0) std::memcpy(View(indices.get(), "rows", true).data(), rows.data(), sizeof(std::int64_t) * rows.size());
  return checked(PyTuple_Pack(2, moved.get(), indices.get()));
}

// What `with_rows` gives of boxes, or null if only the careful way can carry them.
Owned carried_boxes_of(PyObject* object, const BoxRules& rules, const std::vector<Moves>& moves, const std::int64_t* source,
                     std::int64_t sample, std::vector<AffineLeg>& legs) {
  static PyObject *float32 = nullptr, *float64 = nullptr;
  kept(float32, "numpy", "float32");
  kept(float64, "numpy", "float64");
  const View boxes(object, "boxes");
  const bool known = boxes.code() == 'f' || boxes.code() == 'd' || boxes.is_signed() || boxes.is_unsigned();
  if (!known || boxes.dimensions() != 2 || boxes.shape(0) == 0 || boxes.shape(1) < 4) return Owned();
  const auto width = static_cast<double>(source[1]), height = static_cast<double>(source[0]);
  if (!legs_of(moves, sample, width, height, legs)) return Owned();
  // Boxes that were turned must be cut as what they are in the next stage.
  for (std::size_t k = 0; k + 1 < legs.size(); ++k)
    if (!legs[k].square()) return Owned();
  const std::vector<double> numbers = boxes.numbers<double>("boxes", false);
  CarriedBoxes carried;
  if (!carry_boxes(numbers.data(), boxes.shape(0), boxes.shape(1), rules, width, height, legs, carried)) return Owned();
  const double last_width = moves.empty() ? width : static_cast<double>(moves.back().sizes[2 * sample + 1]);
  const double last_height = moves.empty() ? height : static_cast<double>(moves.back().sizes[2 * sample]);
  const Owned out = boxes.code() == 'f'
                        ? written_boxes<float>(carried, boxes, numbers.data(), rules, last_width, last_height, float32)
                        : written_boxes<double>(carried, boxes, numbers.data(), rules, last_width, last_height, float64);
  return with_rows(out, carried.rows, boxes.shape(0));
}

template <class T>
Owned carried_points_as(const View& points, const PointRules& rules, double width, double height,
                        const std::vector<AffineLeg>& legs, PyObject* dtype) {
  std::vector<T> numbers = points.numbers<T>("keypoints", false);
  const int last = points.dimensions() - 1;
  const std::int64_t columns = points.shape(last);
  const auto n = static_cast<std::int64_t>(numbers.size()) / columns;
  const std::vector<std::int64_t> rows = carry_points(numbers.data(), n, columns, rules, width, height, legs);
  std::int64_t shape[3] = {points.shape(0), points.shape(1), last > 1 ? points.shape(2) : 0};
  if (last == 1) shape[0] = static_cast<std::int64_t>(rows.size());
  const Owned out = new_array(dtype, sizeof(T), shape, last + 1);
  if (!rows.empty()) {
    auto* target = static_cast<T*>(View(out.get(), "out", true).data());
    for (const std::int64_t row : rows) target = std::copy_n(numbers.data() + row * columns, columns, target);
  }
  return with_rows(out, rows, n);
}

// What `with_rows` gives of keypoints, or null if only the careful way can carry them.
Owned carried_points_of(PyObject* object, const PointRules& rules, const std::vector<Moves>& moves, const std::int64_t* source,
                        std::int64_t sample, std::vector<AffineLeg>& legs) {
  static PyObject *float32 = nullptr, *float64 = nullptr;
  kept(float32, "numpy", "float32");
  kept(float64, "numpy", "float64");
  const View points(object, "keypoints");
  const bool known = points.code() == 'f' || points.code() == 'd' || points.is_signed() || points.is_unsigned();
  const int dimensions = points.dimensions();
  // Only flat lists lose rows.
  const bool fits = dimensions == 2 || (dimensions == 3 && rules.outside != PointRules::Outside::drop);
  if (!known || !fits || points.shape(dimensions - 1) < (rules.visibility ? 3 : 2)) return Owned();
  for (int axis = 0; axis < dimensions; ++axis)
    if (points.shape(axis) == 0) return Owned();
  const auto width = static_cast<double>(source[1]), height = static_cast<double>(source[0]);
  if (!legs_of(moves, sample, width, height, legs)) return Owned();
  return points.code() == 'f' ? carried_points_as<float>(points, rules, width, height, legs, float32)
                              : carried_points_as<double>(points, rules, width, height, legs, float64);
}

BoxFormat box_format(const char* name) {
  const std::string text(name);
  if (text == "pascal_voc") return BoxFormat::pascal_voc;
  if (text == "coco") return BoxFormat::coco;
  if (text == "yolo") return BoxFormat::yolo;
  if (text == "normalised") return BoxFormat::normalised;
  refuse("format: expected pascal_voc, coco, yolo or normalised, got " + text);
}

// For each sample what `carry` gives of its labels, None for null and for None.
template <class Carry>
PyObject* carried_labels(PyObject* labels_object, PyObject* sizes_object, PyObject* stages_object, Carry carry) {
  const Owned labels = checked(PySequence_Fast(labels_object, "labels: expected a sequence"));
  const Py_ssize_t samples = PySequence_Fast_GET_SIZE(labels.get());
  const View sizes_view(sizes_object, "sizes");
  sizes_view.expect("sizes", {samples, 2});
  const std::vector<std::int64_t> sizes = sizes_view.numbers<std::int64_t>("sizes", true);
  const std::vector<Moves> moves = read_moves(stages_object, samples);
  std::vector<AffineLeg> legs;
  Owned list = checked(PyList_New(samples));
  for (Py_ssize_t i = 0; i < samples; ++i) {
    PyObject* object = PySequence_Fast_GET_ITEM(labels.get(), i);
    Owned made;
    if (object != Py_None) made = carry(object, moves, sizes.data() + 2 * i, i, legs);
    PyObject* entry = made.release();
    PyList_SET_ITEM(list.get(), i, entry == nullptr ? Py_NewRef(Py_None) : entry);
  }
  return list.release();
}

PyObject* carried_boxes(PyObject* boxes, const BoxRules& rules, PyObject* sizes, PyObject* stages) {
  return carried_labels(boxes, sizes, stages,
                        [&](PyObject* object, const std::vector<Moves>& moves, const std::int64_t* source, std::int64_t sample,
                            std::vector<AffineLeg>& legs) { return carried_boxes_of(object, rules, moves, source, sample, legs); });
}

PyObject* carried_points(PyObject* points, const PointRules& rules, PyObject* sizes, PyObject* stages) {
  return carried_labels(points, sizes, stages,
                        [&](PyObject* object, const std::vector<Moves>& moves, const std::int64_t* source, std::int64_t sample,
                            std::vector<AffineLeg>& legs) { return carried_points_of(object, rules, moves, source, sample, legs); });
}

PointRules::Outside outside_rule(const char* name) {
  const std::string text(name);
  if (text == "drop") return PointRules::Outside::drop;
  if (text == "hide") return PointRules::Outside::hide;
  if (text == "keep") return PointRules::Outside::keep;
  refuse("outside: expected drop, hide or keep, got " + text);
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
      [](nb::handle stages, nb::handle sources, nb::handle outputs, int threads, bool simd, std::int64_t batch_bytes) {
        return nb::steal(covary::guarded(
            [&] { return covary::render_stages(stages.ptr(), sources.ptr(), outputs.ptr(), threads, simd, batch_bytes); }));
      },
      nb::arg("stages"), nb::arg("sources"), nb::arg("outputs").none(), nb::arg("threads"), nb::arg("simd"),
      nb::arg("batch_bytes") = 0);
  m.def(
      "empty",
      [](nb::handle shape, nb::handle dtype) {
        return nb::steal(covary::guarded([&] { return covary::empty_array(shape.ptr(), dtype.ptr()); }));
      },
      nb::arg("shape"), nb::arg("dtype"));
  m.def(
      "carry_boxes",
      [](nb::handle boxes, const char* format, bool clip, double min_area, double min_visibility, nb::handle sizes,
         nb::handle stages) {
        return nb::steal(covary::guarded([&] {
          const covary::BoxRules rules{covary::box_format(format), clip, min_area, min_visibility};
          return covary::carried_boxes(boxes.ptr(), rules, sizes.ptr(), stages.ptr());
        }));
      },
      nb::arg("boxes"), nb::arg("format"), nb::arg("clip"), nb::arg("min_area"), nb::arg("min_visibility"), nb::arg("sizes"),
      nb::arg("stages"));
  m.def(
      "carry_points",
      [](nb::handle points, bool visibility, const char* outside, nb::handle sizes, nb::handle stages) {
        return nb::steal(covary::guarded([&] {
          return covary::carried_points(points.ptr(), {visibility, covary::outside_rule(outside)}, sizes.ptr(), stages.ptr());
        }));
      },
      nb::arg("points"), nb::arg("visibility"), nb::arg("outside"), nb::arg("sizes"), nb::arg("stages"));
  covary::define_sounds(m);
  covary::define_drawing(m);
  covary::define_texts(m);
  m.def("kept_bytes", [] { return covary::kept_bytes(); });
  m.def("drop_kept", [] { covary::drop_kept(); });
  m.def(
      "handed_between",
      [](nb::handle array) {
        return nb::steal(covary::guarded([&] {
          return PyLong_FromSize_t(covary::handed_between(covary::View(array.ptr(), "array").data()));
        }));
      },
      nb::arg("array"));
  m.def("has_avx2", [] { return covary::has_avx2(); });
  covary::add_pixels(m);
  covary::add_volume(m);
}
