#include "cli/transfer_session.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "cli/armour.h"
#include "cli/context.h"
#include "cli/tke_questions.h"
#include "tke/codes.h"

namespace keyhaven::cli {
namespace {

constexpr std::string_view kOfferLabel = "KEYHAVEN TRANSFER OFFER";
constexpr std::size_t kMaxRootBytes = 4096;
constexpr std::size_t kMaxOfferFileBytes = 64 * 1024;
constexpr std::size_t kCorrelationDigits = 8;

void add_valid_option(CLI::App& verb, TransferArguments& arguments, const char* what) {
  verb.add_option("--valid", arguments.valid,
                  std::string("how long ") + what + ": 90m, 24h, 7d (at most 7d)")
      ->capture_default_str();
}

Result<Timestamp> end_of(const TransferArguments& arguments, Timestamp now) {
  const std::int64_t seconds = KH_TRY(parse_validity(arguments.valid));
  return Timestamp::from_seconds(now.seconds() + seconds);
}

// Whether another unit of the instance may have what this one has not.
bool is_elsewhere(const tke::UnitSession& session) {
  const std::uint32_t reason = session.last_status().reason_code;
  return reason == tke::kTransferNotOpen || reason == tke::kNotAServingUnit;
}

}  // namespace

// --- Files ---

Result<tke::AttestationRoot> read_root(const std::string& file, const std::string& option) {
  const std::string text = KH_TRY(read_text(file, kMaxRootBytes));
  auto root = tke::AttestationRoot::parse(text);
  if (root) return root;
  return Error{Reason::InvalidArgument,
               file + ": " + root.error().message +
                   ". The other deployment prints its root with \"keyhaven tke attestation\"",
               option};
}

Result<Bytes> read_offer(const std::string& file) {
  const std::string text = KH_TRY(read_text(file, kMaxOfferFileBytes));
  auto offer = parse_armour(kOfferLabel, text);
  if (offer) return offer;
  return Error{Reason::InvalidArgument, file + ": " + offer.error().message, "offer"};
}

std::string offer_text(ByteView offer) { return armour(kOfferLabel, offer); }

bool is_offer_text(std::string_view text) { return text.find(kOfferLabel) != text.npos; }

// --- What a quorum signs ---

void add_offer_options(CLI::App& verb, TransferArguments& arguments) {
  verb.add_option("--source-root", arguments.source_root,
                  "file with the attestation root of the source's deployment (SKI, X, Y), from its "
                  "administrators and not from the network")
      ->required();
  verb.add_option("--source-instance", arguments.source_instance, "instance whose keys are taken")
      ->required();
  add_valid_option(verb, arguments, "the offer stands");
}

void add_authorize_options(CLI::App& verb, TransferArguments& arguments) {
  verb.add_option("--offer", arguments.offer, "the target's offer")->required();
  verb.add_option("--target-root", arguments.target_root,
                  "file with the attestation root of the target's deployment (SKI, X, Y), from its "
                  "administrators and not from the network")
      ->required();
  add_valid_option(verb, arguments, "keys may leave");
}

void add_consent_options(CLI::App& verb, TransferArguments& arguments) {
  verb.add_option("--bundle", arguments.bundle, "the bundle of keys")->required();
  verb.add_option("--source-root", arguments.source_root,
                  "file with the attestation root of the source's deployment (SKI, X, Y), from its "
                  "administrators and not from the network")
      ->required();
}

Result<std::int64_t> parse_validity(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number);
  std::int64_t unit = 0;
  if (fault == std::errc() && rest + 1 == end) {
    unit = *rest == 's' ? 1 : *rest == 'm' ? 60 : *rest == 'h' ? 3600 : *rest == 'd' ? 86400 : 0;
  }
  const bool fits = unit != 0 && number > 0 && number <= tke::kMaxTransferSeconds / unit;
  if (fits) return number * unit;
  return Error{Reason::InvalidArgument,
               "--valid \"" + text + "\": a time from 1s to 7d, such as 90m, 24h or 7d", "valid"};
}

