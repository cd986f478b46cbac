#include "migrate/report.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "base/bytes.h"
#include "base/wire.h"
#include "crypto/hash.h"
#include "migrate/progress.h"

namespace keyhaven::migrate {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "keyhaven migration report 1";

json::array texts(const std::vector<std::string>& values) {
  json::array out;
  for (const std::string& value : values) out.emplace_back(value);
  return out;
}

json::object side_json(const EndpointRef& side) {
  return {{"url", side.url}, {"instance", side.instance}};
}

// A run's own summary, with its time.
json::value run_json(const std::optional<JournalRun>& run) {
  if (!run) return nullptr;
  json::error_code failed;
  json::value summary = json::parse(run->json, failed);
  if (failed || !summary.is_object()) return nullptr;
  json::object out{{"at", format_rfc3339(run->at)}};
  for (const auto& [name, value] : summary.get_object()) out.insert_or_assign(name, value);
  return out;
}

std::uint64_t number_in(const json::value& run, std::string_view name) {
  const json::object* object = run.if_object();
  const json::value* found = object == nullptr ? nullptr : object->if_contains(name);
  boost::system::error_code wrong;
  const auto number = found == nullptr ? 0 : found->to_number<std::uint64_t>(wrong);
  return wrong ? 0 : number;
}

using NoteMap = std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>>;

NoteMap by_key(const std::vector<JournalNote>& notes) {
  NoteMap out;
  for (const JournalNote& note : notes) {
    if (!note.text.empty()) out[note.key][note.kind] = note.text;
  }
  return out;
}

struct Totals {
  std::uint64_t keys = 0;
  std::uint64_t carried = 0;
  std::uint64_t reported = 0;
  std::uint64_t blocked = 0;
  std::uint64_t failed = 0;
  std::uint64_t open = 0;  // planned, and not done yet
  std::uint64_t deks = 0;
};

class Builder {
 public:
  explicit Builder(const ReportSources& sources)
      : sources_(sources), progress_(progress_of(sources.steps)), notes_(by_key(sources.notes)) {}

  json::object build() {
    json::array keys;
    for (const PlannedKey& key : sources_.plan.keys) keys.push_back(key_json(key));
    const json::value rewrap = run_json(sources_.rewrap);
    const json::value verify = run_json(sources_.verify);
    const std::vector<std::string> why = what_is_lacking(verify);
    json::object out;
    out["format"] = kFormat;
    out["result"] = why.empty() ? "verified" : "incomplete";
    out["why"] = texts(why);
    out["made"] = format_rfc3339(sources_.now);
    out["made_by"] = sources_.made_by;
    out["tool"] = json::object{{"name", "keyhaven migrate"}, {"version", sources_.tool_version}};
    out["plan"] = json::object{{"id", sources_.plan.id},
                               {"made", format_rfc3339(sources_.plan.made)},
                               {"sha256", digest_of_text(sources_.plan_text)}};
    out["journal"] = json::object{{"sha256", digest_of_journal(sources_.steps, sources_.notes)},
                                  {"steps", sources_.steps.size()}};
    out["source"] = side_json(sources_.plan.source);
    out["target"] = side_json(sources_.plan.target);
    out["totals"] = json::object{{"keys", totals_.keys},         {"carried", totals_.carried},
                                 {"reported", totals_.reported}, {"blocked", totals_.blocked},
                                 {"failed", totals_.failed},     {"open", totals_.open},
                                 {"wrapped_deks", totals_.deks}};
    out["rewrap"] = rewrap;
    out["verify"] = verify;
    out["cutover"] = run_json(sources_.cutover);
    out["lost"] = texts(sources_.plan.lost);
    out["unknown_keys"] = texts(sources_.plan.unknown_keys);
    out["keys"] = std::move(keys);
    return out;
  }

 private:
  std::string state_of(const PlannedKey& key, const std::string& failure) {
    if (key.action == KeyAction::Blocked) {
      ++totals_.blocked;
      return "blocked";
    }
    if (key.action == KeyAction::Report) {
      ++totals_.reported;
      return "reported";
    }
    if (!failure.empty()) {
      ++totals_.failed;
      return "failed";
    }
    const auto found = progress_.find(key.source);
    if (found != progress_.end() && found->second.is_carried(key)) {
      ++totals_.carried;
      return "carried";
    }
    ++totals_.open;
    return "not done";
  }

  std::string note_of(const std::string& key, std::string_view kind) const {
    const auto found = notes_.find(key);
    if (found == notes_.end()) return {};
    const auto text = found->second.find(kind);
    return text == found->second.end() ? std::string() : text->second;
  }

  json::object key_json(const PlannedKey& key) {
    ++totals_.keys;
    totals_.deks += key.deks;
    const std::string failure = note_of(key.source, "failed");
    json::object out;
    out["source"] = key.source;
    out["name"] = key.name;
    out["kind"] =
        key.root ? (key.imported ? "imported root key" : "generated root key") : "standard key";
    out["action"] = name_of(key.action);
    out["state"] = state_of(key, failure);
    const auto found = progress_.find(key.source);
    std::string target = key.target;
    if (found != progress_.end() && !found->second.target.empty()) target = found->second.target;
    out["target"] = target;
    if (!key.dek_target.empty()) out["deks_wrapped_under"] = key.dek_target;
    out["versions"] = key.versions;
    if (key.imports() > 0) out["versions_imported"] = key.imports();
    out["aliases"] = texts(key.aliases);
    out["wrapped_deks"] = key.deks;
    if (const std::string proof = note_of(key.source, "verified"); !proof.empty())
      out["verified"] = proof;
    if (!failure.empty()) out["failed"] = failure;
    if (!key.blocked.empty()) out["blocked"] = key.blocked;
    out["lost"] = texts(key.lost);
    return out;
  }

