#include "http/proposal_routes.h"

#include <utility>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "http/instance_routes.h"
#include "http/json.h"
#include "http/key_front.h"
#include "tke/codes.h"
#include "tke/frame.h"

namespace keyhaven::http {
namespace {

using instances::InstanceRecordPtr;
using instances::NewProposal;
using instances::Proposal;
using instances::ProposalId;
using instances::Proposals;
using instances::ProposalState;
using instances::ProposalView;

constexpr std::size_t kMaxSignerInfo = 2048;
constexpr std::size_t kMaxIdText = 64;
constexpr std::size_t kMaxNoteBytes = 4 * instances::kMaxProposalNoteCharacters;

struct Parts {
  const FrameFront& front;
  Proposals& proposals;
};

std::string_view name_of(ProposalState state) {
  switch (state) {
    case ProposalState::Open:
      return "open";
    case ProposalState::Sending:
      return "sending";
    case ProposalState::Sent:
      return "sent";
    case ProposalState::Lapsed:
      return "lapsed";
  }
  fatal(__FILE__, __LINE__, "unknown ProposalState");
}

// --- The answer ---

// Frames and signatures of many proposals would be megabytes: lists do without.
enum class Show : std::uint8_t { Summary, Everything };

void write_command(JsonWriter& json, const Proposal& proposal, const std::string& frame) {
  constexpr std::string_view kPrefix = "requestData.";
  const auto block = tke::parse_admin_block(proposal.block);
  KH_ASSERT(block.has_value());
  json.field("command", tke::name_of_command(block->command));
  json.key("details").begin_object();
  for (const auto& [name, value] : instances::administered_action(frame).details) {
    const std::string_view plain = std::string_view(name).substr(kPrefix.size());
    if (plain != "command" && plain != "signers") json.field(plain, value);
  }
  json.end_object();
  json.field("domain_index", static_cast<std::int64_t>(block->domain_index));
  json.field("domain_instance", static_cast<std::int64_t>(block->domain_instance));
  json.field("module_id", to_hex(block->module_id)).field("counter", to_hex(block->counter));
  json.field("block_sha512", to_hex(crypto::sha512(proposal.block)));
}

void write_signatures(JsonWriter& json, const ProposalView& view, Show show) {
  json.key("signatures").begin_array();
  for (const instances::ProposalSignature& each : view.proposal.signatures) {
    json.begin_object().field("signer", to_hex(each.signer)).field("name", each.signer_name);
    json.field("added_by", each.added_by).date_field("added_at", each.added);
    if (show == Show::Everything) json.key("signer_info").base64(each.signer_info);
    json.end_object();
  }
  json.end_array();
  if (!view.signatures_needed) return;
  json.field("signatures_needed", *view.signatures_needed);
  json.field("commands_before", static_cast<std::int64_t>(view.commands_before));
}

// What the unit answered, in words. Nothing when the answer was lost.
void write_result(JsonWriter& json, const std::string& response) {
  if (response.empty()) return;
  tke::Status status{tke::kInternalError, tke::kNoReason};
  std::string unread;
  const auto frame = tke::parse_response(response);
  if (!frame) {
    unread = frame.error().message;
  } else if (const auto admin = tke::parse_admin_response(frame->payload)) {
    status = {admin->return_code, tke::kNoReason};
    const auto block = tke::parse_admin_response_block(admin->block);
    if (status.ok() && block) status = {block->return_code, block->reason_code()};
  }
  const tke::Explanation explanation = tke::explain(status);
  json.key("result").begin_object();
  json.field("accepted", unread.empty() && status.ok());
  json.field("return_code", static_cast<std::int64_t>(status.return_code));
  json.field("reason_code", static_cast<std::int64_t>(status.reason_code));
  json.field("meaning", unread.empty() ? explanation.meaning : std::string_view(unread));
  json.field("remedy", explanation.remedy).end_object();
}

// Opens an object and leaves it open.
void begin_proposal(JsonWriter& json, const ProposalView& view, Show show) {
  const Proposal& proposal = view.proposal;
  const std::string frame = instances::frame_of(proposal);
  json.begin_object().field("id", proposal.id.text()).field("hsm_id", proposal.unit.text());
  json.field("state", name_of(proposal.state)).text_field_if("cause", proposal.cause);
  write_command(json, proposal, frame);
  json.text_field_if("note", proposal.note);
  json.field("created_by", proposal.created_by).date_field("created_at", proposal.created);
  write_signatures(json, view, show);
  json.text_field_if("sent_by", proposal.sent_by);
  if (proposal.ended.is_set()) json.date_field("ended_at", proposal.ended);
  if (proposal.state == ProposalState::Sent) write_result(json, proposal.response);
  if (show == Show::Summary) return;
  json.key("block").base64(proposal.block);
  if (proposal.state != ProposalState::Sent) return;
  json.field("request", frame).text_field_if("response", proposal.response);
}

Response answer(int status, const ProposalView& view) {
  std::string body;
  JsonWriter json(body);
  begin_proposal(json, view, Show::Everything);
  json.end_object();
  return json_response(status, std::move(body));
}

// --- Steps ---

Result<InstanceRecordPtr> instance_of(Call& call, const Parts& parts) {
  return authorized_instance(call, parts.front.service, call.param("instance"));
}

// The proposal of the path; its instance is authorised before.
Result<ProposalId> proposal_of(Call& call, const Parts& parts, const InstanceRecordPtr& record) {
  const auto id = ProposalId::parse(call.param("proposal"));
  if (!id) return Error{Reason::ProposalNotFound, "the instance has no such proposal", "id"};
  call.set_target(parts.front.service.crn_of(*record) + "proposal:" + id->text());
  return *id;
}

Error missing(std::string_view field) {
  return {Reason::InvalidField, std::string(field) + " is missing", std::string(field)};
}

Result<NewProposal> read_new(Call& call) {
  NewProposal out;
  bool has_unit = false;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "hsm_id") {
      const auto unit = UnitId::parse(KH_TRY(value.text("hsm_id", kMaxIdText)));
      if (!unit)
        return Error{Reason::InvalidField, "hsm_id must be the id of a crypto unit", "hsm_id"};
      out.unit = *unit;
      has_unit = true;
    } else if (name == "block") {
      out.block = KH_TRY(value.base64("block", instances::kMaxProposalBlockBytes));
    } else if (name == "note" && !value.is_null()) {
      out.note = KH_TRY(value.text("note", kMaxNoteBytes));
    }
    return {};
  };
  KH_TRY(read_json(call.body(), visit));
  if (!has_unit) return missing("hsm_id");
  if (out.block.empty()) return missing("block");
  return out;
}

