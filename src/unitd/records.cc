#include "unitd/records.h"

#include <cstdio>
#include <utility>

#include "crypto/random.h"
#include "unitd/state_file.h"

namespace keyhaven::unitd {
namespace {

constexpr std::string_view kRemedy =
    ". Restore the whole state directory of the unit from one backup; if there is none, start once "
    "with unit.lost_records = \"begin-anew\": every stored record must then be accepted";

Error for_operator(const Error& error) {
  return Error{error.reason, error.message + std::string(kRemedy), {}};
}

std::string path_of(const RecordOptions& options) { return options.state_directory + "/records"; }

// It is from before a start that the journal knows of.
Error older_state(const RecordOptions& options) {
  return Error{Reason::RecordNotAuthentic,  // beginning anew is no remedy for this
               "the unit's state is an older copy than the journal of stored records beside it. If "
               "there is no newer one, set unit.accept_state_counter = " +
                   std::to_string(options.state_counter) +
                   " to go on with it; records whose keys it lacks then count as forged",
               {}};
}

Records make(unit::DomainTable& keys, const RecordOptions& options) {
  Records out;
  unit::RecordKeys held = keys.record_keys();
  out.file = std::make_unique<RecordFile>(options.state_directory, held.journal_key.clone());
  out.table = std::make_unique<unit::RecordTable>(std::move(held), keys, *out.file);
  return out;
}

// The journal that there is.
Result<Records> load(unit::DomainTable& keys, const RecordOptions& options) {
  Records out = make(keys, options);
  const auto tail = KH_TRY(
      out.file->load([&](ByteView entry) -> Result<void> { return out.table->replay(entry); }));
  out.table->replayed();
  const auto run = KH_TRY(out.table->check_run());
  if (run == unit::RecordTable::Run::KeysAreOlder && options.accepted_state == 0)
    return older_state(options);
  if (tail == RecordFile::Tail::Whole) return out;
  out.note = "the end of the journal of stored records was torn by a loss of power and left out";
  // What was cut off must never fit again.
  if (const auto written = out.table->rewrite_journal(); !written)
    out.note += "; it could not be written anew: " + written.error().message;
  return out;
}

// An empty one, under a new key.
Result<Records> begin(unit::DomainTable& keys, const RecordOptions& options) {
  unit::RecordKeys next = keys.record_keys();
  if (!next.scopes.empty()) {
    if (next.losses == UINT8_MAX)
      return Error{Reason::NotSupported, "255 journals of stored records were lost", {}};
    ++next.losses;
  }
  next.journal_key = crypto::random_secret(unit::kRecordKeySize);
  KH_TRY(keys.save_record_keys(next));
  Records out = make(keys, options);
  out.table->replayed();
  KH_TRY(out.table->rewrite_journal());
  return out;
}

// Puts a journal that cannot be used out of the way, for whoever wants to look at it.
Result<void> put_aside(const RecordOptions& options) {
  const std::string path = path_of(options);
  if (!KH_TRY(path_exists(path))) return {};
  if (std::rename(path.c_str(), (path + ".unusable").c_str()) != 0)
    return Error{Reason::Io, "cannot rename " + path, {}};
  sync_directory(options.state_directory);
  return {};
}

Result<Records> find(unit::DomainTable& keys, const RecordOptions& options) {
  const bool exists = KH_TRY(path_exists(path_of(options)));
  const unit::RecordKeys held = keys.record_keys();
  if (!exists && held.journal_key.empty()) return begin(keys, options);
  if (!exists && !held.guarding) return begin(keys, options);  // nothing relied on it yet
  if (exists && held.journal_key.empty()) {
    return Error{Reason::Conflict,
                 "there is a journal of stored records, but the state beside it is from before",
                 {}};
  }
  return load(keys, options);
}

bool may_begin_anew(const Error& error) {
  return error.reason == Reason::NotFound || error.reason == Reason::InvalidArgument ||
         error.reason == Reason::Conflict;
}

}  // namespace

Result<Records> open_records(unit::DomainTable& keys, const RecordOptions& options,
                             std::function<void(const std::string&)> tell) {
  Result<Records> found = find(keys, options);
  const bool is_unusable = !found && may_begin_anew(found.error());
  if (is_unusable && !options.begin_anew) return for_operator(found.error());
  if (!found && !is_unusable) return found;
  std::string note;
  if (is_unusable) {
    note = found.error().message + "; an empty one was begun";
    KH_TRY(put_aside(options));
    found = begin(keys, options);
    if (!found) return found;
  } else if (options.begin_anew) {
    note = "the journal of stored records is good; take unit.lost_records out again";
  }
  Records out = std::move(found).value();
  if (!note.empty()) out.note = note;
  if (options.accept) out.table->accept_at_first_check(*options.accept, std::move(tell));
  const auto status = KH_TRY(out.table->record_status());
  // A full disk must not keep the unit from serving: its keys can still be used.
  if (status.scopes != 0) {
    if (const auto noted = out.table->begin_run(); !noted)
      out.note +=
          (out.note.empty() ? "" : "; ") + ("this start is not noted: " + noted.error().message);
  }
  return out;
}

}  // namespace keyhaven::unitd
