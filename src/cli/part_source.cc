#include "cli/part_source.h"

#include <algorithm>
#include <ostream>

#include "cli/context.h"
#include "tke/share_file.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxPaperBytes = 16 * 1024;
constexpr int kTriesPerLine = 5;
constexpr std::string_view kPaper = "paper";

// "paper" and "paper:FILE".
bool is_paper(const std::string& choice) {
  return choice == kPaper || choice.starts_with(std::string(kPaper) + ':');
}
std::string paper_file(const std::string& choice) {
  return choice.size() > kPaper.size() ? choice.substr(kPaper.size() + 1) : std::string();
}

Result<void> read_line(Context& context, tke::PaperReader& reader, const std::string& what) {
  const std::string question = what + ", line " + std::to_string(reader.next_line()) + ": ";
  for (int tries = 1;; ++tries) {
    const SecretBytes line = KH_TRY(context.prompt().secret(question));
    const auto added = reader.add(as_text(line.expose()));
    if (added || tries == kTriesPerLine) return added;
    context.err() << added.error().message << "; type it again\n";
  }
}

Result<void> read_lines(tke::PaperReader& reader, std::string_view text) {
  while (!text.empty() && !reader.complete()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    KH_TRY(reader.add(line));
  }
  return {};
}

struct OpenedShares {
  std::vector<tke::KeyShare> shares;
  std::vector<tke::ShareTranscript> transcripts;  // verified; one for each set, as they came
};

void keep_transcript(OpenedShares& opened, tke::ShareTranscript transcript) {
  const bool known =
      std::any_of(opened.transcripts.begin(), opened.transcripts.end(),
                  [&](const tke::ShareTranscript& other) { return other.set == transcript.set; });
  if (!known) opened.transcripts.push_back(std::move(transcript));
}

Result<tke::KeyShare> share_from_file(Context& context, const std::string& choice,
                                      OpenedShares& opened) {
  const auto colon = choice.find(':');
  const std::string path = choice.substr(0, colon);
  const std::string password_file =
      colon == std::string::npos ? std::string() : choice.substr(colon + 1);
  const std::string text = KH_TRY(read_text(path, tke::kMaxKeyFileBytes));
  auto info = tke::inspect_key_share(text);
  if (!info) return Error{Reason::InvalidArgument, path + ": " + info.error().message, {}};
  const std::string what = "share " + std::to_string(info->number) + " of key part " +
                           info->transcript.label + " (" + path + ")";
  const SecretBytes password = KH_TRY(password_for(context, password_file, what));
  auto share = tke::decode_key_share(text, password);
  if (!share) return Error{share.error().reason, what + ": " + share.error().message, {}};
  keep_transcript(opened, std::move(info->transcript));
  return share;
}

Result<std::vector<tke::Ski>> trusted_signers(const CeremonyFiles& files,
                                              const std::vector<std::string>& more) {
  std::vector<tke::Ski> out;
  const auto keys = KH_TRY(files.signature_keys());
  for (const SignatureKeyFile& key : keys) out.push_back(key.info.ski);
  for (const std::string& text : more) {
    const auto bytes = from_hex(text);
    tke::Ski ski{};
    if (!bytes || bytes->size() != ski.size()) {
      return Error{Reason::InvalidArgument, "--trust-signer is 64 hex digits", "trust-signer"};
    }
    std::copy(bytes->begin(), bytes->end(), ski.begin());
    out.push_back(ski);
  }
  return out;
}

Result<void> verify_all(const OpenedShares& opened, const std::vector<tke::Ski>& trusted) {
  for (const tke::ShareTranscript& transcript : opened.transcripts) {
    const auto verified = tke::verify_transcript(transcript, trusted);
    if (verified) continue;
    return Error{verified.error().reason,
                 verified.error().message +
                     "\nTo trust one of them give --trust-signer with the identifier, as "
                     "\"cryptounit-admins\" shows it",
                 "trust-signer"};
  }
  return {};
}

