// transfer import: hands a bundle to the target, chunk by chunk. May be run again at any time: keys
// that are there already are counted, not made twice.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"
#include "cli/migrate_session.h"
#include "cli/transfer_session.h"
#include "cli/transfer_verbs.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;
using Outcome = client::ImportedKey::Outcome;

struct ImportArguments {
  std::string bundle;
  bool finish = false;
};

struct Tally {
  std::uint64_t imported = 0;
  std::uint64_t present = 0;
  std::vector<client::ImportedKey> refused;
  std::vector<std::string> unlisted;  // that the bundle's list has otherwise

  void add(const client::ExportedChunk& step, const std::vector<client::ImportedKey>& keys) {
    for (const client::ImportedKey& key : keys) {
      imported += key.outcome == Outcome::Imported;
      present += key.outcome == Outcome::Present;
      if (key.outcome == Outcome::Refused) refused.push_back(key);
      if (std::ranges::find(step.keys, key.id, &client::TransferredKey::id) == step.keys.end())
        unlisted.push_back(key.id.text() + " was in the bundle, and not in its list");
    }
    for (const client::TransferredKey& key : step.keys) {
      if (std::ranges::find(keys, key.id, &client::ImportedKey::id) == keys.end())
        unlisted.push_back(key.id.text() + " is in the bundle's list, and was not in it");
    }
  }
};

json::object summary_of(const migrate::BundleSummary& bundle, const Tally& tally, bool closed) {
  json::array refused;
  for (const client::ImportedKey& key : tally.refused) {
    refused.push_back(json::object{
        {"id", key.id.text()}, {"name", key.name}, {"code", key.code}, {"message", key.message}});
  }
  json::array unlisted(tally.unlisted.begin(), tally.unlisted.end());
  return {{"transfer", bundle.head.transfer.text()},
          {"keys", bundle.keys.size()},
          {"imported", tally.imported},
          {"present", tally.present},
          {"refused", refused},
          {"unlisted", unlisted},
          {"closed", closed}};
}

Result<Tally> import_all(Context& context, client::ApiClient& api, const std::string& path,
                         const migrate::BundleSummary& bundle) {
  Tally tally;
  Reporter reporter(context, "keys", bundle.keys.size());
  migrate::BundleReader reader = KH_TRY(migrate::BundleReader::open(path));
  std::uint64_t done = 0;
  for (;;) {
    const auto step = KH_TRY(reader.next());
    if (!step) return tally;
    if (step->chunk.empty()) continue;
    const auto keys =
        KH_TRY(api.import_chunk(bundle.head.transfer, bundle.manifest, step->index, step->chunk));
    tally.add(*step, keys);
    done += step->keys.size();
    reporter.progress(done, bundle.keys.size());
  }
}

void show_refused(Context& context, const Tally& tally) {
  if (!tally.refused.empty()) {
    Table table({"REFUSED", "NAME", "CODE", "WHY, AND WHAT TO DO"});
    for (const client::ImportedKey& key : tally.refused)
      table.add({key.id.text(), key.name, key.code, key.message});
    table.print(context.err());
  }
  for (const std::string& line : tally.unlisted) context.err() << line << '\n';
}

Result<void> run_import(Context& context, const ImportArguments& arguments) {
  const migrate::BundleSummary bundle = KH_TRY(migrate::read_bundle(arguments.bundle));
  client::ApiClient api = KH_TRY(transfer_api(context, bundle.head.transfer));
  if (api.endpoint().instance != bundle.head.target.text()) {
    return Error{Reason::InvalidArgument,
                 arguments.bundle + " is for instance " + bundle.head.target.text() + ", not for " +
                     api.endpoint().instance + ": choose that instance",
                 "instance"};
  }
  const Tally tally = KH_TRY(import_all(context, api, arguments.bundle, bundle));
  const bool is_clean = tally.refused.empty() && tally.unlisted.empty();
  const bool closes = is_clean || arguments.finish;
  if (closes) KH_TRY(api.close_transfer(bundle.head.transfer));
  const json::object summary = summary_of(bundle, tally, closes);
  const std::string what = std::to_string(tally.imported) + " key(s) imported, " +
                           std::to_string(tally.present) + " there already, " +
                           std::to_string(tally.refused.size()) + " refused";
  if (is_clean) {
    return show_done(context,
                     what +
                         ". The transfer is closed; prove it with \"keyhaven transfer "
                         "verify\".",
                     summary);
  }
  show_refused(context, tally);
  if (context.wants_json()) {
    json::object out = summary;
    out["ok"] = false;
    print_json(context, out);
  }
  if (tally.refused.empty())
    return failed(what + ", but the bundle's list of keys is not what was in it, see above");
  return failed(what + (closes ? ". The transfer is closed: they will not come by it any more"
                               : ". Do what each needs and run the same command again, or give "
                                 "them up with --finish"));
}

}  // namespace

void add_transfer_import(CLI::App& transfer, Context& context) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* verb = transfer.add_subcommand(
      "import", "at the target: import the bundle that the quorum has consented to");
  verb->add_option("--bundle", arguments->bundle, "the bundle of keys")->required();
  verb->add_flag("--finish", arguments->finish,
                 "close the transfer although keys were refused: give them up");
  on(*verb, context, [&context, arguments] { return run_import(context, *arguments); });
}

}  // namespace keyhaven::cli