Result<Bytes> read_signature(Call& call) {
  Bytes out;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "signer_info") out = KH_TRY(value.base64("signer_info", kMaxSignerInfo));
    return {};
  };
  KH_TRY(read_json(call.body(), visit));
  if (out.empty()) return missing("signer_info");
  return out;
}

// --- Calls ---

Result<Response> create(const Parts& parts, Call& call) {
  const InstanceRecordPtr record = KH_TRY(instance_of(call, parts));
  NewProposal wanted = KH_TRY(read_new(call));
  call.set_target(parts.front.service.crn_of(*record) + "hsm:" + wanted.unit.text());
  const auto made = parts.proposals.create(record->id, std::move(wanted), call.success_event(201));
  if (!made) return made.error();
  call.set_event_recorded();
  return answer(201, *made);
}

Result<Response> list(const Parts& parts, Call& call) {
  const InstanceRecordPtr record = KH_TRY(instance_of(call, parts));
  const std::vector<ProposalView> all = KH_TRY(parts.proposals.list(record->id));
  call.detail("responseData.totalResources", std::to_string(all.size()));
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("proposals").begin_array();
  for (const ProposalView& each : all) {
    begin_proposal(json, each, Show::Summary);
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(200, std::move(body));
}

Result<Response> read(const Parts& parts, Call& call) {
  const InstanceRecordPtr record = KH_TRY(instance_of(call, parts));
  const ProposalId id = KH_TRY(proposal_of(call, parts, record));
  return answer(200, KH_TRY(parts.proposals.find(record->id, id)));
}

Result<Response> sign(const Parts& parts, Call& call) {
  const InstanceRecordPtr record = KH_TRY(instance_of(call, parts));
  const ProposalId id = KH_TRY(proposal_of(call, parts, record));
  const Bytes signer_info = KH_TRY(read_signature(call));
  const auto view = parts.proposals.sign(record->id, id, signer_info, call.success_event(200));
  if (!view) return view.error();
  call.set_event_recorded();
  return answer(200, *view);
}

Result<Response> send(const Parts& parts, Call& call) {
  const InstanceRecordPtr record = KH_TRY(instance_of(call, parts));
  const ProposalId id = KH_TRY(proposal_of(call, parts, record));
  const instances::Loss loss = KH_TRY(accepted_loss(call));
  // Whoever sends it needs the right to the command too.
  const ProposalView seen = KH_TRY(parts.proposals.find(record->id, id));
  const instances::AdministeredAction asked =
      instances::administered_action(instances::frame_of(seen.proposal));
  KH_TRY(call.authorize(asked.action, {.instance = &record->id}));
  call.detail("requestData.proposalId", id.text());
  std::string transcript_fault;
  const auto pass = [&](const UnitId& unit, const std::string& frame) -> Result<std::string> {
    // With the signatures that the frame has now.
    const instances::AdministeredAction as_sent = instances::administered_action(frame);
    PassedFrame passed = KH_TRY(pass_frame(call, parts.front, record, unit, frame, as_sent, loss));
    transcript_fault = std::move(passed.transcript_fault);
    return std::move(passed.answer);
  };
  instances::SentProposal sent =
      KH_TRY(parts.proposals.send(record->id, id, call.caller()->iam_id, pass));
  sent.proposal.response = std::move(sent.answer);
  std::string body;
  JsonWriter json(body);
  begin_proposal(json, {std::move(sent.proposal), {}, 0}, Show::Everything);
  json.text_field_if("transcript_fault", transcript_fault);
  if (!sent.recorded) {
    json.field("record_fault",
               "the crypto unit has answered, but the proposal could not be marked as sent; that "
               "is found out when it is next read");
  }
  json.end_object();
  return json_response(200, std::move(body));
}

Result<Response> remove(const Parts& parts, Call& call) {
  const InstanceRecordPtr record = KH_TRY(instance_of(call, parts));
  const ProposalId id = KH_TRY(proposal_of(call, parts, record));
  KH_TRY(parts.proposals.remove(record->id, id, call.success_event(204)));
  call.set_event_recorded();
  return empty_response(204);
}

}  // namespace

Routes proposal_routes(const FrameFront& front, Proposals& proposals) {
  using iam::Action;
  const Parts parts{front, proposals};
  const auto row = [parts](Method method, std::string_view pattern, Action action,
                           Result<Response> (*handler)(const Parts&, Call&)) {
    return blocking(method, pattern, action, Check::Handler,
                    [parts, handler](Call& call) { return handler(parts, call); });
  };
  constexpr std::string_view kAll = "/v1/tke/{instance}/proposals";
  constexpr std::string_view kOne = "/v1/tke/{instance}/proposals/{proposal}";
  return {
      row(Method::Post, kAll, Action::TkeProposalCreate, create),
      row(Method::Get, kAll, Action::TkeProposalRead, list),
      row(Method::Get, kOne, Action::TkeProposalRead, read),
      row(Method::Delete, kOne, Action::TkeProposalDelete, remove),
      row(Method::Post, "/v1/tke/{instance}/proposals/{proposal}/signatures",
          Action::TkeProposalSign, sign),
      row(Method::Post, "/v1/tke/{instance}/proposals/{proposal}/send", Action::TkeProposalSend,
          send),
  };
}

}  // namespace keyhaven::http
