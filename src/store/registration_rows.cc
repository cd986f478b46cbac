// keys::KeyStore, the part about registrations and lifecycle events.
#include "store/registration_rows.h"

#include "store/load.h"
#include "store/row_passes.h"

namespace keyhaven::store {
namespace {

using keys::LifecycleEvent;
using keys::Registration;

constexpr const char* kPutRegistration = R"sql(
    INSERT INTO registrations (instance, key, resource_crn, record, checksum) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (instance, key, resource_crn)
    DO UPDATE SET record = excluded.record, checksum = excluded.checksum)sql";
constexpr const char* kDeleteRegistration =
    "DELETE FROM registrations WHERE instance = ? AND key = ? AND resource_crn = ?";
constexpr const char* kPutEvent = R"sql(
    INSERT INTO lifecycle_events (instance, id, key, record, checksum) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (instance, id)
    DO UPDATE SET record = excluded.record, checksum = excluded.checksum)sql";
constexpr const char* kDeleteEvent = "DELETE FROM lifecycle_events WHERE instance = ? AND id = ?";

}  // namespace

SealedRow make_registration_row(const Registration& registration) {
  return make_sealed_row(
      registration_row(registration.instance, registration.key, registration.resource_crn),
      keys::encode(registration));
}

Result<void> change_registrations(Connection& db, const keys::KeyChange& change,
                                  const std::vector<SealedRow>& rows, TouchedRows& touched) {
  for (const keys::RegistrationName& name : change.remove_registrations) {
    touched.remove(registration_row(name.instance, name.key, name.resource_crn));
    KH_TRY(db.query(kDeleteRegistration)
               .blob(name.instance.view())
               .blob(name.key.view())
               .text(name.resource_crn)
               .execute());
    if (db.changed_rows() == 0) {
      return Error{Reason::Conflict, "the registration was removed by another call in between", {}};
    }
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Registration& registration = change.put_registrations[i];
    const SealedRow& row = rows[i];
    touched.put(row);
    KH_TRY(db.query(kPutRegistration)
               .blob(registration.instance.view())
               .blob(registration.key.view())
               .text(registration.resource_crn)
               .blob(row.record)
               .blob(row.checksum)
               .execute());
  }
  return {};
}

Result<void> change_events(Connection& db, const keys::KeyChange& change) {
  for (const auto& [instance, id] : change.remove_events) {
    KH_TRY(db.query(kDeleteEvent).blob(instance.view()).blob(id.view()).execute());
  }
  for (const LifecycleEvent& event : change.put_events) {
    const StoredRow row = make_row("lifecycle_events", keys::encode(event));
    KH_TRY(db.query(kPutEvent)
               .blob(event.instance.view())
               .blob(event.id.view())
               .blob(event.key.view())
               .blob(row.record)
               .blob(row.checksum)
               .execute());
  }
  return {};
}

Result<void> Database::load_registrations(const std::function<void(Registration)>& sink) {
  return load_sealed(SealedTable::Registrations, [&](Connection& db, RowCheck& check) {
    return pass_registrations(db, check, sink);
  });
}

Result<void> Database::load_events(const std::function<void(LifecycleEvent)>& sink) {
  return load(
      "SELECT instance, id, key, record, checksum FROM lifecycle_events",
      [&](const Query& row) -> Result<void> {
        const std::string id = uuid_text(row.blob_at(1));
        LifecycleEvent event = KH_TRY(checked_record(
            row, 3, 4, "lifecycle_events", "lifecycle event", id, keys::decode_lifecycle_event));
        if (!std::ranges::equal(event.instance.view(), row.blob_at(0)) ||
            !std::ranges::equal(event.id.view(), row.blob_at(1)) ||
            !std::ranges::equal(event.key.view(), row.blob_at(2))) {
          return damaged_row("lifecycle event", id, "its index columns differ from its record");
        }
        sink(std::move(event));
        return {};
      });
}

}  // namespace keyhaven::store
