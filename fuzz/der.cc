// The strict DER reader: what it accepts is exactly what the writer writes.
#include "tke/der.h"

#include "fuzz.h"

using namespace keyhaven;

namespace {

void walk(tke::DerReader reader, int depth) {
  while (reader.ok() && !reader.at_end()) {
    const std::uint8_t tag = reader.peek_tag();
    tke::DerReader ahead = reader;
    const ByteView element = reader.read_element();
    const ByteView content = ahead.read(tag);
    KH_ASSERT(reader.ok() == ahead.ok());
    if (!reader.ok()) return;
    KH_ASSERT(fuzz::same(tke::der::element(tag, content), element));
    tke::DerReader one(element);
    switch (tag) {
      case tke::der::kOctetString:
        static_cast<void>(one.octet_string_u32());
        break;
      case tke::der::kBitString:
        static_cast<void>(one.bit_string());
        break;
      default:
        break;
    }
    if ((tag & 0x20) != 0 && depth < 20) walk(tke::DerReader(content), depth + 1);
  }
}

}  // namespace

KH_FUZZ_TARGET(in) { walk(tke::DerReader(in), 0); }
