// tke transcript: what the crypto units of an instance were told, and whether that is what
// administrators and units signed (tke/transcript_check.h).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <map>
#include <ostream>

#include "base/file.h"
#include "cli/context.h"
#include "cli/output.h"
#include "cli/proposal_review.h"
#include "cli/tke_questions.h"
#include "cli/tke_verbs.h"
#include "tke/transcript_check.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kPage = 50;
constexpr std::uint64_t kNewest = 20;
constexpr std::uint64_t kEverything = UINT64_MAX;
constexpr std::size_t kMaxSavedBytes = std::size_t{1} << 30;
constexpr std::size_t kMaxRootBytes = 4096;
constexpr std::size_t kShortDigits = 8;

struct TranscriptOptions {
  UnitOptions unit;
  std::uint64_t start = 0;  // 0: not given
  std::uint64_t limit = 0;
  bool verify = false;
  std::string save;
  std::string from;
  std::string known;  // SEQUENCE:HASH
};

// Entries with what the reader said to want of them.
struct Loaded {
  std::string instance;
  tke::TranscriptRange range;
  std::vector<client::TranscriptEntry> entries;
};

// --- Fetch, load, save ---

Result<Loaded> fetch(UnitService& service, const std::string& instance,
                     const TranscriptOptions& options) {
  client::TranscriptPage page = KH_TRY(service.transcript(instance, 1, 1));
  Loaded out{instance, {page.first, page.last, options.start, true, std::nullopt}, {}};
  const std::uint64_t limit = options.limit != 0                        ? options.limit
                              : options.verify || !options.save.empty() ? kEverything
                                                                        : kNewest;
  std::uint64_t next = options.start;
  if (next == 0 && limit != kEverything && !options.verify)
    next = page.last >= limit ? page.last - limit + 1 : 1;
  next = std::max({next, page.first, std::uint64_t{1}});
  while (next <= page.last && out.entries.size() < limit) {
    page = KH_TRY(service.transcript(instance, next, std::min(kPage, limit - out.entries.size())));
    if (page.entries.empty()) break;
    for (client::TranscriptEntry& entry : page.entries) out.entries.push_back(std::move(entry));
    next = out.entries.back().sequence + 1;
    out.range.last = std::max(out.range.last, page.last);
  }
  // What came while it was read belongs to the next reading.
  if (limit == kEverything && !out.entries.empty()) out.range.last = page.last;
  out.range.whole_end = limit == kEverything;
  return out;
}

Result<Loaded> load(const TranscriptOptions& options) {
  const std::string text = KH_TRY(read_text(options.from, kMaxSavedBytes));
  client::TranscriptPage page = KH_TRY(client::parse_transcript(text));
  boost::system::error_code failed;
  Loaded out;
  const json::value whole = json::parse(text, failed);
  if (const auto* object = failed ? nullptr : whole.if_object()) {
    if (const auto* name = object->if_contains("instance"); name && name->is_string())
      out.instance = std::string(name->get_string());
  }
  if (out.instance.empty())
    return Error{Reason::InvalidArgument, options.from + " is no saved transcript", "from"};
  const std::uint64_t first = page.entries.empty() ? 0 : page.entries.front().sequence;
  out.range = {page.first, page.last, first > page.first ? first : 0, true, std::nullopt};
  out.range.whole_end = page.entries.empty() || page.entries.back().sequence >= page.last;
  out.entries = std::move(page.entries);
  return out;
}

json::object saved_entry(const client::TranscriptEntry& entry) {
  json::array certificates;
  for (const Bytes& each : entry.certificates) certificates.emplace_back(to_base64(each));
  return {{"sequence", entry.sequence},  {"previous", to_hex(entry.previous)},
          {"hash", to_hex(entry.hash)},  {"time", time_text(Timestamp{entry.time_us})},
          {"time_us", entry.time_us},    {"hsm_id", entry.hsm_id},
          {"location", entry.location},  {"caller", entry.caller},
          {"request", entry.request},    {"response", entry.response},
          {"certificates", certificates}};
}

Result<void> save(const Loaded& loaded, const std::string& path) {
  json::array entries;
  for (const client::TranscriptEntry& entry : loaded.entries) entries.push_back(saved_entry(entry));
  const json::object whole{{"instance", loaded.instance},
                           {"first", loaded.range.first},
                           {"last", loaded.range.last},
                           {"entries", std::move(entries)}};
  return write_file_atomic(path, as_bytes(json::serialize(whole) + '\n'), 0600);
}

// --- Verify ---

Result<tke::TranscriptEntry> checkable(const client::TranscriptEntry& entry) {
  tke::TranscriptEntry out;
  out.unit = KH_TRY(Uuid::parse(entry.hsm_id));
  out.sequence = entry.sequence;
  out.previous = entry.previous;
  out.hash = entry.hash;
  out.time_us = entry.time_us;
  out.location = entry.location;
  out.caller = entry.caller;
  out.request = entry.request;
  out.response = entry.response;
  out.certificates = entry.certificates;
  return out;
}

