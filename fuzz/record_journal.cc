// Entries of the journal of stored records, and a journal of several replayed into a book.
#include "fuzz.h"
#include "unit/record_book.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  // The first two bytes of each entry are its size.
  unit::RecordBook book;
  while (in.size() >= 2) {
    const std::size_t size = std::size_t{in[0]} << 8 | in[1];
    const ByteView bytes = in.subspan(2, std::min(size, in.size() - 2));
    in = in.subspan(2 + bytes.size());
    const auto entry = unit::decode_record_entry(bytes);
    if (!entry) return;
    KH_ASSERT(fuzz::same(unit::encode(*entry), bytes));
    if (!book.replay(*entry, 1)) return;
  }
  // What was taken can be written as a snapshot and read again.
  unit::RecordBook again;
  const auto next = book.snapshot();
  while (const auto entry = next()) {
    const auto decoded = unit::decode_record_entry(*entry);
    KH_ASSERT(decoded && again.replay(*decoded, 1));
  }
  KH_ASSERT(again.records().size() == book.records().size());
  KH_ASSERT((again.waiting() == nullptr) == (book.waiting() == nullptr));
  KH_ASSERT(again.scope_count() == book.scope_count());
}
