// tke mk-share, mk-shares, mk-combine: k-of-n shares of a key part for recovery. No crypto unit is
// asked, and no master key is ever shared: a part alone says nothing about it.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "base/clock.h"
#include "base/file.h"
#include "cli/context.h"
#include "cli/output.h"
#include "cli/paper_output.h"
#include "cli/part_source.h"
#include "cli/tke_verbs.h"
#include "tke/share_file.h"

namespace keyhaven::cli {
namespace {

constexpr std::string_view kShareEnding = ".mkshare";
constexpr std::string_view kTranscriptEnding = ".mkset";
constexpr std::size_t kShortSetDigits = 8;

struct ShareOptions {
  std::string choice;
  unsigned threshold = 0;
  unsigned count = 0;
  std::vector<std::string> signers;
  std::vector<std::string> password_files;
  std::string directory;
  bool paper = false;
  PaperOutput output;
  bool yes = false;
};

// A file that is written when everything is ready.
struct NewFile {
  std::string path;
  SecretBytes content;
};

std::string share_name(const tke::KeyShare& share) {
  return std::to_string(share.share.x) + " of " + std::to_string(share.share_count);
}

std::string file_stem(const std::string& directory, const tke::ShareTranscript& transcript) {
  return directory + '/' + transcript.label + '-' +
         to_hex(transcript.set).substr(0, kShortSetDigits);
}

Result<SecretBytes> sealed_share(Context& context, const ShareOptions& options,
                                 const tke::KeyShare& share,
                                 const tke::ShareTranscript& transcript) {
  const auto index = static_cast<std::size_t>(share.share.x - 1);
  const std::string file =
      options.password_files.empty() ? std::string() : options.password_files[index];
  const SecretBytes password = KH_TRY(new_password_for(
      context, file, "share " + share_name(share) + " of key part " + transcript.label));
  const std::string text = KH_TRY(tke::encode_key_share(share, transcript, password));
  return SecretBytes::copy_of(std::string_view(text));
}

SecretBytes printed_share(Context& context, const ShareOptions& options, const tke::KeyShare& share,
                          const tke::ShareTranscript& transcript) {
  const tke::PaperHeading heading{
      "KEYHAVEN SHARE " + share_name(share) + " OF A KEY PART",
      {{"label", transcript.label},
       {"set", to_hex(transcript.set)},
       {"needed", std::to_string(transcript.threshold) + " shares and the transcript of the set"},
       {"part's hash", tke::pattern_text(transcript.part_hash)},
       {"deployment", deployment_text(context, options.output)},
       {"printed", transcript.made}}};
  return tke::paper_page(tke::PaperKind::Share, heading, tke::paper_content(share),
                         format_of(options.output));
}

Result<std::vector<NewFile>> share_files(Context& context, const ShareOptions& options,
                                         const tke::MadeShares& made, const std::string& stem) {
  std::vector<NewFile> out;
  for (const tke::KeyShare& share : made.shares) {
    const std::string name =
        stem + '-' + std::to_string(share.share.x) + "of" + std::to_string(share.share_count);
    if (options.paper) {
      out.push_back({name + (options.output.format == "html" ? ".html" : ".txt"),
                     printed_share(context, options, share, made.transcript)});
    } else {
      SecretBytes content = KH_TRY(sealed_share(context, options, share, made.transcript));
      out.push_back({name + std::string(kShareEnding), std::move(content)});
    }
  }
  return out;
}

Result<void> check_options(const ShareOptions& options) {
  if (options.signers.empty()) {
    return Error{Reason::InvalidArgument,
                 "the transcript of the shares is signed: give --signer, best of every "
                 "administrator who is present",
                 "signer"};
  }
  if (!options.password_files.empty() &&
      (options.paper || options.password_files.size() != options.count)) {
    return Error{Reason::InvalidArgument,
                 "give one --password-file for each share, in order, or none", "password-file"};
  }
  return {};
}

boost::json::object to_json(const tke::ShareTranscript& transcript) {
  boost::json::array signers;
  for (const tke::TranscriptSignature& one : transcript.signatures)
    signers.push_back(boost::json::object{{"name", one.name}, {"ski", to_hex(one.key.ski())}});
  return {{"set", to_hex(transcript.set)},
          {"part", transcript.label},
          {"hash", tke::pattern_text(transcript.part_hash)},
          {"threshold", transcript.threshold},
          {"shares", transcript.share_count()},
          {"made", transcript.made},
          {"signers", signers}};
}

Result<void> make_shares(Context& context, const ShareOptions& options) {
  KH_TRY(check_options(options));
  const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  if (options.paper) {
    UnitOptions answer;
    answer.yes = options.yes;
    KH_TRY(agree(context, answer,
                 "The " + std::to_string(options.count) +
                     " shares will stand in clear on the pages. Write them?"));
  }
  const auto administrators = KH_TRY(open_administrators(context, files, options.signers));
  const auto parts = KH_TRY(open_key_parts(context, files, {options.choice}));
  const KeyPart& part = parts.front();
  tke::MadeShares made =
      KH_TRY(tke::make_key_shares(part.part, part.label, format_rfc3339(SystemClock().now()),
                                  options.threshold, options.count));
  for (const Administrator& one : administrators)
    KH_TRY(tke::sign_transcript(made.transcript, one.name, *one.signer));
  const std::string stem =
      file_stem(options.directory.empty() ? files.directory() : options.directory, made.transcript);
  const auto shares = KH_TRY(share_files(context, options, made, stem));

  const std::string transcript_path = stem + std::string(kTranscriptEnding);
  KH_TRY(create_file(transcript_path, as_bytes(tke::encode_transcript(made.transcript)), 0600));
  Table table({"SHARE", "FILE"});
  boost::json::array paths;
  for (std::size_t index = 0; index < shares.size(); ++index) {
    KH_TRY(create_file(shares[index].path, shares[index].content.expose(), 0600));
    table.add({share_name(made.shares[index]), shares[index].path});
    paths.push_back(boost::json::string(shares[index].path));
  }
  table.add({"transcript", transcript_path});
  boost::json::object json = to_json(made.transcript);
  json["files"] = paths;
  json["transcript"] = transcript_path;
  return show(context, table, json);
}

Result<void> list_shares(Context& context) {
  const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  const auto paths = KH_TRY(files.paths(kShareEnding));
  Table table({"SET", "KEY PART", "SHARE", "NEEDED", "HASH OF THE PART", "SIGNED BY", "FILE"});
  boost::json::array json;
  for (const std::string& path : paths) {
    const std::string text = KH_TRY(read_text(path, tke::kMaxKeyFileBytes));
    const auto info = tke::inspect_key_share(text);
    if (!info) return Error{Reason::InvalidArgument, path + ": " + info.error().message, {}};
    const tke::ShareTranscript& transcript = info->transcript;
    std::vector<std::string> signers;
    for (const auto& one : transcript.signatures) signers.push_back(one.name);
    table.add({to_hex(transcript.set), transcript.label,
               std::to_string(info->number) + " of " + std::to_string(transcript.share_count()),
               std::to_string(transcript.threshold), tke::pattern_text(transcript.part_hash),
               join(signers, " "), path});
    boost::json::object one = to_json(transcript);
    one["share"] = info->number;
    one["file"] = path;
    json.push_back(std::move(one));
  }
  return show(context, table, boost::json::object{{"shares", json}});
}

struct CombineOptions {
  std::string name;
  ShareChoices choices;
  std::string password_file;
};

Result<void> combine(Context& context, const CombineOptions& options) {
  const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  const KeyPart part = KH_TRY(combine_choices(context, files, options.choices));
  const SecretBytes password =
      KH_TRY(new_password_for(context, options.password_file, "key part " + options.name));
  const KeyPartFile made = KH_TRY(files.add_key_part(options.name, part.part, password));
  Table table({"NAME", "VERIFICATION PATTERN", "FILE"});
  table.add({made.label, tke::pattern_text(made.info.pattern), made.path});
  return show(context, table,
              boost::json::object{{"name", made.label},
                                  {"of", part.label},
                                  {"verification_pattern", tke::pattern_text(made.info.pattern)},
                                  {"file", made.path}});
}

void add_share_verb(CLI::App& tke, Context& context) {
  CLI::App* verb = tke.add_subcommand(
      "mk-share", "split a key part into shares, some of which give it back; signed transcript");
  auto options = std::make_shared<ShareOptions>();
  verb->add_option("part", options->choice, "KEY[:PASSWORDFILE] of the key part")->required();
  verb->add_option("--threshold", options->threshold, "shares that give the part back, 2 to 16")
      ->required()
      ->check(CLI::Range(2, 16));
  verb->add_option("--shares", options->count, "shares that are made, 2 to 16")
      ->required()
      ->check(CLI::Range(2, 16));
  verb->add_option("--signer", options->signers,
                   "administrator who signs the transcript, as in other verbs; may be repeated");
  verb->add_option("--password-file", options->password_files,
                   "file with the password of a share, one for each in order (default: ask)");
  verb->add_flag("--paper", options->paper, "pages to print instead of password-protected files");
  verb->add_option("--directory", options->directory,
                   "where the files are written (default: CLOUDTKEFILES)");
  add_paper_options(*verb, options->output);
  verb->add_flag("--yes,-y", options->yes, "do not ask for confirmation");
  on(*verb, context, [&context, options] { return make_shares(context, *options); });
}

}  // namespace

void add_share_sources(CLI::App& verb, ShareChoices& choices) {
  verb.add_option("--share", choices.shares,
                  "share, FILE[:PASSWORDFILE] or paper[:FILE] (typed, or typed lines in a file); "
                  "may be repeated");
  verb.add_option("--transcript", choices.transcript_files,
                  "signed transcript of a set (default: those in the share files)");
  verb.add_option("--trust-signer", choices.trusted,
                  "subject key identifier of an administrator whose signature on the transcript "
                  "counts, besides those whose signature keys are in CLOUDTKEFILES");
}

void add_tke_share_verbs(CLI::App& tke, Context& context) {
  add_share_verb(tke, context);
  CLI::App* list = tke.add_subcommand("mk-shares", "list the share files in CLOUDTKEFILES");
  on(*list, context, [&context] { return list_shares(context); });
  CLI::App* verb = tke.add_subcommand("mk-combine", "make a key part file from shares");
  auto options = std::make_shared<CombineOptions>();
  verb->add_option("name", options->name, "name of the new key part file")->required();
  add_share_sources(*verb, options->choices);
  verb->add_option("--password-file", options->password_file,
                   "file with the new password of the key part (default: ask)");
  on(*verb, context, [&context, options] { return combine(context, *options); });
}

}  // namespace keyhaven::cli