Result<std::pair<std::uint64_t, Digest>> parse_known(const std::string& text) {
  std::pair<std::uint64_t, Digest> out{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out.first);
  const auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
  const auto hash = from_hex(rest.empty() ? rest : rest.substr(1));
  if (failed != std::errc{} || !rest.starts_with(':') || !hash || hash->size() != out.second.size())
    return Error{Reason::InvalidArgument, "--known is SEQUENCE:HASH, as --verify prints it",
                 "known"};
  std::ranges::copy(*hash, out.second.begin());
  return out;
}

// The units' state, read before the entries, so that the entries are never behind it.
Result<std::vector<tke::LiveUnit>> live_units(Ceremony& ceremony, const std::string& instance,
                                              const tke::AttestationRoot& root) {
  std::vector<tke::LiveUnit> out;
  std::vector<CeremonyUnit> units = KH_TRY(ceremony.units_of(instance, root));
  for (CeremonyUnit& unit : units) {
    tke::LiveUnit live;
    live.id = KH_TRY(Uuid::parse(unit.entry.hsm_id));
    live.serial_number = unit.session.target().serial_number;
    live.domain_index = unit.session.target().domain_index;
    live.moment = KH_TRY(unit.session.moment());
    live.administrators = KH_TRY(unit.session.administrators());
    out.push_back(std::move(live));
  }
  return out;
}

Result<tke::TranscriptReport> check(const Loaded& loaded, const tke::AttestationRoot& root,
                                    std::vector<tke::LiveUnit> units) {
  const Uuid instance = KH_TRY(Uuid::parse(loaded.instance));
  tke::TranscriptCheck checker(instance, root, loaded.range, std::move(units));
  for (const client::TranscriptEntry& entry : loaded.entries) {
    const tke::TranscriptEntry one = KH_TRY(checkable(entry));
    checker.add(one);
  }
  return checker.finish();
}

json::array findings_json(const std::vector<tke::TranscriptFinding>& findings) {
  json::array out;
  for (const tke::TranscriptFinding& each : findings)
    out.push_back(json::object{{"sequence", each.sequence}, {"what", each.what}});
  return out;
}

std::string entry_name(std::uint64_t sequence) {
  return sequence == 0 ? std::string("-") : std::to_string(sequence);
}

Result<void> report(Context& context, const tke::TranscriptReport& found,
                    const tke::AttestationRoot& root, std::size_t units) {
  Table table({"ENTRY", "FINDING"});
  for (const auto& each : found.faults)
    table.add({entry_name(each.sequence), "FAILS: " + each.what});
  for (const auto& each : found.notes) table.add({entry_name(each.sequence), "note: " + each.what});
  const std::string newest = std::to_string(found.last) + ':' + to_hex(found.last_hash);
  if (context.wants_json()) {
    print_json(context, json::object{{"ok", found.ok()},
                                     {"entries", found.entries},
                                     {"newest", newest},
                                     {"root_ski", to_hex(root.ski)},
                                     {"crypto_units", units},
                                     {"faults", findings_json(found.faults)},
                                     {"notes", findings_json(found.notes)}});
  } else {
    if (table.rows() != 0) table.print(context.out());
    context.out() << found.entries << " entries checked against attestation root "
                  << to_hex(root.ski) << " and " << units << " crypto units.\n";
    if (found.entries != 0)
      context.out() << "Keep the newest hash elsewhere, for --known: " << newest << '\n';
    if (found.ok()) context.out() << "OK\n";
  }
  if (found.ok()) return {};
  return Error{Reason::Conflict,
               "the transcript does not verify: " + std::to_string(found.faults.size()) +
                   " findings, the first " +
                   (found.faults.front().sequence == 0
                        ? std::string()
                        : "in entry " + std::to_string(found.faults.front().sequence) + ": ") +
                   found.faults.front().what,
               {}};
}

// --- Show ---

std::string answer_text(const tke::ReadEntry& read) {
  switch (read.kind) {
    case tke::ReadEntry::Answer::None:
      return "no answer came";
    case tke::ReadEntry::Answer::Broken:
      return "unreadable answer";
    case tke::ReadEntry::Answer::Unsigned:
    case tke::ReadEntry::Answer::Signed:
      break;
  }
  return read.status.ok() ? std::string("accepted")
                          : "refused: " + std::string(tke::explain(read.status).meaning);
}

std::vector<tke::Ski> all_signers(const tke::ReadEntry& read) {
  std::vector<tke::Ski> out;
  for (const tke::SignerInfo& one : read.signers) out.push_back(one.ski);
  if (!read.block || read.block->command != tke::kImportKeyParts) return out;
  const auto parts = tke::parse_admin_requests(read.block->input, tke::kMaxKeyParts);
  if (!parts) return out;
  for (const tke::AdminRequest& part : *parts) {
    const auto infos = tke::parse_signer_infos(part.signer_infos);
    if (!infos) continue;
    for (const tke::SignerInfo& one : *infos) out.push_back(one.ski);
  }
  return out;
}

