// instances::InstanceStore.
#include "store/database.h"
#include "store/group_commit.h"
#include "store/row_passes.h"

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
  const SealedRow row = make_sealed_row(instance_row(record.id), instances::encode(next));
  std::string event_json;
  audit::append_json(event_json, event);
  const auto apply = [&](Connection& db, TouchedRows& touched) -> Result<void> {
    touched.put(row);
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
  return load_sealed(SealedTable::Instances, [&](Connection& db, RowCheck& check) {
    return pass_instances(db, check, sink);
  });
}

}  // namespace keyhaven::store
