// Reads the sealed tables, one pass each, every row checked: checksum, decoding, index columns and
// the crypto unit's seal.
#pragma once

#include <functional>

#include "iam/iam_store.h"
#include "instances/instance_record.h"
#include "keys/import_token.h"
#include "keys/key_store.h"
#include "store/row_check.h"

namespace keyhaven::store {

// Authentic rows go to `use`, the others become suspects of `check`. Errors: StoreUnavailable,
// those of the unit.
Result<void> pass_keys(Connection& db, RowCheck& check,
                       const std::function<void(keys::KeyRecord)>& use);
Result<void> pass_rings(Connection& db, RowCheck& check,
                        const std::function<void(keys::KeyRing)>& use);
Result<void> pass_registrations(Connection& db, RowCheck& check,
                                const std::function<void(keys::Registration)>& use);
Result<void> pass_import_tokens(Connection& db, RowCheck& check,
                                const std::function<void(keys::ImportToken)>& use);
Result<void> pass_instances(Connection& db, RowCheck& check,
                            const std::function<void(instances::InstanceRecord)>& use);
Result<void> pass_identities(Connection& db, RowCheck& check,
                             const std::function<void(iam::Identity)>& use);
Result<void> pass_api_keys(Connection& db, RowCheck& check,
                           const std::function<void(iam::ApiKey)>& use);
Result<void> pass_grants(Connection& db, RowCheck& check,
                         const std::function<void(iam::Grant)>& use);
struct Setting {
  std::string name;
  std::string value;
};
Result<void> pass_settings(Connection& db, RowCheck& check,
                           const std::function<void(Setting)>& use);

// The same without use.
Result<void> pass_table(Connection& db, RowCheck& check, SealedTable table);

}  // namespace keyhaven::store