// Transcripts in files of their own are verified before anybody types a share.
Result<OpenedShares> open_shares(Context& context, const CeremonyFiles& files,
                                 const ShareChoices& choices) {
  const auto trusted = KH_TRY(trusted_signers(files, choices.trusted));
  OpenedShares out;
  for (const std::string& path : choices.transcript_files) {
    const std::string text = KH_TRY(read_text(path, tke::kMaxTranscriptBytes));
    auto transcript = tke::parse_transcript(text);
    if (!transcript)
      return Error{Reason::InvalidArgument, path + ": " + transcript.error().message, {}};
    keep_transcript(out, std::move(transcript).value());
  }
  KH_TRY(verify_all(out, trusted));
  for (const std::string& choice : choices.shares) {
    if (is_paper(choice)) {
      const std::string what = "share " + std::to_string(out.shares.size() + 1) + " on paper";
      const SecretBytes content =
          KH_TRY(read_paper(context, tke::PaperKind::Share, paper_file(choice), what));
      tke::KeyShare share = KH_TRY(tke::share_of_paper(content));
      out.shares.push_back(std::move(share));
    } else {
      tke::KeyShare share = KH_TRY(share_from_file(context, choice, out));
      out.shares.push_back(std::move(share));
    }
  }
  KH_TRY(verify_all(out, trusted));
  return out;
}

Result<KeyPart> combine(const tke::ShareTranscript& transcript,
                        const std::vector<const tke::KeyShare*>& shares) {
  KeyPart out{transcript.label, KH_TRY(tke::combine_key_shares(transcript, shares)), {}};
  out.hash = tke::key_part_hash(out.part);
  return out;
}

Error no_transcript() {
  return {Reason::InvalidArgument,
          "shares on paper are checked against the transcript of their set: give --transcript FILE "
          "(NAME.mkset)",
          "transcript"};
}

}  // namespace

Result<SecretBytes> read_paper(Context& context, tke::PaperKind kind, const std::string& file,
                               const std::string& what) {
  tke::PaperReader reader(kind);
  if (!file.empty()) {
    const SecretBytes text = KH_TRY(read_secret(context, file, kMaxPaperBytes, Newline::Keep));
    KH_TRY(read_lines(reader, as_text(text.expose())));
    return reader.content();
  }
  if (!context.prompt().interactive()) {
    return Error{Reason::InvalidArgument,
                 what +
                     " must be typed at a terminal, or its lines be in a file (paper:FILE, - for "
                     "standard input)",
                 "paper"};
  }
  context.err() << what << ": type " << tke::paper_line_count(kind)
                << " lines, the digits or the words of each with its check. Nothing is shown.\n";
  while (!reader.complete()) KH_TRY(read_line(context, reader, what));
  return reader.content();
}

Result<KeyPart> combine_choices(Context& context, const CeremonyFiles& files,
                                const ShareChoices& choices) {
  const OpenedShares opened = KH_TRY(open_shares(context, files, choices));
  if (opened.transcripts.empty()) return no_transcript();
  std::vector<const tke::KeyShare*> shares;
  for (const tke::KeyShare& share : opened.shares) shares.push_back(&share);
  return combine(opened.transcripts.front(), shares);
}

Result<std::vector<KeyPart>> combine_sets(Context& context, const CeremonyFiles& files,
                                          const ShareChoices& choices) {
  const OpenedShares opened = KH_TRY(open_shares(context, files, choices));
  std::vector<KeyPart> out;
  std::size_t used = 0;
  for (const tke::ShareTranscript& transcript : opened.transcripts) {
    std::vector<const tke::KeyShare*> shares;
    for (const tke::KeyShare& share : opened.shares) {
      if (share.set == transcript.set) shares.push_back(&share);
    }
    used += shares.size();
    KeyPart part = KH_TRY(combine(transcript, shares));
    out.push_back(std::move(part));
  }
  if (used < opened.shares.size()) return no_transcript();
  return out;
}

Result<std::vector<KeyPart>> open_parts_anywhere(Context& context, const CeremonyFiles& files,
                                                 const std::vector<std::string>& choices) {
  std::vector<KeyPart> out;
  for (const std::string& choice : choices) {
    if (is_paper(choice)) {
      const std::string what = "key part " + std::to_string(out.size() + 1) + " on paper";
      KeyPart part{
          what, KH_TRY(read_paper(context, tke::PaperKind::Part, paper_file(choice), what)), {}};
      part.hash = tke::key_part_hash(part.part);
      out.push_back(std::move(part));
    } else {
      auto opened = KH_TRY(open_key_parts(context, files, {choice}));
      out.push_back(std::move(opened.front()));
    }
  }
  return out;
}

}  // namespace keyhaven::cli