  std::vector<std::string> what_is_lacking(const json::value& verify) const {
    std::vector<std::string> out;
    const auto count = [&out](std::uint64_t number, std::string_view what) {
      if (number > 0) out.push_back(std::to_string(number) + " " + std::string(what));
    };
    count(totals_.blocked, "keys are blocked: the plan says what to decide");
    count(totals_.failed, "keys failed: apply the plan again");
    count(totals_.open, "keys are planned and not carried: apply the plan");
    count(sources_.plan.unknown_keys.size(),
          "names of the inventory or the material are no keys of the source");
    if (verify.is_null()) {
      out.emplace_back("nothing was verified: run keyhaven migrate verify");
      return out;
    }
    count(number_in(verify, "deks_different"), "DEKs differ");
    count(number_in(verify, "deks_unverifiable"), "DEKs could not be verified");
    count(number_in(verify, "deks_not_sampled"), "DEKs were left out of the sample");
    count(number_in(verify, "standard_keys") -
              std::min(number_in(verify, "standard_keys"), number_in(verify, "standard_equal")),
          "standard keys differ");
    count(number_in(verify, "metadata_differences"), "differences of metadata");
    count(number_in(verify, "keys_missing"), "keys were missing when it was verified");
    count(number_in(verify, "still_enabled"), "keys are still enabled that should be disabled");
    if (totals_.deks > number_in(verify, "deks") + number_in(verify, "deks_not_sampled"))
      out.emplace_back("the plan counts more wrapped DEKs than were verified");
    if (sources_.rewrap && sources_.verify && sources_.verify->at < sources_.rewrap->at)
      out.emplace_back("DEKs were wrapped anew after the last verification: verify again");
    return out;
  }

  const ReportSources& sources_;
  const std::map<std::string, KeyProgress, std::less<>> progress_;
  const NoteMap notes_;
  Totals totals_;
};

Error not_a_report(std::string_view what) {
  return {Reason::InvalidArgument,
          "this is not a migration report of Keyhaven: " + std::string(what),
          {}};
}

Result<std::string> text_member(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr || !found->is_string()) return not_a_report("its receipt is malformed");
  return std::string(found->get_string());
}

}  // namespace

std::string make_report(const ReportSources& sources) {
  return json::serialize(Builder(sources).build());
}

std::string digest_of_text(std::string_view text) { return to_hex(crypto::sha256(as_bytes(text))); }

std::string digest_of_report(const std::string& document) { return digest_of_text(document); }

std::string digest_of_journal(const std::vector<JournalStep>& steps,
                              const std::vector<JournalNote>& notes) {
  Bytes bytes;
  Writer out(bytes);
  for (const JournalStep& step : steps) {
    out.u8(1);
    for (const std::string* text : {&step.key, &step.step, &step.intent, &step.detail})
      out.text32(*text);
    out.u8(step.done ? 1 : 0);
  }
  for (const JournalNote& note : notes) {
    out.u8(2);
    for (const std::string* text : {&note.key, &note.kind, &note.text}) out.text32(*text);
  }
  return to_hex(crypto::sha256(bytes));
}

std::string to_json(const Report& report) {
  std::string out = "{\"report\":" + report.document + ",\"receipt\":";
  if (report.receipt) {
    out += json::serialize(json::object{{"record", report.receipt->record},
                                        {"checkpoint", report.receipt->checkpoint},
                                        {"public_key", report.receipt->public_key}});
  } else {
    out += "null";
  }
  return out + "}";
}

Result<Report> report_from_json(std::string_view text) {
  json::error_code failed;
  const json::value file = json::parse(text, failed);
  if (failed || !file.is_object()) return not_a_report("it is no JSON object");
  const json::value* document = file.get_object().if_contains("report");
  if (document == nullptr || !document->is_object()) return not_a_report("it has no report");
  const json::value* format = document->get_object().if_contains("format");
  if (format == nullptr || !format->is_string() || format->get_string() != kFormat)
    return not_a_report("its format is another one");
  Report out;
  out.document = json::serialize(*document);
  const json::value* receipt = file.get_object().if_contains("receipt");
  if (receipt == nullptr || receipt->is_null()) return out;
  if (!receipt->is_object()) return not_a_report("its receipt is malformed");
  ReportReceipt& held = out.receipt.emplace();
  held.record = KH_TRY(text_member(receipt->get_object(), "record"));
  held.checkpoint = KH_TRY(text_member(receipt->get_object(), "checkpoint"));
  held.public_key = KH_TRY(text_member(receipt->get_object(), "public_key"));
  return out;
}

std::string text_in(const std::string& document, std::string_view path) {
  json::error_code failed;
  json::value value = json::parse(document, failed);
  while (!failed) {
    const std::size_t dot = path.find('.');
    const json::value* found =
        value.is_object() ? value.get_object().if_contains(path.substr(0, dot)) : nullptr;
    if (found == nullptr) return {};
    json::value next = *found;
    if (dot == std::string_view::npos)
      return next.is_string() ? std::string(next.get_string()) : json::serialize(next);
    path.remove_prefix(dot + 1);
    value = std::move(next);
  }
  return {};
}

}  // namespace keyhaven::migrate