Result<OfferWish> wish_for_offer(const TransferArguments& arguments, const OwnSide& target,
                                 Timestamp now) {
  OfferWish out;
  out.source_root = KH_TRY(read_root(arguments.source_root, "source-root"));
  const auto source = InstanceId::parse(arguments.source_instance);
  if (!source)
    return Error{Reason::InvalidArgument, "--source-instance is the id of an instance, a UUID",
                 "source-instance"};
  out.input.source_root = out.source_root.key;
  out.input.source = *source;
  out.input.target = target.instance;
  out.input.expires = KH_TRY(end_of(arguments, now));
  return out;
}

Result<Authorization> authorization_of(const TransferArguments& arguments, const OwnSide& source,
                                       Timestamp now) {
  Authorization out;
  const tke::AttestationRoot target_root = KH_TRY(read_root(arguments.target_root, "target-root"));
  out.input.offer = KH_TRY(read_offer(arguments.offer));
  out.offer = KH_TRY(review_offer(out.input.offer, target_root));
  KH_TRY(check_for_source(out.offer, source.instance, source.root, now));
  out.input.target_root = target_root.key;
  out.input.source = source.instance;
  const Timestamp wanted = KH_TRY(end_of(arguments, now));
  out.input.expires = std::min(wanted, out.offer.offer.expires);
  return out;
}

Result<Consent> consent_of(const TransferArguments& arguments, const OwnSide& target) {
  const tke::AttestationRoot source_root = KH_TRY(read_root(arguments.source_root, "source-root"));
  migrate::BundleSummary bundle = KH_TRY(migrate::read_bundle(arguments.bundle));
  OfferReview offer = KH_TRY(review_offer(bundle.head.offer, target.root));
  BundleReview review = KH_TRY(review_bundle(bundle, source_root));
  KH_TRY(check_for_target(offer, review, target.instance));
  const tke::ConsentInput input{review.manifest.id, review.digest, review.manifest.keys};
  return Consent{input, std::move(offer), std::move(review), std::move(bundle)};
}

// --- Units ---

Result<TransferWork> start_transfer(Context& context, const UnitOptions& options) {
  Ceremony ceremony = KH_TRY(Ceremony::open(context, options.trust));
  const std::string chosen = KH_TRY(chosen_instance(context, ceremony.service()));
  const auto instance = InstanceId::parse(chosen);
  if (!instance)
    return Error{Reason::InvalidArgument, "--instance is the id of an instance, a UUID",
                 "instance"};
  tke::AttestationRoot root = KH_TRY(ceremony.root());
  auto administrators = KH_TRY(open_administrators(context, ceremony.files(), options.signers));
  return TransferWork{std::move(ceremony), {*instance, std::move(root)}, std::move(administrators)};
}

Result<Bytes> tell_unit(TransferWork& work, const TransferCommand& command) {
  auto units = KH_TRY(work.ceremony.units_of(work.side.instance.text(), work.side.root));
  Error last{Reason::UnitNotFound, "the instance has no crypto unit that serves keys", "instance"};
  for (CeremonyUnit& unit : units) {
    if (unit.entry.type != client::UnitType::Operational || !unit.entry.joined) continue;
    const tke::DomainAttributes attributes = KH_TRY(unit.session.attributes());
    const tke::Signers signers =
        KH_TRY(signers_for(unit.session, work.administrators, attributes.signature_threshold));
    auto answer = command(unit.session, signers);
    if (answer) return answer;
    last = answer.error();
    last.message = "crypto unit " + unit.entry.location + ": " + last.message;
    if (!is_elsewhere(unit.session)) break;
  }
  return last;
}

Result<client::ApiClient> transfer_api(Context& context, const Uuid& transfer,
                                       const std::optional<InstanceId>& instance) {
  client::ApiClient api = KH_TRY(instance ? context.api() : context.instance_api());
  if (instance) api.set_instance(instance->text());
  KH_TRY(api.set_correlation_prefix(transfer.text().substr(0, kCorrelationDigits)));
  return api;
}

}  // namespace keyhaven::cli
