// ApiClient: proposals for crypto units and the transcript.
#include "client/connection.h"
#include "client/encode.h"
#include "client/proposals.h"

namespace keyhaven::client {
namespace {

CallSpec units_call(const Endpoint& endpoint, const char* method, const std::string& path,
                    const char* what, Repeat repeat) {
  CallSpec spec;
  spec.base = Base::Units;
  spec.method = method;
  spec.target = "/v1/tke/" + percent_encode(endpoint.instance) + path;
  spec.repeat = repeat;
  spec.what = what;
  return spec;
}

std::string proposal_path(std::string_view id) { return "/proposals/" + percent_encode(id); }

}  // namespace

Result<Proposal> ApiClient::create_proposal(std::string_view hsm_id, ByteView block,
                                            std::string_view note) {
  JsonWriter body;
  body.begin_object().key("hsm_id").string(hsm_id).key("block").base64(block);
  if (!note.empty()) body.key("note").string(note);
  body.end_object();
  CallSpec spec =
      units_call(state_->endpoint, "POST", "/proposals", "create proposal", Repeat::Never);
  spec.body = body.finish();
  spec.has_body = true;
  auto response = KH_TRY(state_->call(spec));
  return parse_proposal(text_of(response.body));
}

Result<std::vector<Proposal>> ApiClient::list_proposals() {
  auto response = KH_TRY(state_->call(
      units_call(state_->endpoint, "GET", "/proposals", "list proposals", Repeat::Safe)));
  return parse_proposals(text_of(response.body));
}

Result<Proposal> ApiClient::get_proposal(std::string_view id) {
  auto response = KH_TRY(state_->call(
      units_call(state_->endpoint, "GET", proposal_path(id), "get proposal", Repeat::Safe)));
  return parse_proposal(text_of(response.body));
}

Result<Proposal> ApiClient::sign_proposal(std::string_view id, ByteView signer_info) {
  JsonWriter body;
  body.begin_object().key("signer_info").base64(signer_info).end_object();
  CallSpec spec = units_call(state_->endpoint, "POST", proposal_path(id) + "/signatures",
                             "sign proposal", Repeat::Never);
  spec.body = body.finish();
  spec.has_body = true;
  auto response = KH_TRY(state_->call(spec));
  return parse_proposal(text_of(response.body));
}

Result<Proposal> ApiClient::send_proposal(std::string_view id, bool accept_key_loss) {
  const char* query = accept_key_loss ? "/send?accept_key_loss=true" : "/send";
  auto response = KH_TRY(state_->call(units_call(
      state_->endpoint, "POST", proposal_path(id) + query, "send proposal", Repeat::Never)));
  return parse_proposal(text_of(response.body));
}

Result<void> ApiClient::delete_proposal(std::string_view id) {
  const auto response = state_->call(
      units_call(state_->endpoint, "DELETE", proposal_path(id), "delete proposal", Repeat::Safe));
  if (response) return {};
  if (state_->repeated() && response.error().reason == Reason::ProposalNotFound)
    return state_->done();
  return response.error();
}

Result<TranscriptPage> ApiClient::transcript(std::uint64_t start, std::uint64_t limit) {
  const std::string path =
      "/transcript?start=" + std::to_string(start) + "&limit=" + std::to_string(limit);
  auto response = KH_TRY(
      state_->call(units_call(state_->endpoint, "GET", path, "read transcript", Repeat::Safe)));
  return parse_transcript(text_of(response.body));
}

}  // namespace keyhaven::client
