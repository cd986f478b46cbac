#include "client/proposals.h"

#include <algorithm>

#include "client/errors.h"
#include "client/json_fields.h"

namespace keyhaven::client {
namespace {

constexpr std::size_t kMaxText = 1024;

Error bad(std::string_view what) { return {Reason::BadBody, std::string(what), {}}; }

// A document and the parser that owns what it points to.
class Document {
 public:
  Result<dom::object> root(std::string_view json) {
    dom::element element;
    dom::object object;
    if (parser_.parse(json.data(), json.size()).get(element) != simdjson::SUCCESS ||
        element.get_object().get(object) != simdjson::SUCCESS)
      return bad("the answer is not a JSON object");
    return object;
  }

 private:
  dom::parser parser_;
};

std::string shown(Fields& fields, std::string_view name) {
  return printable(fields.text(name), kMaxText);
}

std::optional<std::uint64_t> optional_count(Fields& fields, std::string_view name) {
  if (!fields.has(name)) return std::nullopt;
  return fields.count(name);
}

// The objects in a list; anything else is refused.
std::vector<dom::object> objects(Fields& fields, std::string_view name) {
  std::vector<dom::object> out;
  for (const dom::element& item : fields.array(name)) {
    dom::object object;
    if (item.get_object().get(object) != simdjson::SUCCESS) {
      fields.refuse(name, "a list of objects");
      break;
    }
    out.push_back(object);
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> details_of(Fields& fields) {
  std::vector<std::pair<std::string, std::string>> out;
  const auto details = fields.object("details");
  if (!details) return out;
  for (const auto& [name, value] : *details) {
    std::string_view text;
    if (value.get_string().get(text) == simdjson::SUCCESS)
      out.emplace_back(printable(name, kMaxText), printable(text, kMaxText));
  }
  return out;
}

std::optional<ProposalOutcome> outcome_of(Fields& fields) {
  const auto object = fields.object("result");
  if (!object) return std::nullopt;
  Fields row(*object);
  ProposalOutcome out{row.boolean("accepted", false),
                      static_cast<std::uint32_t>(row.count("return_code")),
                      static_cast<std::uint32_t>(row.count("reason_code")), shown(row, "meaning"),
                      shown(row, "remedy")};
  fields.adopt(row);
  return out;
}

Result<Proposal> proposal_of(dom::object object) {
  Fields fields(object);
  Proposal out;
  out.id = fields.required_text("id");
  out.hsm_id = fields.required_text("hsm_id");
  out.state = fields.required_text("state");
  out.cause = shown(fields, "cause");
  out.command = shown(fields, "command");
  out.details = details_of(fields);
  out.domain_index = fields.count("domain_index");
  out.domain_instance = fields.count("domain_instance");
  out.module_id = fields.text("module_id");
  out.counter = fields.text("counter");
  out.block_sha512 = fields.text("block_sha512");
  out.note = shown(fields, "note");
  out.created_by = shown(fields, "created_by");
  out.created = fields.time("created_at");
  for (const dom::object& item : objects(fields, "signatures")) {
    Fields row(item);
    ProposalSignature one{row.required_text("signer"),
                          shown(row, "name"),
                          shown(row, "added_by"),
                          row.time("added_at"),
                          {}};
    if (row.has("signer_info")) one.signer_info = row.base64("signer_info");
    out.signatures.push_back(std::move(one));
    fields.adopt(row);
  }
  out.signatures_needed = optional_count(fields, "signatures_needed");
  out.commands_before = optional_count(fields, "commands_before");
  out.sent_by = shown(fields, "sent_by");
  out.ended = fields.time("ended_at");
  out.result = outcome_of(fields);
  if (fields.has("block")) out.block = fields.base64("block");
  out.request = fields.text("request");
  out.response = fields.text("response");
  out.transcript_fault = shown(fields, "transcript_fault");
  out.record_fault = shown(fields, "record_fault");
  return fields.finish(std::move(out));
}

TranscriptEntry entry_of(Fields& fields) {
  TranscriptEntry out;
  out.sequence = fields.count("sequence");
  out.previous = fields.digest("previous");
  out.hash = fields.digest("hash");
  out.time_us = fields.integer("time_us").value_or(0);
  out.hsm_id = fields.required_text("hsm_id");
  out.location = fields.text("location");
  out.caller = fields.text("caller");
  out.request = fields.text("request");
  out.response = fields.text("response");
  for (const std::string& text : fields.texts("certificates")) {
    auto bytes = from_base64(text);
    if (!bytes) fields.refuse("certificates", "a list of base64 texts");
    if (bytes) out.certificates.push_back(std::move(*bytes));
  }
  return out;
}

}  // namespace

Result<Proposal> parse_proposal(std::string_view json) {
  Document document;
  const dom::object root = KH_TRY(document.root(json));
  return proposal_of(root);
}

Result<std::vector<Proposal>> parse_proposals(std::string_view json) {
  Document document;
  const dom::object root = KH_TRY(document.root(json));
  Fields fields(root);
  std::vector<Proposal> out;
  for (const dom::object& item : objects(fields, "proposals")) {
    Proposal one = KH_TRY(proposal_of(item));
    out.push_back(std::move(one));
  }
  return fields.finish(std::move(out));
}

Result<TranscriptPage> parse_transcript(std::string_view json) {
  Document document;
  const dom::object root = KH_TRY(document.root(json));
  Fields fields(root);
  TranscriptPage out;
  out.first = fields.count("first");
  out.last = fields.count("last");
  for (const dom::object& item : objects(fields, "entries")) {
    Fields row(item);
    out.entries.push_back(entry_of(row));
    fields.adopt(row);
  }
  return fields.finish(std::move(out));
}

}  // namespace keyhaven::client
