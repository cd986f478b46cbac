#include "cli/proposal_review.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <string_view>
#include <utility>

#include "crypto/hash.h"
#include "tke/transcript_entry.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

// What the service calls a fact of a command, and where our own text has it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kFacts{{
    {"adminId", "subject key identifier"},
    {"adminId", "administrator removed"},
    {"adminName", "administrator added"},
    {"adminName", "administrator put in the place"},
    {"replacedAdminId", "administrator removed"},
    {"signatureThreshold", "signature threshold"},
    {"revocationSignatureThreshold", "revocation threshold"},
    {"verificationPattern", "verification pattern"},
    {"importerId", "encrypted to importer key"},
}};

// The first row whose line the text has decides.
bool is_fact(const tke::BlockText& text, std::string_view name, const std::string& value) {
  bool known = false;
  for (const auto& [theirs, ours] : kFacts) {
    if (theirs != name) continue;
    known = true;
    const auto line = std::ranges::find(text.about, ours, &tke::BlockLine::name);
    if (line != text.about.end()) return line->value == tke::shown_text(value);
  }
  if (known) return false;
  // Facts without a row above: the whole input, or one of the values.
  return value == to_hex(text.block.input) ||
         std::ranges::any_of(text.about, [&](const auto& line) { return line.value == value; });
}

class Comparison {
 public:
  explicit Comparison(BlockReview& review) : review_(review) {}
  void same(std::string_view what, const std::string& said, const std::string& is) {
    if (said != is)
      review_.contradictions.push_back("the service says " + std::string(what) + " " + said +
                                       ", the block says " + is);
  }

 private:
  BlockReview& review_;
};

Error wrong(const char* what) {
  return {Reason::Forbidden,
          std::string("the answer to the proposal is not trustworthy: ") + what +
              "; look at the crypto unit (\"keyhaven tke cryptounits\", \"keyhaven tke "
              "transcript --verify\") before anything else",
          {}};
}

std::vector<ReviewedSignature> signatures_of(
    const client::Proposal& proposal,
    const std::vector<tke::AdministratorCertificate>& administrators) {
  std::vector<ReviewedSignature> out;
  for (const client::ProposalSignature& one : proposal.signatures) {
    const auto infos = tke::parse_signer_infos(one.signer_info);
    if (!infos || infos->size() != 1) {
      out.push_back({{}, tke::shown_text(one.name), false});
      continue;
    }
    const tke::SignerInfo& info = infos->front();
    const auto known =
        std::ranges::find(administrators, info.ski, &tke::AdministratorCertificate::ski);
    const bool verified = known != administrators.end() &&
                          known->key.verify(proposal.block, info.algorithm, info.signature);
    out.push_back({info.ski,
                   tke::shown_text(known != administrators.end() ? known->name : one.name),
                   verified});
  }
  return out;
}

std::string standing_text(const ProposalReview& review) {
  if (!review.unit) return "the crypto unit is not in the instance any more";
  if (!review.standing) return "-";
  if (review.standing->lapsed) return "lapsed: " + review.standing->cause;
  if (review.standing->commands_before == 0) return "it is the unit's next command";
  return std::to_string(review.standing->commands_before) + " other commands must come before it";
}

}  // namespace

Result<BlockReview> review_block(const client::Proposal& proposal) {
  BlockReview out;
  out.text = KH_TRY(tke::describe_block(proposal.block));
  out.sha512 = to_hex(crypto::sha512(proposal.block));
  const tke::AdminBlock& block = out.text.block;
  Comparison comparison(out);
  comparison.same("SHA-512", proposal.block_sha512, out.sha512);
  comparison.same("command", proposal.command, std::string(tke::name_of_command(block.command)));
  comparison.same("domain", std::to_string(proposal.domain_index),
                  std::to_string(block.domain_index));
  comparison.same("domain instance", std::to_string(proposal.domain_instance),
                  std::to_string(block.domain_instance));
  comparison.same("module", proposal.module_id, to_hex(block.module_id));
  comparison.same("counter", proposal.counter, to_hex(block.counter));
  for (const auto& [name, value] : proposal.details) {
    if (!is_fact(out.text, name, value))
      out.contradictions.push_back("the service says " + name + " " + value +
                                   ", which is not in the block");
  }
  return out;
}

Result<ProposalReview> review_proposal(Ceremony& ceremony, const std::string& instance,
                                       const std::string& id) {
  const tke::AttestationRoot root = KH_TRY(ceremony.root());
  ProposalReview out;
  out.proposal = KH_TRY(ceremony.service().proposal(instance, id));
  out.block = KH_TRY(review_block(out.proposal));
  std::vector<CeremonyUnit> units = KH_TRY(ceremony.units_of(instance, root));
  for (CeremonyUnit& unit : units) {
    if (unit.entry.hsm_id == out.proposal.hsm_id) out.unit = std::move(unit);
  }
  if (!out.unit) return out;
  const auto administrators = KH_TRY(out.unit->session.administrators());
  out.signatures = signatures_of(out.proposal, administrators);
  if (out.proposal.state != "open") return out;
  const tke::UnitMoment moment = KH_TRY(out.unit->session.moment());
  out.standing = tke::standing_of(out.block.text.block, moment);
  out.needed = tke::signatures_needed(out.block.text.block, moment.attributes);
  return out;
}

