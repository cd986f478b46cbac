// keys::ImportTokenStore.
#include "store/database.h"
#include "store/group_commit.h"
#include "store/row_passes.h"

namespace keyhaven::store {
namespace {

constexpr const char* kPutToken = R"sql(
    INSERT INTO import_tokens (instance, record, checksum) VALUES (?, ?, ?)
    ON CONFLICT (instance) DO UPDATE SET record = excluded.record, checksum = excluded.checksum)sql";

}  // namespace

Result<void> Database::put_import_token(const keys::ImportToken& token, const audit::Event& event) {
  const SealedRow row = make_sealed_row(import_token_row(token.instance), keys::encode(token));
  std::string event_json;
  audit::append_json(event_json, event);
  const auto apply = [&](Connection& db, TouchedRows& touched) -> Result<void> {
    touched.put(row);
    KH_TRY(db.query(kPutToken)
               .blob(token.instance.view())
               .blob(row.record)
               .blob(row.checksum)
               .execute());
    return {};
  };
  return writer_->submit(apply, std::move(event_json));
}

Result<void> Database::load_import_tokens(const std::function<void(keys::ImportToken)>& sink) {
  return load_sealed(SealedTable::ImportTokens, [&](Connection& db, RowCheck& check) {
    return pass_import_tokens(db, check, sink);
  });
}

}  // namespace keyhaven::store
