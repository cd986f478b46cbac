// transfer verify: proves that both sides hold the same keys, by using them.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/migrate_session.h"
#include "cli/transfer_session.h"
#include "cli/transfer_verbs.h"
#include "migrate/transfer_proof.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;
using migrate::EndpointRef;
using migrate::KeyProof;
using migrate::KeyVerdict;

struct VerifyArguments {
  EndpointRef source;
  EndpointRef target;
  std::string bundle;
  unsigned jobs = 4;
};

Result<migrate::Side> side_of(Context& context, const EndpointRef& given, const Settings& settings,
                              const InstanceId& instance, const Uuid& transfer) {
  EndpointRef ref = with_defaults(given, settings);
  ref.instance = instance.text();
  if (ref.url.empty()) {
    return Error{Reason::InvalidArgument,
                 "no service is chosen; give --source-url and --target-url, or KH_URL", "url"};
  }
  return make_side(context, ref, transfer.text());
}

std::string findings_of(const KeyProof& key) {
  return key.differences.empty() ? key.how : join(key.differences, "; ");
}

json::object proof_json(const migrate::BundleSummary& bundle, const migrate::TransferProof& proof) {
  json::array keys;
  for (const KeyProof& key : proof.keys) {
    keys.push_back(
        json::object{{"id", key.id.text()},
                     {"name", key.name},
                     {"result", migrate::name_of(key.verdict)},
                     {"material", key.how},
                     {"differences", json::array(key.differences.begin(), key.differences.end())}});
  }
  return {{"transfer", bundle.head.transfer.text()},
          {"equal", proof.count(KeyVerdict::Equal)},
          {"different", proof.count(KeyVerdict::Different)},
          {"not_provable", proof.count(KeyVerdict::NotProvable)},
          {"keys", keys}};
}

Result<void> run_verify(Context& context, const VerifyArguments& arguments) {
  const migrate::BundleSummary bundle = KH_TRY(migrate::read_bundle(arguments.bundle));
  const migrate::BundleHead& head = bundle.head;
  const Settings settings = KH_TRY(context.settings());
  const migrate::Side source =
      KH_TRY(side_of(context, arguments.source, settings, head.source, head.transfer));
  const migrate::Side target =
      KH_TRY(side_of(context, arguments.target, settings, head.target, head.transfer));
  migrate::TransferProof proof;
  {
    Reporter reporter(context, "keys", bundle.keys.size());
    proof = KH_TRY(migrate::prove_transfer(bundle.keys, source, target, arguments.jobs, reporter));
  }
  Table table({"KEY", "RESULT", "NAME", "HOW, OR WHAT DIFFERS"});
  for (const KeyProof& key : proof.keys) {
    table.add(
        {key.id.text(), std::string(migrate::name_of(key.verdict)), key.name, findings_of(key)});
  }
  json::object out = proof_json(bundle, proof);
  const std::uint64_t different = proof.count(KeyVerdict::Different);
  out["ok"] = different == 0;
  KH_TRY(show(context, table, out));
  const std::string words =
      std::to_string(proof.count(KeyVerdict::Equal)) + " of " + std::to_string(proof.keys.size()) +
      " key(s) proved equal, " + std::to_string(proof.count(KeyVerdict::NotProvable)) +
      " equal by their metadata, in a state in which their material cannot be tried";
  if (different > 0) return failed(words + ", " + std::to_string(different) + " different");
  if (!context.wants_json()) context.out() << words << ".\n";
  return {};
}

}  // namespace

void add_transfer_verify(CLI::App& transfer, Context& context) {
  auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* verb = transfer.add_subcommand(
      "verify", "prove that both sides hold the same keys: use each on both, compare the rest");
  verb->add_option("--bundle", arguments->bundle, "the bundle of keys")->required();
  add_endpoint(*verb, "source", arguments->source, NeedsInstance::No);
  add_endpoint(*verb, "target", arguments->target, NeedsInstance::No);
  verb->add_option("--jobs", arguments->jobs, "connections at a time")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  on(*verb, context, [&context, arguments] { return run_verify(context, *arguments); });
}

}  // namespace keyhaven::cli
