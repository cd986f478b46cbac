// What the verbs of `transfer`, and the proposals of their commands, share: the files that go
// between two deployments, the inputs that a quorum signs, and one side's units.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/tke_verbs.h"
#include "cli/transfer_review.h"
#include "client/api_client.h"
#include "migrate/transfer_bundle.h"
#include "tke/transfer.h"

namespace keyhaven::cli {

class Context;

// --- Files ---
// The attestation root of the other deployment. Errors: InvalidArgument.
Result<tke::AttestationRoot> read_root(const std::string& file, const std::string& option);
// An armoured offer. Errors: InvalidArgument.
Result<Bytes> read_offer(const std::string& file);
std::string offer_text(ByteView offer);
bool is_offer_text(std::string_view text);

// --- What a quorum signs ---
// As the options of the verbs name it; each command uses some of them.
struct TransferArguments {
  std::string source_root;      // FILE
  std::string target_root;      // FILE
  std::string source_instance;  // id
  std::string valid = "24h";
  std::string offer;   // FILE
  std::string bundle;  // FILE
};
void add_offer_options(CLI::App& verb, TransferArguments& arguments);
void add_authorize_options(CLI::App& verb, TransferArguments& arguments);
void add_consent_options(CLI::App& verb, TransferArguments& arguments);

// "90m", "24h", "7d", "3600s" in seconds: 1 s to 7 days. Errors: InvalidArgument.
Result<std::int64_t> parse_validity(const std::string& text);

// This side of a transfer.
struct OwnSide {
  InstanceId instance;
  tke::AttestationRoot root;
};
struct OfferWish {
  tke::OfferInput input;
  tke::AttestationRoot source_root;
};
Result<OfferWish> wish_for_offer(const TransferArguments& arguments, const OwnSide& target,
                                 Timestamp now);
struct Authorization {
  tke::AuthorizeInput input;
  OfferReview offer;
};
// Verifies the offer. Errors: as review_offer and check_for_source; InvalidArgument.
Result<Authorization> authorization_of(const TransferArguments& arguments, const OwnSide& source,
                                       Timestamp now);
struct Consent {
  tke::ConsentInput input;
  OfferReview offer;
  BundleReview review;
  migrate::BundleSummary bundle;
};
// Verifies the whole bundle. Errors: as review_bundle and check_for_target; InvalidArgument.
Result<Consent> consent_of(const TransferArguments& arguments, const OwnSide& target);

// --- Units ---
struct TransferWork {
  Ceremony ceremony;
  OwnSide side;
  std::vector<Administrator> administrators;
};
// For the chosen instance. Errors: those of Ceremony and of opening administrators.
Result<TransferWork> start_transfer(Context& context, const UnitOptions& options);

// Signs a command with as many of the administrators as the unit's threshold says and sends it to
// one serving unit of the instance; to the next one where a unit serves not, or has not this
// transfer open. Errors: signers_for's, the unit's.
using TransferCommand = std::function<Result<Bytes>(tke::UnitSession&, const tke::Signers&)>;
Result<Bytes> tell_unit(TransferWork& work, const TransferCommand& command);

// A client of `instance`, else of the chosen one, whose calls name the transfer: its first hex
// digits are those of each correlation id.
Result<client::ApiClient> transfer_api(Context& context, const Uuid& transfer,
                                       const std::optional<InstanceId>& instance = {});

}  // namespace keyhaven::cli