Result<void> require_sound(const ProposalReview& review) {
  const client::Proposal& proposal = review.proposal;
  if (!review.block.contradictions.empty()) {
    return Error{
        Reason::Forbidden,
        "the service describes the proposal falsely: " + join(review.block.contradictions, "; ") +
            ". Sign nothing, and tell the other administrators",
        "proposal"};
  }
  if (proposal.state != "open") {
    return Error{Reason::ProposalState,
                 "the proposal is " + proposal.state +
                     (proposal.cause.empty() ? std::string() : ": " + proposal.cause),
                 "proposal"};
  }
  if (!review.unit)
    return Error{Reason::UnitNotFound, "the proposal's crypto unit is not in the instance",
                 "proposal"};
  if (review.block.text.block.domain_index != review.unit->session.target().domain_index) {
    return Error{Reason::Forbidden,
                 "the block is for another domain than that of crypto unit " +
                     review.unit->entry.location + ": the service mixes them up. Sign nothing",
                 "proposal"};
  }
  if (review.standing && review.standing->lapsed) {
    return Error{Reason::ProposalState,
                 review.standing->cause + ". Make the proposal anew with \"keyhaven tke propose\"",
                 "proposal"};
  }
  return {};
}

Result<void> check_answer(const ProposalReview& review, const std::string& response) {
  if (response.empty()) {
    return Error{Reason::UnitUnavailable,
                 "the answer of the crypto unit was lost; it may have carried out the command",
                 {}};
  }
  tke::TranscriptEntry entry;
  entry.response = response;
  const tke::ReadEntry read = tke::read_entry(entry);
  if (read.kind == tke::ReadEntry::Answer::Unsigned) return tke::error_of(read.status);
  if (read.kind != tke::ReadEntry::Answer::Signed) return wrong("it is no answer of a crypto unit");
  if (!review.unit) return wrong("the unit's key is not known");
  const auto infos = tke::parse_signer_infos(read.response.signer_infos);
  const crypto::P521PublicKey& key = review.unit->session.module_key();
  if (!infos || infos->size() != 1 || infos->front().ski != tke::ski_of(key.point()) ||
      !key.verify_sha512_der(read.response.block, infos->front().signature))
    return wrong("its signature does not verify");
  const tke::AdminBlock& block = review.block.text.block;
  if (read.answer.command != block.command || read.answer.domain_index != block.domain_index ||
      read.answer.module_id != block.module_id)
    return wrong("it answers another command");
  if (!read.status.ok()) return tke::error_of(read.status);
  if (read.answer.counter != block.counter || read.answer.domain_instance != block.domain_instance)
    return wrong("it accepts another command");
  return {};
}

void add_block_rows(Table& table, const tke::BlockText& text) {
  table.add({"command", text.command});
  for (const tke::BlockLine& line : text.about) table.add({line.name, line.value});
  for (const tke::BlockLine& line : text.frame) table.add({line.name, line.value});
}

json::object block_json(const tke::BlockText& text) {
  json::array about;
  for (const tke::BlockLine& line : text.about)
    about.push_back(json::object{{"name", line.name}, {"value", line.value}});
  return json::object{{"command", text.command},
                      {"about", about},
                      {"understood", text.understood},
                      {"domain_index", text.block.domain_index},
                      {"domain_instance", text.block.domain_instance},
                      {"module_id", to_hex(text.block.module_id)},
                      {"counter", to_hex(text.block.counter)}};
}

Table review_table(const ProposalReview& review) {
  const client::Proposal& proposal = review.proposal;
  Table table({"PROPERTY", "VALUE"});
  table.add({"proposal", proposal.id});
  table.add({"crypto unit", review.unit ? review.unit->entry.location : proposal.hsm_id});
  add_block_rows(table, review.block.text);
  table.add({"standing", standing_text(review)});
  table.add({"block SHA-512", review.block.sha512});
  for (const std::string& each : review.block.contradictions) table.add({"CONTRADICTION", each});
  if (!proposal.note.empty()) table.add({"note", proposal.note});
  table.add({"proposed by", proposal.created_by + ", " + time_text(proposal.created)});
  table.add({"state", proposal.state});
  if (!proposal.cause.empty()) table.add({"cause", proposal.cause});
  for (const ReviewedSignature& each : review.signatures)
    table.add({"signed by", each.name + "  " + to_hex(each.signer) +
                                (each.verified ? "  verified" : "  DOES NOT VERIFY")});
  if (review.standing)
    table.add({"signatures",
               std::to_string(review.signatures.size()) + " of " + std::to_string(review.needed)});
  if (proposal.result) {
    const client::ProposalOutcome& result = *proposal.result;
    table.add({"answer", result.accepted ? std::string("accepted") : "refused: " + result.meaning});
  }
  return table;
}

json::object review_json(const ProposalReview& review) {
  const client::Proposal& proposal = review.proposal;
  json::object out = block_json(review.block.text);
  out["id"] = proposal.id;
  out["hsm_id"] = proposal.hsm_id;
  out["location"] = review.unit ? json::value(review.unit->entry.location) : json::value();
  out["block_sha512"] = review.block.sha512;
  json::array contradictions;
  for (const std::string& each : review.block.contradictions) contradictions.emplace_back(each);
  out["contradictions"] = contradictions;
  out["note"] = proposal.note;
  out["created_by"] = proposal.created_by;
  out["created_at"] = time_text(proposal.created);
  out["state"] = proposal.state;
  out["cause"] = proposal.cause;
  json::array signatures;
  for (const ReviewedSignature& each : review.signatures)
    signatures.push_back(json::object{
        {"ski", to_hex(each.signer)}, {"name", each.name}, {"verified", each.verified}});
  out["signatures"] = signatures;
  if (review.standing) {
    out["signatures_needed"] = review.needed;
    out["lapsed"] = review.standing->lapsed;
    out["commands_before"] = review.standing->commands_before;
  }
  if (proposal.result) {
    out["accepted"] = proposal.result->accepted;
    out["meaning"] = proposal.result->meaning;
  }
  return out;
}

}  // namespace keyhaven::cli
