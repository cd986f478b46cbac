#include "server/found_records.h"

#include <algorithm>

namespace keyhaven::server {
namespace {

using instances::RecordCheck;
using instances::RecordFault;
using instances::SuspectRecord;

std::string words_of(const std::map<std::string, std::uint64_t>& counts) {
  std::string out;
  for (const auto& [word, count] : counts)
    out += (out.empty() ? "" : ", ") + word + " " + std::to_string(count);
  return out;
}

audit::Event own_event(std::string action, audit::Outcome outcome, Timestamp now) {
  audit::Event event;
  event.time = now;
  event.action = std::move(action);
  event.severity = "critical";
  event.outcome = outcome;
  event.initiator_id = "keyhaven";
  event.initiator_name = "Keyhaven";
  return event;
}

}  // namespace

void quarantine(keys::Quarantine& out, const RecordCheck& found) {
  std::map<InstanceId, std::size_t> unsettled;
  for (const unit::ScopeDifference& each : found.differences) {
    // A forged or damaged row that stands where a sealed record was counts as missing; one that
    // never was a record keeps nobody from anything.
    unsettled[each.scope] =
        static_cast<std::size_t>(each.old + each.returned + each.newer + each.missing);
  }
  for (const SuspectRecord& each : found.suspects) {
    if (each.fault == RecordFault::StrayAlias) continue;
    // When only its other columns were edited the unit does not miss it, and its blobs are needed.
    const bool has_blobs = each.table == "keys" || each.table == "import_tokens";
    if (each.fault == RecordFault::Damaged && has_blobs) ++unsettled[each.instance];
    if (each.table == "registrations") out.add_registration(each.instance);
    if (each.table == "keys" && each.key)
      out.add_key(each.instance, *each.key, instances::name_of(each.fault));
  }
  for (const auto& [instance, records] : unsettled) out.set_unsettled(instance, records);
}

std::map<std::string, std::uint64_t> counts_of(const RecordCheck& found) {
  std::map<std::string, std::uint64_t> out;
  for (const SuspectRecord& each : found.suspects)
    ++out[std::string(instances::name_of(each.fault))];
  if (found.faults > found.suspects.size()) out["unnamed"] = found.faults - found.suspects.size();
  return out;
}

Result<void> records_in_use(const RecordCheck& found) {
  auto counts = counts_of(found);
  counts.erase(std::string(instances::name_of(RecordFault::StrayAlias)));
  std::uint64_t total = 0;
  for (const auto& [word, count] : counts) total += count;
  if (total == 0) return {};
  return Error{Reason::RecordNotAuthentic,
               std::to_string(total) + " stored records are not in use (" + words_of(counts) +
                   "); `keyhaven store verify` names them",
               {}};
}

audit::Event suspect_event(const RecordCheck& found, Timestamp now) {
  audit::Event event = own_event("hs-crypto.store.verify", audit::Outcome::Failure, now);
  event.reason = name_of(Reason::RecordNotAuthentic);
  event.details.emplace_back("responseData.records", std::to_string(found.records));
  for (const auto& [word, count] : counts_of(found))
    event.details.emplace_back("responseData." + word, std::to_string(count));
  return event;
}

audit::Event sealed_event(std::uint64_t records, Timestamp now) {
  audit::Event event = own_event("hs-crypto.store.seal", audit::Outcome::Success, now);
  event.details.emplace_back("responseData.records", std::to_string(records));
  return event;
}

}  // namespace keyhaven::server
