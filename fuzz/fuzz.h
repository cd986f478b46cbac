// What the fuzz targets share. A target has one function; it returns for every input, and stops the
// process (KH_ASSERT) when a law of its decoder is broken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace keyhaven::fuzz {

// The input, never with a null pointer.
inline ByteView input(const std::uint8_t* data, std::size_t size) {
  static constexpr std::uint8_t kNothing = 0;
  return {size == 0 ? &kNothing : data, size};
}

// Takes the first byte off, for choices; 0 when there is none.
inline std::uint8_t take_byte(ByteView& in) {
  if (in.empty()) return 0;
  const std::uint8_t byte = in.front();
  in = in.subspan(1);
  return byte;
}

inline bool same(ByteView a, ByteView b) { return as_text(a) == as_text(b); }

}  // namespace keyhaven::fuzz

// The body of a target: `in` is the input.
#define KH_FUZZ_TARGET(in)                                                            \
  static void kh_fuzz_one(::keyhaven::ByteView in);                                   \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    kh_fuzz_one(::keyhaven::fuzz::input(data, size));                                 \
    return 0;                                                                         \
  }                                                                                   \
  static void kh_fuzz_one(::keyhaven::ByteView in)
