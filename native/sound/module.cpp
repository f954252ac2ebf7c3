// The part of covary._native that is about sounds.
#include "module.hpp"

#include <algorithm>
#include <string>

#include "../guarded.hpp"
#include "../program.hpp"
#include "limiter.hpp"
#include "recursion.hpp"
#include "sound.hpp"

namespace nb = nanobind;

namespace covary {

namespace {

// Rows of samples that may stand apart from each other.
void expect_rows(const View& view, const std::string& name, char code) {
  if (view.dimensions() != 2 || view.code() != code)
    refuse(name + ": expected (channels, samples) of " + (code == 'f' ? "float32" : "float64") + ", got shape " + view.shape_text());
  if (view.shape(1) > 1 && view.stride(1) != view.item()) refuse(name + ": the samples of a row must stand next to each other");
  if (view.shape(0) > 1 && view.stride(0) % view.item() != 0) refuse(name + ": rows must stand on whole samples");
}

void expect_whole(const View& view, const std::string& name) {
  if (!view.contiguous()) refuse(name + ": must be C-contiguous");
}

bool overlap(const View& a, const View& b) {
  const auto ends = [](const View& view) {
    const char* low = static_cast<const char*>(view.data());
    const char* high = low;
    for (int axis = 0; axis < view.dimensions(); ++axis) {
      const std::int64_t reach = (view.shape(axis) - 1) * view.stride(axis);
      (reach < 0 ? low : high) += reach;
    }
    return std::make_pair(low, high + view.item());
  };
  const auto one = ends(a), two = ends(b);
  return one.first < two.second && two.first < one.second;
}

PyObject* convolved(PyObject* wave_object, PyObject* response_object, std::int64_t size, std::int64_t hop, std::int64_t behind,
                    PyObject* out_object, bool simd) {
  const View wave(wave_object, "wave"), response(response_object, "response"), out(out_object, "out", true);
  expect_rows(wave, "wave", 'f');
  if (size < least_size || size > most_size || (size & (size - 1)) != 0)
    refuse("size: expected a power of two from " + std::to_string(least_size) + " to " + std::to_string(most_size) + ", got " +
           std::to_string(size));
  if (hop < 1 || behind < 0 || hop > size || behind > size - hop)
    refuse("hop, behind: expected hop from 1 on and both together at most the size, got " + std::to_string(hop) + " and " +
           std::to_string(behind));
  const bool complex = response.item() == 8;
  const bool numbers = complex ? response.complex_float() : response.code() == 'f';
  if (!numbers || response.dimensions() != 2 || response.shape(1) != size / 2 + 1 ||
      (response.shape(0) != 1 && response.shape(0) != wave.shape(0)))
    refuse("response: expected (1 or channels, size / 2 + 1) of float32 or complex64, got shape " + response.shape_text());
  expect_whole(response, "response");
  out.expect("out", {wave.shape(0), wave.shape(1)});
  if (out.code() != 'f') refuse("out: expected float32");
  expect_whole(out, "out");
  if (wave.shape(0) == 0 || wave.shape(1) == 0) return Py_NewRef(out_object);
  if (overlap(wave, out)) refuse("out: shares memory with the wave");
  const Convolution job{static_cast<const float*>(wave.data()),
                        wave.shape(0),
                        wave.shape(1),
                        wave.shape(0) > 1 ? wave.stride(0) / static_cast<std::int64_t>(sizeof(float)) : 0,
                        static_cast<const float*>(response.data()),
                        complex,
                        response.shape(0) == 1,
                        size,
                        hop,
                        behind,
                        static_cast<float*>(out.data())};
  {
    const nb::gil_scoped_release released;
    const auto tables = tables_of(size);
#if defined(COVARY_AVX2)
    if (simd && has_avx2())
      avx2::convolve(job, *tables);
    else
#endif
      portable::convolve(job, *tables);
  }
  (void)simd;
  return Py_NewRef(out_object);
}

std::vector<double> numbers_of(PyObject* object) {
  const View view(object, "sections");
  view.expect("sections", {-1, 6});
  std::vector<double> numbers = view.numbers<double>("sections", false);
  return numbers;
}

PyObject* power(PyObject* sections_object, PyObject* half_sines_object, PyObject* out_object, bool simd) {
  const std::vector<double> numbers = numbers_of(sections_object);
  const View half_sines(half_sines_object, "half_sines"), out(out_object, "out", true);
  half_sines.expect("half_sines", {-1});
  out.expect("out", {half_sines.shape(0)});
  if (half_sines.code() != 'f' || out.code() != 'f') refuse("half_sines, out: expected float32");
  expect_whole(half_sines, "half_sines");
  expect_whole(out, "out");
  const Sections sections{numbers.data(), static_cast<std::int64_t>(numbers.size() / 6)};
  {
    const nb::gil_scoped_release released;
    const auto* from = static_cast<const float*>(half_sines.data());
    auto* to = static_cast<float*>(out.data());
#if defined(COVARY_AVX2)
    if (simd && has_avx2())
      avx2::power_of(sections, from, half_sines.shape(0), to);
    else
#endif
      portable::power_of(sections, from, half_sines.shape(0), to);
  }
  (void)simd;
  return Py_NewRef(out_object);
}

PyObject* recursed(PyObject* wave_object, PyObject* sections_object, PyObject* out_object) {
  const View wave(wave_object, "wave"), out(out_object, "out", true);
  expect_rows(wave, "wave", 'f');
  const std::vector<double> sections = numbers_of(sections_object);
  for (std::size_t at = 3; at < sections.size(); at += 6)
    if (sections[at] != 1.0) refuse("sections: a0 must be 1");
  out.expect("out", {wave.shape(0), wave.shape(1)});
  if (out.code() != 'f' && out.code() != 'd') refuse("out: expected float32 or float64");
  expect_whole(out, "out");
  {
    const nb::gil_scoped_release released;
    const auto count = static_cast<std::int64_t>(sections.size() / 6);
    for (std::int64_t channel = 0; channel < wave.shape(0); ++channel) {
      const auto* row = reinterpret_cast<const float*>(static_cast<const char*>(wave.data()) + channel * wave.stride(0));
      const std::int64_t place = channel * wave.shape(1);
      if (out.code() == 'f')
        recurse(row, wave.shape(1), sections.data(), count, static_cast<float*>(out.data()) + place);
      else
        recurse(row, wave.shape(1), sections.data(), count, static_cast<double*>(out.data()) + place);
    }
  }
  return Py_NewRef(out_object);
}

PyObject* energy(PyObject* wave_object, PyObject* sections_object, PyObject* edges_object, PyObject* out_object) {
  const View wave(wave_object, "wave"), edges_view(edges_object, "edges"), out(out_object, "out", true);
  expect_rows(wave, "wave", 'f');
  const std::vector<double> sections = numbers_of(sections_object);
  for (std::size_t at = 3; at < sections.size(); at += 6)
    if (sections[at] != 1.0) refuse("sections: a0 must be 1");
  edges_view.expect("edges", {-1});
  const std::vector<std::int64_t> edges = edges_view.numbers<std::int64_t>("edges", true);
  if (edges.empty() || edges.front() < 0 || edges.back() > wave.shape(1) || !std::is_sorted(edges.begin(), edges.end()))
    refuse("edges: expected ascending samples of the wave");
  const auto stretches = static_cast<std::int64_t>(edges.size()) - 1;
  out.expect("out", {wave.shape(0), stretches});
  if (out.code() != 'd') refuse("out: expected float64");
  expect_whole(out, "out");
  {
    const nb::gil_scoped_release released;
    const auto count = static_cast<std::int64_t>(sections.size() / 6);
    for (std::int64_t channel = 0; channel < wave.shape(0); ++channel) {
      const auto* row = reinterpret_cast<const float*>(static_cast<const char*>(wave.data()) + channel * wave.stride(0));
      recursed_energy(row, sections.data(), count, edges.data(), stretches, static_cast<double*>(out.data()) + channel * stretches);
    }
  }
  return Py_NewRef(out_object);
}

PyObject* limited(PyObject* wave_object, double limit_at, double kept, std::int64_t half, PyObject* out_object, bool simd) {
  const View wave(wave_object, "wave"), out(out_object, "out", true);
  expect_rows(wave, "wave", 'f');
  out.expect("out", {wave.shape(0), wave.shape(1)});
  if (out.code() != 'f') refuse("out: expected float32");
  expect_whole(out, "out");
  if (!(limit_at > 0) || !(kept >= 0 && kept < 1) || half < 1 || half > std::max<std::int64_t>(wave.shape(1), 1))
    refuse("limit, kept, half: expected a limit above 0, a share below 1, and 1 to all of the samples");
  if (wave.shape(0) == 0 || wave.shape(1) == 0) return Py_NewRef(out_object);
  if (overlap(wave, out)) refuse("out: shares memory with the wave");
  const Limiting job{static_cast<const float*>(wave.data()),
                     wave.shape(0),
                     wave.shape(1),
                     wave.shape(0) > 1 ? wave.stride(0) / static_cast<std::int64_t>(sizeof(float)) : 0,
                     static_cast<float>(limit_at),
                     kept,
                     half,
                     static_cast<float*>(out.data())};
  {
    const nb::gil_scoped_release released;
#if defined(COVARY_AVX2)
    if (simd && has_avx2())
      avx2::limit(job);
    else
#endif
      portable::limit(job);
  }
  (void)simd;
  return Py_NewRef(out_object);
}

PyObject* finite(PyObject* wave_object, bool simd) {
  const View wave(wave_object, "wave");
  expect_rows(wave, "wave", wave.code() == 'd' ? 'd' : 'f');
  bool all = true;
  {
    const nb::gil_scoped_release released;
    const auto look = [&](const auto* row, std::int64_t count) {
#if defined(COVARY_AVX2)
      if (simd && has_avx2()) return avx2::all_finite(row, count);
#endif
      return portable::all_finite(row, count);
    };
    const bool joined = wave.contiguous();
    const std::int64_t rows = joined ? 1 : wave.shape(0), count = joined ? wave.shape(0) * wave.shape(1) : wave.shape(1);
    for (std::int64_t channel = 0; all && channel < rows; ++channel) {
      const char* row = static_cast<const char*>(wave.data()) + channel * wave.stride(0);
      all = wave.code() == 'f' ? look(reinterpret_cast<const float*>(row), count) : look(reinterpret_cast<const double*>(row), count);
    }
  }
  (void)simd;
  return PyBool_FromLong(all ? 1 : 0);
}

}  // namespace

void define_sounds(nb::module_& m) {
  m.def(
      "convolve",
      [](nb::handle wave, nb::handle response, std::int64_t size, std::int64_t hop, std::int64_t behind, nb::handle out, bool simd) {
        return nb::steal(
            guarded([&] { return convolved(wave.ptr(), response.ptr(), size, hop, behind, out.ptr(), simd); }));
      },
      nb::arg("wave"), nb::arg("response"), nb::arg("size"), nb::arg("hop"), nb::arg("behind"), nb::arg("out"), nb::arg("simd"));
  m.def(
      "section_power",
      [](nb::handle sections, nb::handle half_sines, nb::handle out, bool simd) {
        return nb::steal(guarded([&] { return power(sections.ptr(), half_sines.ptr(), out.ptr(), simd); }));
      },
      nb::arg("sections"), nb::arg("half_sines"), nb::arg("out"), nb::arg("simd"));
  m.def(
      "recurse",
      [](nb::handle wave, nb::handle sections, nb::handle out) {
        return nb::steal(guarded([&] { return recursed(wave.ptr(), sections.ptr(), out.ptr()); }));
      },
      nb::arg("wave"), nb::arg("sections"), nb::arg("out"));
  m.def(
      "recursed_energy",
      [](nb::handle wave, nb::handle sections, nb::handle edges, nb::handle out) {
        return nb::steal(guarded([&] { return energy(wave.ptr(), sections.ptr(), edges.ptr(), out.ptr()); }));
      },
      nb::arg("wave"), nb::arg("sections"), nb::arg("edges"), nb::arg("out"));
  m.def(
      "limit",
      [](nb::handle wave, double limit, double kept, std::int64_t half, nb::handle out, bool simd) {
        return nb::steal(guarded([&] { return limited(wave.ptr(), limit, kept, half, out.ptr(), simd); }));
      },
      nb::arg("wave"), nb::arg("limit"), nb::arg("kept"), nb::arg("half"), nb::arg("out"), nb::arg("simd"));
  m.def(
      "all_finite",
      [](nb::handle wave, bool simd) { return nb::steal(guarded([&] { return finite(wave.ptr(), simd); })); },
      nb::arg("wave"), nb::arg("simd"));
}

}  // namespace covary