Result<void> show_entries(Context& context, const Loaded& loaded) {
  Table table({"ENTRY", "TIME", "LOCATION", "COMMAND", "ANSWER", "SIGNERS", "SENT BY"});
  json::array rows;
  for (const client::TranscriptEntry& entry : loaded.entries) {
    const tke::TranscriptEntry frames = KH_TRY(checkable(entry));
    const tke::ReadEntry read = tke::read_entry(frames);
    const auto text =
        read.request ? tke::describe_block(read.request->block) : Result<tke::BlockText>(Error{});
    json::object row = text ? block_json(*text) : json::object{};
    json::array signers;
    std::string short_signers;
    for (const tke::Ski& ski : all_signers(read)) {
      signers.emplace_back(to_hex(ski));
      short_signers += (short_signers.empty() ? "" : ", ") + to_hex(ski).substr(0, kShortDigits);
    }
    const std::string answer = answer_text(read);
    table.add({std::to_string(entry.sequence), time_text(Timestamp{entry.time_us}), entry.location,
               text ? text->command : "not readable", answer,
               short_signers.empty() ? "-" : short_signers, entry.caller});
    row["sequence"] = entry.sequence;
    row["time"] = time_text(Timestamp{entry.time_us});
    row["hsm_id"] = entry.hsm_id;
    row["location"] = entry.location;
    row["caller"] = entry.caller;
    row["hash"] = to_hex(entry.hash);
    row["answer"] = answer;
    row["accepted"] = read.accepted();
    row["return_code"] = read.status.return_code;
    row["reason_code"] = read.status.reason_code;
    row["signers"] = signers;
    rows.push_back(std::move(row));
  }
  return show(
      context, table,
      json::object{{"first", loaded.range.first}, {"last", loaded.range.last}, {"entries", rows}});
}

// --- The verb ---

// A saved transcript needs no service.
Result<void> run_saved(Context& context, const TranscriptOptions& options) {
  Loaded loaded = KH_TRY(load(options));
  if (!options.verify) return show_entries(context, loaded);
  if (options.unit.trust.root_file.empty())
    return Error{Reason::InvalidArgument,
                 "a saved transcript is verified against --attestation-root FILE",
                 "attestation-root"};
  const std::string text = KH_TRY(read_text(options.unit.trust.root_file, kMaxRootBytes));
  const tke::AttestationRoot root = KH_TRY(tke::AttestationRoot::parse(text));
  if (!options.known.empty()) loaded.range.known = KH_TRY(parse_known(options.known));
  const tke::TranscriptReport found = KH_TRY(check(loaded, root, {}));
  return report(context, found, root, 0);
}

Result<void> run_live(Context& context, const TranscriptOptions& options) {
  if (!options.verify) {
    const auto service = KH_TRY(context.unit_service());
    const std::string instance = KH_TRY(chosen_instance(context, *service));
    const Loaded loaded = KH_TRY(fetch(*service, instance, options));
    if (!options.save.empty()) KH_TRY(save(loaded, options.save));
    return show_entries(context, loaded);
  }
  Ceremony ceremony = KH_TRY(Ceremony::open(context, options.unit.trust));
  const tke::AttestationRoot root = KH_TRY(ceremony.root());
  const std::string instance = KH_TRY(chosen_instance(context, ceremony.service()));
  std::vector<tke::LiveUnit> units = KH_TRY(live_units(ceremony, instance, root));
  Loaded loaded = KH_TRY(fetch(ceremony.service(), instance, options));
  if (!options.save.empty()) KH_TRY(save(loaded, options.save));
  if (!options.known.empty()) loaded.range.known = KH_TRY(parse_known(options.known));
  const std::size_t count = units.size();
  const tke::TranscriptReport found = KH_TRY(check(loaded, root, std::move(units)));
  return report(context, found, root, count);
}

}  // namespace

void add_tke_transcript_verb(CLI::App& tke, Context& context) {
  auto options = std::make_shared<TranscriptOptions>();
  CLI::App* verb = tke.add_subcommand(
      "transcript",
      "what the crypto units were told; --verify: exit status 1 when it does not hold");
  add_trust_options(*verb, options->unit);
  verb->add_option("--start", options->start, "the entry to begin with (default: the newest 20)")
      ->check(CLI::PositiveNumber);
  verb->add_option("--limit", options->limit, "at most so many entries")
      ->check(CLI::PositiveNumber);
  verb->add_flag("--verify", options->verify,
                 "check all entries against the attestation root and the crypto units");
  verb->add_option("--known", options->known,
                   "SEQUENCE:HASH of an earlier --verify, which must still be so")
      ->needs("--verify");
  auto* save_option = verb->add_option("--save", options->save,
                                       "write the entries to this file, all of them unless "
                                       "--start or --limit say otherwise");
  verb->add_option("--from", options->from, "read the entries from a file that --save wrote")
      ->excludes(save_option);
  on(*verb, context, [&context, options] {
    return options->from.empty() ? run_live(context, *options) : run_saved(context, *options);
  });
}

}  // namespace keyhaven::cli
