// Something of one colour laid over a picture: drops, flakes, stones, frost.
#include <nanobind/stl/optional.h>

#include <optional>
#include <type_traits>

#include "picture.hpp"

namespace covary {

namespace {

using Plane = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Colour = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// `value` is between two of the type's own; adding 1.5 * 2**23 rounds to even.
template <class T>
T rounded(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    constexpr float magic = 12582912.0F;
    return static_cast<T>(static_cast<std::int32_t>((value + magic) - magic));
  }
}

constexpr float level = 1.0F / 255.0F;

#if defined(COVARY_PIXELS_AVX2)

// Where the three values of each of sixteen pixels find what belongs to their pixel.
alignas(16) constexpr std::uint8_t owners[3][16] = {{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5},
                                                     {5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10},
                                                     {10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15}};

COVARY_PIXELS_AVX2 inline __m256 floats_of(__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)); }

// Sixteen pixels of three bytes.
COVARY_PIXELS_AVX2 void cover_sixteen(std::uint8_t* here, __m128i alpha, const std::uint8_t* light, const float* colours) {
  const __m128i lights = light == nullptr ? _mm_setzero_si128() : _mm_loadu_si128(reinterpret_cast<const __m128i*>(light));
  const __m256 by_level = _mm256_set1_ps(level);
  for (int part = 0; part < 3; ++part) {
    auto* place = reinterpret_cast<__m128i*>(here + 16 * part);
    const __m128i owner = _mm_load_si128(reinterpret_cast<const __m128i*>(owners[part]));
    __m128i before = _mm_loadu_si128(place);
    __m128i shares = _mm_shuffle_epi8(alpha, owner), lit = _mm_shuffle_epi8(lights, owner);
    __m256i made[2];
    for (int half = 0; half < 2; ++half) {
      const __m256 value = floats_of(before);
      __m256 paint = _mm256_loadu_ps(colours + 16 * part + 8 * half);
      if (light != nullptr) paint = _mm256_mul_ps(paint, _mm256_mul_ps(floats_of(lit), by_level));
      const __m256 share = _mm256_mul_ps(floats_of(shares), by_level);
      made[half] = _mm256_cvtps_epi32(_mm256_add_ps(value, _mm256_mul_ps(share, _mm256_sub_ps(paint, value))));
      before = _mm_srli_si128(before, 8);
      shares = _mm_srli_si128(shares, 8);
      lit = _mm_srli_si128(lit, 8);
    }
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(made[0], made[1]), 0xD8);
    _mm_storeu_si128(place, _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
}

// Pixels of three bytes by sixteens, of which most have nothing over them; returns how many were looked at.
COVARY_PIXELS_AVX2 std::int64_t cover_three(std::uint8_t* data, std::int64_t pixels, const std::uint8_t* alpha,
                                            const std::uint8_t* light, const float* colour) {
  float colours[48];
  for (int i = 0; i < 48; ++i) colours[i] = colour[i % 3];
  std::int64_t i = 0;
  for (; i + 16 <= pixels; i += 16) {
    const __m128i own = _mm_loadu_si128(reinterpret_cast<const __m128i*>(alpha + i));
    if (_mm_testz_si128(own, own) != 0) continue;
    cover_sixteen(data + 3 * i, own, light == nullptr ? nullptr : light + i, colours);
  }
  return i;
}

#endif

template <class T>
void cover(const Pixels<T>& picture, const std::uint8_t* alpha, const std::uint8_t* light, const float* colour) {
  const std::int64_t pixels = picture.height * picture.width;
  std::int64_t i = 0;
#if defined(COVARY_PIXELS_AVX2)
  if constexpr (std::is_same_v<T, std::uint8_t>)
    if (picture.channels == 3 && __builtin_cpu_supports("avx2")) i = cover_three(picture.data, pixels, alpha, light, colour);
#endif
  for (; i < pixels; ++i) {
    if (alpha[i] == 0) continue;
    const float share = static_cast<float>(alpha[i]) * level;
    const float lit = light == nullptr ? 1.0F : static_cast<float>(light[i]) * level;
    T* here = picture.data + i * picture.channels;
    for (std::int64_t c = 0; c < picture.channels; ++c) {
      const auto before = static_cast<float>(here[c]);
      here[c] = rounded<T>(before + share * (colour[c] * lit - before));
    }
  }
}

}  // namespace

void add_cover(nb::module_& m) {
  m.def(
      "cover",
      [](const AnyPicture& picture, const Plane& alpha, const std::optional<Plane>& light, const Colour& colour) {
        const auto fits = [&](const Plane& plane) {
          return plane.shape(0) == picture.shape(0) && plane.shape(1) == picture.shape(1);
        };
        if (!fits(alpha) || (light.has_value() && !fits(*light))) throw nb::value_error("alpha, light: not of the picture's size");
        if (colour.shape(0) != picture.shape(2)) throw nb::value_error("colour: expected one number for each channel");
        const std::uint8_t* from = alpha.data();
        const std::uint8_t* lit = light.has_value() ? light->data() : nullptr;
        const float* paint = colour.data();
        with_picture(picture, [=](auto view) { cover(view, from, lit, paint); });
      },
      nb::arg("picture").noconvert(), nb::arg("alpha").noconvert(), nb::arg("light").noconvert().none(),
      nb::arg("colour").noconvert());
}

}  // namespace covary
