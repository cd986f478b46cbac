// instances::InstanceStore.
#include "store/group_commit.h"
#include "store/load.h"

namespace keyhaven::store {
namespace {

constexpr const char* kInsertInstance =
    "INSERT INTO instances (revision, record, checksum, id) VALUES (?, ?, ?, ?)";
constexpr const char* kUpdateInstance =
    "UPDATE instances SET revision = ?, record = ?, checksum = ? WHERE id = ? AND revision = ?";

}  // namespace

Result<std::uint64_t> Database::commit_instance(const instances::InstanceRecord& record,
                                                const audit::Event& event) {
  instances::InstanceRecord next = record;
  next.revision = record.revision + 1;
  const StoredRow row = make_row("instances", instances::encode(next));
  std::string event_json;
  audit::append_json(event_json, event);
  const auto apply = [&](Connection& db) -> Result<void> {
    const bool creates = record.revision == 0;
    Query query = db.query(creates ? kInsertInstance : kUpdateInstance);
    query.number(next.revision).blob(row.record).blob(row.checksum).blob(record.id.view());
    if (!creates) query.number(record.revision);
    const Execution done = KH_TRY(query.execute());
    if (done == Execution::NotUnique || db.changed_rows() == 0) {
      return Error{
          Reason::Conflict,
          "instance " + record.id.text() + " was changed by another call in between; read it again",
          {}};
    }
    return {};
  };
  KH_TRY(writer_->submit(apply, std::move(event_json)));
  return next.revision;
}

Result<void> Database::load_instances(const std::function<void(instances::InstanceRecord)>& sink) {
  return load("SELECT id, revision, record, checksum FROM instances",
              [&](const Query& row) -> Result<void> {
                const std::string id = uuid_text(row.blob_at(0));
                instances::InstanceRecord record = KH_TRY(checked_record(
                    row, 2, 3, "instances", "instance", id, instances::decode_instance_record));
                if (!std::ranges::equal(record.id.view(), row.blob_at(0)) ||
                    record.revision != row.number_at(1)) {
                  return damaged_row("instance", id, "its index columns differ from its record");
                }
                sink(std::move(record));
                return {};
              });
}

}  // namespace keyhaven::store
