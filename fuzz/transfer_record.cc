// Records of keys in transfer, from another deployment's server: one record has one encoding, and
// whatever it says, the rules decide about it.
#include "keys/transfer_record.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto record = keys::decode_transfer_record(in);
  if (!record) return;
  KH_ASSERT(fuzz::same(keys::encode(*record), in));
  static_cast<void>(keys::check_transfer_record(*record, keys::Limits()));
  unit::TransferKey opened;
  opened.key = record->key.id;
  for (const keys::KeyVersion& version : record->key.versions)
    opened.versions.push_back({version.id, {}, version.commitment, version.bits});
  static_cast<void>(keys::check_transfer_versions(record->key, opened));
}
