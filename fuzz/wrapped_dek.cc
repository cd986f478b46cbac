// The header of a wrapped DEK, and the encoding of AAD lists: different lists never encode alike.
#include "unit/wrapped_dek.h"

#include <algorithm>

#include "fuzz.h"

using namespace keyhaven;

namespace {

unit::AadList split(std::string_view text, char at) {
  unit::AadList out;
  for (std::size_t end; (end = text.find(at)) != std::string_view::npos;
       text.remove_prefix(end + 1))
    out.emplace_back(text.substr(0, end));
  out.emplace_back(text);
  return out;
}

}  // namespace

KH_FUZZ_TARGET(in) {
  if (const auto commitment = unit::commitment_of(in)) {
    KH_ASSERT(in.size() > unit::kWrappedDekOverhead);
    KH_ASSERT(in.size() <= unit::kWrappedDekOverhead + unit::kMaxDekBytes);
    KH_ASSERT(fuzz::same(*commitment, in.subspan(4, 32)));
  }
  const unit::AadList one = split(as_text(in), ',');
  const unit::AadList other = split(as_text(in), ';');
  const auto one_bytes = unit::encode_aad(one);
  const auto other_bytes = unit::encode_aad(other);
  if (one_bytes && other_bytes) KH_ASSERT((one == other) == (*one_bytes == *other_bytes));
}
