// keys::ImportTokenStore.
#include "store/group_commit.h"
#include "store/load.h"

namespace keyhaven::store {
namespace {

constexpr const char* kPutToken = R"sql(
    INSERT INTO import_tokens (instance, record, checksum) VALUES (?, ?, ?)
    ON CONFLICT (instance) DO UPDATE SET record = excluded.record, checksum = excluded.checksum)sql";

}  // namespace

Result<void> Database::put_import_token(const keys::ImportToken& token, const audit::Event& event) {
  const StoredRow row = make_row("import_tokens", keys::encode(token));
  std::string event_json;
  audit::append_json(event_json, event);
  const auto apply = [&](Connection& db) -> Result<void> {
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
  return load("SELECT instance, record, checksum FROM import_tokens",
              [&](const Query& row) -> Result<void> {
                const std::string id = uuid_text(row.blob_at(0));
                keys::ImportToken token =
                    KH_TRY(checked_record(row, 1, 2, "import_tokens", "import token of instance",
                                          id, keys::decode_import_token));
                if (!std::ranges::equal(token.instance.view(), row.blob_at(0))) {
                  return damaged_row("import token of instance", id,
                                     "its index columns differ from its record");
                }
                sink(std::move(token));
                return {};
              });
}

}  // namespace keyhaven::store
